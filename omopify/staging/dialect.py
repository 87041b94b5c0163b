"""Which character separates the cells of a text file."""

from __future__ import annotations

import csv
import io

from omopify.staging.table import BLANKS, Note, Unreadable

_CANDIDATES = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE = 65_536


def delimiter(text: bytes, header_row: int, skip: int) -> str:
    """Return the delimiter of a file in UTF-8.

    A candidate must split the header row into several cells.  If more than one does, the data rows
    must all have as many cells as the header with exactly one of them.

    Args:
        text: the file's text, or its beginning.
        header_row: the row with the column names, from 1.
        skip: how many rows come before the data.

    Raises:
        Unreadable: if the file fits several delimiters equally well.
    """
    cut = len(text) > _SAMPLE
    sample = text[:_SAMPLE].decode("utf-8", "ignore")
    sound: dict[str, list[int]] = {}
    broken: dict[str, list[int]] = {}
    for candidate in _CANDIDATES:
        lengths, fits = _lengths(sample, candidate, cut)
        if len(lengths) >= header_row:
            (sound if fits else broken)[candidate] = lengths
    # A broken quote somewhere in the data must not make the header look like one long name.
    viable = _splitting(sound, header_row) or _splitting(broken, header_row)
    if not viable:
        return _one_column(sound, skip)
    if len(viable) > 1:
        viable = {c: n for c, n in viable.items() if _even(n[skip:], abs(n[header_row - 1]))} or viable
    if len(viable) > 1:
        names = " and ".join(_NAMES[c] for c in viable)
        raise Unreadable(Note("OM413", f"the cells may be separated by {names}", "set 'delimiter' of this source"))
    return next(iter(viable))


def _splitting(shapes: dict[str, list[int]], header_row: int) -> dict[str, list[int]]:
    return {c: lengths for c, lengths in shapes.items() if abs(lengths[header_row - 1]) > 1}


def _lengths(sample: str, candidate: str, cut: bool) -> tuple[list[int], bool]:
    """Return the cells of each record (negative if all are blank), and whether the quotes fit."""
    lengths = []
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=candidate, strict=True)
    try:
        for record in reader:
            blank = not any(cell.strip(BLANKS) for cell in record)
            lengths.append(-len(record) if blank else len(record))
    except csv.Error as error:
        # A quote that is still open at the end of the sample says nothing about the delimiter.
        return lengths, "unexpected end" in str(error)
    return (lengths[:-1] if cut else lengths), True


def _even(lengths: list[int], expected: int) -> bool:
    return all(n <= 0 or n == expected for n in lengths)


def _one_column(shapes: dict[str, list[int]], skip: int) -> str:
    # A title above the header would else make one column of it all, without a word.
    for candidate, lengths in shapes.items():
        data = [n for n in lengths[skip:] if n > 0]
        if data and data[0] > 1 and _even(data, data[0]):
            return candidate
    return ","
