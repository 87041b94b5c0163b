"""The suite of the shared variables follows the model: a check for each value set and each required field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems
from omopify.quality import dsp
from omopify.quality.model import Check, Context, Measurement
from omopify.resources import data
from omopify.specs.packs import TableFile
from omopify.specs.quality import SuiteFile, read_suite

from .four_patients import context, open_result, tables


def suite() -> SuiteFile:
    problems = Problems()
    found = read_suite(data("quality", "dsp.yaml"), problems)
    assert not problems.found
    assert found
    return found


SUITE = suite()


def expanded(said: Context) -> dict[str, Check]:
    checks = [check for spec in SUITE.expectations for check in dsp.expand(SUITE, spec, said)]
    by_id = {check.id: check for check in checks}
    assert len(by_id) == len(checks)
    return by_id


def measured(db: DuckDB, said: Context) -> dict[str, Measurement]:
    checks = expanded(said)
    found = dsp.measure(db, list(checks.values()), said)
    assert [m.check_id for m in found] == list(checks)
    return {m.check_id: m for m in found}


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDB]:
    with open_result(tmp_path_factory.mktemp("four")) as db:
        yield db


@pytest.fixture
def db(four: DuckDB) -> Iterator[DuckDB]:
    four.script("BEGIN")
    yield four
    four.script("ROLLBACK")


def written() -> Iterator[tuple[str, str, dict[str, object], list[str]]]:
    """Read the model's files as plain YAML: table, field, what is said of it, transfers of the table."""
    for path in sorted(data("mappings", "prime_rose", "dsp").glob("*.yaml")):
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        for field, said in table["fields"].items():
            yield table["table"], field, said or {}, table["transfer"]


def test_there_is_a_check_for_each_value_set_and_each_required_field() -> None:
    sets = {f"dsp.values_in_set.{table}.{field}" for table, field, said, _ in written() if said.get("values")}
    required = {f"dsp.required_present.{table}.{field}" for table, field, said, _ in written() if said.get("required")}
    assert set(expanded(context())) == sets | required


def test_a_transfer_asks_for_its_own_tables_and_that_they_have_rows() -> None:
    checks = expanded(context(transfer="monthly"))
    monthly = {table for table, _, _, transfers in written() if "monthly" in transfers}
    assert monthly == {
        "subject", "milestone", "cohort_allocation", "tumour_type", "biomarker", "study_drug", "age",
    }  # fmt: skip
    asked = {check.table for check in checks.values() if check.type == "required_present"}
    assert asked == monthly
    for table in monthly:
        check = checks[f"dsp.required_present.{table}"]
        assert (check.severity, check.level, check.column) == ("warning", "TABLE", None)
    assert checks["dsp.required_present.subject.person_key"].severity == "critical"
    # what the values are does not depend on the transfer
    assert "dsp.values_in_set.adverse_event.grade" in checks


def test_four_patients_in_order_pass(four: DuckDB) -> None:
    found = measured(four, context())
    assert not [m for m in found.values() if m.violated or m.error]
    grade = found["dsp.values_in_set.adverse_event.grade"]
    assert (grade.violated, grade.denominator) == (0, 4)
    outcome = found["dsp.values_in_set.adverse_event.outcome"]
    assert (outcome.violated, outcome.denominator) == (0, 3)  # one has none
    term = found["dsp.required_present.adverse_event.term"]
    assert (term.violated, term.denominator) == (0, 4)
    empty = found["dsp.values_in_set.medical_history.status"]
    assert (empty.not_applicable, empty.error) == ("no rows to judge", None)


@pytest.mark.parametrize(
    ("change", "check", "violated", "judged", "rows"),
    [
        ("UPDATE dsp.adverse_event SET grade = 6 WHERE _row = 2", "values_in_set.adverse_event.grade", 1, 4, ["1:2"]),
        ("UPDATE dsp.adverse_event SET outcome = 'Fatal' WHERE _row = 2", "values_in_set.adverse_event.outcome", 1, 3,
         ["1:2"]),
        ("UPDATE dsp.study_drug SET drug_number = 3 WHERE _row IN (2, 3)", "values_in_set.study_drug.drug_number", 2, 5,
         ["1:2", "1:3"]),
        # numbers are compared as numbers, whatever they were kept as
        ("ALTER TABLE dsp.ecog ALTER grade TYPE varchar; UPDATE dsp.ecog SET grade = CASE _row WHEN 1 THEN '1.0' "
         "WHEN 2 THEN 'good' WHEN 3 THEN '2.5' ELSE grade END", "values_in_set.ecog.grade", 2, 5, ["1:2", "1:3"]),
        ("ALTER TABLE dsp.death ALTER date DROP NOT NULL; UPDATE dsp.death SET date = NULL WHERE _row = 2",
         "required_present.death.date", 1, 2, ["1:2"]),
    ],
)  # fmt: skip
def test_a_planted_defect_is_found_row_by_row(
    db: DuckDB, change: str, check: str, violated: int, judged: int, rows: list[str]
) -> None:
    db.script(change)
    found = measured(db, context())[f"dsp.{check}"]
    assert (found.violated, found.denominator, found.error) == (violated, judged, None)
    listed = db.rows(expanded(context())[f"dsp.{check}"].rows_sql)
    assert sorted(listed) == [(row_id, 1, int(row_id.partition(":")[2])) for row_id in rows]


def test_an_empty_table_of_the_transfer_is_a_warning(db: DuckDB) -> None:
    db.script("DELETE FROM dsp.biomarker")
    found = measured(db, context(transfer="monthly"))
    assert {name for name, m in found.items() if m.violated} == {"dsp.required_present.biomarker"}
    assert found["dsp.required_present.biomarker"].denominator == 1
    assert found["dsp.required_present.biomarker.date"].not_applicable == "no rows to judge"
    assert found["dsp.required_present.subject"].violated == 0


def test_what_is_not_there_does_not_hide_the_rest(tmp_path: Path) -> None:
    with open_result(tmp_path) as db:
        db.script("DROP TABLE dsp.visit")
        db.script("ALTER TABLE dsp.death RENAME recorded_in TO recorded")
        db.script("DROP TABLE dsp.ecog")
        db.script(
            "CREATE VIEW dsp.ecog AS SELECT error('SECRET') AS grade, '' AS date_basis, '' AS subject_id, '' AS date"
        )
        found = measured(db, context())
    assert found["dsp.values_in_set.visit.mode"].not_applicable == "the result has no table dsp.visit"
    assert found["dsp.values_in_set.death.recorded_in"].error == "the table dsp.death has no field 'recorded_in'"
    refused = found["dsp.values_in_set.ecog.grade"].error
    assert refused
    assert "SECRET" not in refused
    assert found["dsp.required_present.death.date"].denominator == 2


def test_without_harmonised_tables_nothing_applies(four: DuckDB) -> None:
    found = measured(four, context(schemas=frozenset({"cdm"})))
    assert {m.not_applicable for m in found.values()} == {"the result has no harmonised tables"}
    assert expanded(context(tables={})) == {}


def test_a_new_value_of_the_model_is_asked_about_without_another_word(four: DuckDB) -> None:
    model = {"table": "death", "fields": {"subject_id": {"values": ["A", "it's"]}, "date": {"type": "date"}}}
    said = context(tables={"death": TableFile.model_validate(model)})
    found = measured(four, said)
    assert found["dsp.values_in_set.death.subject_id"].violated == 1  # D
    assert "A, it's" in expanded(said)["dsp.values_in_set.death.subject_id"].description


def test_all_tables_are_counted_in_one_statement(four: DuckDB, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    rows = DuckDB.rows
    monkeypatch.setattr(DuckDB, "rows", lambda db, sql, parameters=None: asked.append(sql) or rows(db, sql, parameters))
    measured(four, context())
    assert len(tables()) == 30
    assert len(asked) == 2  # the catalogue, and the counts
