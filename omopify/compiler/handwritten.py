"""The way out of the language: one SELECT in a file, with declared inputs and outputs.

It is held to the same rules as everything else: it names what it reads and what it gives, keeps the place of
each row (``_file``, ``_row``), and its rows go through the same conversion, checks and accounting.
"""

from __future__ import annotations

from functools import lru_cache

import sqlglot
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment
from sqlglot import exp
from sqlglot.errors import SqlglotError

from omopify.compiler.relations import PROVENANCE, Context, Relation
from omopify.compiler.typed import BOOLEAN, DATE, DATETIME, INTEGER, NUMBER, TEXT, Typed, quoted
from omopify.errors import Location, did_you_mean
from omopify.specs.project import LoadedMap, read_text

_FORBIDDEN = (
    "read_", "glob", "getenv", "rand", "uuid", "gen_random", "now", "today", "current_", "nextval", "sniff_", "setseed",
    "local", "age", "txid_", "get_current", "transaction_", "version", "pg_", "query",
)  # fmt: skip
"""How functions begin that read files, or that give another result tomorrow."""

_READ = {
    TEXT: "CAST({} AS varchar)",
    NUMBER: "o_num(CAST({} AS varchar))",
    INTEGER: "o_whole(o_num(CAST({} AS varchar)))",
    BOOLEAN: "o_bool(CAST({} AS varchar))",
    DATE: "o_date(CAST({} AS varchar), '%Y-%m-%d')",
    DATETIME: (
        "coalesce(o_datetime(CAST({0} AS varchar), '%Y-%m-%d'), "
        "CAST(o_date(CAST({0} AS varchar), '%Y-%m-%d') AS timestamp))"
    ),
}
"""How a column that a SELECT gives is read as the type that the map declares; what cannot be read is empty."""


def handwritten(loaded: LoadedMap, context: Context) -> Relation | None:
    """Read the map's SQL file and return it as something to select from; note what is wrong with it."""
    spec, problems = loaded.spec, context.problems
    assert spec.sql is not None
    path = loaded.folder / spec.sql
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError):
        near = did_you_mean(path.name, [p.name for p in path.parent.glob("*.sql*")])
        problems.add("OM116", f"there is no readable file '{spec.sql}'", spec.at("sql"), near)
        return None
    try:
        facts: dict[str, object] = {name: context.trial.fact(name) for name in context.trial.fact_names()}
        facts["disease_control_weeks"] = [int(week) for week in context.trial.disease_control_weeks]
        sql = SandboxedEnvironment(undefined=StrictUndefined).from_string(text).render(trial=facts).strip().rstrip(";")
        tree = _parsed(sql)
    except TemplateError as error:
        line = error.lineno if isinstance(error, TemplateSyntaxError) else 1
        problems.add("OM341", f"the template is wrong: {error.message}", Location(str(path), line, 1))
        return None
    except (ArithmeticError, TypeError, ValueError, AttributeError, LookupError) as error:
        # A template is a small program of the user's: whatever it raises is a mistake in it.
        problems.add("OM341", f"the template is wrong ({type(error).__name__})", Location(str(path), 1, 1))
        return None
    except SqlglotError as error:
        details = (getattr(error, "errors", None) or [{}])[0]
        place = Location(str(path), int(details.get("line") or 1), int(details.get("col") or 1))
        words = str(details.get("description") or "it ends too early").lower()
        problems.add("OM342", f"this is not SQL: {words}", place)
        return None
    if not _is_safe(tree, loaded, context, Location(str(path), 1, 1)):
        return None
    ctes = [f"{quoted(n)} AS (SELECT * FROM source.{quoted(n)})" for n in spec.reads if n in context.pack.sources]
    before = f"    WITH {', '.join(ctes)}\n" if ctes else ""
    casts = [f"{_READ[kind].format(quoted(name))} AS {quoted(name)}" for name, kind in spec.gives.items()]
    given = ", ".join([*PROVENANCE, *casts])
    table = f"(\n{before}    SELECT {given} FROM (\n{sql}\n    ) AS handwritten)"
    columns = {name: Typed(quoted(name), kind, ("%Y-%m-%d",)) for name, kind in spec.gives.items()}
    return Relation(spec.sql, table, columns, {}, True, {})


@lru_cache(maxsize=128)
def _parsed(sql: str) -> exp.Expr:
    """Return the tree of a SELECT, which is only looked at: a check on every save parses each text once."""
    return sqlglot.parse_one(sql, dialect="duckdb")


def columns_read(loaded: LoadedMap, context: Context) -> list[tuple[str, str]]:
    """Return the source columns that a handwritten SELECT mentions: (source, column)."""
    spec = loaded.spec
    if not spec.sql:
        return []
    text = read_text(loaded.folder / spec.sql).casefold()
    found = []
    for name in spec.reads:
        relation = context.relation(name)
        if relation and name in context.pack.sources:
            found += [(name, column) for column in relation.columns if column.casefold() in text]
    return found


def _is_safe(tree: exp.Expr, loaded: LoadedMap, context: Context, at: Location) -> bool:
    spec, problems = loaded.spec, context.problems
    before = len(problems.errors)
    if not isinstance(tree, exp.Query):
        problems.add("OM342", "the file must hold one SELECT", at)
        return False
    own = {cte.alias_or_name.casefold() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        name = f"{table.db}.{table.name}" if table.db else table.name
        if not isinstance(table.this, exp.Identifier):
            problems.add("OM343", "a SELECT may not read files or call table functions", at)
        elif name not in spec.reads and name.casefold() not in own:
            hint = did_you_mean(name, spec.reads) or "name it under 'reads:'"
            problems.add("OM343", f"the SELECT reads '{name}', which is not under 'reads:'", at, hint)
    for function in tree.find_all(exp.Func):
        known = [function.name] if isinstance(function, exp.Anonymous) else function.sql_names()
        name = next((n.casefold() for n in known if n.casefold().startswith(_FORBIDDEN)), "")
        if name:
            shown = function.sql(dialect="duckdb").partition("(")[0].lower()
            problems.add("OM343", f"the function '{shown}' may not be used: a run must give the same result twice", at)
    if tree.find(exp.TableSample):
        problems.add("OM343", "a sample may not be taken: a run must give the same result twice", at)
    for name in spec.reads:
        if context.relation(name) is None:
            hint = did_you_mean(name, context.relation_names())
            problems.add("OM310", f"there is no source or table '{name}'", spec.at("reads"), hint)
    missing = [c for c in (*PROVENANCE, *spec.gives) if c.casefold() not in {n.casefold() for n in tree.named_selects}]
    if "*" in tree.named_selects:
        problems.add("OM344", "the SELECT gives '*'", at, "name each column that it gives")
    elif missing:
        hint = "the SELECT must give _file and _row (of the row it is about) and every column under 'gives:'"
        problems.add("OM344", f"the SELECT does not give {', '.join(repr(m) for m in missing)}", at, hint)
    return len(problems.errors) == before
