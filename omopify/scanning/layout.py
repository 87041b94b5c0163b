"""Which row of a table that nobody has described holds its names, which its labels, and whether it is a table at all.

A wrong guess would turn a patient's row into names of columns, and names are shown.  So a first row that may be data is
not taken for a header: then the table is not looked into, and the user is told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from omopify.scanning.persons import is_personal
from omopify.scanning.shapes import MISSING, MONTH_NUMBER, meaning

LOOKED_AT = 40
"""How many rows of a table are looked at."""

_TITLES = 10
"""Within so many rows the header must come; before it there may be titles."""

_ID = re.compile(r"[^\W\d]\w*(?:[.$#-]\w+)*")
_LABEL_MOST = 200

_MON = "|".join(sorted(MONTH_NUMBER, key=len, reverse=True))
_NO_NAME = re.compile(
    r"(?<!\d)\d{1,4}([-./])\d{1,2}\1\d{2,4}(?!\d)"
    rf"|(?<!\d)\d{{1,2}}[-. ]{{0,2}}(?:{_MON})[-. ]{{0,2}}\d{{2,4}}(?!\d)"
    r"|[;|\t].*[;|\t]"
    r"|^[a-z]{0,5}[-_ ]?\d{2,}(?:[-/ ]\d{2,})+$"
)
"""What no name holds, in small letters: a day, several cells glued together, the number of a patient."""

_PERSONS = re.compile(r"(?i)(subj\w*|pat\w*|pas\w*|participant|case|record|id|no|p|s)[-_ ]?\d{2,}")
"""Names of columns that stand for a subject each, if there are several."""

_GLUES = {";": "semicolons", "\t": "tabs", "|": "upright strokes", ",": "commas"}

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
        if _filled(row) == 0 or (_filled(row) < 0.6 * width and not _is_ragged_header(row)):
            continue
        below = rows[number + 1] if number + 1 < len(rows) else []
        data = rows[number + 2 :]
        if not _may_be_header(row) or _is_row_of(row, [below, *data]):
            return None
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
    persons = sum(bool(_PERSONS.fullmatch(cell)) for cell in cells)
    few = persons < 5 and sum(map(is_data, cells)) <= 0.1 * len(cells)
    odd = any(len(cell) > _LABEL_MOST or _NO_NAME.search(cell.lower()) or is_personal(cell) for cell in cells)
    return few and not odd


def _is_ragged_header(row: Sequence[str]) -> bool:
    """Say whether a row that is much shorter than others is the header all the same: the others have stray separators.

    Titles and headings over groups of columns have gaps, or are no ids.
    """
    return _filled(row) >= 3 and all(row[: _filled(row)]) and _are_ids(row)


def _is_row_of(row: Sequence[str], data: Rows) -> bool:
    """Say whether a row is one of *data*: a cell has digits and looks like the cells below it, as P-17 above P-18."""
    for place, cell in enumerate(row):
        below = [other[place] for other in data if place < len(other) and other[place]]
        if re.search(r"\d", cell) and len(below) > 1:
            shape = re.sub(r"\d+", "9", cell)
            if sum(re.sub(r"\d+", "9", other) == shape for other in below) >= 0.8 * len(below):
                return True
    return False


def _are_ids(row: Sequence[str]) -> bool:
    cells = [cell for cell in row if cell]
    return (
        bool(cells) and all(_ID.fullmatch(cell) for cell in cells) and len({c.casefold() for c in cells}) == len(cells)
    )


def _is_second_header(row: Sequence[str], below: Sequence[str], data: Rows) -> bool:
    """Say whether ids below labels are names, and not the first row of data under a header of several words."""
    if _filled(below) < _filled(row) or not _may_be_header(below) or _is_row_of(below, data):
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
    if not _may_be_header(below) or _is_row_of(below, data):
        return False
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


def glued(rows: Rows) -> str:
    """Return what divides the cells of a table that stand together in one, such as 'semicolons'; '' if none do.

    Excel makes such tables of a CSV whose separator is not that of the computer.  A decimal comma may then have cut
    some rows into two.
    """
    firsts = [(next(cell for cell in row if cell), _filled(row)) for row in rows if _filled(row)]
    for sign, name in _GLUES.items():
        counts = [cell.count(sign) - cell.count(f"{sign} ") for cell, _ in firsts]
        several = sum(count > 1 for count in counts) if sign != "," else 0
        alone = sum(count > 0 and cells == 1 for count, (_, cells) in zip(counts, firsts, strict=True))
        if firsts and (several >= 0.5 * len(firsts) or alone >= 0.9 * len(firsts)):
            return name
    return ""


def is_prose(rows: Rows, *, txt: bool = False) -> bool:
    """Say whether this is a text file and no table: its lines begin with a sentence or a sign, and have no cells.

    A file called *txt* is a text already if its first line ends like a sentence, or only some lines have cells.
    """
    first = next((" ".join(row).strip() for row in rows if any(row)), "")
    cells = sorted(_filled(row) for row in rows if any(row))
    alone = cells[len(cells) // 2] <= 1 if cells else True
    widths = [len(row) for row in rows if any(row)]
    uneven = max((widths.count(width) for width in widths if width > 1), default=0) < 0.8 * len(widths)
    sentence = bool(re.search(r"[.!?:]$", first))
    return (alone and (len(first.split()) > 4 or not re.match(r"\w", first))) or (txt and (uneven or sentence))


def _recurs(row: Sequence[str], data: Rows) -> bool:
    """Say whether cells of the row stand again in their own columns, as data do and names do not."""
    again = 0
    for place, cell in enumerate(row):
        again += bool(cell) and any(place < len(other) and other[place] == cell for other in data)
    return (again >= 2 and again >= 0.25 * _filled(row)) or (again == 1 and _filled(row) <= 3)
