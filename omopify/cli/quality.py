"""``omopify quality``, and ``omopify quality rows``."""

from __future__ import annotations

from pathlib import Path

import click

from omopify.cli.group import Command, CommandWithVerbs
from omopify.cli.options import json_option, memory_option, project_argument, threads_option

_OUT = click.option(
    "--out", type=click.Path(path_type=Path), help="Where the result is, instead of the project's 'out:'."
)


@click.command(
    name="rows",
    cls=Command,
    examples={
        "omopify quality rows omop.death.after_birth": "the rows behind one line of the report",
        "omopify quality rows omop.death.after_birth impress": "of the project in the folder impress",
    },
)
@click.argument("check", metavar="CHECK_ID")
@project_argument
@_OUT
@json_option
@memory_option
@threads_option
def rows(
    check: str, project: Path, out: Path | None, as_json: bool, memory_limit: str | None, threads: int | None
) -> None:
    """Write the keys of the rows that fail a check to a file that must stay.

    CHECK_ID is as the report shows it. For each row the file says its table and key, and the file, sheet and row of
    the export that it is from. No value is written, and nothing of it is printed.
    """
    from omopify.cli.assessing import open_place
    from omopify.cli.show import counted, emit_json, progress
    from omopify.quality.rows import list_rows
    from omopify.specs.project import shown

    _, place = open_place(project, out)
    with progress() as say:
        say("looking for the rows")
        listed = list_rows(check, place, memory_limit, threads)
    if listed.stale:
        click.echo("the data have changed since quality was last assessed: the rows are those of today", err=True)
    if as_json:
        found = {"rows": listed.rows, "file": str(listed.path), "first": list(listed.first), "stale": listed.stale}
        emit_json({"check": check, **found})
        return
    if listed.first:
        parts = "the part that fails" if len(listed.first) == 1 else f"the {len(listed.first)} parts that fail"
        click.echo(f"first come the rows of {parts}")
    fail = "fails" if listed.rows == 1 else "fail"
    click.echo(f"{counted(listed.rows, 'row')} {fail}; this file must not leave your site:")
    click.echo(shown(listed.path))


@click.command(
    name="quality",
    cls=CommandWithVerbs,
    verbs={"rows": rows},
    examples={
        "omopify quality": "assess the result of the project in this folder",
        "omopify quality --strict": "open warnings hold it up, too",
        "omopify quality --rejudge": "after a change of thresholds or waivers",
        "omopify quality partner.duckdb --out partner": "a CDM that others have made",
    },
)
@project_argument
@_OUT
@click.option("--strict", is_flag=True, help="End with 3 for open warnings, too, and not only for critical checks.")
@click.option("--rejudge", is_flag=True, help="Judge the last counts anew, by today's thresholds and waivers.")
@click.option(
    "--transfer",
    type=click.Choice(["monthly", "end_of_participation", "cohort_completion"]),
    help="The transfer that the data are for, instead of the project's.",
)
@click.option("--show-terms", is_flag=True, help="Name terms without a concept. They are values of the export.")
@click.option("--schema", help="For a database of others: the schema that holds the CDM.  [default: cdm]")
@json_option
@memory_option
@threads_option
@click.pass_context
def command(
    context: click.Context,
    project: Path,
    out: Path | None,
    strict: bool,
    rejudge: bool,
    transfer: str | None,
    show_terms: bool,
    schema: str | None,
    as_json: bool,
    memory_limit: str | None,
    threads: int | None,
) -> None:
    """Check PROJECT's result, judge it, and write the quality report.

    PROJECT is a folder with a file omopify.yaml whose result is there ('omopify run'), or any DuckDB file that holds
    an OMOP CDM. Everything is written to the folder 'quality' of the result; report.html is for reading, and the
    folder 'shareable' holds what may leave. Ends with 3 if the result is not ready.
    """
    from omopify.cli.assessing import assess_and_end, open_place
    from omopify.quality.run import Options

    if rejudge and (transfer or show_terms):
        raise click.UsageError("--rejudge asks the data nothing, so --transfer and --show-terms need a run without it")
    loaded, place = open_place(project, out, schema)
    options = None if rejudge else Options(transfer, show_terms, memory_limit, threads)
    assess_and_end(context, loaded, place, options, strict=strict, as_json=as_json)
