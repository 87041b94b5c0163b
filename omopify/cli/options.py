"""What options of several commands have in common."""

from __future__ import annotations

import re

import click


def size(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Accept a size as the database writes it (``2GB``), as the callback of an option."""
    if value is not None and not re.fullmatch(r"\d+(\.\d+)?\s?[KMGT]i?B", value, re.IGNORECASE):
        raise click.BadParameter(f"'{value}' is no size; write such as 2GB")
    return value
