"""``vocab load`` and ``vocab info`` as a steward sees them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from omopify.cli.main import main
from omopify.errors import Problems
from omopify.resources import data
from omopify.vocabulary.loading.info import NOT_LISTED, vocabulary_info
from omopify.vocabulary.loading.load import load_vocabulary, read_load
from tests.docs.page import follow, matches
from tests.vocabulary.athena_zip import TINY, with_header, write_download, write_tiny, zip_download

FACTS = Path("/work/shared/facts/vocab/license_by_vocabulary.csv")


def omopify(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["vocab", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMOPIFY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("OMOPIFY_VOCABULARY", raising=False)
    return tmp_path


def test_a_download_is_loaded_and_described(here: Path) -> None:
    archive = zip_download(write_tiny(here / "download"), here / "vocabulary_download_v5.zip")
    result = omopify("load", archive, "--memory-limit", "200MB", "--threads", "1")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert ["Release", "v5.0", "made", "up"] in lines
    assert ["vocabulary_download_v5.zip", "CONCEPT.csv", "3", "3"] in [line[:4] for line in lines]
    assert "note: no file for drug_strength: drugs are suggested without a look at their strength" in result.output
    assert result.output.endswith("vocabulary.duckdb\n")
    shown = omopify("info", "vocabulary.duckdb")
    assert shown.exit_code == 0
    lines = [line.split() for line in shown.output.splitlines()]
    assert ["RxNorm", "1", "1", "0", "open"] in lines
    assert ["None", "v5.0", "made", "up", "1", "0", "0", "open"] in lines
    assert ["dm+d", "1", "0", "0", "not", "listed"] in lines
    assert ["concept_synonym", "0"] in lines
    assert "note: no line in VOCABULARY for dm+d" in shown.output


def test_json_says_it_all(here: Path) -> None:
    write_tiny(here / "download", {"EXTRA.csv": "x"})
    assert omopify("load", "download", "starter", "--out", "v.duckdb").exit_code == 0
    told = json.loads(omopify("info", "v.duckdb", "--json").output)
    file = read_load(here / "v.duckdb", Problems())
    assert file is not None
    assert told["path"] == "v.duckdb"
    assert told["release"] == "v5.0 made up"
    assert told["sha256"] == file.sha256
    assert told["loaded_at"] == file.loaded_at
    assert told["tables"] == file.tables
    assert told["missing"] == []
    assert {
        part["vocabulary_id"]: part["concepts"] for part in told["vocabularies"] if part["concepts"]
    } == file.vocabularies
    rxnorm = next(part for part in told["vocabularies"] if part["vocabulary_id"] == "RxNorm")
    assert rxnorm == {
        "vocabulary_id": "RxNorm", "name": "RxNorm", "version": "", "concepts": 224, "standard": 223, "retired": 0,
        "terms": "open", "note": "US National Library of Medicine",
    }  # fmt: skip
    assert told["files"][0] == {
        "download": "download",
        "table": "concept",
        "file": "CONCEPT.csv",
        "rows": 3,
        "rows_kept": 3,
    }
    assert [file["rows"] - file["rows_kept"] for file in told["files"] if file["download"] == "starter"][:2] == [1, 2]


def test_without_a_file_the_starter_is_described() -> None:
    result = omopify("info")
    assert result.exit_code == 0, result.output
    assert "release omopify starter v1" in result.output
    assert "note:" not in result.output


def test_what_a_run_would_miss(here: Path) -> None:
    concepts = TINY["CONCEPT.csv"].split("\n", 1)[1] + "5\t\tProcedure\tCPT4\tCPT4\tS\t1\t19700101\t20991231\t\n"
    links = TINY["CONCEPT_RELATIONSHIP.csv"].replace("Maps to", "Is a")
    files = {"CONCEPT.csv": concepts, "CONCEPT_RELATIONSHIP.csv": links}
    folder = write_tiny(here / "a", {name: with_header(name, text) for name, text in files.items()})
    load_vocabulary([folder], here / "v.duckdb", Problems())
    file = read_load(here / "v.duckdb", Problems())
    assert file is not None
    info = vocabulary_info(file)
    assert info.notes[:3] == (
        "no concept 0 ('No matching concept'): a run needs it; load 'starter' first, or a whole download",
        "no 'Maps to' relationships: source codes lead to no standard concept",
        "1 CPT4 concepts have no name: run the cpt4 tool of the download, and load again",
    )
    assert info.missing == (
        "concept_ancestor", "concept_class", "concept_synonym", "domain", "drug_strength", "relationship",
    )  # fmt: skip
    terms = {part.vocabulary_id: part.terms for part in info.parts}
    assert terms == {"CPT4": "agreement", "None": "open", "RxNorm": "open", "dm+d": NOT_LISTED}


def test_mistakes_are_told(here: Path) -> None:
    result = omopify("load", "no_such.zip")
    assert result.exit_code == 1
    assert "there is no vocabulary folder or archive 'no_such.zip'" in result.output
    result = omopify("info", "no_such.duckdb")
    assert result.exit_code == 1
    assert "there is no vocabulary file 'no_such.duckdb'" in result.output
    assert omopify("load").exit_code == 2
    assert omopify("load", "starter", "--memory-limit", "lots").exit_code == 2
    assert list(here.iterdir()) == []


def test_a_folder_of_ones_own_goes_before_the_shipped_name(here: Path) -> None:
    write_tiny(here / "starter")
    assert omopify("load", "starter").exit_code == 0
    assert json.loads(omopify("info", "vocabulary.duckdb", "--json").output)["tables"]["concept"] == 3


def licences() -> dict[str, str]:
    with data("vocab", "licences.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["vocabulary_id"] for row in rows}) == len(rows)
    assert all(row["note"] and len(row) == 3 for row in rows)
    return {row["vocabulary_id"]: row["terms"] for row in rows}


def test_licences_agree_with_the_facts() -> None:
    known = licences()
    assert set(known.values()) == {
        "open", "notice", "accept", "agreement", "licence", "restricted", "check", "unavailable",
    }  # fmt: skip
    # Athena's own flags, vocabulary.md section 7
    asks = "GPI Indication ETC Multilex Gemscript DA_France LPD_* GRR CDT ISBT CAP".split()
    assert {name for name, terms in known.items() if terms == "licence"} == set(asks)
    assert {name for name, terms in known.items() if terms == "agreement"} == {"CPT4", "MedDRA"}
    assert {name for name, terms in known.items() if terms == "accept"} == {"SNOMED", "HemOnc"}
    if not FACTS.exists():
        pytest.skip("the facts are not here")
    kinds = {"open": "open", "open-notice": "notice", "restricted": "restricted", "check": "check"}
    with FACTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            special = {"SNOMED": "accept", "UCUM": "notice"}  # as their notes say
            wanted = special.get(row["vocabulary_id"], kinds[row["class"]])
            assert known[row["vocabulary_id"]] == wanted, row


def test_the_page_shows_what_happens(here: Path) -> None:
    zip_download(write_download(here / "made_up", 300), here / "vocabulary_download_v5.zip")
    page = Path(__file__).parents[2] / "docs" / "howto-vocabulary.md"
    done = list(follow(page.read_text("utf-8"), here))
    assert len(done) == 2
    for command in done:
        assert command.status == command.expected_status, command.given
        assert matches(command.shown, command.given), "\n".join(command.given)
