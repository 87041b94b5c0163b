"""``omopify check``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option, project_argument

if TYPE_CHECKING:
    from omopify.cli.checking import Checked, Checker
    from omopify.errors import Problems
    from omopify.specs.project import Project

_FORMATS = ("human", "json", "github", "sarif")


@click.command(
    name="check",
    cls=Command,
    examples={
        "omopify check": "check the project in this folder",
        "omopify check --watch": "check again whenever a file is saved",
        "omopify check impress --strict": "for CI: warnings count as problems",
        "omopify check --format sarif > check.sarif": "for GitHub's code scanning",
    },
)
@project_argument
@click.option("--strict", is_flag=True, help="End with 1 if there are warnings, too.")
@click.option(
    "--format",
    type=click.Choice(_FORMATS),
    default="human",
    show_default=True,
    help="For people, for programs (json), as annotations of a GitHub workflow (github), or for code scanning (sarif).",
)
@json_option
@click.option("--watch", is_flag=True, help="Go on, and check again whenever a file changes; Ctrl-C ends it.")
@click.option("--all", "everything", is_flag=True, help="Show every warning, and not three of a kind.")
def command(project: Path, strict: bool, format: str, as_json: bool, watch: bool, everything: bool) -> None:
    """Check PROJECT's maps against the export, without reading a row of it.

    Files, words, expressions, columns (against the export's headers, if the data folder is there), concept files and
    the vocabulary's files are checked. Errors would stop a run. Warnings are what is probably not meant: a filter that
    leaves nothing out, a map without a test, a column that nobody has decided on. What is meant to be so is said under
    'accept:' in the file itself.
    """
    from omopify.cli.checking import Checker

    format = "json" if as_json else format
    checker = Checker(project)
    if watch:
        if format != "human":
            raise click.UsageError("'--watch' writes for people; leave '--format' out")
        _watch(checker, everything)
        return
    checked = checker.check()
    _write(checked, format, everything)
    if checked.errors or (strict and checked.warnings):
        sys.exit(1)


def _write(checked: Checked, format: str, everything: bool) -> None:
    from omopify.cli.show import annotation, emit_json, show_problems

    found = [*checked.errors, *checked.warnings]
    if format == "json":
        counts = {"maps": checked.maps, "sources": checked.sources, "tests": checked.tests}
        emit_json({**counts, "problems": [problem.to_dict() for problem in found]})
    elif format == "sarif":
        from omopify.cli.sarif import sarif

        emit_json(sarif(found, checked.whole))
    elif format == "github":
        for problem in found:
            click.echo(annotation(problem))
    else:
        show_problems(found, everything=everything)
        click.echo(_summary(checked))


def _summary(checked: Checked) -> str:
    """Say how much was looked at; how many errors there are is told with them."""
    from omopify.cli.show import counted

    if not checked.maps and checked.errors:
        return f"The rest is looked at when that is mended ({checked.seconds:.1f} s)"
    counts = [counted(checked.maps, "map"), counted(checked.sources, "source"), counted(checked.tests, "test")]
    if checked.warnings:
        counts.append(click.style(counted(len(checked.warnings), "warning"), fg="yellow"))
    elif not checked.errors:
        counts.append(click.style("no problems", fg="green"))
    later = "; warnings are looked for when that is mended" if checked.errors and not checked.in_full else ""
    return f"{', '.join(counts)} ({checked.seconds:.1f} s){later}"


def _watch(checker: Checker, everything: bool) -> None:
    """Check again whenever a file has changed, until the user ends it."""
    from omopify.cli.watching import changed_below, snapshot, wait_for_change

    new_data = False
    while True:
        try:
            places = checker.watched()
            before = snapshot(*places)
            checked = checker.check(new_data=new_data)
            if checker.watched() != places:  # the first round has shown where the maps and the data are
                before = snapshot(*checker.watched())
            if sys.stdout.isatty():
                click.clear()
            _write(checked, "human", everything)
            click.echo(click.style(f"{time.strftime('%H:%M:%S')}: watching; Ctrl-C ends it", dim=True))
            after = wait_for_change(lambda: snapshot(*checker.watched()), before)
            new_data = changed_below(checker.watched()[1], before, after)
        except KeyboardInterrupt:
            click.echo()
            return


def export_headers(project: Project, problems: Problems) -> dict[str, dict[str, str]]:
    """Return the columns of a project's export by source; nothing if the export is not there."""
    from omopify.conversion.sources import headers

    return headers(project.pack, project.data, problems) if project.data.is_dir() else {}
