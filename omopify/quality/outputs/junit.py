"""``junit.xml``: the checks as test cases, for programs that run omopify unattended and show what failed.

A suite is a table of a suite of ours; a test case is a check.  What fails is a ``failure``, whatever its severity (the
type says it); what could not be measured is an ``error``; what does not apply, is switched off or waived is ``skipped``
and says why, for none of them is a pass.  The elements and attributes are those that all readers know (``testsuites``,
``testsuite``, ``testcase``, ``failure``, ``error``, ``skipped``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from omopify.quality.model import Assessment, Result

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Signs that XML 1.0 does not allow, not even escaped."""


def to_junit(assessment: Assessment) -> str:
    """Return the results as JUnit XML."""
    places: dict[str, list[Result]] = {}
    for result in assessment.results:
        places.setdefault(f"{result.check.suite}.{result.check.table}", []).append(result)
    root = Element("testsuites", _counted("omopify quality", assessment.results))
    for name, results in sorted(places.items()):
        suite = SubElement(root, "testsuite", {**_counted(name, results), "timestamp": _moment(assessment)})
        for result in results:
            _case(suite, name, result)
    indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _counted(name: str, results: Sequence[Result]) -> dict[str, str]:
    seconds = sum(result.measurement.seconds or 0.0 for result in results)
    words = [_outcome(result) for result in results]
    counts = {"tests": len(results)} | {
        f"{word}s" if word != "skipped" else word: words.count(word) for word in ("failure", "error", "skipped")
    }
    return {"name": _allowed(name), **{key: str(count) for key, count in counts.items()}, "time": f"{seconds:.3f}"}


def _outcome(result: Result) -> str:
    if result.waiver or result.status in ("not applicable", "off"):
        return "skipped"
    return {"fail": "failure", "error": "error"}.get(result.status, "")


def _case(suite: Element, name: str, result: Result) -> None:
    check, measured = result.check, result.measurement
    case = SubElement(
        suite,
        "testcase",
        {"classname": _allowed(name), "name": _allowed(check.id), "time": f"{measured.seconds or 0.0:.3f}"},
    )
    outcome = _outcome(result)
    if outcome == "skipped":
        SubElement(case, "skipped", {"message": _allowed(_why_skipped(result))})
    elif outcome == "failure":
        found = SubElement(case, "failure", {"type": check.severity, "message": _allowed(_found(result))})
        found.text = _allowed("\n".join(text for text in (check.description, check.causes, check.rows_sql) if text))
    elif outcome == "error":
        SubElement(case, "error", {"type": check.severity, "message": _allowed(measured.error or "not measured")})


def _found(result: Result) -> str:
    check, measured = result.check, result.measurement
    allowed = "none may" if not check.max_pct else f"at most {check.max_pct:g} % may"
    if measured.parts:
        worst = max(measured.parts, key=lambda part: part.violated / part.denominator if part.denominator else 0)
        return f"{worst.name}: {worst.violated} of {worst.denominator} {check.unit} fail, {allowed}"
    return f"{measured.violated} of {measured.denominator} {check.unit} fail, {allowed}"


def _why_skipped(result: Result) -> str:
    if waiver := result.waiver:
        return f"waived by {waiver.author} until {waiver.expires}: {waiver.reason} ({_found(result)})"
    if result.status == "off":
        change = result.check.change
        return f"switched off by {change.author}: {change.reason}" if change else "switched off"
    return result.measurement.not_applicable or "not applicable"


def _moment(assessment: Assessment) -> str:
    # JUnit's times have no zone; ours is UTC
    return assessment.subject.generated_at[:19]


def _allowed(text: str) -> str:
    return _FORBIDDEN.sub("?", text)
