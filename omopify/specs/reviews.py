"""Who has approved which part of a mapping: ``reviews.csv`` beside ``omopify.yaml``, and what it says of today's files.

An approval is of a meaning: it names the hash of what was approved, without comments, spacing and line ends.  What
has changed since is no longer approved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["draft", "reviewed", "approved", "changed"]
"""``changed``: it was approved, but what it says has changed since."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The state of one part of a mapping."""

    part: str
    """``trial``, ``map:<name>`` or ``concepts:<pack>/<path>``."""
    file: str
    """The file, as messages show it."""
    status: Status
    author: str
    reviewer: str
    date: str
    note: str
    sha256: str
    """The hash of what the part says today."""
