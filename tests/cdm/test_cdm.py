"""The CDM as data: against OHDSI's own files, and against facts written by hand."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from omopify.cdm import CDM_VERSION, CDM_VERSION_CONCEPT_ID, DOMAIN_TABLES, Field, domain_table, tables

OHDSI = Path("/work/shared/data/ohdsi")
CONCEPTS = Path("/work/shared/facts/domain_concepts.csv")

ADDED_REFERENCES = {
    ("note_nlp", "note_id"): ("note", "note_id"),
    ("episode", "episode_parent_id"): ("episode", "episode_id"),
    ("cost", "payer_plan_period_id"): ("payer_plan_period", "payer_plan_period_id"),
    ("relationship", "reverse_relationship_id"): ("relationship", "relationship_id"),
}


def rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def known(value: str) -> str | None:
    return None if value == "NA" else value


def written_type(field: Field) -> str:
    """The type as OHDSI writes it."""
    if field.type == "text":
        return "varchar(max)"
    return f"varchar({field.length})" if field.type == "varchar" else field.type


def test_tables_are_those_of_ohdsi() -> None:
    ours = {(table.name, table.schema, table.required) for table in tables().values()}
    theirs = {
        (row["cdmTableName"], row["schema"].lower(), row["isRequired"] == "Yes")
        for row in rows(OHDSI / "OMOP_CDMv5.4_Table_Level.csv")
    }
    assert ours == theirs
    assert len(theirs) == 39


def test_fields_are_those_of_ohdsi_in_the_same_order() -> None:
    ours: dict[str, list[tuple[object, ...]]] = {}
    for table in tables().values():
        for field in table.fields:
            reference = (field.references_table, field.references_field)
            ours.setdefault(table.name, []).append(
                (field.name, written_type(field), field.required, field.primary_key, reference, field.domain)
            )
    theirs: dict[str, list[tuple[object, ...]]] = {}
    for row in rows(OHDSI / "OMOP_CDMv5.4_Field_Level.csv"):
        table_name, name = row["cdmTableName"], row["cdmFieldName"].strip('"')
        reference: tuple[str | None, str | None] = (None, None)
        if row["isForeignKey"] == "Yes":
            reference = (row["fkTableName"].lower(), row["fkFieldName"].lower())
        reference = ADDED_REFERENCES.get((table_name, name), reference)
        domain = None if row["fkDomain"] == "Procedure, Regimen" else known(row["fkDomain"])
        theirs.setdefault(table_name, []).append(
            (
                name,
                row["cdmDatatype"].lower(),
                row["isRequired"] == "Yes",
                row["isPrimaryKey"] == "Yes",
                reference,
                domain,
            )
        )
    assert ours == theirs
    assert sum(map(len, theirs.values())) == 432


def test_facts_that_need_no_other_file() -> None:
    cdm = tables()
    assert len(cdm) == 39
    assert sum(len(table.fields) for table in cdm.values()) == 432
    assert len(cdm["person"].fields) == 18
    assert cdm["person"].fields[0].name == "person_id"
    assert cdm["person"].primary_key == ("person_id",)
    assert cdm["person"].required
    assert cdm["person"].field("person_source_value").length == 50
    assert cdm["person"].field("gender_concept_id").domain == "Gender"
    assert cdm["measurement"].field("measurement_event_id").type == "integer"
    assert cdm["measurement"].field("value_as_number").type == "float"
    assert cdm["observation"].field("value_as_string").length == 60
    assert cdm["note"].field("note_text").type == "text"
    assert cdm["drug_exposure"].field("drug_exposure_end_date").required
    assert not cdm["condition_occurrence"].field("condition_end_date").required
    assert cdm["note_nlp"].field("offset").length == 50
    assert cdm["cdm_source"].field("vocabulary_version").length == 20
    assert cdm["concept"].schema == "vocab"
    assert cdm["cohort"].schema == "results"
    for name in ("death", "cohort", "episode_event", "concept_relationship", "cdm_source"):
        assert cdm[name].primary_key == ()


def test_positions_count_from_one_and_names_are_unique() -> None:
    for table in tables().values():
        assert [field.position for field in table.fields] == list(range(1, len(table.fields) + 1))
        assert len({field.name for field in table.fields}) == len(table.fields)
        assert all(field.name == field.name.lower().strip('" ') for field in table.fields)


def test_every_reference_goes_to_a_primary_key() -> None:
    for table in tables().values():
        for field in table.fields:
            assert (field.references_table is None) == (field.references_field is None)
            if field.references_table is not None:
                assert tables()[field.references_table].primary_key == (field.references_field,)


def test_an_unknown_field_is_a_key_error() -> None:
    with pytest.raises(KeyError, match=r"person\.age"):
        tables()["person"].field("age")


def test_the_definition_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        tables()["x"] = tables()["person"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        tables()["person"].name = "x"  # type: ignore[misc]


def test_event_field_concepts_are_those_agreed() -> None:
    agreed = {row["key"]: int(row["concept_id"]) for row in rows(CONCEPTS)}
    ours = {t.name: t.event_field_concept_id for t in tables().values() if t.event_field_concept_id}
    assert len(ours) == 11
    for name, concept_id in ours.items():
        assert agreed[f"field_{name}_id"] == concept_id
    assert agreed["cdm_version"] == CDM_VERSION_CONCEPT_ID


def test_only_events_can_be_pointed_to() -> None:
    cdm = tables()
    assert cdm["episode"].event_field_concept_id == 756290
    assert cdm["condition_occurrence"].event_field_concept_id == 1147127
    assert cdm["person"].event_field_concept_id is None
    assert cdm["death"].event_field_concept_id is None
    for table in cdm.values():
        assert all(f.primary_key for f in table.fields if f.field_concept_id is not None)
    assert CDM_VERSION == "v5.4"


@pytest.mark.parametrize(
    ("domain", "table"),
    [
        ("Condition", "condition_occurrence"),
        ("Drug", "drug_exposure"),
        ("Visit", "visit_occurrence"),
        ("Condition/Meas", "condition_occurrence"),
        ("Meas/Procedure", "measurement"),
        ("Obs/Procedure", "observation"),
        ("Meas Value", None),
        ("Type Concept", None),
        ("Unit", None),
        ("", None),
    ],
)
def test_domain_table(domain: str, table: str | None) -> None:
    assert domain_table(domain) == table


def test_every_domain_goes_to_a_table_of_events() -> None:
    for name in DOMAIN_TABLES.values():
        assert tables()[name].event_field_concept_id is not None


def test_reading_the_definition_loads_no_database() -> None:
    code = (
        "import sys, omopify.cdm; omopify.cdm.tables(); "
        "print([m for m in ('duckdb', 'polars', 'pydantic') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
