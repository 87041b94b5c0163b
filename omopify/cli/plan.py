"""``omopify plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option, project_argument

if TYPE_CHECKING:
    from omopify.comparing.plan import Planned


@click.command(
    name="plan",
    cls=Command,
    examples={
        "omopify plan": "What would 'omopify run' do differently now?",
        "omopify plan --sql": "The same, with the SQL of changed maps.",
    },
)
@project_argument
@click.option("--sql", is_flag=True, help="Also show how the SQL of changed maps differs.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the result is, instead of the project's 'out:'.")
@json_option
def command(project: Path, sql: bool, out: Path | None, as_json: bool) -> None:
    """Say what a run of PROJECT would do differently from the last one.

    Files of the export are told apart by their content, maps by what they say; no row is read. Shown are what has
    changed, in words, and which tables that reaches.
    """
    from omopify.cli.changed import as_data, show_changes, sql_difference
    from omopify.cli.show import emit_json, progress, show_problems
    from omopify.comparing.plan import plan_run
    from omopify.errors import Problems
    from omopify.specs.project import load_project

    problems = Problems()
    loaded = load_project(project, problems)
    problems.stop_if_errors()
    assert loaded is not None
    with progress() as say:
        found = plan_run(loaded, problems, out, say)
    show_problems(problems.warnings, everything=False)
    patches = {one.map: sql_difference(one) for one in found.changes.maps if found.before} if sql else {}
    if as_json:
        since = found.before.manifest["run"]["started"] if found.before else None
        data = {"since": since, "nothing": found.changes.nothing, **as_data(found.changes)}
        emit_json(data | ({"sql": patches} if sql else {}))
        return
    click.echo(_first(found))
    if found.before and not found.changes.nothing:
        show_changes(found.changes)
        _reached(found)
    for patch in filter(None, patches.values()):
        click.echo()
        click.echo(patch)


def _first(found: Planned) -> str:
    from omopify.cli.show import counted

    if found.before is None:
        return f"There is no result yet: {counted(found.maps, 'map')} and {counted(found.forms, 'form')}, all new."
    if found.changes.nothing:
        return f"Nothing would change: all is as it was for {found.before.called}."
    return f"Different from {found.before.called}:"


def _reached(found: Planned) -> None:
    from omopify.cli.changed import names, say

    affected = found.changes.affected
    click.echo(click.style("Tables that may change", bold=True))
    for word, tables in (("", affected.direct), ("through them: ", affected.through)):
        if tables:
            say(f"  {word}{names(tables)}")
    if affected.linked:
        say(f"  point to their rows: {names(affected.linked)}")
    if not (affected.direct or affected.through):
        click.echo("  none: no map reads what has changed")
