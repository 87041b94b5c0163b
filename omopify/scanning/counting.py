"""The different values of a column with how often they stand there: everything else is told from these.

A column is gone through once, row by row, to count; dates, numbers and dirt are then looked for among what differs.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from omopify.scanning.shapes import MISSING, TEXT, Shape, meaning
from omopify.staging.table import BLANKS

_SHAPES = 2_000
"""The most shapes of one column that are looked at; a column of more is prose."""

_TOLD_BY_SHAPE = (
    r"^(?:[<>≤≥~=+\-\x{2212}\s]*[.,]?[0-9]|(?:nk|un|unk|uk|na|xx|x|\?|-|\*|[a-zäøå]{3,9})[-./ ,]*[0-9nux?*-])"
    r".{0,40}$"
)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a column holds.

    ``values`` has a row for each different filled cell: ``raw`` (as in the file), ``value`` (trimmed), ``low`` (in
    small letters), ``rows``, ``shape`` (None for prose).  ``missing`` has the spellings of missing words with their
    ``rows``.  ``shapes`` says what each shape means.
    """

    rows: int
    filled: int
    values: pl.DataFrame
    missing: pl.DataFrame
    shapes: dict[str, Shape]
    blank_rows: int
    """Rows whose cell holds blanks and nothing else."""

    def of(self, kind: str) -> pl.DataFrame:
        """Return the values whose shape is of a kind."""
        names = [shape for shape, told in self.shapes.items() if told.kind == kind]
        return self.values.filter(pl.col("shape").is_in(names)) if names else self.values.clear()


def count(cells: pl.Series, missing: tuple[str, ...] = ()) -> Counted:
    """Count the different cells of a column; *missing* are further spellings of 'nothing here'."""
    told = cells.rename("raw").drop_nulls().value_counts(name="rows").with_columns(pl.col("rows").cast(pl.Int64))
    told = told.with_columns(pl.col("raw").str.strip_chars(BLANKS).alias("value"))
    blank = int(told.filter(pl.col("value") == "").get_column("rows").sum())
    told = told.filter(pl.col("value") != "").with_columns(pl.col("value").str.to_lowercase().alias("low"))
    words = sorted(MISSING | {word.strip(BLANKS).lower() for word in missing} - {""})
    gone = pl.col("low").is_in(words)
    empty = told.filter(gone).group_by("value").agg(pl.col("rows").sum()).sort("value")
    values = told.filter(~gone)
    shaped = pl.when(pl.col("low").str.contains(_TOLD_BY_SHAPE)).then(pl.col("low").str.replace_all("[0-9]", "9"))
    values = values.with_columns(shaped.alias("shape")).sort("rows", "value", "raw", descending=[True, False, False])
    shapes = values.lazy().filter(pl.col("shape").is_not_null()).group_by("shape").agg(pl.col("rows").sum())
    frequent = shapes.sort("rows", "shape", descending=[True, False]).head(_SHAPES).collect()
    known = {shape: meaning(shape) for shape in frequent.get_column("shape")}
    known = {shape: told_as for shape, told_as in known.items() if told_as != TEXT}
    return Counted(len(cells), int(values.get_column("rows").sum()), values, empty, known, blank)


def total(values: pl.DataFrame) -> int:
    """Return how many rows values stand in."""
    return int(values.get_column("rows").sum())


def told(values: pl.DataFrame) -> int:
    """Return how many different values there are, blanks around them left aside."""
    return int(values.get_column("value").n_unique()) if values.height else 0
