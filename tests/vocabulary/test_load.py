"""Loading vocabulary files into the CDM with DuckDB."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from omopify.cdm import tables
from omopify.errors import Problems
from omopify.vocabulary.athena import find_athena, starter_path

Render = Callable[..., str]
Load = Callable[[str, Path], int]

CONCEPT = "\t".join(field.name for field in tables()["concept"].fields)
ROW = "1\tname\tDrug\tRxNorm\tIngredient\tS\tcode\t20200131\t20991231\t\n"


@pytest.fixture
def load(con: duckdb.DuckDBPyConnection, render: Render) -> Load:
    """Load one file into one table; gives the rows that came in."""

    def loaded(table: str, path: Path) -> int:
        query = render("vocabulary/load.sql.jinja", schema="cdm", table=tables()[table], path=path)
        row = con.execute(query).fetchall()[0]
        return int(row[0])

    return loaded


def file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def shipped(name: str) -> dict[str, Path]:
    folder = starter_path(name)
    assert folder is not None
    found = find_athena(folder, Problems())
    assert found is not None
    return dict(found.files)


def dangling(con: duckdb.DuckDBPyConnection, render: Render) -> list[tuple[object, ...]]:
    query = render("cdm/verify_keys.sql.jinja", schema="cdm", tables=tables().values())
    return [row for row in con.execute(query).fetchall() if row[3]]


@pytest.mark.parametrize("folders", [("starter",), ("starter", "demo_restricted")])
def test_every_line_of_the_shipped_vocabulary_is_loaded_and_no_key_dangles(
    con: duckdb.DuckDBPyConnection, render: Render, load: Load, folders: tuple[str, ...]
) -> None:
    for folder in folders:
        for table, path in shipped(folder).items():
            assert load(table, path) == path.read_bytes().count(b"\n") - 1, path
    assert dangling(con, render) == []
    assert con.execute("SELECT concept_name FROM cdm.concept WHERE concept_id = 0").fetchall() == [
        ("No matching concept",)
    ]


def test_a_planted_dangling_reference_is_found_and_nothing_else(
    con: duckdb.DuckDBPyConnection, render: Render, load: Load
) -> None:
    for table, path in shipped("starter").items():
        load(table, path)
    con.execute("INSERT INTO cdm.person VALUES (1, 8507, 1960, 1, 1, NULL, 0, 0" + ", NULL" * 10 + ")")
    con.execute(
        "INSERT INTO cdm.death (person_id, death_date, death_type_concept_id) "
        "VALUES (1, DATE '2024-01-01', 32809), (2, DATE '2024-01-01', 32809)"
    )
    assert dangling(con, render) == [("death", "person_id", "person", 1)]


def test_loading_again_adds_nothing(con: duckdb.DuckDBPyConnection, load: Load) -> None:
    for again in (False, True):
        for table, path in shipped("starter").items():
            rows = load(table, path)
            assert (rows == 0) == (again or table == "drug_strength")


def test_a_later_folder_adds_only_what_is_new(con: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path) -> None:
    assert load("concept", file(tmp_path / "1.csv", f"{CONCEPT}\n{ROW}")) == 1
    changed = ROW.replace("name", "other name")
    assert load("concept", file(tmp_path / "2.csv", f"{CONCEPT}\n{changed}{changed.replace('1', '2', 1)}")) == 1
    found = con.execute("SELECT concept_id, concept_name FROM cdm.concept ORDER BY 1").fetchall()
    assert found == [(1, "name"), (2, "other name")]
    header = "concept_id\tconcept_synonym_name\tlanguage_concept_id\n"
    assert load("concept_synonym", file(tmp_path / "3.csv", f"{header}1\ta\t0\n1\tb\t0\n")) == 2
    assert load("concept_synonym", file(tmp_path / "4.csv", f"{header}1\tb\t0\n1\tc\t0\n")) == 1


def test_quotes_are_data(con: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path) -> None:
    # one leading quote made rows disappear silently elsewhere (OHDSI/Vocabulary-v5.0#1239)
    names = ['"edoxaban', "plain", '12" tube', '"a" or "b"', "it's", "#1", "back\\slash", 'end"', "comma, semi;"]
    lines = "".join(ROW.replace("1", str(n), 1).replace("name", name) for n, name in enumerate(names, 1))
    assert load("concept", file(tmp_path / "CONCEPT.csv", f"{CONCEPT}\n{lines}")) == len(names)
    found = con.execute("SELECT concept_name FROM cdm.concept ORDER BY concept_id").fetchall()
    assert [row[0] for row in found] == names


def test_types_and_empty_cells(con: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path) -> None:
    lines = ROW + "2\t\tDrug\tCPT4\tCPT4\t\t0012\t2020-01-31\t2099-12-31\tD\n"
    assert load("concept", file(tmp_path / "CONCEPT.csv", f"{CONCEPT}\n{lines}")) == 2
    first, last = datetime.date(2020, 1, 31), datetime.date(2099, 12, 31)
    assert con.execute("FROM cdm.concept ORDER BY concept_id").fetchall() == [
        (1, "name", "Drug", "RxNorm", "Ingredient", "S", "code", first, last, None),
        (2, "", "Drug", "CPT4", "CPT4", None, "0012", first, last, "D"),
    ]
    header = "\t".join(field.name for field in tables()["drug_strength"].fields)
    strength = file(tmp_path / "DRUG_STRENGTH.csv", f"{header}\n1\t2\t0.5\t8576\t\t\t\t\t\t20200131\t20991231\t\n")
    assert load("drug_strength", strength) == 1
    assert con.execute("FROM cdm.drug_strength").fetchall() == [
        (1, 2, 0.5, 8576, None, None, None, None, None, first, last, None)
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("upper.csv", f"{CONCEPT.upper()}\n{ROW}"),
        ("crlf.csv", f"{CONCEPT}\n{ROW}".replace("\n", "\r\n")),
        ("bom.csv", f"\ufeff{CONCEPT}\n{ROW}"),
        ("no_last_newline.csv", f"{CONCEPT}\n{ROW.rstrip()}\t"),
        ("it's a [name]*.csv", f"{CONCEPT}\n{ROW}"),
    ],
)
def test_other_ways_to_write_the_same(
    con: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path, name: str, text: str
) -> None:
    assert load("concept", file(tmp_path / name, text)) == 1
    found = con.execute("SELECT concept_id, concept_name, concept_code, invalid_reason FROM cdm.concept").fetchall()
    assert found == [(1, "name", "code", None)]


def test_columns_are_found_by_name(con: duckdb.DuckDBPyConnection, load: Load, tmp_path: Path) -> None:
    header = "DOMAIN_NAME\textra\tDOMAIN_CONCEPT_ID\tDOMAIN_ID\n"
    assert load("domain", file(tmp_path / "DOMAIN.csv", f"{header}Long\tx\t19\tShort\n")) == 1
    assert con.execute("FROM cdm.domain").fetchall() == [("Short", "Long", 19)]


@pytest.mark.parametrize(
    "broken",
    [
        ROW.replace("20200131", "31/01/2020"),
        ROW.replace("1\t", "one\t", 1),
        ROW.replace("name", "na\tme"),  # has happened: OHDSI/Vocabulary-v5.0#28
        "1\tcut off\n",
    ],
)
def test_a_broken_row_stops_the_load(load: Load, tmp_path: Path, broken: str) -> None:
    text = CONCEPT + "\n" + "".join(ROW.replace("1", str(n), 1) for n in range(2, 20)) + broken
    with pytest.raises(duckdb.Error):
        load("concept", file(tmp_path / "CONCEPT.csv", text))


def test_the_same_concept_twice_in_a_file_stops_the_load(load: Load, tmp_path: Path) -> None:
    with pytest.raises(duckdb.ConstraintException):
        load("concept", file(tmp_path / "CONCEPT.csv", f"{CONCEPT}\n{ROW}{ROW}"))
