"""Makes the first given/expect test of a drafted map: one made-up row, and what it must become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from omopify.compiler.spoken import columns_in
from omopify.drafting.filling import Filled, Table
from omopify.scanning.model import Column
from omopify.specs.packs import ModelField

_DAY = {"%Y": "2024", "%m": "05", "%d": "17", "%b": "MAY"}
_EXPECTED_DAY = "2024-05-17"
_SUBJECT = "MADE-UP-1"


@dataclass(frozen=True)
class Example:
    """Made-up cells, in the spelling of the export."""

    dates: Mapping[str, str] = field(default_factory=dict)
    """The date format of each form, by its name."""
    usual: str = "%Y-%m-%d"
    """The date format of forms that show none of their own."""

    def row(self, table: Table, key: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return a row of the form and the row that it becomes; nothing if none can be made up safely."""
        given = {table.form.subject: _SUBJECT}
        expected: dict[str, str] = {}
        for name, wanted in table.model.fields.items():
            filled = table.filled.get(name)
            if not filled or not (wanted.required or name in table.chosen.cores or wanted.type == "date"):
                continue
            if name in ("subject_id", "person_key"):
                expected[name] = _SUBJECT
            elif filled.guess and filled.expressions:
                self._cell(table, name, filled, wanted, given, expected)
        self._key(table, key, given)
        told = [name for name in expected if name not in ("subject_id", "person_key")]
        return (given, expected) if told and not _unsafe(table, given) else ({}, {})

    def _cell(
        self,
        table: Table,
        name: str,
        filled: Filled,
        wanted: ModelField,
        given: dict[str, str],
        expected: dict[str, str],
    ) -> None:
        assert filled.guess
        column = filled.guess.column
        made = self._made_up(table, filled, wanted, column)
        if made and column.name not in given:
            given[column.name], expected[name] = made

    def _key(self, table: Table, key: Sequence[str], given: dict[str, str]) -> None:
        """Fill what the key is made of, and something of what the table is about: a row without them is not used."""
        columns = {table.reference(column): column for column in table.form.columns}
        parts = {name for part in key for name in columns_in(part)}
        cores = [table.chosen.fields[core].column for core in table.chosen.cores]
        if not any(core.name in given for core in cores):
            parts.add(table.reference(cores[0]).strip('"').replace('""', '"'))
        for reference, column in columns.items():
            if reference.strip('"').replace('""', '"') in parts and column.name not in given:
                is_date = column.kind in ("date", "date and time")
                given[column.name] = self._day(table) if is_date else "1"

    def _day(self, table: Table) -> str:
        day = self.dates.get(table.form.name, self.usual)
        for part, text in _DAY.items():
            day = day.replace(part, text)
        return _EXPECTED_DAY if day == "iso" else day

    def _made_up(self, table: Table, filled: Filled, wanted: ModelField, column: Column) -> tuple[str, str] | None:
        if wanted.type in ("date", "datetime"):
            return self._day(table), _EXPECTED_DAY
        if filled.spelling and filled.spelling.targets:
            return next(iter(filled.spelling.targets.items()))
        if filled.spelling:
            return None
        if wanted.values:
            return wanted.values[0], wanted.values[0]
        by_type = {"integer": ("1", "1"), "number": ("1", "1"), "boolean": ("1", "true")}
        if column.kind in ("whole number", "number"):
            return ("1", "1") if wanted.type != "boolean" else ("1", "true")
        return by_type.get(wanted.type, ("Made up", "Made up"))


def _unsafe(table: Table, given: Mapping[str, str]) -> bool:
    """Say whether a row that is made up here could be rejected: what must be filled is not among its cells."""
    cells = {table.reference(column) for column in table.form.columns if column.name in given}
    names = {cell.strip('"').replace('""', '"') for cell in cells} | {"slot"}
    for name, wanted in table.model.fields.items():
        filled = table.filled.get(name)
        if wanted.required and filled and filled.expressions and not set(columns_in(filled.expressions[0])) & names:
            return True
    return False
