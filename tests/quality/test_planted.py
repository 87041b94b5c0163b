"""Each of the 27 types of checks passes where nothing is wrong, and fails by the right counts where it is broken.

The made-up CDM has 20 persons and 40 rows in most tables; what is expected of it is counted by hand.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pytest

from omopify.quality.judging import status
from omopify.quality.model import Check, Measurement
from tests.quality.asked import from_suites, judged
from tests.quality.made_up import MadeUp, write
from tests.quality.test_parity import measured, shipped_checks

MALE_CONDITION = 26662
"""A condition that DQD keeps for one sex, by itself and not through an ancestor."""

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


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect, the checks that fail by it with rows violated and judged, and the checks that no longer apply."""

    type: str
    statements: str
    fails: Mapping[str, tuple[int, int]]
    not_applicable: frozenset[str] = field(default_factory=frozenset)
    """Parts of the ids of checks."""


DEFECTS = (
    Defect(
        "cdmTable",
        "DROP TABLE metadata",
        {"table_cdmtable_metadata": (1, 1)},
        frozenset({"_metadata_"}),
    ),
    Defect(
        "measurePersonCompleteness",
        "DELETE FROM observation_period WHERE person_id = 1",
        {"table_measurepersoncompleteness_observation_period": (1, 20)},
    ),
    Defect(
        "measureConditionEraCompleteness",
        "DELETE FROM condition_era WHERE person_id IN (1, 2)",
        {"table_measureconditioneracompleteness_condition_era": (2, 20)},
    ),
    Defect(
        # the first period of person 2 ends on 30 June 2015, that of person 4 too
        "measureObservationPeriodOverlap",
        """UPDATE observation_period SET observation_period_start_date = '2015-07-01'
               WHERE person_id = 2 AND observation_period_start_date = '2015-08-01';
           UPDATE observation_period SET observation_period_start_date = '2015-07-02'
               WHERE person_id = 4 AND observation_period_start_date = '2015-08-01'""",
        {"table_measureobservationperiodoverlap_observation_period": (1, 20)},
    ),
    Defect(
        "cdmField",
        "ALTER TABLE cohort_definition DROP cohort_definition_syntax",
        {"field_cdmfield_cohort_definition_cohort_definition_syntax": (1, 1)},
        frozenset({"field_measurevaluecompleteness_cohort_definition_cohort_definition_syntax"}),
    ),
    Defect(
        # DQD asks the same of a required field twice
        "isRequired",
        "UPDATE note SET note_text = NULL WHERE note_id <= 3",
        {
            "field_isrequired_note_note_text": (3, 40),
            "field_measurevaluecompleteness_note_note_text": (3, 40),
        },
    ),
    Defect(
        "cdmDatatype",
        """ALTER TABLE cost ALTER cost_event_id TYPE VARCHAR;
           UPDATE cost SET cost_event_id = 'seven' WHERE cost_id = 7;
           UPDATE cost SET cost_event_id = '8.5' WHERE cost_id = 8;
           UPDATE cost SET cost_event_id = '-9' WHERE cost_id = 9""",
        {"field_cdmdatatype_cost_cost_event_id": (2, 40)},
    ),
    Defect(
        "isPrimaryKey",
        "UPDATE device_exposure SET device_exposure_id = 1 WHERE device_exposure_id <= 3",
        {"field_isprimarykey_device_exposure_device_exposure_id": (3, 40)},
    ),
    Defect(
        "isForeignKey",
        """UPDATE observation SET provider_id = NULL;
           UPDATE observation SET provider_id = 12345 WHERE observation_id <= 2;
           UPDATE observation SET provider_id = 1 WHERE observation_id = 3""",
        {"field_isforeignkey_observation_provider_id": (2, 40)},
    ),
    Defect(
        # a standard concept of the domain Procedure
        "fkDomain",
        "UPDATE device_exposure SET device_concept_id = 2000000110 WHERE device_exposure_id <= 4",
        {"field_fkdomain_device_exposure_device_concept_id": (4, 40)},
    ),
    Defect(
        # a drug, but no ingredient
        "fkClass",
        "UPDATE drug_era SET drug_concept_id = 2000000032 WHERE drug_era_id = 1",
        {"field_fkclass_drug_era_drug_concept_id": (1, 40)},
    ),
    Defect(
        # one that is not standard, one that is only for classification, one that is no longer valid, none at all
        "isStandardValidConcept",
        """UPDATE observation SET observation_concept_id = 2000000902 WHERE observation_id = 1;
           UPDATE observation SET observation_concept_id = 2000000903 WHERE observation_id = 2;
           UPDATE observation SET observation_concept_id = 2000000904 WHERE observation_id = 3;
           UPDATE observation SET observation_concept_id = 0 WHERE observation_id = 4""",
        {"field_isstandardvalidconcept_observation_observation_concept_id": (3, 40)},
    ),
    Defect(
        "measureValueCompleteness",
        "UPDATE location SET address_1 = if(location_id <= 10, NULL, 'here')",
        {"field_measurevaluecompleteness_location_address_1": (10, 40)},
    ),
    Defect(
        # three have a unit that nobody mapped; one has none at all
        "standardConceptRecordCompleteness",
        """UPDATE device_exposure SET unit_concept_id = 2000000150, unit_source_value = 'mg';
           UPDATE device_exposure SET unit_concept_id = NULL WHERE device_exposure_id <= 2;
           UPDATE device_exposure SET unit_concept_id = 0 WHERE device_exposure_id = 3;
           UPDATE device_exposure SET unit_concept_id = NULL, unit_source_value = NULL WHERE device_exposure_id = 4""",
        {"field_standardconceptrecordcompleteness_device_exposure_unit_concept_id": (3, 39)},
    ),
    Defect(
        "sourceConceptRecordCompleteness",
        """UPDATE drug_exposure SET drug_source_concept_id = if(drug_exposure_id <= 4, 0, 2000000030);
           UPDATE drug_exposure SET drug_source_concept_id = NULL WHERE drug_exposure_id = 40""",
        {"field_sourceconceptrecordcompleteness_drug_exposure_drug_source_concept_id": (4, 39)},
    ),
    Defect(
        # three values, none counts as one; two of them have no concept, in no more than 5 % of the rows
        "sourceValueCompleteness",
        """UPDATE drug_exposure SET drug_source_value = 'pill';
           UPDATE drug_exposure SET drug_source_value = 'tonic', drug_concept_id = 0 WHERE drug_exposure_id = 1;
           UPDATE drug_exposure SET drug_source_value = NULL, drug_concept_id = 0 WHERE drug_exposure_id = 2""",
        {"field_sourcevaluecompleteness_drug_exposure_drug_source_value": (2, 3)},
    ),
    Defect(
        "plausibleValueLow",
        """UPDATE device_exposure SET quantity = if(device_exposure_id = 1, 0, 1);
           UPDATE device_exposure SET quantity = NULL WHERE device_exposure_id = 40""",
        {"field_plausiblevaluelow_device_exposure_quantity": (1, 39)},
    ),
    Defect(
        "plausibleValueHigh",
        """UPDATE drug_exposure SET days_supply = if(drug_exposure_id <= 2, 366, 365);
           UPDATE drug_exposure SET days_supply = NULL WHERE drug_exposure_id = 40""",
        {"field_plausiblevaluehigh_drug_exposure_days_supply": (2, 39)},
    ),
    Defect(
        # of person 3 only the year of birth is known: DQD's older check takes 1 June, the newer one 1 January
        "plausibleTemporalAfter",
        """UPDATE person SET birth_datetime = NULL, year_of_birth = 2015, month_of_birth = NULL, day_of_birth = NULL
               WHERE person_id = 3;
           UPDATE device_exposure SET device_exposure_start_date = '2015-05-31' WHERE device_exposure_id = 3;
           UPDATE device_exposure SET device_exposure_start_date = '2015-06-01' WHERE device_exposure_id = 23""",
        {"field_plausibletemporalafter_device_exposure_device_exposure_start_date": (1, 40)},
    ),
    Defect(
        # persons 19 and 20, with nothing to compare the end with: born on 20 August 1959 and 21 September 1960
        "plausibleAfterBirth",
        """UPDATE device_exposure SET device_exposure_end_datetime = device_exposure_start_date + 1;
           UPDATE person SET birth_datetime = NULL WHERE person_id = 19;
           UPDATE device_exposure SET device_exposure_start_datetime = NULL, device_exposure_end_datetime =
               if(person_id = 19, TIMESTAMP '1959-08-19 23:00', TIMESTAMP '1960-09-21 00:00')
               WHERE device_exposure_id IN (19, 20)""",
        {"field_plausibleafterbirth_device_exposure_device_exposure_end_datetime": (1, 40)},
    ),
    Defect(
        # person 1 died on 2 January 2020; 60 days later is 2 March. Five persons have died, with two rows each
        "plausibleBeforeDeath",
        """UPDATE observation SET observation_date = '2020-03-02' WHERE observation_id = 1;
           UPDATE observation SET observation_date = '2020-03-03' WHERE observation_id = 21""",
        {"field_plausiblebeforedeath_observation_observation_date": (1, 10)},
    ),
    Defect(
        # what the newer check finds too, but of dates and not of rows
        "plausibleDuringLife",
        """UPDATE device_exposure SET device_exposure_start_datetime = device_exposure_start_date;
           UPDATE device_exposure SET device_exposure_start_datetime = NULL WHERE device_exposure_id = 21;
           UPDATE device_exposure SET device_exposure_end_datetime = NULL,
               device_exposure_start_datetime = '2020-03-03 00:00' WHERE device_exposure_id = 1""",
        {
            "field_plausibleduringlife_device_exposure_device_exposure_start_datetime": (1, 10),
            "field_plausiblebeforedeath_device_exposure_device_exposure_start_datetime": (1, 9),
        },
    ),
    Defect(
        "withinVisitDates",
        """UPDATE observation SET visit_occurrence_id = 1;
           UPDATE visit_detail SET visit_detail_start_date = '2017-03-10', visit_detail_start_datetime = NULL,
               visit_detail_end_date = '2017-03-12', visit_detail_end_datetime = NULL WHERE visit_occurrence_id = 1;
           UPDATE visit_occurrence SET visit_start_date = '2017-03-10', visit_end_date = '2017-03-12',
               visit_start_datetime = NULL, visit_end_datetime = NULL WHERE visit_occurrence_id = 1;
           UPDATE observation SET observation_date = '2017-03-19';
           UPDATE observation SET observation_date = '2017-03-20' WHERE observation_id <= 2;
           UPDATE observation SET observation_date = '2017-03-02' WHERE observation_id = 3;
           UPDATE observation SET observation_date = '2017-03-03' WHERE observation_id = 4;
           UPDATE observation SET visit_occurrence_id = NULL WHERE observation_id = 5""",
        {"field_withinvisitdates_observation_observation_date": (3, 39)},
    ),
    Defect(
        "plausibleStartBeforeEnd",
        "UPDATE dose_era SET dose_era_start_date = dose_era_end_date + (if(dose_era_id = 1, 1, 0))",
        {"field_plausiblestartbeforeend_dose_era_dose_era_start_date": (1, 40)},
    ),
    Defect(
        # person 2 is a woman
        "plausibleGender",
        f"UPDATE condition_occurrence SET person_id = 2 WHERE condition_concept_id = {MALE_CONDITION}",
        {f"concept_plausiblegender_condition_occurrence_condition_concept_id_{MALE_CONDITION}": (1, 1)},
    ),
    Defect(
        # two ancestors and a descendant of each, all of men
        "plausibleGenderUseDescendants",
        "UPDATE condition_occurrence SET person_id = 2 WHERE condition_concept_id = 2000000500",
        {
            "concept_plausiblegenderusedescendants_condition_occurrence_condition_concept_id_4090861,4025213": (1, 4),
        },
    ),
    Defect(
        # systolic blood pressure in mmHg; no unit is no wrong unit, and a unit without a concept is not judged
        "plausibleUnitConceptIds",
        """UPDATE measurement SET measurement_concept_id = 3004249, unit_concept_id = 8876, unit_source_value = 'mm'
               WHERE measurement_id <= 4;
           UPDATE measurement SET unit_concept_id = 2000000150 WHERE measurement_id = 1;
           UPDATE measurement SET unit_concept_id = NULL, unit_source_value = NULL WHERE measurement_id = 2;
           UPDATE measurement SET unit_concept_id = 0 WHERE measurement_id = 3""",
        {"concept_plausibleunitconceptids_measurement_measurement_concept_id_3004249": (1, 4)},
    ),
)
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
