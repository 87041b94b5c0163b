"""The rendered DDL and the key check, run by DuckDB."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from omopify.cdm import tables

Render = Callable[..., str]

FIELD_LEVEL = Path("/work/shared/data/ohdsi/OMOP_CDMv5.4_Field_Level.csv")
TYPES = {"integer": "INTEGER", "float": "DOUBLE", "date": "DATE", "datetime": "TIMESTAMP"}


def ddl(render: Render, *names: str) -> str:
    chosen = [tables()[name] for name in names] or tables().values()
    return render("cdm/tables.sql.jinja", schema="cdm", tables=chosen)


def dangling(con: duckdb.DuckDBPyConnection, render: Render) -> list[tuple[object, ...]]:
    query = render("cdm/verify_keys.sql.jinja", schema="cdm", tables=tables().values())
    return [row for row in con.execute(query).fetchall() if row[3]]


def test_all_tables_are_made(con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'cdm'").fetchall()
    assert {row[0] for row in found} == set(tables())


def test_columns_are_those_of_ohdsi(con: duckdb.DuckDBPyConnection) -> None:
    if not FIELD_LEVEL.exists():
        pytest.skip(f"{FIELD_LEVEL} is not here")
    theirs = []
    with FIELD_LEVEL.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            type_ = TYPES.get(row["cdmDatatype"].lower(), "VARCHAR")
            name = row["cdmFieldName"].strip('"')
            theirs.append((row["cdmTableName"], name, type_, row["isRequired"] != "Yes"))
    ours = con.execute(
        "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() "
        "WHERE schema_name = 'cdm' ORDER BY table_name, column_index"
    ).fetchall()
    assert ours == sorted(theirs, key=lambda row: row[0])  # a stable sort keeps the order of the columns


def test_keyed_tables_have_their_primary_key(con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute(
        "SELECT table_name, constraint_column_names FROM duckdb_constraints() "
        "WHERE schema_name = 'cdm' AND constraint_type = 'PRIMARY KEY'"
    ).fetchall()
    assert {name: tuple(columns) for name, columns in found} == {
        table.name: table.primary_key for table in tables().values() if table.primary_key
    }
    assert len(found) == 28


def test_a_person_twice_or_without_a_gender_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    person = "INSERT INTO cdm.person (person_id, gender_concept_id, year_of_birth, race_concept_id, "
    person += "ethnicity_concept_id) VALUES (1, {}, 1960, 0, 0)"
    con.execute(person.format(0))
    with pytest.raises(duckdb.ConstraintException, match=r"[Dd]uplicate key"):
        con.execute(person.format(0))
    with pytest.raises(duckdb.ConstraintException, match="NOT NULL"):
        con.execute(person.format("NULL").replace("(1,", "(2,"))


def test_the_ddl_reads_well(render: Render) -> None:
    assert ddl(render, "death", "note_nlp").startswith(
        "CREATE TABLE cdm.death (\n"
        "    person_id                       integer          NOT NULL,\n"
        "    death_date                      date             NOT NULL,\n"
        "    death_datetime                  timestamp,\n"
        "    death_type_concept_id           integer,\n"
        "    cause_concept_id                integer,\n"
        "    cause_source_value              varchar(50),\n"
        "    cause_source_concept_id         integer\n"
        ");\n"
        "\n"
        "CREATE TABLE cdm.note_nlp (\n"
        "    note_nlp_id                     integer          NOT NULL,\n"
    )
    assert '    "offset"                        varchar(50),\n' in ddl(render, "note_nlp")
    assert ddl(render, "domain").endswith("    PRIMARY KEY (domain_id)\n);\n")
    assert all(line == line.rstrip() for line in ddl(render).splitlines())


def test_the_key_check_looks_at_every_reference(con: duckdb.DuckDBPyConnection, render: Render) -> None:
    query = render("cdm/verify_keys.sql.jinja", schema="cdm", tables=tables().values())
    result = con.execute(query)
    assert [column[0] for column in result.description] == [
        "table_name",
        "field",
        "references_table",
        "dangling",
    ]
    assert [(row[0], row[1], row[2]) for row in result.fetchall()] == [
        (table.name, field.name, field.references_table)
        for table in tables().values()
        for field in table.fields
        if field.references_table
    ]


def test_the_key_check_counts_dangling_values_only(con: duckdb.DuckDBPyConnection, render: Render) -> None:
    assert dangling(con, render) == []
    con.execute("INSERT INTO cdm.location (location_id) VALUES (7)")
    con.execute("INSERT INTO cdm.care_site (care_site_id, location_id) VALUES (1, 7), (2, 8), (3, 8), (4, NULL)")
    assert dangling(con, render) == [("care_site", "location_id", "location", 2)]


def test_the_key_check_of_one_table_reads_as_one_query(con: duckdb.DuckDBPyConnection, render: Render) -> None:
    con.execute("INSERT INTO cdm.care_site (care_site_id, location_id) VALUES (1, 9)")
    query = render("cdm/verify_keys.sql.jinja", schema="cdm", tables=[tables()["care_site"]])
    assert con.execute(query).fetchall() == [
        ("care_site", "place_of_service_concept_id", "concept", 0),
        ("care_site", "location_id", "location", 1),
    ]
