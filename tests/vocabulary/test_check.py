"""`omopify vocab check` finds each kind of defect at its very cell, repairs what is beyond doubt, and nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from omopify.cli.main import main
from omopify.conversion.run import Options, run
from omopify.errors import Location, Problem, Problems
from omopify.progress import silent
from omopify.resources import data
from omopify.specs.project import load_project
from omopify.vocabulary.checking.concepts import alike
from omopify.vocabulary.checking.repair import REPAIRED_BY, Finding, RowRepair, ScalarRepair, repair
from tests.vocabulary.made_up import write_athena

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

COLUMNS = (
    "sourceCode,sourceName,sourceFrequency,mappingStatus,equivalence,statusSetBy,statusSetOn,conceptId,conceptName,"
    "domainId,mappingType,comment,assignedReviewer,vocabularyId,conceptCode"
)
NAMES = COLUMNS.split(",")

PROJECT = 'mappings: maps/trial\ndata: data\nvocabulary: athena\nrelease_date: "2026-01-31"\n'
TRIAL = """\
trial: t
name: A made-up trial
sources:
  dm: {file: dm.csv}
  ae: {file: ae.csv}
identifiers: [SUBJ]
"""
PERSON = """\
map: person
to: person
from: dm
key: SUBJ
concepts:
  gender: {value: SEX, map: {m: 8507 MALE, f: 8532 FEMALE}}
set: {year_of_birth: BORN}
"""
EVENT = """\
map: event
to: by_domain
from: ae
key: [SUBJ, TERM, START]
person: SUBJ
concept: {value: TERM, via: concepts/terms.csv}
start: START
type: 32809 Case Report Form
"""
EXPORT = {
    "dm.csv": "SUBJ,SEX,BORN\n1,m,1960\n",
    "ae.csv": "SUBJ,TERM,START\n"
    "1,Fever,2025-01-02\n1,Cough,2025-01-03\n1,cough,2025-01-04\n1,MARKER unknown,2025-01-05\n",
}


def row(**cells: str) -> str:
    """A line of a concept file: approved, unless said otherwise; the name is also the term."""
    default = {"mappingStatus": "APPROVED", "equivalence": "EQUAL", "statusSetBy": "Kari", "statusSetOn": "0"}
    default |= {"sourceFrequency": "1", "mappingType": "MAPS_TO"}
    return ",".join((default | cells).get(name, "") for name in NAMES)


def fine(term: str, concept: str = "910001", name: str = "Synthetic fever", **cells: str) -> str:
    return row(sourceName=term, conceptId=concept, conceptName=name, **cells)


class Place:
    """A project in a folder, and what a check of it says."""

    def __init__(self, folder: Path, files: dict[str, str]):
        self.folder = folder
        write_athena(folder / "athena")
        standard = {"omopify.yaml": PROJECT, "maps/trial/trial.yaml": TRIAL, "maps/trial/person.yaml": PERSON}
        standard |= {"maps/trial/event.yaml": EVENT, **{f"data/{name}": text for name, text in EXPORT.items()}}
        for name, text in (standard | files).items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())

    def read(self, name: str) -> str:
        return (self.folder / name).read_bytes().decode()

    def check(self, *options: str) -> dict[str, Any]:
        arguments = ["vocab", "check", str(self.folder), "--format", "json", *options]
        result = CliRunner().invoke(main, arguments)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        report: dict[str, Any] = json.loads(result.stdout)
        every = [*report["findings"], *report["problems"]]
        assert result.exit_code == (1 if any(f["severity"] == "error" for f in every) else 0)
        return report

    def run(self) -> None:
        problems = Problems()
        project = load_project(self.folder, problems)
        problems.stop_if_errors()
        assert project is not None
        run(project, Options(), problems, silent)


def at(text: str, line: int, cell: int | str) -> tuple[int, int]:
    """The place of a cell by counting commas, or of a word in a line: worked out from the text alone."""
    written = text.splitlines()[line - 1]
    if isinstance(cell, str) and cell not in NAMES:
        return line, written.index(cell) + 1
    place = NAMES.index(cell) if isinstance(cell, str) else cell
    return line, len("".join(f"{part}," for part in written.split(",")[:place])) + 1


def found(report: dict[str, Any], name: str) -> list[tuple[str, str, int, int]]:
    """Code, severity, line and column of what was found in a file."""
    every = [*report["findings"], *report["problems"]]
    assert all(f["file"] for f in every)
    return sorted(
        ((f["code"], f["severity"], f["line"], f["column"]) for f in every if f["file"].endswith(name)),
        key=lambda entry: (entry[2:], entry),
    )


# What is written in a row, and what must be found: code, severity, the cell, the proposal, whether --fix may do it.
DEFECTS: list[tuple[str, tuple[str, str, str, str | None, bool]]] = [
    (fine("no such id", "919999", ""), ("OM640", "error", "conceptId", None, False)),
    (
        fine("one digit more", "9101231", "Synthetic rash"),
        ("OM641", "error", "conceptId", "910123 Synthetic rash", False),
    ),
    (
        fine("digits swapped", "910132", "Synthetic rash"),
        ("OM641", "error", "conceptId", "910123 Synthetic rash", False),
    ),
    (
        fine("one digit less", "91013", "Synthetic itch"),
        ("OM641", "error", "conceptId", "910132 Synthetic itch", False),
    ),
    (fine("another name", "910001", "Something else"), ("OM642", "error", "conceptName", None, False)),
    (
        fine("another spelling", "910150", "Synthetic tumor"),
        ("OM642", "warning", "conceptName", "Synthetic tumour", True),
    ),
    (
        fine("another code", "910010", "Synthetic cough", conceptCode="XX"),
        ("OM643", "warning", "conceptCode", "SC", True),
    ),
    (
        fine("a code and no name", "910010", "", conceptCode="SR"),
        ("OM643", "error", "conceptCode", "910123 Synthetic rash", False),
    ),
    (
        fine("retired", "910200", "Synthetic old fever"),
        ("OM644", "error", "conceptId", "910001 Synthetic fever", True),
    ),
    (fine("replaced", "910203", "Synthetic old rash"), ("OM644", "error", "conceptId", None, False)),
    (fine("gone", "910205", "Synthetic nothing"), ("OM644", "error", "conceptId", None, False)),
    (fine("over", "910601", "Synthetic past"), ("OM644", "error", "conceptId", None, False)),
    (fine("not yet", "910602", "Synthetic future"), ("OM644", "error", "conceptId", None, False)),
    (
        fine("not standard", "910201", "Source cough"),
        ("OM645", "error", "conceptId", "910010 Synthetic cough", True),
    ),
    (fine("two targets", "910202", "Source fever with cough"), ("OM645", "error", "conceptId", None, False)),
    (fine("a class", "910207", "Synthetic illnesses"), ("OM645", "error", "conceptId", None, False)),
    (fine("a unit", "910400", "Synthetic kilogram"), ("OM646", "error", "conceptId", None, False)),
    (fine("domain said wrong", domainId="Drug"), ("OM647", "warning", "domainId", "Condition", True)),
    (fine("vocabulary said wrong", vocabularyId="SNOMED"), ("OM648", "warning", "vocabularyId", "Synthetic", True)),
    (fine("a float", "910001.0"), ("OM651", "warning", "conceptId", "910001", True)),
    (fine("blanks behind  "), ("OM652", "warning", "sourceName", None, True)),
    (fine("invisible\u200b"), ("OM652", "warning", "sourceName", None, True)),
    (fine("a person must look", statusSetBy=REPAIRED_BY), ("OM659", "warning", "conceptId", None, False)),
    (
        fine("proposed only", "910200", "Synthetic old fever", mappingStatus="UNCHECKED"),
        ("OM644", "warning", "conceptId", "910001 Synthetic fever", True),
    ),
    (
        fine("in kg", "910400", "Synthetic kilogram", mappingType="MAPS_TO_UNIT"),
        ("OM650", "warning", "mappingType", None, False),
    ),
    (
        fine("only a value", "910500", "Synthetic positive", mappingType="MAPS_TO_VALUE"),
        ("OM650", "warning", "mappingType", None, False),
    ),
    (
        fine("with its value", "910209", "Source history of rash"),
        ("OM644", "error", "conceptId", "910170 Synthetic grade", False),
    ),
]
FINE = [
    fine("everything said", domainId="Condition", vocabularyId="Synthetic", conceptCode="SF"),
    fine("a synonym", name="Synthetic pyrexia"),
    fine("a former name", name="Synthetic febris"),
    fine("other capitals", name="synthetic  FEVER"),
    fine("two concepts"),
    fine("two concepts", "910010", "Synthetic cough"),
    fine("with a value", "910300", "Synthetic weight"),
    fine("with a value", "910500", "Synthetic positive", mappingType="MAPS_TO_VALUE"),
    fine("two domains", "910600", "Synthetic mixture"),
    fine("no concept for it", "0", "Unmapped"),
    fine("left alone", "910205", "Synthetic nothing", mappingStatus="IGNORED"),
    fine("flagged", "919999", "", mappingStatus="FLAGGED"),
    fine("no name"),
]


def test_each_defect_of_a_row_is_found_at_its_cell_and_nothing_else(tmp_path: Path) -> None:
    lines = [COLUMNS, *FINE, *(line for line, _ in DEFECTS)]
    text = "\n".join(lines) + "\n"
    report = Place(tmp_path, {"maps/trial/concepts/terms.csv": text}).check()
    first = 2 + len(FINE)
    expected = [
        (code, severity, *at(text, line, cell)) for line, (_, (code, severity, cell, _, _)) in enumerate(DEFECTS, first)
    ]
    assert found(report, "terms.csv") == expected
    details = {f["line"]: (f["proposal"], f["fixable"]) for f in report["findings"]}
    assert details == {line: (proposal, fixable) for line, (_, (*_, proposal, fixable)) in enumerate(DEFECTS, first)}
    assert not [f for f in report["findings"] if not f["file"].endswith("terms.csv")]


TWO_ROWS: dict[str, tuple[list[str], list[tuple[str, str, int, int | str]]]] = {
    "a row that is there twice": ([fine("Fever"), fine("Fever")], [("OM654", "warning", 3, 0)]),
    "a row that is there twice with another comment": (
        [fine("Fever"), fine("Fever", comment="seen")],
        [("OM636", "warning", 3, 0)],
    ),
    "two spellings, two concepts": (
        [fine("Fever"), fine("FEVER", "910010", "Synthetic cough")],
        [("OM655", "error", 3, "sourceName")],
    ),
    "two spellings, one concept": ([fine("Fever"), fine("FEVER")], []),
    "a name with two codes": (
        [fine("Other", sourceCode="1"), fine("Other", "910010", "Synthetic cough", sourceCode="2")],
        [("OM655", "error", 3, "sourceName")],
    ),
    "a concept and none": ([fine("Fever"), fine("Fever", "0", "Unmapped")], [("OM655", "error", 3, "sourceName")]),
    "approved and ignored": (
        [fine("Fever"), fine("Fever", "0", "", mappingStatus="IGNORED")],
        [("OM637", "error", 3, 0)],
    ),
    "a row that has shifted": ([fine("Fever, high"), fine("Cough")], [("OM632", "error", 2, "sourceFrequency")]),
    "leading zeros that are lost": (
        [fine("a", sourceCode="0041"), fine("b", sourceCode="0042"), fine("c", sourceCode="43")],
        [("OM653", "warning", 4, "sourceCode")],
    ),
    "codes of different lengths": (
        [fine("a", sourceCode="0041"), fine("b", sourceCode="042"), fine("c", sourceCode="43")],
        [],
    ),
}


@pytest.mark.parametrize("title", TWO_ROWS)
def test_rows_beside_each_other(title: str, tmp_path: Path) -> None:
    lines, wanted = TWO_ROWS[title]
    text = "\n".join([COLUMNS, *lines]) + "\n"
    report = Place(tmp_path, {"maps/trial/concepts/terms.csv": text}).check()
    assert found(report, "terms.csv") == [(code, sev, *at(text, line, cell)) for code, sev, line, cell in wanted]


MAP = """\
map: event
to: condition_occurrence   # only conditions
from: ae
key: [SUBJ, TERM, START]
person: SUBJ
concept:
  - {value: TERM, map: {fever: 910001 Synthetic fever, Cough: "910200 Synthetic old fever", weight: 910300}}
  - {value: TERM, via: concepts/terms.csv}
start: START
type: 32890 Case Report Form      # two digits changed places
status: 910001 Synthetic fever
attributes:
  grade:
    to: measurement
    when: TERM = 'Fever'
    concept: 910300   Synthetic pounds
    unit: '910010 Synthetic cough'
    number: 3
"""


def test_concepts_in_maps_are_found_where_they_are_written(tmp_path: Path) -> None:
    text = COLUMNS + "\n" + fine("Rash", "910206", "Source weight complaint") + "\n"
    place = Place(tmp_path, {"maps/trial/event.yaml": MAP, "maps/trial/concepts/terms.csv": text})
    report = place.check()
    wanted = [
        ("OM644", "error", *at(MAP, 7, '"910200')),
        ("OM646", "error", *at(MAP, 7, "910300")),
        ("OM641", "error", *at(MAP, 10, "32890")),
        ("OM646", "error", *at(MAP, 11, "910001")),
        ("OM642", "error", *at(MAP, 16, "910300")),
        ("OM646", "error", *at(MAP, 17, "'910010")),
    ]
    assert found(report, "event.yaml") == wanted
    (row_finding,) = (f for f in report["findings"] if f["file"].endswith("terms.csv"))
    assert (row_finding["code"], row_finding["fixable"]) == ("OM645", False)  # its target is a measurement
    proposals = {(f["line"], f["code"]): f["proposal"] for f in report["findings"]}
    assert proposals[7, "OM644"] == "910001 Synthetic fever"
    assert proposals[10, "OM641"] == "32809 Case Report Form"


def test_ids_that_set_puts_into_concept_columns_are_checked(tmp_path: Path) -> None:
    person = PERSON.replace("BORN}", "BORN, race_concept_id: 910001, ethnicity_source_concept_id: {constant: 910201}}")
    place = Place(tmp_path, {"maps/trial/person.yaml": person, "maps/trial/concepts/terms.csv": COLUMNS + "\n"})
    assert found(place.check(), "person.yaml") == [("OM646", "error", *at(person, 7, "910001"))]


def test_one_term_in_two_files_for_the_same_field(tmp_path: Path) -> None:
    event = EVENT.replace(
        "{value: TERM, via: concepts/terms.csv}", "[{value: TERM, via: a.csv}, {value: TERM, via: b.csv}]"
    )
    one, two = COLUMNS + "\n" + fine("Fever") + "\n", COLUMNS + "\n" + fine("fever", "910010", "Synthetic cough") + "\n"
    files = {"maps/trial/event.yaml": event, "maps/trial/a.csv": one, "maps/trial/b.csv": two}
    report = Place(tmp_path, files).check()
    assert found(report, "a.csv") == []
    assert found(report, "b.csv") == [("OM656", "warning", *at(two, 2, "conceptId"))]


def test_a_row_that_the_project_overrules_is_not_looked_at(tmp_path: Path) -> None:
    theirs = COLUMNS + "\n" + fine("Fever", "910200", "Synthetic old fever") + "\n" + fine("Cough", "919999") + "\n"
    own = COLUMNS + "\n" + fine("FEVER") + "\n" + fine("cough", "0", "", mappingStatus="IGNORED") + "\n"
    place = Place(tmp_path, {"maps/trial/concepts/terms.csv": theirs, "concepts/trial/terms.csv": own})
    assert place.check()["findings"] == []


def test_the_trials_own_concepts_are_known(tmp_path: Path) -> None:
    local = "concept_id,concept_code,concept_name,vocabulary_id,domain_id,maps_to\n"
    local += "2000000001,X1,Own fever,Trial,Condition,910001\n"
    terms = COLUMNS + "\n" + fine("Fever", "2000000001", "Own fever") + "\n"
    trial = TRIAL + "local_vocabulary: own.csv\n"
    files = {"maps/trial/trial.yaml": trial, "maps/trial/own.csv": local, "maps/trial/concepts/terms.csv": terms}
    assert Place(tmp_path, files).check()["findings"] == []


# --- the data ---------------------------------------------------------------------------------------------------


def test_values_without_a_row_are_counted_and_shown_only_on_request(tmp_path: Path) -> None:
    terms = "\n".join(
        [COLUMNS, fine("Fever"), fine("Cough", "910010", "Synthetic cough", mappingStatus="UNCHECKED"), ""]
    )
    place = Place(tmp_path, {"maps/trial/concepts/terms.csv": terms})
    assert place.check()["compared_with_data"] is False
    place.run()
    report = place.check()
    (finding,) = report["findings"]
    assert report["compared_with_data"] is True
    assert (finding["code"], finding["severity"], finding["line"]) == ("OM658", "warning", 0)
    none, unchecked = finding["message"].split(" and ")
    assert none == "1 value of the data (1 row) has no row here"
    assert unchecked == "1 value of the data (2 rows) has a row that nobody has approved"
    assert "MARKER" not in json.dumps(report)
    (shown,) = place.check("--show-values")["findings"]
    assert sorted((v["value"].lower(), v["rows"]) for v in shown["values"]) == [("cough", 2), ("marker unknown", 1)]


def test_terms_that_the_data_never_say_are_told_for_own_files_only(tmp_path: Path) -> None:
    terms = "\n".join([COLUMNS, fine("Fever"), fine("cough"), fine("MARKER unknown"), fine("Fevre"), ""])
    place = Place(tmp_path, {"maps/trial/concepts/terms.csv": terms})
    place.run()
    (finding,) = place.check()["findings"]
    assert (finding["code"], finding["message"]) == ("OM657", "1 of 4 terms do not occur in the data of the last run")
    assert "line 5" in finding["hint"]


def test_zeros_that_the_data_have(tmp_path: Path) -> None:
    export = "SUBJ,TERM,START\n1,0042,2025-01-02\n1,Fever,2025-01-02\n"
    terms = "\n".join([COLUMNS, fine("Cough", "910010", "Synthetic cough", sourceCode="42"), fine("Fever"), ""])
    place = Place(tmp_path, {"maps/trial/concepts/terms.csv": terms, "data/ae.csv": export})
    place.run()
    found_there = {f["code"]: f for f in place.check()["findings"]}
    assert (found_there["OM653"]["line"], found_there["OM653"]["column"]) == (2, 1)
    assert found_there["OM653"]["proposal"] == "0042"


def test_a_value_that_was_approved_since_the_run_is_not_missed(tmp_path: Path) -> None:
    place = Place(tmp_path, {"maps/trial/concepts/terms.csv": COLUMNS + "\n"})
    place.run()
    rows = [fine("Fever"), fine("Cough", "910010", "Synthetic cough"), fine("marker UNKNOWN", "0", "")]
    place.write("maps/trial/concepts/terms.csv", "\n".join([COLUMNS, *rows, ""]))
    assert place.check()["findings"] == []


# --- repairs ----------------------------------------------------------------------------------------------------


def test_fix_repairs_what_is_beyond_doubt_and_keeps_every_other_byte(tmp_path: Path) -> None:
    lines = [COLUMNS, *FINE, *(line for line, _ in DEFECTS), fine("twice"), fine("twice")]
    text = "\r\n".join(lines) + "\r\n"
    place = Place(tmp_path, {"maps/trial/concepts/terms.csv": text})
    report = place.check("--fix")
    new = place.read("maps/trial/concepts/terms.csv")
    assert new.endswith("\r\n")
    assert "\n" not in new.replace("\r\n", "")
    after = new.split("\r\n")[:-1]
    assert len(after) == len(lines) - 1  # one of the two is gone
    for number, (old_line, new_line) in enumerate(zip(lines, after, strict=False)):
        defect = DEFECTS[number - 1 - len(FINE)][1] if 1 + len(FINE) <= number <= len(FINE) + len(DEFECTS) else None
        if defect is None or not defect[-1]:
            assert new_line == old_line
            continue
        cells = dict(zip(NAMES, next(csv.reader([new_line])), strict=True))
        assert cells["comment"].startswith("[omopify 20")
        assert cells["mappingStatus"] == old_line.split(",")[NAMES.index("mappingStatus")]
        code, _, cell, proposal, _ = defect
        if code in ("OM644", "OM645"):
            assert f"{cells['conceptId']} {cells['conceptName']}" == proposal
        elif code != "OM652":
            assert cells[cell] == proposal
    assert {edit["cell"] for edit in report["repaired"]} >= {"conceptId", "conceptName", "comment", "statusSetBy", ""}
    left = [f for f in report["findings"] if f["fixable"]]
    assert left == []
    again = place.check("--fix")
    assert again["repaired"] == []
    assert place.read("maps/trial/concepts/terms.csv") == new


def test_a_replaced_concept_counts_and_waits_for_a_person(tmp_path: Path) -> None:
    terms = [fine("Fever", "910200", "Synthetic old fever"), fine("Fever", "910010", "Synthetic cough")]
    place = Place(tmp_path, {"maps/trial/concepts/terms.csv": "\n".join([COLUMNS, *terms, ""])})
    place.check("--fix")
    rows = list(csv.DictReader(io.StringIO(place.read("maps/trial/concepts/terms.csv"))))
    # Usagi keeps one state and comment for all rows of a term
    for cells in rows:
        assert (cells["mappingStatus"], cells["equivalence"]) == ("APPROVED", "UNREVIEWED")
        assert (cells["statusSetBy"], cells["assignedReviewer"]) == (REPAIRED_BY, "Kari")
        assert "was 910200 Synthetic old fever" in cells["comment"]
    assert [cells["conceptId"] for cells in rows] == ["910001", "910010"]
    report = place.check()
    assert [f["code"] for f in report["findings"]] == ["OM659", "OM659"]
    text = place.read("maps/trial/concepts/terms.csv").replace(REPAIRED_BY, "Ola")
    place.write("maps/trial/concepts/terms.csv", text)
    assert place.check()["findings"] == []


QUALIFIED = """\
map: event   # a note
to: observation
from: ae
key: [SUBJ, TERM, START]
person: SUBJ
concept: {concept: 910010 Synthetic cough}
start: START
type: 32809 Case Report Form   # as on paper
qualifier:
  value: TERM
  map: {a: 910201 Source cough, b: '910200', c: "910208   Synthetic febris",   d: 910150 Synthetic tumor}
"""


def test_a_concept_that_the_term_has_already_is_not_written_twice(tmp_path: Path) -> None:
    terms = "\n".join([COLUMNS, fine("Fever"), fine("Fever", "910200", "Synthetic old fever"), ""])
    place = Place(tmp_path, {"maps/trial/concepts/terms.csv": terms})
    (finding,) = place.check("--fix")["findings"]
    assert (finding["code"], finding["fixable"]) == ("OM644", False)
    assert place.read("maps/trial/concepts/terms.csv") == terms


def test_what_an_extract_lacks_may_well_exist(tmp_path: Path) -> None:
    terms = "\n".join([COLUMNS, fine("Fever", "919999", ""), ""])
    project = PROJECT.replace("athena", "[starter, demo_restricted]")
    place = Place(tmp_path, {"maps/trial/concepts/terms.csv": terms, "omopify.yaml": project})
    (finding,) = place.check()["findings"]
    assert (finding["code"], finding["severity"]) == ("OM640", "warning")


def test_fix_changes_only_the_concept_in_a_map(tmp_path: Path) -> None:
    place = Place(tmp_path, {"maps/trial/event.yaml": QUALIFIED})
    report = place.check("--fix")
    right = "{a: 910010 Synthetic cough, b: '910001 Synthetic fever', c: \"910001 Synthetic fever\",   "
    right += "d: 910150 Synthetic tumour}"
    assert place.read("maps/trial/event.yaml") == QUALIFIED[: QUALIFIED.index("{a:")] + right + "\n"
    assert [(edit["line"], edit["column"]) for edit in report["repaired"]] == [
        at(QUALIFIED, 11, word) for word in ("910201", "'910200", '"910208', "910150")
    ]
    assert place.check("--fix")["repaired"] == []


def test_a_new_name_that_yaml_would_misread_gets_quotes(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("concept: {a: 5 Five, b: 6 Six}  # five\n")
    wish = ScalarRepair(path, Location(str(path), 1, 14), 5, "Five", "7 Seven, 'or' so: yes")
    outcome = repair([Finding(Problem("X", "x"), wish)], NOW)
    assert outcome.refused == []
    assert path.read_text() == "concept: {a: '7 Seven, ''or'' so: yes', b: 6 Six}  # five\n"


def test_files_of_installed_packs_are_never_written(tmp_path: Path) -> None:
    folder = tmp_path / "impress"
    write_athena(folder / "athena")
    (folder / "omopify.yaml").write_text("mappings: impress\ndata: data\nvocabulary: athena\n")
    (folder / "data").mkdir()
    before = {path: path.read_bytes() for path in data("mappings").rglob("*") if path.is_file()}
    result = CliRunner().invoke(main, ["vocab", "check", str(folder), "--fix", "--format", "json"])
    report = json.loads(result.stdout)
    assert {f["pack"] for f in report["findings"]} == {"impress", "prime_rose"} & {
        f["pack"] for f in report["findings"]
    }
    assert all(f["pack"] and not f["fixable"] for f in report["findings"])
    assert report["repaired"] == []
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("pack", ["impress", "cdisc_sdtm"])
def test_the_shipped_packs_give_no_false_alarm(pack: str, tmp_path: Path) -> None:
    (tmp_path / "omopify.yaml").write_text(f"mappings: {pack}\ndata: data\nvocabulary: [starter, demo_restricted]\n")
    (tmp_path / "data").mkdir()
    result = CliRunner().invoke(main, ["vocab", "check", str(tmp_path), "--format", "json"])
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {(f["code"], f["severity"]) for f in report["findings"]} <= {("OM640", "warning")}
    assert report["problems"] == []


def test_a_file_that_cannot_be_repaired_safely_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "terms.csv"
    content = "sourceName,conceptId,mappingStatus\nFeber på, 1 ,APPROVED\n".encode("cp1252")
    path.write_bytes(content)
    wish = RowRepair(path, 2, {"conceptid": "1"}, "")
    outcome = repair([Finding(Problem("X", "x"), wish)], NOW)
    assert [p.code for p in outcome.refused] == ["OM660"]
    assert path.read_bytes() == content
    plan = tmp_path / "a.yaml"
    plan.write_text("concept: {id: 5, name: Five}\n")
    outcome = repair([Finding(Problem("X", "x"), ScalarRepair(plan, Location("a", 1, 10), 5, "Five", "6 Six"))], NOW)
    assert [p.code for p in outcome.refused] == ["OM660"]
    assert plan.read_text() == "concept: {id: 5, name: Five}\n"


CELL = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=8)


@settings(max_examples=150, deadline=None)
@given(
    records=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=5),
    new=CELL,
    choice=st.tuples(st.integers(0, 4), st.integers(0, 2)),
    delimiter=st.sampled_from(",;\t"),
    mark=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_a_repair_changes_one_cell_of_any_file(
    tmp_path_factory: pytest.TempPathFactory,
    records: list[tuple[str, str, str]],
    new: str,
    choice: tuple[int, int],
    delimiter: str,
    mark: bool,
    quoting: Any,
) -> None:
    """Written and read by the csv module: after a repair it reads the same cells, but for the one that was meant."""
    header = ("sourceName", "conceptId", "mappingStatus")
    records = [(f"x{a}", f"1{b}", f"A{c}") for a, b, c in records]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator="\r\n").writerows([header, *records])
    text = buffer.getvalue()
    path = tmp_path_factory.mktemp("r") / "terms.csv"
    path.write_bytes(("\ufeff" if mark else "").encode() + text.encode())
    number, place = choice[0] % len(records), choice[1]
    start = "".join(_written([header, *records[:number]], delimiter, quoting))
    line = 1 + start.count("\n")
    outcome = repair([Finding(Problem("X", "x"), RowRepair(path, line, {header[place].lower(): new}, ""))], NOW)
    assert outcome.refused == []
    wanted = [list(record) for record in records]
    wanted[number][place] = new
    read = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), delimiter=delimiter))
    assert read == [list(header), *wanted]
    # bytes before and after the record are untouched
    after = path.read_bytes().decode("utf-8-sig")
    assert after.startswith(start)
    assert after.endswith("".join(_written(records[number + 1 :], delimiter, quoting)))


def _written(records: Any, delimiter: str, quoting: Any) -> list[str]:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, quoting=quoting, lineterminator="\r\n").writerows(records)
    return [buffer.getvalue()]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Malignant tumor of breast", "Malignant tumour of breast", True),
        ("Cancer, lung", "Lung cancer", True),
        ("Headaches", "Headache", True),
        ("Hyperkalemia", "Hypokalemia", False),
        ("ECOG grade 1", "ECOG grade 2", False),
        ("Pain in left arm", "Pain in right arm", False),
        ("Vitamin A deficiency", "Vitamin D deficiency", False),
        ("Factor 12345", "Factor 12346", False),
        ("Fever", "", False),
    ],
)
def test_only_spellings_of_one_name_are_alike(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same


def test_people_see_where_what_and_how_to_mend_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [fine(f"term {n}", "9101231", "Synthetic rash") for n in range(15)]
    text = "\n".join([COLUMNS, *rows, ""])
    Place(tmp_path, {"maps/trial/concepts/terms.csv": text})
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["vocab", "check", "."])
    assert result.exit_code == 1
    assert (
        "maps/trial/concepts/terms.csv:2:33: concept 9101231 is not in the vocabulary, but 'Synthetic rash' is; "
        "did you mean 910123 Synthetic rash? (one digit too many); correct the id [OM641]"
    ) in result.stderr
    assert result.stderr.count("did you mean") == 10
    assert "maps/trial/concepts/terms.csv: 5 more of OM641; --json lists all" in result.stderr
    assert result.stdout.strip().endswith(
        "18 concepts in maps and 1 concept file; 15 errors, 0 warnings; not compared with the data: there is no run yet"
    )
    github = CliRunner().invoke(main, ["vocab", "check", ".", "--format", "github"]).stdout
    assert "::error file=maps/trial/concepts/terms.csv,line=2,col=33,title=OM641::" in github


def _messages(report: dict[str, Any]) -> set[str]:
    """Findings as they are told, from the folder of the project."""
    every = [*report["findings"], *report["problems"]]
    places = [f["file"] + (f":{f['line']}:{f['column']}" if f["line"] else "") for f in every]
    return {f"{place}: {f['message']}; {f['hint']} [{f['code']}]" for place, f in zip(places, every, strict=True)}


def test_the_examples_of_the_reference_are_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[*FINE, *(line for line, _ in DEFECTS)], *(lines for lines, _ in TWO_ROWS.values())]
    rows.append([fine("Fever"), fine("cough"), fine("Fevre")])
    told: set[str] = set()
    for number, lines in enumerate(rows):
        place = Place(tmp_path / str(number), {"maps/trial/concepts/terms.csv": "\n".join([COLUMNS, *lines, ""])})
        monkeypatch.chdir(place.folder)
        if number == len(rows) - 1:
            place.run()
        told |= _messages(place.check())
    text = (Path(__file__).parents[2] / "docs" / "problems.md").read_text(encoding="utf-8")
    elsewhere = ("OM656", "OM660")  # in tests of their own
    examples = re.findall(r"^(.+ \[(OM6[45]\d|OM660)\])$", text, re.MULTILINE)
    assert len(examples) == 20
    assert {line for line, code in examples if code not in elsewhere} <= told
