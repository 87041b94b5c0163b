"""Showing one concept: what is around it is counted whole, and shown as far as it was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from omopify.cli.main import main
from omopify.engines.duckdb import DuckDB
from omopify.errors import OmopifyError
from omopify.vocabulary.search.show import Concept, Strength, find_concept, open_vocabulary, show
from tests.vocabulary.small import VALID, small_vocabulary

MORE = """
900301 | First old fever   | Condition | Alpha | Finding | O1 | U
900302 | Second old fever  | Condition | Alpha | Finding | O2 | U
900303 | Lost fever        | Condition | Alpha | Finding | O3 | D
900304 | C50.9 of another  | Condition | Delta | Code    | C50.9 |
900305 | High fever        | Condition | Alpha | Finding | H1 |
900306 | milligram         | Unit      | Units | Unit    | mg |
900307 | millilitre        | Unit      | Units | Unit    | mL |
900308 | English           | Metadata  | Alpha | Language | en |
900309 | Very high fever   | Condition | Alpha | Finding | H2 |
"""
MAPS_TO = "900101>900101 900102>900101 900301>900101 900103>900104 900103>900122"
OTHERS = """
900103 900130 Maps to value
900301 900302 Concept replaced by
900302 900301 Concept replaced by
900302 900101 Concept replaced by
900101 900122 Has finding
900101 900120 Has finding
900101 900121 Has finding
"""
# the levels of a made-up hierarchy: fever > high fever > very high fever, and unknown fever below fever
ANCESTORS = """
900101 900101 0
900101 900305 1
900101 900309 2
900101 900103 1
900305 900305 0
900305 900309 1
900122 900101 3
900120 900101 1
"""
STRENGTHS = """
900111 900110 500 900306 - - - - 20
900113 900110 - - 0.5 900306 1 900307 -
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    more = []
    for line in MORE.strip().splitlines():
        concept_id, name, domain, vocabulary, kind, code, retired = (part.strip() for part in line.split("|"))
        dates = ("19700101", "20240131", retired) if retired else VALID
        more.append([concept_id, name, domain, vocabulary, kind, "" if retired else "S", code, *dates])
    links = [[*pair.split(">"), "Maps to"] for pair in MAPS_TO.split()]
    links += [line.split(maxsplit=2) for line in OTHERS.strip().splitlines()]
    rows = ["\t".join((*link, *VALID)) for link in links]
    rows.append("\t".join(("900101", "900126", "Has finding", "19700101", "20200101", "D")))  # no longer so
    ancestors = [line.split() for line in ANCESTORS.strip().splitlines()]
    strengths = [[cell.replace("-", "") for cell in line.split()] for line in STRENGTHS.strip().splitlines()]
    return small_vocabulary(
        tmp_path_factory.mktemp("show") / "vocabulary.duckdb",
        more,
        {
            "CONCEPT_RELATIONSHIP.csv": "".join(row + "\n" for row in rows),
            "CONCEPT_ANCESTOR.csv": "".join("\t".join((*row, row[2])) + "\n" for row in ancestors),
            "DRUG_STRENGTH.csv": "".join("\t".join((*row, *VALID)) + "\n" for row in strengths),
            "RELATIONSHIP.csv": "Has finding\tHas a finding (made up)\t0\t0\tFinding of\t0\n",
        },
    )


@pytest.fixture(scope="module")
def database(file: Path) -> Iterator[DuckDB]:
    with open_vocabulary(file) as db:
        yield db


def related(concept: Concept) -> dict[str, list[int]]:
    relations = (*concept.mappings, *concept.relations)
    return {relation.relationship_id: [c.concept_id for c in relation.concepts] for relation in relations}


def refused(database: DuckDB, text: str, vocabulary: str = "") -> str:
    with pytest.raises(OmopifyError) as error:
        find_concept(database, text, vocabulary)
    return str(error.value)


def test_the_concept_itself(database: DuckDB) -> None:
    fever = show(database, 900101)
    assert (fever.concept.concept_name, fever.concept.concept_code) == ("Fever", "F1")
    assert (fever.valid_from, fever.valid_to) == (date(1970, 1, 1), date(2099, 12, 31))
    assert [name for name, _ in fever.synonyms] == ["FEVER", "Pyrexia"]


def test_relations_are_grouped_and_those_that_ended_left_out(database: DuckDB) -> None:
    fever = show(database, 900101)
    assert related(fever) == {
        "Maps to": [900101],
        "Mapped from": [900102, 900301],  # the retired one is of the first vocabulary, but comes last
        "Has finding": [900120, 900121, 900122],
    }
    assert [relation.relationship_id for relation in fever.mappings] == ["Maps to", "Mapped from"]
    assert fever.relations[0].relationship_name == "Has a finding (made up)"
    assert show(database, 900101, limit=2).relations[0].many == 3
    assert len(show(database, 900101, limit=2).relations[0].concepts) == 2


def test_one_to_many_and_values(database: DuckDB) -> None:
    assert related(show(database, 900103)) == {"Maps to": [900104, 900122], "Maps to value": [900130]}


def test_what_is_above_and_below(database: DuckDB) -> None:
    fever = show(database, 900101)
    assert [(level.level, level.concept.concept_id) for level in fever.ancestors.nearest] == [(1, 900120), (3, 900122)]
    assert fever.ancestors.many == 2
    assert [level.concept.concept_id for level in fever.children.nearest] == [900103, 900305]
    assert (fever.children.many, fever.descendants) == (2, 3)
    assert (show(database, 900101, 1).children.many, len(show(database, 900101, 1).children.nearest)) == (2, 1)
    assert show(database, 900309).descendants == 0


def test_the_chain_of_replacements_ends_also_in_a_circle(database: DuckDB) -> None:
    chain = show(database, 900301).replaced_by
    assert [(step.level, step.concept.concept_id) for step in chain] == [(1, 900302), (2, 900101)]
    assert show(database, 900303).replaced_by == ()
    assert show(database, 900101).replaced_by == ()


def test_strengths(database: DuckDB) -> None:
    (tablet,) = show(database, 900111).strengths
    assert (tablet.ingredient_id, tablet.ingredient) == (900110, "wombatinib")
    assert str(tablet) == "500 mg, box of 20"
    assert [str(strength) for strength in show(database, 900113).strengths] == ["0.5 mg / mL"]
    assert str(Strength(1, "x", None, None, 4.0, "mg", 2.5, "mL", None)) == "4 mg / 2.5 mL"
    assert str(Strength(1, "x", None, None, None, None, None, None, None)) == "no strength given"


def test_a_concept_is_found_by_id_or_code(database: DuckDB) -> None:
    assert find_concept(database, "900101") == 900101
    assert find_concept(database, " f1 ") == 900101
    assert find_concept(database, "161") == 900110
    assert find_concept(database, "%") == 900130
    assert find_concept(database, "R509") == 900102
    assert find_concept(database, "Beta:C50.9") == 900123
    assert find_concept(database, "C50.9", "delta") == 900304


def test_a_concept_that_is_not_there(database: DuckDB) -> None:
    hint = "or load a vocabulary that has it [OM671]"
    assert refused(database, "9999") == (
        f"no concept has the id or code '9999'; look for it by words: omopify vocab search \"9999\"; {hint}"
    )
    assert "in vocabulary 'Gamma'" in refused(database, "C50.9", "Gamma")
    with pytest.raises(OmopifyError, match="OM671"):
        show(database, 1)


def test_a_code_of_several_vocabularies(database: DuckDB) -> None:
    assert refused(database, "C50.9") == (
        "'C50.9' is the code of several concepts; give the id of one of them: 900123 (Beta), 900304 (Delta) [OM672]"
    )


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_found_or_refused(database: DuckDB, text: str) -> None:
    codes: list[str] = []
    try:
        find_concept(database, text)
    except OmopifyError as error:
        codes = [problem.code for problem in error.problems]
    assert codes in ([], ["OM671"], ["OM672"])


@pytest.mark.parametrize("text", ["", "\0", "\udcff", "9" * 5000, "x" * 10_000, "٣", "a:b:c", ":"])
def test_awkward_texts_are_refused(database: DuckDB, text: str) -> None:
    assert "OM671" in refused(database, text)


# the command


def omopify(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_json(file: Path) -> None:
    content = json.loads(omopify("vocab", "show", "900301", "--vocabulary", file, "--json").stdout)
    assert content["vocabulary"]["release"] == "v5.0 made up"
    assert (content["concept_id"], content["valid"], content["valid_to"]) == (900301, False, "2024-01-31")
    assert [step["concept"]["concept_id"] for step in content["replaced_by"]] == [900302, 900101]
    assert content["mappings"][0]["relationship_id"] == "Maps to"


def test_tree(file: Path) -> None:
    shown = omopify("vocab", "show", "900301", "--vocabulary", file).stdout
    assert (
        shown
        == """\
900301  First old fever
Alpha O1 · Condition · retired · Finding · until 2024-01-31
├── replaced by
│   ├── 900302  Second old fever
│   │   Alpha O2 · Condition · retired
│   └── 900101  Fever
│       Alpha F1 · Condition · standard
└── Maps to
    └── 900101  Fever
        Alpha F1 · Condition · standard
"""
    )
    assert "retired, and not replaced by another concept" in omopify("vocab", "show", "O3", "--vocabulary", file).stdout
    assert "maps to no standard concept" in omopify("vocab", "show", "D4", "--vocabulary", file).stdout
    assert "└── Mamma-ca [grade 3]" in omopify("vocab", "show", "900125", "--vocabulary", file).stdout


def test_refused(file: Path) -> None:
    result = omopify("vocab", "show", "C50.9", "--vocabulary", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "OM672" in result.stderr
