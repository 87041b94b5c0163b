"""The result that is traced: its tables, its accounting, and whether the maps are still those that made it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from omopify import cdm
from omopify.compiler.render import render
from omopify.describing.wording import Described, sentences
from omopify.engines.duckdb import DuckDB
from omopify.errors import Location, OmopifyError, Problem, Problems, did_you_mean
from omopify.specs.meanings import MAP, meanings
from omopify.specs.project import DATABASE, MANIFEST, LoadedMap, Project, shown
from omopify.tracing.model import Concept, Place

DSP = "dsp."
_DEFINITIONS = "definitions.json"
"""What each map said when the run used it (``conversion.definitions``)."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class File:
    """A file (or worksheet) of the export that the run read."""

    number: int
    source: str
    file: str
    sheet: str | None
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the result; ``key`` is the column of its ids, None where rows have only a number."""

    name: str
    """As maps call it: ``measurement``, ``dsp.adverse_event``."""
    key: str | None
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The table as written in SQL."""
        schema, _, name = self.name.rpartition(".")
        return f'{schema or "cdm"}."{name}"'


@dataclass
class Result:
    """An open result of a project."""

    project: Project
    db: DuckDB
    out: Path
    _tables: dict[str, Table] = field(default_factory=dict)
    _described: dict[str, Described] = field(default_factory=dict)

    def rows(self, template: str, parameters: Mapping[str, object] | None = None, **values: object) -> list[Any]:
        """Return the rows of a query in ``sql/tracing``."""
        return self.db.rows(render(f"tracing/{template}", **values), parameters)

    @cached_property
    def files(self) -> dict[int, File]:
        """The files of the export by their number in the accounting."""
        return {row[0]: File(*row) for row in self.rows("files.sql")}

    @cached_property
    def maps(self) -> dict[str, LoadedMap]:
        """The maps of the project as they are today, by name."""
        return {loaded.spec.map: loaded for loaded in self.project.pack.maps}

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The tables of the result as maps call them, with their rows."""
        return {f"{DSP if schema == 'dsp' else ''}{name}": size for schema, name, size in self.rows("tables.sql")}

    def described(self, name: str) -> Described | None:
        """Return a map in words; None if there is no such map today."""
        loaded = self.maps.get(name)
        if loaded and name not in self._described:
            self._described[name] = sentences(loaded, self.project.pack)
        return self._described.get(name)

    def table(self, name: str) -> Table:
        """Return a table by the name that a user or the accounting gives it.

        Raises:
            OmopifyError: OM961 there is none.
        """
        wanted = name.casefold().removeprefix("cdm.")
        known = {table.casefold(): table for table in self.sizes}
        found = known.get(wanted) or known.get(f"{DSP}{wanted}")
        if found is None:
            hint = did_you_mean(wanted, [*known, *(one.removeprefix(DSP) for one in known)])
            hint = hint or "a table of the CDM such as condition_occurrence, or one of dsp.*"
            raise _stop("OM961", f"the result has no table '{name}'", hint)
        if found not in self._tables:
            schema = "dsp" if found.startswith(DSP) else "cdm"
            columns = self.rows("columns.sql.jinja", schema=schema, table=found.removeprefix(DSP))
            self._tables[found] = Table(found, _key(found), tuple(column for (column,) in columns))
        return self._tables[found]

    def values(self, table: Table, number: int) -> dict[str, Any]:
        """Return the filled columns of a row.

        Raises:
            OmopifyError: OM962 there is no such row.
        """
        found = self.rows("row.sql.jinja", {"id": number}, table=table.sql, columns=table.columns, key=table.key)
        if not found:
            ((first, last),) = self.rows("range.sql.jinja", table=table.sql, key=table.key)
            what = "ids" if table.key else "rows"
            hint = "it is empty" if first is None else f"its {what} run from {first} to {last}"
            raise _stop("OM962", f"there is no {'id' if table.key else 'row'} {number} in '{table.name}'", hint)
        return {n: v for n, v in zip(table.columns, found[0], strict=True) if v is not None}

    def concepts(self, ids: Iterable[int]) -> dict[int, Concept]:
        """Return concepts by id, with their names as far as the result knows them."""
        wanted = sorted(set(ids))
        known = {row[0]: Concept(*row) for row in self.rows("concepts.sql", {"ids": wanted})} if wanted else {}
        return {one: known.get(one, Concept(one)) for one in wanted}

    def place(self, number: int, row: int) -> Place:
        """Return a row of the export by the file's number in the accounting."""
        file = self.files[number]
        return Place(file.source, file.file, file.sheet, row)

    def changed_maps(self) -> list[str]:
        """Return the maps that do not say any more what they said in the run; ``trial.yaml`` stands for the trial.

        The run's definitions tell by meaning; a result without them is compared file by file.
        """
        try:
            then = json.loads((self.out / _DEFINITIONS).read_text("utf-8"))
            was = {f"{MAP}{name}": said["sha256"] for name, said in then["maps"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return self._changed_files()
        now = {one.part: one.sha256 for one in meanings(self.project) if one.part.startswith(MAP)}
        return sorted(name.removeprefix(MAP) for name in was.keys() | now.keys() if was.get(name) != now.get(name))

    def _changed_files(self) -> list[str]:
        try:
            was = json.loads((self.out / MANIFEST).read_text("utf-8"))["specs"]
        except (OSError, ValueError, KeyError, TypeError):
            return []
        changed = []
        for path in self.project.pack.files:
            names = [name for name in was if path.as_posix().endswith(f"/{name}")]
            if not names or was[names[0]] != hashlib.sha256(path.read_bytes()).hexdigest():
                changed.append(path.name)
        return sorted(changed)

    def warn_of_changes(self, problems: Problems) -> None:
        """Warn if the result was made by other maps than those of today (OM965)."""
        changed = self.changed_maps()
        if changed:
            named = ", ".join(f"'{name}'" for name in changed[:_NAMED])
            more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
            message = f"these maps have changed since the run: {named}{more}"
            hint = "rows and ids are those of the run, expressions those of today; 'omopify run' brings them together"
            problems.add("OM965", message, Location(shown(self.out / DATABASE)), hint, severity="warning")


def open_result(project: Project, out: Path | None, readable: Iterable[Path] = ()) -> Result:
    """Open the result of a project to read it; the caller closes ``result.db``.

    Raises:
        OmopifyError: OM960 there is none, OM967 it was made by a version that did not note the lineage of rows.
    """
    folder = (out or project.out).absolute()
    database = folder / DATABASE
    if not database.is_file():
        at = Location(shown(database))
        raise OmopifyError(Problem("OM960", "there is no result to trace yet", at, "'omopify run' makes it"))
    db = DuckDB(database, readable=tuple(readable), read_only=True, name="result")
    result = Result(project, db, folder)
    try:
        if not result.rows("has_lineage.sql")[0][0]:
            at = Location(shown(database))
            message = "the result was made by a version of omopify that did not note where each row comes from"
            raise OmopifyError(Problem("OM967", message, at, "'omopify run' makes it anew"))
        db.define_functions()
    except BaseException:
        db.__exit__(None, None, None)
        raise
    return result


def _key(table: str) -> str | None:
    known = cdm.tables().get(table)
    if known is None:
        return None
    return known.id_field or ("person_id" if table == "death" else None)


def _stop(code: str, message: str, hint: str) -> OmopifyError:
    return OmopifyError(Problem(code, message, None, hint))
