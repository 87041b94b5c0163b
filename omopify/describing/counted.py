"""Counts of the last result, masked: how full each column is, and how often each answer of a value map occurs.

A count from 1 to one below ``small_cell`` is hidden, and so is what would give it away: the rest of a column that is
nearly full, or the last number of a sum (:mod:`omopify.quality.outputs.suppression`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omopify.compiler.fields import fold
from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.quality.outputs.suppression import Cell, Suppression

Pair = tuple[str, str]
"""A form and a column of it, in small letters."""


@dataclass
class Counts:
    """What was counted, and what of it is asked for; the answers are ready when ``mask`` has been called."""

    limit: int
    columns: Mapping[Pair, tuple[int, int]] = field(default_factory=dict)
    """Filled cells and rows."""
    values: Mapping[Pair, Mapping[str, int]] = field(default_factory=dict)
    """By column: each answer, folded, and its cells."""
    _cells: dict[object, Cell] = field(default_factory=dict)
    _suppression: Suppression = field(init=False)

    def __post_init__(self) -> None:
        """Note what adds up to what."""
        self._suppression = Suppression(self.limit)
        for pair, (filled, rows) in self.columns.items():
            whole = self._cell(("rows", pair[0]), rows)
            part = self._cell(("filled", pair), filled)
            whole.places, part.places = [(None, None)], [(None, None)]
            self._suppression.difference(whole, part)
        for pair, answers in self.values.items():
            cells = [self._cell((pair, value), rows) for value, rows in answers.items()]
            if ("filled", pair) in self._cells:
                self._suppression.total(self._cells["filled", pair], cells)

    def ask(self, name: object, pairs: Iterable[Pair], words: Sequence[str]) -> bool:
        """Ask how many cells of some columns hold each of these words, and how many hold another one.

        Answers are kept under (name, word) and (name, None).  False if one of the columns is no list that was counted.
        """
        wanted = list(dict.fromkeys(pairs))
        if not wanted or any(pair not in self.values for pair in wanted):
            return False
        plain = all(_plain(word) is not None for word in words)
        keys = {_key(word, plain): word for word in words}
        found: dict[str | None, list[Cell]] = {word: [] for word in (*words, None)}
        for pair in wanted:
            for value, rows in self.values[pair].items():
                found[keys.get(_key(value, plain))].append(self._cell((pair, value), rows))
        for word, cells in found.items():
            self._sum((name, word), cells)
        return True

    def mask(self) -> None:
        """Decide what is hidden."""
        self._suppression.hide()

    def told(self, name: object) -> int | str | None:
        """Return a count as it may be shown; None if nobody has counted it."""
        cell = self._cells.get(name)
        if cell is None:
            return None
        return self._suppression.text(cell) if cell.hidden else cell.value

    def filled(self, source: str, column: str) -> int | str | None:
        """Return how many cells of a column are filled: of one that is nearly full the least that it can be.

        Where its answers are counted, too, that would tell how many cells hold a rare one.
        """
        pair = (source, column.casefold())
        told = self.told(("filled", pair))
        filled, rows = self.columns.get(pair, (0, 0))
        nearly = 0 < rows - filled < self.limit <= filled
        if isinstance(told, str) and nearly and isinstance(self.rows(source), int) and pair not in self.values:
            return f"≥{max(self.limit, rows - self.limit + 1)}"
        return told

    def rows(self, source: str) -> int | str | None:
        """Return how many rows a form has."""
        return self.told(("rows", source))

    def _cell(self, name: object, value: int) -> Cell:
        if name not in self._cells:
            self._cells[name] = self._suppression.cell(value)
        return self._cells[name]

    def _sum(self, name: object, cells: list[Cell]) -> None:
        if len(cells) == 1:
            self._cells[name] = cells[0]
        else:
            self._suppression.total(self._cell(name, sum(cell.value for cell in cells)), cells)
        self._cells[name].places = [(None, None)]


def count(database: Path, limit: int) -> Counts:
    """Read the counts of a result.

    Raises:
        OmopifyError: the database cannot be opened, or is not one of omopify's.
    """
    with DuckDB(database, read_only=True) as db:
        columns = {
            (s, c.casefold()): (filled, rows) for s, c, filled, rows in db.rows(render("describing/columns.sql"))
        }
        values: dict[Pair, dict[str, int]] = {}
        for source, column, value, rows in db.rows(render("describing/code_lists.sql")):
            answers = values.setdefault((source, column.casefold()), {})
            answers[fold(value)] = answers.get(fold(value), 0) + rows
    return Counts(limit, columns, values)


def _plain(word: str) -> str | None:
    """Return a code as it is told from others where all are numbers: 1.0 is the code 1."""
    try:
        number = float(word)
    except ValueError:
        return None
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else str(number)


def _key(word: str, plain: bool) -> str:
    return (_plain(word) if plain else None) or fold(word)
