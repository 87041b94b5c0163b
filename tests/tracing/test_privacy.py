"""Without --show-values a trace tells of no row what it says, nor which concept was found for that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from omopify.cli.tracing import show
from omopify.tracing.model import Forward, Row, Way, plain
from tests.tracing.conftest import Case, bottom

KEYS = {
    "cdm.condition_occurrence": "condition_occurrence_id",
    "cdm.drug_exposure": "drug_exposure_id",
    "cdm.measurement": "measurement_id",
    "cdm.observation": "observation_id",
    "cdm.person": "person_id",
    "cdm.death": "person_id",
    "cdm.drug_era": "drug_era_id",
    "dsp.adverse_event": "rowid + 1",
    "dsp.questionnaire_answer": "rowid + 1",
}
EACH = 6


@pytest.fixture(scope="module")
def constants(case: Case) -> str:
    """What the maps and the trial say of all rows alike."""
    return "\n".join(path.read_text("utf-8") for path in case.project.pack.files)


def as_json(found: Row | Forward) -> str:
    return json.dumps(plain(found), ensure_ascii=False)


def as_tree(found: Row | Forward, values: bool, capsys: pytest.CaptureFixture[str]) -> str:
    """A trace as a terminal shows it, without its lines and line breaks."""
    show(found, values)
    return " ".join(re.sub("[│├└─]", " ", capsys.readouterr().out).split())


def secrets(case: Case, table: str, number: int, places: set[tuple[str, int]], constants: str) -> set[str]:
    """What the export and the result hold for a row, by the csv module and SQL: cells, concepts and their names."""
    cells = {cell for form, row in places for cell in case.form(form)[row].values()}
    held = case.connection.execute(f"SELECT * FROM {table} WHERE {KEYS[table]} = ?", [number])
    columns, values = [name for name, *_ in held.description], held.fetchone()
    concepts = [v for n, v in zip(columns, values, strict=True) if n.endswith("concept_id") and v]
    names = case.rows("SELECT concept_name FROM cdm.concept WHERE list_contains(?, concept_id)", [concepts])
    told = {*cells, *map(str, concepts), *(name for (name,) in names)}
    # Short cells ('1', 'No') stand in every text, and digits alone may be a line or an id.
    return {
        text for text in told if len(text) > 4 and text not in constants and (not text.isdecimal() or int(text) > 9999)
    }


def test_no_value_and_no_concept_of_a_row_is_told_unless_asked_for(
    case: Case, constants: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checked = shown = rows = 0
    for table, key in KEYS.items():
        for (number,) in case.rows(f"SELECT {key} FROM {table} ORDER BY hash({key}) LIMIT {EACH}"):
            found = case.back(table, number)
            places = bottom(found)
            hidden = secrets(case, table, number, places, constants)
            text = as_json(found)
            if not rows % EACH:  # what leads forward is much the same for all rows of a table
                forward = case.forward(*min(places))
                text += as_json(forward) + as_tree(found, False, capsys) + as_tree(forward, False, capsys)
            assert {one for one in hidden if one in text} == set(), (table, number)
            told = as_json(case.back(table, number, values=True))
            shown += len({one for one in hidden if one in told})
            checked += len(hidden)
            rows += 1
    assert rows >= 50
    assert checked > 250
    assert shown > 120


def ways(row: Row) -> Iterator[Way]:
    for field in row.fields:
        yield from field.ways
    for below in row.rows:
        yield from ways(below)


def test_what_is_told_is_what_happened(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    (number, name) = case.rows(
        "SELECT condition_occurrence_id, concept_name FROM cdm.condition_occurrence "
        "JOIN cdm.concept ON concept_id = condition_concept_id "
        "JOIN audit.lookups AS way ON source_value = condition_source_value AND way.concept_id = condition_concept_id "
        "JOIN audit.row_origins AS origin ON table_name = 'condition_occurrence' AND row_id = condition_occurrence_id "
        "WHERE origin.map = 'adverse_event' AND way.map = origin.map AND condition_concept_id <> 0 "
        "AND way.field = 'concept' AND file LIKE '%ctcae_terms.csv' LIMIT 1"
    )[0]
    quiet, loud = case.back("condition_occurrence", number), case.back("condition_occurrence", number, values=True)
    text = as_tree(quiet, False, capsys)
    assert f"condition_occurrence {number} a concept" in text
    assert re.search(r"1\. concepts/ctcae_terms\.csv: found a concept; its row is APPROVED by omopify on 20", text)
    assert "always 32809 Case Report Form (Type Concept)" in text
    assert name in as_tree(loud, True, capsys)
    assert [way.result for way in ways(quiet)] == [way.result for way in ways(loud)]
    assert [way.at for way in ways(quiet) if way.review] == [None]
