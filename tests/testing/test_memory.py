"""A test that passed is run again when something changes that it depends on, and only then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from omopify.testing.run import Options
from tests.testing.trial import GRADES, again, write

EVENT = """\
  - name: one
    given: {ae: [{ID: N_1, NR: 1, TERM: Fever, GRADE: mild}]}
    expect: {dsp.event: [{grade: 1}]}
"""
CONDITION = """\
  - name: two
    given: {dsp.subject: [{subject_id: N_1}], dsp.event: [{subject_id: N_1, number: 1, term: FV, start: 2021-03-04}]}
    expect: {condition_occurrence: [{condition_start_date: 2021-03-04}]}
"""


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def remembered(folder: Path, options: Options | None = None) -> dict[str, bool | None]:
    """Whether each test was remembered; None for one that fails."""
    report = again(folder, options or Options())
    return {outcome.name: outcome.remembered if outcome.passed else None for outcome in report.outcomes}


def test_what_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path, event=EVENT, condition=CONDITION).folder
    maps = folder / "maps"
    assert remembered(folder) == {"one": False, "two": False}
    with monkeypatch.context() as patched:  # when all passed and nothing changed, the maps are not even compiled
        patched.setattr("omopify.testing.run.run_tests", None)
        assert remembered(folder) == {"one": True, "two": True}
    assert remembered(folder, Options(everything=True)) == {"one": False, "two": False}
    # a note changes no SQL
    replace(maps / "trial/event.yaml", "to: dsp.event\n", "to: dsp.event\nnote: read aloud\n")
    assert remembered(folder) == {"one": True, "two": True}
    # the value list of one map; what fails is never remembered
    replace(maps / "trial/values/grade.csv", "mild,1", "mild,2")
    assert remembered(folder) == {"one": None, "two": True}
    assert remembered(folder) == {"one": None, "two": True}
    (maps / "trial/values/grade.csv").write_text(GRADES, encoding="utf-8")
    assert remembered(folder) == {"one": True, "two": True}
    # the map that another one refers to
    replace(maps / "shared/person.yaml", "'1960'", "'1961'")
    assert remembered(folder) == {"one": True, "two": False}
    # the test itself
    replace(maps / "trial/event.yaml", "{grade: 1}", "{grade: 1, term: Fever}")
    assert remembered(folder, Options(("event",))) == {"one": False}
    # the word for nothing, and what the shared table is like
    replace(maps / "trial/trial.yaml", "ae: {file: ae.csv}", "ae: {file: ae.csv, missing: [Fever]}")
    assert remembered(folder) == {"one": None, "two": True}
    # nothing of the tests' rows is kept, only hashes
    text = (folder / "out" / ".tests.json").read_text(encoding="utf-8")
    assert "N_1" not in text
    assert all(len(key) == 32 for key in json.loads(text)["passed"])


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"version": 2, "passed": [], "wholes": 3}', '{"version": 99}'])
def test_a_damaged_file_is_no_memory(tmp_path: Path, text: str) -> None:
    folder = write(tmp_path, event=EVENT).folder
    (folder / "out").mkdir()
    (folder / "out" / ".tests.json").write_text(text, encoding="utf-8")
    assert remembered(folder) == {"one": False}


def test_a_changed_vocabulary(tmp_path: Path) -> None:
    folder = write(tmp_path, condition=CONDITION).folder
    assert remembered(folder) == {"two": False}
    project = folder / "omopify.yaml"
    text = project.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("vocabulary:"))
    replace(project, line, "vocabulary: [starter]")
    assert remembered(folder) == {"two": False}
