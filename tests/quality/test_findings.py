"""What a report shows beside the checks, on a small result made by hand: every number follows from the lines below."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from omopify import cdm
from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems
from omopify.quality.findings import find
from omopify.quality.model import Context, Findings, Link, Loss, Picture
from omopify.resources import data
from omopify.specs.packs import ModelField, TableFile
from omopify.specs.project import Project, load_project

MARK = "CANARY-7f3a"

CDM = """
-- persons 1 to 12: born 1950 to 1961, odd ones women; observed from the first of a month on
INSERT INTO cdm.person (person_id, gender_concept_id, year_of_birth, race_concept_id, ethnicity_concept_id)
    SELECT n, CASE WHEN n % 2 = 1 THEN 8532 WHEN n = 12 THEN 0 ELSE 8507 END, 1949 + n, 0, 0 FROM range(1, 13) AS r(n);
INSERT INTO cdm.observation_period
    SELECT n, n, CASE WHEN n <= 5 THEN DATE '2024-01-10' WHEN n <= 11 THEN DATE '2024-03-02' ELSE DATE '2024-03-31' END,
        DATE '2024-12-31', 32809
    FROM range(1, 13) AS r(n);
-- visits of all in the first three months, of 1 and 2 in the next three
INSERT INTO cdm.visit_occurrence
    (visit_occurrence_id, person_id, visit_concept_id, visit_start_date, visit_end_date, visit_type_concept_id)
    SELECT n, n, 9202, DATE '2024-04-01', DATE '2024-04-01', 32809 FROM range(1, 13) AS r(n)
    UNION ALL SELECT 20 + n, n, 9202, DATE '2024-05-01', DATE '2024-05-01', 32809 FROM range(1, 3) AS r(n);
-- partial response of person 1 at day 58, progression of person 2 under iRECIST at day 112
INSERT INTO cdm.measurement
    (measurement_id, person_id, measurement_concept_id, measurement_date, measurement_type_concept_id)
    VALUES (1, 1, 1633368, DATE '2024-03-08', 32809), (2, 2, 1633423, DATE '2024-05-01', 32809),
        (3, 3, 3000963, DATE '2024-05-01', 32809);
"""
DSP = """
CREATE TABLE dsp.subject (_file integer, _row bigint, trial varchar, subject_id varchar);
INSERT INTO dsp.subject SELECT 1, n + 1, 't', 'S' || n FROM range(1, 13) AS r(n);
CREATE TABLE dsp.death (_file integer, _row bigint, trial varchar, subject_id varchar, date date);
INSERT INTO dsp.death VALUES
    (3, 2, 't', 'S1', '2024-06-01'), (4, 2, 't', 'S2', '2024-07-01'), (4, 3, 't', 'S3', '2024-08-01');
CREATE TABLE dsp.treatment (_file integer, _row bigint, trial varchar, subject_id varchar, start_date date);
INSERT INTO dsp.treatment SELECT 1, n + 1, 't', 'S' || n, DATE '2024-01-01' FROM range(1, 11) AS r(n);
CREATE TABLE dsp.observation_window (_file integer, _row bigint, trial varchar, subject_id varchar, end_date date);
-- S1 to S6 are followed for 56 days and more, S7 to S10 for less
INSERT INTO dsp.observation_window
    SELECT 1, n + 1, 't', 'S' || n, CASE WHEN n <= 6 THEN DATE '2024-02-26' ELSE DATE '2024-02-25' END
    FROM range(1, 11) AS r(n);
CREATE TABLE dsp.visit
    (_file integer, _row bigint, trial varchar, subject_id varchar, event_name varchar, mode varchar, date date);
INSERT INTO dsp.visit
    SELECT 2, n + 1, 't', 'S' || n, 'Screening', NULL, NULL FROM range(1, 13) AS r(n)
    UNION ALL SELECT 2, 20 + n, 't', 'S' || n, CASE WHEN n = 1 THEN 'WEEK 8' ELSE 'Visit 2, Week8' END, NULL, NULL
        FROM range(1, 5) AS r(n)
    UNION ALL SELECT 2, 30, 't', 'S9', 'Month 3', NULL, NULL
    UNION ALL SELECT 2, 31, 't', 'S1', 'Week16 call', 'telephone', NULL
    UNION ALL SELECT 2, 32, 't', 'S1', '$MARK', NULL, NULL;
CREATE TABLE dsp.adverse_event
    (_file integer, _row bigint, trial varchar, subject_id varchar, term varchar, grade integer, serious boolean);
INSERT INTO dsp.adverse_event VALUES
    (5, 2, 't', 'S1', '$MARK', 1, FALSE), (5, 3, 't', 'S1', '$MARK', 1, FALSE), (5, 4, 't', 'S2', '$MARK', 3, TRUE),
    (5, 5, 't', 'S2', '$MARK', 3, NULL), (5, 6, 't', 'S3', '$MARK', 7, FALSE), (5, 7, 't', 'S3', '$MARK', NULL, FALSE);
CREATE TABLE dsp.tumour_assessment
    (_file integer, _row bigint, trial varchar, subject_id varchar, criterion varchar, date date, response varchar);
INSERT INTO dsp.tumour_assessment VALUES
    (2, 2, 't', 'S1', 'recist', '2024-01-28', 'SD'), (2, 3, 't', 'S1', 'recist', '2024-01-29', 'SD'),
    (2, 4, 't', 'S2', 'recist', '2024-02-26', 'PR'), (2, 4, 't', 'S2', 'irecist', '2024-02-26', 'PR'),
    (2, 5, 't', 'S2', 'recist', '2023-12-01', 'PD'), (2, 6, 't', 'S3', 'recist', '2024-02-27', '$MARK'),
    (2, 7, 't', 'S3', 'recist', '2028-01-01', 'PD'), (2, 8, 't', 'S4', 'recist', '2024-02-27', NULL);
"""
AUDIT = """
INSERT INTO audit.files VALUES
    (1, 'dm', 'dm.csv', NULL, 14, 'x'), (2, 'vi', 'book.xlsx', 'vi', 40, 'x'), (3, 'eos', 'eos.csv', NULL, 6, 'x'),
    (4, 'fu', 'fu.csv', NULL, 8, 'x'), (5, 'ae', 'ae.csv', NULL, 10, 'x');
INSERT INTO audit.map_sources VALUES
    ('subject', 'dm', FALSE), ('deaths', 'eos', FALSE), ('deaths', 'fu', FALSE), ('deaths', 'dm', TRUE),
    ('events', 'ae', FALSE), ('person', 'dsp.subject', FALSE), ('condition', 'dsp.adverse_event', FALSE),
    ('procedure', 'dsp.adverse_event', FALSE), ('death', 'dsp.death', FALSE), ('straight', 'vi', FALSE);
INSERT INTO audit.map_rows VALUES
    ('subject', 14, 12, 1, 1, 0), ('deaths', 14, 3, 11, 0, 0), ('events', 10, 6, 1, 0, 3), ('person', 12, 12, 0, 0, 0),
    ('condition', 6, 4, 2, 0, 0), ('procedure', 6, 1, 5, 0, 0), ('death', 3, 2, 1, 0, 0), ('straight', 40, 5, 34, 1, 0),
    ('eras.drug', 9, 8, 1, 0, 0);
INSERT INTO audit.written VALUES
    ('subject', 'dsp.subject', 12), ('deaths', 'dsp.death', 3), ('events', 'dsp.adverse_event', 6),
    ('person', 'person', 12),
    ('person', 'location', 0), ('condition', 'condition_occurrence', 4), ('condition', 'observation', 8),
    ('procedure', 'procedure_occurrence', 1), ('death', 'death', 2), ('straight', 'visit_occurrence', 5),
    ('eras.drug', 'drug_era', 4), ('trial.yaml', 'metadata', 20);
-- of the 6 events rows 2 to 5 became conditions, row 5 a procedure as well; rows 6 and 7 became nothing
INSERT INTO audit.row_origins (table_name, row_id, map, file_number, row) VALUES
    ('condition_occurrence', 1, 'condition', 5, 2), ('condition_occurrence', 2, 'condition', 5, 3),
    ('condition_occurrence', 3, 'condition', 5, 4), ('condition_occurrence', 4, 'condition', 5, 5),
    ('observation', 1, 'condition', 5, 2), ('procedure_occurrence', 1, 'procedure', 5, 5);
INSERT INTO audit.row_origins (table_name, row_id, map, file_number, row)
SELECT 'person', n, 'person', 1, n + 1 FROM range(1, 13) AS r(n);
INSERT INTO audit.row_origins (table_name, row_id, map, file_number, row)
SELECT 'visit_occurrence', n, 'straight', 2, n FROM range(50, 55) AS r(n);
INSERT INTO audit.rejects (map, field, reason, file, sheet, row) VALUES
    ('events', 'start_date', 'missing', 'ae.csv', NULL, 8), ('events', 'start_date', 'missing', 'ae.csv', NULL, 9),
    ('events', 'key', 'another row has this key', 'ae.csv', NULL, 10);
INSERT INTO audit.value_issues VALUES
    ('straight', 'end_date', 'not a date', 'book.xlsx', 'vi', 3),
    ('straight', 'end_date', 'not a date', 'book.xlsx', 'vi', 4),
    ('condition', 'x', 'not a number', 'ae.csv', NULL, 3);
INSERT INTO audit.imputations VALUES
    ('deaths', 'date', 'latest', 'fu.csv', NULL, 2), ('deaths', 'date', 'latest', 'eos.csv', NULL, 2);
INSERT INTO audit.unmapped VALUES
    ('condition', 'concept', '$MARK b', 7), ('condition', 'concept', '$MARK a', 7),
    ('condition', 'concept', '$MARK c', 30),
    ('condition', 'value', NULL, 2), ('straight', 'concept', '$MARK d', 4);
INSERT INTO audit.columns VALUES
    ('dm', 'SEX', 'Sex', 'used', NULL, 13, 14), ('ae', 'NOTE', NULL, 'ignored', 'free text', 0, 10);
"""
RESPONSES = TableFile(table="tumour_assessment", fields={"response": ModelField(values=("PR", "SD", "PD"))})
CONTEXT = Context("cdm", frozenset({"cdm", "dsp", "audit"}), tables={"tumour_assessment": RESPONSES})
BARE = Context("cdm", frozenset({"cdm"}))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("findings") / "result.duckdb"
    with duckdb.connect(str(path)) as db:
        for schema in ("cdm", "dsp", "audit"):
            db.execute(f"CREATE SCHEMA {schema}")
        db.execute(render("cdm/tables.sql.jinja", tables=cdm.tables().values(), schema="cdm"))
        db.execute(data("sql", "audit", "tables.sql").read_text(encoding="utf-8"))
        for text in (CDM, DSP, AUDIT):
            db.execute(text.replace("$MARK", MARK))
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("project")
    (folder / "omopify.yaml").write_text("mappings: impress\ndata: data\nvocabulary: [starter]\n")
    problems = Problems()
    found = load_project(folder, problems)
    assert found is not None
    assert not problems.errors
    return found


def found_in(result: Path, project: Project | None, context: Context = CONTEXT, **more: Any) -> Findings:
    with DuckDB(result, read_only=True) as db:
        return find(db, project, context, more.get("manifest", {}), more.get("show_terms", False))


@pytest.fixture(scope="module")
def findings(result: Path, project: Project) -> Findings:
    return found_in(result, project, manifest={"order": ["straight", "subject", "deaths"]})


def picture(findings: Findings, name: str) -> Picture:
    return next(one for one in findings.pictures if one.id == name)


def test_links_say_where_rows_went_and_which_led_nowhere(findings: Findings) -> None:
    assert set(findings.flow) == {
        Link("form", "dm", "harmonised", "subject", 12),
        # 14 rows: 12 used, 1 filtered, 1 duplicate
        Link("form", "dm", "left out", "filtered", 1),
        Link("form", "dm", "left out", "duplicate", 1),
        # the rows of a table that is made of two forms know their form
        Link("form", "eos", "harmonised", "death", 1),
        Link("form", "fu", "harmonised", "death", 2),
        Link("form", "eos", "left out", "filtered", 5),
        Link("form", "fu", "left out", "filtered", 6),
        # 10 rows: 6 used, 3 rejected, 1 filtered
        Link("form", "ae", "harmonised", "adverse_event", 6),
        Link("form", "ae", "left out", "rejected", 3),
        Link("form", "ae", "left out", "filtered", 1),
        # 40 rows: the map straight to the CDM used 5, and found 1 duplicate
        Link("form", "vi", "omop", "visit_occurrence", 5),
        Link("form", "vi", "left out", "filtered", 34),
        Link("form", "vi", "left out", "duplicate", 1),
        Link("harmonised", "subject", "omop", "person", 12),
        Link("harmonised", "adverse_event", "omop", "condition_occurrence", 4),
        Link("harmonised", "adverse_event", "omop", "observation", 8),
        Link("harmonised", "adverse_event", "omop", "procedure_occurrence", 1),
        # two maps share the events: what one filters another one uses, but rows 6 and 7 none
        Link("harmonised", "adverse_event", "left out", "filtered", 2),
        # DEATH does not say where its rows come from: its map does
        Link("harmonised", "death", "omop", "death", 2),
        Link("harmonised", "death", "left out", "filtered", 1),
    }


def test_maps_come_in_the_order_in_which_they_ran(findings: Findings) -> None:
    assert [one.map for one in findings.maps][:4] == ["straight", "subject", "deaths", "condition"]
    deaths = next(one for one in findings.maps if one.map == "deaths")
    assert (deaths.sources, deaths.targets) == (("eos", "fu"), ("dsp.death",))
    assert (deaths.read, deaths.used, deaths.filtered, deaths.duplicate, deaths.rejected, deaths.written) == (
        14,
        3,
        11,
        0,
        0,
        3,
    )
    eras = next(one for one in findings.maps if one.map == "eras.drug")
    assert (eras.sources, eras.targets, eras.written) == (("drug_exposure",), ("drug_era",), 4)


def test_losses_name_form_map_field_and_reason(findings: Findings) -> None:
    assert findings.losses == (
        Loss("rejected row", "ae", "events", "start_date", "missing", 2, 10),
        Loss("rejected row", "ae", "events", "key", "another row has this key", 1, 10),
        Loss("value left out", "vi", "straight", "end_date", "not a date", 2, 40),
        Loss("value left out", "ae", "condition", "x", "not a number", 1, 6),
        Loss("date filled in", "eos", "deaths", "date", "latest", 1, 14),
        Loss("date filled in", "fu", "deaths", "date", "latest", 1, 14),
    )


def test_terms_are_numbered_and_named_only_on_request(result: Path, project: Project, findings: Findings) -> None:
    assert [(one.map, one.field, one.number, one.rows, one.term) for one in findings.unmapped] == [
        ("condition", "concept", 1, 30, None),
        ("condition", "concept", 2, 7, None),
        ("condition", "concept", 3, 7, None),
        ("straight", "concept", 1, 4, None),
        ("condition", "value", 1, 2, None),
    ]
    named = found_in(result, project, show_terms=True).unmapped
    # 5 rows are the limit: rarer terms are not named even then
    assert [one.term for one in named] == [f"{MARK} c", f"{MARK} a", f"{MARK} b", None, None]


def test_columns_are_listed_as_the_run_decided(findings: Findings) -> None:
    ae, dm = findings.coverage
    assert (dm.form, dm.column, dm.label, dm.decision, dm.reason, dm.filled, dm.rows) == (
        "dm",
        "SEX",
        "Sex",
        "used",
        "",
        13,
        14,
    )
    assert (ae.form, ae.label, ae.reason) == ("ae", "", "free text")


def test_persons_by_month_have_no_gaps(findings: Findings) -> None:
    assert picture(findings, "persons_by_month").rows == (("2024-01", 5), ("2024-02", 0), ("2024-03", 7))


def test_ages_are_bands(findings: Findings) -> None:
    # persons 1 to 12 are 74 down to 63 years old in 2024; 1, 3, 5 ... are women, and 12 is neither
    assert picture(findings, "age_sex").rows == (
        ("60-69", "female", 3),
        ("60-69", "male", 3),
        ("60-69", "other or unknown", 1),
        ("70-79", "female", 3),
        ("70-79", "male", 2),
    )


def test_visits_are_laid_beside_who_was_still_followed(findings: Findings) -> None:
    assert picture(findings, "visits").rows == (
        ("screening", 0, 10, 10),
        # followed until day 56: S1 to S6; seen: S1 to S4
        ("week 8", 8, 4, 6),
        # S9 was seen, though nobody was followed for so long
        ("month 3", 13, 1, 1),
        ("by telephone", None, 1, None),
        ("other", None, 1, None),
    )


def test_grades_and_responses_hold_no_text_of_the_export(findings: Findings) -> None:
    assert picture(findings, "ae_grades").rows == (
        ("grade 1", "not serious", 2),
        ("grade 3", "not said", 1),
        ("grade 3", "serious", 1),
        ("no grade", "not serious", 2),
    )
    # days 27, 28, 56 and 57, and years later; before treatment is none; two criteria on one day are one assessment
    assert picture(findings, "responses_by_week").rows == (
        (0, "SD", 1),
        (8, "PR", 1),
        (8, "SD", 1),
        (8, "other", 1),
        (104, "PD", 1),
    )


def test_a_cdm_from_elsewhere_has_pictures_too(result: Path) -> None:
    bare = found_in(result, None, BARE)
    assert (bare.flow, bare.maps, bare.unmapped, bare.losses, bare.coverage) == ((), (), (), (), ())
    assert [one.id for one in bare.pictures] == ["persons_by_month", "age_sex", "visits", "responses_by_week"]
    visits = picture(bare, "visits").rows
    # in the first 91 days: those who entered in March (day 0 to 30) and in January (day 82)
    assert visits[:2] == (("months 0 to 3", 0, 12, 12), ("months 3 to 6", 13, 2, 12))
    assert picture(bare, "responses_by_week").rows == ((8, "PR", 1), (16, "iCPD", 1))


def test_a_missing_table_costs_its_picture_only(result: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.duckdb"
    broken.write_bytes(result.read_bytes())
    with duckdb.connect(str(broken)) as db:
        db.execute("DROP TABLE cdm.measurement; DROP TABLE cdm.visit_occurrence")
    assert [one.id for one in found_in(broken, None, BARE).pictures] == ["persons_by_month", "age_sex"]


def test_nothing_of_the_export_is_in_the_findings(findings: Findings) -> None:
    assert MARK not in repr(findings)
    assert not re.search(r"S\d+'", repr(findings))


def test_counts_name_the_columns_that_are_masked(findings: Findings) -> None:
    for one in findings.pictures:
        assert set(one.counts) <= set(one.columns)
        assert {"persons", "of", "events", "assessments"} & set(one.columns) == set(one.counts)
        assert {one.x, one.y, one.series or one.x} <= set(one.columns)
        assert all(len(row) == len(one.columns) for row in one.rows)
