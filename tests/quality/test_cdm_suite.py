"""The shipped checks of the CDM: how many there are, with which thresholds, and what they say."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from omopify.errors import Problems
from omopify.quality import cdm
from omopify.quality.model import Check, Context
from omopify.resources import data
from omopify.specs.quality import SuiteFile, read_suite

OHDSI = Path("/work/shared/data/ohdsi")
FOLDER = data("quality", "omop54")

PUBLISHED = {
    "cdmTable": (31, "critical", {None: 31}),
    "measurePersonCompleteness": (16, "warning", {95: 8, 100: 7, 0: 1}),
    "measureConditionEraCompleteness": (1, "warning", {0: 1}),
    "measureObservationPeriodOverlap": (1, "critical", {0: 1}),
    "cdmField": (391, "critical", {None: 391}),
    "isRequired": (145, "critical", {0: 145}),
    "cdmDatatype": (197, "critical", {0: 197}),
    "isPrimaryKey": (23, "critical", {0: 23}),
    "isForeignKey": (163, "critical", {0: 163}),
    "fkDomain": (43, "warning", {0: 43}),
    "fkClass": (3, "warning", {0: 3}),
    "isStandardValidConcept": (64, "warning", {0: 64}),
    "measureValueCompleteness": (391, "info", {100: 246, 0: 145}),
    "standardConceptRecordCompleteness": (48, "warning", {5: 19, 0: 18, 100: 11}),
    "sourceConceptRecordCompleteness": (13, "warning", {10: 7, 100: 6}),
    "sourceValueCompleteness": (32, "warning", {100: 26, 10: 6}),
    "plausibleValueLow": (68, "info", {1: 68}),
    "plausibleValueHigh": (60, "info", {1: 60}),
    "plausibleTemporalAfter": (51, "info", {1: 48, 0: 3}),
    "plausibleDuringLife": (34, "info", {1: 34}),
    "withinVisitDates": (9, "info", {5: 7, 1: 2}),
    "plausibleAfterBirth": (49, "info", {1: 49}),
    "plausibleBeforeDeath": (47, "info", {1: 47}),
    "plausibleStartBeforeEnd": (22, "info", {1: 18, 0: 4}),
    "plausibleGender": (287, "info", {5: 287}),
    "plausibleGenderUseDescendants": (4, "info", {2: 4}),
    "plausibleUnitConceptIds": (181, "info", {5: 181}),
}
"""How many checks of each type DataQualityDashboard 2.8.4 asks by default, how severe, and with which thresholds;
counted in its control files and in a run of its own SQL (facts, A.2 and A.3)."""


@pytest.fixture(scope="module")
def checks() -> dict[str, Check]:
    problems = Problems()
    suites = [suite for path in _files() if (suite := read_suite(path, problems))]
    cdm.check(suites, problems)
    assert problems.found == []
    found = [check for s in suites for spec in s.expectations for check in cdm.expand(s, spec, Context())]
    assert len(found) == len({check.id for check in found})
    return {check.id: check for check in found}


def _files() -> list[Path]:
    return sorted(path for path in FOLDER.glob("*.yaml") if path.name != "check_types.yaml")


OURS = "field_isforeignkey_cohort_definition_cohort_definition_id"
"""The one check whose severity is not DQD's: a cohort may wait for its first patient."""


@pytest.fixture
def as_in_dqd(checks: dict[str, Check]) -> list[Check]:
    assert checks[OURS].severity == "info"
    return [replace(check, severity="critical") if check.id == OURS else check for check in checks.values()]


def test_there_are_as_many_as_dqd_asks(as_in_dqd: list[Check]) -> None:
    found = {
        kind: (
            len(of_kind := [check for check in as_in_dqd if check.type == kind]),
            *{check.severity for check in of_kind},
            dict(Counter(check.max_pct for check in of_kind)),
        )
        for kind in PUBLISHED
    }
    assert found == PUBLISHED
    assert len(as_in_dqd) == 2374


def test_they_are_of_the_kinds_that_dqd_counts(as_in_dqd: list[Check]) -> None:
    every = as_in_dqd
    assert Counter(check.severity for check in every) == {"critical": 951, "warning": 220, "info": 1203}
    assert Counter(check.category for check in every) == {"Conformance": 1060, "Plausibility": 813, "Completeness": 501}
    assert Counter(check.level for check in every) == {"TABLE": 49, "FIELD": 1853, "CONCEPT": 472}
    assert Counter(check.context for check in every) == {"Verification": 1921, "Validation": 453}
    assert len({check.table for check in every}) == len(_files()) == 31
    trial = "person observation_period visit_occurrence visit_detail condition_occurrence drug_exposure measurement"
    assert set(trial.split()) <= {check.table for check in every}


def test_a_check_is_told_what_it_needs(checks: dict[str, Check]) -> None:
    told = {
        "field_fkdomain_drug_exposure_drug_concept_id": {"domains": ["Drug"]},
        "field_isforeignkey_measurement_person_id": {"refers_to": "person.person_id"},
        "field_plausiblevaluelow_measurement_measurement_date": {"lowest": "1950-01-01"},
        "field_plausiblevaluehigh_person_year_of_birth": {"highest": "next year"},
        "field_plausiblevaluehigh_drug_exposure_days_supply": {"highest": 365},
        "field_plausibletemporalafter_visit_occurrence_visit_end_date": {"after": "visit_start_date"},
        "field_plausibletemporalafter_death_death_date": {"after": "birth"},
        "field_plausiblestartbeforeend_drug_era_drug_era_start_date": {"end": "drug_era_end_date"},
        "field_standardconceptrecordcompleteness_measurement_unit_concept_id": {"source_value": "unit_source_value"},
        "field_standardconceptrecordcompleteness_person_gender_concept_id": {},
        "field_sourcevaluecompleteness_drug_exposure_drug_source_value": {"concept": "drug_concept_id"},
        "field_fkclass_drug_era_drug_concept_id": {"concept_class": "Ingredient"},
    }
    assert {id_: checks[id_].parameters for id_ in told} == told
    haemoglobin = checks["concept_plausibleunitconceptids_measurement_measurement_concept_id_3000963"]
    assert haemoglobin.parameters == {"units": [8636, 8713], "name": "Hemoglobin [Mass/volume] in Blood"}
    assert (haemoglobin.column, haemoglobin.concept_id) == ("measurement_concept_id", "3000963")


def test_every_check_says_in_words_what_it_asks(checks: dict[str, Check]) -> None:
    for check in checks.values():
        assert not re.search(r"[{}]|None|\[", check.description.replace(str(check.parameters.get("name")), "")), (
            check.id
        )
        assert check.description.endswith(".")
        assert check.causes.endswith(".")
    said = checks["field_plausibletemporalafter_death_death_date"].description
    assert said == "death_date of death is not before the person's birth."
    said = checks["concept_plausiblegender_condition_occurrence_condition_concept_id_73801"].description
    assert said == "Persons with Scrotal varices (concept 73801 in condition_concept_id) have the gender Male."


def test_a_check_can_list_its_rows_unless_it_is_about_the_catalogue(checks: dict[str, Check]) -> None:
    for check in checks.values():
        assert bool(check.rows_sql) == (check.type not in ("cdmTable", "cdmField"))
        assert "row_id" in check.rows_sql or not check.rows_sql
    assert checks["field_isrequired_person_year_of_birth"].rows_sql == (
        "SELECT t.person_id AS row_id\nFROM cdm.person AS t\nWHERE t.year_of_birth IS NULL"
    )


def test_the_files_say_where_they_are_from_and_fit_a_screen() -> None:
    for path in (*_files(), FOLDER / "check_types.yaml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert "DataQualityDashboard 2.8.4" in lines[0]
        assert "Apache License 2.0" in lines[0]
        assert max(map(len, lines)) <= 170, path


def test_words_of_dqd_are_kept(checks: dict[str, Check]) -> None:
    words = cdm.dqd_words(checks["field_plausiblevaluehigh_measurement_measurement_date"])
    assert words.sql_file == "field_plausible_value_high.sql"
    assert words.description == (
        "The number and percent of records with a value in the MEASUREMENT_DATE field of the MEASUREMENT table"
        " greater than DATEADD(DD,1,GETDATE())."
    )
    words = cdm.dqd_words(checks["concept_plausibleunitconceptids_measurement_measurement_concept_id_40762499"])
    assert words.notes == "Approved UNIT_CONCEPT_IDs for the given MEASUREMENT_CONCEPT_ID"
    assert "UNIT_CONCEPT_ID NOT IN  (8554,-1)" in words.description


@pytest.mark.skipif(not OHDSI.is_dir(), reason="OHDSI's control files are not on this machine")
def test_thresholds_and_words_are_those_of_the_control_files(checks: dict[str, Check]) -> None:
    """Read the control files by another route than the one that wrote the suites: from our checks to their cells."""
    kinds = {row["checkName"]: row for row in _csv("Check_Descriptions")}
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    for level, names in (
        ("Table", ["cdmTableName"]),
        ("Field", ["cdmTableName", "cdmFieldName"]),
        ("Concept", ["cdmTableName", "cdmFieldName", "conceptId"]),
    ):
        for row in _csv(f"{level}_Level"):
            key = (level.upper(), *(row[name].replace(" ", "").lower() for name in names))
            cells.setdefault(key, {}).update({name: value for name, value in row.items() if value})
    for check in checks.values():
        key = (check.level, *(name for name in (check.table, check.column, check.concept_id) if name))
        row, kind, words = cells[key], kinds[check.type], cdm.dqd_words(check)
        threshold = row.get(f"{check.type}Threshold")
        assert check.max_pct == (float(threshold) if threshold else None), check.id
        assert (words.notes or None) == row.get(f"{check.type}Notes"), check.id
        assert words.sql_file == kind["sqlFile"]
        assert (check.context, check.category, check.subcategory) == (
            kind["kahnContext"], kind["kahnCategory"], kind["kahnSubcategory"],
        )  # fmt: skip
        said = {**row, "cdmFieldName": (check.column or "").upper(), "conceptId": check.concept_id or ""}
        said["plausibleUnitConceptIds"] = ",".join(dict.fromkeys(row.get("plausibleUnitConceptIds", "").split(",")))
        wanted = re.sub(r"@(\w+)", lambda found, said=said: said.get(found[1], "NA").upper(), kind["checkDescription"])
        assert words.description.split() == wanted.split(), check.id


def _csv(name: str) -> list[dict[str, str]]:
    with (OHDSI / f"DQD_v5.4_{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return [{k: (v or "").strip() for k, v in row.items() if k} for row in csv.DictReader(file)]


def _problems(tmp_path: Path, kwargs: str) -> list[str]:
    path = tmp_path / "own.yaml"
    lines = "".join(f"      {line}\n" for line in kwargs.splitlines())
    path.write_text(
        f"name: own\nexpectations:\n  - type: expect_cdm_checks_to_pass\n    kwargs:\n{lines}", encoding="utf-8"
    )
    problems = Problems()
    suite = read_suite(path, problems)
    assert isinstance(suite, SuiteFile), [str(problem) for problem in problems.found]
    cdm.check([suite], problems)
    return [f"{p.at.line if p.at else 0} {p.code} {p.message}" for p in problems.found]


@pytest.mark.parametrize(
    ("kwargs", "wanted"),
    [
        ("check_type: isRequird\ncdm_table: person\nchecks: {}", ["5 OM845 there is no type of check 'isRequird'"]),
        ("check_type: isRequired\ncdm_table: persons\nchecks: {}", ["6 OM845 the CDM has no table 'persons'"]),
        (
            "check_type: isRequired\ncdm_table: person\nchecks:\n"
            "  birth: {max_pct: 0}\n  year_of_birth: {max_pct: 101}",
            ["8 OM845 the table 'person' has no field 'birth'", "9 OM846 'max_pct' should be a number from 0 to 100"],
        ),
        (
            "check_type: fkDomain\ncdm_table: person\nchecks:\n"
            "  gender_concept_id: {}\n  race_concept_id: {domains: Race}\n  ethnicity_concept_id: {domains: [E], x: 1}",
            [
                "8 OM846 'domains' is missing in 'gender_concept_id'",
                "9 OM846 'domains' should be a list such as [Drug]",
                "10 OM846 unknown word 'x' in 'ethnicity_concept_id'",
            ],
        ),
        (
            "check_type: plausibleStartBeforeEnd\ncdm_table: drug_era\nchecks:\n  drug_era_start_date: {end: stop}",
            ["8 OM845 the table 'drug_era' has no field 'stop'"],
        ),
        (
            "check_type: isForeignKey\ncdm_table: death\nchecks:\n  person_id: {refers_to: person.id}",
            ["8 OM845 the table 'person' has no field 'id'"],
        ),
        (
            "check_type: plausibleUnitConceptIds\ncdm_table: measurement\nchecks:\n"
            "  weight: {units: [9529]}\n  3025315: {units: [kg]}",
            [
                "8 OM845 'weight' is no concept",
                "9 OM846 'units' should be a list of concepts such as [8840, 9028]; 'none' for no unit",
            ],
        ),
        (
            "check_type: plausibleValueLow\ncdm_table: death\nchecks:\n"
            "  death_date: {lowest: 1950-13-01}\n  death_datetime: {lowest: 1950-W01}",
            [
                "8 OM846 'lowest' should be a number, a day such as 1950-01-01, tomorrow or next year",
                "9 OM846 'lowest' should be a number, a day such as 1950-01-01, tomorrow or next year",
            ],
        ),
        (
            "check_type: cdmTable\ncdm_table: death\nchecks:\n  person: {}",
            ["8 OM845 this type of check is about a whole table, not 'person'"],
        ),
    ],
)
def test_mistakes_in_a_suite_of_ones_own(tmp_path: Path, kwargs: str, wanted: list[str]) -> None:
    assert _problems(tmp_path, kwargs) == wanted
