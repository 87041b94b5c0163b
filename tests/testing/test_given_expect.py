"""What a test means: given rows, expected rows, and how the difference is told.  All is worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from omopify.errors import Location, OmopifyError
from omopify.testing.matching import compare
from omopify.testing.model import Outcome
from omopify.testing.run import stop_if_failed
from tests.testing.trial import again, outcomes, write

EVENTS = """\
  - name: what is not given is empty, what is not named is not compared
    given: {ae: [{id: N_1, NR: 1, TERM: " Fever "}]}
    expect:
      dsp.event: [{subject_id: N_1, number: 1, term: Fever, grade: null, start: null}]
      rejects: none
      left_out: none
  - name: filters, left_out and imputations
    given:
      ae:
        - {ID: N_1, NR: 1, START: 2021}
        - {ID: N_1, NR: 2, TERM: Test}
        - {ID: N_1, NR: 3, TERM: Rash, START: 2021-05, GRADE: grave}
    expect:
      dsp.event: [{number: 3, start: 2021-05-01}]
      filters: [{filter: named, rows: 1}, {filter: real, rows: 1}]
      left_out: [{reason: named, row: 1}, {reason: real, row: 2}]
      imputations: [{field: start, rule: earliest}]
      value_issues: [{field: grade, reason: not in the value map}]
      unmapped: [{field: grade, source_value: grave, rows: 1}]
  - name: the nearest row is shown, and one that should not be there
    given:
      ae:
        - {ID: N_1, NR: 1, TERM: Fever, GRADE: mild}
        - {ID: N_1, NR: 2, TERM: Cough, GRADE: severe}
        - {ID: N_2, NR: 9, TERM: Rash}
    expect:
      dsp.event:
        - {number: 2, term: Cough, grade: 3}
        - {number: 1, term: Fever, grade: 3}
  - name: none means none
    given: {ae: [{ID: N_1, NR: 1, TERM: Fever}]}
    expect: {dsp.event: none}
  - name: a row that is not there
    given: {ae: [{ID: N_1, NR: 1}]}
    expect: {dsp.event: [{number: 1}]}
  - name: contradicting rows
    given: {ae: [{ID: N_1, NR: 1, TERM: Fever}, {ID: N_1, NR: 1, TERM: Cough}]}
    expect: {dsp.event: [{term: Fever}], rejects: [{field: key, reason: another row has this key}]}
"""

CONDITIONS = """\
  - name: with its person
    given:
      dsp.subject: [{subject_id: N_1, sex: female}]
      dsp.event: [{subject_id: N_1, number: 1, term: FV, start: 2021-03-04}]
    expect: {condition_occurrence: [{condition_start_date: 2021-03-04, condition_source_value: FV}], rejects: none}
  - name: without its person, although the test before had one
    given: {dsp.event: [{subject_id: N_1, number: 1, term: FV, start: 2021-03-04}]}
    expect: {condition_occurrence: none, rejects: [{field: person, reason: not found}]}
  - name: with its person again, and another
    given:
      dsp.subject: [{subject_id: N_1, sex: female}, {subject_id: N_2}]
      dsp.event: [{subject_id: N_2, number: 1, term: FV, start: 2021-03-05}]
    expect:
      condition_occurrence: [{condition_start_date: 2021-03-05}]
      person: [{person_source_value: N_1}, {person_source_value: N_2}]
  - name: the same person as in the first test, and no event
    given: {dsp.subject: [{subject_id: N_1, sex: female}]}
    expect: {condition_occurrence: none, person: [{person_source_value: N_1, gender_concept_id: 8532}]}
"""

SUBJECTS = """\
  - name: words for nothing, and revisions of a question that no list names
    given: {dm: [{ID: N_1, SEX: NA}, {ID: N_2, SEX__2: F}, {ID: N_3, SEX: x}, {ID: N_4, SEX: "?"}]}
    expect:
      dsp.subject:
        - {subject_id: N_1, sex: null}
        - {subject_id: N_2, sex: female}
        - {subject_id: N_3, sex: other}
        - {subject_id: N_4, sex: null}
      value_issues: none
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("given")
    write(folder, event=EVENTS, condition=CONDITIONS, subject=SUBJECTS)
    found, problems, report = outcomes(folder)
    assert [str(problem) for problem in problems] == []
    assert report.untested == ("person",)
    return found


@pytest.mark.parametrize(
    "name",
    [
        "what is not given is empty, what is not named is not compared",
        "filters, left_out and imputations",
        "contradicting rows",
        "with its person",
        "without its person, although the test before had one",
        "with its person again, and another",
        "the same person as in the first test, and no event",
        "words for nothing, and revisions of a question that no list names",
    ],
)
def test_passes(ran: dict[str, Outcome], name: str) -> None:
    assert ran[name].differences == ()


def test_the_nearest_row_is_shown(ran: dict[str, Outcome]) -> None:
    outcome = ran["the nearest row is shown, and one that should not be there"]
    (difference,) = outcome.differences
    near, extra = difference.mismatches
    assert (difference.table, difference.expected, difference.rows) == ("dsp.event", 2, 3)
    assert (near.kind, near.wrong, near.expected, near.actual) == (
        "differs",
        ("grade",),
        {"number": 1, "term": "Fever", "grade": 3},
        {"number": 1, "term": "Fever", "grade": 1},
    )
    # the file's line: 'tests:' is line 16, the test begins 22 lines below
    text = Path(near.at.path).read_text(encoding="utf-8").splitlines()
    assert text[near.at.line - 1].strip() == "- {number: 1, term: Fever, grade: 3}"
    assert text[outcome.at.line - 1].endswith("the nearest row is shown, and one that should not be there")
    assert (extra.kind, extra.actual, extra.expected) == ("extra", {"number": 9, "term": "Rash", "grade": None}, None)


def test_none_is_told_with_what_is_there(ran: dict[str, Outcome]) -> None:
    (difference,) = ran["none means none"].differences
    assert [(m.kind, m.actual) for m in difference.mismatches] == [
        ("extra", {"subject_id": "N_1", "number": 1, "term": "Fever"})
    ]


def test_a_row_that_is_not_there(ran: dict[str, Outcome]) -> None:
    (difference,) = ran["a row that is not there"].differences
    assert [(m.kind, m.expected, m.actual) for m in difference.mismatches] == [("missing", {"number": 1}, None)]


AT = [Location("m.yaml", line, 1) for line in (10, 11, 12, 9)]


def test_as_many_rows_as_possible_are_paired() -> None:
    # {a: 1} fits both rows, {a: 1, b: 2} the first only: taking the first for {a: 1} would leave one over
    rows = [{"a": 1, "b": 2}, {"a": 1, "b": 3}]
    assert compare("t", [{"a": 1}, {"a": 1, "b": 2}], rows, [*AT[:2], AT[3]]) is None
    assert compare("t", [{"a": 1}, {"a": 1}, {"a": 1}], rows, AT) is not None
    # a chain: each expected row but the last fits two
    chain = [{"n": n, "m": m} for n, m in ((1, 1), (1, 2), (2, 2))]
    assert compare("t", [{"n": 1}, {"m": 2}, {"m": 1}], chain, AT) is None


@pytest.mark.parametrize(
    ("actual", "expected", "fits"),
    [
        (3, "3", True), (3.0, 3, True), ("3", 3, True), ("03", 3, False), (True, "TRUE", True), (False, "no", False),
        (None, None, True), (None, "", False), ("", None, False), (2.5, "2.5", True), (2, "two", False),
    ],
)  # fmt: skip
def test_cells(actual: object, expected: object, fits: bool) -> None:
    assert (compare("t", [{"a": expected}], [{"a": actual}], [AT[0], AT[3]]) is None) is fits


def test_a_run_would_stop(tmp_path: Path) -> None:
    bench = write(tmp_path)
    path = bench.folder / "maps/shared/condition.yaml"
    text = path.read_text(encoding="utf-8") + (
        "join: {s: {from: dsp.subject, on: subject_id}}\n"
        "where: {known: s.sex is not null}\n"
        "tests:\n  - name: two subjects of one name\n    given:\n"
        "      dsp.subject: [{subject_id: N_1, sex: female}, {subject_id: N_1, sex: male}]\n"
        "      dsp.event: [{subject_id: N_1, number: 1, term: FV, start: 2021-03-04}]\n"
        "    expect: {condition_occurrence: none}\n"
    )
    path.write_text(text, encoding="utf-8")
    found, problems, _ = outcomes(tmp_path, "condition")
    assert problems == []
    (difference,) = found["two subjects of one name"].differences
    assert difference.stopped == (
        "a run would stop here: the join 's' finds several rows of 'dsp.subject' for 1 keys [OM501]"
    )


CONCEPTS = """\
  - name: concepts that there are
    given: {dsp.subject: [{subject_id: N_1, sex: female}]}
    expect: {person: [{gender_concept_id: 8532, race_concept_id: 0}]}
  - name: concepts that the vocabulary lacks
    given: {dsp.subject: [{subject_id: N_1, sex: female}]}
    expect: {person: [{gender_concept_id: 8532, race_concept_id: 1999999901, ethnicity_concept_id: 1999999902}]}
"""


def test_a_vocabulary_that_lacks_what_is_expected(tmp_path: Path) -> None:
    folder = write(tmp_path, person=CONCEPTS).folder
    for remembered in (False, True):
        report = again(folder)
        assert [(o.name, o.passed, o.skipped, o.remembered) for o in report.outcomes] == [
            ("concepts that there are", True, "", remembered),
            ("concepts that the vocabulary lacks", False, "the vocabulary lacks 2 concepts that it expects", False),
        ]
        assert report.counts == {"run": 1, "passed": 1, "failed": 0, "skipped": 1}
        stop_if_failed(report)


def test_a_scope_that_nobody_is_in_is_told(tmp_path: Path) -> None:
    tests = """\
  - name: nobody is put in scope
    given: {ae: [{ID: N_1, NR: 1, TERM: Fever}]}
    expect: {dsp.event: [{number: 1}]}
  - name: the subject is in scope
    given: {dm: [{ID: N_1, SEX: f}], ae: [{ID: N_1, NR: 1, TERM: Fever}, {ID: N_2, NR: 1, TERM: Fever}]}
    expect: {dsp.event: [{subject_id: N_1}], left_out: [{reason: women, row: 2}]}
"""
    path = write(tmp_path, event=tests).folder / "maps/trial/trial.yaml"
    scope = "scope: {women: {from: dm, on: ID, where: SEX = 'f'}}\n"
    path.write_text(path.read_text(encoding="utf-8") + scope, encoding="utf-8")
    found, problems, report = outcomes(tmp_path, "event")
    assert problems == []
    assert found["the subject is in scope"].passed
    why = "no row of 'dm' is given, so the scope 'women' leaves every subject out"
    assert found["nobody is put in scope"].hint == why
    with pytest.raises(OmopifyError, match=f"the test 'nobody is put in scope' of map 'event' fails: {why}"):
        stop_if_failed(report)
