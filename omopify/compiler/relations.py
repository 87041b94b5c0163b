"""What maps can read: the trial's sources and the shared model's tables, with their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from omopify.compiler.typed import TEXT, Typed, quoted
from omopify.errors import Problems
from omopify.specs.packs import TableFile, TrialFile
from omopify.specs.project import Pack, Source

PROVENANCE = ("_file", "_row")
"""Every row knows the file (by number) and the row that it comes from."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Something that a map can read: a source of the trial or a table of the shared model."""

    name: str
    table: str
    columns: Mapping[str, Typed]
    labels: Mapping[str, str]
    known: bool
    """Whether all columns are known; if not (no export, no column list) any name is taken as a text column."""
    versions: Mapping[str, tuple[str, ...]]
    dates: tuple[str, ...] = ()
    decimal: str = "."

    @property
    def owner(self) -> str:
        """How the relation is called in messages."""
        return f"table '{self.name}'" if self.name.startswith("dsp.") else f"source '{self.name}'"


@dataclass
class Context:
    """What all maps of a pack share while they are compiled."""

    pack: Pack
    headers: Mapping[str, Mapping[str, str]]
    """The columns that the export brings, with their labels, by source; empty when there is no export."""
    problems: Problems
    relations: dict[str, Relation] = field(default_factory=dict)

    @property
    def trial(self) -> TrialFile:
        """The trial whose maps these are."""
        return self.pack.trial

    def relation(self, name: str) -> Relation | None:
        """Return what a map calls ``name``, or None if there is no such source or table."""
        if name not in self.relations:
            if name in self.pack.sources:
                self.relations[name] = self._source(self.pack.sources[name])
            elif name.removeprefix("dsp.") in self.pack.tables and name.startswith("dsp."):
                self.relations[name] = _table(name, self.pack.tables[name.removeprefix("dsp.")])
        return self.relations.get(name)

    def relation_names(self) -> list[str]:
        """Return every name that ``relation`` knows."""
        return [*self.pack.sources, *(f"dsp.{name}" for name in self.pack.tables)]

    def _source(self, source: Source) -> Relation:
        brought = self.headers.get(source.name)
        labels = {name: column.label for name, column in source.columns.items()} | dict(brought or {})
        names = list(brought) if brought is not None else []
        names += [name for name in source.columns if name not in names]
        columns = {name: Typed(quoted(name), TEXT, source.dates, source.decimal) for name in names}
        versions = _versions(names, self.trial.versions, self.trial.pairs)
        return Relation(
            source.name, f"source.{quoted(source.name)}", columns, labels, bool(names), versions,
            source.dates, source.decimal,
        )  # fmt: skip


def _table(name: str, table: TableFile) -> Relation:
    columns = {"trial": Typed('"trial"', TEXT)}
    columns |= {key: Typed(quoted(key), spec.type, ("%Y-%m-%d",)) for key, spec in table.fields.items()}
    labels = {key: spec.definition for key, spec in table.fields.items()}
    return Relation(name, f"dsp.{quoted(table.table)}", columns, labels, True, {})


def _versions(names: list[str], pattern: str | None, pairs: str | None) -> dict[str, tuple[str, ...]]:
    """Return the revisions of each question: ``{VITUMA: (VITUMA__2,), VITUMACD: (VITUMA__2CD,)}``."""
    if not pattern:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        numbered = [pattern.replace("{}", name).replace("{n}", str(n)) for n in range(2, 10)]
        revisions = tuple(v for v in numbered if v in names)
        if revisions:
            found[name] = revisions
            code = pairs.replace("{}", name) if pairs else ""
            codes = tuple(c for v in revisions if pairs and (c := pairs.replace("{}", v)) in names)
            if code in names and codes:
                found[code] = codes
    return found
