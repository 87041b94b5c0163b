"""Which columns of the export (or of a harmonised table) stand behind a name that a map's expressions use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from omopify.compiler.codelists import inputs_of
from omopify.compiler.relations import Context, Relation
from omopify.compiler.spoken import columns_in
from omopify.errors import Problems
from omopify.specs.maps import MapFile
from omopify.specs.project import Pack

_RANGE = re.compile(r"\{[^{}:]*:([^{}]*)\}")
_NUMBERS = re.compile(r"\s*(\d+)\s*\.\.\s*(\d+)\s*")
_MOST = 1000
"""The most columns that a range stands for; the compiler takes no more."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A column that a field takes something from, with what the form calls it."""

    source: str
    column: str
    label: str = ""


@dataclass
class Origins:
    """The names of one map, and the columns behind them."""

    spec: MapFile
    context: Context
    cells: dict[str, list[str]] = field(default_factory=dict)
    """Names that ``slots`` and ``unpivot`` make, in small letters: the columns that they stand for."""
    made: set[str] = field(default_factory=set)
    """Names that stand for no column: the number of a slot, the item of a column."""

    @classmethod
    def of(cls, spec: MapFile, pack: Pack, headers: Mapping[str, Mapping[str, str]]) -> Origins:
        """Return the names of a map of a pack; ``headers`` are the export's columns with their labels, by source."""
        origins = cls(spec, Context(pack, labelled(pack, headers), Problems()))
        if spec.slots:
            origins.made.add("slot")
            for name, pattern in spec.slots.columns.items():
                origins.cells[name.casefold()] = [pattern.replace("{n}", n) for n in spec.slots.n]
        if spec.unpivot:
            columns = unpivoted(spec.unpivot.columns)
            origins.made.add(spec.unpivot.columns.partition("{")[2].partition(":")[0].casefold())
            origins.cells[spec.unpivot.value.casefold()] = columns
            if spec.unpivot.code:
                code = spec.unpivot.code
                origins.cells[f"{spec.unpivot.value}_code".casefold()] = [code.replace("{}", one) for one in columns]
        return origins

    def behind(self, texts: tuple[str, ...]) -> tuple[Origin, ...]:
        """Return the columns that expressions take something from, in the order in which they name them."""
        names = [name for text in texts for name in columns_in(text)]
        return tuple(dict.fromkeys(origin for name in names for origin in self._named(name)))

    def revisions(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Return the revisions of the questions that expressions name (``X__2`` of ``X``)."""
        found = []
        for origin in self.behind(texts):
            relation = self.context.relation(origin.source)
            found += list(relation.versions.get(origin.column, ())) if relation else []
        return tuple(dict.fromkeys(found))

    def _named(self, name: str) -> Iterator[Origin]:
        alias, dot, column = name.partition(".")
        if name.casefold() in self.made:
            return
        if name.casefold() in self.cells:
            for cell in self.cells[name.casefold()]:
                yield from self._own(cell)
            return
        joined = {key.casefold(): join.source or key for key, join in self.spec.join.items()}
        if dot and alias.casefold() in joined:
            yield from self._column(joined[alias.casefold()], column)
            return
        own = list(self._own(name))
        if own:
            yield from own
            return
        for source in joined.values():
            yield from self._column(source, name)

    def _own(self, name: str) -> Iterator[Origin]:
        if self.spec.sql:
            yield Origin(self.spec.sql, name)
            return
        for source in inputs_of(self.spec):
            renames = {key.casefold(): column for key, column in self.spec.union.get(source, {}).items()}
            yield from self._column(source, renames.get(name.casefold(), name))

    def _column(self, source: str, column: str) -> Iterator[Origin]:
        relation = self.context.relation(source)
        if relation is None:
            return
        known = _known(relation, column)
        if known or not relation.known:
            yield Origin(source, known or column, relation.labels.get(known or column, ""))


def labelled(pack: Pack, headers: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return the export's columns, each with the pack's label where the export has none."""
    found = {}
    for source, columns in headers.items():
        known = pack.sources[source].columns
        found[source] = {name: label or (known[name].label if name in known else "") for name, label in columns.items()}
    return found


def _known(relation: Relation, column: str) -> str:
    if column in relation.columns:
        return column
    return next((known for known in relation.columns if known.casefold() == column.casefold()), "")


def unpivoted(pattern: str) -> list[str]:
    """Return the columns that a pattern such as ``C30_Q{item:1..30}`` stands for."""
    found = _RANGE.search(pattern)
    if not found:
        return [pattern]
    numbers = _NUMBERS.fullmatch(found[1])
    if numbers and int(numbers[2]) - int(numbers[1]) < _MOST:
        width = len(numbers[1]) if numbers[1].startswith("0") else 0
        values = [str(n).zfill(width) for n in range(int(numbers[1]), int(numbers[2]) + 1)]
    else:
        values = [part.strip() for part in found[1].split(",")]
    return [pattern[: found.start()] + value + pattern[found.end() :] for value in values]
