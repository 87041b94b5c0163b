"""A made-up vocabulary in Athena's layout: nothing in it is a concept of OMOP but 0, the sexes and the type 32809."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

CONCEPT = (
    "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code "
    "valid_start_date valid_end_date invalid_reason"
).split()
ALWAYS = ("19700101", "20991231")

CONCEPTS = """
0         | No matching concept        | Metadata     | None         |   | 0
8507      | MALE                       | Gender       | Gender       | S | M
8532      | FEMALE                     | Gender       | Gender       | S | F
32809     | Case Report Form           | Type Concept | Type Concept | S | CRF
1147127   | condition_occurrence.condition_occurrence_id | Metadata | CDM | S | CDM127
1147138   | measurement.measurement_id | Metadata     | CDM          | S | CDM138
1147165   | observation.observation_id | Metadata     | CDM          | S | CDM165
756265    | OMOP CDM Version 5.4.0     | Metadata     | CDM          | S | CDM v5.4.0
910001    | Synthetic fever            | Condition    | Synthetic    | S | SF
910010    | Synthetic cough            | Condition    | Synthetic    | S | SC
910123    | Synthetic rash             | Condition    | Synthetic    | S | SR
910132    | Synthetic itch             | Condition    | Synthetic    | S | SI
910150    | Synthetic tumour           | Condition    | Synthetic    | S | ST
910170    | Synthetic grade            | Observation  | Synthetic    | S | SG
910300    | Synthetic weight           | Measurement  | Synthetic    | S | SW
910400    | Synthetic kilogram         | Unit         | Synthetic    | S | skg
910500    | Synthetic positive         | Meas Value   | Synthetic    | S | pos
910600    | Synthetic mixture          | Condition/Meas | Synthetic  | S | SX
910201    | Source cough               | Condition    | Source Terms |   | T1
910202    | Source fever with cough    | Condition    | Source Terms |   | T2
910206    | Source weight complaint    | Condition    | Source Terms |   | T6
910207    | Synthetic illnesses        | Condition    | Synthetic    | C | SS
"""
RETIRED = """
910200    | Synthetic old fever        | Condition    | Synthetic    | U | OF
910203    | Synthetic old rash         | Condition    | Synthetic    | U | OR
910204    | Synthetic newer rash       | Condition    | Synthetic    | U | NR
910205    | Synthetic nothing          | Condition    | Synthetic    | D | NO
910208    | Synthetic febris           | Condition    | Synthetic    | U | FE
910209    | Source history of rash     | Observation  | Synthetic    | U | HR
"""
MAPS_TO = (
    "910200>910001 910201>910010 910202>910001 910202>910010 910204>910123 910206>910300 910208>910001 910209>910170"
)
MAPS_TO_VALUE = "910209>910123"
REPLACED_BY = "910203>910204"
SYNONYMS = (("910001", "Synthetic pyrexia"), ("910300", "Synthetic body mass"))


def concept_rows() -> list[list[str]]:
    """Return the rows of CONCEPT.csv; tests change them to make another release."""
    rows = []
    for line in CONCEPTS.strip().splitlines():
        concept_id, name, domain, vocabulary, standard, code = (part.strip() for part in line.split("|"))
        rows.append([concept_id, name, domain, vocabulary, "Made up", standard, code, *ALWAYS, ""])
    for line in RETIRED.strip().splitlines():
        concept_id, name, domain, vocabulary, reason, code = (part.strip() for part in line.split("|"))
        rows.append([concept_id, name, domain, vocabulary, "Made up", "", code, "19700101", "20240131", reason])
    # standard and not retired by its reason, but valid in part of the time only
    rows.append(
        ["910601", "Synthetic past", "Condition", "Synthetic", "Made up", "S", "PA", "19700101", "20230101", ""]
    )
    rows.append(
        ["910602", "Synthetic future", "Condition", "Synthetic", "Made up", "S", "FU", "20280101", "20991231", ""]
    )
    return rows


def relation_rows(concepts: Iterable[list[str]]) -> list[list[str]]:
    """Return the rows of CONCEPT_RELATIONSHIP.csv: what is listed above, and each standard concept to itself."""
    pairs = [(*link.split(">"), "Maps to") for link in MAPS_TO.split()]
    pairs += [(*link.split(">"), "Maps to value") for link in MAPS_TO_VALUE.split()]
    pairs += [(*link.split(">"), "Concept replaced by") for link in REPLACED_BY.split()]
    pairs += [(row[0], row[0], "Maps to") for row in concepts if row[5] == "S"]
    return [[a, b, name, *ALWAYS, ""] for a, b, name in pairs]


def write_athena(
    folder: Path,
    concepts: list[list[str]] | None = None,
    relations: list[list[str]] | None = None,
    release: str = "made up 1",
) -> Path:
    """Write a download; by default the vocabulary above."""
    concepts = concept_rows() if concepts is None else concepts
    relations = relation_rows(concepts) if relations is None else relations
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted({row[3] for row in concepts})
    vocabularies = [[name, name, "made up for tests", release if name == "None" else "", "0"] for name in names]
    domains = [[name, name, "0"] for name in sorted({row[2] for row in concepts})]
    _write(folder, "CONCEPT", CONCEPT, concepts)
    _write(
        folder,
        "CONCEPT_RELATIONSHIP",
        "concept_id_1 concept_id_2 relationship_id valid_start_date valid_end_date invalid_reason".split(),
        relations,
    )
    _write(
        folder,
        "CONCEPT_SYNONYM",
        "concept_id concept_synonym_name language_concept_id".split(),
        [[*synonym, "0"] for synonym in SYNONYMS],
    )
    _write(
        folder,
        "VOCABULARY",
        "vocabulary_id vocabulary_name vocabulary_reference vocabulary_version vocabulary_concept_id".split(),
        vocabularies,
    )
    _write(folder, "DOMAIN", "domain_id domain_name domain_concept_id".split(), domains)
    return folder


def _write(folder: Path, name: str, header: list[str], rows: list[list[str]]) -> None:
    text = "".join("\t".join(row) + "\n" for row in [header, *rows])
    (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
