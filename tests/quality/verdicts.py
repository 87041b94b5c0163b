"""Ask the oracle's queries one by one, and say what became of each check, by DQD's rules for its status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import duckdb

from omopify.cdm import tables
from tests.quality.oracle import Asked, query


@dataclass(frozen=True, slots=True)
class Found:
    """What the oracle says: counts (None after an error) and the status."""

    violated: int | None
    denominator: int | None
    status: str
    reason: str = ""
    """Why a check is not applicable, in a word: the table or the field is missing or empty, or the concept is."""
    odd: bool = False
    """Whether the check reads a column of another type than the CDM's."""


def reads(asked: Asked) -> set[tuple[str, str]]:
    """Return the columns that a check reads, except those of which only the presence matters."""
    concept, person = ("concept", "concept_id"), {("person", "person_id"), (asked.table, "person_id")}
    birth = {("person", name) for name in ("birth_datetime", "year_of_birth", "month_of_birth", "day_of_birth")}
    dead = {("death", "person_id"), ("death", "death_date"), (asked.table, "person_id")}
    visit = {("visit_occurrence", name) for name in ("visit_occurrence_id", "visit_start_date", "visit_end_date")}
    others: dict[str, set[tuple[str, str]]] = {
        "measurePersonCompleteness": person,
        "measureConditionEraCompleteness": person
        | {("condition_occurrence", "person_id"), ("condition_occurrence", "condition_concept_id")},
        "measureObservationPeriodOverlap": {(asked.table, f.name) for f in tables()[asked.table].fields},
        "fkDomain": {concept, ("concept", "domain_id")},
        "fkClass": {concept, ("concept", "concept_class_id")},
        "isStandardValidConcept": {concept, ("concept", "standard_concept"), ("concept", "invalid_reason")},
        "plausibleTemporalAfter": birth | person,
        "plausibleAfterBirth": birth | person,
        "plausibleDuringLife": dead,
        "plausibleBeforeDeath": dead,
        "withinVisitDates": visit | {(asked.table, "visit_occurrence_id")},
        "plausibleGender": person | {("person", "gender_concept_id")},
        "plausibleGenderUseDescendants": person
        | {("person", "gender_concept_id")}
        | {("concept_ancestor", "ancestor_concept_id"), ("concept_ancestor", "descendant_concept_id")},
        "plausibleUnitConceptIds": {(asked.table, "unit_concept_id")},
    }
    own = {(asked.table, name) for name in (asked.column, asked.other) if name}
    return own | others.get(asked.type, set()) | ({asked.refers} if asked.refers else set())


@dataclass(slots=True)
class Shape:
    """What a database has: rows by table, filled cells by column (names in lower case)."""

    rows: dict[str, int] = field(default_factory=dict)
    filled: dict[tuple[str, str], int] = field(default_factory=dict)
    odd: set[tuple[str, str]] = field(default_factory=set)
    """Columns that are text where the CDM asks for numbers or days, or the other way round."""


_TYPES = {
    "integer": ("INTEGER", "BIGINT", "HUGEINT"),
    "float": ("DOUBLE",),
    "date": ("DATE", "TIMESTAMP"),
    "datetime": ("DATE", "TIMESTAMP"),
    "varchar": ("VARCHAR",),
    "text": ("VARCHAR",),
}


def shape(connection: duckdb.DuckDBPyConnection, schema: str) -> Shape:
    found = Shape()
    for table, column, kind in connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = ?", [schema]
    ).fetchall():
        known = tables().get(table.lower())
        asked = {f.name: f.type for f in known.fields}.get(column.lower()) if known else None
        if asked and not kind.startswith(_TYPES[asked]):
            found.odd.add((table.lower(), column.lower()))
    names = connection.execute(
        "SELECT table_name, list(column_name) FROM information_schema.columns WHERE table_schema = ? GROUP BY ALL",
        [schema],
    ).fetchall()
    for table, columns in names:
        counts = ", ".join(f'count("{column}")' for column in columns)
        row = connection.execute(f'SELECT count(*), {counts} FROM {schema}."{table}"').fetchone()
        assert row
        found.rows[table.lower()] = row[0]
        found.filled |= {(table.lower(), c.lower()): n for c, n in zip(columns, row[1:], strict=True)}
    return found


def status(asked: Asked, counts: tuple[int, int] | None, there: Shape) -> Found:
    """Judge one check as DQD does; only a required column without any value fails here, where DQD leaves it open."""
    table, column = asked.table, asked.column
    no_table = table not in there.rows
    no_column = bool(column) and not no_table and (table, str(column)) not in there.filled

    def not_applicable(reason: str) -> Found:
        return Found(*(counts or (None, None)), "not applicable", reason)

    if asked.type == "cdmTable" and no_table:
        return Found(1, 1, "fail")
    if no_table:
        return not_applicable("table missing")
    if asked.type == "cdmField" and no_column:
        return Found(1, 1, "fail")
    if no_column:
        return not_applicable("field missing")
    if asked.type == "measureConditionEraCompleteness" and "condition_occurrence" not in there.rows:
        return not_applicable("table missing")
    if counts is None:
        return Found(None, None, "error")
    if asked.type == "measureConditionEraCompleteness":
        if not there.rows["condition_occurrence"]:
            return not_applicable("table empty")
    elif asked.type not in ("cdmTable", "cdmField", "measurePersonCompleteness"):
        if not there.rows[table]:
            return not_applicable("table empty")
        always = ("measureValueCompleteness", "isRequired")
        if column and not there.filled[table, column] and asked.type not in always:
            return not_applicable("field empty")
        if asked.concepts and not counts[1]:
            return not_applicable("concept missing")
    violated, denominator = counts
    share = 100 * violated / denominator if denominator else 0
    fails = share > asked.threshold if asked.threshold else violated > 0
    return Found(violated, denominator, "fail" if fails else "pass")


def answer(connection: duckdb.DuckDBPyConnection, checks: Iterable[Asked], schema: str = "cdm") -> dict[str, Found]:
    """Ask every check by itself."""
    there = shape(connection, schema)
    found: dict[str, Found] = {}
    for asked in checks:
        try:
            counts = connection.execute(query(asked, schema)).fetchone()
        except duckdb.Error:
            counts = None
        found[asked.id] = replace(status(asked, counts, there), odd=bool(reads(asked) & there.odd))
    return found
