"""Print a plan as SQL: one template of ``sql/`` for each kind of statement, readable when rendered."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from jinja2 import Environment, FunctionLoader, StrictUndefined

from omopify.compiler.plan import MapPlan, Plan, Statement, chunks
from omopify.compiler.typed import literal, quoted
from omopify.resources import data


def render(template: str, **values: object) -> str:
    """Render one template of ``sql/`` (its path below that folder); every name it asks for must be given."""
    return _environment().get_template(template).render(**values).strip()


def statements(plan: MapPlan) -> Iterator[Statement]:
    """Yield the statements of one map in the order in which they run."""

    def one(kind: str, writes: str = "", **values: object) -> Statement:
        return Statement(plan.name, kind, render(f"steps/{kind}.sql.jinja", step=plan, **values), plan.at, writes)

    if plan.lookups:
        yield one("values")
        yield one("concepts")
    yield one("map")
    if plan.lookups:
        yield one("lookups")
    listed = False
    for output in plan.outputs:
        if output.linked and not listed:
            listed = True
            yield one("parents")
        if output.id_column:
            yield one("ids", output.table, output=output)
        yield one("write", output.table, output=output)
        if output.referenced:
            yield one("referenced", output.table, output=output)
        if output.row_id:
            yield one("origins", output.table, output=output)
    if plan.named and not listed:
        yield one("parents")
    yield one("accounting")
    if plan.filters:
        yield one("filters")
    yield one("rejects")
    for column, findings in chunks("_issues", plan.issues) if plan.issues else ():
        yield one("issues", findings=findings, column=column, table="value_issues", word="reason")
    for column, findings in chunks("_imputed", plan.imputations) if plan.imputations else ():
        yield one("issues", findings=findings, column=column, table="imputations", word="rule")
    if plan.unmapped:
        yield one("unmapped")


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
    environment.filters["identifier"] = quoted
    environment.filters["literal"] = literal
    environment.filters["quoted"] = quoted
    environment.filters["value"] = _value
    return environment


def _value(value: str | int | None) -> str:
    return "NULL" if value is None else literal(value) if isinstance(value, str) else str(value)
