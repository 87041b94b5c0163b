"""What the 27 types of DQD checks mean, a second time: one plain query for each check.

Written from DQD's documented behaviour without looking at ``omopify.quality.cdm``, to be compared with it.  Nothing is
planned, shared or batched here, and nothing converts a value that DQD would not: a query that the database refuses is
an error, as in DQD.  What the counts amount to is in ``tests.quality.verdicts``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """One check; only those parameters are set that its type has."""

    id: str
    type: str
    table: str
    column: str | None = None
    threshold: float | None = None
    refers: tuple[str, str] | None = None
    """The table and column that a foreign key refers to; that a date is compared with."""
    domains: tuple[str, ...] = ()
    concept_class: str | None = None
    other: str | None = None
    """Another column of the table: the source value, the standard concept, the end."""
    limit: str | None = None
    """The lowest or highest value: a number, a day, ``tomorrow`` or ``next year``."""
    concepts: tuple[int, ...] = ()
    sex: int | None = None
    units: tuple[int, ...] = ()
    """Units that are allowed; -1 stands for none."""


Ask = Callable[[Asked, str], str]
QUERIES: dict[str, Ask] = {}


def _query(function: Ask) -> Ask:
    head, *rest = function.__name__.split("_")
    QUERIES[head + "".join(word.capitalize() for word in rest)] = function
    return function


def query(asked: Asked, schema: str) -> str:
    """Return the query that counts the violated rows and the judged rows of one check."""
    return QUERIES[asked.type](asked, schema)


def _two(violated: str, denominator: str) -> str:
    return f"SELECT ({violated}) AS violated, ({denominator}) AS denominator"


def _column(asked: Asked) -> str:
    return f't."{asked.column}"'


def _from(asked: Asked, schema: str) -> str:
    return f'FROM {schema}."{asked.table}" t'


@_query
def cdm_table(a: Asked, s: str) -> str:
    return f"SELECT 0, 1 FROM (SELECT count(*) {_from(a, s)})"


@_query
def cdm_field(a: Asked, s: str) -> str:
    return f"SELECT 0, 1 FROM (SELECT count({_column(a)}) {_from(a, s)})"


@_query
def measure_person_completeness(a: Asked, s: str) -> str:
    return _two(
        f"SELECT count(*) FROM {s}.person p LEFT JOIN (SELECT DISTINCT t.person_id {_from(a, s)}) o"
        " ON o.person_id = p.person_id WHERE o.person_id IS NULL",
        f"SELECT count(*) FROM {s}.person",
    )


@_query
def measure_condition_era_completeness(a: Asked, s: str) -> str:
    persons = (
        f"SELECT person_id FROM {s}.condition_occurrence WHERE condition_concept_id <> 0 AND person_id IS NOT NULL"
    )
    eras = f"SELECT t.person_id {_from(a, s)}"
    return _two(f"SELECT count(*) FROM ({persons} EXCEPT {eras})", f"SELECT count(DISTINCT person_id) FROM ({persons})")


@_query
def measure_observation_period_overlap(a: Asked, s: str) -> str:
    start, end = "observation_period_start_date", "observation_period_end_date"
    overlap = f"(t.{start} <= o.{end} AND o.{start} <= t.{end})"
    touch = f"t.{end} + INTERVAL 1 DAY = o.{start} OR o.{end} + INTERVAL 1 DAY = t.{start}"
    return _two(
        f"SELECT count(DISTINCT t.person_id) {_from(a, s)}, {s}.observation_period o WHERE o.person_id = t.person_id"
        f" AND o.observation_period_id <> t.observation_period_id AND ({overlap} OR {touch})",
        f"SELECT count(DISTINCT t.person_id) {_from(a, s)}",
    )


@_query
def is_required(a: Asked, s: str) -> str:
    return _two(f"SELECT count(*) {_from(a, s)} WHERE {_column(a)} IS NULL", f"SELECT count(*) {_from(a, s)}")


@_query
def cdm_datatype(a: Asked, s: str) -> str:
    whole = f"regexp_full_match(CAST({_column(a)} AS VARCHAR), '[+-]?[0-9]+')"
    return _two(f"SELECT count(*) {_from(a, s)} WHERE NOT {whole}", f"SELECT count(*) {_from(a, s)}")


@_query
def is_primary_key(a: Asked, s: str) -> str:
    doubled = f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n {_from(a, s)} WHERE {_column(a)} IS NOT NULL GROUP BY {_column(a)}) WHERE n > 1"  # noqa: E501
    return _two(doubled, f"SELECT count(*) {_from(a, s)}")


@_query
def is_foreign_key(a: Asked, s: str) -> str:
    assert a.refers
    known = f'SELECT 1 FROM {s}."{a.refers[0]}" k WHERE k."{a.refers[1]}" = {_column(a)}'
    return _two(
        f"SELECT count(*) {_from(a, s)} WHERE {_column(a)} IS NOT NULL AND NOT EXISTS ({known})",
        f"SELECT count(*) {_from(a, s)}",
    )


def _concepts_where(a: Asked, s: str, wrong: str) -> str:
    return f"SELECT count(*) {_from(a, s)} JOIN {s}.concept c ON c.concept_id = {_column(a)} WHERE c.concept_id <> 0 AND {wrong}"  # noqa: E501


@_query
def fk_domain(a: Asked, s: str) -> str:
    allowed = ", ".join(f"'{domain}'" for domain in a.domains)
    return _two(_concepts_where(a, s, f"c.domain_id NOT IN ({allowed})"), f"SELECT count(*) {_from(a, s)}")


@_query
def fk_class(a: Asked, s: str) -> str:
    return _two(_concepts_where(a, s, f"c.concept_class_id <> '{a.concept_class}'"), f"SELECT count(*) {_from(a, s)}")


@_query
def is_standard_valid_concept(a: Asked, s: str) -> str:
    wrong = "(c.standard_concept IS NULL OR c.standard_concept <> 'S' OR c.invalid_reason IS NOT NULL)"
    return _two(_concepts_where(a, s, wrong), f"SELECT count(*) {_from(a, s)} WHERE {_column(a)} IS NOT NULL")


@_query
def measure_value_completeness(a: Asked, s: str) -> str:
    return is_required(a, s)


def _record_completeness(a: Asked, s: str) -> str:
    unmapped, judged = f"{_column(a)} = 0", f"{_column(a)} IS NOT NULL"
    if a.other:
        unmapped += f' OR ({_column(a)} IS NULL AND t."{a.other}" IS NOT NULL)'
        judged += f' OR t."{a.other}" IS NOT NULL'
    return _two(f"SELECT count(*) {_from(a, s)} WHERE {unmapped}", f"SELECT count(*) {_from(a, s)} WHERE {judged}")


@_query
def standard_concept_record_completeness(a: Asked, s: str) -> str:
    return _record_completeness(a, s)


@_query
def source_concept_record_completeness(a: Asked, s: str) -> str:
    return _record_completeness(a, s)


@_query
def source_value_completeness(a: Asked, s: str) -> str:
    return _two(
        f'SELECT count(*) FROM (SELECT DISTINCT {_column(a)} {_from(a, s)} WHERE t."{a.other}" = 0)',
        f"SELECT count(*) FROM (SELECT DISTINCT {_column(a)} {_from(a, s)})",
    )


def _limit(a: Asked) -> tuple[str, str]:
    """Return the value to be judged and its limit."""
    day = f"CAST({_column(a)} AS DATE)"
    if a.limit == "tomorrow":
        return day, "today() + 1"
    if a.limit == "next year":
        return _column(a), "year(today()) + 1"
    return (day, f"DATE '{a.limit}'") if str(a.limit).count("-") == 2 else (_column(a), str(a.limit))


def _value(a: Asked, s: str, comparison: str) -> str:
    value, limit = _limit(a)
    return _two(
        f"SELECT count(*) {_from(a, s)} WHERE {value} {comparison} {limit}",
        f"SELECT count(*) {_from(a, s)} WHERE {_column(a)} IS NOT NULL",
    )


@_query
def plausible_value_low(a: Asked, s: str) -> str:
    return _value(a, s, "<")


@_query
def plausible_value_high(a: Asked, s: str) -> str:
    return _value(a, s, ">")


@_query
def plausible_temporal_after(a: Asked, s: str) -> str:
    assert a.refers
    day = f"CAST({_column(a)} AS DATE)"
    if a.refers[0] == a.table:
        violated = f'SELECT count(*) {_from(a, s)} WHERE {day} < CAST(t."{a.refers[1]}" AS DATE)'
    else:
        born = "coalesce(CAST(p.birth_datetime AS DATE), try_cast(p.year_of_birth || '-06-01' AS DATE))"
        violated = f"SELECT count(*) {_from(a, s)}, {s}.person p WHERE p.person_id = t.person_id AND {day} < {born}"
    return _two(violated, f"SELECT count(*) {_from(a, s)}")


def _after_death(a: Asked, s: str) -> str:
    late = f"CAST({_column(a)} AS DATE) > d.death_date + INTERVAL 60 DAY"
    return f"SELECT count(*) {_from(a, s)} JOIN {s}.death d ON d.person_id = t.person_id WHERE {late}"


def _of_the_dead(a: Asked, s: str) -> str:
    return f"SELECT count(*) {_from(a, s)} WHERE t.person_id IN (SELECT person_id FROM {s}.death)"


@_query
def plausible_during_life(a: Asked, s: str) -> str:
    return _two(_after_death(a, s), _of_the_dead(a, s))


@_query
def within_visit_dates(a: Asked, s: str) -> str:
    joined = (
        f"SELECT count(*) {_from(a, s)} JOIN {s}.visit_occurrence v ON v.visit_occurrence_id = t.visit_occurrence_id"
    )
    outside = (
        f"({_column(a)} < v.visit_start_date - INTERVAL 7 DAY OR {_column(a)} > v.visit_end_date + INTERVAL 7 DAY)"
    )
    return _two(f"{joined} WHERE {outside}", joined)


@_query
def plausible_after_birth(a: Asked, s: str) -> str:
    year, month, day = (f"try_cast(p.{part}_of_birth AS INTEGER)" for part in ("year", "month", "day"))
    parts = f"{year} || '-' || coalesce({month}, 1) || '-' || coalesce({day}, 1)"
    born = f"coalesce(CAST(p.birth_datetime AS DATE), try_cast({parts} AS DATE))"
    early = f"p.person_id = t.person_id AND CAST({_column(a)} AS DATE) < {born}"
    return _two(
        f"SELECT count(*) {_from(a, s)}, {s}.person p WHERE {early}",
        f"SELECT count(*) {_from(a, s)} WHERE {_column(a)} IS NOT NULL",
    )


@_query
def plausible_before_death(a: Asked, s: str) -> str:
    dates = f"SELECT count({_column(a)}) {_from(a, s)} JOIN {s}.death d ON d.person_id = t.person_id"
    return _two(_after_death(a, s), dates)


@_query
def plausible_start_before_end(a: Asked, s: str) -> str:
    both = f'{_column(a)} IS NOT NULL AND t."{a.other}" IS NOT NULL'
    return _two(
        f'SELECT count(*) {_from(a, s)} WHERE CAST({_column(a)} AS DATE) > CAST(t."{a.other}" AS DATE)',
        f"SELECT count(*) {_from(a, s)} WHERE {both}",
    )


@_query
def plausible_gender(a: Asked, s: str) -> str:
    rows = f"SELECT count(*) {_from(a, s)} WHERE {_column(a)} = {a.concepts[0]}"
    other = f"{_from(a, s)}, {s}.person p WHERE p.person_id = t.person_id AND p.gender_concept_id <> {a.sex}"
    return _two(f"SELECT count(*) {other} AND {_column(a)} = {a.concepts[0]}", rows)


@_query
def plausible_gender_use_descendants(a: Asked, s: str) -> str:
    family = (
        f"SELECT count(*) {_from(a, s)} JOIN {s}.concept_ancestor f ON f.descendant_concept_id = {_column(a)}"
        f" {{}} WHERE f.ancestor_concept_id IN ({', '.join(map(str, a.concepts))})"
    )
    person = f"JOIN {s}.person p ON p.person_id = t.person_id"
    return _two(family.format(person) + f" AND p.gender_concept_id <> {a.sex}", family.format(""))


@_query
def plausible_unit_concept_ids(a: Asked, s: str) -> str:
    rows = (
        f"SELECT count(*) {_from(a, s)} WHERE {_column(a)} = {a.concepts[0]} AND coalesce(t.unit_concept_id, -1) <> 0"
    )
    wrong = f"t.unit_concept_id NOT IN ({', '.join(map(str, a.units))})"  # without a unit: judged, never violated
    return _two(f"{rows} AND {wrong}", rows)
