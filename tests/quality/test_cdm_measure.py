"""Measuring the checks of the CDM: the rows that are listed are those that are counted, and one fault hides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.quality import cdm
from omopify.quality.cdm.ways import row_id
from omopify.quality.model import Check, Context, Measurement
from tests.quality.asked import from_suites, judged
from tests.quality.damage import damaged
from tests.quality.made_up import MadeUp, write
from tests.quality.test_parity import shipped_checks

TABLES = """
    CREATE SCHEMA cdm;
    CREATE TABLE cdm.person (person_id integer, gender_concept_id integer, year_of_birth integer,
        month_of_birth integer, day_of_birth integer, birth_datetime timestamp, race_concept_id integer);
    CREATE TABLE cdm.death (person_id integer, death_date date, death_type_concept_id integer);
    CREATE TABLE cdm.measurement (measurement_id integer, person_id integer, measurement_concept_id integer,
        measurement_date date, unit_concept_id integer, unit_source_value varchar);
    CREATE TABLE cdm.concept (concept_id integer, domain_id varchar, concept_class_id varchar,
        standard_concept varchar, invalid_reason varchar);
    INSERT INTO cdm.person VALUES
        (1, 8507, 1960, NULL, NULL, NULL, 0),
        (2, 8532, 1960, 12, NULL, NULL, 0),
        (3, 8532, NULL, NULL, NULL, NULL, 0),
        (4, 8507, 1960, 12, 24, '1960-06-01 08:00', 0);
    INSERT INTO cdm.death VALUES (1, '2020-01-01', 0);
    INSERT INTO cdm.measurement VALUES
        (1, 1, 3025315, '1959-12-31', 9529, 'kg'),
        (2, 1, 3025315, '1960-01-01', NULL, NULL),
        (3, 2, 3025315, '1960-11-30', 0, 'stone'),
        (4, 2, 3025315, '1960-12-01', 8554, '%'),
        (5, 3, 3000963, '1900-01-01', NULL, 'g'),
        (6, 4, 3000963, '1960-05-31', 8713, 'g/dL'),
        (7, 1, 3000963, '2020-03-01', 8713, 'g/dL'),
        (8, 1, 3000963, '2020-03-02', 8713, 'g/dL');
    INSERT INTO cdm.concept VALUES
        (0, 'Metadata', 'Undefined', NULL, NULL), (8507, 'Gender', 'Gender', 'S', NULL),
        (8532, 'Gender', 'Gender', 'S', NULL), (3025315, 'Measurement', 'Clinical Observation', 'S', NULL),
        (3000963, 'Measurement', 'Lab Test', 'S', NULL), (9529, 'Unit', 'Unit', 'S', NULL),
        (8554, 'Unit', 'Unit', NULL, NULL), (8713, 'Observation', 'Unit', 'S', 'U');
"""
"""A part of a CDM in which each row was put for a reason; the counts below are worked out by hand."""

Measure = Callable[..., dict[str, Measurement]]


@pytest.fixture(scope="module")
def checks() -> tuple[Check, ...]:
    return shipped_checks()


@pytest.fixture
def measure(tmp_path: Path, checks: tuple[Check, ...]) -> Measure:
    """Write a small CDM, change it, and measure it."""

    def measured(*changes: str, asked: tuple[Check, ...] = checks, schema: str = "cdm") -> dict[str, Measurement]:
        path = tmp_path / "small.duckdb"
        path.unlink(missing_ok=True)
        with duckdb.connect(path) as connection:
            for statement in (TABLES, *changes):
                connection.execute(statement)
        with DuckDB(path, read_only=True, name="result") as db:
            found = cdm.measure(db, asked, Context(cdm=schema))
        assert [m.check_id for m in found] == [check.id for check in asked]
        return {m.check_id: m for m in found}

    return measured


def counts(found: Mapping[str, Measurement], *ids: str) -> list[tuple[int | None, int | None]]:
    return [(found[id_].violated, found[id_].denominator) for id_ in ids]


@pytest.fixture(scope="module", params=[3, 4])
def broken(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDB]:
    """A made-up CDM, broken at random."""
    path = tmp_path_factory.mktemp("broken") / "broken.duckdb"
    with duckdb.connect(path, config={"threads": 1}) as connection:
        damaged(connection, from_suites(), request.param)
    with DuckDB(path, read_only=True, name="result") as db:
        yield db


def test_the_rows_that_are_listed_are_those_that_are_counted(broken: DuckDB, checks: tuple[Check, ...]) -> None:
    columns = set(broken.rows("SELECT lower(table_name), lower(column_name) FROM duckdb_columns()"))
    numbered = {(table, "rowid") for (table,) in broken.rows("SELECT lower(table_name) FROM duckdb_tables()")}
    listed = 0
    for check, found in zip(checks, cdm.measure(broken, checks, Context()), strict=True):
        has_key = (check.table, row_id(check.table)) in columns | numbered  # a damaged table may have lost it
        if found.violated and check.rows_sql and has_key and check.unit in ("rows", "persons"):
            assert broken.rows(f"SELECT count(*) FROM ({check.rows_sql})") == [(found.violated,)], check.rows_sql
            listed += 1
    assert listed > 300, "too little is broken to say anything"


def test_terms_without_a_concept_are_listed_by_their_rows(measure: Measure, checks: tuple[Check, ...]) -> None:
    (check,) = [c for c in checks if c.id == "field_sourcevaluecompleteness_measurement_unit_source_value"]
    assert check.unit == "values"
    assert counts(measure(), check.id) == [(1, 6)]  # 'stone' of kg, none, stone, %, g, g/dL
    assert "t.unit_concept_id = 0" in check.rows_sql


def test_births_that_are_known_in_part(measure: Measure) -> None:
    found = measure()
    # rows 1 (year only: 1 January), 3 (year and month: 1 December) and 6 (the moment counts before year and month)
    assert counts(found, "field_plausibleafterbirth_measurement_measurement_date") == [(3, 8)]
    # the deprecated type takes 1 June unless the moment is known: rows 1 and 2 of person 1, and row 6
    assert counts(found, "field_plausibletemporalafter_measurement_measurement_date") == [(3, 8)]


@pytest.mark.parametrize(
    ("second_death", "before_death", "during_life"), [("", (1, 4), (1, 4)), ("(1, '2020-01-02', 0)", (1, 8), (1, 4))]
)
def test_days_after_death(
    measure: Measure,
    checks: tuple[Check, ...],
    second_death: str,
    before_death: tuple[int, int],
    during_life: tuple[int, int],
) -> None:
    """60 days after 1 January 2020 is 1 March; person 1 has four measurements. A second death counts as in DQD."""
    (before,) = [c for c in checks if c.id == "field_plausiblebeforedeath_measurement_measurement_date"]
    during = replace(before, id="during", type="plausibleDuringLife")
    change = [f"INSERT INTO cdm.death VALUES {second_death}"] if second_death else []
    assert counts(measure(*change, asked=(before, during)), before.id, "during") == [before_death, during_life]


def test_units(measure: Measure) -> None:
    weight = "concept_plausibleunitconceptids_measurement_measurement_concept_id_3025315"
    # no unit is judged but fits, 0 is not judged, 8554 (percent) is no weight
    assert counts(measure(), weight) == [(1, 3)]


def test_concepts(measure: Measure) -> None:
    found = measure()
    unit = "measurement_unit_concept_id"
    assert counts(found, f"field_fkdomain_{unit}") == [(3, 8)]  # 8713 says Observation
    assert counts(found, f"field_isstandardvalidconcept_{unit}") == [(4, 6)]  # 8713 is updated, 8554 not standard
    assert counts(found, f"field_standardconceptrecordcompleteness_{unit}") == [(2, 7)]  # 'stone' is 0, 'g' is none
    assert counts(found, f"field_isforeignkey_{unit}") == [(0, 8)]
    found = measure("DELETE FROM cdm.concept WHERE concept_id = 8713")
    assert counts(found, f"field_isforeignkey_{unit}", f"field_fkdomain_{unit}") == [(3, 8), (0, 8)]


def test_several_domains_may_be_allowed(measure: Measure, checks: tuple[Check, ...]) -> None:
    (check,) = [c for c in checks if c.id == "field_fkdomain_measurement_unit_concept_id"]
    wider = replace(check, parameters={"domains": ["Unit", "Observation"]})
    assert counts(measure(asked=(wider,)), check.id) == [(0, 8)]


def test_what_is_missing_is_said(measure: Measure) -> None:
    found = measure()
    assert counts(found, "table_cdmtable_measurement", "table_cdmtable_note") == [(0, 1), (1, 1)]
    assert counts(found, "field_cdmfield_measurement_unit_concept_id") == [(0, 1)]
    assert counts(found, "field_cdmfield_measurement_value_as_number") == [(1, 1)]
    reasons = {
        "field_isrequired_note_note_id": "Table NOTE does not exist.",
        "field_cdmfield_note_note_id": "Table NOTE does not exist.",
        "table_measurepersoncompleteness_visit_occurrence": "Table VISIT_OCCURRENCE does not exist.",
        "field_measurevaluecompleteness_measurement_value_as_number": (
            "Field MEASUREMENT.VALUE_AS_NUMBER does not exist."
        ),
        "concept_plausibleunitconceptids_measurement_measurement_concept_id_3004410": (
            "MEASUREMENT_CONCEPT_ID=3004410 is missing from the MEASUREMENT table."
        ),
    }
    assert {id_: found[id_].not_applicable for id_ in reasons} == reasons
    error = found["field_isforeignkey_measurement_measurement_type_concept_id"]
    assert error.not_applicable
    assert not error.error


def test_eras_do_not_apply_without_conditions(measure: Measure) -> None:
    eras = "CREATE TABLE cdm.condition_era (condition_era_id integer, person_id integer)"
    conditions = "CREATE TABLE cdm.condition_occurrence (person_id integer, condition_concept_id integer)"
    filled = (
        "INSERT INTO cdm.condition_occurrence VALUES (1, 5), (2, 5), (2, 6), (3, 0);"
        "INSERT INTO cdm.condition_era VALUES (1, 2)"
    )
    id_ = "table_measureconditioneracompleteness_condition_era"
    assert measure(eras)[id_].not_applicable == "Table CONDITION_OCCURRENCE does not exist."
    assert measure(eras, conditions)[id_].not_applicable == "Table CONDITION_OCCURRENCE is empty."
    assert counts(measure(eras, conditions, filled), id_) == [(1, 2)]


def test_a_check_that_reads_what_is_missing_is_an_error(measure: Measure) -> None:
    found = measure("ALTER TABLE cdm.concept DROP domain_id", "DROP TABLE cdm.death")
    said = found["field_fkdomain_measurement_unit_concept_id"].error
    assert said == "this check also reads the field concept.domain_id, which does not exist"
    said = found["field_plausiblebeforedeath_measurement_measurement_date"].error
    assert said == "this check also reads the table death, which does not exist"
    assert found["field_isstandardvalidconcept_measurement_unit_concept_id"].violated == 4


def test_empty_tables_and_empty_fields_do_not_apply(measure: Measure) -> None:
    found = measure("DELETE FROM cdm.death", "UPDATE cdm.measurement SET unit_source_value = NULL")
    empty, unfilled = "Table DEATH is empty.", "Field MEASUREMENT.UNIT_SOURCE_VALUE is not populated."
    assert found["field_isrequired_death_death_date"].not_applicable == empty
    assert found["field_measurevaluecompleteness_death_death_date"].not_applicable == empty
    assert found["field_sourcevaluecompleteness_measurement_unit_source_value"].not_applicable == unfilled
    assert found["field_measurevaluecompleteness_measurement_unit_source_value"].not_applicable is None
    assert counts(found, "field_measurevaluecompleteness_measurement_unit_source_value") == [(8, 8)]
    # nobody has a row in an empty table, and that can be said
    person = found["table_measurepersoncompleteness_death"]
    assert (person.violated, person.denominator, person.not_applicable) == (4, 4, None)


def test_a_required_field_that_is_empty_everywhere_fails(measure: Measure) -> None:
    found = measure("UPDATE cdm.person SET race_concept_id = NULL")["field_isrequired_person_race_concept_id"]
    assert (found.violated, found.denominator, found.not_applicable) == (4, 4, None)


def test_one_broken_column_hides_nothing_and_no_value_is_told(measure: Measure) -> None:
    found = measure(
        "ALTER TABLE cdm.measurement ALTER measurement_concept_id TYPE varchar",
        "ALTER TABLE cdm.measurement ALTER measurement_date TYPE varchar",
        "UPDATE cdm.measurement SET measurement_concept_id = 'CANARY', measurement_date = 'CANARY' WHERE person_id = 3",
    )
    broken = {id_: m.error for id_, m in found.items() if m.error and not m.error.endswith("does not exist")}
    assert set(broken.values()) == {
        "a value that this check reads is not what the CDM's type says (ConversionException)"
    }
    assert all("measurement_concept_id" in id_ or "measurement_date" in id_ for id_ in broken)
    assert counts(found, "field_cdmdatatype_measurement_measurement_concept_id") == [(1, 8)]
    assert counts(found, "field_fkdomain_measurement_unit_concept_id") == [(3, 8)]
    assert counts(found, "field_isrequired_measurement_measurement_date") == [(0, 8)]


def test_a_broken_view_is_an_error_of_its_own_checks(measure: Measure) -> None:
    found = measure(
        "CREATE TABLE cdm.behind (person_id integer)",
        "CREATE VIEW cdm.observation_period AS SELECT person_id, 1 AS observation_period_id FROM cdm.behind",
        "DROP TABLE cdm.behind",
    )
    assert "CatalogException" in str(found["field_isrequired_observation_period_person_id"].error)
    assert counts(found, "field_isrequired_measurement_person_id") == [(0, 8)]


def test_names_in_capitals_are_the_same_names(measure: Measure, checks: tuple[Check, ...]) -> None:
    plain = measure()
    found = measure(
        'ALTER TABLE cdm.measurement RENAME TO m; ALTER TABLE cdm.m RENAME TO "MEASUREMENT"',
        'ALTER TABLE cdm.person RENAME person_id TO p; ALTER TABLE cdm.person RENAME p TO "PERSON_ID"',
    )
    assert {id_: replace(m, seconds=None) for id_, m in found.items()} == {
        id_: replace(m, seconds=None) for id_, m in plain.items()
    }


def test_a_whole_cdm_takes_few_statements(tmp_path: Path, checks: tuple[Check, ...]) -> None:
    class Counting(DuckDB):
        asked = 0

        def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[object, ...]]:
            self.asked += 1
            return super().rows(sql, parameters)

    path = tmp_path / "whole.duckdb"
    with duckdb.connect(path, config={"threads": 1}) as connection:
        write(MadeUp(judged(from_suites())), connection)
    with Counting(path, read_only=True, name="result") as db:
        found = cdm.measure(db, checks, Context())
        assert not [m for m in found if m.error or m.not_applicable]
        assert db.asked <= 300


def test_a_result_of_our_own_breaks_no_rule_of_structure(tmp_path: Path, checks: tuple[Check, ...]) -> None:
    """The empty tables that a run makes have all tables, fields and types."""
    from omopify.cdm import tables

    path = tmp_path / "empty.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE SCHEMA cdm")
        connection.execute(render("cdm/tables.sql.jinja", schema="cdm", tables=tables().values()))
    with DuckDB(path, read_only=True, name="result") as db:
        found = {m.check_id: m for m in cdm.measure(db, checks, Context())}
    assert not [m for m in found.values() if m.violated or m.error]
    assert {m.not_applicable is None for id_, m in found.items() if "_cdmtable_" in id_ or "_cdmfield_" in id_} == {
        True
    }
