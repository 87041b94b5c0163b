"""The dirt of a real export, column by column: each kind in how many rows, in a sentence that tells no value."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from omopify.scanning.counting import Counted, told, total
from omopify.scanning.dates import FIRST_YEAR, Days
from omopify.scanning.hiding import Hiding, Shares
from omopify.scanning.model import Anomaly, Count, Kind
from omopify.scanning.numbers import Figures
from omopify.scanning.persons import looks_personal

_ODD = r"[\x{a0}\x{ad}\x{200b}-\x{200f}\x{2028}-\x{202f}\x{2060}\x{feff}\x{fffd}\x00-\x08\x0b\x0c\x0e-\x1b]"
# UTF-8 that was read as Windows-1252: a letter of two bytes begins with A tilde, a dash or quote with a circumflex
_TWICE_ENCODED = r"\x{c3}[\x{80}-\x{bf}\x{2dc}\x{2026}\x{2020}\x{2021}]|\x{e2}\x{20ac}|\x{c2}[ °µ±²³]"
_WORDS_COMPARED = 300
_SERIAL = (20_000, 60_000)
"""Numbers of days since 1900 in which Excel counts the years 1954 to 2064."""

_BLANK = "cells hold blanks and nothing else"
_Found = tuple[str, Count, str]


@dataclass(frozen=True, slots=True)
class _Setting:
    counted: Counted
    hiding: Hiding
    shares: Shares

    def some(self, rows: int) -> Count:
        """Tell of some of the filled rows."""
        return self.hiding.part(rows, self.counted.filled, self.counted.rows)


def dirt(
    counted: Counted,
    day: Days,
    figure: Figures,
    kind: Kind,
    hiding: Hiding,
    shares: Shares,
    *,
    secret: bool,
    dated: bool,
) -> tuple[Anomaly, ...]:
    """Return what is not as it should be in a column.

    Args:
        counted: its values.
        day: its dates.
        figure: its numbers.
        kind: what it holds.
        hiding: what may be told.
        shares: what the filled rows are made of: the spellings of dates, spreadsheet dates, others; or numbers, others.
        secret: whether nothing may be told of its cells.
        dated: whether its name says that it holds dates.
    """
    here = _Setting(counted, hiding, shares)
    found = [(code, here.some(rows), text) for code, rows, text in _characters(counted)]
    if counted.blank_rows:
        found.append(("blank only", hiding.count(counted.blank_rows, counted.rows), _BLANK))
    if kind == "empty":
        found.append(("empty", hiding.count(counted.rows), "no row holds anything"))
    found += _days(day, kind, here)
    if not secret:
        found += _numbers(figure, day, kind, dated, here)
        found += [(code, here.some(rows), text) for code, rows, text in _spellings(counted, kind)]
        if counted.filled and told(counted.values) == 1 and counted.filled >= hiding.small:
            found.append(("constant", here.some(counted.filled), "all filled rows hold the same"))
        personal = total(looks_personal(counted))
        if personal:
            text = "cells look like an e-mail address, a telephone or a national number"
            found.append(("personal", here.some(personal), text))
    if len({word.casefold() for word in counted.missing.get_column("value")}) > 1:
        rows = int(counted.missing.get_column("rows").sum())
        gone = hiding.part(rows, counted.rows - counted.filled, counted.rows)
        found.append(("missing spelt in several ways", gone, "several words stand for 'nothing here'"))
    return tuple(Anomaly(*one) for one in found if one[1] != 0)


def _characters(counted: Counted) -> Iterator[tuple[str, int, str]]:
    values = counted.values
    yield (
        "blank around",
        total(values.filter(pl.col("raw") != pl.col("value"))),
        "cells begin or end with a blank",
    )
    yield (
        "odd character",
        total(values.filter(pl.col("raw").str.contains(_ODD))),
        "cells hold characters that cannot be seen, such as non-breaking blanks",
    )
    yield (
        "wrong encoding",
        total(values.filter(pl.col("raw").str.contains(_TWICE_ENCODED))),
        "letters look as if the text had been read in the wrong encoding",
    )
    yield "line break", total(values.filter(pl.col("value").str.contains(r"[\r\n]"))), "cells hold a line break"


def _days(day: Days, kind: Kind, here: _Setting) -> Iterator[_Found]:
    counted = here.counted
    yield "impossible date", here.some(day.impossible), "days that no calendar has, such as the 30th of February"
    if kind not in ("date", "date and time"):
        if 0.02 * counted.filled < day.full < counted.filled and kind == "text":
            yield "date among text", here.some(day.full), "cells are dates, the others are not"
        return
    together = here.shares.together
    yield "date before 1900", here.some(day.early), f"the year is before {FIRST_YEAR}"
    yield "date in the future", here.some(day.future), "days after the day of this scan"
    ways = dict(enumerate(day.spellings))
    full = [n for n, way in ways.items() if way.precision not in ("year", "month") and not way.ambiguous]
    if len({ways[n].format for n in full}) > 1:
        yield "mixed date formats", together(full[1:]), "dates are written in another way than most"
    yield "day or month", together(n for n in ways if ways[n].ambiguous), "day and month cannot be told apart"
    if day.two_orders:
        yield "day and month swapped", together(ways), "some dates have the day first, others the month"
    partial = (n for n in ways if ways[n].precision in ("year", "month"))
    yield "partial date", together(partial), "the day, or day and month, are not known"
    yield "spreadsheet date", together([len(ways)]), "days are written as Excel counts them, as a number"
    yield "not a date", together([len(ways) + 1]), "cells are no dates"


def _numbers(figure: Figures, day: Days, kind: Kind, dated: bool, here: _Setting) -> Iterator[_Found]:
    if kind in ("date", "date and time", "time", "empty"):
        return
    counted, some = here.counted, here.some
    if kind in ("number", "whole number"):
        yield "not a number", here.shares.together([1]), "cells are no numbers"
        if figure.points and figure.commas:
            fewer = min(figure.points, figure.commas)
            yield "point and comma", some(fewer), "decimals are written with a comma here, with a point there"
        yield "thousands", some(figure.thousands), "numbers have a mark between the thousands"
        yield "compared number", some(figure.comparators), "numbers have a < or > in front"
        yield "unit in the cell", some(figure.units), "a unit or another word stands behind the number"
        serial = total(serials(counted))
        if dated and not day.rows and serial == counted.filled:
            text = "the name says date; the numbers may be Excel's count of days"
            yield "spreadsheet date", some(serial), text
    elif kind == "text":
        plain = figure.plain - day.rows
        if 0.02 * counted.filled < plain < counted.filled * 0.98 and plain > 0:
            yield "number among text", some(plain), "cells are numbers, the others are not"
    whole = not figure.points and not figure.commas
    if kind == "code list" and figure.rows >= 0.8 * counted.filled:
        yield "decimal code", some(figure.points + figure.commas), "codes are written as numbers with decimals (2.0)"
    if figure.scientific and (whole or kind not in ("number",)):
        text = "whole numbers written as 1.2E+10: a spreadsheet has cut them"
        yield "scientific notation", some(figure.scientific), text
    if 0 < figure.padded < figure.rows:
        bare = counted.values.filter(pl.col("low").str.contains(r"^[0-9]+$"))
        wide = bare.filter(pl.col("low").str.starts_with("0")).get_column("low").str.len_chars().max()
        lost = bare.filter(~pl.col("low").str.starts_with("0") & (pl.col("low").str.len_chars() < wide))
        text = "numbers are shorter than others of this column, which have zeros in front"
        yield "leading zeros", some(total(lost)), text


def serials(counted: Counted) -> pl.DataFrame:
    """Return the values that may be days as Excel counts them."""
    number = pl.col("low").str.extract(r"^([0-9]{5})(?:\.[0-9]+)?$").cast(pl.Int64, strict=False)
    return counted.values.filter(number.is_between(*_SERIAL))


def _spellings(counted: Counted, kind: Kind) -> Iterator[tuple[str, int, str]]:
    if kind not in ("code list", "text", "yes/no") or counted.values.height > 20 * _WORDS_COMPARED:
        return
    joined = pl.col("low").str.replace_all(r"(\p{L})-(\p{L})", "$1$2")
    bare = joined.str.replace_all(r"[^\p{L}\p{N}<>=+%&/-]+", "")
    spelt = counted.values.with_columns(bare.alias("bare")).filter(pl.col("bare") != "")
    spelt = spelt.group_by("bare", "low", "value").agg(pl.col("rows").sum())
    lows = spelt.group_by("bare", "low").agg(pl.col("rows").sum(), pl.col("rows").max().alias("top"), pl.len())
    cased = lows.filter(pl.col("len") > 1)
    yield (
        "mixed case",
        int((cased["rows"] - cased["top"]).sum()),
        "the same word is written in small and in capital letters",
    )
    bares = lows.group_by("bare").agg(pl.col("rows").sum(), pl.col("rows").max().alias("top"), pl.len())
    near = bares.filter(pl.col("len") > 1)
    yield (
        "near spelling",
        int((near["rows"] - near["top"]).sum()),
        "the same words differ in blanks or signs between them",
    )
    words = dict(bares.select("bare", "rows").iter_rows())
    if len(words) <= _WORDS_COMPARED:
        yield "one letter off", _one_letter_off(words), "a rare value differs from a frequent one in a single letter"


def _one_letter_off(words: dict[str, int]) -> int:
    """Return the rows of words that are one letter away from a word that is twenty times as frequent."""
    by_gap: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    alike: set[tuple[str, str]] = set()
    letters = [word for word in words if len(word) >= 5 and not re.search(r"\d", word)]
    for word in letters:
        for place in range(len(word)):
            rest = word[:place] + word[place + 1 :]
            if rest in words:
                alike.add((word, rest))
            by_gap[place, rest].add(word)
    for group in by_gap.values():
        alike |= {(a, b) for a in group for b in group if a < b} if len(group) <= 10 else set()
    rare = {
        min(pair, key=lambda w: words[w])
        for pair in alike
        if max(words[w] for w in pair) >= 20 * min(words[w] for w in pair)
    }
    return sum(words[word] for word in rare)
