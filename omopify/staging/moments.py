"""One spelling for dates and times, whatever kind of file they come from.

A date is ``YYYY-MM-DD``; a time of day is added as ``HH:MM`` or ``HH:MM:SS`` unless it is midnight,
because most exports store plain dates as date-times.
"""

from __future__ import annotations

import polars as pl

_MIDNIGHT = r"^(\d{4,}-\d\d-\d\d)[ T]00:00(?::00(?:\.0+)?)?$"
_SECONDS = r"^((?:\d{4,}-\d\d-\d\d[ T])?\d\d:\d\d):00(?:\.0+)?$"
_FRACTION = r"^(.*\d\d:\d\d:\d\d(?:\.\d*[1-9])?)\.?0+$"
# Excel has no time of day: it stores a fraction of day 0, which readers show as this date.
_DAY_ZERO = r"^1899-12-31 (\d\d:\d\d:\d\d(?:\.\d+)?)$"


def short(cell: pl.Expr) -> pl.Expr:
    """Return date-time text without a zero time, zero seconds or zero fractions."""
    return cell.str.replace(_MIDNIGHT, "$1").str.replace(_SECONDS, "$1").str.replace(_FRACTION, "$1")


def short_excel(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Shorten the date-times that an Excel reader wrote out in full, in the columns that have any."""
    hit = frame.select(pl.col(names).str.contains(r"^\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d").any()).row(0)
    stamped = [name for name, found in zip(names, hit, strict=True) if found]
    return frame.with_columns(short(pl.col(name).str.replace(_DAY_ZERO, "$1")) for name in stamped)
