"""What may be told: nothing about fewer rows or subjects than the small cell, neither straight nor by subtraction.

White Rabbit's minimum cell count holds for values only; its minimum, maximum and lengths tell of a single patient
(OHDSI/WhiteRabbit#302).  Here every number goes through :class:`Hiding`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from omopify.scanning.model import Count, Value
from omopify.staging.table import BLANKS

LISTED = 100
"""The most values of a column that are listed."""


@dataclass(frozen=True, slots=True)
class Hiding:
    """What may be told of a form.

    ``small`` is the least number of rows, and of subjects, that may be told of.  ``subjects`` holds the subject of each
    row, if the form has a column of them; ``most`` is the number of rows of the subject that has the most.
    """

    small: int
    subjects: pl.Series | None = None
    most: int = 1

    def count(self, rows: int, of: int | None = None) -> Count:
        """Return a number of rows as it may be told, *of* a number that is told too."""
        if 0 < rows < self.small:
            return None
        if of is not None and 0 < of - rows < self.small:
            least = of - self.small
            return least if least >= self.small else None
        return rows

    def part(self, rows: int, filled: int, of: int) -> Count:
        """Return a number of rows among the *filled* ones of a column, both of which are told of together with it."""
        all_filled = self.count(filled, of)
        if rows in (0, filled) or all_filled is None:
            return 0 if rows == 0 else all_filled
        told = rows if all_filled - rows >= self.small else all_filled - self.small
        return told if told >= self.small else None

    def shares(self, counts: Sequence[int], filled: int, of: int) -> Shares:
        """Return groups that make up the filled rows together, as they may be told of."""
        return Shares(self.small, tuple(counts), tuple(self.parts(counts, filled, of)), self.count(filled, of))

    def parts(self, counts: Sequence[int], filled: int, of: int) -> list[Count]:
        """Return the rows of groups that the filled rows fall into, so that no difference tells of few.

        Groups of few rows are None.  Where those, or the rows that are not filled, are few together, the largest group
        is told as smaller than it is, by as much as it takes.
        """
        told: list[Count] = [rows if rows >= self.small else None for rows in counts]
        all_filled = self.count(filled, of)
        if all_filled is None:
            return [None] * len(counts)
        hidden = filled - sum(rows for rows in told if rows)
        while any(told):
            rest = all_filled - sum(rows for rows in told if rows)
            wanted = max(self.small, rest) if hidden else 0
            place = max(range(len(told)), key=lambda n: told[n] or 0)
            lowered = (told[place] or 0) - max(wanted - rest, 0)
            if lowered >= self.small:
                told[place] = lowered
                return told
            hidden += told[place] or 0
            told[place] = None
        return told

    def values(
        self, counts: Sequence[tuple[str, int]], cells: pl.Series | None, filled: int, of: int
    ) -> tuple[Value, ...]:
        """Choose which values may be named, the most frequent first.

        Args:
            counts: different values with their rows.
            cells: the column as it is in the file, to count subjects; None if subjects do not matter.
            filled: the rows of all values together, which are told.
            of: the rows of the form, which are told.
        """
        ordered = sorted(counts, key=lambda pair: (-pair[1], pair[0]))
        enough = [(value, rows) for value, rows in ordered if rows >= self.small][:LISTED]
        # no subject has more than 'most' rows, so that with more than that many times as many there are enough of them
        doubt = [value for value, rows in enough if rows <= self.most * (self.small - 1)]
        few = self._of_few(doubt, cells) if doubt and cells is not None else set()
        enough = [(value, rows) for value, rows in enough if value not in few]
        told = self.parts([rows for _, rows in enough], filled, of)
        named = [Value(value, rows) for (value, _), rows in zip(enough, told, strict=True) if rows is not None]
        return tuple(sorted(named, key=lambda value: -value.rows))

    def _of_few(self, values: Sequence[str], cells: pl.Series) -> set[str]:
        if self.subjects is None:
            return set()
        frame = pl.DataFrame({"value": cells, "subject": self.subjects}).lazy()
        frame = frame.filter(pl.col("value").str.strip_chars(BLANKS).is_in(list(values)))
        frame = frame.filter(pl.col("subject").is_not_null()).with_columns(pl.col("value").str.strip_chars(BLANKS))
        known = frame.unique().group_by("value").len().collect()
        enough = known.filter(pl.col("len") >= self.small).get_column("value")
        return set(values) - set(enough)

    def lengths(self, values: pl.DataFrame) -> tuple[int | None, int | None]:
        """Return the length of the shortest and the longest cell but ``small - 1`` at either end."""
        chars = values.select(pl.col("value").str.len_chars().cast(pl.Int64).alias("chars"), "rows")
        chars = chars.group_by("chars").agg(pl.col("rows").sum()).sort("chars")
        if not chars.height or chars.get_column("rows").sum() < self.small:
            return None, None
        up = chars.filter(pl.col("rows").cum_sum() >= self.small)
        down = chars.reverse().filter(pl.col("rows").cum_sum() >= self.small)
        shortest, longest = up.item(0, "chars"), down.item(0, "chars")
        return (shortest, longest) if shortest <= longest else (None, None)

    def extent(self, numbers: pl.DataFrame, cells: pl.Series) -> tuple[float | None, float | None]:
        """Return the numbers of the ``small``-th subject from below and from above, rounded outwards.

        Args:
            numbers: ``raw``, ``rows`` and ``number`` of the different cells.
            cells: the column as it is in the file.
        """
        ordered = numbers.sort("number", "raw")
        low, high = self._edge(ordered, cells), self._edge(ordered.reverse(), cells)
        if low is None or high is None or low > high:
            return None, None
        # never more than two figures: the exact number is that of one patient
        step = max(_step((high - low) / 50), _step(max(abs(low), abs(high)) / 100))
        return _tidy(math.floor(low / step) * step), _tidy(math.ceil(high / step) * step)

    def _edge(self, ordered: pl.DataFrame, cells: pl.Series) -> float | None:
        before = pl.col("rows").cum_sum() - pl.col("rows")
        if self.subjects is None:
            beyond = ordered.filter(before + pl.col("rows") >= self.small)
            return beyond.item(0, "number") if beyond.height else None
        near = ordered.with_row_index("place").filter(before <= self.most * self.small)
        frame = pl.DataFrame({"raw": cells, "subject": self.subjects}).lazy()
        frame = frame.filter(pl.col("subject").is_not_null()).join(near.lazy(), on="raw", how="inner")
        firsts = frame.group_by("subject").agg(pl.col("place").min()).sort("place").collect()
        if firsts.height < self.small:
            return None
        place = firsts.item(self.small - 1, "place")
        number: float = near.filter(pl.col("place") == place).item(0, "number")
        return number


@dataclass(frozen=True, slots=True)
class Shares:
    """Groups that make up the filled rows of a column, and what is told of each and of all."""

    small: int
    counts: tuple[int, ...]
    told: tuple[Count, ...]
    filled: Count

    def together(self, places: Iterable[int]) -> Count:
        """Return the rows of several groups, so that they less those that are told of do not tell of few."""
        places = set(places)
        real = sum(self.counts[place] for place in places)
        if real in (0, sum(self.counts)) or self.filled is None:
            return 0 if real == 0 else self.filled
        rows = sum(self.told[place] or 0 for place in places)
        unsaid = sum(self.counts[place] for place in places if self.told[place] is None)
        hidden = sum(count for count, told in zip(self.counts, self.told, strict=True) if told is None)
        rest = self.filled - sum(told or 0 for told in self.told)
        if unsaid >= self.small and all(left == 0 or left >= self.small for left in (rest - unsaid, hidden - unsaid)):
            rows += unsaid
        return rows or None


def _step(width: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50 ... from *width* upwards; nothing where there is no width."""
    if width <= 0:
        return 1e-9
    power = 10.0 ** math.floor(math.log10(width))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= width * 0.999)


def _tidy(number: float) -> float:
    return float(f"{number:.10g}")
