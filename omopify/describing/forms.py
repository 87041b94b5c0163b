"""The forms of the export in the document: how each is read, and what becomes of each of its columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from omopify.compiler.codelists import inputs_of
from omopify.compiler.plan import Plan
from omopify.compiler.spoken import listed, spoken_condition
from omopify.describing.counted import Counts
from omopify.describing.filling import spelled
from omopify.describing.model import Decision, Source, SourceColumn
from omopify.specs.project import LoadedMap, Pack
from omopify.specs.project import Source as SpecSource

Headers = Mapping[str, Mapping[str, str]]
"""The columns that the export brings, with their labels, by source."""


def sources(pack: Pack, plan: Plan, headers: Headers, counts: Counts | None) -> tuple[Source, ...]:
    """Return the forms of a trial with all their columns: those of the export, and those that the pack's list knows."""
    readers: dict[tuple[str, str], list[str]] = {}
    for step in plan.maps:
        for source, column in step.columns:
            readers.setdefault((source, column.casefold()), []).append(step.name)
    for scope in plan.scopes:
        for source, column in scope.columns:
            readers.setdefault((source, column.casefold()), []).append(f"scope {scope.name}")
    return tuple(_source(pack, one, readers, headers.get(name), counts) for name, one in pack.sources.items())


def scope(pack: Pack) -> tuple[str, ...]:
    """Say who belongs to the data."""
    return tuple(
        f"Only subjects ({scope.on}) with a row in {scope.source} for which "
        f"{spoken_condition(scope.where, pack.trial.fact)}; rows of others are not used, and counted as '{name}'."
        for name, scope in pack.trial.scope.items()
    )


def read_by(loaded: LoadedMap) -> tuple[str, ...]:
    """Return the forms and tables that a map reads: those that its rows come from, then those that it looks into."""
    joined = [join.source or name for name, join in loaded.spec.join.items()]
    return tuple(dict.fromkeys([*inputs_of(loaded.spec), *joined]))


def _source(
    pack: Pack,
    source: SpecSource,
    readers: Mapping[tuple[str, str], list[str]],
    brought: Mapping[str, str] | None,
    counts: Counts | None,
) -> Source:
    known = {name.casefold() for name in brought or ()}
    names = [*(brought or ()), *(name for name in source.columns if name.casefold() not in known)]
    columns = []
    for name in names:
        used = tuple(dict.fromkeys(readers.get((source.name, name.casefold()), ())))
        decision, reason = _decision(pack, source, name, bool(used))
        label = (brought or {}).get(name) or (source.columns[name].label if name in source.columns else "")
        filled = counts.filled(source.name, name) if counts else None
        rows = counts.rows(source.name) if counts else None
        columns.append(SourceColumn(name, label, decision, reason, used, filled, rows))
    maps = tuple(loaded.spec.map for loaded in pack.maps if source.name in read_by(loaded))
    return Source(
        name=source.name,
        files=source.patterns,
        reading=tuple(_reading(source)),
        optional=source.optional,
        rows=counts.rows(source.name) if counts else None,
        columns=tuple(columns),
        maps=maps,
    )


def _decision(pack: Pack, source: SpecSource, name: str, used: bool) -> tuple[Decision, str]:
    """Say what was decided about a column, as a run does it for ``audit.columns``."""
    reasons = (why for words, why in source.ignore.items() if fnmatchcase(name.casefold(), words.casefold()))
    if name.casefold() in {column.casefold() for column in pack.trial.identifiers}:
        return "identifier", ""
    if used:
        return "used", ""
    reason = next(reasons, "")
    return ("ignored", reason) if reason else ("undecided", "")


def _reading(source: SpecSource) -> Iterator[str]:
    if source.sheet:
        yield f"In a workbook: the worksheet '{source.sheet}'."
    if source.format:
        yield f"The files are {source.format}."
    labels = f", their labels in row {source.label_row}" if source.label_row else ""
    yield f"The columns' names stand in row {source.header_row}{labels}."
    words = [f"'{word}'" for word in source.missing if word]
    yield f"An empty cell{', or ' + listed(words, 'or') if words else ''} means that there is nothing."
    yield f"Dates are written {listed([spelled(text) for text in source.dates], 'or')}."
    if source.decimal != ".":
        yield "The decimal mark is a comma."
    if source.delimiter:
        yield f"Cells are divided by '{source.delimiter}'."
    if source.encoding:
        yield f"The files are encoded as {source.encoding}."
    if source.several:
        yield "Several files may hold this form; they are stacked."
    if source.optional:
        yield "The export may lack this form."
