"""What a reader hands on: a table of raw text, notes about it, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

ROW = "_row"
RESERVED = frozenset({ROW, "_file"})
BLANKS = (
    " \t\n\v\f\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
# U+001C..U+001F separate keys inside omopify, and no database takes U+0000 in a text.
CONTROLS = "\x00\x1c\x1d\x1e\x1f"


@dataclass(frozen=True, slots=True)
class Note:
    """A problem whose file is not named yet, so that it can be kept with a cached result."""

    code: str
    message: str
    hint: str = ""
    severity: str = "error"


class Unreadable(Exception):
    """The file gives no table; ``notes`` say why."""

    def __init__(self, *notes: Note):
        super().__init__("; ".join(note.message for note in notes))
        self.notes = notes


@dataclass(slots=True)
class Head:
    """The header of a table: one name and one label per column, trimmed; '' where there is none."""

    names: list[str]
    labels: list[str]


@dataclass(slots=True)
class Table:
    """The header and a frame with ``_row`` and text columns called '0', '1', ... by position.

    ``plain`` says that the reader has already taken out control characters.  ``short`` holds the row
    numbers of records with fewer cells than the header.
    """

    head: Head
    frame: pl.DataFrame
    notes: list[Note] = field(default_factory=list)
    plain: bool = False
    short: list[int] = field(default_factory=list)


def trim(text: str | None) -> str:
    """Return *text* without control characters and without blanks at its ends; '' for None."""
    return (text or "").translate(_NO_CONTROLS).strip(BLANKS)


def rows_text(rows: Iterable[int]) -> str:
    """Write row numbers for a message: the first five and how many more there are."""
    numbers = list(rows)
    more = f" and {len(numbers) - 5:,} more" if len(numbers) > 5 else ""
    return f"row{'s' if len(numbers) != 1 else ''} {', '.join(map(str, numbers[:5]))}{more}"


@contextmanager
def reading(kind: str, hint: str, *, say: type[Exception] | None = None) -> Iterator[None]:
    """Turn whatever a reading library raises into :class:`Unreadable`.

    Args:
        kind: what the file should have been, for the message.
        hint: how to mend it.
        say: an exception type whose text is known to hold no data and may be shown.

    Raises:
        Unreadable: for every exception, also for a panic of a Rust library, which is no ``Exception``.
    """
    try:
        yield
    except Unreadable:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        detail = f" ({error})" if say is not None and isinstance(error, say) else ""
        raise Unreadable(
            Note("OM407", f"the file cannot be read as {kind}: it is damaged or something else{detail}", hint)
        ) from None


_NO_CONTROLS = dict.fromkeys(map(ord, CONTROLS))
