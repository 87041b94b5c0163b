"""``omopify run``."""

from __future__ import annotations

from pathlib import Path

import click

from omopify.cli.options import size


@click.command(name="run")
@click.argument("project", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Where the result goes, instead of the project's 'out:'.")
@click.option("--memory-limit", callback=size, help="The most memory the database may use, such as 2GB.")
@click.option("--threads", type=click.IntRange(min=1), help="The most processor threads to use.")
@click.option(
    "--vocabulary", type=click.Path(path_type=Path), help="A vocabulary file or folder, instead of the project's."
)
@click.option("--draft", is_flag=True, help="Also use rows of concept files that nobody has checked yet.")
@click.option("--no-quality", is_flag=True, help="Leave out what 'omopify quality' does with the result.")
@click.pass_context
def command(
    context: click.Context,
    project: Path,
    out: Path | None,
    memory_limit: str | None,
    threads: int | None,
    vocabulary: Path | None,
    draft: bool,
    no_quality: bool,
) -> None:
    """Convert PROJECT's export into an OMOP CDM.

    PROJECT is a folder with a file omopify.yaml. The result is a DuckDB file with the schemas cdm (OMOP CDM
    v5.4), dsp (the harmonised variables) and audit (what became of every row), and a manifest.json. Then its
    quality is assessed, as 'omopify quality' does; if it is not ready, the command ends with 3.
    """
    from omopify.cli.assessing import assess_and_end, mark_void
    from omopify.cli.show import progress, show_problems, table
    from omopify.conversion.run import Options, run
    from omopify.errors import Problems
    from omopify.quality.place import place_of
    from omopify.quality.run import Options as Assessing
    from omopify.specs.project import DATABASE, load_project, shown

    problems = Problems()
    loaded = load_project(project, problems)
    if loaded is None:
        problems.stop_if_errors()
    assert loaded is not None
    with progress() as say:
        result = run(loaded, Options(out, memory_limit, threads, vocabulary, draft), problems, say)
    show_problems(result.warnings)
    columns = ("rows_read", "rows_used", "rows_filtered", "rows_deduplicated", "rows_rejected", "rows_written")
    maps = result.manifest["maps"]
    eras = [name for name in maps if name not in result.manifest["order"]]
    ran = [*result.manifest["order"], *eras]
    idle = [name for name in ran if not maps[name]["rows_read"]]
    rows = [(name, *(maps[name][c] for c in columns)) for name in ran if name not in idle]
    table("Where the rows went", ("map", "read", "used", "filtered", "duplicate", "rejected", "written"), rows)
    if idle:
        click.echo(f"{len(idle)} maps found no row to read: {', '.join(idle)}")
    totals = result.manifest["totals"]
    unchecked = sum(counts["unchecked"] for counts in result.manifest["concept_files"].values())
    if draft:
        click.echo(f"draft: {unchecked} mappings that nobody has checked were used")
    click.echo(
        f"rejected rows {totals['rejects']}, values left out {totals['value_issues']}, "
        f"dates filled in {totals['imputations']}, values without a concept {totals['unmapped_values']}, "
        f"columns undecided {totals['columns_undecided']}: see the schema 'audit'"
    )
    if totals["unmapped_values"]:
        click.echo(f"'omopify vocab suggest {shown(project)}' proposes concepts for values that have none")
    click.echo(shown(result.out / DATABASE))
    place = place_of(loaded, out)
    if no_quality:
        mark_void(place)
    else:
        click.echo()
        assess_and_end(context, loaded, place, Assessing(memory_limit=memory_limit, threads=threads))
