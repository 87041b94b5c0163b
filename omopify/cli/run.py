"""``omopify run``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option, memory_option, project_argument, threads_option

if TYPE_CHECKING:
    from omopify.conversion.run import Result
    from omopify.specs.project import Project


@click.command(
    name="run",
    cls=Command,
    examples={
        "omopify run": "convert this folder's project",
        "omopify run my-project --out /data/omop": "put the result elsewhere",
        "omopify run --upload": "only if everything is approved",
    },
)
@project_argument
@click.option("--out", type=click.Path(path_type=Path), help="Where the result goes, instead of the project's 'out:'.")
@memory_option
@threads_option
@click.option(
    "--vocabulary", type=click.Path(path_type=Path), help="A vocabulary file or folder, instead of the project's."
)
@click.option("--draft", is_flag=True, help="Also use rows of concept files that nobody has checked yet.")
@click.option("--untested", is_flag=True, help="Leave out the tests of the maps: the result is a draft.")
@click.option("--upload", is_flag=True, help="Only if every part of the mapping is approved: a result that may leave.")
@click.option("--no-quality", is_flag=True, help="Leave out what 'omopify quality' does with the result.")
@click.option("--all", "everything", is_flag=True, help="Show all maps and all warnings, those of shared maps as well.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    project: Path,
    out: Path | None,
    memory_limit: str | None,
    threads: int | None,
    vocabulary: Path | None,
    draft: bool,
    untested: bool,
    upload: bool,
    no_quality: bool,
    everything: bool,
    as_json: bool,
) -> None:
    """Convert PROJECT's export into an OMOP CDM.

    PROJECT is a folder with a file omopify.yaml. The result is a DuckDB file with the schemas cdm (OMOP CDM
    v5.4), dsp (the harmonised variables) and audit (what became of every row), and a manifest.json. Then its
    quality is assessed, as 'omopify quality' does; if it is not ready, the command ends with 3.

    Before a row is read, the tests of the maps are run, as 'omopify test' does; if one fails, nothing is converted.
    """
    from omopify.cli.assessing import assess_and_end, mark_void
    from omopify.cli.drafts import show_draft
    from omopify.cli.ran import show_run, show_warnings
    from omopify.cli.show import emit_json, progress
    from omopify.conversion.run import Options, run
    from omopify.errors import Problems
    from omopify.quality.drafts import reasons
    from omopify.quality.place import place_of
    from omopify.quality.run import Options as Assessing
    from omopify.specs.project import DATABASE, load_project, shown
    from omopify.specs.reviews import reviews, stop_if_open

    if upload and (draft or untested):
        raise click.UsageError(
            f"a draft is never uploaded: leave out --upload or {'--draft' if draft else '--untested'}"
        )
    problems = Problems()
    loaded = load_project(project, problems)
    if loaded is None:
        problems.stop_if_errors()
    assert loaded is not None
    if upload:
        stop_if_open(reviews(loaded))
    with progress("the last result is as it was") as say:
        tests = None if untested or problems.errors else _tested(loaded, vocabulary, out, say)
        options = Options(out, memory_limit, threads, vocabulary, draft, tests is not None, tests, upload)
        result = run(loaded, options, problems, say)
    show_warnings(loaded, result.warnings, everything=everything)
    if not as_json:
        show_run(loaded, result, tests, everything=everything, assessed=not no_quality)
        if no_quality:
            show_draft(reasons(result.manifest))
        click.echo(shown(result.out / DATABASE))
    done = {"run": _as_data(result, tests)}
    place = place_of(loaded, out)
    assessing = Assessing(memory_limit=memory_limit, threads=threads)
    if not no_quality and as_json:
        assess_and_end(context, loaded, place, assessing, as_json=True, before=done)
    elif not no_quality:
        click.echo()
        assess_and_end(context, loaded, place, assessing)
    else:
        mark_void(place, silent=as_json)
        if as_json:
            emit_json(done)


def _tested(project: Project, vocabulary: Path | None, out: Path | None, say: Any) -> Mapping[str, int]:
    """Run the tests of the maps and return how many passed.

    Raises:
        OmopifyError: a test fails or cannot be run, or the maps do not compile.
    """
    from omopify.conversion.vocabulary import find_vocabulary
    from omopify.errors import Problems
    from omopify.testing.run import run_project_tests, stop_if_failed

    problems = Problems()
    found = find_vocabulary(project, problems, vocabulary)
    problems.stop_if_errors()
    report = run_project_tests(project, found, problems, out=out, progress=say)
    problems.stop_if_errors()
    stop_if_failed(report)
    return report.counts


def _as_data(result: Result, tests: Mapping[str, int] | None) -> dict[str, Any]:
    from omopify.specs.project import DATABASE

    return {
        "maps": result.manifest["maps"],
        "totals": result.manifest["totals"],
        "subjects_without_person": result.manifest["subjects_without_person"],
        "tests": dict(tests) if tests is not None else None,
        "database": str(result.out / DATABASE),
    }
