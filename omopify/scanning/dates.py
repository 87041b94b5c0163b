"""Which days a column's values name, in which spellings, and which of them cannot be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from omopify.scanning.counting import Counted, total
from omopify.scanning.shapes import MONTH_NUMBER, Precision, Shape

FIRST_YEAR = 1900
"""Years before it are taken for mistakes."""


@dataclass(slots=True)
class Spelling:
    """One way in which dates are written."""

    format: str
    precision: Precision
    rows: int
    ambiguous: bool = False
    timed: bool = False


@dataclass(slots=True)
class Days:
    """The dates of a column: all rows whose cell has the shape of a date, also of one that cannot be."""

    rows: int = 0
    full: int = 0
    """Rows whose day is known."""
    timed: int = 0
    spellings: list[Spelling] = field(default_factory=list)
    impossible: int = 0
    early: int = 0
    future: int = 0
    two_orders: bool = False
    """Some cells have the day first, and others the month."""


def days(counted: Counted, today: date, *, years: bool) -> Days:
    """Look through the values that have the shape of a date.

    Args:
        counted: the column's values.
        today: days behind it are in the future.
        years: whether a bare year, or eight digits, stands for a date here.
    """
    found = Days()
    shapes = {shape: told for shape, told in counted.shapes.items() if told.kind == "date"}
    if years:
        shapes |= {s: t for s, t in _BARE.items() if s in counted.shapes}
    if not shapes:
        return found
    values = counted.values.filter(pl.col("shape").is_in(list(shapes)))
    found.rows = total(values)
    parts = _parts(values, shapes)
    orders = _orders(parts)
    found.two_orders = any(len(seen) > 1 for seen in orders.values())
    parts = _settled(parts, orders)
    _note_faults(found, parts, today)
    groups = parts.group_by("format", "precision", "ambiguous", "timed").agg(pl.col("rows").sum())
    ordered = groups.sort("rows", "format", "ambiguous", descending=[True, False, False])
    for row in ordered.iter_rows(named=True):
        found.spellings.append(
            Spelling(row["format"], row["precision"], row["rows"], row["ambiguous"] or False, row["timed"])
        )
    found.full = sum(s.rows for s in found.spellings if s.precision not in ("year", "month"))
    found.timed = sum(s.rows for s in found.spellings if s.timed)
    return found


_BARE: dict[str, Shape] = {
    "9999": Shape("date", "%Y", "year", "y"),
    "99999999": Shape("date", "%Y%m%d", "day", "compact"),
}

_PLACES = {"ymd": (0, 1, 2), "dmy": (2, 1, 0), "mdy": (1, None, 0), "ym": (0, 1, None), "my": (1, 0, None)}


def _parts(values: pl.DataFrame, shapes: dict[str, Shape]) -> pl.DataFrame:
    """Give each value the numbers of its year, month and day; null where a part is not known."""
    told = pl.DataFrame(
        [
            {
                "shape": shape,
                "format": as_.format,
                "precision": as_.precision,
                "order": as_.order,
                "open": as_.open,
                "timed": as_.timed,
                "short": "%y" in as_.format,
            }
            for shape, as_ in shapes.items()
        ]
    )
    frame = values.select("low", "rows", "shape").join(told, on="shape", how="left")
    text = pl.col("low").str.split(" ").list.first()
    text = pl.when(pl.col("format").str.contains(r" .*%[YyBb]|%B|, ")).then(pl.col("low")).otherwise(text)
    word = text.str.extract(r"([a-zä]{3,})").replace_strict(MONTH_NUMBER, default=None, return_dtype=pl.Int64)
    tokens = text.str.extract_all(r"[0-9]+|[a-zä]{2,}|[?*x]+|--?")
    tokens = tokens.list.eval(pl.element().filter(pl.element() != "-"))
    frame = frame.with_columns(tokens.alias("tokens"), word.alias("word"))
    pieces = []
    for (order,), group in frame.group_by("order", maintain_order=True):
        pieces.append(_numbered(group, str(order)))
    return pl.concat(pieces)


def _numbered(group: pl.DataFrame, order: str) -> pl.DataFrame:
    def number(place: int | None) -> pl.Expr:
        if place is None:
            return pl.lit(None, dtype=pl.Int64)
        return pl.col("tokens").list.get(place, null_on_oob=True).cast(pl.Int64, strict=False)

    if order == "compact":
        cut = [pl.col("low").str.slice(a, n).cast(pl.Int64, strict=False) for a, n in ((0, 4), (4, 2), (6, 2))]
        return group.with_columns(cut[0].alias("y"), cut[1].alias("m"), cut[2].alias("d"))
    if order in ("y", "y-d"):
        return group.with_columns(number(0).alias("y"), number(None).alias("m"), number(None).alias("d"))
    if order == "mdy":
        # 'may 9, 2021': the month is a word, the numbers are day and year
        digits = pl.col("low").str.extract_all("[0-9]+")
        day = digits.list.get(0, null_on_oob=True).cast(pl.Int64, strict=False)
        year = digits.list.get(1, null_on_oob=True).cast(pl.Int64, strict=False)
        return group.with_columns(year.alias("y"), pl.col("word").alias("m"), day.alias("d"))
    y, m, d = _PLACES[order]
    month = pl.coalesce(number(m), pl.col("word")) if m is not None else pl.col("word")
    year = number(y)
    century = pl.when(year > 68).then(year + 1900).otherwise(year + 2000)
    year = pl.when(pl.col("short")).then(century).otherwise(year)
    return group.with_columns(year.alias("y"), month.alias("m"), number(d).alias("d"))


def _orders(parts: pl.DataFrame) -> dict[str, set[Literal["dmy", "mdy"]]]:
    """Return, for each format whose order shapes cannot tell, which orders its values prove."""
    found: dict[str, set[Literal["dmy", "mdy"]]] = {}
    opened = parts.filter(pl.col("open"))
    if opened.is_empty():
        return found
    proof = opened.group_by("format").agg(
        ((pl.col("d") > 12) & (pl.col("m") <= 12)).any().alias("dmy"),
        ((pl.col("m") > 12) & (pl.col("d") <= 12)).any().alias("mdy"),
    )
    for name, first, second in proof.iter_rows():
        seen: list[tuple[bool, Literal["dmy", "mdy"]]] = [(first, "dmy"), (second, "mdy")]
        found[name] = {order for proven, order in seen if proven}
    return found


def _settled(parts: pl.DataFrame, orders: dict[str, set[Literal["dmy", "mdy"]]]) -> pl.DataFrame:
    """Turn day and month round where the values prove it, and say where nothing does."""
    proven = {name: next(iter(seen)) for name, seen in orders.items() if len(seen) == 1}
    both = [name for name, seen in orders.items() if len(seen) == 2]
    neither = [name for name, seen in orders.items() if not seen]
    american = pl.col("format").is_in([name for name, order in proven.items() if order == "mdy"])
    american |= pl.col("format").is_in(both) & (pl.col("m") > 12) & (pl.col("d") <= 12)
    american &= pl.col("open")
    doubt = pl.col("format").is_in(both) & (pl.col("m") <= 12) & (pl.col("d") <= 12)
    doubt = pl.col("open") & (pl.col("format").is_in(neither) | doubt)
    turned = pl.col("format").str.replace(r"%d(\. |, ?|[-./ ])%m", "%m${1}%d")
    parts = parts.with_columns(
        pl.when(american).then(pl.col("d")).otherwise(pl.col("m")).alias("m"),
        pl.when(american).then(pl.col("m")).otherwise(pl.col("d")).alias("d"),
        pl.when(american).then(turned).otherwise(pl.col("format")).alias("format"),
        doubt.alias("ambiguous"),
    )
    # some systems write a month or day that is not known as 00
    no_month, no_day = (pl.col("m") == 0).fill_null(False), (pl.col("d") == 0).fill_null(False)
    zeroed = pl.col("format")
    zeroed = pl.when(no_month).then(zeroed.str.replace("%m", "00", literal=True)).otherwise(zeroed)
    zeroed = pl.when(no_day).then(zeroed.str.replace("%d", "00", literal=True)).otherwise(zeroed)
    precision = pl.when(no_month).then(pl.lit("year")).when(no_day).then(pl.lit("month"))
    return parts.with_columns(zeroed.alias("format"), precision.otherwise(pl.col("precision")).alias("precision"))


def _note_faults(found: Days, parts: pl.DataFrame, today: date) -> None:
    zero = (pl.col("m") == 0) | (pl.col("d") == 0)
    text = pl.format(
        "{}-{}-{}",
        pl.col("y").cast(pl.String).str.zfill(4),
        pl.coalesce(pl.col("m"), 1).cast(pl.String).str.zfill(2),
        pl.coalesce(pl.col("d"), 1).cast(pl.String).str.zfill(2),
    )
    day = text.str.to_date("%Y-%m-%d", strict=False)
    judged = parts.select(
        "rows",
        (day.is_null() & ~zero.fill_null(False) & pl.col("y").is_not_null()).alias("impossible"),
        (pl.col("y") < FIRST_YEAR).alias("early"),
        (day > today).alias("future"),
    )
    for name in ("impossible", "early", "future"):
        setattr(found, name, total(judged.filter(pl.col(name).fill_null(False))))
