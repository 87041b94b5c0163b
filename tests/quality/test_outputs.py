"""The files that a quality run leaves: what other programs read in them, and that nothing is lost on the way."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from omopify.errors import OmopifyError
from omopify.quality.model import (
    Assessment,
    Change,
    Check,
    Comparison,
    Counted,
    Coverage,
    Findings,
    Link,
    Loss,
    MapRows,
    Measurement,
    Part,
    Picture,
    Result,
    Subject,
    Unmapped,
    Verdict,
    Waiver,
)
from omopify.quality.outputs import results_table, write_outputs
from omopify.quality.outputs.dqd_json import to_dqd
from omopify.quality.outputs.junit import to_junit
from omopify.quality.outputs.masking import masked
from omopify.quality.outputs.quality_json import from_json, json_schema, read_document, to_document, to_json, written
from omopify.resources import data

SUBJECT = Subject(
    trial="t",
    name="Trial",
    generated_at="2026-11-21T19:00:00+00:00",
    release_date="2026-11-20",
    data_sha256="0" * 64,
    small_cell=5,
    cdm_source={
        "cdm_source_name": "Trial",
        "cdm_source_abbreviation": "t",
        "source_documentation_reference": None,
        "cdm_release_date": "2026-11-21",
        "cdm_version_concept_id": "756265",
    },
)
VERDICT = Verdict("ready", ("No critical check fails without a waiver.",), {"critical": {"pass": 1}})


def check(kind: str, table: str, column: str | None = None, max_pct: float | None = 0, **more: Any) -> Check:
    """Return a check of the CDM, with the id that facts A.5 give it."""
    level = more.pop("level", "FIELD" if column else "TABLE")
    parts = (level, kind, table, column, more.get("concept_id"), more.get("unit_concept_id"))
    base: dict[str, Any] = {
        "suite": f"omop54.{table}",
        "category": "Conformance",
        "severity": "critical",
        "description": f"{table} is well",
        "context": "Verification",
    }
    own = {"id": "_".join(p for p in parts if p).lower(), "type": kind, "schema": "cdm", "level": level}
    return Check(table=table, column=column, max_pct=max_pct, **{**base, **own, **more})


def result(one: Check, status: Any, violated: int | None = None, denominator: int | None = None, **more: Any) -> Result:
    waiver = more.pop("waiver", None)
    return Result(one, Measurement(one.id, violated, denominator, **more), status, waiver)


REQUIRED = check("isRequired", "person", "person_id")
UNIT = check(
    "plausibleUnitConceptIds",
    "measurement",
    "measurement_concept_id",
    5,
    level="CONCEPT",
    category="Plausibility",
    subcategory="Atemporal",
    severity="info",
    concept_id="3000963",
    unit_concept_id="8713",
    rows_sql="SELECT 1 AS row_id WHERE 1 < 2 AND 'a' > '<b>'",
    parameters={"units": ["none"], "name": "Hemoglobin"},
)
OWN = replace(
    REQUIRED, id="trial.rejects", suite="trial", type="rejects", schema="audit", table="map_rows", level="TABLE"
)
WAIVER = Waiver(OWN.id, "known & agreed", "Kari <k>", "2026-11-01", "2026-12-31")
RESULTS = (
    result(REQUIRED, "pass", 0, 100, seconds=0.125),
    result(UNIT, "fail", 10, 30),
    result(
        check("isRequired", "visit_detail", "person_id"),
        "not applicable",
        not_applicable="Table visit_detail is empty.",
    ),
    result(check("fkDomain", "death", "cause_concept_id", 0), "error", error="ConversionException"),
    result(check("isRequired", "note", "note_text"), "fail", 7, 7),
    result(
        replace(check("cdmTable", "cost"), change=Change("no costs", "K", "2026-01-01", None, "critical", True)), "off"
    ),
    result(OWN, "fail", 8, 40, parts=(Part("a", 8, 10), Part("b", 0, 30)), waiver=WAIVER),
)
ASSESSMENT = Assessment(SUBJECT, VERDICT, RESULTS, timings={"measure": 1.5, "judge": 0.5, "statements": 93})


# --- quality.json

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
COUNT = st.integers(0, 10**12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
CHECKS = st.builds(
    Check,
    level=st.sampled_from(("TABLE", "FIELD", "CONCEPT")),
    schema=st.sampled_from(("cdm", "dsp", "audit")),
    max_pct=st.none() | st.floats(0, 100),
    rows_sql=st.just(""),
    parameters=st.dictionaries(TEXT, JSON, max_size=3),
    **dict.fromkeys(("id", "suite", "type", "table", "category", "description", "causes", "expectation"), TEXT),
)
MEASUREMENTS = st.builds(
    Measurement,
    check_id=TEXT,
    violated=st.none() | COUNT,
    denominator=st.none() | COUNT,
    parts=st.lists(st.builds(Part, TEXT, COUNT, COUNT), max_size=3).map(tuple),
)
RESULT = st.builds(Result, CHECKS, MEASUREMENTS, st.sampled_from(("pass", "fail", "error", "off", "not applicable")))
CELL = st.none() | TEXT | st.integers(-5, 10**6) | st.floats(allow_nan=False, allow_infinity=False)
PICTURES = st.builds(
    Picture,
    kind=st.sampled_from(("bars", "line")),
    columns=st.just(("a", "b")),
    rows=st.lists(st.tuples(CELL, CELL), max_size=3).map(tuple),
    counts=st.sampled_from(((), ("b",))),
)
FINDINGS = st.builds(
    Findings,
    flow=st.lists(st.builds(Link), max_size=2).map(tuple),
    maps=st.lists(
        st.builds(MapRows, sources=st.lists(TEXT, max_size=2).map(tuple), targets=st.just(())), max_size=2
    ).map(tuple),
    unmapped=st.lists(st.builds(Unmapped), max_size=2).map(tuple),
    losses=st.lists(st.builds(Loss), max_size=2).map(tuple),
    coverage=st.lists(st.builds(Coverage), max_size=2).map(tuple),
    pictures=st.lists(PICTURES, max_size=2).map(tuple),
)
ASSESSMENTS = st.builds(
    Assessment,
    st.builds(
        Subject, versions=st.dictionaries(TEXT, TEXT, max_size=2), cdm_source=st.just({"a": None, "b": 1, "c": "x"})
    ),
    st.builds(Verdict, reasons=st.lists(TEXT, max_size=2).map(tuple), counts=st.just({"info": {"pass": 1}})),
    st.lists(RESULT, max_size=4).map(tuple),
    FINDINGS,
    st.builds(Comparison, counts=st.lists(st.builds(Counted), max_size=2).map(tuple), code_lists=st.just(())),
    st.dictionaries(TEXT, st.floats(0, 1e6), max_size=3),
    st.just(1),
)


@settings(max_examples=40, deadline=None)
@given(ASSESSMENTS)
def test_what_is_written_is_read_again(assessment: Assessment) -> None:
    text = to_json(assessment)
    assert from_json(text) == assessment
    assert to_json(from_json(text)) == text
    Draft202012Validator(json_schema()).validate(json.loads(text))


def test_the_query_of_failing_rows_is_kept_only_where_rows_fail() -> None:
    back = from_json(to_json(ASSESSMENT))
    assert back.results[1].check.rows_sql == UNIT.rows_sql
    fine = replace(ASSESSMENT, results=(result(UNIT, "pass", 0, 30),))
    assert from_json(to_json(fine)).results[0].check == replace(UNIT, rows_sql="")


def test_readers_find_what_they_would_have_to_compute() -> None:
    document = read_document(to_json(ASSESSMENT))
    assert document == to_document(ASSESSMENT)
    assert [found.get("pct") for found in document["results"]] == [0, 33.3333, None, None, 100, None, 20]
    assert [found.get("is_open", False) for found in document["results"]] == [
        False,
        True,
        False,
        True,
        True,
        False,
        False,
    ]
    heat = {(line["table"], line["category"]): line for line in document["heat"]}
    assert heat["map_rows", "Conformance"]["waived"] == 1
    assert heat["map_rows", "Conformance"]["fail"] == 0
    assert heat["cost", "Conformance"]["off"] == heat["death", "Conformance"]["error"] == 1


def test_the_published_schema_is_that_of_the_model() -> None:
    published = json.loads(data("quality", "quality.schema.json").read_text(encoding="utf-8"))
    assert published == json_schema(), "write it anew: python -m tests.quality.test_outputs"
    Draft202012Validator.check_schema(published)
    Draft202012Validator(published).validate(json.loads(written(masked(to_document(ASSESSMENT), 5))))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        to_json(ASSESSMENT).replace('"schema_version": 1', '"schema_version": 2'),
        to_json(ASSESSMENT).replace('"status":"pass"', '"status":"well"'),
        to_json(ASSESSMENT).replace('"small_cell": 5', '"small_cell": "5"'),
        to_json(ASSESSMENT)[:-40],
        written(masked(to_document(replace(ASSESSMENT, results=(result(UNIT, "fail", 3, 30),))), 5)),
    ],
)
def test_a_file_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(OmopifyError) as refused:
        from_json(text)
    assert refused.value.problems[0].code == "OM827"


# --- dq-result.json: what DataQualityDashboard's viewer, ARES and AresIndexer read (facts A.5)

SCALAR = {"type": ["string", "number"]}
BOXED_NUMBER = {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 1}
BOXED_TEXT = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1}
MOMENT = {**BOXED_TEXT, "items": {"pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"}}
FLAG = {"enum": [0, 1]}
CAPITALS = {"type": "string", "pattern": "^[A-Z0-9_]+$"}
CHECK_KEYS = [
    "numViolatedRows", "pctViolatedRows", "numDenominatorRows", "executionTime", "queryText", "checkName", "checkLevel",
    "checkDescription", "cdmTableName", "cdmFieldName", "conceptId", "unitConceptId", "sqlFile", "category",
    "subcategory", "context", "warning", "error", "checkId", "failed", "passed", "isError", "notApplicable",
    "notApplicableReason",
    "thresholdValue", "notesValue",
]  # fmt: skip
OVERVIEW_KEYS = [
    "countTotal", "countPassed", "countErrorFailed", "countThresholdFailed", "countOverallFailed", "percentPassed",
    "percentFailed",
    "countTotalPlausibility", "countTotalConformance", "countTotalCompleteness",
    "countFailedPlausibility", "countFailedConformance", "countFailedCompleteness",
    "countPassedPlausibility", "countPassedConformance", "countPassedCompleteness",
]  # fmt: skip
READERS = {
    "type": "object",
    "required": ["startTimestamp", "endTimestamp", "executionTime", "CheckResults", "Metadata", "Overview"],
    "properties": {
        "startTimestamp": MOMENT,
        "endTimestamp": MOMENT,
        "executionTime": BOXED_TEXT,
        "executionTimeSeconds": BOXED_NUMBER,
        "Metadata": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "required": ["cdmSourceName", "cdmSourceAbbreviation", "cdmReleaseDate", "dqdVersion"],
                "properties": {"cdmReleaseDate": {"pattern": r"^\d{4}-\d\d-\d\d$"}},
                "additionalProperties": SCALAR,
            },
        },
        "Overview": {"required": OVERVIEW_KEYS, "additionalProperties": BOXED_NUMBER},
        "CheckResults": {
            "type": "array",
            "items": {
                # without one of these the viewer's table stops with an alert
                "required": [
                    "checkName", "checkLevel", "checkDescription", "cdmTableName", "category", "context", "checkId",
                    "failed", "passed", "isError", "notApplicable", "sqlFile",
                ],
                "properties": {
                    "numViolatedRows": {"type": "integer"},
                    "pctViolatedRows": {"type": "number", "minimum": 0, "maximum": 1},
                    "numDenominatorRows": {"type": "integer"},
                    "checkLevel": {"enum": ["TABLE", "FIELD", "CONCEPT"]},
                    "cdmTableName": CAPITALS,
                    "cdmFieldName": CAPITALS,
                    "conceptId": {"type": "string"},
                    "unitConceptId": {"type": "string"},
                    "category": {"enum": ["Conformance", "Completeness", "Plausibility"]},
                    "context": {"enum": ["Verification", "Validation"]},
                    "checkId": {"pattern": "^(table|field|concept)_[a-z0-9_,-]+$"},
                    "executionTime": {"pattern": r"^[0-9.e-]+ secs$"},
                    "thresholdValue": {"type": "number"},
                    **dict.fromkeys(("failed", "passed", "isError", "notApplicable"), FLAG),
                },
                "additionalProperties": SCALAR,
            },
        },
    },
}  # fmt: skip


def test_readers_of_dqd_find_what_they_read() -> None:
    found = json.loads(json.dumps(to_dqd(ASSESSMENT)))
    Draft202012Validator(READERS).validate(found)
    for row in found["CheckResults"]:
        assert list(row) == [key for key in CHECK_KEYS if key in row], "the keys keep DQD's order"
        share = row.get("pctViolatedRows", 0)
        assert round(share, 4) == share
        assert row["failed"] + row["passed"] + row["isError"] + row["notApplicable"] == 1
    assert list(found["Overview"]) == OVERVIEW_KEYS


def test_each_status_is_written_as_dqd_writes_it() -> None:
    found = to_dqd(ASSESSMENT)
    required, unit, empty, error, unpopulated = found["CheckResults"]
    assert required == {
        "numViolatedRows": 0, "pctViolatedRows": 0, "numDenominatorRows": 100, "executionTime": "0.125 secs",
        "checkName": "isRequired", "checkLevel": "FIELD", "checkDescription": required["checkDescription"],
        "cdmTableName": "PERSON", "cdmFieldName": "PERSON_ID", "sqlFile": "field_is_not_nullable.sql",
        "category": "Conformance", "context": "Verification", "checkId": "field_isrequired_person_person_id",
        "failed": 0, "passed": 1, "isError": 0, "notApplicable": 0, "thresholdValue": 0,
    }  # fmt: skip
    assert "PERSON_ID of the PERSON" in required["checkDescription"]
    assert (unit["pctViolatedRows"], unit["conceptId"], unit["unitConceptId"]) == (0.3333, "3000963", "8713")
    assert unit["checkId"] == "concept_plausibleunitconceptids_measurement_measurement_concept_id_3000963_8713"
    assert unit["queryText"] == "SELECT 1 AS row_id WHERE 1 &lt; 2 AND 'a' &gt; '&lt;b&gt;'"
    assert empty["notApplicable"] == 1
    assert empty["notApplicableReason"] == "Table visit_detail is empty."
    assert error["isError"] == 1
    assert error["error"] == "ConversionException"
    assert "numViolatedRows" not in error
    # a required field without any value does not apply there; in our own report it fails (facts A.4)
    assert (unpopulated["notApplicable"], unpopulated["failed"]) == (1, 0)
    assert unpopulated["notApplicableReason"] == "Field NOTE.NOTE_TEXT is not populated."
    assert found["Metadata"] == [
        {
            "cdmSourceName": "Trial", "cdmSourceAbbreviation": "t", "cdmReleaseDate": "2026-11-21",
            "cdmVersionConceptId": 756265, "dqdVersion": "2.8.4",
        }
    ]  # fmt: skip
    overview = {name: value for name, [value] in found["Overview"].items()}
    assert (overview["countTotal"], overview["countPassed"], overview["countErrorFailed"]) == (5, 4, 1)
    assert (overview["countOverallFailed"], overview["countThresholdFailed"], overview["percentPassed"]) == (1, 1, 80)
    assert (
        overview["countFailedPlausibility"],
        overview["countTotalConformance"],
        overview["countPassedConformance"],
    ) == (1, 4, 1)
    assert (found["endTimestamp"], found["startTimestamp"]) == (["2026-11-21 19:00:00"], ["2026-11-21 18:59:58"])


def test_counts_that_are_hidden_are_left_out_for_dqd() -> None:
    few = replace(ASSESSMENT, results=(result(UNIT, "fail", 3, 30), result(REQUIRED, "pass", 0, 100)))
    hidden, shown = to_dqd(few, masked(to_document(few), 5))["CheckResults"]
    assert "numViolatedRows" not in hidden
    assert "pctViolatedRows" not in hidden
    assert hidden["failed"] == 1
    assert hidden["numDenominatorRows"] == 30
    assert "hidden" in hidden["notesValue"]
    assert (shown["numViolatedRows"], shown["numDenominatorRows"]) == (0, 100)


def test_texts_of_a_project_cannot_become_part_of_a_page() -> None:
    change = Change("<script>alert(1)</script>", "K", "2026-01-01", 5, "critical")
    bad = replace(UNIT, change=change, max_pct=1)
    row = to_dqd(replace(ASSESSMENT, results=(result(bad, "error", error="<img>"),)))["CheckResults"][0]
    assert "<" not in row["notesValue"]
    assert "&lt;script&gt;" in row["notesValue"]
    assert "threshold before: 5 %" in row["notesValue"]
    assert row["error"] == "&lt;img&gt;"


# --- results.duckdb


def test_the_table_of_results_has_the_columns_of_dqd(tmp_path: Path) -> None:
    results_table.write(to_dqd(ASSESSMENT), tmp_path / "r.duckdb")
    with duckdb.connect(str(tmp_path / "r.duckdb"), read_only=True) as db:
        columns = [
            name
            for (name,) in db.execute(
                "SELECT column_name FROM duckdb_columns() WHERE NOT internal ORDER BY column_index"
            ).fetchall()
        ]
        # result_dataframe_ddl.sql of DataQualityDashboard
        assert columns == [
            "num_violated_rows", "pct_violated_rows", "num_denominator_rows", "execution_time", "query_text",
            "check_name", "check_level", "check_description", "cdm_table_name", "cdm_field_name", "concept_id",
            "unit_concept_id",
            "sql_file", "category", "subcategory", "context", "warning", "error", "checkid", "is_error",
            "not_applicable", "failed", "passed", "not_applicable_reason", "threshold_value", "notes_value",
        ]  # fmt: skip
        rows = db.execute(
            "SELECT checkid, failed, pct_violated_rows, threshold_value FROM dqdashboard_results"
        ).fetchall()
        assert len(rows) == 5
        assert rows[1] == (
            "concept_plausibleunitconceptids_measurement_measurement_concept_id_3000963_8713",
            1,
            0.3333,
            5.0,
        )
        version = db.execute("SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal").fetchone()
    assert version is not None
    assert version[0].startswith("v1.2.0")


# --- junit.xml


def test_junit_says_what_failed_and_what_was_not_judged() -> None:
    root = ET.fromstring(to_junit(ASSESSMENT))
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == (
        "testsuites", "7", "2", "1", "3",
    )  # fmt: skip
    for suite in root:
        cases = list(suite)
        assert suite.tag == "testsuite"
        assert {case.tag for case in cases} == {"testcase"}
        assert {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"} <= set(suite.keys())
        for word, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(word) == str(sum(case.find(element) is not None for case in cases))
        assert suite.get("tests") == str(len(cases))
        for case in cases:
            assert set(case.keys()) == {"classname", "name", "time"}
            assert len(list(case)) <= 1
            float(case.get("time", ""))
    found = {case.get("name"): case for case in root.iter("testcase")}
    assert list(found["field_isrequired_person_person_id"]) == []
    failure = found[UNIT.id].find("failure")
    assert failure is not None
    assert failure.get("type") == "info"
    assert failure.get("message") == "10 of 30 rows fail, at most 5 % may"
    assert UNIT.rows_sql in (failure.text or "")
    skipped = found["trial.rejects"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == (
        "waived by Kari <k> until 2026-12-31: known & agreed (a: 8 of 10 rows fail, none may)"
    )
    off = found["table_cdmtable_cost"].find("skipped")
    assert off is not None
    assert off.get("message") == "switched off by K: no costs"


@given(st.text(max_size=30))
@settings(max_examples=40, deadline=None)
def test_junit_is_xml_whatever_the_texts_are(text: str) -> None:
    bad = replace(UNIT, description=text, causes=text, suite=text or "s")
    ET.fromstring(to_junit(replace(ASSESSMENT, results=(result(bad, "fail", 9, 30),))).encode("utf-8", "replace"))


# --- all of them


def test_all_files_are_written_and_none_is_left_half_done(tmp_path: Path) -> None:
    write_outputs(ASSESSMENT, {"success": False}, tmp_path / "quality")
    write_outputs(ASSESSMENT, {"success": True}, tmp_path / "quality")
    found = {
        path.relative_to(tmp_path / "quality").as_posix()
        for path in (tmp_path / "quality").rglob("*")
        if path.is_file()
    }
    assert found == {
        "quality.json", "validation.json", "dq-result.json", "results.duckdb", "junit.xml", "shareable/quality.json",
        "shareable/dq-result.json",
    }  # fmt: skip
    assert json.loads((tmp_path / "quality" / "validation.json").read_text()) == {"success": True}
    back = from_json((tmp_path / "quality" / "quality.json").read_text(encoding="utf-8"))
    assert back.verdict == VERDICT
    assert len(back.results) == 7


if __name__ == "__main__":
    text = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    data("quality", "quality.schema.json").write_text(text, encoding="utf-8", newline="\n")
