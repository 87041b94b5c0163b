"""Random draws that stay the same for years, and the few array tricks that replace loops over rows.

Everything is derived from uniform numbers of a PCG64 stream: NumPy promises that stream, but not the
algorithms behind ``Generator.poisson`` and friends, and a synthetic trial must not change with NumPy.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEVER = 10_000_000
"""The day on which something happens that does not happen (days are counted from 1970-01-01)."""


class Draw:
    """One named stream of random numbers; another name gives an independent one.

    Sections draw from streams of their own, so that a change of one leaves the others as they were.
    """

    def __init__(self, seed: int, name: str):
        self._bits = np.random.Generator(np.random.PCG64([seed, crc32(name.encode())]))

    def unit(self, n: int) -> Floats:
        """Draw *n* numbers from [0, 1)."""
        return self._bits.random(n)

    def chance(self, n: int, p: ArrayLike) -> Bools:
        """Draw *n* times yes or no, yes with probability *p* (one for all, or one each)."""
        return np.asarray(self.unit(n) < np.asarray(p), dtype=np.bool_)

    def whole(self, n: int, low: ArrayLike, high: ArrayLike) -> Ints:
        """Draw *n* whole numbers from *low* to *high*, both included."""
        lowest = np.asarray(low, dtype=np.int64)
        width = np.asarray(high, dtype=np.int64) - lowest + 1
        return lowest + np.floor(self.unit(n) * width).astype(np.int64)

    def pick(self, n: int, weights: ArrayLike) -> Ints:
        """Draw *n* positions in *weights*, each as often as its weight says."""
        steps = np.cumsum(np.asarray(weights, dtype=np.float64))
        found = np.searchsorted(steps / steps[-1], self.unit(n), side="right")
        return np.minimum(found, len(steps) - 1).astype(np.int64)

    def waiting(self, n: int, mean: ArrayLike) -> Ints:
        """Draw *n* waiting times in whole days, exponential around *mean*."""
        days: Ints = np.floor(-np.log1p(-self.unit(n)) * np.asarray(mean)).astype(np.int64)
        return days

    def counts(self, n: int, mean: float) -> Ints:
        """Draw *n* Poisson counts."""
        k = np.arange(int(mean * 4) + 20)
        log_p = k * np.log(mean) - mean - np.cumsum(np.log(np.maximum(k, 1)))
        return self.pick(n, np.exp(log_p))

    def normal(self, n: int) -> Floats:
        """Draw *n* standard normal numbers."""
        radius: Floats = np.sqrt(-2 * np.log1p(-self.unit(n)))
        return radius * np.cos(2 * np.pi * self.unit(n))


def expand(counts: Ints) -> tuple[Ints, Ints]:
    """Return for each of ``sum(counts)`` child rows the parent's position and its number (from 0) in it."""
    parent = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return parent, np.arange(len(parent)) - np.repeat(first, counts)


def by_parent(parent: Ints, *values: Ints) -> Ints:
    """Return the order that sorts child rows by parent, then by *values*; ties keep their place."""
    return np.lexsort((*reversed(values), parent))


def running_number(parent: Ints) -> Ints:
    """Number the rows of each parent from 1; rows of one parent must stand together."""
    rows = np.arange(len(parent))
    new = np.ones(len(parent), dtype=np.bool_)
    new[1:] = parent[1:] != parent[:-1]
    return rows - np.maximum.accumulate(np.where(new, rows, 0)) + 1


def words(choices: list[str], at: Ints) -> pl.Series:
    """Return the words at these positions; a negative position is a missing value."""
    return pl.Series(choices, dtype=pl.String).gather(pl.Series(at).cast(pl.UInt32, strict=False))


def dates(days: Ints, keep: Bools | None = None) -> pl.Series:
    """Return days as dates; missing where the day is NEVER or not to be kept."""
    known = days < NEVER if keep is None else keep & (days < NEVER)
    return masked(np.where(known, days, 0), known, pl.Date)


def masked(values: NDArray[Any], keep: Bools, dtype: Any = None) -> pl.Series:
    """Return values as a series with a missing value wherever *keep* is false."""
    plain = pl.Series(values.astype(np.int32) if dtype == pl.Date else values)
    return (
        pl.DataFrame({"value": plain.cast(dtype) if dtype else plain, "keep": keep})
        .select(pl.when("keep").then("value"))
        .to_series()
    )


def known_part(draw: Draw, n: int, month: ArrayLike, year: ArrayLike) -> pl.Series:
    """Draw how much of *n* dates a site knows: ``day`` (all), ``month`` or only ``year``."""
    u = draw.unit(n)
    only_year = u < np.asarray(year)
    only_month = ~only_year & (u < np.asarray(year) + np.asarray(month))
    return words(["day", "month", "year"], np.where(only_year, 2, np.where(only_month, 1, 0)))
