"""A small database in which maps run on a few given rows, again and again.

Planning a map's query takes far longer than running it on three rows, so nothing is done twice.  Tables are made once;
statements are printed once; the optimiser is off; what only the accounting wants is left out unless a test asks for it;
and the maps that others refer to (the person, the visit) are run once for all tests that give them the same rows, which
come one after the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omopify.compiler.plan import Assertion, MapPlan, Plan, Statement
from omopify.compiler.render import clean_up, render, scopes, statements
from omopify.compiler.typed import SQL_TYPES, quoted
from omopify.conversion.session import VocabularyFiles, insert_rows, prepare_tables
from omopify.conversion.terms import Terms
from omopify.conversion.vocabulary import prepare_vocabulary
from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import Problems
from omopify.specs.project import Pack
from omopify.vocabulary.files.local import LocalConcept

Given = Mapping[str, Sequence[Mapping[str, str | None]]]
"""Rows of sources and of ``dsp`` tables, as tests write them."""

AUDIT = ("rejects", "value_issues", "imputations", "unmapped", "lookups", "filters", "left_out")
"""The lists of the accounting that a test may expect rows of."""

MAKES_ROWS = ("values", "concepts", "map", "parents", "ids", "write", "referenced")
_INTO = re.compile(r"INSERT INTO ([a-z_]+\.(?:\"[^\"]+\"|\w+))")
_FEW = 2
"""So many statements that may have nothing to do are run as they are; for more the rows are counted first."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What tests of a pack run on: the compiled maps and what they look up."""

    pack: Pack
    plan: Plan
    files: VocabularyFiles
    terms: Terms
    local: Sequence[LocalConcept]
    steps: Mapping[str, MapPlan]
    """The compiled maps by name."""
    scripts: dict[str, list[tuple[Statement, str]]] = field(default_factory=dict)
    """The statements of each map that has been printed, each with the table that it adds rows to."""

    @classmethod
    def of(cls, pack: Pack, plan: Plan, files: VocabularyFiles, terms: Terms, local: Sequence[LocalConcept]) -> Frame:
        """Put together what tests run on."""
        return cls(pack, plan, files, terms, local, {step.name: step for step in plan.maps})

    def path(self, own: MapPlan, given: Given) -> list[tuple[str, MapPlan]]:
        """Return the maps that run before a test's own, each with what tells its rows from those of other tests."""
        return [(self._key(step, given), step) for step in referred(self.plan, own, given)]

    def steps_of(self, own: MapPlan, given: Given) -> list[MapPlan]:
        """Return the maps that a test runs: those whose rows its own refers to, and its own."""
        return [*referred(self.plan, own, given), own]

    def _key(self, step: MapPlan, given: Given) -> str:
        forms = self.scope_forms if any(not name.startswith("dsp.") for name in step.reads) else []
        return json.dumps([step.name, {name: given.get(name, []) for name in (*step.reads, *forms)}])

    @property
    def scope_forms(self) -> list[str]:
        """The forms that say who belongs to the trial's data."""
        return [scope.columns[0][0] for scope in self.plan.scopes if scope.columns]

    def script(self, step: MapPlan) -> list[tuple[Statement, str]]:
        """Return the statements of a map, each with the table that it adds rows to."""
        if step.name not in self.scripts:
            self.scripts[step.name] = [(s, found[1] if (found := _INTO.match(s.sql)) else "") for s in statements(step)]
        return self.scripts[step.name]


@dataclass
class _Done:
    """A map that has run: what told it from others, and the tables that hold rows of it."""

    key: str
    step: MapPlan
    filled: set[str] = field(default_factory=set)


@dataclass
class Bench:
    """The database; ``run`` leaves the rows of one test in it until the next one."""

    frame: Frame
    db: DuckDB
    columns: Mapping[str, Sequence[str]]
    """The columns of each source."""
    broken: int = 0
    """How many rows break what ``run`` has returned."""
    _held: dict[str, str] = field(default_factory=dict)
    """What each input holds."""
    _scopes: str = ""
    _stack: list[_Done] = field(default_factory=list)
    _names: dict[str, list[str]] = field(default_factory=dict)

    def run(self, own: MapPlan, given: Given, audit: Iterable[str] = ()) -> Assertion | None:
        """Run a map on given rows, and before it the maps whose rows it refers to.

        Args:
            own: the map.
            given: its rows.
            audit: the lists of the accounting that are wanted besides the rows.

        Returns:
            The first thing that must hold of the data and does not, so that a run would stop; None if all is well.
        """
        path = self.frame.path(own, given)
        self._back_to([key for key, _ in path])
        self._give(given)
        for key, step in path[len(self._stack) :]:
            self._push(key, step, ())
        return self._push("", own, tuple(audit))

    def rows(self, table: str, own: str) -> list[dict[str, Any]]:
        """Return the rows of a table as a test names it; of the accounting those of one map."""
        full = self.table(table)
        names = self.names(full)
        found = self.db.rows(render("testing/rows.sql.jinja", table=full, columns=names))
        rows = [dict(zip(names, row, strict=True)) for row in found]
        return [row for row in rows if row.get("map", own) == own]

    def table(self, name: str) -> str:
        """Return the table that a test calls *name*."""
        if name in AUDIT:
            return f"audit.{name}"
        schema, dot, table = name.partition(".")
        return f"{schema}.{quoted(table)}" if dot else f"cdm.{quoted(name)}"

    def names(self, full: str) -> list[str]:
        """Return the columns of a table."""
        if full not in self._names:
            self._names[full] = [row[0] for row in self.db.rows(render("testing/columns.sql.jinja", table=full))]
        return self._names[full]

    def lacking(self, ids: Iterable[int]) -> set[int]:
        """Return those of some concepts that the vocabulary does not have."""
        wanted = sorted(ids)
        return {found for (found,) in self.db.rows(render("testing/lacking.sql"), {"ids": wanted})} if wanted else set()

    def fits(self, value: str, kind: str) -> bool:
        """Say whether a text can be read as a type of the language."""
        return bool(self.db.rows(render("testing/is_of_type.sql.jinja", type=SQL_TYPES[kind]), {"value": value})[0][0])

    def _back_to(self, keys: Sequence[str]) -> None:
        """Undo what has run, except for what the next test would run anyway."""
        kept = 0
        while kept < min(len(keys), len(self._stack)) and self._stack[kept].key == keys[kept]:
            kept += 1
        while self._stack[kept:]:
            doomed = {table for done in self._stack[kept:] for table in done.filled}
            shared = next((n for n, done in enumerate(self._stack[:kept]) if done.filled & doomed), None)
            if shared is not None:
                kept = shared
                continue
            self._undo(self._stack[kept:], doomed)
            del self._stack[kept:]

    def _undo(self, done: Sequence[_Done], filled: set[str]) -> None:
        texts = [s.sql for one in done for s in clean_up(one.step, last=True)]
        texts += [render("testing/empty.sql.jinja", tables=sorted(filled))] if filled else []
        self.db.script(";\n".join(texts))
        for name in [name for name in self._held if name.startswith("dsp.") and self.table(name) in filled]:
            del self._held[name]

    def _give(self, given: Given) -> None:
        for name in list(self._held):
            if name not in given:
                self._fill(name, [])
        for name, rows in given.items():
            self._fill(name, rows)
        key = json.dumps([given.get(name, []) for name in self.frame.scope_forms])
        if key != self._scopes:
            for scope in scopes(self.frame.plan):
                self.db.script(render("testing/scope.sql.jinja", name=scope.map, statement=scope.sql))
            self._scopes = key

    def _fill(self, name: str, rows: Sequence[Mapping[str, str | None]]) -> None:
        key = json.dumps(rows)
        held = self._held.pop(name, "[]")
        if held != key and held != "[]":
            self.db.script(render("testing/empty.sql.jinja", tables=[self._input(name)]))
        if rows:
            if held != key:
                columns, values = self._values(name, rows)
                insert_rows(self.db, self._input(name), columns, values)
            self._held[name] = key

    def _input(self, name: str) -> str:
        return self.table(name) if name.startswith("dsp.") else f"source.main.{quoted(name)}"

    def _values(
        self, name: str, rows: Sequence[Mapping[str, str | None]]
    ) -> tuple[list[str], list[tuple[str | int | None, ...]]]:
        """Return the columns that are given and the rows, read as staging reads an export."""
        if name.startswith("dsp."):
            fields = [f for f in self.frame.pack.tables[name[4:]].fields if any(f in row for row in rows)]
            trial = self.frame.pack.trial.trial
            lines = [(1, n, row.get("trial") or trial, *map(row.get, fields)) for n, row in enumerate(rows, 1)]
            return ["_file", "_row", "trial", *fields], lines
        missing = {word.casefold() for word in self.frame.pack.sources[name].missing} | {""}
        folded = [{column.casefold(): value for column, value in row.items()} for row in rows]
        columns = [column for column in self.columns[name] if any(column.casefold() in row for row in folded)]

        def cell(value: str | None) -> str | None:
            return None if value is None or value.strip().casefold() in missing else value.strip()

        lines = [(1, n, *(cell(row.get(column.casefold())) for column in columns)) for n, row in enumerate(folded, 1)]
        return ["_file", "_row", *columns], lines

    def _push(self, key: str, step: MapPlan, audit: tuple[str, ...]) -> Assertion | None:
        done = _Done(key, step)
        self._stack.append(done)
        wanted = {f"audit.{name}" for name in audit}
        chosen = [(s, into) for s, into in self.frame.script(step) if s.kind in MAKES_ROWS or into in wanted]
        counting = sum(s.counted is not None for s, _ in chosen) > _FEW
        counts: tuple[int, ...] = ()
        for statement, into in self.frame.script(step):
            if statement.kind == "accounting" and counting:
                counts = self.db.counts(statement)
                continue
            idle = counts and statement.counted is not None and not counts[statement.counted]
            if (statement, into) in chosen and not idle and self.db.run(statement) and into:
                done.filled.add(into)
            if statement.kind == "map" and not key and (broken := self._broken(step)):
                return broken
        return None

    def _broken(self, step: MapPlan) -> Assertion | None:
        if not step.assertions:
            return None
        counts = self.db.rows(render("testing/broken.sql.jinja", assertions=step.assertions))[0]
        found = [(one, count) for one, count in zip(step.assertions, counts, strict=True) if count]
        self.broken = found[0][1] if found else 0
        return found[0][0] if found else None


def used_columns(plan: Plan) -> list[tuple[str, str]]:
    """Return the columns that maps use and that say who belongs to the trial's data: (source, column)."""
    pairs = [pair for step in plan.maps for pair in step.columns]
    return pairs + [pair for scope in plan.scopes for pair in scope.columns]


def referred(plan: Plan, own: MapPlan, given: Given) -> list[MapPlan]:
    """Return the maps whose rows a map refers to, in the order of a run, as far as a test gives what they read."""
    wanted, named = set(own.references), {link.map for link in own.links}
    found: list[MapPlan] = []
    for step in reversed(plan.maps):
        complete = all(name.startswith("dsp.") or name in given for name in step.reads)
        if step is not own and (step.name in named or (wanted & set(step.writes) and complete)):
            found.insert(0, step)
            wanted |= set(step.references)
            named |= {link.map for link in step.links}
    return found


@contextmanager
def open_bench(frame: Frame, steps: Sequence[MapPlan], given: Iterable[Given], scratch: Path) -> Iterator[Bench]:
    """Open a database for the tests of some maps, with tables for all that they are given.

    Raises:
        OmopifyError: the vocabulary cannot be used.
    """
    attached = [
        *(Attached(name) for name in ("work", "source", "vocabulary", "register")),
        Attached("athena", frame.files.athena, read_only=True),
        Attached("terms", frame.files.terms, read_only=True),
    ]
    with DuckDB(None, attached, scratch=scratch, threads=1, optimise=False) as db:
        db.define_functions()
        prepare_tables(db, frame.pack)
        # What the vocabulary lacks is told by a run; here its look-ups just find nothing.
        prepare_vocabulary(Plan(frame.plan.scopes, tuple(steps)), frame.terms, list(frame.local), db, Problems())
        columns = _columns(frame, given)
        db.script(
            ";\n".join(
                render("testing/source.sql.jinja", source=name, columns=found) for name, found in columns.items()
            )
        )
        yield Bench(frame, db, columns, _scopes="none yet")


def _columns(frame: Frame, given: Iterable[Given]) -> dict[str, list[str]]:
    """Return the columns of each source: those that maps use, and those that are given."""
    found: dict[str, dict[str, str]] = {name: {} for name in frame.pack.sources}
    used = used_columns(frame.plan)
    used += [(name, column) for rows in given for name, lines in rows.items() for line in lines for column in line]
    for source, column in used:
        if source in found:
            known = {name.casefold(): name for name in frame.pack.sources[source].columns}
            found[source].setdefault(column.casefold(), known.get(column.casefold(), column))
    return {name: list(columns.values()) for name, columns in found.items()}
