"""From the bytes that Usagi or a spreadsheet saved to cells that know their place in the file.

A message about a concept file must name the line and column that the steward sees, and a file that is written
again must look as it did.  The ``csv`` module tells neither where a cell starts nor how a file was quoted.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from omopify.staging.encoding import to_utf8
from omopify.staging.table import Unreadable

DELIMITERS = (",", ";", "\t")
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_RESAVE = "in Excel save it as 'CSV UTF-8 (comma delimited)'"
_LINE_END = re.compile(r"\r\n|\n|\r")
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?(?:\r\n|\n|\r)', re.IGNORECASE)


class Cell(NamedTuple):
    """The text of a cell, and the line and column (from 1) at which it starts in the file."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written: as Usagi does it, unless a spreadsheet had it in hand."""

    delimiter: str = ","
    quote_all: bool = False
    newline: str = "\n"
    bom: bool = False
    """A spreadsheet needs the byte order mark to read the letters right; Usagi does not open a file with one."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The header and the records of a file, blank ones left out, and the lines with ``#`` above them."""

    header: tuple[Cell, ...]
    records: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]
    dialect: Dialect
    foreign: bool
    """The bytes were neither UTF-8 nor marked, and are read as Windows-1252."""


class Unfit(Exception):
    """The file has no cells; ``line`` and ``column`` are 0 if no place is to blame."""

    def __init__(self, message: str, hint: str, line: int = 0, column: int = 0):
        super().__init__(message)
        self.message, self.hint, self.line, self.column = message, hint, line, column


def folded_name(name: str) -> str:
    """Return a column's name without what does not matter: capitals, blanks, low lines."""
    return re.sub(r"[\s_\ufeff]+", "", name).casefold()


def read_sheet(path: Path, known: Collection[str]) -> Sheet:
    """Read a file of cells.

    The delimiter is the one with which the header has most names of *known* (as ``folded_name`` gives them).

    Raises:
        Unfit: bytes that are no text, quotes that do not fit, no header.
        OSError: the file cannot be read.
    """
    if path.exists() and not path.is_file():  # a device never ends
        raise Unfit("it is no file", _RESAVE)
    data = path.read_bytes()
    if data.startswith(_WORKBOOKS):
        raise Unfit("the file is an Excel workbook", _RESAVE)
    try:
        utf8, notes = to_utf8(data, None)
    except Unreadable as error:
        raise Unfit(error.notes[0].message, _RESAVE) from None
    text = utf8.decode()
    if "\x00" in text:
        raise Unfit("the file is no text", _RESAVE)
    # 'sep=;' is a line that Excel writes and reads; it is no header.
    mark = _SEPARATOR_LINE.match(text)
    start = mark.end() if mark else 0
    above, start = _notes(text, start)
    delimiter = mark[1] if mark else _delimiter(text, start, known)
    records = list(_records(text, start, delimiter))
    filled = [record for record in records if any(cell.text.strip() for cell in record)]
    if not filled:
        raise Unfit("the file is empty", "it needs a header, as Usagi writes it")
    header = filled[0]
    end = _LINE_END.search(text)
    quoted = all(_starts_quoted(text, cell) for cell in header if cell.text)
    dialect = Dialect(delimiter, quoted, "\r\n" if end and end[0] == "\r\n" else "\n", data.startswith(_MARKS))
    return Sheet(header, tuple(filled[1:]), above, dialect, bool(notes))


def written(records: list[list[str]], dialect: Dialect) -> bytes:
    """Return records as the bytes of a file.

    Cells are quoted where Apache Commons CSV 1.1 quotes them, which writes Usagi's files, so that a file that
    goes through Usagi does not change.
    """
    lines = [
        dialect.delimiter.join(_quoted(cell, place == 0, dialect) for place, cell in enumerate(record))
        for record in records
    ]
    text = "".join(line + dialect.newline for line in lines)
    return (codecs.BOM_UTF8 if dialect.bom else b"") + text.encode()


def put(content: bytes, path: Path) -> None:
    """Write a file, which is there as a whole or not at all; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")  # another process may write the same file
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _quoted(cell: str, first: bool, dialect: Dialect) -> str:
    needs = dialect.quote_all or any(mark in cell for mark in (dialect.delimiter, '"', "\r", "\n"))
    if cell:
        needs = needs or cell[0] <= "#" or cell[-1] <= " "
    # These quotes are Usagi's habit, which other programs' files do not have.
    needs = needs or (first and dialect.delimiter == "," and not re.match("[0-9A-Za-z]", cell))
    return '"' + cell.replace('"', '""') + '"' if needs else cell


def _notes(text: str, start: int) -> tuple[tuple[str, ...], int]:
    notes = []
    while text.startswith(("#", '"#'), start):
        end = _LINE_END.search(text, start)
        stop = end.start() if end else len(text)
        # A spreadsheet fills such a line up with empty cells, and may put quotes around the first one.
        line = text[start:stop].rstrip(",;\t")
        notes.append(line[1:-1].replace('""', '"') if line.startswith('"') else line)
        start = end.end() if end else len(text)
    return tuple(notes), start


def _delimiter(text: str, start: int, known: Collection[str]) -> str:
    best, most = ",", (-1, -1)
    for candidate in DELIMITERS:
        try:
            header = next(_records(text, start, candidate), ())
        except Unfit:
            continue
        fit = (sum(folded_name(cell.text) in known for cell in header), len(header))
        if fit > most:
            best, most = candidate, fit
    return best


def _starts_quoted(text: str, cell: Cell) -> bool:
    # The header is one line in every file that was seen; a column's name with a line break is not worth more.
    lines = _LINE_END.split(text, maxsplit=cell.line)
    return lines[cell.line - 1][cell.column - 1 : cell.column] == '"'


def _records(text: str, start: int, delimiter: str) -> Iterator[tuple[Cell, ...]]:
    """Take a text apart as RFC 4180 says; a quote inside an unquoted cell is part of it.

    Raises:
        Unfit: a quote that is never closed, or text behind the closing quote.
    """
    part = re.compile(rf'"((?:[^"]|"")*)"|([^{re.escape(delimiter)}\r\n]*)')
    line = 1 + len(_LINE_END.findall(text, 0, start))
    line_start, position = start, start
    record: list[Cell] = []
    while position < len(text) or record:
        column = position - line_start + 1
        match = part.match(text, position)
        assert match
        if match[1] is None and match[2].startswith('"'):
            hint = "close it, or double it if it belongs to the text"
            raise Unfit("a quote is never closed", hint, line, column)
        record.append(Cell(match[2] if match[1] is None else match[1].replace('""', '"'), line, column))
        position = match.end()
        for end in _LINE_END.finditer(text, match.start(), position):
            line, line_start = line + 1, end.end()
        if text.startswith(delimiter, position):
            position += 1
            if position < len(text):
                continue
            record.append(Cell("", line, position - line_start + 1))
        stop = _LINE_END.match(text, position)
        if stop is None and position < len(text):
            hint = "double the quotes that belong to the text, and put quotes around the whole cell"
            raise Unfit("there is text behind a closing quote", hint, line, position - line_start + 1)
        yield tuple(record)
        record = []
        if stop:
            line, line_start, position = line + 1, stop.end(), stop.end()
