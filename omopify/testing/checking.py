"""Can a test be run?  Names of tables and columns, and the shape of rows, before anything is run.

Problems:

* OM940  ``given`` names no source and no table
* OM941  ``given`` names a column that there is not
* OM942  ``expect`` names no table
* OM943  ``expect`` names a column that the table does not have
* OM944  a row cannot be given or expected like this
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omopify import cdm
from omopify.compiler.plan import Plan
from omopify.errors import Location, Problems, did_you_mean
from omopify.specs.maps import Test
from omopify.specs.packs import TableFile
from omopify.specs.project import LoadedMap, Pack
from omopify.testing.bench import AUDIT, used_columns
from omopify.testing.model import NO_ROWS

ACCOUNTING: Mapping[str, tuple[str, ...]] = {
    "rejects": ("map", "field", "reason", "row"),
    "value_issues": ("map", "field", "reason", "row"),
    "imputations": ("map", "field", "rule", "row"),
    "unmapped": ("map", "field", "source_value", "rows"),
    "lookups": (
        "map", "field", "way", "looked_in", "file", "source_value", "rows", "rows_open", "source_concept_id",
        "concept_id",
    ),
    "filters": ("map", "filter", "rows"),
    "left_out": ("map", "reason", "row"),
}  # fmt: skip
"""What a test may expect of the accounting."""

assert tuple(ACCOUNTING) == AUDIT


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One test, and the map that it stands beside."""

    loaded: LoadedMap
    number: int

    @property
    def test(self) -> Test:
        """What is given and expected."""
        return self.loaded.spec.tests[self.number]

    @property
    def map(self) -> str:
        """The map's name."""
        return self.loaded.spec.map

    @property
    def name(self) -> str:
        """What the test is called, with its map."""
        return f"{self.map}: {self.test.name}"

    def at(self, *steps: str | int, key: bool = False) -> Location:
        """Return the place of a part of the test."""
        return self.loaded.spec.at("tests", self.number, *steps, key=key)


def expected_concepts(test: Test) -> set[int]:
    """Return the concepts that a test expects in the result, but for 0, which stands for none."""
    rows = [row for written in test.expect.values() for row in expected_rows(written) or []]
    values = [str(value) for row in rows for name, value in row.items() if name.endswith("concept_id")]
    return {int(value) for value in values if value.isdigit()} - {0}


def expected_rows(written: Any) -> list[dict[str, Any]] | None:
    """Return the rows that ``expect`` names for a table, none for ``none``; None if they are not written as rows."""
    if written in (NO_ROWS, None, []):
        return []
    rows = isinstance(written, list) and all(isinstance(row, dict) and row for row in written)
    return written if rows else None


class Checker:
    """Checks the tests of one pack."""

    def __init__(self, pack: Pack, plan: Plan):
        self.pack = pack
        used = used_columns(plan)
        self.columns = {
            name: list(dict.fromkeys([*source.columns, *(column for owner, column in used if owner == name)]))
            for name, source in pack.sources.items()
        }

    def check(self, case: Case, problems: Problems) -> bool:
        """Note what is wrong with a test; say whether it can be run."""
        before = len(problems.errors)
        if not case.test.expect:
            hint = f"name a table and its rows, or '{NO_ROWS}'"
            problems.add("OM944", "the test expects nothing", case.at("expect", key=True), hint)
        for name in case.test.given:
            self._given(case, name, problems)
        for name in case.test.expect:
            self._expect(case, name, problems)
        return len(problems.errors) == before

    def _given(self, case: Case, name: str, problems: Problems) -> None:
        at = case.at("given", name, key=True)
        table = self.pack.tables.get(name.removeprefix("dsp.")) if name.startswith("dsp.") else None
        if table is None and name not in self.pack.sources:
            known = [*self.pack.sources, *(f"dsp.{table}" for table in self.pack.tables)]
            sources = ", ".join(self.pack.sources)
            hint = did_you_mean(name, known) or f"sources: {sources}; tables of 'dsp' as 'dsp.<table>'"
            problems.add("OM940", f"there is no source or table '{name}' to give rows of", at, hint)
            return
        columns = ["trial", *table.fields] if table else self.columns[name]
        known_here = {column if table else column.casefold() for column in columns}
        owner = f"table '{name}'" if table else f"source '{name}'"
        for number, row in enumerate(case.test.given[name]):
            for column in row:
                if (column if table else column.casefold()) not in known_here and not self._is_revision(column, table):
                    hint = did_you_mean(column, columns) or f"it has: {_few(columns)}"
                    place = case.at("given", name, number, column, key=True)
                    problems.add("OM941", f"{owner} has no column '{column}'", place, hint)
            if table:
                self._required(case, table, number, row, problems)

    def _is_revision(self, column: str, table: TableFile | None) -> bool:
        """Say whether a column is a revision of a question (``AETERM__2``), which no list names in advance."""
        pattern = self.pack.trial.versions
        if table or not pattern:
            return False
        head = pattern.partition("{n}")[0].replace("{}", "")
        return bool(head) and head in column

    def _required(
        self, case: Case, table: TableFile, number: int, row: Mapping[str, str | None], problems: Problems
    ) -> None:
        missing = [name for name, spec in table.fields.items() if spec.required and row.get(name) is None]
        if missing:
            names = " and ".join(f"'{name}'" for name in missing)
            at = case.at("given", f"dsp.{table.table}", number)
            problems.add("OM944", f"every row of 'dsp.{table.table}' has {names}", at, "give it in the test, too")

    def _expect(self, case: Case, name: str, problems: Problems) -> None:
        at = case.at("expect", name, key=True)
        columns = self.expectable(name)
        if columns is None:
            known = [*AUDIT, *(f"dsp.{table}" for table in self.pack.tables), *_written_tables()]
            hint = did_you_mean(name, known) or f"'dsp.<table>', a table of the CDM, or one of {', '.join(AUDIT)}"
            problems.add("OM942", f"there is no table '{name}' to expect rows of", at, hint)
            return
        rows = expected_rows(case.test.expect[name])
        if rows is None:
            hint = f"write '{name}: [{{{columns[0]}: ...}}]', or '{name}: {NO_ROWS}' if there must be none"
            problems.add("OM944", "expected rows are a list of rows that each name a column", at, hint)
            return
        for number, row in enumerate(rows):
            for column, value in row.items():
                place = case.at("expect", name, number, column, key=True)
                if column not in columns:
                    hint = did_you_mean(column, columns) or f"it has: {_few(columns)}"
                    problems.add("OM943", f"'{name}' has no column '{column}'", place, hint)
                elif isinstance(value, (list, dict)):
                    hint = "a text with a comma or a bracket stands in quotes"
                    problems.add("OM944", f"'{column}' should be one value", place, hint)

    def expectable(self, name: str) -> tuple[str, ...] | None:
        """Return the columns of a table that a test may expect rows of; None if there is no such table."""
        if name in ACCOUNTING:
            return ACCOUNTING[name]
        if name.startswith("dsp.") and name.removeprefix("dsp.") in self.pack.tables:
            return (*self.pack.tables[name.removeprefix("dsp.")].fields, "trial")
        table = cdm.tables().get(name.removeprefix("cdm."))
        return tuple(field.name for field in table.fields) if table and table.schema != "vocab" else None

    def note_type(self, case: Case, fits: Callable[[str, str], bool], problems: Problems) -> bool:
        """Note the given values that are not of their column's type, which only the database knows for sure."""
        before = len(problems.errors)
        for name, rows in case.test.given.items():
            table = self.pack.tables.get(name.removeprefix("dsp.")) if name.startswith("dsp.") else None
            for number, row in enumerate(rows if table else ()):
                for column, value in row.items():
                    kind = table.fields[column].type if table and column in table.fields else "text"
                    if value is not None and not fits(value, kind):
                        at = case.at("given", name, number, column)
                        hint = _WRITTEN.get(kind, f"'{column}' is of type {kind}")
                        problems.add("OM944", f"'{value}' is not of type {kind}, as '{column}' is", at, hint)
        return len(problems.errors) > before


_WRITTEN = {
    "date": "write 2022-03-01",
    "datetime": "write 2022-03-01 or 2022-03-01 14:30:00",
    "boolean": "write true or false",
    "integer": "write a whole number",
    "number": "write a number with a decimal point",
}


def _written_tables() -> list[str]:
    return [name for name, table in cdm.tables().items() if table.schema != "vocab"]


def _few(columns: Sequence[str]) -> str:
    shown = ", ".join(columns[:12])
    return f"{shown} and {len(columns) - 12} more" if len(columns) > 12 else shown
