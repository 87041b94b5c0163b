"""Column names: which of them stay, and how they are spelt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from omopify.staging.table import RESERVED, ROW, Head, Note, Table, Unreadable, rows_text

if TYPE_CHECKING:
    import polars as pl


def named(head: Head) -> list[int]:
    """Return the positions of the columns that a header alone lets us know: named, and not twice."""
    seen: set[str] = set()
    found = []
    for position, name in enumerate(head.names):
        if name and name.casefold() not in seen:
            seen.add(name.casefold())
            found.append(position)
    return found


def settle(table: Table) -> tuple[pl.DataFrame, list[int], list[Note]]:
    """Give the columns their names.

    Args:
        table: a clean table.

    Returns:
        The frame with ``_row`` and the named columns, the position of each, and warnings.

    Raises:
        Unreadable: if a column with data has no name or a reserved one, or if two columns of one
            name (DuckDB ignores case) differ.
    """
    notes: list[Note] = []
    errors: list[Note] = []
    kept: dict[str, int] = {}
    for position, name in enumerate(table.head.names):
        column = table.frame.get_column(str(position))
        if not name:
            if column.null_count() < len(column):
                errors.append(_unnamed(table.frame, position))
        elif name.casefold() in RESERVED:
            errors.append(_reserved(name, position))
        elif name.casefold() not in kept:
            kept[name.casefold()] = position
        else:
            first = kept[name.casefold()]
            other = table.frame.get_column(str(first))
            places = f"columns {first + 1} and {position + 1} are both called '{name}'"
            if column.null_count() == len(column) or column.equals(other, null_equal=True):
                notes.append(Note("OM422", f"{places} and do not differ; the first is used", "", "warning"))
            elif other.null_count() == len(other):
                kept[name.casefold()] = position
                notes.append(Note("OM422", f"{places} and the first is empty; the second is used", "", "warning"))
            else:
                errors.append(
                    Note(
                        "OM421",
                        f"{places} (upper and lower case count as the same) but hold different data",
                        "rename one of them in the file or export only one",
                    )
                )
    if not kept and not errors:
        errors.append(Note("OM410", "the header row names no column", "check header_row"))
    if errors:
        raise Unreadable(*errors)
    positions = sorted(kept.values())
    frame = table.frame.select(ROW, *(str(p) for p in positions))
    return frame.rename({str(p): table.head.names[p] for p in positions}), positions, notes


def respell(columns: Sequence[str], known: Iterable[str]) -> dict[str, str]:
    """Return which of the *columns* to rename so that they are spelt as in *known*.

    A column is renamed if it differs only in case or blanks and nobody else has a better claim.
    """
    spellings = list(dict.fromkeys(known))
    settled = set(columns).intersection(spellings)
    near: dict[str, list[str]] = {}
    for name in columns:
        if name not in settled:
            near.setdefault(_bare(name), []).append(name)
    taken = {name.casefold() for name in settled}
    renames: dict[str, str] = {}
    for wanted in spellings:
        if wanted.casefold() in taken:
            continue
        candidates = near.get(_bare(wanted), [])
        chosen = [name for name in candidates if name.casefold() == wanted.casefold()] or candidates
        if len(chosen) == 1 and chosen[0] not in renames:
            renames[chosen[0]] = wanted
            taken.add(wanted.casefold())
    return renames


def _bare(name: str) -> str:
    return "".join(name.split()).casefold()


def _unnamed(frame: pl.DataFrame, position: int) -> Note:
    import polars as pl

    rows = frame.filter(pl.col(str(position)).is_not_null()).get_column(ROW).to_list()
    return Note(
        "OM420",
        f"column {position + 1} has no name in the header row but holds data ({rows_text(rows)})",
        "name the column in the file, or check header_row",
    )


def _reserved(name: str, position: int) -> Note:
    return Note(
        "OM423",
        f"column {position + 1} is called '{name}', a name that omopify keeps for itself",
        "rename the column in the file or leave it out",
    )
