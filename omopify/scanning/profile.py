"""What one column holds: its kind with the evidence, how its cells are written, and what may be named of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import polars as pl

from omopify.scanning.counting import Counted, count, told, total
from omopify.scanning.dates import Days, days
from omopify.scanning.dirt import dirt, serials
from omopify.scanning.hiding import Hiding, Shares
from omopify.scanning.model import Column, DateFormat, Kind, Numbers, Value
from omopify.scanning.numbers import Figures, figures
from omopify.scanning.persons import free_text, identifier, looks_personal
from omopify.scanning.shapes import YES_NO

MOST = 0.8
"""The share of the filled cells that makes a column one of dates or numbers."""

_LIST = 200
"""The most different values of a code list."""

_DATED = re.compile(
    r"dat(e|o|um|a)?\d*$|dtc?\d*$|dat(e|o|um)?\b|date|dato|datum|fecha|birth|_dt_|\bdob\b|\bday\b|\bdag\b"
)
_CODED = re.compile(r"(cd|code|_c|kode|codes?)\d*$|\((code|kode)\)$")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the search for keys, pairs and links needs to know of a column, exactly: never shown."""

    position: int
    name: str
    filled: int
    distinct: int
    kind: Kind
    blank_or_missing: int
    long: int
    """Characters of the longest cell."""
    named_like_a_value: bool
    """The column's name is also one of its values: the header may be a row of data."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is the same for all columns of a form."""

    hiding: Hiding
    subject: str
    today: date
    missing: tuple[str, ...]


def profile(cells: pl.Series, position: int, name: str, label: str, setting: Setting) -> tuple[Column, Facts]:
    """Say what a column holds.

    Args:
        cells: its cells as the file has them, null where there is none.
        position: its place in the file, from 0.
        name: its name.
        label: what the export calls it for people; '' if nothing.
        setting: of its form.
    """
    hiding = setting.hiding
    counted = count(cells, setting.missing)
    dated = bool(_DATED.search(name.casefold()) or _DATED.search(label.casefold()))
    day = days(counted, setting.today, years=dated)
    figure = figures(counted)
    kind, evidence, shares = _kind(name, label, counted, day, figure, hiding)
    reason = identifier(name, label, setting.subject, counted, day)
    prose = free_text(name, label, counted, hiding) if kind in ("text", "code list") and not reason else ""
    secret = bool(reason or prose)
    if secret and kind not in ("date", "date and time", "empty"):
        kind, evidence = "text", "its cells are not told of"
    few = hiding.count(counted.filled, counted.rows)
    distinct = told(counted.values)
    listed = not secret and kind not in ("date", "date and time", "empty")
    values = _values(counted, cells, hiding) if listed else ()
    shortest, longest = hiding.lengths(counted.values) if not reason else (None, None)
    column = Column(
        name=name,
        label=label,
        kind=kind,
        evidence=evidence,
        rows=hiding.count(counted.rows),
        filled=few,
        distinct=_distinct(distinct, counted.filled, secret, hiding),
        shortest=shortest,
        longest=longest,
        values=values,
        values_hidden=0 if counted.filled < hiding.small or secret else distinct - len(values),
        missing=_missing(counted, hiding),
        dates=_dates(day, shares, kind) if not reason or "birth" in reason else (),
        numbers=_numbers(figure, counted, cells, kind, hiding) if not secret else None,
        identifier=reason,
        free_text=prose,
        anomalies=dirt(counted, day, figure, kind, hiding, shares, secret=secret, dated=dated),
    )
    chars = counted.values.get_column("value").str.len_chars().to_list()
    facts = Facts(
        position,
        name,
        counted.filled,
        distinct,
        kind,
        counted.rows - counted.filled,
        max(chars, default=0),
        bool(name) and counted.values.filter(pl.col("low") == name.casefold()).height > 0,
    )
    return column, facts


def _distinct(distinct: int, filled: int, secret: bool, hiding: Hiding) -> int | None:
    if 0 < filled < hiding.small:
        return None
    return hiding.count(distinct) if secret else distinct


def _kind(
    name: str, label: str, counted: Counted, day: Days, figure: Figures, hiding: Hiding
) -> tuple[Kind, str, Shares]:
    """Return the kind, why, and what the filled rows are made of: those of the kind (dates by spelling), and others."""
    filled = counted.filled

    def split(*rows: int) -> Shares:
        return hiding.shares((*rows, filled - sum(rows)), filled, counted.rows)

    if not filled:
        return "empty", "no row holds anything", split(0)
    if day.rows >= MOST * filled and (day.full or day.rows > figure.rows or _DATED.search(name.casefold())):
        kind: Kind = "date and time" if day.timed * 2 > day.rows else "date"
        shares = split(*(spelling.rows for spelling in day.spellings), total(serials(counted)))
        return kind, _share(shares, len(day.spellings), _as_dates(day)), shares
    times = total(counted.of("time"))
    if times >= MOST * filled:
        return "time", _share(split(times), 1, "times of day"), split(times)
    folded = set(counted.values.get_column("low").unique().sort().head(3))
    if folded in YES_NO:
        either = f"either {' or '.join(sorted(folded, reverse=True))}"
        return "yes/no", _share(split(filled), 1, either), split(filled)
    coded = bool(_CODED.search(name.casefold()) or _CODED.search(label.casefold()))
    if figure.rows >= MOST * filled:
        number, what = _numeric(counted, figure, coded)
        return number, _share(split(figure.rows), 1, what), split(figure.rows)
    distinct = told(counted.values)
    listed: Kind = "code list" if _repeated(distinct, filled) else "text"
    return listed, _share(split(filled), 1, f"texts, {distinct:,} of them different"), split(filled)


def _repeated(distinct: int, filled: int) -> bool:
    """Say whether so few values stand there so often that they are a list of codes or choices."""
    return (distinct * 3 <= filled and distinct <= _LIST) or (distinct <= 12 and distinct * 2 <= filled)


def _numeric(counted: Counted, figure: Figures, coded: bool) -> tuple[Kind, str]:
    distinct = told(counted.values)
    whole_rows = figure.rows - figure.points - figure.commas - figure.scientific
    padded = figure.padded * 2 > figure.rows
    if (coded or padded) and whole_rows >= MOST * figure.rows and _repeated(distinct, counted.filled):
        why = "its name says that they are codes" if coded else "they have zeros in front, as codes have"
        return "code list", f"numbers, {distinct:,} of them different; {why}"
    if padded and figure.whole and not figure.comparators:
        return "text", "digits with zeros in front, nothing to count with"
    if figure.whole and not figure.comparators and not figure.units:
        return "whole number", "whole numbers"
    return "number", _as_numbers(figure)


def _as_dates(day: Days) -> str:
    first = day.spellings[0]
    told_as = first.format
    for code, word in _WRITTEN.items():
        told_as = told_as.replace(code, word)
    ways = len(day.spellings)
    return f"dates, most often written as {told_as}" if ways > 1 else f"dates, written as {told_as}"


_WRITTEN = {
    "%Y": "yyyy",
    "%y": "yy",
    "%m": "mm",
    "%d": "dd",
    "%b": "MON",
    "%B": "Month",
    "%H": "hh",
    "%M": "mi",
    "%S": "ss",
}
_WRITTEN |= {".%f": ".fff", "%z": "+zone", "%p": "AM"}


def _as_numbers(figure: Figures) -> str:
    parts = []
    if figure.decimal:
        parts.append(f"a decimal {'point' if figure.decimal == '.' else 'comma'}")
    if figure.comparators:
        parts.append("some with < or >")
    if figure.units:
        parts.append("some with a unit or word behind")
    return "numbers" + (f", {', '.join(parts)}" if parts else "")


def _share(shares: Shares, first: int, what: str) -> str:
    """Say in words how many of the filled cells are *what*, the *first* groups, without telling of few."""
    real = sum(shares.counts[:first])
    if shares.filled is None:
        return f"too few filled cells to be told of, {what.partition(',')[0]}"
    if real == sum(shares.counts):
        return f"all filled cells are {what}"
    told_some = shares.together(range(first))
    if told_some is None:
        return f"most of the filled cells are {what}"
    return f"{'at least ' if told_some != real else ''}{told_some:,} of {shares.filled:,} filled cells are {what}"


def _values(counted: Counted, cells: pl.Series, hiding: Hiding) -> tuple[Value, ...]:
    personal = set(looks_personal(counted).get_column("value"))
    sums = counted.values.group_by("value").agg(pl.col("rows").sum())
    counts = [(value, rows) for value, rows in sums.filter(pl.col("rows") >= hiding.small).iter_rows()]
    safe = [(value, rows) for value, rows in counts if value not in personal]
    return hiding.values(safe, cells, counted.filled, counted.rows)


def _missing(counted: Counted, hiding: Hiding) -> tuple[Value, ...]:
    return hiding.values(list(counted.missing.iter_rows()), None, counted.rows - counted.filled, counted.rows)


def _dates(day: Days, shares: Shares, kind: Kind) -> tuple[DateFormat, ...]:
    if kind not in ("date", "date and time"):
        return ()
    spelt = zip(day.spellings, shares.told, strict=False)
    return tuple(DateFormat(s.format, rows, s.precision, s.ambiguous) for s, rows in spelt)


def _numbers(figure: Figures, counted: Counted, cells: pl.Series, kind: Kind, hiding: Hiding) -> Numbers | None:
    if kind not in ("number", "whole number"):
        return None
    low, high = hiding.extent(figure.values, cells)
    return Numbers(
        decimal=figure.decimal,
        decimals=figure.decimals if counted.filled >= hiding.small else 0,
        comparators=hiding.part(figure.comparators, counted.filled, counted.rows),
        units=hiding.part(figure.units, counted.filled, counted.rows),
        low=low,
        high=high,
    )
