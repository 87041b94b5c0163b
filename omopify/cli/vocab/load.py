"""``omopify vocab load``."""

from __future__ import annotations

from pathlib import Path

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option, memory_option, threads_option


@click.command(
    name="load",
    cls=Command,
    examples={
        "omopify vocab load vocabulary_download_v5.zip": "make vocabulary.duckdb of an Athena download",
        "omopify vocab load starter --out starter.duckdb": "the small one that comes with omopify",
        "omopify vocab load athena.zip own-concepts": "concepts of your own behind those of Athena",
    },
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("vocabulary.duckdb"),
    show_default=True,
    help="The vocabulary file to make.",
)
@json_option
@memory_option
@threads_option
def command(paths: tuple[str, ...], out: Path, as_json: bool, memory_limit: str | None, threads: int | None) -> None:
    """Load an Athena download into one vocabulary file.

    PATH is the zip file from https://athena.ohdsi.org, the folder it was unpacked to, or 'starter' for the small
    vocabulary that comes with omopify. Of several, the first that has a concept gives it. A file that is there is
    replaced only when the new one is whole.
    """
    from dataclasses import asdict

    from omopify.cli.show import emit_json, progress, show_problems, table
    from omopify.errors import Problems
    from omopify.specs.project import shown
    from omopify.vocabulary.loading.athena import starter_path
    from omopify.vocabulary.loading.info import vocabulary_info
    from omopify.vocabulary.loading.load import load_vocabulary, read_load

    problems = Problems()
    downloads = [Path(path) if Path(path).exists() else starter_path(path) or Path(path) for path in paths]
    with progress("nothing was changed") as say:
        loaded = load_vocabulary(downloads, out, problems, say, memory_limit, threads)
    show_problems(problems.warnings)
    file = read_load(out, problems)
    notes = vocabulary_info(file).notes if file else ()
    if as_json:
        files = [asdict(one) for one in loaded.files]
        emit_json({"path": str(out), "release": loaded.release, "files": files, "notes": list(notes)})
        return
    rows = [(f.download, f.file, f.rows, f.rows_kept, f.seconds) for f in loaded.files]
    table(f"Release {loaded.release or 'unknown'}", ("from", "file", "rows", "taken", "seconds"), rows)
    for note in notes:
        click.echo(f"note: {note}")
    click.echo(shown(out))
