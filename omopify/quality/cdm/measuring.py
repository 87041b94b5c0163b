"""Ask the database: plan checks into few statements, run them, and say what cannot be asked and why."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.errors import OmopifyError
from omopify.quality.cdm.ways import Way, reads, way_of
from omopify.quality.model import Check, Context, Measurement

AT_ONCE = 100
"""How many checks share a statement; DuckDB plans longer ones slowly."""

_INTEGERS = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
)
_WHOLE_TABLE = ("measurePersonCompleteness", "measureConditionEraCompleteness")
"""Types of checks that say something about an empty table."""


@dataclass(slots=True)
class _Known:
    """What is known about a database before any check is measured."""

    columns: Mapping[str, Mapping[str, str]]
    """The type of each column, by table."""
    rows: dict[str, int] = field(default_factory=dict)
    filled: dict[tuple[str, str], int] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    """Tables that cannot be read (views of something that is gone), and why."""

    def has(self, table: str, column: str | None = None) -> bool:
        return table in self.columns and (column is None or column in self.columns[table])


def measure(db: DuckDB, checks: Sequence[Check], context: Context) -> list[Measurement]:
    """Count violated and judged rows for each check, in the order of the checks.

    A statement that the database refuses is asked again check by check, so that one broken column hides nothing; what
    is still refused becomes the error of its check.

    Raises:
        OmopifyError: OM591 or OM592 memory or disk did not suffice.
    """
    known = _know(db, checks, context)
    found: dict[str, Measurement] = {}
    together: dict[tuple[Way, str, str | None], list[Check]] = defaultdict(list)
    for check in checks:
        settled = _settled(check, known)
        if settled:
            found[check.id] = settled
        else:
            way = way_of(check)
            together[way, check.table, check.column if way in ("gender", "unit") else None].append(check)
    for (way, _, _), asked in together.items():
        for first in range(0, len(asked), AT_ONCE):
            part = asked[first : first + AT_ONCE]
            found.update((m.check_id, m) for m in _ask(db, way, part, context, known))
    return [_applied(check, found[check.id], known) for check in checks]


def _know(db: DuckDB, checks: Sequence[Check], context: Context) -> _Known:
    columns: dict[str, dict[str, str]] = defaultdict(dict)
    for table, column, type_ in db.rows(render("quality/cdm/columns.sql"), {"schema": context.cdm}):
        columns[table][column] = type_
    known = _Known(columns)
    wanted: dict[str, dict[str, None]] = {"condition_occurrence": {}} if known.has("condition_occurrence") else {}
    for check in checks:
        if known.has(check.table):
            names = wanted.setdefault(check.table, {})
            if check.column and known.has(check.table, check.column):
                names[check.column] = None
    for answer in _one_or_each(db, wanted, context, known):
        table, rows, filled = answer
        known.rows[table] = rows
        known.filled.update(((table, column), n) for column, n in zip(wanted[table], filled, strict=True))
    return known


def _one_or_each(
    db: DuckDB, wanted: Mapping[str, Iterable[str]], context: Context, known: _Known
) -> list[tuple[Any, ...]]:
    if not wanted:
        return []
    try:
        return db.rows(_filled(wanted, context))
    except OmopifyError as error:
        _must_be_refusal(error)
    answers = []
    for table, names in wanted.items():
        try:
            answers += db.rows(_filled({table: names}, context))
        except OmopifyError as error:
            known.broken[table] = _refusal(error)
    return answers


def _filled(wanted: Mapping[str, Iterable[str]], context: Context) -> str:
    columns = {table: list(names) for table, names in wanted.items()}
    return render("quality/cdm/filled.sql.jinja", columns=columns, cdm=context.cdm)


def _settled(check: Check, known: _Known) -> Measurement | None:
    """Return what a check comes to without a statement of its own, or None if it needs one."""
    table, column = check.table, check.column
    if check.type == "cdmTable":
        return Measurement(check.id, int(not known.has(table)), 1)
    if not known.has(table):
        return Measurement(check.id, not_applicable=f"Table {table.upper()} does not exist.")
    if check.type == "cdmField":
        return Measurement(check.id, int(not known.has(table, column)), 1)
    if not known.has(table, column):
        name = f"{table}.{column}".upper()
        return Measurement(check.id, not_applicable=f"Field {name} does not exist.")
    if check.type == "measureConditionEraCompleteness" and not known.has("condition_occurrence"):
        return Measurement(check.id, not_applicable="Table CONDITION_OCCURRENCE does not exist.")
    if missing := _missing(check, known):
        return Measurement(check.id, error=f"this check also reads {missing}, which does not exist")
    if table in known.broken:
        return Measurement(check.id, error=known.broken[table])
    rows = known.rows[table]
    if not rows and check.type not in _WHOLE_TABLE:
        return Measurement(check.id, 0, 0)
    if column and way_of(check) == "filled":
        return Measurement(check.id, rows - known.filled[table, column], rows)
    if column and check.type == "cdmDatatype" and known.columns[table][column] in _INTEGERS:
        return Measurement(check.id, 0, rows)
    return None


def _missing(check: Check, known: _Known) -> str | None:
    for table, column in reads(check):
        if not known.has(table):
            return f"the table {table}"
        if not known.has(table, column):
            return f"the field {table}.{column}"
    return None


def _ask(db: DuckDB, way: Way, checks: Sequence[Check], context: Context, known: _Known) -> Iterator[Measurement]:
    start = time.perf_counter()
    try:
        counted = _count(db, way, checks, context, known)
    except OmopifyError as error:
        _must_be_refusal(error)
        if len(checks) == 1:
            yield Measurement(checks[0].id, error=_refusal(error), seconds=time.perf_counter() - start)
        else:
            for check in checks:
                yield from _ask(db, way, [check], context, known)
        return
    seconds = (time.perf_counter() - start) / len(checks)
    for check, (violated, judged) in zip(checks, counted, strict=True):
        yield Measurement(check.id, int(violated), int(judged), seconds=seconds)


def _count(db: DuckDB, way: Way, checks: Sequence[Check], context: Context, known: _Known) -> list[tuple[int, int]]:
    template = {"concept": "concept", "gender": "gender", "unit": "unit", "single": "single"}.get(way, "row")
    sql = render(f"quality/cdm/{template}_counts.sql.jinja", checks=checks, cdm=context.cdm, way=way)
    answer = db.rows(sql)
    if way in ("gender", "unit", "single"):
        return [(violated, judged) for _, violated, judged in sorted(answer)]
    numbers = answer[0]
    if way in ("concept", "birth"):
        return [(n, _judged(check, known)) for check, n in zip(checks, numbers, strict=True)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _judged(check: Check, known: _Known) -> int:
    """Return how many rows a check judges whose violations are found by a join."""
    if check.type in ("isStandardValidConcept", "plausibleAfterBirth") and check.column:
        return known.filled[check.table, check.column]
    return known.rows[check.table]


def _applied(check: Check, measured: Measurement, known: _Known) -> Measurement:
    """Add why a check does not apply, by the rules of DataQualityDashboard; an error stays one.

    One rule is ours: a required field that is empty in all rows fails, where DataQualityDashboard says not applicable.
    """
    if measured.error or measured.not_applicable or check.type in ("cdmTable", "cdmField", "measurePersonCompleteness"):
        return measured
    return replace(measured, not_applicable=_reason(check, measured, known))


def _reason(check: Check, measured: Measurement, known: _Known) -> str | None:
    table = check.table.upper()
    if check.type == "measureConditionEraCompleteness":
        return None if known.rows["condition_occurrence"] else "Table CONDITION_OCCURRENCE is empty."
    if not known.rows[check.table]:
        return f"Table {table} is empty."
    if not check.column or check.type == "measureValueCompleteness":
        return None
    column = check.column.upper()
    if not known.filled[check.table, check.column] and check.type != "isRequired":
        return f"Field {table}.{column} is not populated."
    if check.level == "CONCEPT" and not measured.denominator:
        return f"{column}={check.concept_id} is missing from the {table} table."
    return None


_REFUSED, _NO_MEMORY = "OM590", "OM591"

_REFUSALS = {
    "BinderException": "a field that this check reads has another type than the CDM's",
    "CatalogException": "a table or view that this check reads is broken",
    "ConversionException": "a value that this check reads is not what the CDM's type says",
    "OutOfMemoryException": "memory did not suffice",
    "OutOfRangeException": "a value that this check reads is too large or too small",
}


def _must_be_refusal(error: OmopifyError) -> None:
    if any(problem.code not in (_REFUSED, _NO_MEMORY) for problem in error.problems):
        raise error


def _refusal(error: OmopifyError) -> str:
    """Return why a statement failed: the kind of error only, as the database's own words quote data."""
    kind = type(error.__cause__).__name__
    said = _REFUSALS.get(kind)
    return f"{said} ({kind})" if said else f"the database could not do it ({kind})"
