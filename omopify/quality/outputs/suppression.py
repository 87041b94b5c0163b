"""Which numbers must be hidden so that a hidden one cannot be reckoned from the others.

A reader who sees ``100 = 98 + <5`` knows what is hidden, and ``100 = 96 + <5 + <5 + <5 + <5`` tells it as well.  So
each sum that the numbers of a document obey is an equation here, and the reader is taken at their best: from what is
shown they narrow every hidden number down, from equation to equation.  Where that leaves one possible value, the
smallest other number of the equation is hidden, too.  (Each equation is looked at by itself, with what the others have
left open; what only several of them together would tell is not searched for.)

Sometimes nothing is left to hide: of ``<5 = <5 + <5 + <5 + <5`` all is known.  Then the largest is written as ``≥1``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

_MANY = 10**15
_PATIENCE = 50
"""How often each equation is looked at again before the reader gives up."""


@dataclass(eq=False, slots=True)
class Cell:
    """A number: ``places`` are where it is written, as (object, key); one without is known to nobody.

    Of a ``vague`` one nobody is told whether it is small.
    """

    value: int
    places: list[tuple[Any, Any]] = field(default_factory=list)
    hidden: bool = False
    vague: bool = False

    @property
    def is_written(self) -> bool:
        """Whether the number stands in the document."""
        return bool(self.places)


@dataclass(frozen=True, eq=False, slots=True)
class Equation:
    """Numbers that add up to the same on both sides; ``offered`` are those that may be hidden, the best first."""

    left: tuple[Cell, ...]
    right: tuple[Cell, ...]
    offered: tuple[Cell, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All its numbers."""
        return (*self.left, *self.right)

    def narrowed(self, ranges: Mapping[Cell, tuple[int, int]]) -> Iterator[tuple[Cell, int, int]]:
        """Yield the numbers that must lie nearer together than they are known to do, if the others are in theirs."""
        signs = (*(1 for _ in self.left), *(-1 for _ in self.right))
        known = [ranges[cell] for cell in self.cells]
        lows = [low if sign > 0 else -high for (low, high), sign in zip(known, signs, strict=True)]
        highs = [high if sign > 0 else -low for (low, high), sign in zip(known, signs, strict=True)]
        lowest, highest = sum(lows), sum(highs)
        for place, (cell, (low, high)) in enumerate(zip(self.cells, known, strict=True)):
            if low == high:
                continue
            least, most = highs[place] - highest, lows[place] - lowest
            if signs[place] < 0:
                least, most = -most, -least
            if max(low, least) > low or min(high, most) < high:
                yield cell, max(low, least), min(high, most)


@dataclass(frozen=True, eq=False, slots=True)
class Judgement:
    """A share that was found to be above a limit in percent, or not: ``pass`` tells that it is 1 % at most.

    If it is above, it need not be said that the part is small; if it is not, only the whole can hide how few may be.
    """

    part: Cell
    whole: Cell
    max_pct: Fraction
    is_above: bool

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Both numbers."""
        return self.part, self.whole

    @property
    def offered(self) -> tuple[Cell, ...]:
        """What may be hidden."""
        return () if self.is_above else (self.whole,)

    def narrowed(self, ranges: Mapping[Cell, tuple[int, int]]) -> Iterator[tuple[Cell, int, int]]:
        """Yield, as an equation does, what the limit tells."""
        share = self.max_pct / 100
        (least, most), (fewest, all_) = ranges[self.part], ranges[self.whole]
        if self.is_above:
            least_now, most_now = max(least, floor(share * fewest) + 1), most
            fewest_now, all_now = fewest, min(all_, ceil(most / share) - 1)
        else:
            least_now, most_now = least, min(most, floor(share * all_))
            fewest_now, all_now = max(fewest, ceil(least / share)), all_
        if (least_now, most_now) != (least, most):
            yield self.part, least_now, most_now
        if (fewest_now, all_now) != (fewest, all_):
            yield self.whole, fewest_now, all_now


Knowledge = Equation | Judgement
"""What a reader knows about some numbers together."""


def add_up(total: Cell, parts: Sequence[Cell]) -> Equation:
    """Return the equation of a total and its parts: of these the smallest is hidden first, the total last."""
    return Equation((total,), tuple(parts), (*sorted(parts, key=lambda part: part.value), total))


class Suppression:
    """The numbers of a document and how they add up; ``limit`` is the first count that is not small."""

    def __init__(self, limit: int):
        self.limit = limit
        self.cells: list[Cell] = []
        self.knowledge: list[Knowledge] = []

    def cell(self, value: int) -> Cell:
        """Add a number."""
        made = Cell(value)
        self.cells.append(made)
        return made

    def known(self, value: int) -> Cell:
        """Return a number that is written nowhere here and known all the same."""
        return Cell(value)

    def difference(self, whole: Cell, part: Cell, offered: tuple[Cell, ...] | None = None) -> None:
        """Say that the rest of a whole is a number, too, though nobody writes it."""
        rest = self.cell(whole.value - part.value)
        self.knowledge.append(Equation((whole,), (part, rest), offered or (part, whole)))

    def total(self, total: Cell, parts: Sequence[Cell]) -> None:
        """Say that parts make up a total; nothing is said if they do not, as then the sum tells nothing."""
        if parts and sum(part.value for part in parts) == total.value:
            self.knowledge.append(add_up(total, parts))

    def judged(self, part: Cell, whole: Cell, max_pct: Fraction, is_above: bool) -> None:
        """Say that a reader knows whether a share is above a limit; 0 as a limit tells nothing new."""
        if max_pct:
            self.knowledge.append(Judgement(part, whole, max_pct, is_above))

    def is_small(self, cell: Cell) -> bool:
        """Say whether a number may tell who somebody is."""
        return 0 < cell.value < self.limit

    def hide(self) -> list[Cell]:
        """Decide what is hidden, and return it."""
        for number in self.cells:
            number.hidden = self.is_small(number) or not number.is_written
            number.vague = self.is_small(number) and self.limit == 2  # less than 2 would be 1
        while True:
            telling, stuck = self._telling()
            for chosen in telling:
                chosen.hidden = True
            loosened = [] if telling else [chain for chain in stuck if self._loosened(chain)]
            if not telling and not loosened:
                break
        return [cell for cell in self.cells if cell.hidden and cell.is_written]

    def text(self, cell: Cell) -> str:
        """Return how a hidden number is written."""
        if cell.vague:
            return "≥1"
        return f"<{self.limit}" if self.is_small(cell) else f"≥{self.limit}"

    def _loosened(self, chain: Sequence[Knowledge]) -> bool:
        """Where nothing can be hidden, say less: of the largest number, or of the nearest one that led there."""
        if (large := self._largest(chain[0])) is not None:
            large.vague = True
            return True
        near = next((cell for one in chain if (cell := self._offer(one)) is not None), None)
        if near is not None:
            near.hidden = True
        return near is not None

    def _offer(self, one: Knowledge) -> Cell | None:
        return next((cell for cell in one.offered if cell.is_written and not cell.hidden and cell.value), None)

    def _largest(self, one: Knowledge) -> Cell | None:
        wanted = [cell for cell in one.cells if cell.is_written and cell.hidden and not cell.vague]
        return max(wanted, key=lambda cell: cell.value, default=None)

    def _telling(self) -> tuple[list[Cell], list[tuple[Knowledge, ...]]]:
        """Return what to hide, as else a hidden number is given away.

        Also return where nothing can be hidden though the number is small, each with what led there.
        """
        open_ones = [one for one in self.knowledge if any(self._is_secret(cell) for cell in one.cells)]
        places: dict[Cell, list[Knowledge]] = {}
        for one in open_ones:
            for cell in one.cells:
                places.setdefault(cell, []).append(one)
        ranges = {cell: self._possible(cell) for cell in places}
        reasons: dict[Cell, dict[Knowledge, None]] = {cell: {} for cell in places}
        telling: dict[Cell, None] = {}
        stuck: dict[Knowledge, None] = {}
        waiting = dict.fromkeys(open_ones)
        steps = _PATIENCE * len(open_ones)
        while waiting and steps:
            steps -= 1
            one = next(iter(waiting))
            del waiting[one]
            for cell, low, high in one.narrowed(ranges):
                told = low >= high and self._is_secret(cell)
                if told and (offered := self._offer(one)) is not None:
                    # what follows from it is seen in the next round, if it can still be told then
                    telling[offered] = None
                    continue
                if told and self.is_small(cell):
                    stuck[one] = None
                ranges[cell] = (low, high)
                reasons[cell][one] = None
                waiting |= dict.fromkeys(places[cell])
        return list(telling), [self._chain(one, reasons) for one in stuck]

    def _chain(self, last: Knowledge, reasons: Mapping[Cell, Mapping[Knowledge, None]]) -> tuple[Knowledge, ...]:
        found = {last: None}
        new = [last]
        while new:
            new = [one for before in new for cell in before.cells for one in reasons[cell] if one not in found]
            found |= dict.fromkeys(new)
        return tuple(found)

    def _is_secret(self, cell: Cell) -> bool:
        return cell.hidden and (cell.is_written or self.is_small(cell))

    def _possible(self, cell: Cell) -> tuple[int, int]:
        """Return between what and what a reader knows a number to be before they reckon."""
        if not cell.hidden:
            return cell.value, cell.value
        if not cell.is_written:
            return 0, _MANY
        if cell.vague:
            return 1, _MANY
        return (1, self.limit - 1) if self.is_small(cell) else (self.limit, _MANY)
