"""Problems as a SARIF log, version 2.1.0: GitHub code scanning and editors show it beside the lines.

The form is that of the OASIS standard, with what GitHub asks for besides (a place for each result, help for each
rule): https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from omopify import __version__
from omopify.compiler.lint import TITLES
from omopify.errors import Location, Problem

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_FAMILIES = {
    "1": "Reading the files of a project",
    "2": "The shape of a project, trial or map",
    "3": "A map against its sources and targets",
    "4": "Reading the trial's data",
    "5": "Running",
    "6": "The vocabulary and concept files",
    "7": "Making synthetic exports",
    "8": "Suites, changes, waivers and sign-off",
    "9": "The workbench",
}


def sarif(problems: Sequence[Problem], whole: str) -> dict[str, Any]:
    """Return problems as a SARIF log; those without a place are shown in the file *whole* (``omopify.yaml``)."""
    first = {problem.code: problem for problem in reversed(problems)}
    codes = sorted(first)
    driver = {"name": "omopify", "version": __version__, "rules": [_rule(first[code]) for code in codes]}
    results = [_result(problem, codes.index(problem.code), whole) for problem in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(problem: Problem) -> dict[str, Any]:
    title = TITLES.get(problem.code, _FAMILIES.get(problem.code[2:3], "omopify"))
    hint = f"{problem.hint[:1].upper()}{problem.hint[1:]}. " if problem.hint else ""
    text = f"{hint}The section {problem.code} of docs/problems.md explains it and says how to mend it."
    return {
        "id": problem.code,
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": problem.severity},
    }


def _result(problem: Problem, rule: int, whole: str) -> dict[str, Any]:
    at = problem.at or Location(whole)
    place: dict[str, Any] = {"artifactLocation": _artifact(at.path)}
    place["region"] = {"startLine": max(at.line, 1), "startColumn": max(at.column, 1)}
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": problem.severity,
        "message": {"text": problem.message + (f"; {problem.hint}" if problem.hint else "")},
        "locations": [{"physicalLocation": place}],
    }


def _artifact(path: str) -> dict[str, str]:
    """Return a file as SARIF names it: relative to the folder that the command was run in, or as a whole address."""
    if Path(path).is_absolute():
        return {"uri": Path(path).as_uri()}
    relative = (PurePosixPath("/") / Path(path).as_posix()).as_uri().removeprefix("file:///")
    return {"uri": relative, "uriBaseId": "%SRCROOT%"}
