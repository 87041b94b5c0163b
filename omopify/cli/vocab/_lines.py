"""How concepts are written on a terminal: what search and show have in common."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


class Standing(Protocol):
    """What says whether a concept is standard and in use."""

    @property
    def standard_concept(self) -> str | None: ...
    @property
    def invalid_reason(self) -> str | None: ...


def console() -> Console:
    """Return a console for standard output: as wide as the terminal, 120 columns in a pipe."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def standing(concept: Standing) -> Text:
    """Write whether a concept is standard, as Athena's own pages put it."""
    from rich.text import Text

    if concept.invalid_reason:
        return Text("retired", style="red")
    words = {"S": ("standard", "green"), "C": ("classification", "cyan")}
    word, style = words.get(concept.standard_concept or "", ("non-standard", "yellow"))
    return Text(word, style=style)
