"""A file as it stands, for those who want to see its dirt: no cell is trimmed and no word taken for 'missing'.

Staging proper holds one file in memory at a time, which is right for a trial's forms.  An export that nobody knows may
hold a table of gigabytes: that is read in blocks and handed out column by column.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from omopify.staging import delimited
from omopify.staging.encoding import without_controls
from omopify.staging.inputs import Input
from omopify.staging.model import ReadOptions
from omopify.staging.records import plain
from omopify.staging.table import BLANKS, ROW, Head, Note, Table, Unreadable

LARGE = 192 << 20
"""Delimited files of more bytes are read in blocks."""

_BLOCK = 48 << 20
_START = 1 << 20


@dataclass(slots=True)
class Whole:
    """A table whose cells are as the file has them; rows without any cell are left out and counted.

    ``encoding`` and ``delimiter`` are what was found; '' and None for formats that have none.
    """

    head: Head
    rows: int
    empty_rows: int
    encoding: str
    delimiter: str | None
    notes: list[Note]
    short: int
    """Records with fewer cells than the header."""
    _frame: pl.DataFrame | None = None
    _parts: list[Path] = field(default_factory=list)

    def take(self, positions: Sequence[int]) -> pl.DataFrame:
        """Return columns by position; they are called '0', '1', ..."""
        names = [str(position) for position in positions]
        if self._frame is not None:
            return self._frame.select(names)
        return pl.read_parquet(self._parts, columns=names)

    def tail(self, count: int) -> pl.DataFrame:
        """Return the last *count* rows with all columns."""
        if self._frame is not None:
            return self._frame.drop(ROW).tail(count)
        return pl.scan_parquet(self._parts).drop(ROW).tail(count).collect()


def first_rows(input: Input, sheet: str | None, options: ReadOptions, count: int) -> list[list[str]] | None:
    """Return the first rows of a file, header or not; None for formats that keep names apart from rows.

    Raises:
        Unreadable: if the file is not what it should be.
        OSError: if the file system refuses.
    """
    if input.kind == "xlsx":
        return input.book().first_rows(sheet or "", count)
    if input.kind not in {"csv", "tsv"}:
        return None
    with input.path.open("rb") as file:
        start = file.read(_START)
    whole = len(start) < _START
    return delimited.first_rows(start, options, input.kind, count, complete=whole)


def read_whole(input: Input, sheet: str | None, options: ReadOptions, scratch: Path) -> Whole:
    """Read a whole file or worksheet.

    Args:
        input: the file.
        sheet: the worksheet, of a workbook.
        options: how it is to be read; ``missing`` does not matter.
        scratch: a folder for the pieces of a large file.  They hold data: remove the folder afterwards.

    Raises:
        Unreadable: if the file does not give a table that can be trusted.
        OSError: if the file system refuses.
    """
    if input.kind in {"csv", "tsv"}:
        if input.path.stat().st_size > LARGE:
            try:
                return _in_blocks(input, options, scratch)
            except _Odd:
                pass
        table = input.raw(sheet, options)
        start = input.load()[:_START]
        separator, _ = delimited.opened(start, options, input.kind, complete=len(start) < _START)
        return _in_memory(table, _encoding(start, options, table.notes), separator)
    if input.kind != "xlsx":
        input.digest()
    return _in_memory(input.raw(sheet, options), "", None)


class _Odd(Exception):
    """The file is not regular enough to be read in blocks; the careful reader must judge it as a whole."""


def _in_memory(table: Table, encoding: str, delimiter: str | None) -> Whole:
    frame, empty = _without_empty(table.frame, len(table.head.names))
    return Whole(table.head, frame.height, empty, encoding, delimiter, table.notes, len(table.short), frame)


def _encoding(data: bytes, options: ReadOptions, notes: Sequence[Note]) -> str:
    marks = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    marked = next((name for mark, name in marks if data.startswith(mark)), None)
    guessed = "cp1252" if any(note.code == "OM412" for note in notes) else "utf-8"
    return marked or options.encoding or guessed


def _without_empty(frame: pl.DataFrame, width: int) -> tuple[pl.DataFrame, int]:
    """Leave out rows without any cell; looks at further columns only for rows that are still empty."""
    if frame.is_empty() or not width:
        return frame, 0
    names = [str(position) for position in range(width) if str(position) in frame.columns]
    empty = np.arange(frame.height)
    for name in names:
        if not len(empty):
            return frame, 0
        cells = frame.get_column(name).gather(empty).str.strip_chars(BLANKS)
        empty = empty[(cells.is_null() | (cells == "")).fill_null(True).to_numpy()]
    kept = np.ones(frame.height, dtype=np.bool_)
    kept[empty] = False
    return frame.filter(pl.Series(kept)), len(empty)


def _in_blocks(input: Input, options: ReadOptions, scratch: Path) -> Whole:
    input.digest()
    encoding = options.encoding or "utf-8"
    if codecs.lookup(encoding).name not in {"utf-8", "utf-8-sig", "ascii"}:
        raise _Odd
    with input.path.open("rb") as file:
        start = file.read(_START)
    separator, notes = delimited.opened(start, options, input.kind, complete=False)
    head: Head | None = None
    parts: list[Path] = []
    rows = empty = short = 0
    first = options.skip + 1
    for text in _texts(input.path):
        try:
            body = plain(text, separator)
            if head is None:
                head = delimited.read_head(start, options, input.kind, complete=False)
                if head is None:
                    raise _Odd
                _, body = body.split(options.skip)
            frame, shorter = delimited.body_frame(body, len(head.names), first)
        except Unreadable:
            raise _Odd from None
        first += frame.height
        short += len(shorter)
        frame, gone = _without_empty(frame, len(head.names))
        rows, empty = rows + frame.height, empty + gone
        parts.append(scratch / f"{len(parts)}.parquet")
        frame.write_parquet(parts[-1], compression="lz4", statistics=False)
    if head is None:
        raise _Odd
    return Whole(head, rows, empty, "utf-8", separator, notes, short, None, parts)


def _texts(path: Path) -> Iterator[bytes]:
    """Read a file in pieces of whole records, as UTF-8 without control characters."""
    decode = codecs.getincrementaldecoder("utf-8")("strict").decode
    rest = b""
    with path.open("rb") as file:
        begin = True
        while block := file.read(_BLOCK):
            if begin:
                block, begin = block.removeprefix(codecs.BOM_UTF8), False
                if block[:4].lower() == b"sep=" or b"\n" not in block:
                    raise _Odd
            if not block.isascii():
                try:
                    decode(block)
                except UnicodeDecodeError:
                    raise _Odd from None
            block = rest + without_controls(block)
            end = _last_record(block)
            if not end and len(block) > 4 * _BLOCK:
                raise _Odd
            rest = block[end:]
            if end:
                yield block[:end]
    if rest:
        yield rest


def _last_record(block: bytes) -> int:
    """Return where the last whole record ends: behind a line break with an even number of quotes before it."""
    if b'"' not in block:
        return block.rfind(b"\n") + 1
    raw = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(raw == 34)
    breaks = np.flatnonzero(raw == 10)
    outside = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else 0
