"""The vocabulary files that ship with omopify: whole, consistent, and true to their sources."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from omopify.cdm import CDM_VERSION_CONCEPT_ID, tables
from omopify.resources import data

Rows = list[dict[str, str]]
FACTS = Path("/work/shared/facts/vocab")
FOLDERS = ("starter", "demo_restricted")

# what the data cards say was changed or left out, and why
NON_STANDARD = {"32528", "32530", "32677"}
VISIT_DETAIL_FIELD = 1147624  # its concept code could not be evidenced, so it cannot be in the starter
THIRD_PARTY = re.compile(r"EORTC|QLQ|EuroQol|EQ-?5D", re.IGNORECASE)


def read(path: Path) -> Rows:
    text = path.read_text(encoding="utf-8")
    header, *lines = text.removesuffix("\n").split("\n")
    names = header.split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]


def folder(name: str) -> dict[str, Rows]:
    return {path.stem.lower(): read(path) for path in sorted(data("vocab", name).glob("*.csv"))}


@pytest.fixture(scope="module")
def starter() -> dict[str, Rows]:
    return folder("starter")


@pytest.fixture(scope="module")
def demo() -> dict[str, Rows]:
    return folder("demo_restricted")


@pytest.fixture(scope="module")
def both(starter: dict[str, Rows], demo: dict[str, Rows]) -> dict[str, Rows]:
    return {table: rows + demo.get(table, []) for table, rows in starter.items()}


def ids(rows: Rows) -> set[str]:
    return {row["concept_id"] for row in rows}


@pytest.mark.parametrize("name", FOLDERS)
def test_files_are_in_athena_layout(name: str) -> None:
    for path in data("vocab", name).glob("*.csv"):
        content = path.read_bytes()
        assert content.endswith(b"\n"), path
        assert b"\r" not in content, path
        assert not content.startswith(b"\xef\xbb\xbf"), path
        assert path.name == path.stem.upper() + ".csv"
        fields = tables()[path.stem.lower()].fields
        assert content.split(b"\n", 1)[0].decode().split("\t") == [field.name for field in fields]
        for row in read(path):
            for field in fields:
                value = row[field.name]
                assert value or not field.required, (path, row)
                if field.type == "integer" and value:
                    assert str(int(value)) == value
                if field.type == "date":
                    assert re.fullmatch(r"\d{8}", value)
                if field.length:
                    assert len(value) <= field.length


def test_keys_are_unique_in_and_between_the_folders(both: dict[str, Rows]) -> None:
    for table, rows in both.items():
        keys = tables()[table].primary_key or tuple(field.name for field in tables()[table].fields)
        if table == "concept_relationship":
            keys = ("concept_id_1", "concept_id_2", "relationship_id")
        found = Counter(tuple(row[key] for key in keys) for row in rows)
        assert [key for key, n in found.items() if n > 1] == [], table


@pytest.mark.parametrize("names", [("starter",), FOLDERS])
def test_nothing_dangles(names: tuple[str, ...]) -> None:
    loaded: dict[str, Rows] = {}
    for name in names:
        for table, rows in folder(name).items():
            loaded.setdefault(table, []).extend(rows)
    for table, rows in loaded.items():
        for field in tables()[table].fields:
            if field.references_table is None or field.references_field is None:
                continue
            known = {row[field.references_field] for row in loaded[field.references_table]}
            assert {row[field.name] for row in rows if row[field.name]} <= known, (table, field.name)


def test_a_standard_concept_maps_to_itself_and_others_map_to_standard_ones(both: dict[str, Rows]) -> None:
    standard = {row["concept_id"] for row in both["concept"] if row["standard_concept"] == "S"}
    maps = [row for row in both["concept_relationship"] if row["relationship_id"] == "Maps to"]
    assert {row["concept_id_1"] for row in maps if row["concept_id_1"] == row["concept_id_2"]} == standard
    assert {row["concept_id_2"] for row in maps} <= standard


def test_maps_are_there_in_both_directions(both: dict[str, Rows]) -> None:
    reverse = {row["relationship_id"]: row["reverse_relationship_id"] for row in both["relationship"]}
    rows = both["concept_relationship"]
    found = {(row["concept_id_1"], row["concept_id_2"], row["relationship_id"]) for row in rows}
    assert {(b, a, reverse[name]) for a, b, name in found} == found


def test_a_deprecated_concept_is_not_standard(both: dict[str, Rows]) -> None:
    assert [row for row in both["concept"] if row["invalid_reason"] and row["standard_concept"]] == []


def test_no_text_of_restricted_sources_is_in_the_starter(starter: dict[str, Rows]) -> None:
    held = {row["vocabulary_id"] for row in starter["concept"]}
    assert held.isdisjoint(
        {"SNOMED", "ICDO3", "ICD10", "ATC", "MedDRA", "CPT4", "dm+d", "OMOP Extension", "UK Biobank"}
    )
    assert {row["vocabulary_id"] for row in starter["vocabulary"]} == held
    for rows in starter.values():
        for row in rows:
            assert not any(THIRD_PARTY.search(value) for value in row.values()), row


def test_the_restricted_extract_holds_snomed_only(demo: dict[str, Rows]) -> None:
    assert {row["vocabulary_id"] for row in demo["concept"]} == {"SNOMED"}
    assert [row["vocabulary_id"] for row in demo["vocabulary"]] == ["SNOMED"]
    assert set(demo) == {"concept", "concept_ancestor", "concept_relationship", "vocabulary"}


def test_every_row_of_the_restricted_extract_is_about_it(demo: dict[str, Rows]) -> None:
    present = ids(demo["concept"])
    for row in demo["concept_relationship"]:
        assert {row["concept_id_1"], row["concept_id_2"]} & present
    for row in demo["concept_ancestor"]:
        assert {row["ancestor_concept_id"], row["descendant_concept_id"]} & present


def test_the_starter_has_what_the_cdm_itself_needs(starter: dict[str, Rows]) -> None:
    needed = {t.event_field_concept_id for t in tables().values()} - {None, VISIT_DETAIL_FIELD}
    needed |= {CDM_VERSION_CONCEPT_ID, 0, 32809}
    assert {str(concept_id) for concept_id in needed} <= ids(starter["concept"])


def test_the_release_says_whose_it_is(starter: dict[str, Rows]) -> None:
    (row,) = (row for row in starter["vocabulary"] if row["vocabulary_id"] == "None")
    assert row["vocabulary_version"] == "omopify starter v1"


@pytest.mark.parametrize(("name", "card"), [("starter", "DATA_CARD.md"), ("demo_restricted", "README.md")])
def test_the_card_counts_right(name: str, card: str) -> None:
    text = data("vocab", name, card).read_text("utf-8")
    for table, rows in folder(name).items():
        assert re.search(rf"\| `{table.upper()}\.csv` \| {len(rows):,} \|", text), table
    for vocabulary, n in Counter(row["vocabulary_id"] for row in folder(name)["concept"]).items():
        assert re.search(rf"\| {re.escape(vocabulary)} \| {n:,} \|", text), vocabulary


@pytest.mark.skipif(not FACTS.exists(), reason=f"{FACTS} is not here")
def test_every_row_is_that_of_its_source(both: dict[str, Rows]) -> None:
    for table, rows in both.items():
        theirs = {tuple(row.values()) for row in read(FACTS / "starter" / f"{table.upper()}.csv")}
        changed = []
        for row in rows:
            source = dict(row)
            if table == "concept" and row["concept_id"] in NON_STANDARD:
                source["standard_concept"] = "S"
            if table == "concept_synonym":
                source["language_concept_id"] = "4180186"
            if table == "vocabulary" and row["vocabulary_id"] == "None":
                source["vocabulary_version"] = "v5.0 30-AUG-24"
            changed.append(tuple(source.values()))
        assert set(changed) <= theirs, table


@pytest.mark.skipif(not FACTS.exists(), reason=f"{FACTS} is not here")
def test_only_what_the_card_says_was_left_out(starter: dict[str, Rows]) -> None:
    left_out = ids(read(FACTS / "starter_open" / "CONCEPT.csv")) - ids(starter["concept"])
    answers_of_questionnaires = {
        "1094227", "45876949", "45878254", "45878304", "45878305", "45878558",
        "45878730", "45881924", "45883172", "45884456", "45885256",
    }  # fmt: skip
    assert left_out == answers_of_questionnaires | {"3030354"}
