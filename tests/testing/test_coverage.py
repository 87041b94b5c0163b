"""What tests reach of a map, as its rows show: counted by hand."""

from __future__ import annotations

from pathlib import Path

from omopify.testing.coverage import Kind
from tests.testing.trial import outcomes, write

EVENT = """\
  - name: one
    given: {ae: [{ID: N_1, NR: 1, TERM: Fever, GRADE: MILD, START: 2021-05}, {ID: N_1, NR: 2}]}
    expect: {dsp.event: [{grade: 1}]}
"""
SUBJECT = """\
  - name: one
    given: {dm: [{ID: N_1, SEX: F}, {ID: N_2, SEX: "?"}]}
    expect: {dsp.subject: [{sex: female}, {sex: null}]}
  - name: two
    given: {dm: [{ID: N_1, SEX: diverse}]}
    expect: {dsp.subject: [{sex: other}]}
"""
CONDITION = """\
  - name: an unknown term
    given:
      dsp.subject: [{subject_id: N_1, sex: male}]
      dsp.event: [{subject_id: N_1, number: 1, term: xyz, start: 2021-03-04}]
    expect: {condition_occurrence: [{condition_concept_id: 0}]}
"""


def test_what_is_covered(tmp_path: Path) -> None:
    folder = write(tmp_path, event=EVENT, subject=SUBJECT, condition=CONDITION).folder
    _, problems, report = outcomes(folder, coverage=True)
    assert problems == []
    found = {one.map: one for one in report.coverage}
    kinds: tuple[Kind, ...] = ("filter", "value", "date", "lookup")
    assert {name: [one.counts(kind) for kind in kinds] for name, one in found.items()} == {
        # 'named' leaves out NR 2 and lets NR 1 through; 'real' lets NR 1 through, and leaves nothing out
        "event": [(3, 4), (1, 2), (1, 2), (0, 0)],
        # f, ? and what the list does not know; not m
        "subject": [(0, 0), (3, 4), (0, 0), (0, 0)],
        # the term is not in the vocabulary; the date is a whole one, as the shared table has it
        "condition": [(0, 0), (0, 0), (0, 0), (0, 1)],
        # the map of the person has no test: that another map's test runs it does not count
        "person": [(0, 0), (0, 2), (0, 0), (0, 0)],
    }
    assert [part.name for part in found["event"].open] == [
        "'real' leaves a row out",
        "'grade' says 'severe'",
        "'end' is a partial date (partial date)",
    ]
    severe = found["event"].open[1].at
    assert Path(severe.path).read_text(encoding="utf-8").splitlines()[severe.line - 1] == "severe,3"
    assert [part.name for part in found["subject"].open] == ["'sex' says 'm'"]
    assert [one.tests for one in found.values()] == [
        2 if name == "subject" else int(name != "person") for name in found
    ]


def test_what_is_not_measured_is_not_told(tmp_path: Path) -> None:
    folder = write(tmp_path, event=EVENT).folder
    assert outcomes(folder)[2].coverage == ()
