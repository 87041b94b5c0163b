"""What a result has that an earlier one had not, and why: the first question about a delivery.

For every map whose rows differ the causes are named: its forms, the map itself, concept files and vocabulary, or a
table that it reads.  Where several have changed, each may be the cause, and all are named.  If rows differ and nothing
that they are made of has changed, that is a fault of omopify and is said aloud (OM954).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omopify import cdm
from omopify.comparing.changes import Cause, Changes, Made, changes, touched
from omopify.comparing.results import Kept
from omopify.comparing.rows import OF_THE_RUN, Shown, TableRows, compare_rows, named, show_rows
from omopify.compiler.render import render
from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import Problems
from omopify.progress import Progress
from omopify.specs.project import Project

_ERA_EVENTS = {"eras.drug": "drug_exposure", "eras.condition": "condition_occurrence"}


@dataclass(frozen=True, slots=True)
class People:
    """The people of two results."""

    before: int
    now: int
    appeared: int
    vanished: int


@dataclass(frozen=True, slots=True)
class Why:
    """Why rows of a map differ."""

    map: str
    causes: tuple[Cause, ...]
    """Several mean that each may be the cause."""
    tables: tuple[str, ...]
    """The tables in which its rows differ."""
    rows: int
    """How many rows are new, gone or changed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two results compared."""

    before: Kept
    now: Kept
    people: People
    tables: tuple[TableRows, ...]
    """All tables of both results, in the order of the CDM; the harmonised ones behind them, the vocabulary last."""
    changes: Changes
    why: tuple[Why, ...]
    """The maps whose rows differ, in the order in which they ran."""

    @property
    def differing(self) -> tuple[TableRows, ...]:
        """The tables with rows that differ, but for the vocabulary's."""
        return tuple(one for one in self.tables if one.maps and not is_vocabulary(one.table))

    @property
    def is_same(self) -> bool:
        """Whether no row of data differs."""
        return not self.differing


def is_vocabulary(table: str) -> bool:
    """Say whether a table is one of the vocabulary's, which follows what rows use."""
    return table in cdm.tables() and cdm.tables()[table].schema == "vocab"


def diff(
    project: Project, before: Kept, now: Kept, problems: Problems, progress: Progress, only: str | None = None
) -> Difference:
    """Compare two results, row by row.

    Args:
        project: the project of both.
        before: the earlier result.
        now: the later one.
        problems: gets OM954 if rows differ for no reason.
        progress: is told what is being done.
        only: a table, if only that one is asked for.

    Raises:
        OmopifyError: OM959 there is no such table; OM592 a database cannot be opened.
    """
    with _Both(before, now) as db:
        definitions = (now.definitions, before.definitions)
        people = People(*db.rows(render("comparing/persons.sql"))[0])
        tables = compare_rows(db, definitions, progress)
        chosen = named(only, [one.table for one in tables]) if only else None
        progress("comparing concepts")
        moved: dict[str, int] = dict(db.rows(render("comparing/moved.sql")))
    sides = [Made(kept.definitions, kept.manifest["inputs"]) for kept in (before, now)]
    found = changes(sides[0], sides[1], project)
    why = tuple(_Reasons(found, before, now, moved, tables).all(problems))
    shown = tuple(one for one in tables if chosen in (None, one.table))
    return Difference(before, now, people, shown, found, why)


def rows_shown(before: Kept, now: Kept, table: str, most: int) -> list[Shown]:
    """Return the first rows of a table that differ, with their values: for the site's own eyes.

    Raises:
        OmopifyError: OM959 there is no such table.
    """
    with _Both(before, now) as db:
        return show_rows(db, (now.definitions, before.definitions), table, most)


class _Both:
    """Both results in one connection, which spills into a folder beside the later one."""

    def __init__(self, before: Kept, now: Kept):
        self._scratch = now.folder / f".comparing-{os.getpid()}"
        self._attached = [
            Attached("now", now.database, read_only=True),
            Attached("before", before.database, read_only=True),
        ]

    def __enter__(self) -> DuckDB:
        scratch: Path | None = self._scratch
        try:
            self._scratch.mkdir(mode=0o700, exist_ok=True)
        except OSError:  # a result may be looked at where nothing may be written
            scratch = None
        self._db = DuckDB(None, self._attached, scratch=scratch, keep_order=False)
        return self._db.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._db.__exit__(*error)
        shutil.rmtree(self._scratch, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Reasons:
    found: Changes
    before: Kept
    now: Kept
    moved: Mapping[str, int]
    tables: Sequence[TableRows]

    def all(self, problems: Problems) -> Iterator[Why]:
        for name, tables in self._differing().items():
            if name == OF_THE_RUN:
                continue
            causes = tuple(self._causes(name))
            rows = sum(r.added + r.removed + r.changed for t in self.tables for r in t.maps if r.map == name)
            if not causes:
                hint = "this is a fault of omopify; please report it with both files manifest.json"
                message = f"rows of the map '{name}' differ, although nothing has changed that they are made of"
                problems.add("OM954", message, None, hint)
            yield Why(name, causes, tuple(tables), rows)

    def _differing(self) -> dict[str, list[str]]:
        """Return the maps whose rows differ with their tables, in the order in which maps ran."""
        found: dict[str, list[str]] = {}
        for one in self.tables:
            for rows in one.maps if not is_vocabulary(one.table) else ():
                found.setdefault(rows.map, []).append(one.table)
        order = [*self.before.manifest["order"], *self.now.manifest["order"]]
        place = {name: number for number, name in enumerate(order)}
        return dict(sorted(found.items(), key=lambda pair: (place.get(pair[0], len(order)), pair[0])))

    def _causes(self, name: str) -> Iterator[Cause]:
        maps = {**self.before.definitions["maps"], **self.now.definitions["maps"]}
        if name in _ERA_EVENTS:
            yield from self._of_eras(name)
        elif name not in maps:
            yield Cause("unknown", name, "nobody has noted which map wrote them")
        else:
            yield from self._of_map(name, maps)
        if self.found.software:
            yield Cause("software", "omopify", "omopify {} became {}".format(*self.found.software))

    def _of_map(self, name: str, maps: Mapping[str, Any]) -> Iterator[Cause]:
        one = maps[name]
        changed = {table.table for table in self.tables if table.maps}
        scopes = {*self.before.definitions["scopes"].values(), *self.now.definitions["scopes"].values()}
        causes = list(touched(self.found, name, one, scopes))
        if self.moved.get(name):
            text = f"the vocabulary changed: {_values(self.moved[name])} to other concepts"
            causes = [replace(c, text=text) if c.kind == "vocabulary" else c for c in causes]
        elif len(causes) > 1:  # no value of this map leads elsewhere
            causes = [cause for cause in causes if cause.kind != "vocabulary"]
        read = [table for table in one["reads"] if table in changed]
        yield from causes
        yield from (Cause("upstream", table, f"rows of {table} differ") for table in read)
        if not causes and not read:
            pointed = [*one["references"], *(t for link in one["links"] if link in maps for t in maps[link]["writes"])]
            for table in dict.fromkeys(table.removeprefix("cdm.") for table in pointed):
                if table in changed:
                    yield Cause("upstream", table, f"rows of {table} differ, to which it points")

    def _of_eras(self, name: str) -> Iterator[Cause]:
        if self.before.definitions["eras"] != self.now.definitions["eras"]:
            yield Cause("eras", name, "the days between events of an era changed")
        if any(table.maps and table.table == _ERA_EVENTS[name] for table in self.tables):
            yield Cause("upstream", _ERA_EVENTS[name], f"rows of {_ERA_EVENTS[name]} differ")
        if self.found.vocabulary:
            yield Cause("vocabulary", "", "the vocabulary changed")


def _values(number: int) -> str:
    return "1 value leads" if number == 1 else f"{number} values lead"
