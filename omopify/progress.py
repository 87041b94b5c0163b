"""What the lower rooms tell of work that takes long; how it is shown is for the command line.

A step is told in one line of plain words.  Whoever knows how much of the work is done says so, too: ``done`` of
``of``, in any unit (bytes, maps, rows).  Calls with the same ``of`` that follow each other are one stretch of work,
of which the time left is worked out; words for people (``12 000 rows``) belong into the text.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Tell what is being done, and how much of how much of it is.  It may be called from any thread."""

    def __call__(self, text: str, done: float = 0, of: float = 0) -> None:
        """Say it; ``done`` and ``of`` are left out where they are not known."""


def silent(text: str, done: float = 0, of: float = 0) -> None:
    """Tell nobody."""
