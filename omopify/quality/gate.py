"""The gate: which failing checks a person has accepted for a while, and whether the result may go.

A waiver never changes what a check found.  Only open failures of critical checks hold a delivery up; what else is open
is said, and stops it only where the user asks for that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import get_args

from omopify.errors import Problems, did_you_mean
from omopify.quality.model import Result, Severity, Verdict, Waiver
from omopify.specs.quality import WaiversFile

PASSED = 0
HELD_UP = 3
"""Exit codes of the gate; 1 and 2 are mistakes of files and of usage, as in all commands."""

COUNTED = ("pass", "fail", "waived", "error", "not applicable", "off")
"""What a verdict counts; each check counts once, a waived one as nothing else."""


def apply_waivers(
    results: Sequence[Result], waivers: WaiversFile | None, today: date, problems: Problems
) -> tuple[Result, ...]:
    """Return the results with the project's waivers; the status of each stays what it is.

    Noted are, as errors, OM813 a waiver that has expired, OM815 one of a check that does not exist and OM816 a second
    one of the same check; and as a warning OM814 one of a check that does not fail (any more).
    """
    if waivers is None:
        return tuple(results)
    known = {result.check.id: result for result in results}
    given: dict[str, Waiver] = {}
    for number, spec in enumerate(waivers.waivers):
        at = waivers.at("waivers", number, "check")
        found = known.get(spec.check)
        if found is None:
            hint = (
                did_you_mean(spec.check, known) or "each waiver names one check by its full id, as the report shows it"
            )
            problems.add("OM815", f"there is no check '{spec.check}'", at, hint)
        elif spec.check in given:
            problems.add("OM816", f"the check '{spec.check}' is waived twice", at, "keep one of the two")
        elif date.fromisoformat(spec.expires) < today:
            message = f"the waiver of '{spec.check}' expired on {spec.expires}"
            hint = "mend what fails, or decide again with a new date and expiry"
            problems.add("OM813", message, waivers.at("waivers", number, "expires"), hint)
        elif found.status not in ("fail", "error"):
            message = f"the waiver of '{spec.check}' waives nothing: the check's status is '{found.status}'"
            problems.add("OM814", message, at, "take it out", severity="warning")
        else:
            given[spec.check] = Waiver(spec.check, spec.reason, spec.author, spec.date, spec.expires)
    return tuple(replace(result, waiver=given.get(result.check.id)) for result in results)


_STRUCTURE = ("cdmTable", "cdmField")
"""Checks that an empty database passes."""


def verdict(results: Sequence[Result]) -> Verdict:
    """Say whether a result may go, and why.

    The sentences count checks and name none.  Numbers of rows or persons are not in them, because they also stand in
    the copy of the report that leaves the site.
    """
    judged = any(
        result.status in ("pass", "fail") and result.measurement.denominator and result.check.type not in _STRUCTURE
        for result in results
    )
    stopping = [result for result in results if _stops(result)]
    waived = [result for result in results if result.waiver]
    reasons = [
        *(() if judged else ("No row could be judged, so nothing is known about the data.",)),
        *_sentence(
            [result for result in stopping if result.status == "fail"],
            "critical check fails",
            "critical checks fail",
        ),
        *_sentence(
            [result for result in stopping if result.status == "error"],
            "critical check could not be measured",
            "critical checks could not be measured",
        ),
        *(() if stopping or not judged else ("No critical check fails without a waiver.",)),
        *_sentence(waived, "failing check is waived", "failing checks are waived"),
        *_sentence(
            [r for r in results if r.status == "off" and r.check.severity == "critical"],
            "critical check is switched off by this project",
            "critical checks are switched off by this project",
        ),
        *_sentence(
            [r for r in results if r.is_open and r.check.severity == "warning"],
            "warning is open, which does not hold the delivery up",
            "warnings are open, which does not hold the delivery up",
        ),
        *_sentence(
            [r for r in results if r.is_open and r.check.severity == "info"],
            "remark for information is open",
            "remarks for information are open",
        ),
    ]
    counts = _counts(results)
    if stopping or not judged:
        return Verdict("not ready", tuple(reasons), counts)
    return Verdict("ready with waivers" if waived else "ready", tuple(reasons), counts)


def exit_code(verdict: Verdict, results: Sequence[Result], *, strict: bool = False) -> int:
    """Return the exit code of a quality run; ``strict``: open warnings hold up as well."""
    if verdict.verdict == "not ready":
        return HELD_UP
    warned = any(result.is_open and result.check.severity == "warning" for result in results)
    return HELD_UP if strict and warned else PASSED


def _stops(result: Result) -> bool:
    return result.is_open and result.check.severity == "critical"


def _sentence(found: Sequence[Result], one: str, several: str) -> tuple[str, ...]:
    return (f"{len(found)} {one if len(found) == 1 else several}.",) if found else ()


def _counts(results: Sequence[Result]) -> Mapping[str, Mapping[str, int]]:
    counted: Counter[tuple[str, str]] = Counter((r.check.severity, "waived" if r.waiver else r.status) for r in results)
    return {severity: {word: counted[severity, word] for word in COUNTED} for severity in get_args(Severity)}
