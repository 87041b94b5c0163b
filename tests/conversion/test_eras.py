"""Eras against hand-worked cases, against an oracle that counts days, and in whole runs.

The oracle knows no windows and no order: events of a person and a concept that lie close enough are joined pair by
pair, and the days of an era are put into a set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omopify import cdm
from omopify.compiler.references import REFERENCED_TABLES
from omopify.compiler.render import render
from omopify.compiler.typed import SQL_TYPES
from omopify.conversion.eras import era_statements
from omopify.conversion.session import insert_rows
from omopify.engines.duckdb import Attached, DuckDB
from omopify.specs.packs import Eras
from tests.language.workbench import Workbench

from .conftest import Workplace, content

Event = tuple[int, int, int, int]
"""Person, concept, first and last day, as numbers of days."""
Era = tuple[int, int, int, int, int, int]
"""Person, concept, first and last day, number of events, days without any."""

DAY_ZERO = date(2024, 1, 1)
A, B, X = 1, 2, 3  # ingredients of RxNorm and of RxNorm Extension
TABLET_A, TABLET_AB, TABLET_X, ATC, OLD, OTHER = 11, 12, 13, 14, 15, 16
HOLDS = {A: {A}, B: {B}, X: {X}, TABLET_A: {A}, TABLET_AB: {A, B}, TABLET_X: {X}, ATC: set(), OLD: set(), OTHER: set()}
"""By concept, the standard ingredients that it holds (0 holds none either)."""

CONCEPTS = [
    (A, "RxNorm", "Ingredient", "S"),
    (B, "RxNorm", "Ingredient", "S"),
    (X, "RxNorm Extension", "Ingredient", "S"),
    (TABLET_A, "RxNorm", "Clinical Drug", "S"),
    (TABLET_AB, "RxNorm", "Clinical Drug", "S"),
    (TABLET_X, "RxNorm Extension", "Clinical Drug", "S"),
    (ATC, "ATC", "ATC 5th", "C"),
    (OLD, "RxNorm", "Ingredient", None),
    (OTHER, "dm+d", "Ingredient", "S"),
]
# B has no line of its own, as in vocabularies that leave it out; the ATC class stands above A.
ABOVE = [(A, A), (X, X), (A, TABLET_A), (A, TABLET_AB), (B, TABLET_AB), (X, TABLET_X), (ATC, A), (ATC, TABLET_A)]
ABOVE += [
    (TABLET_A, TABLET_A),
    (TABLET_AB, TABLET_AB),
    (TABLET_X, TABLET_X),
    (OLD, OLD),
    (OTHER, OTHER),
    (OLD, TABLET_X),
]


def expected(events: Sequence[Event], days: int) -> list[Era]:
    """Eras of events, worked out pair by pair and day by day."""
    groups: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for person, concept, start, end in events:
        groups[person, concept].append((start, max(start, end)))
    eras = []
    for (person, concept), spans in groups.items():
        clusters: list[list[tuple[int, int]]] = []
        for span in spans:
            near = [c for c in clusters if any(max(span[0], o[0]) - min(span[1], o[1]) <= days for o in c)]
            clusters = [c for c in clusters if c not in near] + [[span, *(o for c in near for o in c)]]
        for cluster in clusters:
            first, last = min(start for start, _ in cluster), max(end for _, end in cluster)
            covered = {day for start, end in cluster for day in range(start, end + 1)}
            gap = last - first + 1 - len(covered)
            eras.append((person, concept, first, last, len(cluster), gap))
    return sorted(eras)


class Laboratory:
    """A database with the CDM's real tables and a small vocabulary, to put events in and take eras out."""

    def __init__(self) -> None:
        self.db = DuckDB(None, [Attached(name) for name in ("work", "source", "vocabulary", "register")])
        self.db.define_functions()
        tables = list(cdm.tables().values())
        values = {"tables": tables, "cdm_tables": tables, "schema": "cdm", "dsp": [], "types": SQL_TYPES}
        self.db.script(render("run/setup.sql.jinja", **values, referenced=REFERENCED_TABLES))
        for name in ("concept", "concept_ancestor"):
            self.db.script(f"CREATE TABLE vocabulary.main.{name} AS FROM cdm.{name}")
        columns = ("concept_id", "vocabulary_id", "concept_class_id", "standard_concept")
        insert_rows(self.db, "vocabulary.concept", columns, CONCEPTS)
        insert_rows(self.db, "vocabulary.concept_ancestor", ("ancestor_concept_id", "descendant_concept_id"), ABOVE)

    def drug_eras(self, exposures: Sequence[Event], days: int) -> list[Era]:
        rows = [(n, p, c, _day(s), _day(e), 0) for n, (p, c, s, e) in enumerate(exposures, 1)]
        names = (
            "drug_exposure_id",
            "person_id",
            "drug_concept_id",
            "drug_exposure_start_date",
            "drug_exposure_end_date",
        )
        self._load("drug_exposure", (*names, "drug_type_concept_id"), rows, Eras(drug=days))
        found = self.db.rows(
            "SELECT person_id, drug_concept_id, drug_era_start_date, drug_era_end_date, drug_exposure_count, gap_days "
            "FROM cdm.drug_era ORDER BY drug_era_id"
        )
        return [(p, c, _number(s), _number(e), n, gap) for p, c, s, e, n, gap in found]

    def condition_eras(self, occurrences: Sequence[tuple[int, int, int, int | None]], days: int) -> list[Era]:
        rows = [(n, p, c, _day(s), None if e is None else _day(e), 0) for n, (p, c, s, e) in enumerate(occurrences, 1)]
        names = ("condition_occurrence_id", "person_id", "condition_concept_id", "condition_start_date")
        names += ("condition_end_date", "condition_type_concept_id")
        self._load("condition_occurrence", names, rows, Eras(condition=days))
        found = self.db.rows(
            "SELECT person_id, condition_concept_id, condition_era_start_date, condition_era_end_date, "
            "condition_occurrence_count, 0 FROM cdm.condition_era ORDER BY condition_era_id"
        )
        return [(p, c, _number(s), _number(e), n, gap) for p, c, s, e, n, gap in found]

    def _load(self, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]], eras: Eras) -> None:
        for name in ("cdm.drug_era", "cdm.condition_era", f"cdm.{table}", "audit.map_rows", "audit.filters"):
            self.db.script(f"DELETE FROM {name}")
        insert_rows(self.db, f"cdm.{table}", columns, rows)
        for statement in era_statements(eras):
            self.db.run(statement)


def _day(number: int) -> str:
    return (DAY_ZERO + timedelta(days=number)).isoformat()


def _number(day: date) -> int:
    return (day - DAY_ZERO).days


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    made = Laboratory()
    with made.db:
        yield made


# Worked out by hand: day 0 is the first of January. An exposure (0, 9) lasts ten days, 0 to 9.
BY_HAND = {
    "one exposure": ([(1, A, 0, 9)], [(1, A, 0, 9, 1, 0)]),
    "no exposure": ([], []),
    "the next day goes on without a gap": ([(1, A, 0, 9), (1, A, 10, 19)], [(1, A, 0, 19, 2, 0)]),
    "one day between": ([(1, A, 0, 9), (1, A, 11, 19)], [(1, A, 0, 19, 2, 1)]),
    "30 days after the end: one era, days 10 to 38 are free": ([(1, A, 0, 9), (1, A, 39, 40)], [(1, A, 0, 40, 2, 29)]),
    "31 days after the end: two eras": (
        [(1, A, 0, 9), (1, A, 40, 41)],
        [(1, A, 0, 9, 1, 0), (1, A, 40, 41, 1, 0)],
    ),
    "overlap is not added up": ([(1, A, 0, 9), (1, A, 5, 14)], [(1, A, 0, 14, 2, 0)]),
    "contained": ([(1, A, 0, 99), (1, A, 20, 29)], [(1, A, 0, 99, 2, 0)]),
    "a short one inside does not shorten the long one": (
        [(1, A, 0, 99), (1, A, 20, 29), (1, A, 120, 125)],
        [(1, A, 0, 125, 3, 20)],
    ),
    "the same day twice": ([(1, A, 3, 3), (1, A, 3, 3)], [(1, A, 3, 3, 2, 0)]),
    "gaps add up": ([(1, A, 0, 0), (1, A, 10, 10), (1, A, 20, 20)], [(1, A, 0, 20, 3, 18)]),
    # the example of OHDSI/CommonDataModel issue 761: days 8 to 10 and 14 to 15 are free
    "OHDSI's example": ([(1, A, 1, 5), (1, A, 3, 7), (1, A, 11, 13), (1, A, 16, 20)], [(1, A, 1, 20, 4, 5)]),
    "an end before the start is one day": ([(1, A, 5, 2)], [(1, A, 5, 5, 1, 0)]),
    "two ingredients in one tablet": ([(1, TABLET_AB, 0, 9)], [(1, A, 0, 9, 1, 0), (1, B, 0, 9, 1, 0)]),
    "a tablet and its ingredient are one era": (
        [(1, TABLET_AB, 0, 9), (1, A, 20, 29), (1, TABLET_A, 25, 30)],
        [(1, A, 0, 30, 3, 10), (1, B, 0, 9, 1, 0)],
    ),
    "RxNorm Extension counts": ([(1, TABLET_X, 0, 9)], [(1, X, 0, 9, 1, 0)]),
    "no concept, a class, an old ingredient, another vocabulary": (
        [(1, 0, 0, 9), (1, ATC, 0, 9), (1, OLD, 0, 9), (1, OTHER, 0, 9)],
        [],
    ),
    "persons are apart, and in their order": (
        [(2, A, 0, 9), (1, A, 5, 14), (1, X, 0, 1)],
        [(1, A, 5, 14, 1, 0), (1, X, 0, 1, 1, 0), (2, A, 0, 9, 1, 0)],
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(laboratory: Laboratory, name: str) -> None:
    exposures, eras = BY_HAND[name]
    assert laboratory.drug_eras(exposures, 30) == eras


def test_other_windows(laboratory: Laboratory) -> None:
    exposures = [(1, A, 0, 9), (1, A, 9, 12), (1, A, 13, 13)]
    assert laboratory.drug_eras(exposures, 0) == [(1, A, 0, 12, 2, 0), (1, A, 13, 13, 1, 0)]
    assert laboratory.drug_eras(exposures, 1) == [(1, A, 0, 13, 3, 0)]


def test_conditions_by_hand(laboratory: Laboratory) -> None:
    # 0 has no concept; an occurrence without an end is its first day, so the next may start 30 days after that
    occurrences = [
        (1, 500, 0, None),
        (1, 500, 30, None),
        (1, 500, 61, 70),
        (1, 501, 0, 5),
        (1, 0, 0, 5),
        (2, 500, 3, 1),
    ]
    assert laboratory.condition_eras(occurrences, 30) == [
        (1, 500, 0, 30, 2, 0),
        (1, 500, 61, 70, 1, 0),
        (1, 501, 0, 5, 1, 0),
        (2, 500, 3, 3, 1, 0),
    ]
    assert laboratory.db.rows("FROM audit.map_rows") == [("eras.condition", 6, 5, 1, 0, 0)]
    assert laboratory.db.rows("FROM audit.filters") == [("eras.condition", "has_concept", 1)]


def test_events_without_an_era_are_counted(laboratory: Laboratory) -> None:
    laboratory.drug_eras([(1, TABLET_AB, 0, 9), (1, 0, 0, 9), (2, 0, 0, 9), (1, ATC, 0, 9), (1, A, 0, 9)], 30)
    assert laboratory.db.rows("FROM audit.map_rows") == [("eras.drug", 5, 2, 3, 0, 0)]
    assert laboratory.db.rows("FROM audit.filters") == [
        ("eras.drug", "has_concept", 2),
        ("eras.drug", "has_ingredient", 1),
    ]


events = st.lists(
    st.tuples(
        st.integers(1, 2),
        st.sampled_from([0, *HOLDS]),
        st.integers(0, 150),
        st.integers(-3, 40),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(events, st.sampled_from([0, 1, 2, 14, 30]))
def test_any_exposures(laboratory: Laboratory, drawn: list[tuple[int, int, int, int]], days: int) -> None:
    exposures = [(person, concept, start, start + length) for person, concept, start, length in drawn]
    held = [(person, a, start, end) for person, c, start, end in exposures for a in HOLDS.get(c, ())]
    found = laboratory.drug_eras(exposures, days)
    assert found == expected(held, days)
    ids = [i for (i,) in laboratory.db.rows("SELECT drug_era_id FROM cdm.drug_era ORDER BY ALL")]
    assert ids == list(range(1, len(found) + 1))
    assert laboratory.drug_eras(exposures[::-1], days) == found
    conditions = [event for event in exposures if event[1]]
    eras = [(*era[:5], 0) for era in expected(conditions, days)]
    assert laboratory.condition_eras(exposures, days) == eras


def _rows(database: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_eras_of_a_whole_run(workplace: Workplace) -> None:
    """From the exposures, conditions and vocabulary of the result itself; and again, with the same tables."""
    result = workplace.run()
    database = workplace.database
    exposures = _rows(
        database,
        "SELECT person_id, i.concept_id, drug_exposure_start_date, drug_exposure_end_date FROM cdm.drug_exposure "
        "JOIN cdm.concept_ancestor ON descendant_concept_id = drug_concept_id "
        "JOIN cdm.concept i ON i.concept_id = ancestor_concept_id "
        "WHERE concept_class_id = 'Ingredient' AND standard_concept = 'S' AND vocabulary_id LIKE 'RxNorm%'",
    )
    conditions = _rows(
        database,
        "SELECT person_id, condition_concept_id, condition_start_date, "
        "coalesce(condition_end_date, condition_start_date) "
        "FROM cdm.condition_occurrence WHERE condition_concept_id > 0",
    )
    for table, rows in (("drug_era", exposures), ("condition_era", conditions)):
        word = table.removesuffix("_era")
        count, gap = ("drug_exposure_count", "gap_days") if word == "drug" else ("condition_occurrence_count", "0")
        found = _rows(
            database,
            f"SELECT person_id, {word}_concept_id, {table}_start_date, {table}_end_date, {count}, {gap} "
            f"FROM cdm.{table}",
        )
        oracle = expected([(p, c, _number(s), _number(e)) for p, c, s, e in rows], 30)
        days = [(p, c, _number(s), _number(e), n, g) for p, c, s, e, n, g in found]
        assert sorted(days) == [era if word == "drug" else (*era[:5], 0) for era in oracle]
        assert len(found) > 20
        ids = _rows(
            database, f"SELECT {table}_id, person_id, {word}_concept_id, {table}_start_date FROM cdm.{table} ORDER BY 1"
        )
        assert [row[0] for row in ids] == list(range(1, len(ids) + 1))
        assert [row[1:] for row in ids] == sorted(row[1:] for row in ids)
        orphans = (
            f"SELECT count(*) FROM cdm.{table} e WHERE person_id NOT IN (SELECT person_id FROM cdm.person) "
            f"OR {word}_concept_id NOT IN (SELECT concept_id FROM cdm.concept) OR {table}_end_date < {table}_start_date"
        )
        assert _rows(database, orphans) == [(0,)]
        counted = result.manifest["maps"][f"eras.{word}"]
        assert counted["rows_read"] == counted["rows_used"] + counted["rows_filtered"]
        assert counted["rows_written"] == counted["written"][table] == len(found)
        traced = f"SELECT count(DISTINCT row_id) FROM audit.lineage WHERE table_name = '{table}' AND file IS NOT NULL"
        assert _rows(database, traced) == [(len(found),)]
    before = content(database)
    workplace.run()
    assert content(database) == before


CONDITIONS = {
    "trial": "{eras}sources: {{v: {{file: v.csv}}}}\n",
    "maps": {
        "p": "to: person\nfrom: v\nkey: ID\nkeep: {per: ID, order: _row}\n"
        "concepts: {gender: 8507 MALE}\nset: {year_of_birth: 1960}\n",
        "c": "to: condition_occurrence\nfrom: v\nkey: [ID, D]\nperson: ID\n"
        "concept: 2000000001 Made-up fever\nstart: D\ntype: 32809\n",
    },
    "data": {"v.csv": "ID,D\n1,2024-01-01\n1,2024-01-11\n"},
}
MODEL = "model: shared\nname: Shared variables of the tests\n"


@pytest.mark.parametrize(
    ("model", "trial", "eras"),
    [
        ("", "", 0),
        ("eras: {drug: 30}\n", "", 0),
        ("eras: {condition: 10}\n", "", 1),
        ("eras: {condition: 9}\n", "", 2),
        ("eras: {condition: 9}\n", "eras: {condition: 30}\n", 1),
        ("eras: {condition: 9}\n", "eras: {}\n", 0),
        ("eras: {condition: 9}\n", "eras: {drug: 30}\n", 0),
        ("", "eras: {condition: 5}\n", 2),
    ],
)
def test_the_trial_comes_before_the_model(tmp_path: Path, model: str, trial: str, eras: int) -> None:
    case = CONDITIONS | {"trial": str(CONDITIONS["trial"]).format(eras=trial), "model": MODEL + model}
    bench = Workbench(tmp_path).write(case).run()
    assert bench.told == []
    assert bench.rows("SELECT count(*) FROM cdm.condition_occurrence") == [(2,)]
    assert bench.rows("SELECT count(*) FROM cdm.condition_era") == [(eras,)]
    assert bench.rows("SELECT count(*) FROM cdm.drug_era") == [(0,)]
    declared = bench.rows("SELECT map FROM audit.map_rows WHERE map LIKE 'eras%'")
    assert declared == [(f"eras.{word}",) for word in ("drug", "condition") if word in (trial or model)]
