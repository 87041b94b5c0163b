"""What arguments, options and help of several commands have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from omopify.cli.completing import folders

_FILE = "omopify.yaml"


def size(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Accept a size as the database writes it (``2GB``), as the callback of an option."""
    if value is not None and not re.fullmatch(r"\d+(\.\d+)?\s?[KMGT]i?B", value, re.IGNORECASE):
        raise click.BadParameter(f"'{value}' is no size; write such as 2GB")
    return value


project_argument = click.argument(
    "project", type=click.Path(path_type=Path), default=Path(), required=False, shell_complete=folders
)
"""PROJECT: the folder you are in, if none is named."""

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write JSON for programs, and nothing else to standard output."
)
"""``--json``, which becomes the argument ``as_json``."""

memory_option = click.option(
    "--memory-limit", callback=size, metavar="SIZE", help="The most memory the database may use, such as 2GB."
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="The most processor threads to use."
)


def project_first(words: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """Return the project, and the other words, of a command whose PROJECT may be left out before them.

    The first word is the project if it leads to one or is a path (``.``, ``a/b``), and also if there is no project
    in this folder: then the message is about the word, and not about the folder.
    """
    if not words:
        return Path(), ()
    first, *others = words
    path = Path(first)
    leads = (path / _FILE).is_file() or path.is_file() or first in (".", "..") or any(sign in first for sign in "/\\")
    return (path, tuple(others)) if leads or not Path(_FILE).is_file() else (Path(), tuple(words))
