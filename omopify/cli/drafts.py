"""How commands say that a result is a draft, and why."""

from __future__ import annotations

from collections.abc import Sequence

import click


def show_draft(reasons: Sequence[str]) -> None:
    """Say that a result is a draft, and what makes it one (``quality.drafts.reasons``); nothing if it is none."""
    if reasons:
        said = click.style("DRAFT", fg="yellow", bold=True)
        click.echo(f"{said}, not for upload: {'; '.join(reasons)}; 'omopify review' says more")
