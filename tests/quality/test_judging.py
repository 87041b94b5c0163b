"""Judging: the rule by itself, and through Great Expectations, which must say the same of every check."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omopify.errors import OmopifyError, Problems
from omopify.quality.judging import decide, judge, status
from omopify.quality.model import Change, Check, Measurement, Part, Severity
from omopify.specs.quality import SuiteFile, read_suite

SUITE = """\
name: made_up
expectations:
  - type: expect_cdm_checks_to_pass
    kwargs:
      check_type: isRequired
      cdm_table: person
      checks: {person_id: {max_pct: 0}, year_of_birth: {max_pct: 5}, gender_concept_id: {max_pct: 5}}
    severity: critical
  - type: expect_few_violations
    kwargs: {check: late, max_pct: 10, rows: "SELECT 1 AS row_id, true AS violated", parts: {RA: 50}}
    meta: {table: dsp.visit}
    description: Are visits in time?
  - type: expect_dsp_tables_to_conform
    kwargs: {check_type: values_in_set, max_pct: 1}
    severity: info
  - type: expect_column_values_to_not_be_null
    kwargs: {column: person_id, mostly: 0.9}
    meta: {table: cdm.person}
"""


def check(id_: str, place: int, kind: str, severity: Severity, max_pct: float | None, **words: Any) -> Check:
    """A check as it is expanded."""
    return Check(
        id=id_,
        suite="made_up",
        type="x",
        schema="cdm",
        table="person",
        column=None,
        level="FIELD",
        category="Plausibility",
        severity=severity,
        max_pct=max_pct,
        description="",
        expectation=kind,
        place=place,
        **words,
    )


CDM, FEW, DSP = "expect_cdm_checks_to_pass", "expect_few_violations", "expect_dsp_tables_to_conform"
CHECKS = (
    check("id", 0, CDM, "critical", 0),
    check("year", 0, CDM, "critical", 5),
    check("gender", 0, CDM, "critical", 5),
    check("late", 1, FEW, "warning", 10, parameters={"parts": {"RA": 50}}),
    check("sex", 2, DSP, "info", 1),
    check("grade", 2, DSP, "info", 1),
    check("null", 3, "expect_column_values_to_not_be_null", "warning", 10),
)
CLEAN = {c.id: Measurement(c.id, 0, 100) for c in CHECKS}


def suite(folder: Path) -> SuiteFile:
    """The suite of these tests."""
    path = folder / "made_up.yaml"
    path.write_text(SUITE, encoding="utf-8")
    problems = Problems()
    read = read_suite(path, problems)
    problems.stop_if_errors()
    assert read
    return read


def judged(
    folder: Path, measured: Mapping[str, Measurement], checks: tuple[Check, ...] = CHECKS
) -> tuple[dict[str, str], dict[str, Any]]:
    """What became of each check, and Great Expectations' own result."""
    results, validation = judge([suite(folder)], checks, list(measured.values()))
    assert [result.check for result in results] == list(checks)
    return {result.check.id: result.status for result in results}, validation


# The rule


@pytest.mark.parametrize(
    ("violated", "denominator", "max_pct", "expected"),
    [
        (0, 100, None, "pass"),
        (1, 100, None, "fail"),  # DQD: no threshold allows none
        (1, 100, 0, "fail"),
        (5, 100, 5, "pass"),  # DQD: only more than the threshold fails
        (6, 100, 5, "fail"),
        (7, 100, 7, "pass"),  # 100 * 0.07 is more than 7 in binary numbers
        (29, 100, 29, "pass"),  # and so is 100 * 0.29
        (100, 100, 100, "pass"),
        (0, 0, 5, "pass"),
        (0, 0, 0, "pass"),
    ],
)
def test_a_share_above_the_threshold_fails(
    violated: int, denominator: int, max_pct: float | None, expected: str
) -> None:
    assert decide(Measurement("x", violated, denominator), max_pct, {}) == expected


def test_what_does_not_apply_or_could_not_be_measured_is_neither_pass_nor_fail() -> None:
    assert decide(Measurement("x", 9, 9, not_applicable="no such table"), 0, {}) == "not applicable"
    assert decide(Measurement("x", error="refused"), 100, {}) == "error"
    assert decide(Measurement("x"), 100, {}) == "error"
    assert decide(Measurement("x", 0, None), 100, {}) == "error"


def test_one_part_above_its_limit_fails_the_whole() -> None:
    parts = (Part("A", 1, 100), Part("B", 3, 10))
    whole = Measurement("x", 4, 110, parts=parts)
    assert decide(whole, 5, {}) == "fail"  # B has 30 %, the whole only 3.6 %
    assert decide(whole, 5, {"B": 30}) == "pass"
    assert decide(whole, 5, {"A": 0.5, "B": 30}) == "fail"
    assert decide(whole, 5, {"C": 0}) == "fail"


@given(
    violated=st.integers(0, 1000),
    others=st.integers(0, 1000),
    tenths=st.none() | st.integers(0, 1000),
)
def test_the_rule_is_dqds_for_all_counts(violated: int, others: int, tenths: int | None) -> None:
    """DQD's evaluateThresholds in whole numbers: thresholds are given in tenths of a per cent."""
    denominator = violated + others
    fails = violated * 1000 > tenths * denominator if tenths else violated > 0
    found = decide(Measurement("x", violated, denominator), None if tenths is None else tenths / 10, {})
    assert found == ("fail" if fails else "pass")


@given(
    counts=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6),
    max_pct=st.integers(0, 100),
)
def test_parts_fail_when_one_would_fail_by_itself(counts: list[tuple[int, int]], max_pct: int) -> None:
    parts = tuple(Part(f"part {n}", v, v + rest) for n, (v, rest) in enumerate(counts))
    whole = Measurement("x", sum(p.violated for p in parts), sum(p.denominator for p in parts), parts=parts)
    alone = [decide(Measurement("x", p.violated, p.denominator), max_pct, {}) for p in parts]
    assert (decide(whole, max_pct, {}) == "fail") == ("fail" in alone)


def test_a_check_that_is_off_is_off_whatever_was_measured() -> None:
    off = Change("r", "a", "2026-11-21", 0, "critical", off=True)
    assert status(replace(CHECKS[0], change=off), Measurement("id", 9, 9)) == "off"


# Through Great Expectations


def test_every_kind_passes_when_nothing_is_wrong(tmp_path: Path) -> None:
    found, validation = judged(tmp_path, CLEAN)
    assert set(found.values()) == {"pass"}
    assert validation["success"] is True
    assert validation["statistics"]["evaluated_expectations"] == 4
    assert {one["expectation_config"]["type"] for one in validation["results"]} == {
        CDM,
        FEW,
        DSP,
        "expect_built_in_to_pass",
    }


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        (Measurement("id", 1, 100), "fail"),
        (Measurement("year", 5, 100), "pass"),
        (Measurement("year", 6, 100), "fail"),
        (Measurement("gender", error="the query could not be asked"), "error"),
        (Measurement("gender", 6, 100, not_applicable="no such table"), "not applicable"),
        (Measurement("late", 30, 100, parts=(Part("RA", 30, 60), Part("RNRSP", 0, 40))), "pass"),
        (Measurement("late", 30, 100, parts=(Part("RA", 25, 60), Part("RNRSP", 5, 40))), "fail"),
        (Measurement("sex", 2, 100), "fail"),
        (Measurement("null", 10, 100), "pass"),
        (Measurement("null", 11, 100), "fail"),
    ],
)
def test_great_expectations_judges_by_what_the_suite_says(tmp_path: Path, measured: Measurement, expected: str) -> None:
    found, validation = judged(tmp_path, CLEAN | {measured.check_id: measured})
    assert found == dict.fromkeys(CLEAN, "pass") | {measured.check_id: expected}
    assert validation["success"] is (expected in ("pass", "not applicable"))
    failing = [one for one in validation["results"] if not one["success"]]
    assert len(failing) == (expected in ("fail", "error"))


def test_a_changed_severity_or_threshold_is_the_one_that_great_expectations_knows(tmp_path: Path) -> None:
    said = Change("r", "a", "2026-11-21", 5, "critical")
    milder = replace(CHECKS[1], severity="info", max_pct=50, change=said)
    own = replace(CHECKS[5], max_pct=20, change=said)
    off = replace(CHECKS[6], change=replace(said, off=True))
    checks = (CHECKS[0], milder, *CHECKS[2:5], own, off)
    few = {"year": Measurement("year", 40, 100), "grade": Measurement("grade", 15, 100)}
    found, validation = judged(tmp_path, CLEAN | few, checks)
    assert found == dict.fromkeys(CLEAN, "pass") | {"null": "off"}
    by_check = {
        check_id: one["expectation_config"]
        for one in validation["results"]
        for check_id in one["result"]["details"]["checks"]
    }
    assert set(by_check) == set(CLEAN) - {"null"}
    assert {id_: config["severity"] for id_, config in by_check.items()} == {
        "id": "critical",
        "year": "info",
        "gender": "critical",
        "late": "warning",
        "sex": "info",
        "grade": "info",
    }
    assert by_check["year"]["kwargs"]["checks"] == {"year_of_birth": {"max_pct": 50}}
    assert list(by_check["id"]["kwargs"]["checks"]) == ["person_id", "gender_concept_id"]
    assert (by_check["sex"]["kwargs"]["max_pct"], by_check["grade"]["kwargs"]["max_pct"]) == (1, 20)


def test_a_check_that_was_never_measured_is_an_error_that_says_so(tmp_path: Path) -> None:
    results, _ = judge([suite(tmp_path)], CHECKS, [m for m in CLEAN.values() if m.check_id != "sex"])
    (result,) = [result for result in results if result.status == "error"]
    assert result.check.id == "sex"
    assert result.measurement.error
    assert "not measured" in result.measurement.error


def test_an_expectation_that_great_expectations_drops_is_noticed(tmp_path: Path) -> None:
    wrong: Any = "fatal"  # it drops an expectation with another severity, and says nothing
    checks = (*CHECKS[:3], replace(CHECKS[3], severity=wrong), *CHECKS[4:])
    with pytest.raises(OmopifyError) as caught:
        judged(tmp_path, CLEAN, checks)
    assert [problem.code for problem in caught.value.problems] == ["OM809"]
    assert "dropped 1 of 4" in caught.value.problems[0].message


def test_checks_of_no_suite_are_noticed_as_not_judged(tmp_path: Path) -> None:
    stray = check("stray", 9, FEW, "warning", 0)
    with pytest.raises(OmopifyError) as caught:
        judged(tmp_path, CLEAN | {"stray": Measurement("stray", 0, 1)}, (*CHECKS, stray))
    assert "'stray' 0 times" in caught.value.problems[0].message


def test_the_validation_result_is_plain_and_tells_nothing_of_the_machine(tmp_path: Path) -> None:
    _, validation = judged(tmp_path, CLEAN | {"id": Measurement("id", error="refused")})
    written = json.dumps(validation)
    for word in ("traceback", "fingerprint", "batch_id", str(tmp_path), "refused"):
        assert word not in written
    one = next(one for one in validation["results"] if not one["success"])
    assert one["result"]["details"]["checks"]["id"] == {"status": "error", "violated": None, "denominator": None}
    assert one["exception_info"] == {"raised_exception": False}


ALONE = """\
import socket, sys
def refuse(*a, **k): raise AssertionError("network")
socket.socket.connect = socket.getaddrinfo = refuse
from pathlib import Path
import tests.quality.test_judging as t
found, validation = t.judged(Path(sys.argv[1]), t.CLEAN)
assert set(found.values()) == {"pass"}, found
print("done")
"""


def test_nothing_is_written_said_or_sent(tmp_path: Path) -> None:
    """In a process of its own: Great Expectations warns and phones, if at all, when it is imported."""
    places = {name: tmp_path / name for name in ("HOME", "TMPDIR", "cwd", "suite")}
    for place in places.values():
        place.mkdir()
    root = Path(__file__).parents[2]
    env = {**os.environ, "HOME": str(places["HOME"]), "TMPDIR": str(places["TMPDIR"]), "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(places["suite"])],
        cwd=places["cwd"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")
    assert [list(places[name].iterdir()) for name in ("HOME", "TMPDIR", "cwd")] == [[], [], []]
