"""``omopify vocab load``."""

from __future__ import annotations

from pathlib import Path

import click

from omopify.cli.options import size


@click.command(name="load")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("vocabulary.duckdb"),
    show_default=True,
    help="The vocabulary file to make.",
)
@click.option("--memory-limit", callback=size, help="The most memory the database may use, such as 2GB.")
@click.option("--threads", type=click.IntRange(min=1), help="The most processor threads to use.")
def command(paths: tuple[str, ...], out: Path, memory_limit: str | None, threads: int | None) -> None:
    """Load an Athena download into one vocabulary file.

    PATH is the zip file from https://athena.ohdsi.org, the folder it was unpacked to, or 'starter' for the small
    vocabulary that comes with omopify. Of several, the first that has a concept gives it. A file that is there is
    replaced only when the new one is whole.
    """
    from omopify.cli.show import progress, show_problems, table
    from omopify.errors import Problems
    from omopify.specs.project import shown
    from omopify.vocabulary.loading.athena import starter_path
    from omopify.vocabulary.loading.info import vocabulary_info
    from omopify.vocabulary.loading.load import load_vocabulary, read_load

    problems = Problems()
    downloads = [Path(path) if Path(path).exists() else starter_path(path) or Path(path) for path in paths]
    with progress() as say:
        loaded = load_vocabulary(downloads, out, problems, say, memory_limit, threads)
    show_problems(problems.warnings)
    rows = [(f.download, f.file, f.rows, f.rows_kept, f"{f.seconds:.1f}") for f in loaded.files]
    table(f"Release {loaded.release or 'unknown'}", ("from", "file", "rows", "taken", "seconds"), rows)
    file = read_load(out, problems)
    for note in vocabulary_info(file).notes if file else ():
        click.echo(f"note: {note}")
    click.echo(shown(out))
