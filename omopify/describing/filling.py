"""In words: how one field is filled, by the conversion that the compiler makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from omopify.compiler.expressions import Over
from omopify.compiler.fields import Columns
from omopify.compiler.names import open_input
from omopify.compiler.relations import Context
from omopify.compiler.shape import shape
from omopify.compiler.spoken import is_column, listed, spoken, spoken_condition
from omopify.compiler.typed import BOOLEAN, DATE, DATETIME, INTEGER, NUMBER, TEXT, Typed, date_formats
from omopify.errors import Problems
from omopify.specs.project import LoadedMap, Pack, read_table
from omopify.specs.values import ConceptSpec, Constant, FieldSpec, ValueMap

PARTIAL: Mapping[str, str] = {
    "earliest": "A partial date is filled with the earliest day that it can be, and counted.",
    "middle": "A partial date is filled with the middle of the time that it can be, and counted.",
    "latest": "A partial date is filled with the last day that it can be, and counted.",
    "reject": "A partial date is not used, and counted.",
}
"""What a rule for partial dates says."""

TOO_LONG: Mapping[str, str] = {
    "truncate": "A text that is longer than its column is cut, and counted.",
    "error": "A text that is longer than its column stops the run.",
}
"""What a rule for long texts says."""

_READ = {
    INTEGER: "It is read as a whole number.",
    NUMBER: "It is read as a number.",
    BOOLEAN: "It is read as yes or no.",
}
_MARKS = (("%Y", "yyyy"), ("%m", "mm"), ("%b", "mon"), ("%d", "dd"))


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One word of a value map and what it becomes; None where it means nothing."""

    value: str
    becomes: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ValueTable:
    """A value map; ``file`` is empty where it stands in the map itself."""

    file: str
    rows: tuple[ValueRow, ...]
    otherwise: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a field must be, as far as words need it."""

    type: str = TEXT
    required: bool = False
    values: tuple[str, ...] = ()
    partial: str = "reject"


@dataclass
class Filling:
    """The fields of one map in words."""

    loaded: LoadedMap
    pack: Pack
    headers: Mapping[str, Mapping[str, str]]
    columns: Columns | None = field(init=False)

    def __post_init__(self) -> None:
        """Open what the map reads, so that the type of what an expression gives is known."""
        spec, context = self.loaded.spec, Context(self.pack, self.headers, Problems())
        opened = open_input(self.loaded, context)
        self.columns = None
        if opened:
            shape(spec, opened)
            self.columns = Columns(self.loaded, context, opened.names)
            self.columns.over = Over("1", "1", "window") if spec.window else Over("1") if spec.group else None

    def say(self, text: str) -> str:
        """Return an expression in words."""
        return spoken(text, self.pack.trial.fact)

    def condition(self, text: str) -> str:
        """Return a condition in words."""
        return spoken_condition(text, self.pack.trial.fact)

    def value(self, spec: FieldSpec, revisions: tuple[str, ...] = ()) -> str:
        """Say where the field's value comes from."""
        if spec.constant is not None:
            return f"Always '{spec.constant}'."
        said = [self.say(text) for text in spec.value]
        if len(said) > 1:
            words = f"The first that is filled of: {'; '.join(f'({n}) {one}' for n, one in enumerate(said, 1))}."
        elif spec.value[0].strip().casefold().startswith("trial."):
            words = f"A fact: {said[0]}."
        else:
            words = f"Taken from {said[0]}." if is_column(spec.value[0]) else f"Worked out: {said[0]}."
        if revisions:
            words += f" Or from one of its revisions ({listed(revisions)}), whichever is filled."
            if not self.loaded.spec.versions:
                words += " If several are, it stays empty, and it is noted."
        return words

    def field(self, spec: FieldSpec, wanted: Wanted, revisions: tuple[str, ...] = ()) -> str:
        """Say how a field is filled, from the export's cell to the value that the target holds."""
        return " ".join([self.value(spec, revisions), *self._converted(spec, wanted), *self._extras(spec, wanted)])

    def table(self, written: ValueMap | None, otherwise: str | None = None) -> ValueTable | None:
        """Return a value map as rows; None if there is none, or its file cannot be read."""
        if written is None:
            return None
        if not written.file:
            inline = tuple(ValueRow(key, becomes or None) for key, becomes in written.values.items())
            return ValueTable("", inline, otherwise)
        found = read_table(self.loaded.folder / written.file, ("from", "to"), self.loaded.spec.at("map"), Problems())
        rows = tuple(ValueRow(row["from"], row["to"] or None, row.get("note", "")) for _, row in found)
        return ValueTable(written.file, rows, otherwise) if rows else None

    def concept(self, ways: tuple[ConceptSpec, ...]) -> str:
        """Say how a concept is found."""
        said = [self._way(way) for way in ways]
        if len(said) == 1:
            return f"{said[0][0].upper()}{said[0][1:]}."
        listed_ways = "; ".join(f"({n}) {one}" for n, one in enumerate(said, 1))
        return f"The first of these ways that finds a standard concept counts: {listed_ways}."

    def _converted(self, spec: FieldSpec, wanted: Wanted) -> Iterator[str]:
        lost = "the row is rejected" if wanted.required else "it is left out and counted"
        found = self._type(spec)
        if spec.map:
            table = self.table(spec.map)
            where = f"in {spec.map.file}" if spec.map.file else "by a list"
            size = f" of {len(table.rows)} values" if table and not spec.map.file else ""
            count = f" ({len(table.rows)} values)" if table and spec.map.file else ""
            verb = "looked up" if spec.map.file else "translated"
            yield f"The answer is {verb} {where}{size}{count}."
            if spec.otherwise is None:
                yield f"If it is not there, {lost}."
        elif found.type == TEXT and wanted.type in (DATE, DATETIME):
            formats = listed([spelled(text) for text in date_formats(spec.dates or found.dates)], "or")
            rule = spec.partial or self.loaded.spec.partial or wanted.partial
            yield f"It is read as a date ({formats}). {PARTIAL[rule]}"
        elif found.type == TEXT and wanted.type in _READ:
            yield _READ[wanted.type]
        if wanted.values and not spec.map and spec.constant is None:
            yield f"It must be one of {listed(wanted.values, 'or')}; if not, {lost}."
        elif not spec.map and found.type == TEXT and wanted.type != TEXT and spec.constant is None:
            yield f"If it cannot be read, {lost}."
        if wanted.required and spec.constant is None:
            yield "A row without it is rejected."

    def _extras(self, spec: FieldSpec, wanted: Wanted) -> Iterator[str]:
        if spec.otherwise is not None:
            yield f"Any other answer becomes '{spec.otherwise}'."
        if spec.decimal:
            yield f"The decimal mark is a {'comma' if spec.decimal == ',' else 'point'}."
        if spec.comparator:
            yield "A sign before the number (<5) is taken off and becomes the operator."
        if spec.not_before:
            yield f"A day that was filled in is never before {spec.not_before}."
        if spec.too_long:
            yield TOO_LONG[spec.too_long]
        if spec.partial and wanted.type not in (DATE, DATETIME):
            yield PARTIAL[spec.partial]
        if spec.dates and wanted.type not in (DATE, DATETIME):
            yield f"Its dates are written {listed([spelled(text) for text in spec.dates], 'or')}."

    def _type(self, spec: FieldSpec) -> Typed:
        """Return the type of what a field's expression gives; text where that cannot be said."""
        found = self.columns.first_of(spec.value, "set") if self.columns and spec.value else None
        return found or Typed("", TEXT)

    def _way(self, way: ConceptSpec) -> str:
        if way.concept:
            return f"always {shown_constant(way.concept)}"
        said = [self.say(text) for text in way.value]
        value = said[0] if len(said) == 1 else f"the first that is filled of {listed(said)}"
        result = f" (the result is then {shown_constant(way.result)})" if way.result else ""
        domain = f" (only concepts of the domain {way.domain})" if way.domain else ""
        if way.via:
            words = f"looked up in the concept file {way.via} (approved rows only)"
        elif way.map:
            pairs = "; ".join(f"{key}: {shown_constant(constant)}" for key, constant in way.map.items())
            words = f"translated by a list of {len(way.map)} ({pairs})"
        else:
            how = {"code": "as a code", "name": "by its name", "variant": "as a gene variant"}[way.by]
            words = f"looked up {how} in {' and then '.join(way.vocabulary)}"
        return f"{words}{domain}{result}: {value}"


def shown_constant(constant: Constant) -> str:
    """Return a concept as maps write it: its id and its name."""
    return f"{constant.id} {constant.name}".strip()


def spelled(written: str) -> str:
    """Return a date format as people write it: ``dd.mm.yyyy``."""
    for mark, letters in _MARKS:
        written = written.replace(mark, letters)
    return re.sub(r"^iso$", "yyyy-mm-dd", written)
