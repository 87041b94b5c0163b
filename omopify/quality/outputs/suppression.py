"""Which numbers must be hidden so that a hidden one cannot be reckoned from the others.

A reader who sees ``100 = 98 + <5`` knows what is hidden, and ``100 = 96 + <5 + <5 + <5 + <5`` tells it as well.  So
each sum that the numbers of a document obey is an equation here, and the reader is taken at their best: from what is
shown they narrow every hidden number down, from equation to equation.  Where that leaves one possible value, the
smallest other number of the equation is hidden, too.  (Each equation is looked at by itself, with what the others have
left open; what only several of them together would tell is not searched for.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_MANY = 10**15
_PATIENCE = 50
"""How often each equation is looked at again before the reader gives up."""


@dataclass(eq=False, slots=True)
class Cell:
    """A number: ``places`` are where it is written, as (object, key); one without is known to nobody."""

    value: int
    places: list[tuple[Any, Any]] = field(default_factory=list)
    hidden: bool = False

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


def add_up(total: Cell, parts: Sequence[Cell]) -> Equation:
    """Return the equation of a total and its parts: of these the smallest is hidden first, the total last."""
    return Equation((total,), tuple(parts), (*sorted(parts, key=lambda part: part.value), total))


class Suppression:
    """The numbers of a document and how they add up; ``limit`` is the first count that is not small."""

    def __init__(self, limit: int):
        self.limit = limit
        self.cells: list[Cell] = []
        self.equations: list[Equation] = []

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
        self.equations.append(Equation((whole,), (part, rest), offered or (part, whole)))

    def total(self, total: Cell, parts: Sequence[Cell]) -> None:
        """Say that parts make up a total; nothing is said if they do not, as then the sum tells nothing."""
        if parts and sum(part.value for part in parts) == total.value:
            self.equations.append(add_up(total, parts))

    def is_small(self, cell: Cell) -> bool:
        """Say whether a number may tell who somebody is."""
        return 0 < cell.value < self.limit

    def hide(self) -> list[Cell]:
        """Decide what is hidden, and return it."""
        for cell in self.cells:
            cell.hidden = self.is_small(cell) or not cell.is_written
        while True:
            fresh = [self._next(equation) for equation in self._telling()]
            if not any(fresh):
                break
            for one in fresh:
                if one is not None:
                    one.hidden = True
        return [cell for cell in self.cells if cell.hidden and cell.is_written]

    def text(self, cell: Cell) -> str:
        """Return how a hidden number is written."""
        return f"<{self.limit}" if self.is_small(cell) else f"≥{self.limit}"

    def _next(self, equation: Equation) -> Cell | None:
        return next((cell for cell in equation.offered if cell.is_written and not cell.hidden and cell.value), None)

    def _telling(self) -> list[Equation]:
        """Return the equations that give a hidden number away."""
        open_ones = [one for one in self.equations if any(self._is_secret(cell) for cell in one.cells)]
        places: dict[Cell, list[Equation]] = {}
        for one in open_ones:
            for cell in one.cells:
                places.setdefault(cell, []).append(one)
        ranges = {cell: self._possible(cell) for cell in places}
        telling: dict[Equation, None] = {}
        waiting = dict.fromkeys(open_ones)
        steps = _PATIENCE * len(open_ones)
        while waiting and steps:
            steps -= 1
            one = next(iter(waiting))
            del waiting[one]
            for cell, low, high in one.narrowed(ranges):
                if low >= high and self._is_secret(cell):
                    # what follows from it is seen in the next round, if it can still be told then
                    telling[one] = None
                else:
                    ranges[cell] = (low, high)
                    waiting |= dict.fromkeys(places[cell])
        return list(telling)

    def _is_secret(self, cell: Cell) -> bool:
        return cell.hidden and (cell.is_written or self.is_small(cell))

    def _possible(self, cell: Cell) -> tuple[int, int]:
        """Return between what and what a reader knows a number to be before they reckon."""
        if not cell.hidden:
            return cell.value, cell.value
        if not cell.is_written:
            return 0, _MANY
        return (1, self.limit - 1) if self.is_small(cell) else (self.limit, _MANY)
