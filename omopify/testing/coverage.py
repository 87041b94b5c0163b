"""What the tests of a map cover: its filters, the entries of its value maps, its rules for dates and its look-ups.

Nothing is guessed from the text of a test: what counts is what the map's rows came to when the test ran.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from omopify.compiler.fields import fold
from omopify.compiler.plan import Finding, MapPlan, chunks
from omopify.compiler.render import render
from omopify.errors import Location, Problems
from omopify.specs.maps import Attribute, MapFile
from omopify.specs.project import LoadedMap, read_table, shown
from omopify.specs.values import ConceptSpec, FieldSpec

if TYPE_CHECKING:
    from omopify.testing.bench import Bench

Kind = Literal["filter", "value", "date", "lookup"]

KINDS: Mapping[Kind, str] = {"filter": "filters", "value": "values", "date": "dates", "lookup": "look-ups"}
"""The kinds of parts, as tables are headed."""

_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a map can do with a row, so that a test should show it."""

    kind: Kind
    name: str
    """In words: ``'grade' becomes 3 from 'severe'``."""
    at: Location
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MapCoverage:
    """What the tests of one map cover."""

    map: str
    at: Location
    tests: int
    parts: tuple[Part, ...]
    open: tuple[Part, ...]
    """The parts that no test reaches."""

    def counts(self, kind: Kind) -> tuple[int, int]:
        """Return how many parts of a kind are covered, and how many there are."""
        every = sum(part.kind == kind for part in self.parts)
        return every - sum(part.kind == kind for part in self.open), every


@dataclass(frozen=True, slots=True)
class _Values:
    """A value map: the column that is read through it, and what it knows."""

    field: str
    column: str
    known: Mapping[str, tuple[str, Location]]
    """By folded spelling: the entry as it is written, and where."""
    otherwise: Location | None

    @property
    def numbers(self) -> bool:
        """Whether all that it knows are whole numbers, so that 1.0 is 1."""
        return all(_WHOLE.fullmatch(written.strip()) for written, _ in self.known.values())


@dataclass
class Reach:
    """The parts of one map, and those that its tests have reached so far."""

    loaded: LoadedMap
    step: MapPlan
    seen: set[tuple[str, ...]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Find the value maps of the map."""
        own = {item.alias for cte in self.step.before for one in cte.selects for item in one.items}
        self.values = [values for values in _value_maps(self.loaded) if values.column in own]

    def look(self, bench: Bench) -> None:
        """Note what the rows of the test that has just run have reached."""
        step, db = self.step, bench.db
        imputed = [name for name, _ in chunks("_imputed", step.imputations)]
        issues = [name for name, _ in chunks("_issues", step.issues)]
        sql = render("testing/seen.sql.jinja", step=step, imputed=imputed, issues=issues, slots=bool(step.lookups))
        left_out, rejected, slots, *bits = db.rows(sql)[0]
        for name in left_out or ():
            self.seen |= {("filter", name, "out")} if name else set()
            passed = step.filters if not name else step.filters[: step.filters.index(name)]
            self.seen |= {("filter", each, "through") for each in passed}
        self.seen |= {("lookup", slot) for slot in slots or ()}
        findings = [found for _, found in (*chunks("_imputed", step.imputations), *chunks("_issues", step.issues))]
        hit = [f for some, seen in zip(findings, bits, strict=True) for n, f in enumerate(some) if (seen or 0) >> n & 1]
        hit += [step.rejects[number - 1] for number in rejected or () if number]
        self.seen |= {("date", finding.field, finding.reason) for finding in hit}
        if self.values:
            columns = [(values.column, values.numbers) for values in self.values]
            for values, said in zip(
                self.values, db.rows(render("testing/said.sql.jinja", step=step, columns=columns))[0], strict=True
            ):
                for text in said or ():
                    self.seen.add(("value", values.field, text if text in values.known else _OTHERWISE))

    def coverage(self) -> MapCoverage:
        """Return what the tests have covered."""
        spec = self.loaded.spec
        parts = tuple(self._parts())
        return MapCoverage(
            spec.map, spec.at("map"), len(spec.tests), parts, tuple(part for part in parts if part.key not in self.seen)
        )

    def _parts(self) -> Iterator[Part]:
        spec = self.loaded.spec
        for name in (*spec.where, *(["keep"] if spec.keep else [])):
            at = spec.at("where", name, key=True) if name in spec.where else spec.at("keep", key=True)
            yield Part("filter", f"'{name}' leaves a row out", at, ("filter", name, "out"))
            yield Part("filter", f"'{name}' lets a row through", at, ("filter", name, "through"))
        for values in self.values:
            for text, (written, at) in values.known.items():
                yield Part("value", f"'{values.field}' says '{written}'", at, ("value", values.field, text))
            if values.otherwise:
                words = f"'{values.field}' says what the list does not know"
                yield Part("value", words, values.otherwise, ("value", values.field, _OTHERWISE))
        for found in _date_rules(self.step):
            words = f"'{found.field}' is a partial date ({found.reason})"
            yield Part("date", words, _place(spec, found.field), ("date", found.field, found.reason))
        for lookup in self.step.lookups:
            words = f"'{lookup.field}' is found in {lookup.looked_in}"
            yield Part("lookup", words, lookup.at, ("lookup", lookup.slot))


_OTHERWISE = "\x1f"


def _date_rules(step: MapPlan) -> list[Finding]:
    """Return what a map does with partial dates; that an end is its start is no date that was filled in."""
    rules = [found for found in step.imputations if found.reason in ("earliest", "middle", "latest")]
    return rules + [found for found in (*step.issues, *step.rejects) if found.reason == "partial date"]


def _place(spec: MapFile, name: str) -> Location:
    """Return where a field is written that the accounting calls *name*."""
    if name in spec.set:
        return spec.at("set", name, key=True)
    attribute, _, word = name.rpartition(".")
    container = spec.attributes.get(attribute, spec)
    said = "date" if word == "start" and container.start is None else word
    return spec.at("attributes", attribute, said, key=True) if attribute in spec.attributes else spec.at(said, key=True)


def _value_maps(loaded: LoadedMap) -> Iterator[_Values]:
    spec = loaded.spec
    containers: list[tuple[MapFile | Attribute, str, tuple[str, ...]]] = [(spec, "", ())]
    containers += [(attribute, f"{name}.", ("attributes", name)) for name, attribute in spec.attributes.items()]
    for container, prefix, steps in containers:
        for word in type(container).model_fields:
            written = getattr(container, word)
            groups = written.items() if word in ("set", "concepts") else [(word, written)]
            for name, one in groups:
                here = (*steps, word) if name == word else (*steps, word, name)
                called = prefix + ("start" if name == "date" else name)
                if isinstance(one, FieldSpec) and one.map:
                    yield _of_field(loaded, one, called, here)
                elif isinstance(one, tuple) and one and isinstance(one[0], ConceptSpec):
                    yield from _of_concept(spec, one, called, here)


def _of_field(loaded: LoadedMap, written: FieldSpec, name: str, steps: tuple[str, ...]) -> _Values:
    assert written.map is not None
    spec, file = loaded.spec, written.map.file
    known: dict[str, tuple[str, Location]] = {}
    if file:
        path = loaded.folder / file
        for line, row in read_table(path, ("from", "to"), spec.at(*steps), Problems()):
            known.setdefault(fold(row["from"]), (row["from"], Location(shown(path), line, 1)))
    for key in written.map.values:
        known.setdefault(fold(key), (key, spec.at(*steps, "map", key, key=True)))
    otherwise = spec.at(*steps, "otherwise", key=True) if written.otherwise is not None else None
    return _Values(name, f"{name}.raw", known, otherwise)


def _of_concept(spec: MapFile, ways: tuple[ConceptSpec, ...], slot: str, steps: tuple[str, ...]) -> Iterator[_Values]:
    for number, way in enumerate(ways, 1):
        if way.map:
            here = steps if len(ways) == 1 else (*steps, str(number - 1))
            known = {fold(key): (key, spec.at(*here, "map", key, key=True)) for key in way.map}
            yield _Values(slot, f"{slot}.{number}.said", known, None)
