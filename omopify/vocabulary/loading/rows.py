"""The rows of a vocabulary file as text: how its dates are written, and why it cannot be loaded.

The database reads a file fast and refuses it at the first row that does not fit.  What a steward needs is every such
row by its line, so a file that was refused is looked through once more here, byte by byte.

Problems:

* OM604  a row is not UTF-8 text
* OM606  a row has too many or too few cells, or a cell that is no number or date
* OM618  the dates of a file could be read in two ways, or in none
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from omopify.cdm import Table
from omopify.errors import Location, Problems

EPOCH = "epoch"
"""The form of dates that are seconds since 1970."""

USUAL = "%Y%m%d"
"""How Athena writes dates."""

_DAY, _MONTH = "(0?[1-9]|[12][0-9]|3[01])", "(0?[1-9]|1[0-2])"
_FORMS = {
    USUAL: r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])",
    "%Y-%m-%d": rf"\d{{4}}-{_MONTH}-{_DAY}",
    "%d/%m/%Y": rf"{_DAY}/{_MONTH}/\d{{4}}",
    "%m/%d/%Y": rf"{_MONTH}/{_DAY}/\d{{4}}",
    # what looks like 20240131 is no second: one slip in a usual file must not turn all its dates into seconds
    EPOCH: r"(?!(?:1[6-9]|2[01])\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$)-?\d{1,11}",
}
"""The ways to write dates that were seen in extracts; of two that fit all dates the first one is meant."""

_ALIKE = ("%d/%m/%Y", "%m/%d/%Y")
_EXAMPLES = {
    USUAL: "20240131",
    "%Y-%m-%d": "2024-01-31",
    "%d/%m/%Y": "31/01/2024",
    "%m/%d/%Y": "01/31/2024",
    EPOCH: "1706659200",
}
_LOOKED_AT = 200
_SECONDS = 10
"""Digits of the seconds up to now; a file whose dates are all earlier is not one of a vocabulary."""
_SHOWN = 5
_LARGEST = 2**31 - 1


def date_form(path: Path, shown: str, columns: Sequence[str], table: Table, problems: Problems) -> str:
    """Return how the file *path* writes its dates: as ``strptime`` says it, or ``EPOCH``.

    All dates of a file must be of one form.  The first rows decide; whether the day or the month comes first in
    ``03/04/2020`` is looked for in the whole file, and if no date tells, that is a problem.
    """
    places = [columns.index(field.name) for field in table.fields if field.type == "date"]
    left = dict(_FORMS)
    longest = ""
    if places:
        for number, cells in _rows(path):
            if len(cells) != len(columns):
                continue
            for cell in (cells[place] for place in places if cells[place]):
                fits = {form: pattern for form, pattern in left.items() if re.fullmatch(pattern, cell)}
                if not fits:
                    _note_unknown(Location(shown, number, 1), cell, left, problems)
                    return USUAL
                left = fits
                longest = max(longest, cell, key=len)
            if number > _LOOKED_AT and set(left) != set(_ALIKE):
                break
        if set(left) == set(_ALIKE):
            message = "day and month cannot be told apart in the dates of this file: none is after the 12th"
            hint = "write them as 20240131 or 2024-01-31, as Athena and databases do"
            problems.add("OM618", message, Location(shown), hint)
        if list(left) == [EPOCH] and len(longest) < _SECONDS:
            _note_unknown(Location(shown), longest, _FORMS, problems)
    return next(iter(left))


def note_faults(path: Path, shown: str, columns: Sequence[str], table: Table, dates: str, problems: Problems) -> None:
    """Note every kind of fault in the rows of *path*, each with its first lines and the number of rows."""
    found: dict[str, list[int]] = {}
    fast = _pattern(columns, table, dates)
    with path.open("rb") as content:
        ending = _ending(content.readline())
        blank: list[int] = []
        for number, line in enumerate(content, 2):
            if line in (b"\n", b"\r\n"):
                blank.append(number)
                continue
            if blank:  # empty lines at the end of a file harm nobody
                found.setdefault(_BLANK, []).extend(blank)
                blank = []
            if fast.fullmatch(line) and line.isascii() and _ending(line) == ending:
                continue
            for fault in _faults(line, columns, table, dates, ending):
                found.setdefault(fault, []).append(number)
    for fault, lines in found.items():
        code = "OM604" if fault == _NOT_TEXT else "OM606"
        more = f" and {len(lines) - _SHOWN:,} more" if len(lines) > _SHOWN else ""
        where = f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:_SHOWN]))}{more}"
        problems.add(code, f"{fault} ({where})", Location(shown, lines[0], 1), _HINTS.get(fault, _HINT))


_MANY, _FEW = "more cells than columns", "fewer cells than columns"
_NOT_TEXT, _RETURN, _ENDINGS = "not UTF-8 text", "a line end inside a row", "another line end than in the first line"
_BLANK = "an empty line between the rows"
_HINTS = {
    _MANY: "a name holds a tab: take it out in these lines and load again",
    _FEW: "the file is cut off or was edited: download it again",
    _NOT_TEXT: "save the file as UTF-8, or download it again",
}
_HINT = "download it again; do not save it in Excel"


def _faults(line: bytes, columns: Sequence[str], table: Table, dates: str, ending: bytes) -> Iterator[str]:
    body = line.removesuffix(_ending(line))
    if body != line and _ending(line) != ending:
        yield _ENDINGS
    if b"\r" in body:
        yield _RETURN
    try:
        cells = body.decode().split("\t")
    except UnicodeDecodeError:
        yield _NOT_TEXT
        return
    if len(cells) != len(columns):
        yield _MANY if len(cells) > len(columns) else _FEW
    else:
        for field in table.fields:
            cell = cells[columns.index(field.name)].strip()
            if not cell and field.required and field.type != "varchar":
                yield f"'{field.name}' is empty"
            elif cell and field.type == "integer" and not _is_integer(cell):
                yield f"'{field.name}' is not a whole number below {_LARGEST:,}"
            elif cell and field.type == "float" and not _is_float(cell):
                yield f"'{field.name}' is not a number"
            elif cell and field.type == "date" and not _is_date(cell, dates):
                yield f"'{field.name}' is not a date like {_EXAMPLES[dates]}, as in the first rows"


def _ending(line: bytes) -> bytes:
    return b"\r\n" if line.endswith(b"\r\n") else b"\n" if line.endswith(b"\n") else b""


def _pattern(columns: Sequence[str], table: Table, dates: str) -> re.Pattern[bytes]:
    """Return a pattern of rows that are surely right; the others are looked at cell by cell."""
    parts = {"%Y": r"\d{4}", "%m": "(?:0[1-9]|1[0-2])", "%d": r"(?:0[1-9]|1\d|2[0-8])"}
    day = r"\d{1,9}" if dates == EPOCH else re.sub("%[Ymd]", lambda part: parts[part[0]], dates)
    day += "|" + re.sub("%[Ymd]", lambda part: {"%Y": "2099", "%m": "12", "%d": "31"}[part[0]], dates)
    types = {field.name: field.type for field in table.fields}
    patterns = {"integer": r"\d{1,9}", "float": r"\d{1,9}(?:\.\d{1,9})?", "date": day}
    optional = {field.name for field in table.fields if not field.required}
    cells = []
    for name in columns:
        pattern = patterns.get(types.get(name, ""), r"[^\t\r\n]*")
        cells.append(f"(?:{pattern}){'?' if name in optional else ''}")
    return re.compile(("\t".join(cells) + "\r?\n").encode())


def _is_integer(cell: str) -> bool:
    return bool(re.fullmatch(r"-?\d{1,11}(\.0*)?", cell)) and abs(float(cell)) <= _LARGEST


def _is_float(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_date(cell: str, dates: str) -> bool:
    if not re.fullmatch(_FORMS[dates], cell):
        return False
    if dates == EPOCH:
        return True
    try:
        datetime.strptime(cell, dates)
    except ValueError:
        return False
    return True


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding="utf-8", errors="replace", newline="\n") as text:
        for number, line in enumerate(text, 1):
            if number > 1:
                yield number, [cell.strip() for cell in line.rstrip("\r\n").split("\t")]


def _note_unknown(at: Location, cell: str, left: Mapping[str, str], problems: Problems) -> None:
    known = ", ".join(dict.fromkeys(_EXAMPLES.values()))
    if len(left) == len(_FORMS):
        message = f"'{cell[:40]}' is not a date that omopify knows"
    else:
        message = f"'{cell[:40]}' is not a date like {_EXAMPLES[next(iter(left))]}, as in the rows before"
    problems.add("OM618", message, at, f"one file writes all dates in one way, such as {known}")
