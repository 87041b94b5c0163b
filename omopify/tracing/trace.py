"""Follow one row of a result back, or one row of the export forward."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from omopify.compiler.codelists import inputs_of
from omopify.conversion.sources import requests
from omopify.describing.origins import Origins
from omopify.describing.wording import sentences
from omopify.errors import Location, OmopifyError, Problem, Problems, did_you_mean
from omopify.specs.maps import MapFile
from omopify.specs.project import Project, shown
from omopify.staging import StagedFile, stage
from omopify.tracing.backward import Backward
from omopify.tracing.forward import Following
from omopify.tracing.model import Cell, Forward, Place, Row, without_values
from omopify.tracing.result import File, Result, open_result

Trace = TypeVar("Trace", Row, Forward)
LIMIT = 5
"""How many of the rows that a row was made of are followed, unless the user says otherwise."""


@dataclass
class Tracer:
    """Follows rows of one result."""

    result: Result
    problems: Problems

    def __post_init__(self) -> None:
        self._cells = _Cells(self.result, self.problems)

    def back(self, table: str, number: int, *, limit: int = LIMIT, show_values: bool = False) -> Row:
        """Return a row of the result with everything that it was made of.

        Args:
            table: a table of the CDM, or ``dsp.<table>``.
            number: its id, or its number in the table where rows have no ids.
            limit: how many of the rows that a row was made of are followed.
            show_values: whether values of the data are told.

        Raises:
            OmopifyError: OM961 no such table, OM962 no such row.
        """
        cells = self._cells.of_map if show_values else _no_cells
        found = Backward(self.result, limit, show_values, cells).row(table, number)
        return found if show_values else _quiet(found)

    def forward(self, form: str, number: int, *, sheet: str | None = None, show_values: bool = False) -> Forward:
        """Return a row of the export, as a spreadsheet numbers it, with everything that became of it.

        ``form`` is the name of a source or of a file, or some whole words of a file's name.

        Raises:
            OmopifyError: OM963 no such form, OM964 no such row, OM968 the form has several files.
        """
        file = _file(self.result, form, sheet)
        _stop_if_not_there(self.result, file, number, self._cells)
        standing = self._cells.of_row(file, number) if show_values else ()
        place = Place(file.source, file.file, file.sheet, number, standing)
        found = Following(self.result, file, number).follow(place)
        return found if show_values else _quiet(found)


@contextmanager
def tracing(project: Project, out: Path | None, problems: Problems) -> Iterator[Tracer]:
    """Open a project's result (``out`` instead of the project's own folder) and give what follows its rows.

    A warning is noted if the maps are no longer those that made it (OM965).

    Raises:
        OmopifyError: OM960 no result, OM967 a result without lineage.
    """
    staging = (out or project.out).absolute() / ".staging"
    result = open_result(project, out, [staging] if staging.is_dir() else [])
    with result.db:
        result.warn_of_changes(problems)
        yield Tracer(result, problems)


def _quiet(found: Trace) -> Trace:
    hidden: Trace = without_values(found)
    return hidden


def _no_cells(_file: int, _row: int, _spec: MapFile) -> tuple[Cell, ...]:
    return ()


def _file(result: Result, form: str, sheet: str | None) -> File:
    """Return the file that a user means by a form's name or a file's."""
    wanted = form.casefold()
    named = [f for f in result.files.values() if f.source.casefold() == wanted]
    named = named or [f for f in result.files.values() if wanted in (f.file.casefold(), Path(f.file).stem.casefold())]
    named = named or [f for f in result.files.values() if _words(form) in _words(Path(f.file).stem)]
    if sheet is not None:
        named = [f for f in named if (f.sheet or "").casefold() == sheet.casefold()]
    if len({(f.file, f.sheet) for f in named}) > 1:
        which = ", ".join(f"'{f.file}'" + (f" with --sheet '{f.sheet}'" if f.sheet else "") for f in named[:LIMIT])
        raise _stop("OM968", f"'{form}' is several files of the export", f"say which: {which}")
    if named:
        return named[0]
    sources = {f.source for f in result.files.values()}
    declared = {name.casefold(): name for name in result.project.pack.sources}
    if wanted in declared and sheet is None:
        hint = f"forms that are there: {', '.join(sorted(sources))}"
        raise _stop("OM963", f"the export has no file for the form '{declared[wanted]}'", hint)
    hint = did_you_mean(form, [*sources, *(f.file for f in result.files.values())])
    on = f" with a worksheet '{sheet}'" if sheet is not None else ""
    raise _stop("OM963", f"there is no form '{form}'{on}", hint or f"forms: {', '.join(sorted(sources))}")


def _words(name: str) -> str:
    """Return a name between marks, so that another may be found in it word by word."""
    return f"_{re.sub(r'[^0-9a-z]+', '_', name.casefold()).strip('_')}_"


def _stop_if_not_there(result: Result, file: File, number: int, cells: _Cells) -> None:
    """Stop if a file has no such row; a form that no map reads can only be looked at in the export itself."""
    first, last = result.rows("rows_of_file.sql", {"file": file.number})[0]
    if (
        first is None
        or number < first
        or number > last
        or not result.rows("row_is_known.sql", {"file": file.number, "row": number})[0][0]
    ):
        there = cells.rows_of(file)
        if there is not None and number in there:
            return
        first, last = (min(there), max(there)) if there else (first, last)
        if first is None:
            return
        hint = f"its rows are numbered {first} to {last}, as a spreadsheet shows them"
        if first <= number <= last:
            hint = "the row is empty: nothing was read from it"
        elif number < first and number > 0:
            hint = f"that is above the data: {hint}"
        raise _stop("OM964", f"'{file.file}' has no row {number}", hint)


class _Cells:
    """Reads cells of the export from its staged form; a form that has changed since the run is not read."""

    def __init__(self, result: Result, problems: Problems):
        self._result = result
        self._problems = problems
        self._staged: dict[int, StagedFile | None] = {}
        self._named: dict[tuple[str, str], frozenset[str]] = {}

    def of_map(self, file: int, row: int, spec: MapFile) -> tuple[Cell, ...]:
        """Return what stands in the columns of a row that a map names."""
        found = self._result.files[file]
        key = spec.map, found.source
        if key not in self._named:
            self._named[key] = self._columns(spec, found.source)
        return self._read(found, row, self._named[key])

    def of_row(self, file: File, row: int) -> tuple[Cell, ...]:
        """Return all filled cells of a row."""
        return self._read(file, row, None)

    def rows_of(self, file: File) -> set[int] | None:
        """Return the numbers of the rows of a file; None if the export cannot be looked at."""
        staged = self._find(file, tell=False)
        if staged is None or not self._allowed(staged):
            return None
        path = staged.parquet.absolute().as_posix()
        return {number for (number,) in self._result.rows("staged_rows.sql.jinja", path=path)}

    def _columns(self, spec: MapFile, source: str) -> frozenset[str]:
        loaded = self._result.maps[spec.map]
        described = sentences(loaded, self._result.project.pack)
        origins = Origins.of(spec, self._result.project.pack, {})
        keys = origins.behind(spec.key) if source in inputs_of(spec) else ()
        named = [*keys, *(origin for part in described.parts for origin in part.origins)]
        return frozenset(origin.column.casefold() for origin in named if origin.source == source)

    def _read(self, file: File, row: int, columns: frozenset[str] | None) -> tuple[Cell, ...]:
        staged = self._find(file, tell=True)
        if staged is None or not self._allowed(staged):
            return ()
        wanted = [column for column in staged.columns if columns is None or column.casefold() in columns]
        path = staged.parquet.absolute().as_posix()
        found = self._result.rows("staged_row.sql.jinja", {"row": row}, path=path, columns=wanted) if wanted else []
        cells: list[Any] = list(found[0]) if found else []
        return tuple(Cell(n, str(v)) for n, v in zip(wanted, cells, strict=False) if v is not None)

    def _allowed(self, staged: StagedFile) -> bool:
        return staged.parquet.parent == (self._result.out / ".staging") and staged.parquet.is_file()

    def _find(self, file: File, tell: bool) -> StagedFile | None:
        if file.number not in self._staged:
            self._staged[file.number] = self._stage(file)
        staged = self._staged[file.number]
        if staged is None and tell:
            at = Location(shown(self._result.project.data / file.file))
            message = "the cells of this file cannot be shown: it is not the file that was converted"
            hint = "the rest of the trace is of the run; 'omopify run' converts the file of today"
            self._problems.add("OM966", message, at, hint, severity="warning")
        return staged

    def _stage(self, file: File) -> StagedFile | None:
        pack, data = self._result.project.pack, self._result.project.data
        wanted = [request for request in requests(pack) if request.name == file.source]
        cache = self._result.out / ".staging"
        if not wanted or not data.is_dir() or not cache.is_dir():
            return None
        found = stage(wanted, data, cache, Problems())
        same = (f for f in found[file.source].files if f.file == file.file and f.sheet == file.sheet)
        return next((f for f in same if f.sha256 == file.sha256), None)


def _stop(code: str, message: str, hint: str) -> OmopifyError:
    return OmopifyError(Problem(code, message, None, hint))


__all__ = ["LIMIT", "Tracer", "tracing"]
