"""The dirt of a real export, column by column: each kind in how many rows, in a sentence that tells no value."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import polars as pl

from omopify.scanning.counting import Counted, told, total
from omopify.scanning.dates import FIRST_YEAR, Days
from omopify.scanning.hiding import Hiding
from omopify.scanning.model import Anomaly, Kind
from omopify.scanning.numbers import Figures
from omopify.scanning.persons import looks_personal

_ODD = r"[\x{a0}\x{ad}\x{200b}-\x{200f}\x{2028}-\x{202f}\x{2060}\x{feff}\x{fffd}\x00-\x08\x0b\x0c\x0e-\x1b]"
# UTF-8 that was read as Windows-1252: a letter of two bytes begins with A tilde, a dash or quote with a circumflex
_TWICE_ENCODED = r"\x{c3}[\x{80}-\x{bf}\x{2dc}\x{2026}\x{2020}\x{2021}]|\x{e2}\x{20ac}|\x{c2}[ °µ±²³]"
_WORDS_COMPARED = 300
_SERIAL = (20_000, 60_000)
"""Numbers of days since 1900 in which Excel counts the years 1954 to 2064."""

_Found = tuple[str, int, str]


def dirt(
    counted: Counted, day: Days, figure: Figures, kind: Kind, hiding: Hiding, *, secret: bool, dated: bool
) -> tuple[Anomaly, ...]:
    """Return what is not as it should be in a column; *secret* columns get only what tells nothing of their cells."""
    found = list(_characters(counted))
    if kind == "empty":
        found.append(("empty", counted.rows, "no row holds anything"))
    found += _days(day, counted, kind)
    if not secret:
        found += _numbers(figure, counted, day, kind, dated)
        found += _spellings(counted, kind)
        if counted.filled and told(counted.values) == 1 and counted.filled >= hiding.small:
            found.append(("constant", counted.filled, "all filled rows hold the same"))
        personal = total(looks_personal(counted))
        if personal:
            found.append(("personal", personal, "cells look like an e-mail address, a telephone or a national number"))
    if len({word.casefold() for word in counted.missing.get_column("value")}) > 1:
        rows = int(counted.missing.get_column("rows").sum())
        found.append(("missing spelt in several ways", rows, "several words stand for 'nothing here'"))
    return tuple(Anomaly(code, _told(rows, counted, hiding), text) for code, rows, text in found if rows)


def _told(rows: int, counted: Counted, hiding: Hiding) -> int | None:
    # missing words and empty columns are not among the filled rows
    filled = counted.filled if rows <= counted.filled else counted.rows
    return hiding.part(rows, filled, counted.rows)


def _characters(counted: Counted) -> Iterator[_Found]:
    values = counted.values
    yield (
        "blank around",
        total(values.filter(pl.col("raw") != pl.col("value"))),
        "cells begin or end with a blank",
    )
    if counted.blank_rows:
        yield "blank only", counted.blank_rows, "cells hold blanks and nothing else"
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


def _days(day: Days, counted: Counted, kind: Kind) -> Iterator[_Found]:
    yield "impossible date", day.impossible, "days that no calendar has, such as the 30th of February"
    if kind not in ("date", "date and time"):
        if 0.02 * counted.filled < day.full < counted.filled and kind == "text":
            yield "date among text", day.full, "cells are dates, the others are not"
        return
    yield "date before 1900", day.early, f"the year is before {FIRST_YEAR}"
    yield "date in the future", day.future, "days after the day of this scan"
    full = [s for s in day.spellings if s.precision not in ("year", "month") and not s.ambiguous]
    if len({s.format for s in full}) > 1:
        other = sum(s.rows for s in full[1:])
        yield "mixed date formats", other, "dates are written in another way than most"
    ambiguous = sum(s.rows for s in day.spellings if s.ambiguous)
    yield "day or month", ambiguous, "day and month cannot be told apart"
    if day.two_orders:
        yield "day and month swapped", day.rows, "some dates have the day first, others the month"
    partial = day.rows - day.full
    yield "partial date", partial, "the day, or day and month, are not known"
    rest = counted.filled - day.rows
    serial = total(_serials(counted))
    yield "spreadsheet date", serial, "days are written as Excel counts them, as a number"
    yield "not a date", rest - serial, "cells are no dates"


def _numbers(figure: Figures, counted: Counted, day: Days, kind: Kind, dated: bool) -> Iterator[_Found]:
    if kind in ("date", "date and time", "time", "empty"):
        return
    if kind in ("number", "whole number"):
        yield "not a number", counted.filled - figure.rows, "cells are no numbers"
        if figure.points and figure.commas:
            fewer = min(figure.points, figure.commas)
            yield "point and comma", fewer, "decimals are written with a comma here, with a point there"
        yield "thousands", figure.thousands, "numbers have a mark between the thousands"
        yield "compared number", figure.comparators, "numbers have a < or > in front"
        yield "unit in the cell", figure.units, "a unit or another word stands behind the number"
        serial = _serials(counted)
        if dated and not day.rows and total(serial) == counted.filled:
            yield "spreadsheet date", total(serial), "the name says date; the numbers may be Excel's count of days"
    elif kind == "text":
        plain = figure.plain - day.rows
        if 0.02 * counted.filled < plain < counted.filled * 0.98 and plain > 0:
            yield "number among text", plain, "cells are numbers, the others are not"
    whole = not figure.points and not figure.commas
    if kind == "code list" and figure.rows >= 0.8 * counted.filled:
        yield "decimal code", figure.points + figure.commas, "codes are written as numbers with decimals (2.0)"
    if figure.scientific and (whole or kind not in ("number",)):
        yield "scientific notation", figure.scientific, "whole numbers written as 1.2E+10: a spreadsheet has cut them"
    if 0 < figure.padded < figure.rows:
        bare = counted.values.filter(pl.col("low").str.contains(r"^[0-9]+$"))
        wide = bare.filter(pl.col("low").str.starts_with("0")).get_column("low").str.len_chars().max()
        lost = bare.filter(~pl.col("low").str.starts_with("0") & (pl.col("low").str.len_chars() < wide))
        yield "leading zeros", total(lost), "numbers are shorter than others of this column, which have zeros in front"


def _serials(counted: Counted) -> pl.DataFrame:
    number = pl.col("low").str.extract(r"^([0-9]{5})(?:\.[0-9]+)?$").cast(pl.Int64, strict=False)
    return counted.values.filter(number.is_between(*_SERIAL))


def _spellings(counted: Counted, kind: Kind) -> Iterator[_Found]:
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
