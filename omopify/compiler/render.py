"""Print a plan as SQL: one template of ``sql/`` for each kind of statement, readable when rendered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from jinja2 import Environment, FunctionLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from omopify.compiler.plan import MapPlan, Plan, Statement, chunks
from omopify.compiler.typed import literal, quoted
from omopify.errors import OmopifyError, Problem
from omopify.resources import data


def render(template: str, **values: object) -> str:
    """Render one template of ``sql/`` (its path below that folder); every name it asks for must be given."""
    return _environment().get_template(template).render(**values).strip()


def render_text(text: str, **values: object) -> str:
    """Render a template that a user wrote, in a sandbox and with our filters; every name must be given.

    Raises:
        OmopifyError: OM804 the template is wrong.
    """
    try:
        return _users_environment().from_string(text).render(**values).strip()
    except TemplateSyntaxError as error:
        raise OmopifyError(Problem("OM804", f"line {error.lineno} of the template is wrong: {error.message}")) from None
    except TemplateError as error:
        raise OmopifyError(Problem("OM804", f"the template is wrong: {error.message}")) from None
    except (ArithmeticError, TypeError, ValueError, AttributeError, LookupError) as error:
        # A template is a small program of the user's: whatever it raises is a mistake in it.
        raise OmopifyError(Problem("OM804", f"the template is wrong ({type(error).__name__})")) from None


MAP_ROWS = ("rows_read", "rows_used", "rows_filtered", "rows_deduplicated", "rows_rejected")
"""The first numbers of a map's accounting: the columns of ``audit.map_rows``."""


def statements(plan: MapPlan) -> Iterator[Statement]:
    """Yield the statements of one map in the order in which they run."""
    counted: dict[str, int] = {}

    def count(condition: str) -> int:
        return counted.setdefault(condition, len(MAP_ROWS) + len(counted))

    def one(kind: str, writes: str = "", needs: int | None = None, **values: object) -> Statement:
        sql = render(f"steps/{kind}.sql.jinja", step=plan, **values)
        return Statement(plan.name, kind, sql, plan.at, writes, needs)

    if plan.lookups:
        yield one("values")
        yield one("concepts")
    yield one("map")
    if plan.lookups:
        yield one("lookups")
    behind = [*_written(plan, one, count), *_listed(plan, one, count)]
    yield one("accounting", counted=tuple(counted))
    yield from behind


def _written(plan: MapPlan, one: Callable[..., Statement], count: Callable[[str], int]) -> Iterator[Statement]:
    listed = False
    for output in plan.outputs:
        rows = count(f"_status = 'used' AND ({output.condition})" if output.condition else "_status = 'used'")
        if output.linked and not listed:
            listed = True
            yield one("parents")
        if output.id_column:
            yield one("ids", output.table, rows, output=output)
        yield one("write", output.table, rows, output=output)
        if output.referenced:
            yield one("referenced", output.table, output=output)
        yield one("origins", output.table, rows, output=output)
    if plan.named and not listed:
        yield one("parents")


def _listed(plan: MapPlan, one: Callable[..., Statement], count: Callable[[str], int]) -> Iterator[Statement]:
    if plan.filters:
        yield one("filters")
    left_out = "_target = 1 AND _status IN ('filtered', 'deduplicated')"
    yield one("left_out", needs=count(left_out), left_out=left_out)
    yield one("rejects", needs=MAP_ROWS.index("rows_rejected"))
    for column, findings in chunks("_issues", plan.issues) if plan.issues else ():
        rows = count(f"{column} <> 0")
        yield one("issues", needs=rows, findings=findings, column=column, table="value_issues", word="reason")
    for column, findings in chunks("_imputed", plan.imputations) if plan.imputations else ():
        rows = count(f"{column} <> 0")
        yield one("issues", needs=rows, findings=findings, column=column, table="imputations", word="rule")
    if plan.unmapped:
        lost = " OR ".join(f"({unmapped.condition})" for unmapped in plan.unmapped)
        yield one("unmapped", needs=count(f"_left_out IS NULL AND ({lost})"))


def clean_up(plan: MapPlan, *, last: bool = False) -> Iterator[Statement]:
    """Yield the statements that drop a map's working tables; ``last``: also those that other maps read."""
    parents = plan.parents and (last or not plan.named)
    suffixes = [*((" values", " concepts") if plan.lookups else ()), *((" parents",) if parents else ()), ""]
    for suffix in suffixes:
        yield Statement(plan.name, "clean", render("steps/clean.sql.jinja", name=plan.name + suffix))


def scopes(plan: Plan) -> Iterator[Statement]:
    """Yield the statements that find the subjects in scope."""
    for scope in plan.scopes:
        yield Statement(scope.name, "scope", render("steps/scope.sql.jinja", scope=scope))


def script(plan: MapPlan) -> str:
    """Return all SQL of one map as one text: what ``omopify sql`` shows and the golden files hold."""
    parts = [f"-- {s.kind}{f' {s.table}' if s.table else ''}\n{s.sql};" for s in statements(plan)]
    return f"-- map {plan.name}\n\n" + "\n\n".join(parts) + "\n"


@cache
def _environment() -> Environment:
    def load(name: str) -> tuple[str, str, None]:
        path = data("sql", *name.split("/"))
        return path.read_text(encoding="utf-8"), str(path), None

    environment = Environment(
        loader=FunctionLoader(load),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return _with_filters(environment)


@cache
def _users_environment() -> Environment:
    return _with_filters(
        SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)
    )


def _with_filters(environment: Environment) -> Environment:
    environment.filters["identifier"] = quoted
    environment.filters["literal"] = literal
    environment.filters["quoted"] = quoted
    environment.filters["value"] = _value
    return environment


def _value(value: str | int | None) -> str:
    return "NULL" if value is None else literal(value) if isinstance(value, str) else str(value)
