"""Expected and actual rows side by side: which belong together, and where they differ.

An expected row names some columns only, so several actual rows may fit it, and one actual row may fit several expected
ones: as many as possible are paired.  What is left is paired with its nearest, to show the cells that differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omopify.errors import Location
from omopify.testing.model import Difference, Mismatch, Row

_NO_COLUMN = object()
_OF_ALL = ("_file", "_row", "trial", "map", "file", "sheet", "piece", "made_of", "file_number")
"""Columns that say little about a row that should not be there."""


def compare(
    table: str, expected: Sequence[Row], actual: Sequence[Row], places: Sequence[Location]
) -> Difference | None:
    """Return how the rows of a table differ from what is expected, None if they do not.

    Args:
        table: what the test calls it.
        expected: rows of which only the named columns count.
        actual: all rows.
        places: where each expected row is written, and behind them where the table is named.
    """
    pairs = _paired(expected, actual)
    open_rows = [number for number in range(len(expected)) if number not in pairs]
    left = [number for number in range(len(actual)) if number not in pairs.values()]
    if not open_rows and not left:
        return None
    columns = tuple(dict.fromkeys(name for row in expected for name in row))
    filled = (name for row in actual for name, value in row.items() if value is not None)
    columns = columns or tuple(dict.fromkeys(name for name in filled if name not in _OF_ALL))
    near = _nearest([(number, expected[number]) for number in open_rows], [(n, actual[n]) for n in left])
    mismatches = []
    for number in open_rows:
        row, at = expected[number], places[number]
        if number in near:
            found = actual[near[number]]
            wrong = tuple(name for name, value in row.items() if not same(found.get(name, _NO_COLUMN), value))
            mismatches.append(Mismatch("differs", at, row, _named(found, columns), wrong))
        else:
            mismatches.append(Mismatch("missing", at, row, None))
    extra = [number for number in left if number not in near.values()]
    mismatches += [Mismatch("extra", places[-1], None, _named(actual[n], columns)) for n in extra]
    return Difference(table, columns, tuple(mismatches), len(actual), len(expected), places[-1])


def same(actual: Any, expected: Any) -> bool:
    """Say whether a cell is as a test writes it: 3 and "3" and 3.0 are the same number."""
    if expected is None or actual is None:
        return actual is expected
    if actual is _NO_COLUMN:
        return False
    if isinstance(actual, bool):
        return str(actual).casefold() == str(expected).casefold()
    if isinstance(actual, (int, float)):
        try:
            return float(actual) == float(expected)
        except ValueError:
            return False
    return str(actual) == str(expected)


def _fits(actual: Row, expected: Row) -> bool:
    return all(same(actual.get(name, _NO_COLUMN), value) for name, value in expected.items())


def _paired(expected: Sequence[Row], actual: Sequence[Row]) -> dict[int, int]:
    """Pair as many expected rows as possible with a row that fits (augmenting paths): {expected: actual}."""
    fitting = [[n for n, row in enumerate(actual) if _fits(row, wanted)] for wanted in expected]
    owner: dict[int, int] = {}

    def place(number: int, tried: set[int]) -> bool:
        for candidate in fitting[number]:
            if candidate in tried:
                continue
            tried.add(candidate)
            if candidate not in owner or place(owner[candidate], tried):
                owner[candidate] = number
                return True
        return False

    for number in range(len(expected)):
        place(number, set())
    return {number: candidate for candidate, number in owner.items()}


def _nearest(expected: Sequence[tuple[int, Row]], actual: Sequence[tuple[int, Row]]) -> dict[int, int]:
    """Pair each row that fits none with the one that agrees in most columns, the nearest pairs first."""
    scores = [
        (sum(same(found.get(name, _NO_COLUMN), value) for name, value in row.items()), number, other)
        for number, row in expected
        for other, found in actual
    ]
    near: dict[int, int] = {}
    for score, number, other in sorted(scores, key=lambda s: (-s[0], s[1], s[2])):
        if (score or len(expected) == len(actual) == 1) and number not in near and other not in near.values():
            near[number] = other
    return near


def _named(row: Row, columns: tuple[str, ...]) -> Row:
    return {name: row[name] for name in columns if name in row}
