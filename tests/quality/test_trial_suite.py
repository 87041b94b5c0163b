"""Every check of the trial suite passes on a result that is in order, and fails when its defect is planted.

What is expected was counted by hand from the lines of ``small_result``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import Problems
from omopify.quality import sqlchecks
from omopify.quality.judging import status
from omopify.quality.model import Check, Context, Measurement
from omopify.resources import data
from omopify.specs.packs import TableFile
from omopify.specs.quality import SuiteFile, read_suite

from .small_result import change, deliver, make_result


def suite() -> SuiteFile:
    problems = Problems()
    found = read_suite(data("quality", "trial.yaml"), problems)
    assert not problems.found
    assert found
    return found


SUITE = suite()
TABLES = {"subject": TableFile.model_validate({"table": "subject", "fields": {"subject_id": {}}})}
Measured = dict[str, tuple[Check, Measurement]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a result that is in order, and the delivery that was made of the same."""
    folder = tmp_path_factory.mktemp("sound")
    database = make_result(folder / "omop.duckdb")
    return database, deliver(database, folder / "last.duckdb")


def measured(database: Path, last: Path | None, only: str | None = None) -> Measured:
    schemas = {"cdm", "dsp", "audit"} | ({"last"} if last else set())
    context = Context(schemas=frozenset(schemas), tables=TABLES)
    asked = [spec for spec in SUITE.expectations if only in (None, spec.kwargs["check"])]
    checks = [check for spec in asked for check in sqlchecks.expand(SUITE, spec, context)]
    attached = [Attached("last", last, read_only=True)] if last else []
    with DuckDB(database, attached, read_only=True) as db:
        found = sqlchecks.measure(db, checks, context)
        for check in checks:
            if check.rows_sql and ("last" not in check.parameters["needs"] or last):
                measurement = next(m for m in found if m.check_id == check.id)
                assert len(db.rows(check.rows_sql)) == (measurement.violated or 0), check.id
    return {check.type: (check, m) for check, m in zip(checks, found, strict=True)}


def test_all_is_well_with_a_sound_result(sound: tuple[Path, Path]) -> None:
    database, last = sound
    found = measured(database, last)
    assert {name: status(*pair) for name, pair in found.items()} == dict.fromkeys(found, "pass")
    counts = {name: (m.violated, m.denominator) for name, (_, m) in found.items()}
    assert counts["rows_add_up"] == (0, 3)
    assert counts["rows_rejected"] == (0, 40 + 80 + 40)
    assert counts["values_left_out"] == (0, 40 + 88 + 40)  # rows that 'keep' left out had their values read
    assert counts["terms_without_concept"] == (10, 80)
    assert counts["columns_undecided"] == (0, 6)
    assert counts["columns_empty"] == (0, 4)
    assert counts["forms_empty"] == (0, 2)
    assert counts["events_after_release"] == (0, 3 * 40)
    assert counts["table_rows_lost"] == (0, 6 * 40)  # the two sites are too few; what is empty had no rows
    assert counts["choices_new"] == (0, 130)
    assert counts["form_rows_lost"] == (0, 140)


def test_nothing_is_compared_without_an_earlier_delivery(sound: tuple[Path, Path]) -> None:
    found = measured(sound[0], None)
    compared = {name for name, (check, _) in found.items() if check.subcategory == "Last delivery"}
    assert len(compared) == 10
    assert {name for name, pair in found.items() if status(*pair) == "not applicable"} == compared


SOME_ROWS = (
    "INSERT INTO audit.{table} (map, field, {named}, file, sheet, row) "
    "SELECT 'event', 'start', '{word}', 'ae.csv', NULL, n FROM range(1, {n} + 1) AS r(n)"
)
REJECTS, ISSUES, FILLED = (
    SOME_ROWS.replace("{table}", table).replace("{named}", named).replace("{word}", word)
    for table, named, word in (
        ("rejects", "reason", "not a date"),
        ("value_issues", "reason", "not a date"),
        ("imputations", "rule", "earliest"),
    )
)
COUNTED = "UPDATE audit.map_rows SET rows_read = {}, rows_used = {}, rows_rejected = {} WHERE map = 'event'"
MORE_EVENTS = (
    "INSERT INTO cdm.condition_occurrence (condition_occurrence_id, person_id, condition_concept_id, "
    "condition_start_date, condition_type_concept_id) SELECT 100 + n, n, {concept}, DATE '{day}', 32809 "
    "FROM range(1, {n} + 1) AS r(n); UPDATE audit.written SET rows = rows + {n} WHERE map = 'event' "
    "AND table_name = 'condition_occurrence'"
)
FEWER = (
    "DELETE FROM cdm.{table} WHERE person_id <= {n}; "
    "UPDATE audit.written SET rows = 40 - {n} WHERE table_name = '{table}'"
)


@pytest.mark.parametrize(
    ("check", "defect", "violated", "denominator"),
    [
        ("rows_add_up", "UPDATE audit.map_rows SET rows_used = 79 WHERE map = 'event'", 1, 3),
        ("rows_add_up", "UPDATE audit.filters SET rows = 13 WHERE filter = 'allocated'", 1, 3),
        ("rows_add_up", "UPDATE audit.map_rows SET rows_used = 79, rows_rejected = 1 WHERE map = 'event'", 1, 3),
        ("written_rows_are_there", "DELETE FROM cdm.condition_occurrence WHERE person_id = 7", 1, 29),
        ("written_rows_are_there", "DELETE FROM dsp.subject WHERE _row = 7", 1, 29),
        ("written_rows_are_there", "INSERT INTO cdm.location (location_id) VALUES (1)", 1, 29),
        ("nobody", "DELETE FROM cdm.person", 1, 1),
        # 1 of 80 is 1.25 %; the map as such is large enough for 20 %, which 17 of 80 are above
        (
            "rows_rejected",
            f"{REJECTS.format(n=1)}; {COUNTED.format(100, 79, 1)}",
            1,
            160,
        ),
        (
            "many_rows_rejected",
            f"{REJECTS.format(n=17)}; {COUNTED.format(100, 63, 17)}",
            17,
            160,
        ),
        ("values_left_out", ISSUES.format(n=5), 5, 168),  # 5 of 88 are 5.7 %
        ("many_values_left_out", ISSUES.format(n=45), 45, 168),
        ("dates_filled_in", FILLED.format(n=17), 17, 160),  # 17 of 80 are 21 %
        ("many_dates_filled_in", FILLED.format(n=41), 41, 160),
        ("terms_without_concept", "UPDATE audit.lookups SET rows_open = 17 WHERE source_value = 'glow'", 17, 80),
        ("concept_zero", MORE_EVENTS.format(concept=0, day="2025-04-01", n=11), 11, 91),  # 11 of 51 conditions
        ("columns_undecided", "UPDATE audit.columns SET decision = 'undecided' WHERE \"column\" = 'NOTE'", 1, 6),
        ("columns_empty", "UPDATE audit.columns SET filled = 0 WHERE \"column\" = 'OUT'", 1, 4),
        ("forms_empty", "UPDATE audit.forms SET rows = 0 WHERE source = 'ae'", 1, 2),
        (
            "rows_exported_twice",
            "UPDATE audit.map_rows SET rows_used = 78, rows_deduplicated = 2 WHERE map = 'event'",
            2,
            160,
        ),
        ("events_twice", MORE_EVENTS.format(concept=2, day="2025-03-01", n=1), 1, 81),
        ("subjects_without_person", "DELETE FROM audit.row_origins WHERE row = 9", 1, 40),
        ("persons_without_period", "DELETE FROM cdm.observation_period WHERE person_id = 9", 1, 40),
        (
            "persons_without_event",
            "".join(
                f"{FEWER.format(table=t, n=3)};" for t in ("visit_occurrence", "drug_exposure", "condition_occurrence")
            ),
            3,
            40,
        ),
        ("persons_without_site", "UPDATE cdm.person SET care_site_id = NULL WHERE person_id <= 3", 3, 40),
        ("treated_without_visit", FEWER.format(table="visit_occurrence", n=3), 3, 40),
        (
            "visits_without_event",
            "UPDATE cdm.visit_occurrence SET visit_start_date = DATE '2025-04-01', visit_end_date = DATE '2025-04-02' "
            "WHERE person_id <= 9",
            9,
            40,
        ),
        ("events_outside_period", MORE_EVENTS.format(concept=2, day="2026-01-01", n=5), 5, 85),  # 5 of 45 conditions
        ("events_after_release", MORE_EVENTS.format(concept=2, day="2026-02-01", n=1), 1, 121),
        ("persons_vanished", "DELETE FROM cdm.person WHERE person_id = 40", 1, 40),
        # one row further in the register: everybody is now who was born a year later
        ("persons_exchanged", "UPDATE cdm.person SET year_of_birth = year_of_birth + 1", 40, 40),
        ("sites_gone", "DELETE FROM cdm.care_site WHERE care_site_id = 2", 1, 2),
        ("table_rows_lost", FEWER.format(table="drug_exposure", n=3), 3, 240),
        (
            "table_rows_lost",
            "DELETE FROM cdm.care_site; UPDATE audit.written SET rows = 0 WHERE table_name = 'care_site'",
            2,
            242,
        ),
        ("table_rows_grown", MORE_EVENTS.format(concept=2, day="2025-05-01", n=21), 21, 240),
        ("form_rows_lost", "UPDATE audit.forms SET rows = 90 WHERE source = 'ae'", 10, 140),
        ("form_rows_lost", "DELETE FROM audit.forms WHERE source = 'dm'", 40, 140),
        ("many_form_rows_lost", "UPDATE audit.forms SET rows = 45 WHERE source = 'ae'", 55, 140),  # of 100
        ("choices_new", "INSERT INTO audit.code_lists VALUES ('ae', 'OUT', 'Worse', 5)", 5, 135),
        ("choices_gone", "DELETE FROM audit.code_lists WHERE value = '3'", 29, 130),
        ("release_not_newer", "UPDATE cdm.cdm_source SET source_release_date = DATE '2026-01-30'", 1, 1),
    ],
)
def test_a_planted_defect_is_found(
    sound: tuple[Path, Path], tmp_path: Path, check: str, defect: str, violated: int, denominator: int
) -> None:
    database = tmp_path / "omop.duckdb"
    shutil.copyfile(sound[0], database)
    change(database, defect)
    asked, found = measured(database, sound[1], check)[check]
    assert (found.violated, found.denominator) == (violated, denominator)
    assert status(asked, found) == "fail"


def test_every_check_has_a_defect_that_it_finds() -> None:
    marks = test_a_planted_defect_is_found.pytestmark  # type: ignore[attr-defined]
    planted = {case[0] for case in marks[0].args[1]}
    assert planted == {spec.kwargs["check"] for spec in SUITE.expectations}
    assert all(spec.description and spec.notes for spec in SUITE.expectations)


@pytest.mark.parametrize(
    ("check", "harmless"),
    [
        # 0.6 % of a large map; a fifth of a small one is only warned of
        (
            "rows_rejected",
            f"{REJECTS.format(n=1)}; {COUNTED.format(180, 159, 1)}",
        ),
        (
            "many_rows_rejected",
            f"{REJECTS.format(n=4)}; {COUNTED.format(38, 14, 4)}",
        ),
        ("values_left_out", ISSUES.replace("not a date", "cut to its length").format(n=50)),
        ("columns_empty", "UPDATE audit.columns SET filled = 0, rows = 0 WHERE source = 'ae'"),
        ("forms_empty", "UPDATE audit.forms SET rows = 0, files = 1 WHERE source = 'qol'"),
        ("events_twice", MORE_EVENTS.format(concept=3, day="2025-03-01", n=20)),
        ("persons_without_site", "DELETE FROM cdm.care_site; UPDATE cdm.person SET care_site_id = NULL"),
        ("treated_without_visit", "DELETE FROM cdm.visit_occurrence"),
        ("events_outside_period", MORE_EVENTS.format(concept=2, day="2019-01-01", n=30)),
        ("persons_exchanged", "UPDATE cdm.person SET year_of_birth = 1930 WHERE person_id <= 8"),
        ("table_rows_lost", FEWER.format(table="drug_exposure", n=2)),
        ("table_rows_grown", MORE_EVENTS.format(concept=2, day="2025-05-01", n=20)),
        ("choices_new", "INSERT INTO audit.code_lists VALUES ('ae', 'OUT', 'FATAL', 1), ('ae', 'OUT', '3.0', 1)"),
        ("choices_new", "INSERT INTO audit.code_lists VALUES ('ae', 'GRADE', '4', 1)"),
        ("choices_new", "INSERT INTO audit.code_lists VALUES ('ae', 'OUT', 'Worse', 4)"),  # 4 of 94
        ("choices_gone", "DELETE FROM audit.code_lists WHERE \"column\" = 'OUT'"),
        ("choices_gone", "DELETE FROM audit.code_lists WHERE value = 'Fatal'"),  # 1 of 90
        ("choices_new", "UPDATE audit.code_lists SET value = 'Little' WHERE source = 'qol'"),  # 29 cells then
        ("release_not_newer", "UPDATE cdm.cdm_source SET source_release_date = DATE '2026-02-28'"),
    ],
)
def test_what_is_in_order_is_left_alone(sound: tuple[Path, Path], tmp_path: Path, check: str, harmless: str) -> None:
    database = tmp_path / "omop.duckdb"
    shutil.copyfile(sound[0], database)
    change(database, harmless)
    assert status(*measured(database, sound[1], check)[check]) in ("pass", "not applicable")


def test_parts_are_forms_maps_and_columns_and_no_values(sound: tuple[Path, Path], tmp_path: Path) -> None:
    database = tmp_path / "omop.duckdb"
    shutil.copyfile(sound[0], database)
    change(database, f"{ISSUES.format(n=2)}; INSERT INTO audit.code_lists VALUES ('ae', 'OUT', 'CANARY', 2)")
    found = measured(database, sound[1])
    parts = {name: {part.name: (part.violated, part.denominator) for part in m.parts} for name, (_, m) in found.items()}
    assert parts["values_left_out"] == {"subject": (0, 40), "event.start": (2, 88), "person": (0, 40)}
    assert parts["choices_new"] == {"dm.SEX": (0, 40), "ae.OUT": (2, 92)}
    with DuckDB(database, [Attached("last", sound[1], read_only=True)], read_only=True) as db:
        listed = db.rows(found["choices_new"][0].rows_sql)
    assert "CANARY" not in str((parts, listed))
