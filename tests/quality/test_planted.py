"""Each of the 27 types of checks passes where nothing is wrong, and fails by the right counts where it is broken.

The made-up CDM has 20 persons and 40 rows in most tables; what is expected of it is counted by hand.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from omopify.quality.judging import status
from omopify.quality.model import Check, Measurement
from tests.quality.asked import from_suites, judged
from tests.quality.defects import DEFECTS, Defect
from tests.quality.made_up import MadeUp, write
from tests.quality.test_parity import measured, shipped_checks

Measure = Callable[[str], Mapping[str, Measurement]]


@pytest.fixture(scope="module")
def checks() -> tuple[Check, ...]:
    return shipped_checks()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CDM in which nothing is wrong."""
    path = tmp_path_factory.mktemp("whole") / "omop.duckdb"
    with duckdb.connect(path) as connection:
        write(MadeUp(judged(from_suites())), connection)
    return path


@pytest.fixture
def planted(whole: Path, checks: Sequence[Check], tmp_path: Path) -> Measure:
    """Break the CDM by statements (the schema is ``cdm``), and measure all checks."""

    def break_it(statements: str) -> Mapping[str, Measurement]:
        path = tmp_path / "omop.duckdb"
        shutil.copy(whole, path)
        with duckdb.connect(path) as connection:
            connection.execute("USE cdm")
            connection.execute(statements)
        return measured(path, checks)

    return break_it


CHANGED = {"field_measurevaluecompleteness_location_address_1": 24.0}
"""Thresholds that these tests change: DQD lets optional columns be as empty as they like."""


def _together() -> list[list[Defect]]:
    """Put defects that touch other tables together, so that not each of them needs a measurement of its own."""
    groups: list[tuple[set[str], list[Defect]]] = []
    for defect in DEFECTS:
        tables = set(re.findall(r"(?:UPDATE|FROM|TABLE) (\w+)", defect.statements))
        for touched, group in groups:
            if not touched & tables:
                touched |= tables
                group.append(defect)
                break
        else:
            groups.append((tables, [defect]))
    return [group for _, group in groups]


def test_there_is_a_defect_for_each_type(checks: Sequence[Check]) -> None:
    assert {defect.type for defect in DEFECTS} == {check.type for check in checks}
    assert len(DEFECTS) == 27
    assert all(any(f"_{d.type.lower()}_" in id_ for id_ in d.fails) for d in DEFECTS)


def test_every_check_passes_where_nothing_is_wrong(checks: Sequence[Check], planted: Measure) -> None:
    found = planted("SELECT 1")
    assert len(checks) == len(found) == 2374
    assert [check.id for check in checks if status(check, found[check.id]) != "pass"] == []
    assert [check.id for check in checks if not found[check.id].denominator] == []


@pytest.mark.parametrize("defects", _together(), ids=lambda defects: defects[0].type)
def test_planted_defects_fail_their_checks_and_no_other(
    defects: Sequence[Defect], checks: Sequence[Check], planted: Measure
) -> None:
    found = planted(";\n".join(defect.statements for defect in defects))
    statuses = {c.id: status(replace(c, max_pct=CHANGED.get(c.id, c.max_pct)), found[c.id]) for c in checks}
    counts = {id_: _counts(found[id_]) for id_, status in statuses.items() if status == "fail"}
    assert counts == {id_: counted for defect in defects for id_, counted in defect.fails.items()}
    gone = {id_ for id_, status in statuses.items() if status == "not applicable"}
    assert gone == {id_ for id_ in statuses if any(part in id_ for d in defects for part in d.not_applicable)} - set(
        counts
    )
    assert "error" not in statuses.values()


def test_a_check_fails_above_its_threshold_and_not_at_it(checks: Sequence[Check], planted: Measure) -> None:
    # 2 of 40 are 5 %, as many as may be without a concept; 1 of 20 would be 5 % too, so 3 of 40 are the next
    by_id = {check.id: check for check in checks}
    at = "field_standardconceptrecordcompleteness_observation_observation_concept_id"
    above = "field_standardconceptrecordcompleteness_specimen_specimen_concept_id"
    found = planted(
        """UPDATE observation SET observation_concept_id = 0 WHERE observation_id <= 2;
           UPDATE specimen SET specimen_concept_id = 0 WHERE specimen_id <= 3"""
    )
    assert (by_id[at].max_pct, _counts(found[at]), status(by_id[at], found[at])) == (5, (2, 40), "pass")
    assert (by_id[above].max_pct, _counts(found[above]), status(by_id[above], found[above])) == (5, (3, 40), "fail")
    # nothing is allowed where the threshold is 0, and the threshold may have a fraction
    assert status(replace(by_id[at], max_pct=0), found[at]) == "fail"
    assert status(replace(by_id[above], max_pct=7.5), found[above]) == "pass"
    assert status(replace(by_id[above], max_pct=7.499), found[above]) == "fail"


def test_what_is_not_there_is_not_applicable(checks: Sequence[Check], planted: Measure) -> None:
    found = planted(
        """DROP TABLE note_nlp;
            ALTER TABLE note DROP encoding_concept_id;
            DELETE FROM specimen;
            DELETE FROM condition_occurrence;
            UPDATE observation SET provider_id = NULL;
            UPDATE note SET note_class_concept_id = NULL;
            UPDATE procedure_occurrence SET procedure_concept_id = 2000000110"""
    )
    missing = "Table NOTE_NLP does not exist."
    empty = "Table SPECIMEN is empty."
    assert [c.id for c in checks if c.table == "note_nlp" and found[c.id].not_applicable != missing] == [
        "table_cdmtable_note_nlp"
    ]
    assert _counts(found["table_cdmtable_note_nlp"]) == (1, 1)
    field = [found[c.id] for c in checks if c.id.endswith("_note_encoding_concept_id")]
    assert [m.check_id for m in field if m.not_applicable != "Field NOTE.ENCODING_CONCEPT_ID does not exist."] == [
        "field_cdmfield_note_encoding_concept_id"
    ]
    assert _counts(found["field_cdmfield_note_encoding_concept_id"]) == (1, 1)
    # whether the table and its fields are there is known of an empty table too, and that nobody has rows in it
    always = ("cdmTable", "cdmField", "measurePersonCompleteness")
    assert {c.type for c in checks if c.table == "specimen" and found[c.id].not_applicable != empty} == set(always)
    assert _counts(found["table_measurepersoncompleteness_specimen"]) == (20, 20)
    # a field without values: only that it is empty can be said, and that it should not be
    without = [found[c.id] for c in checks if c.id.endswith("_observation_provider_id")]
    assert {m.check_id.split("_")[1] for m in without if not m.not_applicable} == {
        "cdmfield", "measurevaluecompleteness",
    }  # fmt: skip
    assert {m.not_applicable for m in without} == {None, "Field OBSERVATION.PROVIDER_ID is not populated."}
    required = "field_isrequired_note_note_class_concept_id"
    assert _counts(found[required]) == (40, 40)
    assert found["field_isforeignkey_note_note_class_concept_id"].not_applicable
    # concepts that do not occur
    of_concepts = [found[c.id] for c in checks if c.level == "CONCEPT" and c.table == "procedure_occurrence"]
    assert len(of_concepts) == 84
    assert all(str(m.not_applicable).endswith("is missing from the PROCEDURE_OCCURRENCE table.") for m in of_concepts)
    eras = "table_measureconditioneracompleteness_condition_era"
    assert found[eras].not_applicable == "Table CONDITION_OCCURRENCE is empty."


def test_condition_eras_are_not_asked_for_without_conditions(planted: Measure) -> None:
    eras = "table_measureconditioneracompleteness_condition_era"
    assert planted("DROP TABLE condition_occurrence")[eras].not_applicable == (
        "Table CONDITION_OCCURRENCE does not exist."
    )


def test_a_column_that_cannot_be_read_hides_no_other(checks: Sequence[Check], planted: Measure) -> None:
    # Text in a date, in a number and in a key: what reads them cannot be measured, the rest of the table can.
    broken = {
        "measurement": ("measurement_date", "visit_occurrence_id"),
        "drug_exposure": ("days_supply",),
    }
    found = planted(
        """ALTER TABLE measurement ALTER measurement_date TYPE VARCHAR;
           ALTER TABLE measurement ALTER visit_occurrence_id TYPE VARCHAR;
           ALTER TABLE drug_exposure ALTER days_supply TYPE VARCHAR;
           UPDATE measurement SET measurement_date = 'SECRET-DAY', visit_occurrence_id = 'SECRET-VISIT';
           UPDATE measurement SET measurement_date = '2017-01-01' WHERE measurement_id > 1;
           UPDATE drug_exposure SET days_supply = 'SECRET-NUMBER' WHERE drug_exposure_id = 1;
           UPDATE measurement SET measurement_type_concept_id = 12345 WHERE measurement_id <= 3"""
    )
    errors = {c.id: c for c in checks if status(c, found[c.id]) == "error"}
    assert {
        "field_plausiblevaluelow_measurement_measurement_date",
        "field_plausibleafterbirth_measurement_measurement_date",
        "field_isforeignkey_measurement_visit_occurrence_id",
        "field_withinvisitdates_measurement_measurement_date",
        "field_plausiblevaluelow_drug_exposure_days_supply",
        "field_plausiblevaluehigh_drug_exposure_days_supply",
    } <= set(errors)
    assert {(c.table, c.column) for c in errors.values()} == {
        (table, column) for table, columns in broken.items() for column in columns
    }
    assert _counts(found["field_isforeignkey_measurement_measurement_type_concept_id"])[0] == 3
    assert _counts(found["field_measurevaluecompleteness_measurement_measurement_date"])[0] == 0
    assert _counts(found["field_cdmdatatype_drug_exposure_days_supply"])[0] == 1
    rest = [c for c in checks if c.id not in errors and status(c, found[c.id]) == "fail"]
    assert {c.id for c in rest} == {
        "field_isforeignkey_measurement_measurement_type_concept_id",
        "field_cdmdatatype_measurement_visit_occurrence_id",
        "field_cdmdatatype_drug_exposure_days_supply",
    }
    assert "SECRET" not in str(list(found.values()))


def test_rows_that_are_there_twice_count_as_often_as_dqd_counts_them(checks: Sequence[Check], planted: Measure) -> None:
    # Person 1 is dead twice and person 20 is there twice: joins with them double the rows that violate.
    found = planted(
        """INSERT INTO death SELECT * FROM death WHERE person_id = 1;
           INSERT INTO person SELECT * FROM person WHERE person_id = 20;
           UPDATE observation SET observation_date = '2021-01-01' WHERE observation_id = 1;
           UPDATE note SET note_date = '1955-05-05' WHERE note_id = 20"""
    )
    # rows 1 and 21 of person 1 count twice: 8 + 2 * 2
    assert _counts(found["field_plausiblebeforedeath_observation_observation_date"]) == (2, 12)
    assert _counts(found["field_plausibleafterbirth_note_note_date"]) == (2, 40)
    assert _counts(found["field_plausibletemporalafter_note_note_date"]) == (2, 40)
    assert _counts(found["field_isprimarykey_person_person_id"]) == (2, 21)


def _counts(measurement: Measurement) -> tuple[int | None, int | None]:
    return measurement.violated, measurement.denominator
