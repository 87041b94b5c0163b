"""How the numbers of a column are written, and what each of them is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from omopify.scanning.counting import Counted, total

_EMPTY = pl.DataFrame(schema={"raw": pl.String, "rows": pl.Int64, "number": pl.Float64})


@dataclass(slots=True)
class Figures:
    """The numbers of a column: ``rows`` of all cells in the shape of a number, ``plain`` of those without a word."""

    rows: int = 0
    plain: int = 0
    decimal: Literal[".", ",", ""] = ""
    decimals: int = 0
    points: int = 0
    commas: int = 0
    thousands: int = 0
    comparators: int = 0
    units: int = 0
    scientific: int = 0
    padded: int = 0
    """Rows of whole numbers with zeros in front."""
    values: pl.DataFrame = field(default_factory=_EMPTY.clone)
    """``raw``, ``rows`` and ``number``."""

    @property
    def whole(self) -> bool:
        """Whether no number has decimals."""
        return not self.points and not self.commas and not self.scientific


def figures(counted: Counted) -> Figures:
    """Look through the values that have the shape of a number."""
    found = Figures()
    shapes = {shape: told for shape, told in counted.shapes.items() if told.kind == "number"}
    if not shapes:
        return found
    values = counted.values.filter(pl.col("shape").is_in(list(shapes)))
    rows = dict(values.group_by("shape").agg(pl.col("rows").sum()).iter_rows())
    # '1,234' alone may be a thousand or a fraction; a comma with other than three digits behind it tells
    group_of_three = {s for s, t in shapes.items() if t.mark and t.decimals == 3 and not t.thousands}
    certain: set[str] = {t.mark for s, t in shapes.items() if t.mark and s not in group_of_three}
    other = {",": ".", ".": ","}
    grouped = {s for s in group_of_three if other[shapes[s].mark] in certain and shapes[s].mark not in certain}
    for shape, told in shapes.items():
        count = rows.get(shape, 0)
        mark = "" if shape in grouped else told.mark
        found.rows += count
        found.points += count * (mark == ".")
        found.commas += count * (mark == ",")
        found.comparators += count * told.comparator
        found.units += count * bool(told.unit)
        found.thousands += count * (bool(told.thousands) or shape in grouped)
        found.scientific += count * told.scientific
        found.plain += count * (not told.comparator and not told.unit)
        if mark:
            found.decimals = max(found.decimals, told.decimals)
    found.decimal = "" if found.whole or (found.scientific and not found.points + found.commas) else "."
    if found.commas > found.points:
        found.decimal = ","
    bare = values.filter(pl.col("low").str.contains(r"^0[0-9]+$"))
    found.padded = total(bare)
    found.values = _worth(values, grouped)
    return found


def _worth(values: pl.DataFrame, grouped: set[str]) -> pl.DataFrame:
    text = pl.col("low").str.extract(r"([+\-\x{2212}]?\s*[0-9.,][0-9.,' \x{2019}\x{a0}\x{202f}]*(?:e[+-]?[0-9]+)?)")
    text = text.str.replace_all(r"[' \x{2019}\x{a0}\x{202f}]", "").str.replace_all("\u2212", "-", literal=True)
    last_comma = text.str.contains(r",[0-9]*(?:e.*)?$") & ~text.str.contains(r",.*,")
    comma = pl.when(last_comma & ~pl.col("shape").is_in(list(grouped)))
    text = (
        comma.then(text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True))
        .when(text.str.contains(r"\..*\.") | pl.col("shape").is_in(list(grouped)))
        .then(text.str.replace_all(r"[.,]", ""))
        .otherwise(text.str.replace_all(",", "", literal=True))
    )
    number = text.str.strip_chars(" ").cast(pl.Float64, strict=False)
    return values.select("raw", "rows", number.alias("number")).filter(pl.col("number").is_finite())
