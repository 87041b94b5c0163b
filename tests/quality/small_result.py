"""A small result made by hand with the real tables: 40 persons of whom everything is in order.

Every number in the tests of the trial suite follows from these lines: 40 subjects of one form ``dm`` (persons 1 to 40,
born 1941 to 1980, two sites), one visit, one medicine and one condition each, all on 2025-03-01, in an observation from
2025-01-01 to 2025-12-31; the export is of 2026-01-31.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from omopify import cdm
from omopify.compiler.render import render
from omopify.quality.delivery import snapshot
from omopify.quality.model import Assessment, Check, Measurement, Result, SignOff, Status, Subject, Verdict

FILLING = """
INSERT INTO cdm.cdm_source
    SELECT 'T', 't', 't', NULL, NULL, NULL, DATE '2026-01-31', DATE '2026-01-31', 'v5.4', 0, 'v1';
INSERT INTO cdm.care_site (care_site_id) VALUES (1), (2);
INSERT INTO cdm.person
    (person_id, gender_concept_id, year_of_birth, race_concept_id, ethnicity_concept_id, care_site_id)
    SELECT n, 8507, 1940 + n, 0, 0, 1 + n % 2 FROM range(1, 41) AS r(n);
INSERT INTO cdm.observation_period SELECT n, n, DATE '2025-01-01', DATE '2025-12-31', 32809 FROM range(1, 41) AS r(n);
INSERT INTO cdm.visit_occurrence
    (visit_occurrence_id, person_id, visit_concept_id, visit_start_date, visit_end_date, visit_type_concept_id)
    SELECT n, n, 9202, DATE '2025-03-01', DATE '2025-03-01', 32809 FROM range(1, 41) AS r(n);
INSERT INTO cdm.drug_exposure
    (drug_exposure_id, person_id, drug_concept_id, drug_exposure_start_date, drug_exposure_end_date,
    drug_type_concept_id)
    SELECT n, n, 1, DATE '2025-03-01', DATE '2025-03-01', 32809 FROM range(1, 41) AS r(n);
INSERT INTO cdm.condition_occurrence
    (condition_occurrence_id, person_id, condition_concept_id, condition_start_date, condition_type_concept_id)
    SELECT n, n, 2, DATE '2025-03-01', 32809 FROM range(1, 41) AS r(n);
CREATE TABLE dsp.subject (_file integer, _row bigint, trial varchar NOT NULL, subject_id varchar);
INSERT INTO dsp.subject SELECT 1, n, 't', 'S' || n FROM range(1, 41) AS r(n);

INSERT INTO audit.files VALUES (1, 'dm', 'dm.csv', NULL, 40, 'x'), (2, 'ae', 'ae.csv', NULL, 100, 'x');
INSERT INTO audit.forms VALUES ('dm', TRUE, 1, 40, 40), ('ae', TRUE, 1, 100, 38), ('qol', FALSE, 0, 0, NULL);
INSERT INTO audit.map_sources VALUES ('subject', 'dm', FALSE), ('event', 'ae', FALSE), ('event', 'dm', TRUE);
INSERT INTO audit.columns VALUES
    ('dm', 'ID', NULL, 'identifier', NULL, 40, 40), ('dm', 'SEX', NULL, 'used', NULL, 40, 40),
    ('dm', 'BORN', NULL, 'used', NULL, 40, 40), ('ae', 'TERM', NULL, 'used', NULL, 100, 100),
    ('ae', 'OUT', NULL, 'used', NULL, 90, 100), ('ae', 'NOTE', NULL, 'ignored', 'free text', 5, 100);
INSERT INTO audit.code_lists VALUES
    ('dm', 'SEX', 'Male', 22), ('dm', 'SEX', 'Female', 18),
    ('ae', 'OUT', 'Recovered', 60), ('ae', 'OUT', 'Fatal', 1), ('ae', 'OUT', '3', 29), ('qol', 'Q1', 'Much', 29);
INSERT INTO audit.map_rows VALUES
    ('subject', 40, 40, 0, 0, 0), ('event', 100, 80, 20, 0, 0), ('person', 40, 40, 0, 0, 0);
INSERT INTO audit.filters VALUES ('event', 'allocated', 12), ('event', 'keep', 8);
INSERT INTO audit.written VALUES
    ('subject', 'dsp.subject', 40), ('person', 'person', 40), ('person', 'observation_period', 40),
    ('person', 'care_site', 2), ('event', 'visit_occurrence', 40), ('event', 'drug_exposure', 40),
    ('event', 'condition_occurrence', 30), ('subject', 'condition_occurrence', 10), ('event', 'measurement', 0);
INSERT INTO audit.row_origins (table_name, row_id, map, file_number, row)
SELECT 'person', n, 'person', 1, n FROM range(1, 41) AS r(n);
INSERT INTO audit.lookups VALUES
    ('event', 'concept', 1, 'a.csv', 'a.csv', 'fever', 60, 0, 0, 2),
    ('event', 'concept', 1, 'a.csv', 'a.csv', 'glow', 20, 10, 0, 0),
    ('event', 'concept', 2, 'SNOMED by name', NULL, 'glow', 20, 10, 0, 0);
"""

MANIFEST: dict[str, Any] = {
    "omopify": "0.1",
    "duckdb": "2.0.0",
    "polars": "2.1.0",
    "vocabulary": {"release": "v1", "parts": [{"path": "starter", "sha256": "a"}]},
    "specs": {"t/person.yaml": "1", "t/event.yaml": "2", "t/values/outcome.csv": "3", "t/concepts/a.csv": "4"},
}


def make_result(path: Path) -> Path:
    """Write the result and return its file."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA cdm; CREATE SCHEMA dsp; CREATE SCHEMA audit")
        connection.execute(render("cdm/tables.sql.jinja", tables=list(cdm.tables().values()), schema="cdm"))
        connection.execute(render("audit/tables.sql"))
        connection.execute(FILLING)
    return path


def change(path: Path, sql: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)


def assessment(statuses: dict[str, Status], release_date: str | None = "2026-01-31") -> Assessment:
    results = tuple(result(check_id, status) for check_id, status in statuses.items())
    subject = Subject("t", "T", "2026-02-01T08:00:00+00:00", release_date, "data", 5)
    return Assessment(subject, Verdict("ready", (), {}), results)


def result(check_id: str, status: Status) -> Result:
    check = Check(check_id, "t", "t", "cdm", "person", None, "TABLE", "Plausibility", "warning", 0, "asked")
    return Result(check, Measurement(check_id, 0, 1), status)


SIGNED = SignOff("Kari Nordmann", "2026-02-01T09:00:00+00:00", "quality", "0123456789abcdef", "report", "ready")


def deliver(database: Path, path: Path) -> Path:
    """Keep a result as the last delivery."""
    statuses: dict[str, Status] = {"a": "pass", "b": "fail", "c": "error", "d": "not applicable", "e": "fail"}
    snapshot(database, path, MANIFEST, assessment(statuses), SIGNED)
    return path
