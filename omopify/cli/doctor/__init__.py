"""``omopify doctor``: whether all is in place, a line each, and how to mend what is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from omopify.cli.completing import folders
from omopify.cli.group import Command
from omopify.cli.options import json_option

if TYPE_CHECKING:
    from omopify.cli.doctor.found import Found

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(
    name="doctor",
    cls=Command,
    examples={
        "omopify doctor": "this computer, and the project in this folder if there is one",
        "omopify doctor impress": "this computer, and the project in the folder impress",
        "omopify doctor --json": "for whoever helps you from afar; it holds no data",
    },
)
@click.argument("project", type=click.Path(path_type=Path), required=False, shell_complete=folders)
@json_option
@click.pass_context
def command(context: click.Context, project: Path | None, as_json: bool) -> None:
    """Say whether all is in place, and what is missing.

    Looked at are the program and its libraries, the computer, and of PROJECT the export, the vocabulary, the key
    register, the last result, and whether git leaves all of them alone. Nothing is changed, and no value of the export
    is shown. Ends with 1 if anything fails.
    """
    from omopify.cli.doctor.machine import look_at_machine
    from omopify.cli.doctor.project import look_at_project
    from omopify.cli.show import counted, emit_json

    here = project or Path()
    parts: dict[str, Sequence[Found]] = {"This computer": look_at_machine()}
    if project is not None or (here / "omopify.yaml").is_file():
        parts[f"The project in {here.absolute() if project is None else here}"] = look_at_project(here)
    every = [found for part in parts.values() for found in part]
    fails, warns = (sum(found.status == status for found in every) for status in ("fail", "warn"))
    if as_json:
        emit_json({"fails": fails, "warns": warns, "checks": [found.to_dict() for found in every]})
    else:
        for title, part in parts.items():
            _show(title, part)
        if len(parts) == 1:
            click.echo("There is no project in this folder; 'omopify init' begins one.")
        said = [counted(fails, "thing") + " to mend"] if fails else []
        said += [counted(warns, "thing") + " to look at"] if warns else []
        click.echo(", ".join(said) or "All is in place.")
    context.exit(1 if fails else 0)


def _show(title: str, part: Sequence[Found]) -> None:
    from rich.table import Table
    from rich.text import Text

    from omopify.cli.show import put

    click.echo(click.style(title, bold=True))
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(no_wrap=True, min_width=6)
    lines.add_column(no_wrap=True, min_width=12)
    lines.add_column(overflow="fold")
    for found in part:
        said = Text(found.said)
        if found.mend:
            said.append(f"\n{found.mend}", style="dim")
        lines.add_row(Text(f"  {found.status}", style=_COLOURS[found.status]), found.name, said)
    put(lines)
    click.echo()
