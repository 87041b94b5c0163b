"""Suites are read with all their mistakes at once, become checks, and are changed as a project decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from omopify.errors import OmopifyError, Problems
from omopify.quality import suites
from omopify.quality.model import Check, Context
from omopify.specs.quality import ChangesFile, SuiteFile, read_quality_file, read_suite
from tests.quality.small_project import place, project_with


def read(folder: Path, text: str) -> SuiteFile:
    """A suite from its text."""
    path = folder / "suite.yaml"
    path.write_text(text, encoding="utf-8")
    problems = Problems()
    suite = read_suite(path, problems)
    problems.stop_if_errors()
    assert suite
    return suite


def one(folder: Path, kwargs: str, meta: str = "{table: dsp.visit}") -> Check:
    """The check of a suite with one query."""
    suite = read(
        folder,
        f"name: own\nexpectations:\n  - type: expect_few_violations\n    kwargs: {kwargs}\n    meta: {meta}\n",
    )
    (check,) = suites.expand_all([suite], Context())
    return check


def changed(folder: Path, checks: tuple[Check, ...], text: str) -> tuple[tuple[Check, ...], Problems]:
    """The checks after the changes of a file, and what is wrong with it."""
    path = folder / "changes.yaml"
    path.write_text(text, encoding="utf-8")
    problems = Problems()
    changes = read_quality_file(ChangesFile, path, problems)
    problems.stop_if_errors()
    return suites.apply_changes(checks, changes, problems), problems


SAID = "reason: the site records weekly, author: A. Steward, date: 2026-11-21"


def test_the_shipped_suites_have_no_mistakes_and_every_cdm_has_those_of_the_cdm(tmp_path: Path) -> None:
    problems = Problems()
    project = project_with(tmp_path)
    everything = suites.load_suites(project, problems)
    of_a_cdm = suites.load_suites(None, problems)
    assert problems.found == []
    assert {suite.name for suite in of_a_cdm} < {suite.name for suite in everything}
    assert {"trial", "oncology"} <= {suite.name for suite in everything} - {suite.name for suite in of_a_cdm}
    context = Context(facts=project.pack.trial.stated(), tables=project.pack.tables)
    checks = suites.expand_all(everything, context)
    assert len({check.id for check in checks}) == len(checks)
    assert all(check.description for check in checks)
    listed = [check for check in checks if check.expectation == "expect_few_violations"]
    assert listed
    assert all(check.rows_sql.startswith("SELECT") for check in listed)


def test_all_mistakes_of_all_suites_are_shown_at_once_with_their_places(tmp_path: Path) -> None:
    project = project_with(
        tmp_path,
        a="""\
            name: ours
            expectations:
              - type: expect_few_violation
                kwargs: {check: x, rows: SELECT 1}
              - type: expect_few_violations
                kwargs: {check: one, max_prc: 3, rows: SELECT 1}
                meta: {table: cdm.person}
              - type: expect_few_violations
                kwargs: {check: two, max_pct: 101, rows: SELECT 1}
                meta: {table: person, needs: [dsp, trail.ctcae]}
                severity: fatal
              - type: expect_few_violations
                kwargs: {check: three, rows: SELECT 1, sql: trial/nobody}
                meta: {table: cdm.person}
            """,
        b="""\
            name: ours
            expectations:
              - type: expect_few_violations
                kwargs: {check: same, rows: SELECT 1}
                meta: {table: cdm.person, needs: [trial.ctcea, audit.map_rows, dsp.deth]}
              - type: expect_few_violations
                kwargs: {check: same, sql: trial/nobdy}
                meta: {table: cdm.persons}
              - type: expect_few_violations
                kwargs: {check: three, rows: 'SELECT {{ trial.nosuch }} AS row_id'}
            """,
        c="""\
            name: trial
            expectations: []
            """,
    )
    problems = Problems()
    suites.load_suites(project, problems)
    found = {place(problem) for problem in problems.errors}
    assert found == {
        ("OM201", "a.yaml", 6, 26),  # max_prc
        ("OM205", "a.yaml", 9, 35),  # 101 %
        ("OM204", "a.yaml", 13, 13),  # both rows and sql
        ("OM204", "a.yaml", 10, 19),  # no schema
        ("OM204", "a.yaml", 10, 34),  # trail.
        ("OM203", "a.yaml", 11, 15),  # fatal
        ("OM806", "b.yaml", 5, 39),
        ("OM808", "b.yaml", 5, 68),
        ("OM808", "b.yaml", 8, 19),
        ("OM803", "b.yaml", 7, 21),
        ("OM805", "b.yaml", 7, 32),
        ("OM807", "b.yaml", 9, 5),
        ("OM804", "b.yaml", 10, 34),
        ("OM802", "c.yaml", 1, 7),
    }
    hints = {problem.code: problem.hint for problem in problems.errors}
    assert hints["OM805"] == "did you mean 'trial/nobody'?"
    assert hints["OM806"] == "did you mean 'trial.ctcae'?"
    assert hints["OM808"] == "did you mean 'cdm.person'?"

    assert any("did you mean 'max_pct'?" in str(problem) for problem in problems.errors)


def test_an_unknown_expectation_is_named_with_the_nearest(tmp_path: Path) -> None:
    project = project_with(
        tmp_path,
        own="""\
            name: own
            expectations:
              - type: expect_column_values_to_not_be_nul
                kwargs: {column: person_id}
                meta: {table: cdm.person}
            """,
    )
    problems = Problems()
    suites.load_suites(project, problems)
    (problem,) = problems.errors
    assert place(problem) == ("OM801", "own.yaml", 3, 11)
    assert problem.hint == "did you mean 'expect_column_values_to_not_be_null'?"


def test_a_suite_with_another_ending_is_warned_of_and_a_named_folder_must_be_there(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    (tmp_path / "quality" / "own.yml").write_text("name: own\n", encoding="utf-8")
    problems = Problems()
    suites.load_suites(project, problems)
    assert [(problem.code, problem.severity) for problem in problems.found] == [("OM120", "warning")]

    text = "mappings: impress\ndata: data\nquality:\n  folder: checks\n"
    (tmp_path / "omopify.yaml").write_text(text, encoding="utf-8")
    from omopify.specs.project import load_project

    problems = Problems()
    suites.load_suites(load_project(tmp_path, problems), problems)
    assert [place(problem) for problem in problems.errors] == [("OM800", "omopify.yaml", 4, 11)]


def test_the_same_check_twice_is_an_error_that_names_the_other(tmp_path: Path) -> None:
    suite = read(
        tmp_path,
        "name: own\nexpectations:\n"
        "  - type: expect_few_violations\n    kwargs: {check: x, rows: SELECT 1}\n    meta: {table: cdm.person}\n",
    )
    with pytest.raises(OmopifyError) as caught:
        suites.expand_all([suite, suite], Context())
    (problem,) = caught.value.problems
    assert problem.code == "OM803"
    assert "'own.x'" in problem.message


def test_a_check_says_what_its_suite_says(tmp_path: Path) -> None:
    suite = read(
        tmp_path,
        """\
name: own
meta: {table: dsp.visit, category: Completeness, unit: visits}
expectations:
  - type: expect_few_violations
    kwargs: {check: first, rows: "SELECT 1 AS row_id, true AS violated"}
    description: Is it so?
    notes: It may not be.
    severity: critical
  - type: expect_few_violations
    kwargs: {check: second, max_pct: 2.5, rows: "SELECT 1 AS row_id, true AS violated", parts: {RA: 10}}
    meta: {table: cdm.death, column: death_date, category: Plausibility}
""",
    )
    first, second = suites.expand_all([suite], Context())
    assert (first.id, first.schema, first.table, first.column) == ("own.first", "dsp", "visit", None)
    assert (first.category, first.unit, first.severity, first.max_pct) == ("Completeness", "visits", "critical", 0)
    assert (first.description, first.causes) == ("Is it so?", "It may not be.")
    assert (first.expectation, first.place, second.place) == ("expect_few_violations", 0, 1)
    assert (second.schema, second.table, second.column, second.level) == ("cdm", "death", "death_date", "FIELD")
    assert (second.category, second.unit, second.severity, second.max_pct) == ("Plausibility", "visits", "warning", 2.5)
    assert second.parameters["parts"] == {"RA": 10}


def test_changes_set_what_they_say_and_keep_what_stood_there(tmp_path: Path) -> None:
    check = one(tmp_path, '{check: first, max_pct: 5, rows: "SELECT 1"}')
    text = (
        "changes:\n"
        f"  - {{check: own.first, max_pct: 12.5, {SAID}}}\n"
        "  - {check: 'own.*', severity: info, reason: rare, author: B. Other, date: 2026-11-22}\n"
    )
    (after,), problems = changed(tmp_path, (check,), text)
    assert problems.found == []
    assert (after.max_pct, after.severity) == (12.5, "info")
    assert after.change
    assert (after.change.default_max_pct, after.change.default_severity, after.change.off) == (5, "warning", False)
    assert (after.change.reason, after.change.author) == ("the site records weekly; rare", "A. Steward; B. Other")
    assert after.change.date == "2026-11-22"
    (off,), _ = changed(tmp_path, (check,), f"changes:\n  - {{check: own.first, off: true, {SAID}}}\n")
    assert off.change
    assert off.change.off
    assert off.max_pct == 5


def test_a_change_to_0_per_cent_is_a_change(tmp_path: Path) -> None:
    check = one(tmp_path, '{check: first, max_pct: 5, rows: "SELECT 1"}')
    (after,), problems = changed(tmp_path, (check,), f"changes:\n  - {{check: own.first, max_pct: 0, {SAID}}}\n")
    assert problems.found == []
    assert after.max_pct == 0


def test_changes_that_match_nothing_contradict_or_say_nothing_are_errors(tmp_path: Path) -> None:
    check = one(tmp_path, '{check: first, rows: "SELECT 1"}')
    text = (
        "changes:\n"
        f"  - {{check: own.frist, max_pct: 1, {SAID}}}\n"
        f"  - {{check: 'nobody.*', max_pct: 1, {SAID}}}\n"
        f"  - {{check: own.first, max_pct: 1, {SAID}}}\n"
        f"  - {{check: own.*, max_pct: 2, severity: info, {SAID}}}\n"
        f"  - {{check: own.first, {SAID}}}\n"
    )
    _, problems = changed(tmp_path, (check,), text)
    assert [place(problem) for problem in problems.errors] == [
        ("OM810", "changes.yaml", 2, 13),
        ("OM810", "changes.yaml", 3, 13),
        ("OM811", "changes.yaml", 5, 20),
        ("OM812", "changes.yaml", 6, 5),
    ]
    assert problems.errors[0].hint == "did you mean 'own.first'?"
    assert problems.errors[2].hint == "first on line 4"


def test_signs_of_other_pattern_languages_are_letters(tmp_path: Path) -> None:
    check = one(tmp_path, '{check: first, rows: "SELECT 1"}')
    for pattern in ("own.firs?", "own.[f]irst", "own.first.*"):
        _, problems = changed(tmp_path, (check,), f"changes:\n  - {{check: '{pattern}', max_pct: 1, {SAID}}}\n")
        assert [problem.code for problem in problems.errors] == ["OM810"]
