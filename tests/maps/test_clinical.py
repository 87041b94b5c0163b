"""The clinical maps: nothing of the shared variables is lost on the way to OMOP, and their concepts are the known ones.

Made-up exports of both trials are converted, messy ones, with a vocabulary that also has the concepts which the
shipped one lacks (questionnaires, history, cycles), as a full Athena download does.  What must come out is counted
from the shared variables, with Python.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from omopify.synthetic import write_export
from tests.converted import convert, shared

C30_ITEMS = {str(n): 701339 + n for n in range(1, 12)} | {"12": 701332} | {str(n): 701338 + n for n in range(13, 31)}
"""Items 1-11: 701340-701350, item 12: 701332, items 13-30: 701351-701368."""
C30_ANSWERS = {1: 45883172, 2: 45876949, 3: 45884456, 4: 45885256}
C30_GLOBAL = {1: 45878558, 2: 1094227, 3: 45878305, 4: 45878304, 5: 45878730, 6: 45878254, 7: 45881924}
EQ5D_FIRST = {"1": 742346, "2": 742351, "3": 742356, "4": 742361, "5": 742366}
VAS = 42537274
HISTORY, NOT_RECEIVED = 4214956, 37016846
STATUS = {"past": 37109701, "dormant": 9173, "active": 9181}
"""The value sets of the consortium (its ETL and domain list), typed again here."""

Row = dict[str, Any]


class Case:
    """One trial's export and the CDM that was made of it."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self.database = database

    def dicts(self, sql: str) -> list[Row]:
        cursor = self.database.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def shared(self, table: str) -> list[Row]:
        """Return the rows of a shared table whose subject is a person (a messy export has some who are not)."""
        return self.dicts(f"SELECT * FROM dsp.{table} WHERE subject_id IN (SELECT subject_id FROM dsp.subject)")

    def written(self, table: str, name: str) -> list[Row]:
        return self.dicts(
            f"SELECT t.*, l.file AS _file, l.row AS _row FROM cdm.{table} AS t JOIN audit.lineage AS l "
            f"ON l.table_name = '{table}' AND l.row_id = t.{table}_id AND l.map = '{name}'"
        )

    def used(self, *names: str) -> int:
        """Return how many rows the maps used, with those that lie before birth."""
        used = "SELECT rows_used AS n FROM audit.map_rows WHERE list_contains(?, map)"
        early = "SELECT count(*) FROM audit.rejects WHERE list_contains(?, map) AND reason = 'before birth'"
        rows = self.database.execute(f"{used} UNION ALL {early}", [names, names]).fetchall()
        return sum(row[0] for row in rows)


def messy(factory: pytest.TempPathFactory, trial: str) -> Path:
    """Return the database of a trial's messy export, converted with the larger vocabulary."""

    def build(folder: Path) -> None:
        write_export(trial, folder / "data", 120, 5, messy=True)
        _more_concepts(folder / "more")
        (folder / "omopify.yaml").write_text(
            f"mappings: {trial}\ndata: data\nvocabulary: [starter, demo_restricted, more]\n", encoding="utf-8"
        )
        convert(folder)

    return shared(factory, f"messy-{trial}", build) / "out" / "omop.duckdb"


@pytest.fixture(scope="module", params=["impress", "drup"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    made = Case(duckdb.connect(str(messy(tmp_path_factory, request.param)), read_only=True))
    yield made
    made.database.close()


def _more_concepts(folder: Path) -> None:
    ids = [*C30_ITEMS.values(), *C30_ANSWERS.values(), *C30_GLOBAL.values(), VAS, NOT_RECEIVED, *STATUS.values()]
    ids += [first + level for first in EQ5D_FIRST.values() for level in range(5)]
    head = "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code"
    lines = ["\t".join([*head.split(), "valid_start_date", "valid_end_date", "invalid_reason"])]
    names = {HISTORY: "History of clinical finding in subject"} | {i: f"Concept {i}" for i in ids}
    rest = "Observation\tSNOMED\tObservable Entity\tS"
    lines += [f"{i}\t{name}\t{rest}\tcode-{i}\t19700101\t20991231\t" for i, name in names.items()]
    folder.mkdir()
    (folder / "CONCEPT.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    to_itself = [f"{i}\t{i}\tMaps to\t19700101\t20991231\t" for i in names]
    head = "concept_id_1\tconcept_id_2\trelationship_id\tvalid_start_date\tvalid_end_date\tinvalid_reason"
    (folder / "CONCEPT_RELATIONSHIP.csv").write_text("\n".join([head, *to_itself]) + "\n", encoding="utf-8")
    columns = [
        "vocabulary_id",
        "vocabulary_name",
        "vocabulary_reference",
        "vocabulary_version",
        "vocabulary_concept_id",
    ]
    (folder / "VOCABULARY.csv").write_text("\t".join(columns) + "\n", encoding="utf-8")


# --- nothing is lost -------------------------------------------------------------------------------------------------

SPLIT = {
    "adverse_event": ["adverse_event"],
    "medical_history": ["medical_history", "medical_history_undated"],
    "previous_treatment": [
        "previous_treatment", "previous_treatment_procedure", "previous_treatment_other", "previous_treatment_undated",
    ],
    "concomitant_medication": ["concomitant_medication", "concomitant_medication_undated"],
    "treatment_cycle": ["study_drug", "cycle_not_received"],
    "ecog": ["ecog"],
    "baseline_tumour_assessment": ["baseline_tumour_assessment"],
    "age": ["age"],
    "worst_grade": ["worst_grade"],
    "adverse_event_summary": ["adverse_event_summary"],
    "questionnaire_answer": ["questionnaire_answer"],
}  # fmt: skip


@pytest.mark.parametrize("table", SPLIT)
def test_each_row_of_a_shared_table_is_used_by_exactly_one_map(case: Case, table: str) -> None:
    assert case.used(*SPLIT[table]) == len(case.shared(table))


RESULTS = {
    "tumour_response": ("tumour_assessment", lambda r: r["response"] or r["response_recorded"]),
    "progression_date": ("tumour_assessment", lambda r: r["progression_date"]),
    "unconfirmed_progression_date": ("tumour_assessment", lambda r: r["unconfirmed_progression_date"]),
    "best_overall_response": ("best_overall_response", lambda r: r["response"] or r["response_recorded"]),
    "disease_control": ("disease_control", lambda r: r["disease_control"] is not None),
    "evaluability": ("evaluability", lambda r: r["evaluable"] is not None),
    "questionnaire_score": ("questionnaire_score", lambda r: r["score"] is not None or r["profile"]),
    "adverse_event_action": ("adverse_event_relation", lambda r: r["action"]),
    "adverse_event_expected": ("adverse_event_relation", lambda r: r["expected"] is not None),
}


@pytest.mark.parametrize("name", RESULTS)
def test_each_value_that_is_there_has_a_row(case: Case, name: str) -> None:
    table, there = RESULTS[name]
    assert case.used(name) == sum(bool(there(row)) for row in case.shared(table))


def test_attributes_of_events_and_cycles_are_all_there(case: Case) -> None:
    found = Counter(row["observation_source_value"] for row in case.dicts("SELECT * FROM cdm.observation"))
    events, cycles = case.shared("adverse_event"), case.shared("treatment_cycle")
    given = [row for row in cycles if row["received"]]
    assert found["serious adverse event"] == sum(bool(row["serious"]) for row in events)
    assert found["end date of the event is the date of death"] == sum(row["end_basis"] == "death" for row in events)
    assert found["study drug given as specified"] == sum(row["given_as_specified"] is not None for row in given)
    assert found["whole dose of study drug delivered"] == sum(row["total_dose_delivered"] is not None for row in given)
    grades = case.dicts("SELECT * FROM cdm.observation WHERE qualifier_source_value IN ('5.0', '4.03')")
    assert Counter(row["value_as_number"] for row in grades) == Counter(row["grade"] for row in events if row["grade"])
    relations = case.shared("adverse_event_relation")
    assert found["relation to study drug"] == sum(bool(r["relation"] or r["relation_recorded"]) for r in relations)


def test_what_is_said_of_an_adverse_event_points_to_it(case: Case) -> None:
    for name in ("adverse_event_relation", "adverse_event_action", "adverse_event_expected"):
        for row in case.written("observation", name):
            assert row["observation_event_id"] is not None
            assert row["qualifier_source_value"]


def test_a_trial_without_cycles_has_its_drugs_over_the_whole_treatment(case: Case) -> None:
    cycles = {row["subject_id"] for row in case.shared("treatment_cycle")}
    courses = {row["subject_id"]: row for row in case.shared("treatment")}
    expected = Counter(
        (row["drug"][:50], courses[row["subject_id"]]["start_date"])
        for row in case.shared("study_drug")
        if row["subject_id"] in courses and row["subject_id"] not in cycles
    )
    found = case.written("drug_exposure", "study_drug_whole")
    assert Counter((row["drug_source_value"], row["drug_exposure_start_date"]) for row in found) == expected
    assert all(row["drug_exposure_end_date"] >= row["drug_exposure_start_date"] for row in found)


# --- the concepts that the shipped vocabulary lacks ------------------------------------------------------------------


def test_answers_have_the_concept_of_the_item_and_of_the_answer(case: Case) -> None:
    expected: Counter[tuple[Any, ...]] = Counter()
    for row in case.shared("questionnaire_answer"):
        item, answer = row["item"], row["answer"]
        if item == "VAS":
            expected[VAS, None, answer] += 1
        elif row["instrument"] == "EQ-5D-5L":
            expected[0, EQ5D_FIRST[item] + answer - 1, answer] += 1
        else:
            expected[C30_ITEMS[item], (C30_GLOBAL if item in ("29", "30") else C30_ANSWERS)[answer], answer] += 1
    found = Counter(
        (row["measurement_concept_id"], row["value_as_concept_id"], row["value_as_number"])
        for row in case.written("measurement", "questionnaire_answer")
    )
    assert found == expected


def test_undated_history_and_cycles_that_were_not_received(case: Case) -> None:
    undated = [row for row in case.shared("medical_history") if row["start_date"] is None]
    main = [r for r in case.written("observation", "medical_history_undated") if r["observation_concept_id"] == HISTORY]
    assert Counter(row["value_as_string"] for row in main) == Counter(row["term"][:60] for row in undated)
    said = Counter(row["status"] for row in case.shared("medical_history") if row["status"])
    wanted = ", ".join(str(i) for i in STATUS.values())
    statuses = case.dicts(f"SELECT * FROM cdm.observation WHERE value_as_concept_id IN ({wanted})")
    assert Counter(row["value_as_concept_id"] for row in statuses) == Counter({STATUS[k]: n for k, n in said.items()})
    missed = [row for row in case.shared("treatment_cycle") if row["received"] is False]
    found = case.dicts(f"SELECT * FROM cdm.observation WHERE observation_concept_id = {NOT_RECEIVED}")
    assert Counter((row["observation_date"], row["value_as_number"]) for row in found) == Counter(
        (row["start_date"], row["cycle_number"]) for row in missed
    )


def test_what_a_rule_made_has_its_type_and_rule(case: Case) -> None:
    for name in ("age", "best_overall_response", "disease_control", "evaluability", "adverse_event_summary"):
        expected = {(row["basis"], row["rule"]) for row in case.shared(name)}
        names = {32809: "recorded", 32880: "derived"}
        found = {
            (names[row["observation_type_concept_id"]], row["qualifier_source_value"])
            for row in case.written("observation", name)
        }
        assert found <= expected
        assert {basis for basis, _ in found} == {basis for basis, _ in expected}
