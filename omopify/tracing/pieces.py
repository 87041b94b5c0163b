"""Which columns of a form's row one of its pieces is: a slot, an item column, or a piece of a cell."""

from __future__ import annotations

from omopify.describing.origins import unpivoted
from omopify.specs.maps import MapFile


def piece_of(spec: MapFile, number: int | None) -> str:
    """Return a few words for the piece of a row with this number (from 1); nothing if rows stay whole."""
    if number is None or number < 1:
        return ""
    columns = _columns(spec)
    if number <= len(columns) and spec.unpivot:
        return f"column {columns[number - 1][0]}"
    if number <= len(columns) and spec.slots:
        return f"slot {spec.slots.n[number - 1] or number}: {', '.join(columns[number - 1])}"
    if spec.split:
        return f"piece {number} of {next(iter(spec.split))}"
    return ""


def other_pieces(spec: MapFile, number: int | None) -> frozenset[str]:
    """Return the columns, in small letters, that belong to other pieces of the row alone."""
    columns = _columns(spec)
    if number is None or not 0 < number <= len(columns):
        return frozenset()
    others = {name.casefold() for n, names in enumerate(columns, 1) if n != number for name in names}
    return frozenset(others - {name.casefold() for name in columns[number - 1]})


def _columns(spec: MapFile) -> list[list[str]]:
    """Return the columns of each piece."""
    if spec.unpivot:
        code = spec.unpivot.code
        return [[one, *([code.replace("{}", one)] if code else [])] for one in unpivoted(spec.unpivot.columns)]
    if spec.slots and not spec.slots.on_conflict:
        patterns = spec.slots.columns.values()
        return [[pattern.replace("{n}", slot) for pattern in patterns] for slot in spec.slots.n]
    return []
