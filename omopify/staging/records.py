"""Quoted text to plain text: where cells and records end is decided here and nowhere else.

The result has no quotes any more, one byte that ends a cell and one that ends a record, so that the
fast reader after it cannot disagree about line breaks or delimiters within quotes.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from omopify.staging.table import Note, Unreadable

_CELL, _RECORD = 0x1F, 0x1E
_QUOTE, _LF, _CR = 34, 10, 13


@dataclass(frozen=True, slots=True)
class Plain:
    """Text in which *cell* separates cells and *record* ends records, and neither occurs elsewhere."""

    body: bytes
    cell: str
    record: str

    def split(self, count: int) -> tuple[list[list[str]], Plain]:
        """Return the cells of the first *count* records (fewer if there are no more) and the rest."""
        end = self.record.encode()
        records: list[list[str]] = []
        at = 0
        while len(records) < count and at < len(self.body):
            stop = self.body.find(end, at)
            stop = len(self.body) if stop < 0 else stop
            records.append(self.body[at:stop].decode().split(self.cell))
            at = stop + 1
        return records, Plain(self.body[at:], self.cell, self.record)

    def widths(self) -> NDArray[np.int64]:
        """Return the number of cells of every record."""
        table = bytearray(256)
        table[ord(self.cell)] = table[ord(self.record)] = 1
        marks = np.flatnonzero(np.frombuffer(self.body.translate(table), np.bool_))
        last = ord(self.record)
        ends = np.flatnonzero(np.frombuffer(self.body, np.uint8)[marks] == last)
        if self.body and self.body[-1] != last:
            ends = np.append(ends, len(marks))
        return np.diff(ends, prepend=-1)


def plain(text: bytes, delimiter: str) -> Plain:
    """Take the quotes out of a file in UTF-8 that holds no control characters U+001C to U+001F.

    Raises:
        Unreadable: if a quote is left open or stands in the middle of a quoted cell.
    """
    if b'"' not in text:
        if text.count(b"\r") != text.count(b"\r\n"):
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return Plain(text, delimiter, "\n")
    body = _regular(text, ord(delimiter))
    if body is None:
        body = _irregular(text, delimiter)
    return Plain(body, chr(_CELL), chr(_RECORD))


def first_records(text: bytes, delimiter: str, count: int) -> list[list[str]] | None:
    """Return the first records of whole lines that may end within a cell; None if they are not all there."""
    reader = csv.reader(io.StringIO(text.decode(), newline=""), delimiter=delimiter, strict=True)
    try:
        records = list(islice(reader, count))
    except csv.Error:
        return None
    return records if len(records) == count else None


def _regular(text: bytes, delimiter: int) -> bytes | None:
    """Return the plain text, or None if a quote stands where only a careful reader can judge it."""
    raw = np.frombuffer(text, np.uint8)
    table = bytearray(256)
    for code in (_QUOTE, _LF, _CR, delimiter):
        table[code] = 1
    marks = np.flatnonzero(np.frombuffer(text.translate(table), np.bool_))
    kinds = raw[marks]
    quoted = kinds == _QUOTE
    quotes = marks[quoted]
    if len(quotes) % 2:
        return None
    outer = bytearray(256)
    for code in (_LF, _CR, delimiter):
        outer[code] = 1
    edge = np.frombuffer(outer, np.bool_)
    opening, closing = quotes[0::2], quotes[1::2]
    before = raw[np.maximum(opening - 1, 0)]
    after = raw[np.minimum(closing + 1, len(raw) - 1)]
    doubled = after == _QUOTE
    doubled[-1:] &= bool(closing[-1] != len(raw) - 1)
    if not np.all(edge[before] | (before == _QUOTE) | (opening == 0)):
        return None
    if not np.all(edge[after] | doubled | (closing == len(raw) - 1)):
        return None
    inside = np.bitwise_xor.accumulate(quoted.view(np.uint8)).view(np.bool_)
    outside = ~quoted & ~inside
    places, kinds = marks[outside], kinds[outside]
    out = raw.copy()
    keep = np.ones(len(raw), np.bool_)
    keep[quotes] = False
    keep[closing[doubled]] = True
    out[places[kinds == delimiter]] = _CELL
    out[places[kinds == _LF]] = _RECORD
    returns = places[kinds == _CR]
    out[returns] = _RECORD
    # Of a pair CR LF outside quotes only one byte may end the record.
    keep[returns[raw[np.minimum(returns + 1, len(raw) - 1)] == _LF]] = False
    return out[keep].tobytes()


def _irregular(text: bytes, delimiter: str) -> bytes:
    """Read with Python's slow reader, which keeps a quote within an unquoted cell as it is."""
    reader = csv.reader(io.StringIO(text.decode(), newline=""), delimiter=delimiter, strict=True)
    records: list[str] = []
    try:
        records.extend(chr(_CELL).join(record) for record in reader)
    except csv.Error as error:
        row = len(records) + 1
        if "expected after" in str(error):
            message = f"row {row}: text follows a closing quote; a quote within a quoted cell must be doubled"
            hint = 'write "" for a quote inside a cell, or export the file again'
        else:
            message = f"row {row}: a quote is opened and never closed"
            hint = "close the quote in the file, or export it again"
        raise Unreadable(Note("OM414", message, hint)) from None
    return "".join(record + chr(_RECORD) for record in records).encode()
