"""The review loop as a steward walks it: run, suggest, approve, run again; with made-up concepts."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from omopify.cli.main import main
from omopify.errors import Problems
from omopify.vocabulary.files.concept_files import read_concept_file
from tests.vocabulary.made_up import write_athena

FILES = {
    "omopify.yaml": 'mappings: maps/trial\ndata: data\nvocabulary: athena\nrelease_date: "2026-01-31"\n',
    "maps/trial/trial.yaml": (
        "trial: t\nname: A made-up trial\nsources:\n  dm: {file: dm.csv}\n  ae: {file: ae.csv}\nidentifiers: [SUBJ]\n"
    ),
    "maps/trial/person.yaml": (
        "map: person\nto: person\nfrom: dm\nkey: SUBJ\n"
        "concepts:\n  gender: {value: SEX, map: {m: 8507 MALE, f: 8532 FEMALE}}\nset: {year_of_birth: BORN}\n"
    ),
    "maps/trial/event.yaml": (
        "map: event\nto: by_domain\nfrom: ae\nkey: [SUBJ, TERM, START]\nperson: SUBJ\n"
        "concept: {value: TERM, via: concepts/terms.csv}\nstart: START\ntype: 32809 Case Report Form\n"
    ),
    "maps/trial/concepts/terms.csv": (
        "sourceCode,sourceName,mappingStatus,conceptId,conceptName,domainId,mappingType,comment\n"
        ",Itchy,APPROVED,910132,Synthetic itch,Condition,MAPS_TO,\n"
        ",synthetic rashes,UNCHECKED,0,,,MAPS_TO,the pack has doubts\n"
    ),
    "data/dm.csv": "SUBJ,SEX,BORN\n1,m,1960\n",
    "data/ae.csv": "SUBJ,TERM,START\n"
    + "".join(f"1,Syntetisk febers,2025-01-{day:02}\n" for day in range(1, 8))
    + "1,synthetic rashes,2025-02-01\n1,synthetic rashes,2025-02-02\n"
    + "1,Itchy,2025-02-03\n1,Xyzzyquux,2025-02-04\n1,synthetic caugh,2025-02-05\n1,itch rash synthetic,2025-02-06\n",
}
OWN = "concepts/trial/terms.csv"


class Place:
    """A project in a folder; ``copied`` from one that has been run, or new."""

    def __init__(self, folder: Path, copied: Path | None = None):
        self.folder = folder
        if copied:
            shutil.copytree(copied, folder)
            return
        write_athena(folder / "athena")
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")

    def omopify(self, *arguments: str) -> Result:
        result = CliRunner().invoke(main, list(arguments))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def run(self) -> int:
        """Convert; return how many values have no concept."""
        result = self.omopify("run", "--no-quality", str(self.folder))
        assert result.exit_code == 0, result.stderr
        manifest = json.loads((self.folder / "out" / "manifest.json").read_text(encoding="utf-8"))
        return int(manifest["totals"]["unmapped_values"])

    def suggest(self, *options: str) -> Result:
        return self.omopify("vocab", "suggest", str(self.folder), *options)

    def rows(self, name: str = OWN) -> dict[str, list[dict[str, str]]]:
        """The rows of a concept file by what they call the term."""
        found: dict[str, list[dict[str, str]]] = {}
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["sourceName"], []).append(row)
        return found

    def change(self, term: str, name: str = OWN, **cells: str) -> None:
        path = self.folder / name
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            if row["sourceName"] == term:
                row.update(cells)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Place(tmp_path_factory.mktemp("proposals") / "project")
    assert made.run() == 5
    return made.folder


@pytest.fixture
def place(converted: Path, tmp_path: Path) -> Place:
    return Place(tmp_path / "project", converted)


def test_the_loop_ends_with_fewer_values_without_a_concept(place: Place) -> None:
    result = place.suggest()
    assert result.exit_code == 0, result.stderr
    proposals = place.rows()
    assert proposals["synthetic rashes"][0]["conceptId"] == "910123"
    assert proposals["synthetic caugh"][0]["conceptId"] == "910010"
    assert {row["mappingStatus"] for rows in proposals.values() for row in rows} == {"UNCHECKED"}
    assert place.run() == 5  # a proposal decides nothing
    place.change("synthetic rashes", mappingStatus="APPROVED")
    assert place.run() == 4
    again = place.suggest()
    assert "rashes" not in again.stdout
    assert place.rows()["synthetic rashes"][0]["mappingStatus"] == "APPROVED"


def test_what_is_written_beside_a_proposal(place: Place) -> None:
    place.suggest()
    (row,) = place.rows()["synthetic rashes"]
    assert row["conceptName"] == "Synthetic rash"
    assert row["domainId"] == "Condition"
    assert row["createdBy"] == "omopify suggest"
    assert row["comment"] == "the pack has doubts"
    assert 0.5 < float(row["matchScore"]) < 1
    assert row["ADD_INFO:why"] == "another spelling of its name"
    (either,) = place.rows()["itch rash synthetic"]
    # two concepts have two of the three words each
    assert re.fullmatch(r"(910123 Synthetic rash|910132 Synthetic itch) \(0\.\d\d\)", either["ADD_INFO:alternatives"])
    assert either["conceptId"] not in either["ADD_INFO:alternatives"]


def test_a_value_without_a_proposal_is_there_to_be_filled_in(place: Place) -> None:
    place.suggest()
    (row,) = place.rows()["Xyzzyquux"]
    assert (row["conceptId"], row["conceptName"], row["ADD_INFO:why"]) == ("0", "Unmapped", "nothing found")


def test_a_value_with_a_concept_is_not_asked_about(place: Place) -> None:
    place.suggest()
    assert "Itchy" not in place.rows()


def test_counts_of_few_rows_are_left_out(place: Place) -> None:
    place.suggest()
    counts = {term: rows[0]["sourceFrequency"] for term, rows in place.rows().items()}
    assert counts == {
        "Syntetisk febers": "7",
        "synthetic rashes": "-1",
        "synthetic caugh": "-1",
        "Xyzzyquux": "-1",
        "itch rash synthetic": "-1",
    }
    place.suggest("--min-count", "2")
    assert place.rows()["synthetic rashes"][0]["sourceFrequency"] == "2"


def test_suggesting_again_changes_nothing(place: Place) -> None:
    place.suggest()
    before = (place.folder / OWN).read_bytes()
    place.suggest()
    assert (place.folder / OWN).read_bytes() == before


@pytest.mark.parametrize(
    "cells",
    [
        {"mappingStatus": "APPROVED", "conceptId": "910010", "conceptName": "Synthetic cough"},
        {"mappingStatus": "APPROVED", "conceptId": "0", "conceptName": "Unmapped"},
        {"mappingStatus": "FLAGGED"},
        {"mappingStatus": "IGNORED"},
        {"mappingStatus": "INVALID_TARGET"},
        {"createdBy": "Kari", "conceptId": "910010", "conceptName": "Synthetic cough"},
        {"conceptId": "910132"},  # corrected, and not yet approved
    ],
)
def test_what_a_person_has_done_stays(place: Place, cells: dict[str, str]) -> None:
    place.suggest()
    place.change("synthetic rashes", **cells, comment="mine")
    before = place.rows()["synthetic rashes"]
    place.run()
    place.suggest()
    assert place.rows()["synthetic rashes"] == before


def test_a_new_release_renews_what_nobody_has_touched(place: Place) -> None:
    place.suggest()
    # as an older release would have proposed it
    older = {"conceptId": "910132", "conceptName": "Synthetic itch", "ADD_INFO:proposed": "910132"}
    place.change("synthetic rashes", **older)
    place.suggest()
    assert place.rows()["synthetic rashes"][0]["conceptId"] == "910123"


def test_rows_keep_their_places(place: Place) -> None:
    place.suggest()
    before = list(place.rows())
    place.change(before[2], mappingStatus="APPROVED")
    place.run()
    place.suggest()
    assert list(place.rows()) == before


def test_proposals_can_go_to_another_folder(place: Place, tmp_path: Path) -> None:
    place.suggest("--out", str(tmp_path / "for_review"))
    assert not (place.folder / OWN).exists()
    assert read_concept_file(tmp_path / "for_review" / "trial" / "terms.csv", Problems()) is not None


def test_the_file_is_one_that_omopify_and_usagi_read(place: Place) -> None:
    place.suggest()
    problems = Problems()
    found = read_concept_file(place.folder / OWN, problems)
    assert problems.found == []
    assert found is not None
    assert found.kind == "usagi"
    assert all(row.source_code and row.source_name for row in found.rows)


def test_the_table_shows_the_most_frequent_first(place: Place) -> None:
    out = place.suggest("--show", "2").stdout
    assert out.index("Syntetisk febers") < out.index("synthetic rashes")
    assert "Xyzzyquux" not in out
    assert "and 3 more" in out


def test_another_vocabulary_can_be_asked(place: Place, tmp_path: Path) -> None:
    other = write_athena(tmp_path / "other")
    assert place.suggest("--vocabulary", str(other)).exit_code == 0
    assert place.rows()["synthetic rashes"][0]["conceptId"] == "910123"


def test_a_project_that_has_not_been_run(tmp_path: Path) -> None:
    made = Place(tmp_path / "project")
    result = made.suggest()
    assert result.exit_code == 1
    assert "there is no result of a run yet; convert it first: omopify run" in result.stderr
    assert "OM675" in result.stderr


def test_a_result_that_is_no_result(place: Place) -> None:
    (place.folder / "out" / "omop.duckdb").write_bytes(b"nothing")
    result = place.suggest()
    assert result.exit_code == 1
    assert "OM676" in result.stderr
    assert not (place.folder / OWN).exists()


def test_nothing_is_left_to_suggest(place: Place) -> None:
    place.suggest()
    for term in list(place.rows()):
        place.change(term, mappingStatus="APPROVED")
    place.run()
    result = place.suggest()
    assert result.exit_code == 0
    assert (
        "Every value that is looked up in a concept file has a concept." in result.stdout or "left as" in result.stdout
    )


def test_spellings_that_a_run_tells_apart_have_a_row_each(place: Place) -> None:
    data = place.folder / "data" / "ae.csv"
    data.write_text(data.read_text(encoding="utf-8") + "1,synthetic rashes.,2025-03-01\n", encoding="utf-8")
    assert place.run() == 6
    place.suggest()
    assert {"synthetic rashes", "synthetic rashes."} <= set(place.rows())
    place.change("synthetic rashes", mappingStatus="APPROVED")
    place.change("synthetic rashes.", mappingStatus="APPROVED")
    assert place.run() == 4


def test_proposals_for_programs(place: Place) -> None:
    told = json.loads(place.suggest("--json").stdout)
    assert sum(1 for value in told["values"] if value["proposed"]) == sum(file["proposed"] for file in told["files"])
    assert all(value["rows"] > 0 and value["concept_file"] for value in told["values"])
    best = [value["candidates"][0]["concepts"][0]["concept_id"] for value in told["values"] if value["proposed"]]
    assert best
    assert all(isinstance(concept_id, int) for concept_id in best)
