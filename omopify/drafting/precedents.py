"""What other trials' maps use for a variable: a column that is called or labelled like theirs is likely the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from omopify.compiler.codelists import inputs_of
from omopify.compiler.spoken import columns_in, is_column
from omopify.drafting.lexicon import fold
from omopify.errors import Problems
from omopify.resources import data
from omopify.scanning.model import Column
from omopify.specs.maps import MapFile
from omopify.specs.packs import TableFile
from omopify.specs.project import LoadedMap, Pack, load_pack

_SPELLED = re.compile(r"(?:number|text|date|fold|trim|upper|lower|year)\((.+)\)")
"""Functions that only write a value in another way."""

_SAME_NAME, _SAME_LABEL = 0.9, 0.85
_SHORTEST = 4
"""Shorter names are alike by accident."""


@dataclass(frozen=True, slots=True)
class Use:
    """A column that a map uses for a variable, as it stands or only spelled in another way."""

    pack: str
    source: str
    column: str
    label: str
    table: str
    field: str


@dataclass(frozen=True)
class Precedents:
    """The uses of other trials."""

    uses: tuple[Use, ...] = ()
    _names: dict[tuple[str, str], dict[str, Use]] = field(default_factory=dict)
    _labels: dict[tuple[str, str], dict[str, Use]] = field(default_factory=dict)

    def like(self, column: Column, table: str, field: str) -> tuple[float, str]:
        """Say how far a column is called or labelled like one that another trial uses for this variable, and which."""
        if self.uses and not self._names:
            for use in self.uses:
                self._names.setdefault((use.table, use.field), {}).setdefault(use.column.casefold(), use)
                self._labels.setdefault((use.table, use.field), {}).setdefault(fold(use.label), use)
        same = self._names.get((table, field), {}).get(column.name.casefold())
        if same and len(column.name) >= _SHORTEST:
            return _SAME_NAME, f"{same.pack} uses a column of this name for it"
        labels = self._labels.get((table, field), {})
        for text in (column.label, column.name):
            alike = labels.get(fold(text)) if len(text) >= _SHORTEST else None
            if alike:
                return _SAME_LABEL, f"{alike.pack} uses a column labelled '{alike.label}' for it"
        return 0.0, ""


@dataclass(frozen=True, slots=True)
class Shipped:
    """The packs that ship with omopify, and the shared models that they bring."""

    packs: tuple[Pack, ...]

    def tables(self, model: str) -> dict[str, TableFile]:
        """Return the tables of a shared model, by name."""
        return next((dict(pack.tables) for pack in self.packs if pack.trial.model == model), {})

    def precedents(self, model: str, without: Iterable[str] = ()) -> Precedents:
        """Return what the packs of a model use, but for some packs (of the trial itself, when its draft is judged)."""
        hidden = set(without)
        packs = [pack for pack in self.packs if pack.trial.model == model and pack.folder.name not in hidden]
        return Precedents(tuple(use for pack in packs for use in uses(pack)))


@cache
def shipped() -> Shipped:
    """Read all packs that ship with omopify; once, as they do not change while it runs."""
    folders = sorted(path.parent for path in data("mappings").glob("*/trial.yaml"))
    return Shipped(tuple(pack for folder in folders if (pack := load_pack(folder, Problems())) is not None))


def uses(pack: Pack) -> Iterator[Use]:
    """Yield the columns that a pack's maps use for shared variables, as they stand or only spelled in another way."""
    for loaded in pack.maps:
        if loaded.pack != pack.folder.name or not loaded.spec.to.startswith("dsp."):
            continue
        yield from _of_map(pack, loaded)


def _of_map(pack: Pack, loaded: LoadedMap) -> Iterator[Use]:
    spec = loaded.spec
    for name, filled in spec.set.items():
        for text in filled.value:
            plain_text = text.strip()
            while plain := _SPELLED.fullmatch(plain_text):
                plain_text = plain[1]
            if not is_column(plain_text):
                continue
            for column in columns_in(plain_text):
                for source, real in _places(spec, column):
                    known = pack.sources[source].columns.get(real) if source in pack.sources else None
                    if known:
                        yield Use(pack.folder.name, source, real, known.label, spec.to.removeprefix("dsp."), name)


def _places(spec: MapFile, column: str) -> Iterator[tuple[str, str]]:
    """Yield (source, column of the export) for a column as a map's expression calls it."""
    alias, dot, rest = column.partition(".")
    if dot:
        join = spec.join.get(alias)
        yield (join.source or alias if join else alias), rest
        return
    patterns = spec.slots.columns if spec.slots else {}
    for source in inputs_of(spec):
        called = {**spec.union.get(source, {})}.get(column, column)
        if spec.slots and called in patterns:
            for n in spec.slots.n:
                yield source, patterns[called].replace("{n}", n)
        else:
            yield source, called
