"""Small CSV files that people write beside maps: lists of values, columns of an export, approvals.

A spreadsheet may have saved them with ``;`` or a tab, a byte-order mark, and a first line ``sep=;``; all are taken as
they come.  A lost quotation mark glues lines together without a word: it is found here, and said.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import chain

QUOTES_HINT = 'a text with quotation marks stands in quotation marks, with each of them written twice: "so ""called"""'
"""How to mend :class:`BrokenRow`."""

_SEPARATOR = re.compile(r'"?sep=(.)"?[^\S\r\n]*(?:\r\n|\r|\n)', re.IGNORECASE)
"""What Excel writes, or asks for, as the first line."""


class BrokenRow(ValueError):
    """A row that cannot be told from the next: its text says why."""

    def __init__(self, line: int, why: str):
        super().__init__(why)
        self.line = line


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a small CSV file."""

    columns: tuple[str, ...]
    """The names of the columns, as they are written."""
    rows: tuple[tuple[int, dict[str, str]], ...]
    """Line and cells of each row that is not empty; a cell that is missing is empty."""
    delimiter: str


def parse(text: str) -> Rows:
    """Return the rows of a CSV file; cells lose the blanks around them.

    Raises:
        BrokenRow: quotation marks do not come in pairs, or a cell is larger than any cell can be.
    """
    asked = _SEPARATOR.match(text)
    body = text[asked.end() :] if asked else text
    header = next(iter(body.splitlines()), "")
    delimiter = asked[1] if asked else max(",;\t", key=header.count)
    cells = _cells(body, delimiter, 1 if asked else 0)
    first = next(cells, (1, []))
    columns = tuple(first[1])
    rows = tuple(
        (line, {name: value.strip() for name, value in zip(columns, chain(row, [""] * len(columns)))})  # noqa: B905
        for line, row in cells
        if any(value.strip() for value in row)
    )
    return Rows(columns, rows, delimiter)


def _cells(text: str, delimiter: str, before: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the line where a row begins, and its cells; ``before``: how many lines stand before the text."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = before + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            long = f"a cell that begins in this line is longer than {csv.field_size_limit()} characters"
            why = long if "limit" in str(error) else "the quotation marks of this line do not come in pairs"
            raise BrokenRow(line, why) from None
        if cells:
            yield line, cells
