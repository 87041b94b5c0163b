"""From the sources a pack declares to the tables that maps read."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from omopify.compiler.plan import Plan
from omopify.compiler.render import render
from omopify.conversion.session import insert_rows
from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems, did_you_mean
from omopify.progress import Progress
from omopify.specs.project import Pack
from omopify.staging import ReadOptions, SourceRequest, StagedFile, StagedSource, read_headers, stage

_KEPT_DAYS = 30


def requests(pack: Pack) -> list[SourceRequest]:
    """Return what staging is to look for."""
    found = []
    for source in pack.sources.values():
        if not source.patterns:
            continue
        options = ReadOptions(
            format=source.format,
            header_row=source.header_row,
            label_row=source.label_row,
            delimiter=source.delimiter,
            encoding=source.encoding,
            missing=source.missing,
        )
        found.append(
            SourceRequest(
                name=source.name,
                patterns=source.patterns,
                sheet=source.sheet,
                optional=source.optional,
                several=source.several,
                options=options,
                at=source.at,
                columns=tuple(source.columns),
            )
        )
    return found


def headers(pack: Pack, folder: Path, problems: Problems) -> dict[str, dict[str, str]]:
    """Return the columns of the export with their labels, by source, without reading a row."""
    found = read_headers(requests(pack), folder, problems)
    for name, header in found.items():
        if header.files:
            note_missing(pack, name, header.columns, header.files, problems)
    return {
        name: {column: header.labels.get(column, "") for column in header.columns}
        for name, header in found.items()
        if header.files
    }


def staged(pack: Pack, folder: Path, cache: Path, problems: Problems, progress: Progress) -> dict[str, StagedSource]:
    """Read the export; note what is wrong with it, and columns that the pack's list says must be there."""
    cache.mkdir(parents=True, exist_ok=True)
    cache.chmod(0o700)
    found = stage(requests(pack), folder, cache, problems, progress)
    for name, got in found.items():
        if got.files:
            note_missing(pack, name, got.columns, [_shown(file) for file in got.files], problems)
    _forget_old(cache, {file.parquet for got in found.values() for file in got.files})
    return found


def _forget_old(cache: Path, used: set[Path]) -> None:
    """Remove what earlier deliveries left: data of patients is not kept longer than it is of use."""
    limit = time.time() - _KEPT_DAYS * 86_400
    for path in cache.iterdir():
        if path not in used and path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)


def note_missing(pack: Pack, name: str, columns: Iterable[str], files: Iterable[str], problems: Problems) -> None:
    """Note the columns that the pack's list says an export must have and that this source has not."""
    source, brought = pack.sources[name], {column.casefold(): column for column in columns}
    needed = {column: known for column, known in source.columns.items() if known.required}
    missing = {column: known for column, known in needed.items() if column.casefold() not in brought}
    where = ", ".join(files)
    known_here = {column.casefold() for column in source.columns}
    others = [column for folded, column in brought.items() if folded not in known_here]
    if len(missing) == len(needed) > 3:
        message = f"none of the {len(needed)} columns of source '{name}' is in {where}"
        problems.add(
            "OM450", message, source.at, f"is row {source.header_row} the one with the column ids? See 'header_row'"
        )
        return
    for column, known in missing.items():
        message = f"the column '{column}' of source '{name}' is missing in {where}"
        near = did_you_mean(column, others)
        hint = f"{near} " if near else ""
        hint += f'it is labelled "{known.label}"; ' if known.label else ""
        problems.add("OM450", message, source.at, f"{hint}export it, or mark it 'optional' in the pack's column list")


def _shown(file: StagedFile) -> str:
    return f"{file.file} [{file.sheet}]" if file.sheet else file.file


def _table_columns(pack: Pack, plan: Plan, sources: Mapping[str, StagedSource]) -> dict[str, tuple[str, ...]]:
    """Return the columns of each source's table: those of the export, and those known or used but not exported."""
    used = [pair for step in plan.maps for pair in step.columns]
    used += [pair for scope in plan.scopes for pair in scope.columns]
    tables = {}
    for name, source in pack.sources.items():
        brought = sources[name].columns if name in sources else ()
        folded = {column.casefold() for column in brought}
        wanted = [*source.columns, *(column for owner, column in used if owner == name)]
        known = {c.casefold(): c for c in wanted if c.casefold() not in folded}
        tables[name] = (*brought, *known.values())
    return tables


def create_source_tables(db: DuckDB, pack: Pack, plan: Plan, sources: Mapping[str, StagedSource]) -> None:
    """Make the staged export readable as ``source.<name>``, and list its files by number in ``audit.files``."""
    number = 0
    rows: list[tuple[object, ...]] = []
    columns = _table_columns(pack, plan, sources)
    for name in pack.sources:
        parts = []
        found = sources.get(name)
        for file in found.files if found else ():
            number += 1
            rows.append((number, name, file.file, file.sheet, file.rows, file.sha256))
            parts.append((number, file.parquet.absolute().as_posix(), file.columns))
        db.script(render("run/source.sql.jinja", source=name, files=parts, columns=columns[name]))
    insert_rows(db, "audit.files", ("file_number", "source", "file", "sheet", "rows", "sha256"), rows)
