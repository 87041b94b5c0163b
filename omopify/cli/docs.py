"""``omopify docs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option, project_argument

if TYPE_CHECKING:
    from collections.abc import Mapping

_HTML = "mapping.html"
_MARKDOWN = "mapping"
_OURS = ("map-", "dsp-", "omop-", "form-", "concepts-")


@click.command(
    name="docs",
    cls=Command,
    examples={
        "omopify docs": "write mapping.html for the project you are in",
        "omopify docs impress --out /tmp/review": "write it to another folder",
        "omopify docs impress --format markdown": "write Markdown files, for git",
        "omopify docs impress --json": "the same as data, for programs",
    },
)
@project_argument
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="The folder to write to.  [default: PROJECT/docs]"
)
@click.option(
    "--format",
    type=click.Choice(["html", "markdown", "both"]),
    default="html",
    show_default=True,
    help="One page for reading and signing, or Markdown files for git.",
)
@json_option
def command(project: Path, out: Path | None, format: str, as_json: bool) -> None:
    """Write PROJECT's mapping as a document for people.

    It says for every variable where it comes from and how, in words, with the value lists, assumptions, tests and
    reviewers; and for every table of OMOP what fills it. It is made from the maps that run, so it never lags behind.
    A PI can read it, print it and sign it. Counts are those of the last result, and small ones are hidden.
    """
    from omopify.cli.show import counted, emit_json, show_problems
    from omopify.describing.mapping import as_data, document
    from omopify.errors import Problems
    from omopify.reports.mapping import render_html, render_markdown
    from omopify.specs.project import load_project, shown

    problems = Problems()
    loaded = load_project(project, problems)
    problems.stop_if_errors()
    assert loaded is not None
    said = as_data(document(loaded, problems))
    show_problems(problems.warnings, everything=False)
    if as_json:
        emit_json(said)
        return
    folder = out or loaded.folder / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    if format in ("html", "both"):
        (folder / _HTML).write_text(render_html(said), encoding="utf-8", newline="\n")
    if format in ("markdown", "both"):
        _write_all(folder / _MARKDOWN, render_markdown(said))
    waiting = sum(state["status"] != "approved" for state in said["states"])
    undecided = sum(column["decision"] == "undecided" for source in said["sources"] for column in source["columns"])
    click.echo(
        f"{said['name']}: {counted(len(said['sources']), 'form')}, {counted(len(said['maps']), 'map')}, "
        f"{counted(len(said['omop']), 'OMOP table')}; version {said['fingerprint']}"
    )
    if undecided:
        click.echo(f"{counted(undecided, 'column')} of the export nobody has decided about")
    if waiting:
        state = click.style("DRAFT", fg="yellow", bold=True)
        click.echo(f"{state}: {waiting} of {len(said['states'])} parts are not approved; 'omopify review' lists them")
    else:
        click.echo(click.style("APPROVED", fg="green", bold=True))
    for name in [_HTML] * (format != "markdown") + [f"{_MARKDOWN}/README.md"] * (format != "html"):
        click.echo(shown(folder / name))


def _write_all(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files of a folder, and take away those about maps, tables and forms that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name.startswith(_OURS) and old.name not in files:
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
