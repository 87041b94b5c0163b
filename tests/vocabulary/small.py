"""A small made-up vocabulary for search and show. Ids and codes mean nothing outside this file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from omopify.errors import Problems
from omopify.vocabulary.loading.load import load_vocabulary
from tests.vocabulary.athena_zip import TINY, with_header, write_tiny

VALID = ("19700101", "20991231", "")
RETIRED = ("19700101", "20240131", "U")

# id | name | domain | vocabulary | class | standard | code | U if it is retired
CONCEPTS = """
900101 | Fever                                 | Condition   | Alpha | Finding       | S | F1     |
900102 | Fever                                 | Condition   | Beta  | Code          |   | R50.9  |
900103 | Fever of unknown origin               | Condition   | Alpha | Finding       | S | F2     |
900104 | Febrile neutropenia                   | Condition   | Alpha | Disorder      | S | F3     |
900105 | Fever                                 | Condition   | Alpha | Finding       |   | F4     | U
900106 | Yellow fever vaccination not carried out in this person | Observation | Alpha | Finding | S | F5 |
900110 | wombatinib                            | Drug        | Gamma | Ingredient    | S | 161    |
900111 | wombatinib 500 MG Oral Tablet         | Drug        | Gamma | Clinical Drug | S | 16150  |
900112 | wombatinib 250 MG Oral Tablet         | Drug        | Gamma | Clinical Drug | S | 16125  |
900113 | wombatinib 0.5 MG/ML Oral Solution    | Drug        | Gamma | Clinical Drug | S | 16105  |
900114 | koalamab 500 MG Oral Tablet           | Drug        | Gamma | Clinical Drug | S | 16250  |
900120 | Crohn's disease                       | Condition   | Alpha | Disorder      | S | D1     |
900121 | Ménière's disease                     | Condition   | Alpha | Disorder      | S | D2     |
900122 | Nausea                                | Condition   | Alpha | Finding       | S | D3     |
900123 | Pain, unspecified                     | Condition   | Beta  | Code          |   | C50.9  |
900124 | Pain in the left ear                  | Condition   | Beta  | Code          |   | C50.0  |
900125 | Malignant neoplasm of breast          | Condition   | Alpha | Disorder      | S | 372064008 |
900126 | Neoplasm of breast                    | Condition   | Alpha | Disorder      | C | D4     |
900130 | percent                               | Unit        | Units | Unit          | S | %      |
900131 |                                       | Procedure   | Delta | Procedure     |   | 99213  |
900132 | HER2 [Presence] in specimen           | Measurement | Delta | Lab Test      | S | 12-3   |
900133 | 癌 Diagnose, größer als 5 µm 😀       | Measurement | Delta | Lab Test      | S | ä/ß-1  |
"""
SYNONYMS = """
900101 | Pyrexia
900101 | FEVER
900120 | Morbus Crohn
900120 | Regional enteritis
900125 | Breast cancer
900125 | Mamma-ca [grade 3]
"""


MAPS_TO = "900102\t900101\tMaps to\t19700101\t20991231\t\n900102\t900122\tMaps to\t19700101\t20991231\tD\n"
"""What maps to what, and what no longer does."""


def concept_rows() -> list[list[str]]:
    """Return the rows of CONCEPT.csv."""
    rows = []
    for line in CONCEPTS.strip().splitlines():
        *fields, retired = (part.strip() for part in line.split("|"))
        rows.append([*fields, *(RETIRED if retired else VALID)])
    return rows


def small_vocabulary(out: Path, more: Iterable[list[str]] = (), files: dict[str, str] | None = None) -> Path:
    """Load the vocabulary above (with *more* concepts) into the file *out*; *files* are more files, by name."""
    concepts = "".join("\t".join(row) + "\n" for row in [*concept_rows(), *more])
    synonyms = "".join(
        "\t".join((*map(str.strip, line.split("|")), "0")) + "\n" for line in SYNONYMS.strip().splitlines()
    )
    download = out.parent / f"{out.stem}_download"
    write_tiny(
        download,
        {
            "CONCEPT.csv": with_header("CONCEPT.csv", TINY["CONCEPT.csv"].splitlines(keepends=True)[0] + concepts),
            "CONCEPT_SYNONYM.csv": with_header("CONCEPT_SYNONYM.csv", synonyms),
            "CONCEPT_RELATIONSHIP.csv": with_header("CONCEPT_RELATIONSHIP.csv", MAPS_TO),
            **{name: with_header(name, rows) for name, rows in (files or {}).items()},
        },
    )
    load_vocabulary([download], out, Problems())
    return out
