"""``omopify vocab check``."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option, project_argument

if TYPE_CHECKING:
    from omopify.errors import Problem, Problems
    from omopify.progress import Progress
    from omopify.vocabulary.checking.check import Report, Subject
    from omopify.vocabulary.checking.repair import Edit, Finding, Outcome

MOST = 10
"""How many findings of one kind in one file people are shown."""

MOST_LACKING = 3
"""How many concepts that the vocabulary lacks are shown of a pack that is not the steward's."""


@click.command(
    name="check",
    cls=Command,
    examples={
        "omopify vocab check": "every concept id of the project in this folder",
        "omopify vocab check --fix": "write the repairs that are beyond doubt",
        "omopify vocab check --vocabulary new.duckdb": "against another release",
    },
)
@project_argument
@click.option(
    "--vocabulary", type=click.Path(path_type=Path), help="A vocabulary file or folder, instead of the project's."
)
@click.option("--fix", is_flag=True, help="Write the repairs that are beyond doubt, and mark the rows for review.")
@click.option(
    "--format",
    type=click.Choice(["human", "json", "github"]),
    default="human",
    show_default=True,
    help="How findings are written: for people, for programs, or as annotations of a GitHub workflow.",
)
@json_option
@click.option(
    "--show-values", is_flag=True, help="Name the values of the data that have no row, not only their number."
)
def command(project: Path, vocabulary: Path | None, fix: bool, format: str, as_json: bool, show_values: bool) -> None:
    """Check every concept id of PROJECT's maps and concept files.

    Each is held against the vocabulary: it exists, is standard and valid, fits its field, and is what its name
    says. Concept files are looked through for what spreadsheets do to them, and compared with the values of the
    last run. Without --fix nothing is written.
    """
    from omopify.cli.show import annotation, emit_json, progress
    from omopify.errors import Problems
    from omopify.vocabulary.checking.check import check

    problems, unread = Problems(), Problems()
    with tempfile.TemporaryDirectory(prefix="omopify-") as scratch, progress() as say:
        subject = _subject(project, vocabulary, Path(scratch), problems, say)
        say("checking concepts")
        report = check(subject, unread, show_values)
        outcome = _repair(report) if fix else None
        if outcome and outcome.edits:
            unread = Problems()
            report = check(subject, unread, show_values)
    problems.extend(unread.found)
    told = [*problems.errors, *problems.warnings, *(outcome.refused if outcome else ())]
    every = [*told, *(finding.problem for finding in report.findings)]
    if format == "json" or as_json:
        emit_json(_as_json(report, told, outcome))
    elif format == "github":
        for problem in every:
            click.echo(annotation(problem))
    else:
        _show(report, told, outcome, fix)
    if any(problem.severity == "error" for problem in every):
        sys.exit(1)


def _subject(path: Path, instead: Path | None, scratch: Path, problems: Problems, say: Progress) -> Subject:
    """Read the project; what is wrong with its maps stops the check."""
    from omopify.cli.vocab._project import loaded_vocabulary, open_project
    from omopify.conversion.vocabulary import find_vocabulary, local_concepts
    from omopify.specs.project import DATABASE
    from omopify.vocabulary.checking.check import Subject
    from omopify.vocabulary.loading.athena import SHIPPED

    say("reading the maps")
    project, plan = open_project(path, problems)
    found = find_vocabulary(project, problems, instead)
    local = local_concepts(project.pack, problems)
    problems.stop_if_errors()
    assert plan is not None
    file = loaded_vocabulary(project, found, instead, scratch, say)
    names = [str(instead)] if instead else project.file.vocabulary
    return Subject(
        project,
        plan,
        file,
        extract=all(name in SHIPPED for name in names),
        local=local,
        result=project.out / DATABASE,
        on=project.file.released,
    )


def _repair(report: Report) -> Outcome:
    from datetime import UTC, datetime

    from omopify.vocabulary.checking.repair import repair

    return repair(report.findings, datetime.now(UTC))


def _as_json(report: Report, told: Sequence[Problem], outcome: Outcome | None) -> dict[str, object]:
    result: dict[str, object] = {
        "concepts": report.concepts,
        "concept_files": report.files,
        "compared_with_data": report.compared,
        "findings": [_finding_as_dict(finding) for finding in report.findings],
        "problems": [problem.to_dict() for problem in told],
    }
    if outcome:
        result["repaired"] = [
            {
                "file": edit.at.path,
                "line": edit.at.line,
                "column": edit.at.column,
                "cell": edit.column,
                "old": edit.old,
                "new": edit.new,
            }
            for edit in outcome.edits
        ]
    return result


def _finding_as_dict(finding: Finding) -> dict[str, object]:
    values = {"values": [{"value": value, "rows": rows} for value, rows in finding.values]} if finding.values else {}
    return {
        **finding.problem.to_dict(),
        "proposal": finding.proposal or None,
        "fixable": finding.repair is not None,
        "pack": finding.pack or None,
        **values,
    }


def _show(report: Report, told: Sequence[Problem], outcome: Outcome | None, fix: bool) -> None:
    from omopify.cli.show import show_problems

    if outcome:
        _show_edits(outcome.edits)
    shown: Counter[tuple[str, str, int]] = Counter()
    problems = list(told)
    for finding in sorted(report.findings, key=_place):
        at = finding.problem.at
        code = finding.problem.code
        # What a small vocabulary lacks of a shipped pack is no work for the steward: a few examples are enough.
        lacking = bool(finding.pack) and code == "OM640"
        most = MOST_LACKING if lacking else MOST
        kind = (finding.pack if lacking else at.path if at else "", code, most)
        shown[kind] += 1
        if shown[kind] <= most:
            problems.append(_near(finding))
    show_problems(problems)
    for (path, code, most), number in shown.items():
        if number > most:
            click.echo(f"{path}: {number - most} more of {code}; --json lists all", err=True)
    for finding in report.findings:
        if finding.values:
            click.echo(f"{_near(finding).at}:")
            for value, rows in finding.values:
                click.echo(f"{rows:>8}  {value}")
    click.echo(_summary(report, fix))
    if any(f.problem.code == "OM658" and not f.values for f in report.findings):
        click.echo("values of the data are only counted; --show-values names them")


def _near(finding: Finding) -> Problem:
    """Return a problem with its place as a person knows it: files that were installed by their pack."""
    from omopify.vocabulary.checking.uses import known_as

    at = finding.problem.at
    return replace(finding.problem, at=known_as(at)) if at else finding.problem


def _place(finding: Finding) -> tuple[str, int, int]:
    at = finding.problem.at
    return (at.path, at.line, at.column) if at else ("", 0, 0)


def _show_edits(edits: Iterable[Edit]) -> None:
    from omopify.cli.show import counted

    files: Counter[str] = Counter()
    for edit in edits:
        if edit.mark:
            continue  # that a row waits for a review is told by what is found next
        files[edit.at.path] += 1
        what = (
            "row removed"
            if edit.new is None
            else f"{edit.column + ': ' if edit.column else ''}'{edit.old}' -> '{edit.new}'"
        )
        click.echo(f"repaired {edit.at}: {what}")
    if files:
        click.echo(f"{counted(files.total(), 'change')} in {counted(len(files), 'file')}")
    else:
        click.echo("nothing to repair without a decision of yours")


def _summary(report: Report, fix: bool) -> str:
    from omopify.cli.show import counted

    errors = sum(finding.problem.severity == "error" for finding in report.findings)
    fixable = sum(finding.repair is not None for finding in report.findings)
    parts = [f"{counted(report.concepts, 'concept')} in maps and {counted(report.files, 'concept file')}"]
    found = f"{counted(errors, 'error')}, {counted(len(report.findings) - errors, 'warning')}"
    parts.append(found if report.findings else "nothing is wrong")
    if fixable and not fix:
        parts.append(f"--fix can repair {fixable}")
    if not report.compared:
        parts.append("not compared with the data: there is no run yet")
    return "; ".join(parts)
