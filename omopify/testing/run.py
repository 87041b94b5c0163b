"""Run the given/expect rows that stand beside the maps: the maps' meaning, checked.

A test of a harmonising map gives rows of the trial's forms; one of a standardising map gives rows of the shared
tables (with the subjects and visits that they refer to, because references are resolved as in a real run).
Columns that are not given are empty; of expected rows only the columns that are named are compared.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omopify import cdm
from omopify.compiler.plan import MapPlan, Plan
from omopify.compiler.planner import make_plan
from omopify.compiler.references import REFERENCED_TABLES
from omopify.compiler.render import clean_up, render, scopes, statements
from omopify.compiler.typed import quoted
from omopify.conversion.session import insert_rows, open_database, prepare_tables
from omopify.conversion.terms import read_terms
from omopify.conversion.vocabulary import Vocabulary, local_concepts, prepare_vocabulary, vocabulary_files
from omopify.engines.duckdb import DuckDB
from omopify.errors import Location, Problems
from omopify.specs.maps import Test
from omopify.specs.project import LoadedMap, Pack


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test: empty ``differences`` means that it passed."""

    map: str
    name: str
    at: Location
    differences: tuple[str, ...]


def run_tests(pack: Pack, vocabulary: Vocabulary, problems: Problems) -> list[Outcome]:
    """Run all tests of all maps of a pack; the vocabulary is that of the project.

    Raises:
        OmopifyError: the maps do not compile.
    """
    plan = make_plan(pack, {}, problems)
    problems.stop_if_errors()
    assert plan is not None
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "scratch").mkdir()
        (path / "vocabulary").mkdir()
        files = vocabulary_files(vocabulary, plan, path / "vocabulary")
        terms, local = read_terms(pack, plan, problems), local_concepts(pack, problems)
        problems.stop_if_errors()
        with open_database(path / "test.duckdb", path / "keys.duckdb", path / "scratch", [], files) as db:
            prepare_tables(db, pack)
            prepare_vocabulary(plan, terms, local, db, Problems())
            for loaded in pack.maps:
                for number, test in enumerate(loaded.spec.tests):
                    at = loaded.spec.at("tests", number)
                    differences = _Run(db, pack, plan, loaded).differences(test)
                    outcomes.append(Outcome(loaded.spec.map, test.name, at, tuple(differences)))
    return outcomes


@dataclass
class _Run:
    db: DuckDB
    pack: Pack
    plan: Plan
    loaded: LoadedMap

    def differences(self, test: Test) -> list[str]:
        own = next(step for step in self.plan.maps if step.name == self.loaded.spec.map)
        unknown = [name for name in test.given if name not in self.pack.sources and not self._is_table(name)]
        if unknown:
            return [f"given: there is no source or table '{name}'" for name in unknown]
        steps = [*self._referenced(own, test), own]
        try:
            self._give(test, steps)
            for scope in scopes(self.plan):
                self.db.run(scope)
            for step in steps:
                for statement in statements(step):
                    self.db.run(statement)
                for statement in clean_up(step):
                    self.db.run(statement)
            return [line for name, rows in test.expect.items() for line in self._compare(name, rows, own.name)]
        finally:
            self._reset()

    def _is_table(self, name: str) -> bool:
        return name.startswith("dsp.") and name.removeprefix("dsp.") in self.pack.tables

    def _referenced(self, own: MapPlan, test: Test) -> list[MapPlan]:
        wanted, named = set(own.references), {link.map for link in own.links}
        found: list[MapPlan] = []
        for step in reversed(self.plan.maps):
            given = all(name.startswith("dsp.") or name in test.given for name in step.reads)
            if step is not own and (step.name in named or (wanted & set(step.writes) and given)):
                found.insert(0, step)
                wanted |= set(step.references)
                named |= {link.map for link in step.links}
        return found

    def _give(self, test: Test, steps: list[MapPlan]) -> None:
        columns: dict[str, set[str]] = {name: set() for name in self.pack.sources}
        used = [pair for step in steps for pair in step.columns]
        used += [pair for scope in self.plan.scopes for pair in scope.columns]
        for source, column in used:
            if source in columns:
                columns[source].add(column)
        for name, rows in test.given.items():
            if name.startswith("dsp."):
                self._insert(name, rows)
            else:
                columns[name] |= {column for row in rows for column in row}
        for name, found in columns.items():
            self._source(name, sorted(found), test.given.get(name, []))

    def _source(self, name: str, columns: list[str], rows: list[dict[str, str | None]]) -> None:
        known = {column.casefold(): column for column in self.pack.sources[name].columns}
        names = [known.get(column.casefold(), column) for column in columns]
        self.db.script(render("testing/source.sql.jinja", source=name, columns=list(dict.fromkeys(names))))
        missing = {word.casefold() for word in self.pack.sources[name].missing} | {""}
        values = [
            (1, number, *(self._cell(row, column, missing) for column in dict.fromkeys(names)))
            for number, row in enumerate(rows, 1)
        ]
        insert_rows(self.db, f"source.main.{quoted(name)}", ["_file", "_row", *dict.fromkeys(names)], values)

    def _cell(self, row: Mapping[str, str | None], column: str, missing: set[str]) -> str | None:
        value = next((v for name, v in row.items() if name.casefold() == column.casefold()), None)
        return None if value is None or value.strip().casefold() in missing else value.strip()

    def _insert(self, name: str, rows: list[dict[str, str | None]]) -> None:
        table = self.pack.tables[name.removeprefix("dsp.")]
        columns = ["_file", "_row", "trial", *table.fields]
        trial = self.pack.trial.trial
        values = [
            (1, number, row.get("trial") or trial, *(row.get(field) for field in table.fields))
            for number, row in enumerate(rows, 1)
        ]
        insert_rows(self.db, f"dsp.{quoted(table.table)}", columns, values)

    def _compare(self, name: str, expected: Any, own: str) -> list[str]:
        table = name if "." in name else f"audit.{name}" if name in _AUDIT else f"cdm.{name}"
        actual = [row for row in self._actual(table) if row.get("map", own) == own]
        if expected in ("none", None, []):
            return [f"{name}: expected no rows, got {len(actual)}"] if actual else []
        if not isinstance(expected, list) or not all(isinstance(row, dict) for row in expected):
            return [f"{name}: expected rows are written as a list, or 'none'"]
        lines = []
        left = list(actual)
        for row in expected:
            match = next((a for a in left if all(_same(a.get(k, _NO_COLUMN), v) for k, v in row.items())), None)
            if match is None:
                lines.append(f"{name}: no row like {_shown(row)}")
            else:
                left.remove(match)
        keys = list(dict.fromkeys(key for row in expected for key in row))
        lines += [f"{name}: one row more: {_shown({k: a.get(k) for k in keys})}" for a in left]
        return lines

    def _actual(self, table: str) -> list[dict[str, Any]]:
        names = [row[0] for row in self.db.rows(render("testing/columns.sql.jinja", table=table))]
        return [
            dict(zip(names, row, strict=True)) for row in self.db.rows(render("testing/rows.sql.jinja", table=table))
        ]

    def _reset(self) -> None:
        tables = [f"dsp.{quoted(name)}" for name in self.pack.tables]
        tables += [f"audit.{name}" for name in (*_AUDIT, "map_rows", "row_origins")]
        for table in cdm.tables().values():
            if table.schema != "vocab":
                tables.append(f"cdm.{quoted(table.name)}")
                if table.id_field:
                    tables.append(f"register.{quoted(table.name)}")
        tables += [f"work.{quoted(f'ids of {name}')}" for name in REFERENCED_TABLES]
        names = [scope.name for scope in self.plan.scopes]
        self.db.script(render("testing/reset.sql.jinja", tables=tables, scopes=names))
        for step in self.plan.maps:
            for statement in clean_up(step, last=True):
                self.db.run(statement)


_AUDIT = ("rejects", "value_issues", "imputations", "unmapped", "lookups", "filters")
_NO_COLUMN = object()


def _same(actual: Any, expected: Any) -> bool:
    if expected is None or actual is None:
        return actual is expected
    if actual is _NO_COLUMN:
        return False
    if isinstance(actual, bool):
        return str(actual).casefold() == str(expected).casefold()
    if isinstance(actual, (int, float)):
        try:
            return float(actual) == float(expected)
        except ValueError:
            return False
    return str(actual) == str(expected)


def _shown(row: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {'null' if value is None else value}" for key, value in row.items()) + "}"
