"""Columns that have a type in their file (SAS, Parquet) to text."""

from __future__ import annotations

import polars as pl

from omopify.staging.moments import short
from omopify.staging.table import Note, Unreadable


def to_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Return *frame* as text columns called '0', '1', ...

    Whole numbers have no decimal point, logical values are true and false, dates are ISO.

    Raises:
        Unreadable: naming the columns whose type has no text form, such as lists.
    """
    errors = []
    cells = []
    for position, (name, kind) in enumerate(frame.schema.items()):
        cell = _text(pl.nth(position), kind)
        if cell is None:
            errors.append(
                Note(
                    "OM436",
                    f"column {position + 1} '{name}' is of type {kind}, which has no text form",
                    "export it as text, or leave it out",
                )
            )
        else:
            cells.append(cell.alias(str(position)))
    if errors:
        raise Unreadable(*errors)
    return frame.select(cells) if cells else frame


def _text(cell: pl.Expr, kind: pl.DataType) -> pl.Expr | None:
    if isinstance(kind, pl.String):
        return cell
    if isinstance(kind, pl.Boolean):
        return pl.when(cell).then(pl.lit("true")).when(~cell).then(pl.lit("false"))
    if isinstance(kind, pl.Float32 | pl.Float64):
        # 2**53: beyond it a whole number of the source may not be the one that is stored.
        whole = (cell == cell.round(0)) & (cell.abs() <= 2**53)
        number = pl.when(whole).then(cell.cast(pl.Int64, strict=False)).cast(pl.String)
        return pl.when(cell.is_not_nan()).then(pl.coalesce(number, cell.cast(pl.String)))
    if isinstance(kind, pl.Date | pl.Datetime | pl.Time):
        return short(cell.cast(pl.String))
    if kind.is_numeric() or isinstance(kind, pl.Categorical | pl.Enum | pl.Null):
        return cell.cast(pl.String)
    return None
