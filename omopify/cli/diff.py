"""``omopify diff``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option, project_argument

if TYPE_CHECKING:
    from omopify.comparing.diff import Difference
    from omopify.comparing.rows import Shown

_ROWS = 50
"""How many rows --show-rows shows."""


@click.command(
    name="diff",
    cls=Command,
    examples={
        "omopify diff": "What is different from the last signed delivery, or else from the last result?",
        "omopify diff --with last": "... from the result before this one",
        "omopify diff --table measurement": "... in one table, by map and column",
        "omopify diff --show-rows measurement": "... row by row: shows values of patients",
    },
)
@project_argument
@click.option(
    "--with",
    "which",
    metavar="last|signed|PATH",
    help="What to compare with: the result before, the last signed delivery, or the output folder of another run. "
    "Without it, the last signed delivery, or else the result before.",
)
@click.option("--table", metavar="TABLE", help="Only this table (measurement, dsp.adverse_event), by map and column.")
@click.option("--show-rows", metavar="TABLE", help=f"Show {_ROWS} rows of a table that differ: patients' data.")
@click.option("--all", "everything", is_flag=True, help="Also list harmonised tables, and the causes map by map.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the result is, instead of the project's 'out:'.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    project: Path,
    which: str | None,
    table: str | None,
    show_rows: str | None,
    everything: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Say what PROJECT's result has that an earlier one had not, and why.

    Rows are compared by their ids, which stay the same from run to run. For each map whose rows differ the causes are
    named: its forms, the map itself, concepts, or a table that it reads. The screen is for the site: it shows exact
    counts, also small ones.
    """
    from omopify.cli.show import emit_json, progress, show_problems
    from omopify.comparing.diff import diff, rows_shown
    from omopify.comparing.results import earlier, last
    from omopify.errors import OmopifyError, Problem, Problems
    from omopify.specs.project import load_project

    problems = Problems()
    loaded = load_project(project, problems)
    problems.stop_if_errors()
    assert loaded is not None
    now = last(loaded, out)
    if now is None:
        raise OmopifyError(Problem("OM953", "there is no result yet", None, "'omopify run' makes one"))
    before = earlier(loaded, which, out)
    if before is None:
        if as_json:
            emit_json({"since": None})
        else:
            click.echo("There is no earlier result to compare with. The next run with another export, other maps or")
            click.echo("another vocabulary keeps this one; or name another run's output folder with --with.")
        return
    with progress() as say:
        found = diff(loaded, before, now, problems, say, table)
        rows = rows_shown(before, now, show_rows, _ROWS) if show_rows else []
    if as_json:
        emit_json(_as_data(found) | ({"rows": [asdict(row) for row in rows]} if show_rows else {}))
    elif show_rows:
        _show_rows(show_rows, rows)
    elif table:
        _show_table(found)
    else:
        _show(found, everything=everything)
    show_problems(problems.found)
    if problems.errors:
        context.exit(1)


def _show(found: Difference, *, everything: bool) -> None:
    from omopify.cli.changed import names, say, show_changes
    from omopify.cli.show import table
    from omopify.comparing.saying import grouped, headline

    for line in headline(found):
        say(line)
    listed = [one for one in found.differing if everything or not one.table.startswith("dsp.")]
    if listed:
        click.echo()
        rows = [(t.table, t.before, t.now, t.added, t.removed, t.changed, _columns(t.columns)) for t in listed]
        table("Rows that differ", ("table", "before", "now", "new", "gone", "changed", "columns that differ"), rows)
    if len(listed) < len(found.differing):
        harmonised = [one.table for one in found.differing if one not in listed]
        say(f"Harmonised tables that differ: {names(harmonised)} (--all shows them)")
        click.echo()
    if everything:
        _show_why(found, {why.map for why in found.why})
    elif found.why:
        groups = [(group.because, len(group.maps), group.rows, names(group.maps)) for group in grouped(found.why)]
        table("Why", ("because", "maps", "rows", "which"), groups)
    if not found.changes.nothing:
        click.echo(f"What has changed since {found.before.called}\n")
        show_changes(found.changes)


def _show_table(found: Difference) -> None:
    from omopify.cli.show import number, table

    for one in found.tables:
        title = f"{one.table}: {number(one.before)} rows before, {number(one.now)} now"
        if not one.maps:
            click.echo(f"{title}; none is new, gone or changed")
            continue
        rows = [(r.map, r.added, r.removed, r.changed, _columns(r.columns)) for r in one.maps]
        table(title, ("map", "new", "gone", "changed", "columns that differ"), rows)
        _show_why(found, {rows.map for rows in one.maps})


def _show_why(found: Difference, maps: set[str]) -> None:
    from omopify.cli.show import table

    why = [one for one in found.why if one.map in maps]
    if why:
        texts = [(one.map, one.rows, "; ".join(cause.text for cause in one.causes) or "?") for one in why]
        table("Why", ("map", "rows", "because"), texts)
    if any(len(one.causes) > 1 for one in why):
        click.echo("Where several things have changed, each of them may be the cause.\n")


def _show_rows(table: str, rows: list[Shown]) -> None:
    from omopify.cli.show import table as write

    if not rows:
        click.echo("No row of this table is new, gone or changed.")
        return
    listed = [(row.kind, row.key, row.map, "\n".join(row.said)) for row in rows]
    write(f"Rows of {table} that differ", ("", "key", "map", "what they hold"), listed)
    if len(rows) == _ROWS:
        click.echo(f"These are the first {_ROWS}.")


def _columns(columns: Any) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(columns.items(), key=lambda pair: -pair[1]))


def _as_data(found: Difference) -> dict[str, Any]:
    from omopify.cli.changed import as_data
    from omopify.comparing.saying import headline

    return {
        "since": found.before.day,
        "signed": found.before.signed is not None,
        "with": str(found.before.folder),
        "headline": headline(found),
        "people": asdict(found.people),
        "tables": [
            asdict(one) | {"added": one.added, "removed": one.removed, "changed": one.changed, "columns": one.columns}
            for one in found.tables
            if one.maps
        ],
        "why": [asdict(one) for one in found.why],
        "changes": as_data(found.changes),
    }
