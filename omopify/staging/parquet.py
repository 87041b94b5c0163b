"""Reads Parquet files."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from omopify.staging.table import ROW, Head, Note, Table, Unreadable, reading, trim
from omopify.staging.typed import to_text

_HINT = "write the file again, or set 'format' of this source"


def read_head(path: Path) -> Head:
    """Return the column names.

    Raises:
        Unreadable: if it is no Parquet file.
    """
    with reading("Parquet", _HINT):
        return _head(list(pl.read_parquet_schema(path)))


def read(data: bytes) -> Table:
    """Read a whole file.

    Raises:
        Unreadable: if it is no Parquet file or a column has no text form.
    """
    with reading("Parquet", _HINT):
        frame = pl.read_parquet(io.BytesIO(data))
        head = _head(frame.columns)
        text = to_text(frame).with_row_index(ROW, 1).with_columns(pl.col(ROW).cast(pl.Int64))
    return Table(head, text)


def _head(names: list[str]) -> Head:
    if not names:
        raise Unreadable(Note("OM410", "the file has no columns", "check the file"))
    return Head([trim(name) for name in names], [""] * len(names))
