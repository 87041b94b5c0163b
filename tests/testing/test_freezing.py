"""A test that is made from rows of an export: it passes, holds no subject's name, and leaves the file as it was."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from omopify.errors import OmopifyError, Problems
from omopify.scanning.model import Column, Form, Scan
from omopify.scanning.storing import to_json
from omopify.specs.maps import MapFile
from omopify.specs.model import build
from omopify.specs.project import Project
from omopify.specs.yamlfile import parse_yaml
from omopify.synthetic import write_impress
from omopify.testing.adding import add_test
from omopify.testing.disguise import Disguise
from omopify.testing.freezing import Frozen, Wish, freeze
from omopify.testing.run import Options
from omopify.testing.writing import as_yaml, scalar
from tests.testing.trial import again, load, write


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    write(Path())
    return load(Path())


def test_the_whole_test(project: Project) -> None:
    # of 'event': two rows are used (one with a partial date, one with an unknown grade), two are left out
    made = freeze(project, Wish("event", rows=5))
    assert made.text == (
        "  - name: frozen from 5 rows of the export\n"
        "    given:\n"
        "      ae:\n"
        "        - {ID: X_0001_1, NR: 1, TERM: Fever, GRADE: mild, START: 2021-03-04}\n"
        "        - {ID: X_0001_1, NR: 2, TERM: Cough, GRADE: severe, START: 2021-03, END: 2021-04-01}\n"
        "        - {ID: X_0002_1, NR: 1, TERM: Rash, GRADE: grave, START: 2021-05-06}\n"
        "        - {ID: X_0002_2, NR: 1, GRADE: mild, START: 2021-05-07}\n"
        "        - {ID: X_0002_2, NR: 2, TERM: TEST, GRADE: mild, START: 2021-05-08}\n"
        "    expect:\n"
        "      dsp.event:\n"
        "        - {subject_id: X_0001_1, number: 1, term: Fever, grade: 1, start: 2021-03-04}\n"
        "        - {subject_id: X_0001_1, number: 2, term: Cough, grade: 3, start: 2021-03-01, end: 2021-04-01}\n"
        "        - {subject_id: X_0002_1, number: 1, term: Rash, start: 2021-05-06}\n"
        "      value_issues:\n"
        "        - {field: grade, reason: not in the value map}\n"
        "      imputations:\n"
        "        - {field: start, rule: earliest}\n"
        "      filters:\n"
        "        - {filter: named, rows: 1}\n"
        "        - {filter: real, rows: 1}\n"
        "      unmapped:\n"
        "        - {field: grade, source_value: grave, rows: 1}\n"
    )
    counts = "3 of dsp.event, 1 of value_issues, 1 of imputations, 2 of filters, 1 of unmapped"
    assert made.about == f"rows given: 5 of ae; expected: {counts}"


def test_a_row_that_is_named_and_what_the_map_needs(project: Project) -> None:
    # row 3 of the file is the second event; the condition needs its person, and not the other subjects
    made = freeze(project, Wish("condition", picked=("AE:3",)))
    assert list(made.given) == ["dsp.event", "dsp.subject"]
    assert made.given["dsp.subject"] == [{"subject_id": "X_0001_1"}] or made.given["dsp.subject"] == [
        {"subject_id": "X_0001_1", "sex": "female"}
    ]
    (row,) = made.given["dsp.event"]
    assert (row["subject_id"], row["number"], row["term"]) == ("X_0001_1", "2", "Cough")
    (found,) = made.expect["condition_occurrence"]
    assert found["condition_start_date"] == "2021-03-01"
    assert not {"person_id", "condition_occurrence_id"} & found.keys()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("", ""),
        ("", "review: {status: draft}\n"),
        ("tests: []\n", "# the end\n"),
        ("tests:  # ours\n- name: a\n  given: {ae: [{ID: N_1, NR: 1}]}\n  expect: {dsp.event: none}\n", "\nnote: x\n"),
        ("tests:\n    - name: a\n      given: {}\n      expect: {dsp.event: none}\n", "# behind\nnote: |\n  - x\n"),
    ],
)
def test_everything_else_stays(project: Project, before: str, behind: str, newline: str) -> None:
    path = Path("maps/trial/event.yaml")
    body = path.read_text(encoding="utf-8")
    text = (body + before + behind).replace("\n", newline)
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    made = Frozen(
        "event",
        "frozen from 1 row of the export",
        {"ae": [{"ID": "X_0001_1", "NR": "1", "TERM": "Fever", "GRADE": "mild"}]},
        {"dsp.event": [{"subject_id": "X_0001_1", "number": 1, "grade": 1}], "rejects": []},
        "",
    )
    at = add_test(load(Path()), made)
    after = path.read_bytes().decode("utf-8-sig")
    lines, old = after.split(newline), text.split(newline)
    added = [line for line in lines if line.strip() and line not in old]
    assert lines[at.line - 1].lstrip() == "- name: frozen from 1 row of the export"
    kept = [line for line in lines if line not in added]
    assert kept == [line.replace("tests: []", "tests:") for line in old] or "tests:" in added
    assert "\n" not in after.replace(newline, "")
    spec = build(MapFile, parse_yaml(after, "event.yaml"), Problems())
    assert spec is not None
    assert spec.tests[-1].name == made.name
    if before.startswith("tests:  # ours") and newline == "\r\n":
        report = again(Path(), Options(("event",)))
        assert [outcome.passed for outcome in report.outcomes] == [True, True]


def refused(project: Project, wish: Wish) -> list[str]:
    with pytest.raises(OmopifyError) as error:
        freeze(project, wish)
    return [str(problem) for problem in error.value.problems]


def test_what_is_refused(project: Project) -> None:
    assert refused(project, Wish("evnt")) == ["there is no map 'evnt'; did you mean 'event'? [OM946]"]
    assert refused(project, Wish("event", picked=("aee:3",))) == ["there is no row 'aee:3'; did you mean 'ae'? [OM948]"]
    assert refused(project, Wish("event", picked=("ae",))) == [
        "there is no row 'ae'; write FORM:ROW, such as dm:17 [OM948]"
    ]
    assert refused(project, Wish("event", picked=("ae:99",))) == [
        "maps/trial/event.yaml:1:6: map 'event' reads none of these rows; it reads: ae [OM948]"
    ]
    path = Path("omopify.yaml")
    path.write_text(path.read_text(encoding="utf-8").replace("data_is: synthetic\n", ""), encoding="utf-8")
    message = (
        "rows of this export may not be written into a file: nothing says that they are not patients'; "
        "if they are made up or de-identified, say so: 'data_is: synthetic' or 'data_is: deidentified' [OM947]"
    )
    assert [text.partition(": ")[2] for text in refused(load(Path()), Wish("event"))] == [message]
    assert freeze(load(Path()), Wish("event", rows=1, data_is="deidentified")).given


def test_a_file_with_no_place_for_a_test(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = freeze(project, Wish("event", rows=1))
    path = Path("maps/trial/event.yaml")
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "tests: [{name: a, given: {}, expect: {dsp.event: none}}]\n", encoding="utf-8")
    with pytest.raises(OmopifyError) as error:
        add_test(load(Path()), made)
    assert str(error.value.problems[0]) == (
        "maps/trial/event.yaml:13:1: a test cannot be put into this file: its 'tests:' are written in one line; "
        "write each test on lines of its own, '  - name: ...', or take the text without '--write' [OM949]"
    )
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "project").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    (elsewhere / "project/omopify.yaml").write_text(f"mappings: {tmp_path}/maps/trial\ndata: data\n", encoding="utf-8")
    with pytest.raises(OmopifyError) as error:
        add_test(load(elsewhere / "project"), made)
    assert error.value.problems[0].message.endswith("it belongs to a pack that was shipped with omopify")


def test_made_up_names() -> None:
    disguise = Disguise()
    assert [disguise.name(subject) for subject in ("N_0412_1", "N_0498_1", "O_0412_2", "N_0498_2", "N_0412_1")] == [
        "X_0001_1",
        "X_0002_1",
        "X_0003_2",
        "X_0002_2",
        "X_0001_1",
    ]
    # the person of an enrolment, the subject inside a text, and a text that only looks like a part of one
    assert [disguise.text(text) for text in ("N_0498", "see N_0412_1.", "041", "_1", "Fever")] == [
        "X_0002",
        "see X_0001_1.",
        "041",
        "_1",
        "Fever",
    ]
    others = Disguise()
    assert [others.name(subject) for subject in ("01-701-1015", "01-702-1023", "Anna", "7")] == [
        "01-001-0001",
        "01-001-0002",
        "X_0003_1",
        "4",
    ]


@pytest.mark.parametrize(
    "value",
    ["", " a", "a: b", "#", "yes", "No", "null", "1.0", "1.10", "01", "-5", "1e5", "2021-03-04", "a, b", "{x}", "it's",
     'say "x"', "a\nb", "å", "-", "- a", "?", "12:30", "042", "~", "&a", "*a", "!x", "%", "@", "`", "<5", "a  b"],
)  # fmt: skip
def test_every_value_is_read_back_as_it_was_written(value: str) -> None:
    text = "tests:\n" + as_yaml("n", {"f": [{"A B": value, value or "x": "1"}]}, {"t": []})
    row = parse_yaml(text, "x.yaml")["tests"][0]["given"]["f"][0]
    assert str(row["A B"]) == value
    assert list(row) == ["A B", value or "x"]
    assert scalar(value).count("\n") == 0


@pytest.mark.parametrize("data_is", ["deidentified", "synthetic"])
def test_what_the_scan_flags_stays_out_of_what_was_made_of_patients(project: Project, data_is: str) -> None:
    """TERM is free text; the subject's column is flagged, too, and gets made-up names as ever."""
    columns = [{"name": name, "kind": "text"} for name in ("ID", "NR", "TERM", "GRADE", "START", "END")]
    columns[0]["identifier"] = "its name says so"
    columns[2]["free_text"] = "long texts, all different"
    needed: dict[str, object] = {"label": "", "evidence": "", "rows": 5, "filled": 5, "distinct": 5}
    needed |= {"shortest": 1, "longest": 9}
    form = Form("ae", "ae.csv", None, "csv", ",", "utf-8", 1, None, 5, 9, "", "ID", None, ())
    form = replace(form, columns=tuple(Column(**needed | column) for column in columns))  # type: ignore[arg-type]
    Path("scan").mkdir()
    Path("scan/scan.json").write_text(to_json(Scan(1, "0", "data", 5, (form,))), encoding="utf-8")
    made = freeze(project, Wish("event", picked=("ae:2",), data_is=data_is))
    (row,) = made.given["ae"]
    left = {"ID": "X_0001_1", "NR": "1", "GRADE": "mild", "START": "2021-03-04"}
    assert row == (left | {"TERM": "Fever"} if data_is == "synthetic" else left)
    assert ("ae.TERM" in made.about) == (data_is == "deidentified")
    if data_is == "deidentified":
        assert "Fever" not in made.text
        Path("scan/scan.json").write_text("{", encoding="utf-8")
        with pytest.raises(OmopifyError, match="OM903"):
            freeze(project, Wish("event", data_is=data_is))


MAPS = ("impress_tumour_assessment_recist", "impress_previous_treatment", "tumour_response")
"""A map with joins and windows, one with slots, and one of OMOP with its attributes, its person and its visit."""


def test_frozen_rows_of_a_made_up_trial_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The round trip: freeze rows, put the test into the file, run it; no subject of the export is named."""
    monkeypatch.chdir(tmp_path)
    write_impress(tmp_path / "data", 12, 5)
    root = Path(__file__).parents[2] / "mappings"
    for pack in ("impress", "prime_rose"):
        for path in sorted((root / pack).rglob("*.*")):
            new = tmp_path / "maps" / path.relative_to(root)
            new.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(path.read_bytes())
    (tmp_path / "omopify.yaml").write_text(
        "mappings: maps/impress\ndata: data\ndata_is: synthetic\nvocabulary: [starter, demo_restricted]\n",
        encoding="utf-8",
    )
    project = load(tmp_path)
    subjects = set(re.findall(r"[A-Z]_\d{4}_\d", next((tmp_path / "data").glob("*_COH.csv")).read_text("utf-8")))
    assert len(subjects) > 5
    for name in MAPS:
        made = freeze(project, Wish(name, rows=2))
        shown = made.text.replace("X_0001_1", "").replace("X_0002_1", "")
        assert [subject for subject in subjects if subject in shown] == []
        add_test(project, made)
    report = again(tmp_path, Options(MAPS))
    assert [outcome.differences for outcome in report.failed] == []
    frozen = [outcome for outcome in report.outcomes if outcome.name.startswith("frozen")]
    assert len(frozen) == len(MAPS)
