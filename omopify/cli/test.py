"""``omopify test``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from omopify.cli.completing import map_names
from omopify.cli.group import Command
from omopify.cli.options import json_option, project_first

if TYPE_CHECKING:
    from omopify.specs.project import Project

FAILED = 3
"""How the command ends when tests fail."""


@click.command(
    name="test",
    cls=Command,
    examples={
        "omopify test": "the tests of all maps of this folder's project",
        "omopify test my-project adverse_event": "those of one map",
        "omopify test --coverage": "and what no test reaches",
        "omopify test --freeze adverse_event": "write a test from rows of a made-up export",
    },
)
@click.argument("words", nargs=-1, metavar="[PROJECT] [MAP]...", shell_complete=map_names)
@click.option("--all", "everything", is_flag=True, help="Also run tests that passed before and that nothing changed.")
@click.option("--coverage", is_flag=True, help="Show which filters, values, dates and look-ups no test reaches.")
@click.option("--out", type=click.Path(path_type=Path), help="The output folder, instead of the project's 'out:'.")
@click.option(
    "--vocabulary", type=click.Path(path_type=Path), help="A vocabulary file or folder, instead of the project's."
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Also write a file for CI servers.")
@click.option(
    "--freeze", "frozen", multiple=True, metavar="MAP", help="Write a test from rows of the export, and run nothing."
)
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="With --freeze: how many rows.",
)
@click.option(
    "--from", "picked", multiple=True, metavar="FORM:ROW", help="With --freeze: this row, as a spreadsheet numbers it."
)
@click.option(
    "--data-is",
    type=click.Choice(["synthetic", "deidentified"]),
    help="With --freeze: what the export is, if the project does not say it ('data_is:').",
)
@click.option("--write", is_flag=True, help="With --freeze: add the test to the map's file.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    words: tuple[str, ...],
    everything: bool,
    coverage: bool,
    out: Path | None,
    vocabulary: Path | None,
    junit: Path | None,
    frozen: tuple[str, ...],
    rows: int,
    picked: tuple[str, ...],
    data_is: str | None,
    write: bool,
    as_json: bool,
) -> None:
    """Run the given/expect rows that stand beside the maps.

    A test gives a few rows and says what the map makes of them; 'tests:' in the map's file holds it. What is not as
    expected is shown row by row, and the command ends with 3. A test that cannot be run (a column that there is not)
    is a problem, with its place.

    A test that passed is not run again until something changes that it depends on: its map, the maps it refers to, a
    value list, a concept file, the vocabulary, omopify. Concept files are those beside the maps: what the project
    decides in its own folder 'concepts' stays out, so that tests of shared maps hold for every project.

    --freeze MAP writes a test from rows of the export: the columns that the map uses, the rows of other forms that it
    needs, and what it makes of them. Subjects get made-up names. The export must be made up or de-identified.
    """
    from omopify.cli.show import emit_json, progress, show_problems
    from omopify.cli.tested import as_data, show_report, write_junit
    from omopify.conversion.vocabulary import find_vocabulary
    from omopify.errors import Problems
    from omopify.specs.project import load_project
    from omopify.testing.run import Options, run_project_tests

    path, names = project_first(words)
    started, problems = time.perf_counter(), Problems()
    loaded = load_project(path, problems)
    problems.stop_if_errors()
    assert loaded is not None
    if frozen:
        _freeze(loaded, (*frozen, *names), rows, picked, data_is, write, out, vocabulary)
        return
    if picked or write or data_is:
        raise click.UsageError("--from, --write and --data-is go with --freeze MAP")
    found = find_vocabulary(loaded, problems, vocabulary)
    problems.stop_if_errors()
    problems = Problems()
    with progress() as say:
        report = run_project_tests(loaded, found, problems, Options(names, everything, coverage), out, say)
    if junit:
        write_junit(report, problems.errors, junit)
    if as_json:
        emit_json(as_data(report, problems.errors))
    else:
        show_problems(problems.errors)
        unsound = len({problem.at.path: problem for problem in problems.errors if problem.at})
        show_report(report, time.perf_counter() - started, named=bool(names), problems=unsound)
    context.exit(1 if problems.errors else FAILED if report.failed else 0)


def _freeze(
    project: Project,
    names: tuple[str, ...],
    rows: int,
    picked: tuple[str, ...],
    data_is: str | None,
    write: bool,
    out: Path | None,
    vocabulary: Path | None,
) -> None:
    """Write tests from rows of the export, to standard output or into the files of the maps."""
    from omopify.cli.show import emit_text, progress
    from omopify.testing.adding import add_test
    from omopify.testing.freezing import Wish, freeze
    from omopify.testing.run import chosen

    chosen(project.pack, names)
    for name in names:
        with progress() as say:
            made = freeze(project, Wish(name, rows, picked, data_is), out, vocabulary, say)
        if write:
            at = add_test(project, made)
            click.echo(f"{at}: the test '{made.name}' is added to map '{name}'; 'omopify test {name}' runs it")
        else:
            emit_text(made.text)
        click.echo(f"{made.about}; read it, and name it after what it shows" if write else made.about, err=True)
