"""`omopify vocab diff` tells what a new release changes: for a project's concepts, and in numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from omopify.cli.main import main
from tests.vocabulary.made_up import ALWAYS, concept_rows, relation_rows, write_athena
from tests.vocabulary.test_check import COLUMNS, Place, at, fine

TERMS = "\n".join(
    [
        COLUMNS,
        fine("Fever"),
        fine("Cough", "910010", "Synthetic cough"),
        fine("itch", "910132", "Synthetic itch"),
        fine("tumour", "910150", "Synthetic tumour"),
        fine("source", "910201", "Source cough"),
        fine("class", "910207", "Synthetic illnesses"),
        fine("with value", "910500", "Synthetic positive", mappingType="MAPS_TO_VALUE"),
        fine("left alone", "910123", "Synthetic rash", mappingStatus="IGNORED"),
        "",
    ]
)


def later(folder: Path) -> Path:
    """The release after the made-up one, with one change of each kind."""
    concepts = {row[0]: row for row in concept_rows()}
    concepts["910010"][5], concepts["910010"][9] = "", "U"
    concepts["910132"][2] = "Observation"
    concepts["910150"][1] = "Synthetic tumor"
    concepts["910400"][5] = ""
    concepts["910207"][5] = "S"
    del concepts["910500"]
    concepts["920001"] = ["920001", "marker UNKNOWN", "Condition", "New Terms", "Made up", "S", "MU", *ALWAYS, ""]
    relations = relation_rows(concepts.values())
    relations = [row for row in relations if row[:2] != ["910201", "910010"]]
    relations += [[a, b, "Maps to", *ALWAYS, ""] for a, b in (("910201", "910132"), ("910010", "910123"))]
    return write_athena(folder, list(concepts.values()), relations, "made up 2")


def diff(*arguments: str | Path) -> Any:
    result = CliRunner().invoke(main, ["vocab", "diff", *map(str, arguments), "--json"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMOPIFY_CACHE", str(tmp_path / "cache"))


def test_what_changes_for_the_concepts_of_a_project(tmp_path: Path) -> None:
    place = Place(tmp_path / "p", {"maps/trial/concepts/terms.csv": TERMS})
    place.run()
    report = diff(tmp_path / "p" / "athena", later(tmp_path / "later"), "--project", tmp_path / "p")
    assert [report[name]["release"] for name in ("old", "new")] == ["made up 1", "made up 2"]
    changed = {(c["concept_id"], c["kind"]): (c["earlier"], c["later"], c["tables"]) for c in report["changes"]}
    none = [None, None]
    assert changed == {
        (910010, "retired"): ("Synthetic cough", "910123 Synthetic rash [Condition]", none),
        (910132, "domain"): ("Condition", "Observation", ["condition_occurrence", "observation"]),
        (910150, "renamed"): ("Synthetic tumour", "Synthetic tumor", none),
        (910201, "maps to"): ("910010 Synthetic cough [Condition]", "910132 Synthetic itch [Observation]", none),
        (910207, "standard"): ("", "Synthetic illnesses", none),
        (910500, "gone"): ("Synthetic positive", "", none),
    }
    # 3 constants of the maps, and 7 concepts of the file of which one is ignored
    assert report["concepts_used"] == 3 + 7
    cough = next(c for c in report["changes"] if c["concept_id"] == 910010)
    line, column = at(TERMS, 3, "conceptId")
    assert [place.endswith(f"terms.csv:{line}:{column}") for place in cough["places"]] == [True]
    assert cough["rows"] == 2  # 'Cough' and 'cough'
    assert report["compared_with_data"] is True
    assert report["values_with_a_concept_now"] == 1
    assert "MARKER" not in json.dumps(report)


def test_values_that_get_a_concept_are_named_on_request(tmp_path: Path) -> None:
    place = Place(tmp_path / "p", {"maps/trial/concepts/terms.csv": TERMS})
    place.run()
    new = later(tmp_path / "later")
    report = diff(tmp_path / "p" / "athena", new, "--project", tmp_path / "p", "--show-values")
    (value,) = report["values"]
    assert (value["value"], value["rows"], value["concept"]) == ("MARKER unknown", 1, "920001 marker UNKNOWN")
    assert (value["map"], value["field"], value["domain"], value["how"]) == ("event", "concept", "Condition", "name")
    shown = CliRunner().invoke(
        main, ["vocab", "diff", str(tmp_path / "p" / "athena"), str(new), "--project", str(place.folder)]
    )
    assert "MARKER" not in shown.output
    assert "1 value without a concept (1 row) has one now" in shown.stdout


def test_the_numbers_of_all_vocabularies(tmp_path: Path) -> None:
    report = diff(write_athena(tmp_path / "old"), later(tmp_path / "later"))
    numbers = {t.pop("vocabulary"): {name: n for name, n in t.items() if n} for t in report["totals"]}
    synthetic = sum(row[3] == "Synthetic" for row in concept_rows())
    assert numbers["Synthetic"] == {
        "earlier": synthetic,
        "later": synthetic - 1,
        "removed": 1,
        "retired": 1,
        "not_standard": 2,  # the retired cough, and the unit
        "standard": 1,
        "domain": 1,
        "renamed": 1,
        "maps_to": 3,  # the cough, the unit that no longer maps to itself, and the class that now does
    }
    assert numbers["Source Terms"] == {"earlier": 3, "later": 3, "maps_to": 1}
    assert numbers["New Terms"] == {"later": 1, "added": 1}
    assert numbers["Gender"] == {"earlier": 2, "later": 2}
    versions = {v["vocabulary"]: (v["earlier"], v["later"]) for v in report["vocabularies"]}
    assert versions["None"] == ("made up 1", "made up 2")
    assert versions["New Terms"] == (None, "")
    assert versions["Synthetic"] == ("", "")


def test_two_equal_releases(tmp_path: Path) -> None:
    place = Place(tmp_path / "p", {"maps/trial/concepts/terms.csv": TERMS})
    old = tmp_path / "p" / "athena"
    report = diff(old, write_athena(tmp_path / "same"), "--project", place.folder)
    assert report["changes"] == []
    assert report["compared_with_data"] is False
    shown = CliRunner().invoke(main, ["vocab", "diff", str(old), str(tmp_path / "same")])
    assert "no concept has changed" in shown.stdout


def test_a_vocabulary_that_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["vocab", "diff", str(tmp_path / "a.duckdb"), "starter"])
    assert result.exit_code == 1
    assert "OM615" in result.stderr
