"""The list of failing rows: keys and where they are from, never a value, and for the owner's eyes only."""

from __future__ import annotations

import csv
import hashlib
import os
from pathlib import Path

import duckdb
import pytest

from omopify.errors import OmopifyError
from omopify.quality.gate import verdict
from omopify.quality.model import Assessment, Check, Measurement, Part, Result, Subject
from omopify.quality.outputs.quality_json import to_json
from omopify.quality.place import Place
from omopify.quality.rows import Listed, list_rows
from omopify.resources import data

RESULT = """
CREATE SCHEMA cdm; CREATE SCHEMA dsp;
CREATE TABLE cdm.person (person_id integer, person_source_value varchar);
INSERT INTO cdm.person VALUES (1, 'MARKER1'), (2, 'MARKER2'), (3, 'MARKER3');
CREATE TABLE dsp.ecog (_file integer, _row bigint, subject_id varchar, grade integer);
INSERT INTO dsp.ecog VALUES (2, 5, 'MARKER1', 7), (2, 9, 'MARKER2', 1), (2, 11, 'MARKER3', 9);
INSERT INTO audit.files VALUES (1, 'dm', 'DM.csv', NULL, 3, ''), (2, 'ecog', 'all.xlsx', 'ECOG', 12, '');
INSERT INTO audit.row_origins (table_name, row_id, map, file_number, row) VALUES
    ('person', 1, 'person', 1, 2), ('person', 2, 'person', 1, 3), ('person', 2, 'person', 2, 8),
    ('death', 2, 'death', 1, 4);
"""
PERSONS = "-- who\nSELECT person_id AS row_id, person_source_value FROM cdm.person WHERE person_id > 1 -- all but one"
ECOG = "SELECT _file || ':' || _row AS row_id, grade, 'grade' AS part FROM dsp.ecog WHERE grade > 5"
GIVEN = "SELECT 'MARKED' AS row_id, 1 AS file_number, 3 AS source_row"
REJECTED = """
SELECT * FROM (VALUES
    ('e1', 'event', 'not a date', 2, 105), ('e2', 'event', 'missing', 2, 15), ('e3', 'event', 'missing', 1, 1003),
    ('p1', 'person', 'not a date', 1, 1), ('s1', 'site', 'missing', 2, 20), ('x1', 'event', 'no match', NULL, NULL)
) AS found(row_id, part, reason, file_number, source_row)"""
QUERIES = {
    "s.rejects": ("audit", "rejects", REJECTED),
    "s.terms": ("audit", "lookups", "SELECT 'death.cause' AS row_id, 'death.cause' AS part FROM range(4)"),
    "s.forms": ("audit", "forms", "SELECT 'ae' AS row_id, 'ae' AS part"),
    "s.columns": ("audit", "columns", "SELECT 'ae.' || c AS row_id, 'ae' AS part FROM (VALUES ('B'), ('A')) AS v(c)"),
    "own.reasons": ("dsp", "ecog", "SELECT _file || ':' || _row AS row_id, subject_id AS reason FROM dsp.ecog"),
    "s.persons": ("cdm", "person", PERSONS),
    "s.ecog": ("dsp", "ecog", ECOG),
    "s.given": ("cdm", "person", GIVEN),
    "s.maps": ("audit", "map_rows", "SELECT 'ecog' AS row_id"),
    "s.none": ("cdm", "person", "SELECT person_id AS row_id FROM cdm.person WHERE false"),
    "s.nameless": ("cdm", "person", "SELECT person_id FROM cdm.person"),
    "s.broken": ("cdm", "person", "SELECT cast(person_source_value AS integer) AS row_id FROM cdm.person"),
    "s.counted": ("cdm", "person", ""),
    "s.clean": ("cdm", "person", ""),
    "s.absent": ("cdm", "death", "SELECT person_id AS row_id FROM cdm.death"),
    "own.person": ("cdm", "person", PERSONS),
    "own.ecog": ("dsp", "ecog", "SELECT _file || ':' || _row AS row_id, subject_id AS part FROM dsp.ecog"),
    "own.values": ("dsp", "ecog", "SELECT list(subject_id) AS row_id FROM dsp.ecog"),
    "own.names": ("cdm", "person", "SELECT person_source_value AS row_id FROM cdm.person"),
    "own.places": (
        "cdm",
        "person",
        "SELECT person_id AS row_id, 'MARKER' AS file_number, 'MARKER' AS source_row FROM cdm.person",
    ),
    "own.built_in": ("cdm", "person", ""),
    "s.error": ("cdm", "person", "SELECT person_id AS row_id FROM cdm.person"),
    "odd/../id": ("cdm", "person", "SELECT person_id AS row_id FROM cdm.person"),
}
IN_PARTS = (Part("event", 4, 40), Part("person", 1, 1000), Part("site", 1, 20))
FOUND = {
    "s.rejects": (Measurement("s.rejects", 6, 1060, parts=IN_PARTS), "fail"),
    "s.terms": (Measurement("s.terms", 4, 10, parts=(Part("death.cause", 3, 5), Part("drug", 1, 99))), "fail"),
    "s.forms": (Measurement("s.forms", 1, 100, parts=(Part("ae", 1, 100),)), "pass"),
    "s.columns": (Measurement("s.columns", 2, 9, parts=(Part("ae", 2, 9),)), "fail"),
    "s.absent": (Measurement("s.absent", not_applicable="The table death is empty."), "not applicable"),
    "s.clean": (Measurement("s.clean", 0, 3), "pass"),
    "s.ecog": (Measurement("s.ecog", 2, 3, parts=(Part("grade", 2, 3),)), "fail"),
    "s.error": (Measurement("s.error", error="the query is no SQL"), "error"),
    "own.ecog": (Measurement("own.ecog", 3, 3, parts=(Part("part 1", 3, 3),)), "fail"),
}
MAY_FAIL = {"s.rejects": 1, "s.terms": 20, "s.forms": 5}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    made = Place(out / "omop.duckdb", out / "manifest.json", out / "quality", tmp_path / "register")
    made.folder.mkdir(parents=True)
    tables = data("sql", "audit", "tables.sql").read_text(encoding="utf-8")
    with duckdb.connect(made.database) as database:
        database.execute("CREATE SCHEMA audit;" + tables + RESULT)
    results = []
    for name, (schema, table, sql) in QUERIES.items():
        written = {"rows": sql} if name.startswith("own.") and sql else {}
        type_ = "expect_few_violations" if sql or name == "s.counted" else "expect_column_values_to_be_unique"
        about = (schema, table, None, "TABLE", "Plausibility", "info", MAY_FAIL.get(name, 0), "")
        check = Check(name, "s", name, *about, rows_sql=sql, parameters=written, expectation=type_)
        results.append(Result(check, *FOUND.get(name, (Measurement(name, 1, 3), "fail"))))
    hashed = hashlib.sha256(made.database.read_bytes()).hexdigest()
    subject = Subject("t", "T", "2026-11-21T12:00:00+00:00", None, hashed, 5)
    found = Assessment(subject, verdict(results), tuple(results))
    (made.folder / "quality.json").write_text(to_json(found), encoding="utf-8")
    return made


def listed(place: Place, check: str) -> list[list[str]]:
    with list_rows(check, place).path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def told(place: Place, check: str) -> str:
    with pytest.raises(OmopifyError) as error:
        list_rows(check, place)
    (problem,) = error.value.problems
    assert "MARKER" not in str(problem)
    return str(problem)


HEADER = ["table", "row_id", "part", "file", "sheet", "row"]


def test_rows_of_the_cdm_are_followed_to_the_export(place: Place) -> None:
    assert listed(place, "s.persons") == [
        HEADER,
        ["cdm.person", "2", "", "DM.csv", "", "3"],
        ["cdm.person", "2", "", "all.xlsx", "ECOG", "8"],
        ["cdm.person", "3", "", "", "", ""],
    ]


def test_rows_are_counted_once_however_many_rows_they_are_made_of(place: Place) -> None:
    assert list_rows("s.persons", place) == Listed(place.folder / "do-not-share" / "s.persons.csv", 2, (), stale=False)


def test_harmonised_rows_carry_their_origin_themselves(place: Place) -> None:
    assert listed(place, "s.ecog") == [
        HEADER,
        ["dsp.ecog", "2:5", "grade", "all.xlsx", "ECOG", "5"],
        ["dsp.ecog", "2:11", "grade", "all.xlsx", "ECOG", "11"],
    ]


def test_rows_of_parts_that_fail_come_first_and_each_in_the_order_of_the_export(place: Place) -> None:
    """Event (4 of 40) and site (1 of 20) are above 1 %, person (1 of 1000) is not."""
    assert list_rows("s.rejects", place).first == ("event", "site")
    assert [row[1:] for row in listed(place, "s.rejects")] == [
        ["row_id", "part", "reason", "file", "sheet", "row"],
        ["e3", "event", "missing", "DM.csv", "", "1003"],
        ["e2", "event", "missing", "all.xlsx", "ECOG", "15"],
        ["s1", "site", "missing", "all.xlsx", "ECOG", "20"],
        ["e1", "event", "not a date", "all.xlsx", "ECOG", "105"],
        ["x1", "event", "no match", "", "", ""],
        ["p1", "person", "not a date", "DM.csv", "", "1"],
    ]


def test_what_is_only_a_number_has_no_rows(place: Place) -> None:
    assert told(place, "s.terms") == (
        "there are no rows of 's.terms' to list; what it counts are no rows of a table; 1 part is above the limit: "
        "death.cause; 'omopify vocab suggest PROJECT' writes the terms [OM824]"
    )
    assert told(place, "s.forms") == (
        "there are no rows of 's.forms' to list; "
        "what it counts are no rows of a table; no parts are above the limit [OM824]"
    )
    assert [row[1:3] for row in listed(place, "s.columns")[1:]] == [["ae.A", "ae"], ["ae.B", "ae"]]


def test_a_query_may_say_the_origin_itself(place: Place) -> None:
    assert listed(place, "s.given") == [HEADER, ["cdm.person", "MARKED", "", "DM.csv", "", "3"]]


def test_what_is_no_row_of_the_export_has_no_origin(place: Place) -> None:
    assert listed(place, "s.maps") == [HEADER, ["audit.map_rows", "ecog", "", "", "", ""]]


def test_a_database_of_others_has_no_origins(place: Place) -> None:
    with duckdb.connect(place.database) as database:
        database.execute("DROP SCHEMA audit CASCADE")
    assert listed(place, "s.none") == [HEADER]
    assert [row[:2] for row in listed(place, "s.persons")[1:]] == [["cdm.person", "2"], ["cdm.person", "3"]]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_only_the_owner_can_read_it(place: Place) -> None:
    before = os.umask(0)
    try:
        first = list_rows("s.persons", place).path
        first.chmod(0o666)  # somebody was careless; the next list is closed again
        again = list_rows("s.persons", place).path
    finally:
        os.umask(before)
    assert again == first
    assert again.stat().st_mode & 0o777 == 0o600
    assert again.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in again.parent.iterdir()) == ["s.persons.csv"]


def test_no_value_is_written(place: Place) -> None:
    for check in ("s.persons", "s.ecog", "s.given", "s.none"):
        assert "MARKER" not in list_rows(check, place).path.read_text(encoding="utf-8")


def test_what_a_stewards_own_query_gives_is_no_value_either(place: Place) -> None:
    assert [row[1:] for row in listed(place, "own.ecog")[1:]] == [
        ["2:5", "", "all.xlsx", "ECOG", "5"],
        ["2:9", "", "all.xlsx", "ECOG", "9"],
        ["2:11", "", "all.xlsx", "ECOG", "11"],
    ]
    assert [row[1:] for row in listed(place, "own.person")[1:]] == [
        ["2", "", "DM.csv", "", "3"],
        ["2", "", "all.xlsx", "ECOG", "8"],
        ["3", "", "", "", ""],
    ]
    assert "MARKER" not in str(listed(place, "own.places"))
    assert listed(place, "own.reasons")[0] == HEADER
    assert "MARKER" not in str(listed(place, "own.reasons"))
    for check in ("own.values", "own.names"):
        assert told(place, check) == (
            f"'row_id' in the query for the rows of '{check}' is no key; "
            "a key is a number, or for the harmonised tables _file and _row with a colon between [OM824]"
        )


def test_the_result_is_only_read(place: Place) -> None:
    before = place.database.read_bytes()
    list_rows("s.persons", place)
    assert place.database.read_bytes() == before


def test_an_id_is_no_path(place: Place) -> None:
    assert list_rows("odd/../id", place).path == place.folder / "do-not-share" / "odd_.._id.csv"


def test_data_that_have_changed_are_said(place: Place) -> None:
    with duckdb.connect(place.database) as database:
        database.execute("INSERT INTO cdm.person VALUES (4, 'MARKER4')")
    found = list_rows("s.persons", place)
    assert (found.rows, found.stale) == (3, True)


def test_mistakes(place: Place) -> None:
    assert told(place, "s.person") == "there is no check 's.person'; did you mean 's.persons'? [OM823]"
    assert told(place, "s.counted") == (
        "there are no rows of 's.counted' to list; "
        "the report says what was counted; it counts something else than rows of one table [OM824]"
    )
    assert told(place, "s.clean") == "there are no rows of 's.clean' to list; none fails [OM824]"
    assert told(place, "s.absent") == (
        "there are no rows of 's.absent' to list; it does not apply: The table death is empty [OM824]"
    )
    assert told(place, "s.error") == (
        "there are no rows of 's.error' to list; it could not be measured: the query is no SQL [OM824]"
    )
    assert told(place, "own.built_in") == (
        "there are no rows of 'own.built_in' to list; "
        "Great Expectations' own expectations count only; ask with expect_few_violations to see the rows [OM824]"
    )
    assert told(place, "s.nameless") == (
        "the query for the rows of 's.nameless' gives no 'row_id'; "
        "in your own suite, name the key of each row 'row_id' [OM824]"
    )
    assert told(place, "s.broken") == (
        "the query for the rows of 's.broken' does not run on this result; "
        "has the result other tables than when it was assessed? Run 'omopify quality' again [OM825]"
    )
    place.database.unlink()
    assert told(place, "s.persons") == (
        "out/omop.duckdb: there is no result to look at; 'omopify run' makes it [OM820]"
    )
    (place.folder / "quality.json").unlink()
    assert told(place, "s.persons") == (
        "out/quality/quality.json: nothing was measured yet; run 'omopify quality' [OM821]"
    )


def test_a_refused_query_leaves_no_file(place: Place) -> None:
    told(place, "s.broken")
    told(place, "s.nameless")
    assert list((place.folder / "do-not-share").iterdir()) == []
