"""A test that cannot be run is told as a problem, with its place and what was probably meant; the others are run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.trial import outcomes, write

BROKEN = """\
  - name: sound
    given: {ae: [{ID: N_1, NR: 1, TERM: Fever}]}
    expect: {dsp.event: [{number: 1}]}
  - name: names
    given:
      aee: [{ID: N_1}]
      dsp.evnt: [{subject_id: N_1}]
      ae: [{ID: N_1, TREM: Fever, TERM__2: Cough}]
      dsp.subject: [{sex: male, sx: male}]
    expect:
      dsp.evt: none
      concept: none
      rejcts: none
      dsp.event: [{numbr: 1}]
      rejects: [{why: missing}]
  - name: shapes
    given: {}
    expect:
      dsp.event: 3
      dsp.subject: [female]
      rejects: [{field: [a, b]}]
  - name: nothing
    given: {ae: [{ID: N_1}]}
    expect: {}
"""

TYPES = """\
  - name: types
    given: {dsp.event: [{subject_id: N_1, term: Fever, number: one, start: 04.03.2021, end: 2021-03-04}]}
    expect: {condition_occurrence: none}
"""


def test_every_mistake_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path(), event=BROKEN, condition=TYPES)
    found, problems, report = outcomes(Path())
    assert [(name, outcome.passed) for name, outcome in found.items()] == [("sound", True)]
    assert report.counts == {"run": 1, "passed": 1, "failed": 0, "skipped": 0}
    assert [str(problem) for problem in problems] == [
        "maps/shared/condition.yaml:11:64: 'one' is not of type integer, as 'number' is; write a whole number [OM944]",
        "maps/shared/condition.yaml:11:76: '04.03.2021' is not of type date, as 'start' is; write 2022-03-01 [OM944]",
        "maps/trial/event.yaml:19:7: there is no source or table 'aee' to give rows of; did you mean 'ae'? [OM940]",
        "maps/trial/event.yaml:20:7: there is no source or table 'dsp.evnt' to give rows of; "
        "did you mean 'dsp.event'? [OM940]",
        "maps/trial/event.yaml:21:22: source 'ae' has no column 'TREM'; did you mean 'TERM'? [OM941]",
        "maps/trial/event.yaml:22:21: every row of 'dsp.subject' has 'subject_id'; give it in the test, too [OM944]",
        "maps/trial/event.yaml:22:33: table 'dsp.subject' has no column 'sx'; did you mean 'sex'? [OM941]",
        "maps/trial/event.yaml:24:7: there is no table 'dsp.evt' to expect rows of; did you mean 'dsp.event'? [OM942]",
        "maps/trial/event.yaml:25:7: there is no table 'concept' to expect rows of; 'dsp.<table>', a table of the CDM, "
        "or one of rejects, value_issues, imputations, unmapped, lookups, filters, left_out [OM942]",
        "maps/trial/event.yaml:26:7: there is no table 'rejcts' to expect rows of; did you mean 'rejects'? [OM942]",
        "maps/trial/event.yaml:27:20: 'dsp.event' has no column 'numbr'; did you mean 'number'? [OM943]",
        "maps/trial/event.yaml:28:18: 'rejects' has no column 'why'; it has: map, field, reason, row [OM943]",
        "maps/trial/event.yaml:32:7: expected rows are a list of rows that each name a column; "
        "write 'dsp.event: [{subject_id: ...}]', or 'dsp.event: none' if there must be none [OM944]",
        "maps/trial/event.yaml:33:7: expected rows are a list of rows that each name a column; "
        "write 'dsp.subject: [{subject_id: ...}]', or 'dsp.subject: none' if there must be none [OM944]",
        "maps/trial/event.yaml:34:18: 'field' should be one value; "
        "a text with a comma or a bracket stands in quotes [OM944]",
        "maps/trial/event.yaml:37:5: the test expects nothing; name a table and its rows, or 'none' [OM944]",
    ]
