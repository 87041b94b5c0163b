"""Makes the first given/expect test of a drafted map: one made-up row, and what it must become.

Each date and each number of the row is another one, so that a map that takes the wrong column of two fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from omopify.compiler.spoken import columns_in
from omopify.drafting.filling import Filled, Table
from omopify.scanning.model import Column
from omopify.specs.packs import ModelField

_MONTH = {"%Y": "2024", "%m": "05", "%b": "MAY"}
_FIRST_DAY, _DAYS = 17, 28
_SUBJECT = "MADE-UP-1"
_TEXT = "Made up"
_DATES = ("date", "date and time")
_NUMBERS = ("whole number", "number", "yes/no")


@dataclass(frozen=True)
class Example:
    """Made-up cells, in the spelling of the export."""

    dates: Mapping[str, str] = field(default_factory=dict)
    """The date format of each form, by its name."""
    usual: str = "%Y-%m-%d"
    """The date format of forms that show none of their own."""

    def row(self, table: Table, key: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return a row of the form and the row that it becomes; nothing if none can be made up safely."""
        made = _Row(table, self.dates.get(table.form.name, self.usual), _numeric(table, key))
        for name, wanted in table.model.fields.items():
            filled = table.filled.get(name)
            if not filled or not (wanted.required or name in table.chosen.cores or wanted.type == "date"):
                continue
            if name in ("subject_id", "person_key"):
                made.expected[name] = _SUBJECT
            elif filled.guess and filled.expressions:
                made.fill(name, filled, wanted, filled.guess.column)
        made.fill_key(key)
        told = [name for name in made.expected if name not in ("subject_id", "person_key")]
        return (made.given, made.expected) if told and not made.unsafe() else ({}, {})


class _Row:
    """A row while it is made up."""

    def __init__(self, table: Table, dates: str, numeric: set[str]) -> None:
        self.table, self.given, self.expected = table, {table.form.subject: _SUBJECT}, dict[str, str]()
        self._format, self._numeric = dates, numeric
        self._days = self._numbers = 0

    def fill(self, name: str, filled: Filled, wanted: ModelField, column: Column) -> None:
        """Make up the cell of one field, and what it becomes."""
        if column.name in self.given or (filled.spelling and not filled.spelling.targets):
            return
        if wanted.type in ("date", "datetime"):
            made = self._day()
        elif filled.spelling:
            made = next(iter(filled.spelling.targets.items()))
        elif wanted.values:
            made = (wanted.values[0], wanted.values[0])
        elif wanted.type == "boolean":
            made = ("1", "true")
        else:
            cell = self._plain(column)
            made = (cell, cell)
        self.given[column.name], self.expected[name] = made

    def fill_key(self, key: Sequence[str]) -> None:
        """Fill what the key is made of, and something of what the table is about: a row without them is not used."""
        parts = {name for part in key for name in columns_in(part)}
        cores = [self.table.chosen.fields[core].column for core in self.table.chosen.cores]
        if not any(core.name in self.given for core in cores):
            parts.add(_name(self.table, cores[0]))
        for column in self.table.form.columns:
            if _name(self.table, column) in parts and column.name not in self.given:
                self.given[column.name] = self._day()[0] if column.kind in _DATES else self._plain(column)

    def unsafe(self) -> bool:
        """Say whether the row could be rejected: what must be filled is not among its cells."""
        names = {_name(self.table, column) for column in self.table.form.columns if column.name in self.given}
        for name, wanted in self.table.model.fields.items():
            filled = self.table.filled.get(name)
            needed = wanted.required and filled and filled.expressions
            if filled and needed and not set(columns_in(filled.expressions[0])) & (names | {"slot"}):
                return True
        return False

    def _plain(self, column: Column) -> str:
        """Return a number where the column has numbers or the map reads one, else a text."""
        if column.kind not in _NUMBERS and _name(self.table, column) not in self._numeric:
            return _TEXT
        self._numbers += 1
        return str(self._numbers)

    def _day(self) -> tuple[str, str]:
        """Return the next day as the export writes it, and as it is expected."""
        number = (_FIRST_DAY + self._days - 1) % _DAYS + 1
        self._days += 1
        expected = f"2024-05-{number:02}"
        if self._format == "iso":
            return expected, expected
        written = self._format.replace("%d", f"{number:02}")
        for part, text in _MONTH.items():
            written = written.replace(part, text)
        return written, expected


def _numeric(table: Table, key: Sequence[str]) -> set[str]:
    """Return the columns of which the map reads a number, whatever the scan took them for."""
    read = [text for text in key if "number(" in text]
    for name, filled in table.filled.items():
        of_numbers = table.model.fields[name].type in ("integer", "number", "boolean")
        read += [text for text in filled.expressions if of_numbers or "number(" in text]
    return {name for text in read for name in columns_in(text)}


def _name(table: Table, column: Column) -> str:
    """Return how the map calls a column, as the language hands names back."""
    return table.reference(column).strip('"').replace('""', '"')
