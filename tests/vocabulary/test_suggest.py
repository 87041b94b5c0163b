"""Suggestions, on a small vocabulary with real names; its ids, codes and relations are made up."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from omopify.engines.duckdb import DuckDB
from omopify.vocabulary.files.concept_rows import ConceptRow
from omopify.vocabulary.search.index import open_search
from omopify.vocabulary.suggestion.likeness import likeness
from omopify.vocabulary.suggestion.suggest import Candidate, Memory, Request, Suggestion, suggest
from tests.vocabulary.small import VALID, small_vocabulary

# id | name | domain | vocabulary | class | standard | code
CONCEPTS = """
910001 | morphine                                   | Drug        | RxNorm  | Ingredient       | S | 7052
910002 | metoclopramide                             | Drug        | RxNorm  | Ingredient       | S | 6915
910003 | dexamethasone                              | Drug        | RxNorm  | Ingredient       | S | 3264
910004 | dexamethasone 4 MG Oral Tablet             | Drug        | RxNorm  | Clinical Drug    | S | 48933
910005 | acetaminophen                              | Drug        | RxNorm  | Ingredient       | S | 161
910006 | trametinib                                 | Drug        | RxNorm  | Ingredient       | S | 1425098
910007 | Wombatex                                   | Drug        | RxNorm  | Brand Name       |   | 90001
910008 | Koalaprim                                  | Drug        | RxNorm  | Brand Name       |   | 90002
910009 | amoxicillin                                | Drug        | RxNorm  | Ingredient       | S | 723
910010 | clavulanate                                | Drug        | RxNorm  | Ingredient       | S | 48203
910011 | Wallaby                                    | Drug        | RxNorm  | Brand Name       |   | 90003
910012 | Wallaby 10 MG Oral Tablet                  | Drug        | RxNorm  | Branded Drug     | S | 90004
910013 | vitamin D                                  | Drug        | RxNorm  | Ingredient       | S | 11253
910020 | Nausea                                     | Condition   | SNOMED  | Clinical Finding | S | 422587007
910021 | Malignant tumor of pancreas                | Condition   | SNOMED  | Disorder         | S | 254837009
910022 | Primary malignant neoplasm of pancreas     | Condition   | SNOMED  | Disorder         | S | 372064008
910023 | Abdominal pain                             | Condition   | SNOMED  | Clinical Finding | S | 21522001
910024 | Pneumonia                                  | Condition   | SNOMED  | Disorder         | S | 233604007
910025 | Edema                                      | Condition   | SNOMED  | Clinical Finding | S | 267038008
910026 | Edema of kangaroo                          | Observation | SNOMED  | Clinical Finding | S | 1
910027 | Pneumonia with nausea                      | Condition   | ICD10   | ICD10 code       |   | J99.8
910028 | Fever                                      | Condition   | SNOMED  | Clinical Finding | S | 386661006
910030 | milligram per deciliter                    | Unit        | UCUM    | Unit             | S | mg/dL
910031 | microliter                                 | Unit        | UCUM    | Unit             | S | uL
910032 | billion per liter                          | Unit        | UCUM    | Unit             | S | 10*9/L
910040 | Creatinine [Mass/volume] in Serum or Plasma| Measurement | LOINC   | Lab Test         | S | 2160-0
910041 | Creatinine [Moles/volume] in Serum or Plasma| Measurement | LOINC  | Lab Test         | S | 14682-9
910042 | Creatinine [Mass/volume] in Urine          | Measurement | LOINC   | Lab Test         | S | 2161-8
910043 | Platelets [#/volume] in Blood              | Measurement | LOINC   | Lab Test         | S | 26515-7
910050 | Patient asked about Wombatex               | Observation | SNOMED  | Clinical Finding | S | 3
"""
RELATIONS = """
910007 | 910006 | Brand name of
910008 | 910009 | Brand name of
910008 | 910010 | Brand name of
910011 | 910012 | Brand name of
910027 | 910024 | Maps to
910027 | 910020 | Maps to
"""
ANCESTORS = """
910003 | 910012 | 1 | 1
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDB]:
    rows = [[part.strip() for part in line.split("|")] for line in CONCEPTS.strip().splitlines()]
    relations = [[part.strip() for part in line.split("|")] for line in RELATIONS.strip().splitlines()]
    ancestors = [[part.strip() for part in line.split("|")] for line in ANCESTORS.strip().splitlines()]
    files = {
        "CONCEPT_RELATIONSHIP.csv": "".join("\t".join([*row, *VALID]) + "\n" for row in relations),
        "CONCEPT_ANCESTOR.csv": "".join("\t".join(row) + "\n" for row in ancestors),
    }
    path = tmp_path_factory.mktemp("suggest") / "athena.duckdb"
    small_vocabulary(path, [[*row, *VALID] for row in rows], files)
    with open_search(path) as opened:
        yield opened


def ask(database: DuckDB, value: str, *domains: str, memory: Memory | None = None) -> tuple[Candidate, ...]:
    (one,) = suggest([Request(value, 1, domains)], database, memory)
    return one.candidates


def names(candidate: Candidate) -> list[str]:
    return [target.name for target in candidate.targets]


@pytest.mark.parametrize(
    ("value", "domain", "expected"),
    [
        ("morphine", "Drug", ["morphine"]),
        ("MORFIN", "Drug", ["morphine"]),
        ("morfiini", "Drug", ["morphine"]),
        ("Dexametason 4 mg", "Drug", ["dexamethasone"]),
        ("deksametazonas", "Drug", ["dexamethasone"]),
        ("dexamethasone 4 mg tablet", "Drug", ["dexamethasone"]),
        ("Paracetamol 500 mg", "Drug", ["acetaminophen"]),
        ("Mekinist (Trametinib)", "Drug", ["trametinib"]),
        ("trametinid", "Drug", ["trametinib"]),
        ("Wombatex", "Drug", ["trametinib"]),
        ("Wallaby 10 mg", "Drug", ["dexamethasone"]),
        ("Koalaprim forte", "Drug", ["amoxicillin", "clavulanate"]),
        ("amoxicillin/clavulanic acid", "Drug", ["amoxicillin", "clavulanate"]),
        ("Morfin 40 mg/ml, Metoklopramid 5 mg/ml", "Drug", ["morphine", "metoclopramide"]),
        ("kvalme", "Condition", ["Nausea"]),
        ("Pain, abdominal", "Condition", ["Abdominal pain"]),
        ("OEDEMA", "Condition", ["Edema"]),
        ("ødem", "Condition", ["Edema"]),
        ("Pancreatic cancer", "Condition", ["Malignant tumor of pancreas"]),
        ("haimasyöpä", "Condition", ["Malignant tumor of pancreas"]),
        ("longontsteking", "Condition", ["Pneumonia"]),
        ("J99.8", "Condition", ["Nausea", "Pneumonia"]),
        ("mg/dL", "Unit", ["milligram per deciliter"]),
        ("10^9/L", "Unit", ["billion per liter"]),
        ("Creatinine (umol/L)", "Measurement", ["Creatinine [Moles/volume] in Serum or Plasma"]),
        ("Creatinine (mg/dL)", "Measurement", ["Creatinine [Mass/volume] in Serum or Plasma"]),
        ("Platelet", "Measurement", ["Platelets [#/volume] in Blood"]),
    ],
)
def test_the_first_candidate(database: DuckDB, value: str, domain: str, expected: list[str]) -> None:
    assert (
        sorted(names(ask(database, value, domain)[0])) == expected or names(ask(database, value, domain)[0]) == expected
    )


@pytest.mark.parametrize(
    ("value", "domain"),
    [
        ("U/L", "Unit"),
        ("xyzzy", "Drug"),
        ("", "Drug"),
        ("other", "Condition"),
        ("Vitamin E", "Drug"),
        ("12", "Condition"),
    ],
)
def test_nothing_is_better_than_something_wrong(database: DuckDB, value: str, domain: str) -> None:
    assert ask(database, value, domain) == ()


@pytest.mark.parametrize(
    ("value", "domain", "why"),
    [
        ("morphine", "Drug", "the same as its name"),
        ("Morfin", "Drug", "another spelling of its name"),
        ("kvalme", "Condition", "Norwegian for 'nausea'"),
        ("Wombatex", "Drug", "the same as 'Wombatex'; 'Wombatex' is a brand of it"),
        ("Mekinist (Trametinib)", "Drug", "the name in brackets"),
        ("mg/dL", "Unit", "the code mg/dL of UCUM"),
        ("J99.8", "Condition", "the code J99.8 of ICD10, which maps to it"),
        ("trametinid", "Drug", "spelt almost like its name"),
        ("Morfin 40 mg/ml, Metoklopramid 5 mg/ml", "Drug", "part 1 of 2"),
    ],
)
def test_the_reason_is_said(database: DuckDB, value: str, domain: str, why: str) -> None:
    assert why in ask(database, value, domain)[0].why


def test_what_is_nearer_scores_more(database: DuckDB) -> None:
    exact, respelt, misspelt = (ask(database, v, "Drug")[0].score for v in ("morphine", "morfin", "morhpine"))
    assert 1 == exact > respelt > misspelt > 0.5


def test_an_expected_domain_comes_first_and_others_only_where_nothing_fits(database: DuckDB) -> None:
    assert names(ask(database, "edema of kangaroo", "Observation")[0]) == ["Edema of kangaroo"]
    strange = ask(database, "edema of kangaroo", "Drug")
    assert names(strange[0]) == ["Edema of kangaroo"]
    assert strange[0].score < ask(database, "edema of kangaroo", "Observation")[0].score
    assert all(target.domain_id == "Condition" for one in ask(database, "edema", "Condition") for target in one.targets)


def test_only_standard_concepts_are_proposed(database: DuckDB) -> None:
    for value in ("Wombatex", "Pneumonia with nausea", "J99.8"):
        for one in ask(database, value):
            assert all(target.concept_id not in (910007, 910008, 910011, 910027) for target in one.targets)


def test_the_order_does_not_depend_on_the_company(database: DuckDB) -> None:
    requests = [Request(v, 1, (d,)) for v, d in (("Morfin", "Drug"), ("kvalme", "Condition"), ("ødem", "Condition"))]
    alone = [suggest([request], database)[0] for request in requests]
    random.Random(1).shuffle(alone)
    together = suggest([one.request for one in alone], database)
    assert together == alone


def test_no_requests(database: DuckDB) -> None:
    assert suggest([], database) == []


def test_the_limit(database: DuckDB) -> None:
    assert len(suggest([Request("creatinine", 1, ("Measurement",))], database, limit=2)[0].candidates) == 2


def test_scores_fall_and_stay_between_0_and_1(database: DuckDB) -> None:
    for value in ("creatinine", "breast cancer", "dexamethasone", "Morfin, Wombatex"):
        scores = [one.score for one in ask(database, value)]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1 for score in scores)


def row(name: str, concept_id: int, status: str = "APPROVED", kind: str = "MAPS_TO") -> ConceptRow:
    return ConceptRow(0, name, name, concept_id, status, kind, concept_name=f"concept {concept_id}", domain_id="Drug")


def remembering(*rows: ConceptRow) -> Memory:
    memory = Memory()
    memory.learn(rows, "koala/drugs.csv")
    return memory


def test_what_another_trial_agreed_on_is_proposed(database: DuckDB) -> None:
    (best, *_) = ask(database, "ZZ-17", "Drug", memory=remembering(row("zz 17", 910005)))
    assert best.targets[0].concept_id == 910005
    assert best.why == "approved in koala/drugs.csv"


def test_memory_knows_other_spellings(database: DuckDB) -> None:
    (best, *_) = ask(database, "Kvokkatiini", "Drug", memory=remembering(row("quokkatin", 910005)))
    assert best.targets[0].concept_id == 910005
    assert best.why == "a like spelling is approved in koala/drugs.csv"


def test_memory_forgets_nothing_of_a_term(database: DuckDB) -> None:
    memory = remembering(row("zz 17", 910005), row("zz 17", 910001, kind="MAPS_TO_VALUE"))
    (best, *_) = ask(database, "zz 17", "Drug", memory=memory)
    assert [(target.concept_id, target.mapping_type) for target in best.targets] == [
        (910005, "MAPS_TO"),
        (910001, "MAPS_TO_VALUE"),
    ]


@pytest.mark.parametrize("status", ["UNCHECKED", "FLAGGED", "IGNORED", "INVALID_TARGET"])
def test_memory_is_of_approved_rows_only(database: DuckDB, status: str) -> None:
    assert ask(database, "zz 17", "Drug", memory=remembering(row("zz 17", 910005, status))) == ()


def test_numbers_are_not_remembered(database: DuckDB) -> None:
    assert ask(database, "1", "Drug", memory=remembering(row("1", 910005))) == ()


def test_other_texts_for_a_value_are_looked_for_as_well(database: DuckDB) -> None:
    (one,) = suggest([Request("CREAT mg/dL", 1, ("Measurement",), ("Creatinine (mg/dL)",))], database)
    assert names(one.candidates[0]) == ["Creatinine [Mass/volume] in Serum or Plasma"]


def test_a_mixture_of_which_a_part_is_unknown_is_worth_less(database: DuckDB) -> None:
    whole = ask(database, "morphine, metoclopramide", "Drug")[0]
    half = next(one for one in ask(database, "morphine, xyzzyquux", "Drug") if "part 2 of 2: not found" in one.why)
    assert names(half) == ["morphine"]
    assert half.score < whole.score


def test_a_suggestion_is_plain_data(database: DuckDB) -> None:
    (one,) = suggest([Request("morphine")], database)
    assert isinstance(one, Suggestion)
    assert one == suggest([Request("morphine")], database)[0]


@pytest.mark.parametrize(
    ("query", "name", "how"),
    [
        ("Nausea", "nausea", "same"),
        ("morfin", "morphine", "respelt"),
        ("pain abdominal", "Abdominal pain", "turned"),
        ("paclitazel", "paclitaxel", "misspelt"),
        ("glucose", "Glucose [Mass/volume] in Serum or Plasma", "more"),
        ("knee pain", "Back pain", "less"),
    ],
)
def test_how_names_are_alike(query: str, name: str, how: str) -> None:
    assert likeness(query, name).how == how


@pytest.mark.parametrize(
    ("query", "nearer", "further"),
    [
        ("malignant tumor of breast", "Malignant tumor of breast", "Malignant tumor of prostate"),
        ("pneumonia", "Pneumonia (disorder)", "Pneumonia of kangaroo"),
        ("breast pain", "Pain of breast", "Pain"),
        ("hemoglobin", "Hemoglobin [Mass/volume] in Blood", "Hemoglobin A1c in Blood"),
        ("acute myeloid leukemia", "Acute myeloid leukemia, disease", "Acute lymphoid leukemia"),
        ("vitamin e", "vitamin E 100 MG", "vitamin D"),
        ("haemoglobin", "Blood; Haemoglobin; Hb; Hgb", "Hemopexin"),
    ],
)
def test_what_is_more_alike(query: str, nearer: str, further: str) -> None:
    assert likeness(query, nearer).score > likeness(query, further).score


@pytest.mark.parametrize("name", ["Nausea", "Malignant tumor of breast", "Creatinine [Mass/volume] in Urine", "x"])
def test_a_name_is_wholly_like_itself(name: str) -> None:
    assert likeness(name, name).score == 1


def test_the_formula() -> None:
    # R = 1 (the one word of the query is in the name), P = 1/2 (of two words of the name): 1 - 0.55 + 0.55 * 1/2
    assert likeness("pain", "back pain").score == pytest.approx(0.725)
    # R = 1/2, P = 1
    assert likeness("back pain", "pain").score == pytest.approx(0.5)
    # a word that half of the names have counts a quarter: R = 1 / 1.25
    assert likeness("back pain", "back", {"pain": 0.1, "back": 1.0}).score == pytest.approx(0.8)


def test_what_a_name_lacks_is_said() -> None:
    assert likeness("skin cancer of the nose", "Cancer of skin").missing == ("nose",)


def test_of_a_list_of_names_the_one_that_is_meant() -> None:
    assert likeness("haemoglobin", "Blood; Haemoglobin; Hb").met == "Haemoglobin"


def test_the_database_is_not_changed(database: DuckDB, tmp_path: Path) -> None:
    before = database.rows("SELECT count(*) FROM vocabulary.concept")
    ask(database, "morphine")
    assert database.rows("SELECT count(*) FROM vocabulary.concept") == before


def test_no_concept_is_tuned_on_and_measured_with() -> None:
    gold = Path(__file__).parents[2] / "benchmarks" / "gold" / "terms.csv"
    halves: dict[str, set[str]] = {"dev": set(), "test": set(), "both": set()}
    with gold.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert row["source"]
            halves[row["half"]] |= set(row["concept_ids"].split("|"))
    assert halves["dev"]
    assert halves["test"]
    assert not halves["dev"] & halves["test"]
