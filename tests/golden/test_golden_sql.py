"""The SQL of every shipped map: as text that is reviewed, as statements that parse, and inside the portable subset.

``pytest tests/golden --update-golden`` rewrites the text; read the difference before it is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from omopify.compiler.functions import FUNCTIONS
from omopify.compiler.plan import Plan, Statement
from omopify.compiler.planner import make_plan
from omopify.compiler.render import scopes, script, statements
from omopify.errors import Problem, Problems
from omopify.resources import data
from omopify.specs.project import load_pack

SQL = Path(__file__).parent / "sql"
PACKS = sorted(path.parent.name for path in data("mappings").glob("*/trial.yaml"))

# What templates and maps may use besides plain names and calls of o_*: what DuckDB, Spark and PostgreSQL write and
# mean alike. Whatever is not here needs a look at the three of them, and mostly a function in sql/functions/.
STRUCTURE = """
    Alias CTE Column Create DataType Distinct Drop Filter From Group Having Identifier Insert Join Literal Order Ordered
    Paren Schema Select Star Subquery Table TableAlias Tuple Union Values Var Where Window WindowSpec With
"""
OPERATORS = """
    Add And Between BitwiseAnd Boolean Case DPipe Div EQ Exists GT GTE If In Is LT LTE Like Mul NEQ Neg Not Null
    NullSafeEQ NullSafeNEQ Or Sub
"""
FUNCTION_CALLS = """
    Abs Anonymous Avg Cast Ceil Chr Coalesce Count DenseRank Extract FirstValue Floor Greatest Lag Lead Least Left
    Length Lower Max Min Nullif Replace Right Round RowNumber SplitPart StrPosition Substring Sum Trim Upper
"""
PORTABLE = frozenset(f"{STRUCTURE} {OPERATORS} {FUNCTION_CALLS}".split())
TYPES = frozenset(["TEXT", "VARCHAR", "INT", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN"])


@cache
def compiled(pack: str) -> tuple[Plan | None, tuple[Problem, ...]]:
    problems = Problems()
    loaded = load_pack(data("mappings", pack), problems)
    plan = make_plan(loaded, {}, problems) if loaded else None
    return None if problems.errors else plan, tuple(problems.errors)


@cache
def owners() -> dict[tuple[str, str], str]:
    """Return every map once, as (trial, map): the pack it belongs to; a shared one by the first trial that uses it."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for pack in PACKS:
        loaded = load_pack(data("mappings", pack), Problems())
        for one in loaded.maps if loaded and compiled(pack)[0] else ():
            found.setdefault((one.pack, one.spec.map), (pack, one.spec.map))
    return {trial_and_map: owner for (owner, _), trial_and_map in found.items()}


def all_maps() -> list[tuple[str, str]]:
    return list(owners())


def statements_of(pack: str, name: str) -> Iterator[Statement]:
    plan = compiled(pack)[0]
    assert plan is not None
    yield from (statement for step in plan.maps if step.name == name for statement in statements(step))


def not_portable(sql: str) -> list[str]:
    """Return what a statement uses outside the portable subset; parsing it raises if it is no SQL."""
    trees = sqlglot.parse(sql, dialect="duckdb")
    assert len(trees) == 1, "one statement at a time"
    assert trees[0] is not None
    found = []
    for node in trees[0].walk():
        kind = type(node).__name__
        if kind not in PORTABLE or (isinstance(node, exp.Anonymous) and not node.name.startswith("o_")):
            found.append(f"{kind}: {node.sql('duckdb')[:80]}")
        elif isinstance(node, exp.DataType) and node.this.value not in TYPES:
            found.append(f"type {node.sql('duckdb')}")
        # Options of a node that change what it means, and that the node's name does not show.
        elif isinstance(node, exp.Insert) and node.args.get("by_name"):
            found.append("INSERT BY NAME")
        elif isinstance(node, exp.Star) and (node.args.get("except_") or node.args.get("replace")):
            found.append("SELECT * EXCLUDE or REPLACE")
        elif isinstance(node, exp.Join) and (node.args.get("method") or node.side == "LATERAL"):
            found.append(f"{node.args.get('method')} JOIN")
        elif isinstance(node, exp.Select) and any(node.args.get(word) for word in ("qualify", "limit", "laterals")):
            found.append("QUALIFY, LIMIT or LATERAL")
        elif isinstance(node, exp.Group) and node.args.get("all"):
            found.append("GROUP BY ALL")
    return found


def test_packs_are_there() -> None:
    assert PACKS


@pytest.mark.parametrize("pack", PACKS)
def test_the_shipped_packs_compile_without_data(pack: str) -> None:
    plan, errors = compiled(pack)
    assert not errors, "\n".join(map(str, errors))
    assert plan is not None


@pytest.mark.parametrize(("pack", "name"), all_maps())
def test_the_sql_of_a_map_is_as_reviewed(pack: str, name: str, golden: Callable[[str, str], None]) -> None:
    plan = compiled(pack)[0]
    assert plan is not None
    golden(f"sql/{owners()[pack, name]}/{name}.sql", "".join(script(step) for step in plan.maps if step.name == name))


@pytest.mark.parametrize(("pack", "name"), all_maps())
def test_the_sql_of_a_map_parses_and_stays_in_the_portable_subset(pack: str, name: str) -> None:
    for statement in statements_of(pack, name):
        assert not_portable(statement.sql) == [], f"in the statement '{statement.kind}'"


@pytest.mark.parametrize("pack", PACKS)
def test_the_scopes_of_a_trial_stay_in_the_portable_subset(pack: str) -> None:
    plan = compiled(pack)[0]
    for statement in scopes(plan) if plan else ():
        assert not_portable(statement.sql) == []


def test_no_golden_file_is_left_of_a_map_that_is_gone(pytestconfig: pytest.Config) -> None:
    wanted = {SQL / owner / f"{name}.sql" for (_, name), owner in owners().items()}
    broken = {pack for pack in PACKS if compiled(pack)[0] is None}
    stale = [path for path in SQL.rglob("*.sql") if path not in wanted and path.parent.name not in broken]
    if pytestconfig.getoption("--update-golden"):
        for path in stale:
            path.unlink()
        return
    assert stale == []


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if function.sql])
def test_the_functions_of_the_language_stay_in_the_portable_subset(name: str) -> None:
    assert not_portable("SELECT " + FUNCTIONS[name].sql.format("a", "b", "c")) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT try_cast(a AS integer) FROM t",
        "SELECT strptime(a, '%Y') FROM t",
        "SELECT date_diff('day', a, b) FROM t",
        "SELECT regexp_matches(a, 'x') FROM t",
        "SELECT md5(a) FROM t",
        "SELECT a FROM t QUALIFY row_number() OVER (ORDER BY a) = 1",
        "SELECT * EXCLUDE (a) FROM t",
        "SELECT a, count(*) FROM t GROUP BY ALL",
        "SELECT a FROM t ASOF JOIN u USING (a)",
        "SELECT a FROM t LIMIT 1",
        "SELECT [a, b] FROM t",
        "SELECT unnest(a) FROM t",
        "SELECT a::interval FROM t",
        "SELECT CAST(a AS hugeint) FROM t",
        "INSERT INTO t BY NAME SELECT a FROM u",
        "UNPIVOT t ON a, b INTO NAME n VALUE v",
        "COPY t TO 'file'",
        "SELECT a FROM read_csv('file')",
    ],
)
def test_what_is_not_portable_is_found(sql: str) -> None:
    assert not_portable(sql)
