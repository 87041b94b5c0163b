"""From the sources a pack declares to the tables that maps read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from omopify.errors import Problems
from omopify.specs.project import Pack
from omopify.staging import ReadOptions, SourceRequest, StagedSource, read_headers, stage


def requests(pack: Pack) -> list[SourceRequest]:
    """Return what staging is to look for."""
    found = []
    for source in pack.sources.values():
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
    return {
        name: {column: header.labels.get(column, "") for column in header.columns}
        for name, header in found.items()
        if header.files
    }


def staged(
    pack: Pack, folder: Path, cache: Path, problems: Problems, progress: Callable[[str], None]
) -> dict[str, StagedSource]:
    """Read the export; note what is wrong with it, and columns that the pack's list says must be there."""
    found = stage(requests(pack), folder, cache, problems, progress)
    for name, source in pack.sources.items():
        got = found.get(name)
        if got is None or not got.files:
            continue
        lost = [c for c, column in source.columns.items() if column.required and c not in got.columns]
        for column in lost:
            files = ", ".join(file.file + (f" [{file.sheet}]" if file.sheet else "") for file in got.files)
            message = f"the column '{column}' of source '{name}' is missing in {files}"
            label = source.columns[column].label
            hint = f'it is labelled "{label}"; ' if label else ""
            hint += "export it, or mark it 'optional' in the pack's column list"
            problems.add("OM450", message, source.at, hint)
    return found


def table_columns(pack: Pack, sources: Mapping[str, StagedSource]) -> dict[str, tuple[str, ...]]:
    """Return the columns of each source's table: those of the export, and those known but not exported."""
    tables = {}
    for name, source in pack.sources.items():
        brought = sources[name].columns if name in sources else ()
        folded = {column.casefold() for column in brought}
        known = tuple(c for c in source.columns if c.casefold() not in folded)
        tables[name] = (*brought, *known)
    return tables
