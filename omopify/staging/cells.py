"""The rules that every cell goes through, whatever file it came from."""

from __future__ import annotations

import polars as pl

from omopify.staging.table import BLANKS, CONTROLS, ROW, Note, Table, rows_text

_EDGE = r"^[\s\x{FEFF}]|[\s\x{FEFF}]$"


def clean(table: Table, missing: tuple[str, ...]) -> Table:
    """Trim all cells, turn missing spellings into null, and drop rows without any cell.

    Args:
        table: what a reader found.
        missing: spellings that mean "nothing".

    Returns:
        The same table with a clean frame and with warnings about what was dropped.
    """
    names = [name for name in table.frame.columns if name != ROW]
    notes = list(table.notes)
    if not names or table.frame.is_empty():
        return Table(table.head, table.frame, notes, plain=True)
    frame = table.frame
    if not table.plain:
        frame, found = _without_controls(frame, table.head.names, names)
        notes += found
    edged = frame.select(pl.col(names).str.contains(_EDGE).any()).row(0)
    spellings = sorted({_fold(word) for word in missing} - {""})
    frame = frame.with_columns(
        _present(pl.col(name).str.strip_chars(BLANKS) if blank else pl.col(name), spellings).alias(name)
        for name, blank in zip(names, edged, strict=True)
    )
    kept = frame.filter(pl.any_horizontal(pl.col(names).is_not_null()))
    if kept.height < frame.height:
        empty = frame.filter(pl.all_horizontal(pl.col(names).is_null())).get_column(ROW).to_list()
        notes.append(Note("OM432", f"{len(empty):,} empty {_rows(empty)} left out", severity="warning"))
    short = sorted(set(table.short).intersection(kept.get_column(ROW))) if table.short else []
    if short:
        notes.append(
            Note(
                "OM431",
                f"{rows_text(short)}: fewer cells than the header; the missing ones count as empty",
                "compare these rows with the export, a line break inside a cell may have cut them",
                "warning",
            )
        )
    return Table(table.head, kept, notes, plain=True)


def _fold(word: str) -> str:
    return word.strip(BLANKS).lower()


def _present(cell: pl.Expr, spellings: list[str]) -> pl.Expr:
    there = cell != ""
    if spellings:
        there &= ~cell.str.to_lowercase().is_in(spellings)
    return pl.when(there).then(cell)


def _rows(rows: list[int]) -> str:
    return f"row{'s' if len(rows) != 1 else ''} ({rows_text(rows)})"


def _without_controls(frame: pl.DataFrame, header: list[str], names: list[str]) -> tuple[pl.DataFrame, list[Note]]:
    hit = frame.select(pl.col(names).str.contains_any(list(CONTROLS)).any()).row(0)
    dirty = [name for name, found in zip(names, hit, strict=True) if found]
    if not dirty:
        return frame, []
    notes = []
    for name in dirty:
        cells = frame.filter(pl.col(name).str.contains_any(list(CONTROLS)))
        where = cells.get_column(ROW).to_list()
        count = cells.select(pl.col(name).str.count_matches(f"[{CONTROLS}]").sum()).item()
        column = header[int(name)] or f"number {int(name) + 1}"
        notes.append(controls_note(f"column '{column}', {rows_text(where)}", count))
    gone = pl.col(dirty).str.replace_many(list(CONTROLS), [""] * len(CONTROLS))
    return frame.with_columns(gone), notes


def controls_note(where: str, count: int) -> Note:
    """Return the warning that *count* cells or characters of a place lost control characters."""
    return Note("OM433", f"{where}: {count:,} control characters (U+0000, U+001C to U+001F) removed", "", "warning")
