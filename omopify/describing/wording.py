"""A map in plain words, part by part, so that somebody who reads neither YAML nor SQL can approve it.

Each part carries the place in the map that it describes (``("set", "grade")``), so that others can say which part has
changed, or which one made a column.  The expressions stand beside the words as they are written: they are what runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from omopify import cdm
from omopify.compiler.domains import event_tables
from omopify.compiler.spoken import listed
from omopify.describing.clauses import clauses
from omopify.describing.filling import PARTIAL, TOO_LONG, Filling, ValueTable, Wanted, shown_constant
from omopify.describing.origins import Origin, Origins
from omopify.specs.maps import Attribute, Events, MapFile, Reference, RowReference
from omopify.specs.project import LoadedMap, Pack
from omopify.specs.values import ConceptSpec, FieldSpec

Step = str | int

SILENT: Mapping[str, str] = {
    "MapFile.map": "the name of the whole, under which everything stands",
    "MapFile.note": "shown as it is written",
    "MapFile.tests": "shown as rows",
    "MapFile.review": "shown as the state of the map",
    "MapFile.accept": "it changes nothing of what the map does",
    "FieldSpec.note": "shown as it is written",
    "Take.first": "there is no choice: it is 1",
    "Test.name": "shown as rows", "Test.given": "shown as rows", "Test.expect": "shown as rows",
    "Review.status": "shown as the state of the map", "Review.by": "shown as the state of the map",
    "Review.on": "shown as the state of the map", "Review.author": "shown as the state of the map",
    "Review.note": "shown as the state of the map",
}  # fmt: skip
"""Words of the language that have no sentence here, each with the reason; a test holds that all others have one."""

_REFERENCES = {
    "person": ("person", "reject"), "visit": ("visit", "empty"), "provider": ("provider", "empty"),
    "care_site": ("care site", "empty"), "location": ("location", "empty"), "cohort": ("cohort", "reject"),
}  # fmt: skip
_LINKS = {
    "event": "The row that this one is about", "parent": "The episode that this one is part of",
    "episode": "The episode that the event belongs to", "fact_1": "The row that the relationship starts from",
    "fact_2": "The row that the relationship leads to",
}  # fmt: skip
_CONCEPTS = ("concept", "type", "status", "value", "unit", "operator", "route", "qualifier")
_NUMBERS = ("number", "low", "high", "quantity")
_TEXTS = ("source", "text", "value_source", "qualifier_source")
_COLUMN_WORDS = {"source": "concept.source", "value_source": "value.source", "qualifier_source": "qualifier.source",
                 "date": "start"}  # fmt: skip
_UNMAPPED = {
    "zero": "A row whose concept is not found keeps concept 0, and is counted.",
    "reject": "A row whose concept is not found is rejected.",
    "error": "A row whose concept is not found stops the run.",
}
_TYPES = {"integer": "integer", "float": "number", "date": "date", "datetime": "datetime"}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a map in words."""

    path: tuple[Step, ...]
    """Where it stands in the map: ``("where", "has_event")``, ``("attributes", "grade", "type")``."""
    name: str
    """What the map calls it: ``grade``."""
    words: str
    """One or more sentences."""
    written: tuple[str, ...] = ()
    """The expressions as the map has them; they are what runs."""
    origins: tuple[Origin, ...] = ()
    """The columns that it takes something from."""
    targets: tuple[str, ...] = ()
    """The columns that it fills: ``dsp.adverse_event.grade``, ``condition_occurrence.condition_start_date``."""
    values: ValueTable | None = None
    concept_files: tuple[str, ...] = ()
    """Concept files that it looks values up in, in their order, as ``<pack>/<path>``."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """A map in words, its parts in the order in which they work."""

    map: str
    to: str
    parts: tuple[Part, ...]

    def part(self, *path: Step) -> Part | None:
        """Return the part at a place of the map; None if it has none."""
        return next((part for part in self.parts if part.path == path), None)

    def filling(self, target: str) -> tuple[Part, ...]:
        """Return the parts that fill a column (``dsp.adverse_event.grade``)."""
        return tuple(part for part in self.parts if target in part.targets)


def sentences(loaded: LoadedMap, pack: Pack, headers: Mapping[str, Mapping[str, str]] | None = None) -> Described:
    """Return a map in words.

    ``headers`` are the export's columns with their labels, by source; without them the pack's list of columns says what
    there is.  A map with mistakes is described as far as it goes: nothing is raised and nothing is noted.
    """
    return _Sentences(loaded, pack, headers or {}).described()


@dataclass
class _Sentences:
    loaded: LoadedMap
    pack: Pack
    headers: Mapping[str, Mapping[str, str]]
    origins: Origins = field(init=False)
    filling: Filling = field(init=False)

    def __post_init__(self) -> None:
        self.origins = Origins.of(self.spec, self.pack, self.headers)
        self.filling = Filling(self.loaded, self.pack, self.headers)

    @property
    def spec(self) -> MapFile:
        return self.loaded.spec

    def described(self) -> Described:
        spec = self.spec
        parts = [
            Part(clause.path, clause.name, clause.words, clause.written, self.origins.behind(clause.written))
            for clause in clauses(spec, self.pack.trial.fact)
        ]
        parts += self._set()
        if not spec.to.startswith("dsp."):
            tables = event_tables(spec.to, spec.otherwise)
            parts += self._events(spec, (), tables)
            for name, attribute in spec.attributes.items():
                parts += self._attribute(name, attribute)
        parts += self._rules()
        return Described(spec.map, spec.to, tuple(parts))

    def _set(self) -> Iterator[Part]:
        spec = self.spec
        table = self.pack.tables.get(spec.to.removeprefix("dsp.")) if spec.to.startswith("dsp.") else None
        if table:
            for name, wanted in table.fields.items():
                if name in spec.set:
                    want = Wanted(wanted.type, wanted.required, tuple(wanted.values), wanted.partial)
                    yield self._field(spec.set[name], want, ("set", name), (f"{spec.to}.{name}",))
        else:
            for name, filled in spec.set.items():
                owners = [t for t in event_tables(spec.to, spec.otherwise) if name in _columns(t)]
                want = Wanted()
                if owners:
                    column = cdm.tables()[owners[0]].field(name)
                    partial = "latest" if name == "death_date" else "reject"
                    want = Wanted(_TYPES.get(column.type, "text"), column.required, (), partial)
                yield self._field(filled, want, ("set", name), tuple(f"{owner}.{name}" for owner in owners))

    def _field(self, spec: FieldSpec, wanted: Wanted, path: tuple[Step, ...], targets: tuple[str, ...]) -> Part:
        return Part(
            path,
            str(path[-1]),
            self.filling.field(spec, wanted, self.origins.revisions(spec.value)),
            spec.value,
            self.origins.behind(spec.value),
            targets,
            self.filling.table(spec.map, spec.otherwise),
            (),
            spec.note,
        )

    def _events(self, said: Events, above: tuple[Step, ...], tables: list[str]) -> Iterator[Part]:
        for word, (name, missing) in _REFERENCES.items():
            reference = getattr(said, word)
            if reference:
                yield self._reference(reference, name, missing, (*above, word), tables)
        for word in _LINKS if not above else ():
            link = getattr(said, word)
            if link:
                yield self._link(link, word, tables)
        for word in _CONCEPTS:
            ways = getattr(said, word)
            if ways:
                yield self._concept(ways, (*above, word), _targets(tables, word))
        for stem, ways in said.concepts.items():
            stems = [f"{stem}_{end}" for end in ("concept_id", "source_value", "source_concept_id")]
            targets = tuple(f"{table}.{column}" for table in tables for column in stems if column in _columns(table))
            yield self._concept(ways, (*above, "concepts", stem), targets)
        for word in ("start", "date", "end"):
            filled = getattr(said, word)
            if filled:
                yield self._day(filled, word, above, tables)
        for word in (*_NUMBERS, *_TEXTS):
            filled = getattr(said, word)
            if filled:
                wanted = Wanted("number" if word in _NUMBERS else "text")
                signed = _targets(tables, "operator") if filled.comparator and not said.operator else ()
                yield self._field(filled, wanted, (*above, word), (*_targets(tables, word), *signed))

    def _day(self, spec: FieldSpec, word: str, above: tuple[Step, ...], tables: list[str]) -> Part:
        late = word == "end" or self.spec.to == "death"
        wanted = Wanted("date", word != "end" and not above, (), "latest" if late else "earliest")
        part = self._field(spec, wanted, (*above, word), _targets(tables, word))
        words, targets = part.words, part.targets
        asked = [table for table in tables if _asks_for_end(table)]
        if word == "end":
            words += " An end before the start is left out, and counted."
            if asked:
                words += (
                    f" Where {listed(asked, 'or')} asks for an end and there is none, it is the start, and counted."
                )
        elif not above:
            if self.spec.person:
                words += " A row from before the person's birth is rejected."
            if asked and not self.spec.end:
                words += f" It is the end, too, which {listed(asked)} asks for."
                targets += _targets(asked, "end")
        return replace(part, words=words, targets=targets)

    def _reference(
        self, reference: Reference, name: str, default: str, path: tuple[Step, ...], tables: list[str]
    ) -> Part:
        by = listed([self.filling.say(text) for text in reference.key])
        lost = (
            "The row is rejected"
            if (reference.missing or default) == "reject"
            else "The column stays empty, and it is noted,"
        )
        words = f"The {name} that is known by {by}. {lost} if there is none."
        origins = self.origins.behind(reference.key)
        return Part(path, str(path[-1]), words, reference.key, origins, _targets(tables, str(path[-1])))

    def _link(self, link: RowReference, word: str, tables: list[str]) -> Part:
        by = listed([self.filling.say(text) for text in link.key])
        rejected = link.missing == "reject" or (link.missing is None and word in ("episode", "fact_1", "fact_2"))
        event = word == "event" and "episode_event" in tables
        lost = "the row is rejected" if rejected or (link.missing is None and event) else "it is noted, and stays empty"
        words = f"{_LINKS[word]}: the row that the map '{link.map}' writes for {by}. If there is none, {lost}."
        return Part((word,), word, words, link.key, self.origins.behind(link.key), _targets(tables, word))

    def _concept(self, ways: tuple[ConceptSpec, ...], path: tuple[Step, ...], targets: tuple[str, ...]) -> Part:
        words = self.filling.concept(ways)
        if path == ("concept",):
            words = f"{words} {_UNMAPPED[self.spec.on_unmapped]}" if any(way.value for way in ways) else words
            results = _targets(event_tables(self.spec.to, self.spec.otherwise), "value")
            if results and not self.spec.value and any(way.via or way.vocabulary for way in ways):
                words += " A value that goes along with the concept ('Maps to value') is the result."
                targets += tuple(target for target in results if target.endswith("_concept_id"))
        written = tuple(text for way in ways for text in way.value)
        files = tuple(f"{self.loaded.pack}/{way.via}" for way in ways if way.via)
        return Part(path, str(path[-1]), words, written, self.origins.behind(written), targets, None, files)

    def _attribute(self, name: str, attribute: Attribute) -> Iterator[Part]:
        when = "when what it is looked up by, or its result, is filled"
        written: tuple[str, ...] = ()
        if attribute.when:
            when, written = f"when {self.filling.condition(attribute.when)}", (attribute.when,)
        a = "An observation" if attribute.to == "observation" else "A measurement"
        words = f"{a} of its own that points to its event, written {when}."
        inherited = [w for w in ("person", "visit", "type") if getattr(self.spec, w) and not getattr(attribute, w)]
        if not attribute.start and not attribute.date:
            inherited.append("day")
        if inherited:
            words += f" Its {listed(inherited)} {'are' if len(inherited) > 1 else 'is'} that of the event."
        filled = [word for word in inherited if word != "day"] + ["start"] * ("day" in inherited) + ["event"]
        targets = tuple(target for word in filled for target in _targets([attribute.to], word))
        yield Part(("attributes", name), name, words, written, self.origins.behind(written), targets)
        yield from self._events(attribute, ("attributes", name), [attribute.to])

    def _rules(self) -> Iterator[Part]:
        spec = self.spec
        if "on_unmapped" in spec.model_fields_set:
            yield Part(("on_unmapped",), "on_unmapped", _UNMAPPED[spec.on_unmapped])
        if "too_long" in spec.model_fields_set:
            yield Part(("too_long",), "too_long", TOO_LONG[spec.too_long])
        if spec.partial:
            words = f"For the dates of this map that say nothing else: {PARTIAL[spec.partial]}"
            yield Part(("partial",), "partial", words)


def _columns(table: str) -> set[str]:
    known = cdm.tables().get(table)
    return {column.name for column in known.fields} if known else set()


def _asks_for_end(table: str) -> bool:
    """Say whether rows of a table must have an end."""
    column = cdm.words(table).get("end")
    return bool(column) and cdm.tables()[table].field(str(column)).required


def _targets(tables: list[str], word: str) -> tuple[str, ...]:
    """Return the columns that a word fills in several tables, what goes along with it included."""
    said = _COLUMN_WORDS.get(word, word)
    along = (said, *(f"{said}.{end}" for end in ("source", "source_concept", "datetime", "field", "domain")))
    return tuple(f"{table}.{column}" for table in tables for one in along if (column := cdm.words(table).get(one)))


__all__ = ["SILENT", "Described", "Origin", "Part", "Step", "sentences", "shown_constant"]
