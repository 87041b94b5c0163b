"""The gate: what waivers do and do not, what holds a delivery up, and which sentences say so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from omopify.errors import Problems
from omopify.quality.gate import apply_waivers, exit_code, verdict
from omopify.quality.model import Check, Measurement, Result, Severity, Status, Waiver
from omopify.specs.quality import WaiversFile, read_quality_file

TODAY = date(2026, 11, 21)
WAIVED = Waiver("a.b", "known", "M. Dahl", "2026-11-01", "2026-12-01")


def result(
    id: str, status: Status = "pass", severity: Severity = "critical", failing: int = 1, waiver: Waiver | None = None
) -> Result:
    check = Check(id, "s", "t", "cdm", "person", None, "TABLE", "Plausibility", severity, 0, "")
    return Result(check, Measurement(id, failing if status == "fail" else 0, 100), status, waiver)


@pytest.fixture
def waivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def read(*checks: str, expires: str = "2026-12-01") -> WaiversFile:
        lines = ["waivers:"]
        for check in checks:
            lines += [f"  - check: {check}", "    reason: known", "    author: M. Dahl", "    date: 2026-11-01"]
            lines += [f"    expires: {expires}"]
        path = tmp_path / "waivers.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        problems = Problems()
        file = read_quality_file(WaiversFile, path, problems)
        assert file is not None, problems.found
        return file

    return read


def told(problems: Problems) -> list[str]:
    return [str(problem) for problem in problems.found]


def test_a_waiver_is_put_beside_the_failure_and_changes_nothing_of_it(waivers) -> None:
    problems = Problems()
    failing, other = apply_waivers([result("a.b", "fail"), result("a.c", "fail")], waivers("a.b"), TODAY, problems)
    assert problems.found == []
    assert failing.waiver == WAIVED
    assert failing.status == "fail"
    assert not failing.is_open
    assert other.waiver is None


def test_a_check_that_could_not_be_measured_can_be_waived(waivers) -> None:
    (found,) = apply_waivers([result("a.b", "error")], waivers("a.b"), TODAY, Problems())
    assert found.waiver == WAIVED


def test_without_a_file_nothing_is_waived() -> None:
    results = (result("a.b", "fail"),)
    assert apply_waivers(results, None, TODAY, Problems()) == results


def test_a_waiver_counts_on_its_last_day_and_not_after(waivers) -> None:
    problems = Problems()
    file = waivers("a.b", expires="2026-11-21")
    assert apply_waivers([result("a.b", "fail")], file, TODAY, problems)[0].waiver is not None
    assert problems.found == []
    assert apply_waivers([result("a.b", "fail")], file, date(2026, 11, 22), problems)[0].waiver is None
    assert told(problems) == [
        "waivers.yaml:6:14: the waiver of 'a.b' expired on 2026-11-21; "
        "mend what fails, or decide again with a new date and expiry [OM813]"
    ]
    assert problems.errors


def test_a_waiver_of_no_check_is_an_error_with_the_nearest_id(waivers) -> None:
    problems = Problems()
    apply_waivers([result("impress.response_fits", "fail")], waivers("impress.respnse_fits"), TODAY, problems)
    assert told(problems) == [
        "waivers.yaml:2:12: there is no check 'impress.respnse_fits'; did you mean 'impress.response_fits'? [OM815]"
    ]
    assert problems.errors


def test_a_waiver_takes_no_pattern(waivers) -> None:
    problems = Problems()
    (found,) = apply_waivers([result("a.b", "fail")], waivers('"a.*"'), TODAY, problems)
    assert found.waiver is None
    assert [problem.code for problem in problems.errors] == ["OM815"]


def test_two_waivers_of_one_check_are_an_error(waivers) -> None:
    problems = Problems()
    apply_waivers([result("a.b", "fail")], waivers("a.b", "a.b"), TODAY, problems)
    assert told(problems) == ["waivers.yaml:7:12: the check 'a.b' is waived twice; keep one of the two [OM816]"]
    assert problems.errors


@pytest.mark.parametrize("status", ["pass", "not applicable", "off"])
def test_a_waiver_of_what_does_not_fail_is_a_warning(waivers, status: Status) -> None:
    problems = Problems()
    (found,) = apply_waivers([result("a.b", status)], waivers("a.b"), TODAY, problems)
    assert found == result("a.b", status)
    assert [(problem.code, problem.severity) for problem in problems.found] == [("OM814", "warning")]
    assert f"the check's status is '{status}'" in told(problems)[0]


def test_all_pass() -> None:
    found = verdict([result("a.b"), result("a.c", "not applicable")])
    assert found.verdict == "ready"
    assert found.reasons == ("No critical check fails without a waiver.",)
    assert found.counts["critical"] == {
        "pass": 1, "fail": 0, "waived": 0, "error": 0, "not applicable": 1, "off": 0,
    }  # fmt: skip
    assert set(found.counts) == {"critical", "warning", "info"}
    assert exit_code(found, []) == 0


@pytest.mark.parametrize("status", ["fail", "error"])
def test_one_open_critical_check_holds_up(status: Status) -> None:
    results = [result("a.b", status), result("a.c")]
    found = verdict(results)
    assert found.verdict == "not ready"
    assert exit_code(found, results) == 3


@pytest.mark.parametrize(("severity", "strict"), [("warning", 3), ("info", 0)])
def test_what_is_not_critical_holds_up_only_when_strict(severity: Severity, strict: int) -> None:
    results = [result("a.b", "fail", severity), result("a.c")]
    found = verdict(results)
    assert found.verdict == "ready"
    assert len(found.reasons) == 2
    assert exit_code(found, results) == 0
    assert exit_code(found, results, strict=True) == strict


def test_waived_is_never_passed() -> None:
    results = [result("a.b", "fail", waiver=WAIVED), result("a.c")]
    found = verdict(results)
    assert found.verdict == "ready with waivers"
    assert found.reasons == ("No critical check fails without a waiver.", "1 failing check is waived.")
    assert found.counts["critical"]["pass"] == 1
    assert found.counts["critical"]["fail"] == 0
    assert found.counts["critical"]["waived"] == 1
    assert exit_code(found, results, strict=True) == 0


def test_a_waived_and_an_open_failure_are_not_ready() -> None:
    assert verdict([result("a.b", "fail", waiver=WAIVED), result("a.c", "fail")]).verdict == "not ready"


def test_a_waived_warning_is_said_in_the_verdict() -> None:
    assert verdict([result("a.b", "fail", "warning", waiver=WAIVED), result("a.c")]).verdict == "ready with waivers"


def test_nothing_judged_is_not_ready() -> None:
    there = result("table_cdmtable_person")
    empty = [
        replace(there, check=replace(there.check, type="cdmTable"), measurement=Measurement(there.check.id, 0, 1)),
        replace(there, measurement=Measurement(there.check.id, 0, 0)),
    ]
    for results in ([], empty, [result("a.b", "off"), result("a.c", "not applicable")]):
        found = verdict(results)
        assert found.verdict == "not ready"
        assert found.reasons[0] == "No row could be judged, so nothing is known about the data."
        assert exit_code(found, results) == 3


def test_a_critical_check_that_is_switched_off_is_said() -> None:
    found = verdict([result("a.b", "off"), result("a.c")])
    assert found.verdict == "ready"
    assert "1 critical check is switched off by this project." in found.reasons


def test_the_sentences_count_checks_and_nothing_else() -> None:
    results = [
        *(result(f"a.few{n}", "fail", failing=7) for n in range(3)),
        result("a.broken", "error"),
        result("b.warning", "fail", "warning", failing=99),
        result("a.good"),
    ]
    assert verdict(results).reasons == (
        "3 critical checks fail.",
        "1 critical check could not be measured.",
        "1 warning is open, which does not hold the delivery up.",
    )
