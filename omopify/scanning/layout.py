"""Which row of a table that nobody has described holds its names, which its labels, and whether it is a table at all.

A wrong guess would turn a patient's row into names of columns, and names are shown.  So a first row that may be data is
not taken for a header: then the table is not looked into, and the user is told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from omopify.scanning.shapes import MISSING, meaning

LOOKED_AT = 40
"""How many rows of a table are looked at."""

_TITLES = 10
"""Within so many rows the header must come; before it there may be titles."""

_ID = re.compile(r"[^\W\d]\w*(?:[.$#-]\w+)*")
_LABEL_MOST = 200

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The rows of the header, from 1."""

    header_row: int
    label_row: int | None = None


def layout(rows: Rows) -> Layout | None:
    """Find the header among the first rows of a table; None if none of them can be one.

    Viedoc writes labels into the first row and item ids into the second; other systems do it the other way round, or
    write a title first.
    """
    width = max((_filled(row) for row in rows), default=0)
    for number, row in enumerate(rows[:_TITLES]):
        if _filled(row) < 0.6 * width or _filled(row) == 0:
            continue
        if not _may_be_header(row):
            return None
        below = rows[number + 1] if number + 1 < len(rows) else []
        data = rows[number + 2 :]
        if _filled(below) and _are_ids(below) and not _are_ids(row) and _is_second_header(row, below, data):
            return Layout(number + 2, number + 1)
        if _filled(below) and _are_ids(row) and not _are_ids(below) and _are_labels(below, data):
            return Layout(number + 1, number + 2)
        if _recurs(row, rows[number + 1 :]):
            return None
        return Layout(number + 1)
    return None


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell)


def is_data(cell: str) -> bool:
    """Say whether a cell can hardly be a name: a date, a number, a word for 'missing'."""
    low = cell.lower()
    told = meaning(re.sub("[0-9]", "9", low))
    return low in MISSING or told.kind in ("date", "time") or (told.kind == "number" and not told.unit)


def _may_be_header(row: Sequence[str]) -> bool:
    cells = [cell for cell in row if cell]
    return sum(map(is_data, cells)) <= 0.1 * len(cells) and all(len(cell) <= _LABEL_MOST for cell in cells)


def _are_ids(row: Sequence[str]) -> bool:
    cells = [cell for cell in row if cell]
    return (
        bool(cells) and all(_ID.fullmatch(cell) for cell in cells) and len({c.casefold() for c in cells}) == len(cells)
    )


def _is_second_header(row: Sequence[str], below: Sequence[str], data: Rows) -> bool:
    """Say whether ids below labels are names, and not the first row of data under a header of several words."""
    if _filled(below) < _filled(row) or not _may_be_header(below):
        return False
    told = _data_columns(data)
    if told:
        return all(place < len(below) and below[place] and not is_data(below[place]) for place in told)
    if any(re.search(r"\d[-_]|[-_]\d", cell) for cell in below) and not any(re.search(r"\d", cell) for cell in row):
        return False
    # ids are written like AESTDAT, SubjectId or start_date; a row of data has some 'Male'
    written = all(cell.isupper() or "_" in cell or len(re.findall("[A-Z]", cell)) > 1 for cell in below if cell)
    return written and not _recurs(below, data)


def _are_labels(below: Sequence[str], data: Rows) -> bool:
    told = _data_columns(data)
    cells = [cell for cell in below if cell]
    if not told or not all(place < len(below) and below[place] and not is_data(below[place]) for place in told):
        return False
    return any(" " in cell for cell in cells) and not _recurs(below, data)


def _data_columns(data: Rows) -> list[int]:
    """Return the columns whose cells, below the header, are all dates, numbers or words for 'missing'."""
    found = []
    for place in range(max((len(row) for row in data), default=0)):
        cells = [row[place] for row in data if place < len(row) and row[place]]
        if cells and all(map(is_data, cells)):
            found.append(place)
    return found


def is_prose(rows: Rows) -> bool:
    """Say whether this is a text file and no table: its lines begin with a sentence or a sign, and have no cells."""
    first = next((" ".join(row).strip() for row in rows if any(row)), "")
    cells = sorted(_filled(row) for row in rows if any(row))
    alone = cells[len(cells) // 2] <= 1 if cells else True
    return alone and (len(first.split()) > 4 or not re.match(r"\w", first))


def _recurs(row: Sequence[str], data: Rows) -> bool:
    """Say whether cells of the row stand again in their own columns, as data do and names do not."""
    again = 0
    for place, cell in enumerate(row):
        again += bool(cell) and any(place < len(other) and other[place] == cell for other in data)
    return (again >= 2 and again >= 0.25 * _filled(row)) or (again == 1 and _filled(row) <= 3)
