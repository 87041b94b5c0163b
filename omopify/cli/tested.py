"""How the outcome of tests is shown: expected and actual rows side by side, for people; the same for programs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omopify.cli.terminal import width

if TYPE_CHECKING:
    from omopify.errors import Location, Problem
    from omopify.testing.coverage import MapCoverage
    from omopify.testing.model import Difference, Mismatch, Outcome, Report, Row

_LONGEST = 40
"""Longer texts are cut, unless they are what differs."""

_FEW = 5
"""So many parts of a map that no test reaches are shown; all of them if maps are named."""


def show_report(report: Report, seconds: float, *, named: bool, problems: int) -> None:
    """Write what became of tests to standard output, failures first as they ask for work."""
    for outcome in report.failed:
        for line in _failure(outcome):
            click.echo(line)
        click.echo()
    for outcome in report.skipped:
        click.echo(f"{click.style('skipped', fg='yellow')}  {outcome.map}: {outcome.name}; {outcome.skipped}")
    if report.coverage:
        _show_coverage(report.coverage, everything=named)
    click.echo(_summary(report, seconds, problems))


def _summary(report: Report, seconds: float, problems: int) -> str:
    from omopify.cli.show import counted

    counts, before = report.counts, sum(outcome.remembered for outcome in report.outcomes)
    said = [f"{counts['passed']} passed"] if counts["passed"] else []
    said += [click.style(f"{counts['failed']} failed", fg="red", bold=True)] if counts["failed"] else []
    said += [click.style(f"{counts['skipped']} skipped", fg="yellow")] if counts["skipped"] else []
    said += [click.style(f"{problems} cannot be run", fg="red", bold=True)] if problems else []
    every = counts["run"] + counts["skipped"] + problems
    line = f"{counted(every, 'test')}: {', '.join(said) or 'nothing to do'} ({seconds:.1f} s)"
    if before:
        those = "all of them" if before == every else f"{before} of them"
        line += f"; {those} passed before, and nothing they depend on has changed: --all runs them again"
    if report.untested:
        line += f"\n{counted(len(report.untested), 'map')} without a test: {', '.join(report.untested)}"
    return line


def _failure(outcome: Outcome) -> Iterator[str]:
    yield f"{click.style('FAILED', fg='red', bold=True)}  {click.style(outcome.map, bold=True)}: {outcome.name}"
    yield f"        {outcome.at}"
    if outcome.hint:
        yield f"        {outcome.hint}"
    for difference in outcome.differences:
        yield ""
        if difference.stopped:
            yield f"  {difference.stopped}"
        else:
            yield from _difference(difference)


def _difference(difference: Difference) -> Iterator[str]:
    """Yield the rows that are not as expected as a table: what is expected above what there is."""
    yield f"  {click.style(difference.table, bold=True)}  {_rows(difference)}"
    lines: list[tuple[str, Row, Sequence[str]]] = []
    for mismatch in difference.mismatches:
        lines += _lines(mismatch)
    columns, left = _fitting(difference, [row for _, row, _ in lines], max(len(label) for label, _, _ in lines))
    cells = [[_cell(row, name, name in wrong) for name in columns] for _, row, wrong in lines]
    widths = [max(len(name), *(len(row[n]) for row in cells)) for n, name in enumerate(columns)]
    margin = max(len(label) for label, _, _ in lines) + 6
    yield (" " * margin + "  ".join(f"{name:<{size}}" for name, size in zip(columns, widths, strict=True))).rstrip()
    for (label, _, wrong), row in zip(lines, cells, strict=True):
        marked = [name in wrong for name in columns]
        colour = "red" if not label.startswith("expected") else "green"
        shown = [
            click.style(f"{text:<{size}}", fg=colour) if mark else f"{text:<{size}}"
            for text, size, mark in zip(row, widths, marked, strict=True)
        ]
        yield f"    {label:<{margin - 4}}" + "  ".join(shown).rstrip()
        if label == "got" and any(marked):
            signs = [
                ("^" * max(len(t), 1) if mark else "").ljust(s) for t, s, mark in zip(row, widths, marked, strict=True)
            ]
            yield " " * margin + "  ".join(signs).rstrip()
    if left:
        yield f"    (not shown, for want of room: {', '.join(left)})"


def _rows(difference: Difference) -> str:
    from omopify.cli.show import counted

    wanted = counted(difference.expected, "row") if difference.expected else "no row"
    return f"{wanted} expected, {difference.rows or 'none'} there"


def _lines(mismatch: Mismatch) -> list[tuple[str, Row, Sequence[str]]]:
    """Return label, row and marked columns: one line, or two that belong together."""
    expected, actual, line = mismatch.expected or {}, mismatch.actual or {}, mismatch.at.line
    if mismatch.kind == "differs":
        return [(f"expected, line {line}", expected, mismatch.wrong), ("got", actual, mismatch.wrong)]
    if mismatch.kind == "missing":
        return [(f"no such row, line {line}", expected, ())]
    return [("not expected", actual, ())]


def _fitting(difference: Difference, rows: Sequence[Row], label: int) -> tuple[list[str], list[str]]:
    """Return the columns for which there is room, those that differ first of all, and the others."""
    room = (width(sys.stdout) or shutil.get_terminal_size().columns) - label - 8
    wrong = {name for mismatch in difference.mismatches for name in mismatch.wrong}
    sizes = {n: max(len(n), *(len(_cell(row, n, n in wrong)) for row in rows)) + 2 for n in difference.columns}
    taken: set[str] = set()
    for name in sorted(difference.columns, key=lambda name: name not in wrong):
        if not taken or sizes[name] <= room:
            taken.add(name)
            room -= sizes[name]
    return [n for n in difference.columns if n in taken], [n for n in difference.columns if n not in taken]


def _cell(row: Row, name: str, whole: bool) -> str:
    if name not in row:
        return ""
    value = row[name]
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if whole or len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _show_coverage(coverage: Sequence[MapCoverage], *, everything: bool) -> None:
    from omopify.cli.show import table
    from omopify.testing.coverage import KINDS

    rows = [(one.map, one.tests, *(_share(one.counts(kind)) for kind in KINDS)) for one in coverage]
    sums = [[sum(one.counts(kind)[n] for one in coverage) for n in (0, 1)] for kind in KINDS]
    rows.append(("all", sum(one.tests for one in coverage), *(_share((done, every)) for done, every in sums)))
    table("What the tests reach", ("map", "tests", *KINDS.values()), rows)
    for one in coverage:
        shown = one.open if everything else one.open[:_FEW]
        if shown:
            click.echo(f"{click.style(one.map, bold=True)}: no test in which")
        for part in shown:
            click.echo(f"  {part.name}  {click.style(str(part.at), dim=True)}")
        if len(shown) < len(one.open):
            click.echo(f"  and {len(one.open) - len(shown)} more: omopify test --coverage {one.map}")
    click.echo()


def _share(counts: tuple[int, int]) -> str:
    done, every = counts
    return f"{done} of {every}" if every else "-"


def as_data(report: Report, problems: Sequence[Problem]) -> dict[str, Any]:
    """Return a report for programs."""
    from omopify.testing.coverage import KINDS

    return {
        "counts": report.counts,
        "tests": [
            {
                "map": outcome.map,
                "name": outcome.name,
                **_place(outcome.at),
                "outcome": "passed" if outcome.passed else "skipped" if outcome.skipped else "failed",
                "skipped": outcome.skipped,
                "hint": outcome.hint,
                "remembered": outcome.remembered,
                "differences": [_as_data(difference) for difference in outcome.differences],
            }
            for outcome in report.outcomes
        ],
        "untested": list(report.untested),
        "coverage": {
            one.map: {
                "tests": one.tests,
                **{kind: dict(zip(("covered", "of"), one.counts(kind), strict=True)) for kind in KINDS},
                "open": [{"kind": part.kind, "what": part.name, **_place(part.at)} for part in one.open],
            }
            for one in report.coverage
        },
        "problems": [problem.to_dict() for problem in problems],
    }


def _as_data(difference: Difference) -> dict[str, Any]:
    return {
        "table": difference.table,
        "expected": difference.expected,
        "rows": difference.rows,
        "stopped": difference.stopped,
        "mismatches": [
            {
                "kind": mismatch.kind,
                **_place(mismatch.at),
                "expected": mismatch.expected,
                "actual": mismatch.actual,
                "wrong": list(mismatch.wrong),
            }
            for mismatch in difference.mismatches
        ],
    }


def _place(at: Location) -> dict[str, Any]:
    return {"file": at.path, "line": at.line, "column": at.column}


def write_junit(report: Report, problems: Sequence[Problem], path: Path) -> None:
    """Write a report in the form that CI servers read (JUnit XML); a test that cannot be run is an error."""
    from xml.etree import ElementTree as Xml

    counts = report.counts
    tests = counts["run"] + counts["skipped"] + len(problems)
    totals = {"tests": tests, "failures": counts["failed"], "errors": len(problems), "skipped": counts["skipped"]}
    suite = Xml.Element("testsuite", {"name": "omopify test", **{name: str(n) for name, n in totals.items()}})
    for outcome in report.outcomes:
        place = {"file": outcome.at.path, "line": str(outcome.at.line)}
        case = Xml.SubElement(suite, "testcase", {"classname": outcome.map, "name": outcome.name, **place})
        if outcome.skipped:
            Xml.SubElement(case, "skipped", {"message": outcome.skipped})
        elif not outcome.passed:
            text = "\n".join(click.unstyle(line) for line in _failure(outcome))
            Xml.SubElement(case, "failure", {"message": "not as expected"}).text = text
    for problem in problems:
        case = Xml.SubElement(suite, "testcase", {"classname": problem.code, "name": str(problem.at or problem.code)})
        Xml.SubElement(case, "error", {"message": str(problem)})
    Xml.indent(suite)
    Xml.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
