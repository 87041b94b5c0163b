"""Checks that are a query: one row per judged row, which says whether it violates the rule.

The query is shipped (``sql/quality``) or stands in a steward's suite.  It gives ``row_id``, ``violated`` (NULL where
the row is not judged) and, where a check is judged part by part, ``part``.  A line may stand for many rows that are
right, and says in ``times`` for how many: rows that exist only as a number need not be made up.  The counts and the
list of failing rows are made from the same query, so that they cannot disagree.
"""

from __future__ import annotations

import re
import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import get_args

from omopify.compiler.render import render, render_text
from omopify.engines.duckdb import DuckDB
from omopify.errors import OmopifyError
from omopify.quality.model import Check, Context, Measurement, Part
from omopify.resources import data
from omopify.specs.quality import ExpectationSpec, FewViolationsKwargs, Schema, SuiteFile

NO_ROWS = "no rows to judge"
"""Why a check does not apply that found nothing to judge."""

_ENDING = ".sql.jinja"

_FOLDERS = ("oncology", "trial")
"""The folders of ``sql/quality`` that hold queries of checks; others hold queries of another shape."""

_TOGETHER = 16
"""How many checks are counted in one statement."""

_MISSING = {
    "dsp": "the result has no harmonised tables",
    "audit": "the result has no account of its rows",
    "last": "there is no earlier delivery to compare with",
}


@cache
def shipped_queries() -> tuple[str, ...]:
    """Return the names of the shipped queries: their paths below ``sql/quality``, without the ending."""
    paths = (path for folder in _FOLDERS for path in data("sql", "quality", folder).glob(f"*{_ENDING}"))
    return tuple(sorted(f"{path.parent.name}/{path.name.removesuffix(_ENDING)}" for path in paths))


def expand(suite: SuiteFile, spec: ExpectationSpec, context: Context) -> tuple[Check, ...]:
    """Return the one check of an expectation of the type ``expect_few_violations``."""
    kwargs = FewViolationsKwargs.model_validate(spec.kwargs)
    meta = suite.meta_of(spec)
    assert meta.table is not None
    schema, _, table = meta.table.partition(".")
    parameters: dict[str, object] = {"needs": list(meta.needs), "parameters": kwargs.parameters}
    parameters |= {"sql": kwargs.sql} if kwargs.sql is not None else {"rows": kwargs.rows}
    if kwargs.parts:
        parameters["parts"] = kwargs.parts
    check = Check(
        id=f"{suite.name}.{kwargs.check}",
        suite=suite.name,
        type=kwargs.check,
        schema=next(known for known in get_args(Schema) if known == schema),
        table=table,
        column=meta.column,
        level="FIELD" if meta.column else "TABLE",
        category=meta.category or "Plausibility",
        subcategory=meta.subcategory,
        context=meta.context or "Verification",
        severity=spec.severity,
        max_pct=kwargs.max_pct,
        description=spec.description.strip(),
        causes=spec.notes.strip(),
        unit=meta.unit or "rows",
        parameters=parameters,
    )
    try:
        listing = render("quality/violations/rows.sql.jinja", rows=_query(check, context))
    except OmopifyError:  # measuring says why
        listing = ""
    return (replace(check, rows_sql=listing),)


def measure(db: DuckDB, checks: Sequence[Check], context: Context) -> list[Measurement]:
    """Count the judged and the violating rows of each check, several checks in one statement.

    A query that fails is an error of its own check only.
    """
    tables = tables_of(db)
    found: dict[str, Measurement] = {}
    ready = []
    for check in checks:
        reason = missing(check, context, tables)
        if reason:
            found[check.id] = Measurement(check.id, not_applicable=reason)
            continue
        try:
            ready.append(_prepared(db, check, context))
        except _CannotBeAsked as why:
            found[check.id] = Measurement(check.id, error=str(why))
    for start in range(0, len(ready), _TOGETHER):
        some = ready[start : start + _TOGETHER]
        for measurement in _counted(db, some):
            found[measurement.check_id] = measurement
    return [found[check.id] for check in checks]


def tables_of(db: DuckDB) -> dict[str, list[str]]:
    """Return the columns of the result's tables, by ``schema.table``."""
    found: dict[str, list[str]] = {}
    for name, column in db.rows(render("quality/violations/table_columns.sql")):
        found.setdefault(name, []).append(column)
    return found


def missing(check: Check, context: Context, tables: Container[str]) -> str | None:
    """Return in words what a check needs and the result does not have; None if all is there."""
    needs = check.parameters["needs"]
    assert isinstance(needs, (list, tuple))
    for need in (check.schema, *needs, f"{check.schema}.{check.table}"):
        schema, _, name = need.partition(".")
        if not name and need not in context.schemas:
            return _MISSING[need]
        if schema == "trial" and not context.facts.get(name):
            return f"the trial does not say '{name}'"
        if name and schema != "trial":
            table = f"{context.cdm}.{name}" if schema == "cdm" else need
            if table not in tables:
                return f"the result has no table {need}"
    return None


class _CannotBeAsked(Exception):
    """Why a query cannot be asked, in words that hold no value of the data."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A check with its query."""

    check: Check
    number: int
    rows: str
    has_parts: bool
    has_times: bool


def _query(check: Check, context: Context) -> str:
    values = {"trial": context.facts, "parameters": check.parameters["parameters"], "cdm": context.cdm}
    values["dsp"] = sorted(context.tables)
    if "sql" in check.parameters:
        return render(f"quality/{check.parameters['sql']}{_ENDING}", **values)
    return render_text(str(check.parameters["rows"]), **values).rstrip("; \n")


def _prepared(db: DuckDB, check: Check, context: Context) -> _Ready:
    """Look at what a query gives before it is asked: this finds what is wrong with it without reading data."""
    rows = ""
    try:
        rows = _query(check, context)
        if not db.is_one_query(rows):  # what is put around it would not keep a second statement from running
            raise _CannotBeAsked(REASONS["ParserException"])
        described = db.rows(render("quality/violations/columns.sql.jinja", rows=rows))
    except OmopifyError as error:
        raise _CannotBeAsked(_reason(error, rows)) from None
    columns = {str(name).lower(): str(kind) for name, kind, *_ in described}
    for name in ("row_id", "violated"):
        if name not in columns:
            raise _CannotBeAsked(f"the query gives no column '{name}'")
    if columns["violated"] != "BOOLEAN":
        raise _CannotBeAsked(f"the query's column 'violated' is {columns['violated']}, and should be BOOLEAN")
    return _Ready(check, 0, rows, "part" in columns, "times" in columns)


def _counted(db: DuckDB, ready: Sequence[_Ready]) -> list[Measurement]:
    numbered = [replace(one, number=number) for number, one in enumerate(ready)]
    started = time.perf_counter()
    try:
        counts = db.rows(render("quality/violations/count.sql.jinja", checks=numbered))
    except OmopifyError as error:
        if len(ready) > 1:
            return [measurement for one in ready for measurement in _counted(db, [one])]
        return [Measurement(ready[0].check.id, error=_reason(error, ready[0].rows))]
    seconds = (time.perf_counter() - started) / len(ready)
    by_number: dict[int, list[Part]] = {}
    for number, name, violated, judged in counts:
        by_number.setdefault(number, []).append(Part(name or "", violated, judged))
    return [_measurement(one, by_number.get(one.number, []), seconds) for one in numbered]


def _measurement(one: _Ready, counts: Sequence[Part], seconds: float) -> Measurement:
    violated, judged = sum(part.violated for part in counts), sum(part.denominator for part in counts)
    if judged == 0:
        return Measurement(one.check.id, 0, 0, not_applicable=NO_ROWS, seconds=seconds)
    parts = _named(one, [part for part in counts if part.denominator]) if one.has_parts else ()
    return Measurement(one.check.id, violated, judged, parts=parts, seconds=seconds)


def _named(one: _Ready, counts: Sequence[Part]) -> tuple[Part, ...]:
    """Return the parts by name; in a steward's own query only names that stand in the suite: others may be data."""
    counts = sorted(counts, key=lambda part: part.name)
    limits = one.check.parameters.get("parts", {})
    assert isinstance(limits, dict)
    if "rows" in one.check.parameters:
        written = [part.name in limits or f"'{part.name}'" in one.rows for part in counts]
        counts = [
            part if known else replace(part, name=f"part {number}")
            for number, (part, known) in enumerate(zip(counts, written, strict=True), 1)
        ]
    return tuple(counts)


REASONS = {
    "BinderException": "the query names a column that does not exist, or puts together what does not fit",
    "CatalogException": "the query names a table or a function that does not exist",
    "ParserException": "the query is no SQL, or more than one SELECT",
    "ConversionException": "a value cannot be read as the type that the query asks for; try_cast leaves it empty",
    "InvalidInputException": "a value cannot be used as the query uses it",
    "OutOfRangeException": "a value is too large for what the query does with it",
    "PermissionException": "the query reads a file, and may not",
}
"""What went wrong, by the kind of the database's error."""


_BEFORE_READING = ("BinderException", "CatalogException", "ParserException")
"""Kinds of errors that are about the query: they are found before a row is read."""


def _reason(error: OmopifyError, rows: str) -> str:
    """Say why a query failed. The database's words may quote values: only words that stand in the query are shown."""
    kind = type(error.__cause__).__name__
    reason = REASONS.get(kind, error.problems[0].message)
    if kind in _BEFORE_READING:
        words = re.findall(r'"([^"]+)"|with name (\S+)', str(error.__cause__).partition("\n")[0])
        named = [word for pair in words for word in pair if word and word in rows]
        return f"{reason}: '{named[0]}'" if named else reason
    return reason
