"""``omopify vocab info``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option

if TYPE_CHECKING:
    from omopify.vocabulary.loading.info import Info


@click.command(
    name="info",
    cls=Command,
    examples={
        "omopify vocab info": "the vocabulary of the project in this folder",
        "omopify vocab info vocabulary.duckdb": "a file that 'vocab load' has made",
        "omopify vocab info starter --json": "the one that comes with omopify, for programs",
    },
)
@click.argument("file", required=False)
@json_option
def command(file: str | None, as_json: bool) -> None:
    """Show what a vocabulary FILE holds: release, vocabularies, licences, and what is missing.

    Without FILE it is the vocabulary of the project in this folder, or else the one that comes with omopify.
    """
    from omopify.cli.show import emit_json, progress
    from omopify.errors import Problems
    from omopify.vocabulary.loading.chosen import chosen_vocabulary
    from omopify.vocabulary.loading.info import vocabulary_info

    problems = Problems()
    with progress() as say:
        info = vocabulary_info(chosen_vocabulary(file, problems, say))
    if as_json:
        emit_json(_plain(info))
    else:
        _print(info)


def _plain(info: Info) -> dict[str, Any]:
    from dataclasses import asdict

    file = info.file
    return {
        "path": str(file.path),
        "release": file.release,
        "sha256": file.sha256,
        "loaded_at": file.loaded_at,
        "omopify": file.made_by,
        "tables": file.tables,
        "vocabularies": [asdict(part) for part in info.parts],
        "files": [asdict(source) for source in info.sources],
        "missing": list(info.missing),
        "notes": list(info.notes),
    }


def _print(info: Info) -> None:
    from omopify.cli.show import table
    from omopify.specs.project import shown
    from omopify.vocabulary.loading.info import FREE

    file = info.file
    click.echo(
        f"{shown(file.path)}: release {file.release or 'unknown'}, loaded {file.loaded_at} by omopify {file.made_by}"
    )
    columns = ("vocabulary", "version", "concepts", "standard", "retired", "terms")
    rows = [(p.vocabulary_id, p.version, p.concepts, p.standard, p.retired, p.terms) for p in info.parts]
    table("Vocabularies", columns, rows)
    table("Tables", ("table", "rows"), list(file.tables.items()))
    asking = [part for part in info.parts if part.concepts and part.terms not in FREE]
    if asking:
        table(
            "Terms to know",
            ("vocabulary", "terms", "what it says"),
            [(p.vocabulary_id, p.terms, p.note) for p in asking],
        )
    for note in info.notes:
        click.echo(f"note: {note}")
