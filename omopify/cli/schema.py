"""``omopify schema``."""

from __future__ import annotations

from pathlib import Path

import click

from omopify.cli.group import Command

# The names only: the models behind them are imported when they are asked for, so that --help is quick.
_KINDS = ("map", "trial", "project", "table", "model", "suite", "changes", "waivers")


@click.command(
    name="schema",
    cls=Command,
    examples={
        "omopify schema --out .schemas": "all schemas, for the editor",
        "omopify schema trial": "one of them, to look at",
    },
)
@click.argument("kind", type=click.Choice(_KINDS), required=False)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write all schemas (or KIND's) into this folder."
)
def command(kind: str | None, out: Path | None) -> None:
    """Write the JSON Schema of the files that stewards write, for editors.

    KIND is map (the default), trial, project, table (a table of the shared model), model, suite (of quality checks),
    changes or waivers. Without --out the schema goes to standard output. An editor with a YAML language server
    completes and explains words in a file that begins with the line:
    # yaml-language-server: $schema=map.schema.json
    """
    from omopify.cli.show import emit_text
    from omopify.specs.schema import json_schema_text

    if out is None:
        emit_text(json_schema_text(kind or "map"))
        return
    texts = {name: json_schema_text(name) for name in ([kind] if kind else _KINDS)}
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = out / f"{name}.schema.json"
        path.write_text(text, encoding="utf-8", newline="\n")
        click.echo(path)
