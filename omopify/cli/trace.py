"""``omopify trace``."""

from __future__ import annotations

from pathlib import Path

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option, project_first


@click.command(
    name="trace",
    cls=Command,
    examples={
        "omopify trace condition_occurrence 12": "where row 12 comes from",
        "omopify trace dsp.adverse_event 5": "the fifth row of a harmonised table",
        "omopify trace --source AE 17": "what became of row 17 of a form",
        "omopify trace my-project person 3 --show-values": "with the patient's data",
    },
)
@click.argument("words", nargs=-1, metavar="[PROJECT] [TABLE ID]")
@click.option(
    "--source",
    "form",
    nargs=2,
    metavar="FORM ROW",
    type=(str, click.IntRange(min=1)),
    help="Follow this row of the export, as a spreadsheet numbers it.",
)
@click.option("--sheet", metavar="NAME", help="The worksheet, where a form has several.")
@click.option("--show-values", is_flag=True, help="Show what stands in the cells. This is data of patients.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=5, show_default=True, metavar="N", help="Rows of one kind to follow."
)
@click.option("--out", type=click.Path(path_type=Path), help="Where the result is, instead of the project's 'out:'.")
@json_option
def command(
    words: tuple[str, ...],
    form: tuple[str, int] | None,
    sheet: str | None,
    show_values: bool,
    limit: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Follow a row: from OMOP back to the eCRF, or from the eCRF forward.

    TABLE ID is a row of the result: of a table of the CDM by its id, of a harmonised table (dsp.*) by its number.
    The trace leads back to file and row, with the map, the expression and the concept decision behind each
    column. --source FORM ROW leads the other way: FORM is a form's name or file, ROW the number that a
    spreadsheet shows. Each map that reads the row says what it did with it, and why.

    Values are shown only with --show-values.
    """
    from omopify.cli.show import emit_json, show_problems
    from omopify.cli.tracing import show
    from omopify.errors import Problems
    from omopify.specs.project import load_project
    from omopify.tracing.model import plain
    from omopify.tracing.trace import tracing

    project, table, number = _wanted(words, form)
    problems = Problems()
    loaded = load_project(project, problems)
    if loaded is None:
        problems.stop_if_errors()
    assert loaded is not None
    problems = Problems()
    with tracing(loaded, out, problems) as tracer:
        found = (
            tracer.forward(*form, sheet=sheet, show_values=show_values)
            if form
            else tracer.back(table, number, limit=limit, show_values=show_values)
        )
    show_problems(problems.warnings)
    if as_json:
        emit_json(plain(found))
    else:
        show(found, show_values)


def _wanted(words: tuple[str, ...], form: tuple[str, int] | None) -> tuple[Path, str, int]:
    """Return the project, and table and id if there is no form."""
    usage = "write TABLE ID, such as 'condition_occurrence 12', or --source FORM ROW, such as '--source AE 17'"
    if form:
        if len(words) > 1:
            raise click.UsageError(f"with --source there is no TABLE ID; {usage}")
        return (Path(words[0]) if words else Path()), "", 0
    project, rest = (Path(words[0]), words[1:]) if len(words) == 3 else project_first(words) if words else (Path(), ())
    if len(words) == 2:
        project, rest = Path(), words
    if len(rest) != 2:
        raise click.UsageError(usage)
    table, number = rest
    if not number.isdecimal():
        raise click.UsageError(f"'{number}' is no id: ids are whole numbers; {usage}")
    return project, table, int(number)
