"""From the words of a map (person, concept, start, ...) to the columns of the CDM's tables."""

from __future__ import annotations

from dataclasses import dataclass, field

from omopify import cdm
from omopify.compiler.concepts import Concepts
from omopify.compiler.fields import Target
from omopify.compiler.plan import Finding, Item, Output
from omopify.compiler.references import KNOWN_BY, REFERENCED, REFERENCED_TABLES, ROW_LINKS, Pointing
from omopify.compiler.typed import (
    DATE,
    DATETIME,
    INTEGER,
    NUMBER,
    TEXT,
    as_text,
    coalesced,
    date_formats,
    literal,
    quoted,
)
from omopify.errors import did_you_mean
from omopify.specs.maps import Attribute, Events, MapFile
from omopify.specs.values import ConceptSpec, FieldSpec

BORN = "born"
"""The column of a step table with the day of birth of a row's person."""

_CONCEPT_WORDS = ("concept", "type", "status", "value", "unit", "operator", "route", "qualifier")
_NUMBER_WORDS = ("number", "low", "high", "quantity")
_TEXT_WORDS = {
    "source": "concept.source",
    "text": "text",
    "value_source": "value.source",
    "qualifier_source": "qualifier.source",
}
_TYPES = {"integer": INTEGER, "float": NUMBER, "date": DATE, "datetime": DATETIME, "varchar": TEXT, "text": TEXT}


@dataclass(kw_only=True)
class Event(Pointing):
    """One kind of row that a map writes: the event itself, or one of its attributes."""

    concepts: Concepts
    filled: dict[str, str] = field(default_factory=dict)
    """CDM column -> SQL over the step table, for what ``set`` and ``concepts`` give."""

    def build(self, written: Events, tables: list[cdm.Table]) -> None:
        """Add the columns for every word that the map (or attribute) says."""
        self.tables = tables
        for word, table in REFERENCED.items():
            reference = getattr(written, word)
            if reference:
                self.refer(word, table, reference)
        for word in ROW_LINKS if isinstance(written, MapFile) else ():
            link = getattr(written, word)
            if link:
                self.link(word, link)
        for word in _CONCEPT_WORDS:
            ways = getattr(written, word)
            if ways:
                self.slot(word, ways, several=word == "concept" and not self.prefix)
        for stem, ways in written.concepts.items():
            self._stem(stem, ways, tables)
        start, end = written.start or written.date, written.end
        if start:
            self._date("start", start, "start" if written.start else "date", True)
        if end:
            self._date("end", end, "end", False)
        if start and "person" in self.words and not self.prefix:
            self._after_birth()
        if start and end:
            self._orderly()
        for word in _NUMBER_WORDS:
            spec = getattr(written, word)
            if spec:
                self._field(word, spec, Target(self.name(word), NUMBER), word)
        for word, column_word in _TEXT_WORDS.items():
            spec = getattr(written, word)
            if spec:
                length = _length(tables, column_word)
                self._field(column_word, spec, Target(self.name(word), TEXT, length=length), word)
        for word in ("concept", "unit", "route", "value", "status", "qualifier"):
            self._check_source_length(word, tables)

    def slot(self, word: str, ways: tuple[ConceptSpec, ...], *, several: bool = False, name: str = "") -> None:
        """Add a concept slot and the words it fills."""
        slot = self.name(name or word)
        steps = (*self.steps, *(("concepts", word) if name else (word,)))
        self.concepts.add(slot, ways, *steps, several=several, domains=self._domains(word, name))
        self.words[name or word] = quoted(slot)
        if slot in self.concepts.sourced:
            self.words.setdefault(f"{name or word}.source", quoted(f"{slot}.source"))
            self.words.setdefault(f"{name or word}.source_concept", quoted(f"{slot}.source_concept"))
        if several and any(item.alias == f"{slot}.value" for item in self.concepts.items):
            self.words.setdefault("value", quoted(f"{slot}.value"))

    def _domains(self, word: str, name: str) -> tuple[str, ...]:
        """Return the domains that fit a slot in all tables that its row may go to; any if one of them asks for none."""
        found = []
        for table in self.tables:
            column = f"{name}_concept_id" if name else cdm.words(table.name).get(word)
            known = {f.name: f for f in table.fields}
            domain = known[column].domain if column in known else None
            if domain is None and column in known:
                return ()
            found.append(domain)
        return tuple(dict.fromkeys(domain for domain in found if domain))

    def set_columns(self, fields: dict[str, FieldSpec], tables: list[cdm.Table]) -> None:
        """Add the fields under ``set``, which are called by their CDM columns."""
        known = {f.name: f for table in tables for f in table.fields}
        for name, spec in fields.items():
            column = known.get(name)
            if column is None:
                owner = " or ".join(table.name for table in tables)
                message = f"there is no column '{name}' in {owner}"
                at = self.columns.spec.at("set", name, key=True)
                self.columns.context.problems.add("OM332", message, at, did_you_mean(name, known))
                continue
            given = [word for word in self.words if cdm.words(tables[0].name).get(word) == name]
            if given or name in self.filled:
                at = self.columns.spec.at("set", name, key=True)
                hint = f"'{(given or ['concepts'])[0]}' fills it already"
                self.columns.context.problems.add("OM334", f"'{name}' is filled twice", at, hint)
                continue
            partial = "latest" if name == "death_date" else "reject"
            target = Target(name, _TYPES[column.type], column.required, length=column.length, partial=partial)
            if self.columns.add(spec, target, "set", name) is not None:
                self.filled[name] = quoted(name)

    def output(self, table: cdm.Table, condition: str, row_hash: str, linked: bool = False) -> Output:
        """Return the rows for one table; note columns that must be filled and words it has no place for."""
        words = cdm.words(table.name)
        given = {words[word]: sql for word, sql in self.words.items() if word in words}
        given |= self.filled
        if linked:
            given[words["event"]], given[words["event.field"]] = "parent.id", "parent.field_concept_id"
        id_column = table.id_field or ""
        if id_column:
            given[id_column] = "ids.id"
        items = []
        for column in table.fields:
            sql = given.get(column.name) or self._default(table, column, given)
            if sql is None:
                continue
            if column.required and column.name == words.get("end") and "start" in self.words:
                sql = self._end(sql, table)
            if column.length and column.name != id_column:
                sql = f"substr({sql}, 1, {column.length})"
            if column.required and column.references_table == "concept":
                sql = f"coalesce({sql}, 0)"
            items.append(Item(sql, column.name))
        row_id = "ids.id" if id_column else given.get("person_id", "")
        referenced = table.name in REFERENCED_TABLES and not self.prefix
        known_by = KNOWN_BY if referenced and self.columns.spec.known_by else ""
        return Output(
            f"cdm.{table.name}", tuple(items), condition, row_hash, id_column, row_id, referenced, known_by, linked
        )

    def _end(self, sql: str, table: cdm.Table) -> str:
        """An end that must be there and is not known is the start (Themis, for drug exposures); it is counted."""
        start = self.words["start"]
        if sql != start and self.columns.spec.to == table.name:
            missing = f"{sql} IS NULL AND {start} IS NOT NULL"
            self.columns.imputations.append(Finding("end", "start", missing))
        return sql if sql == start else f"coalesce({sql}, {start})"

    def _default(self, table: cdm.Table, column: cdm.Field, given: dict[str, str]) -> str | None:
        if not column.required:
            return None
        words = {name: word for word, name in cdm.words(table.name).items()}
        word = words.get(column.name)
        if word == "end" and "start" in self.words:
            return self.words["start"]
        if column.references_table == "concept" and word not in ("concept", "type"):
            return "0"
        spec = self.columns.spec
        message = f"'{table.name}' needs '{word or column.name}'"
        hint = f"add the line '{word}:'" if word else f"add it under 'set:' as '{column.name}:'"
        at = spec.at(*self.steps, key=True) if self.steps else spec.at("to")
        self.columns.context.problems.add("OM330", message, at, hint)
        return None

    def _field(self, word: str, spec: FieldSpec, target: Target, *steps: str) -> None:
        if spec.comparator and word == "number":
            self._signed(spec, target, *steps)
        elif self.columns.add(spec, target, *self.steps, *steps) is None:
            return
        self.words[word] = quoted(target.name)

    def _signed(self, spec: FieldSpec, target: Target, *steps: str) -> None:
        found = self.columns.value_of(spec, *self.steps, *steps)
        if found is None:
            return
        text = as_text(found)
        self.columns.carry(f"{target.name}.said", text)
        said = quoted(f"{target.name}.said")
        number = f"o_num_comma(o_unsigned({said}))" if found.decimal == "," else f"o_num(o_unsigned({said}))"
        self.columns.typed.append(Item(number, target.name))
        lost = f"{said} IS NOT NULL AND {quoted(target.name)} IS NULL"
        self.columns.issues.append(Finding(target.name, "not a number", lost))
        if "operator" not in self.words and spec.value:
            # OMOP's operators are SNOMED concepts that are called by their sign.
            said_first = spec.value[0] if len(spec.value) == 1 else f"coalesce({', '.join(spec.value)})"
            sign = f"capture({said_first}, '^([<>]=?)')"
            way = ConceptSpec(value=(sign,), vocabulary=("SNOMED",), by="name", domain="Meas Value Operator")
            self.slot("operator", (way,))

    def _date(self, word: str, spec: FieldSpec, said: str, required: bool) -> None:
        default = "earliest" if word == "start" else "latest"
        default = "latest" if self.columns.spec.to == "death" else default
        if word == "end" and spec.not_before is None and "start" in self.words:
            spec = spec.model_copy(update={"not_before": self.name("start")})
        # An attribute without its date is left out by itself; the event it belongs to is not lost for it.
        target = Target(self.name(word), DATE, required and not self.prefix, partial=default)
        before = len(self.columns.typed)
        self.words[word] = quoted(target.name)
        found = self.columns.add(spec, target, *self.steps, said)
        if found is None:
            return
        raw = f"{target.name}.raw"
        if any(item.alias == raw for item in self.columns.typed[before:]):
            formats = date_formats(spec.dates or found.dates)
            joined = coalesced([f"o_datetime({quoted(raw)}, {literal(f)})" for f in formats])
            self.columns.typed.append(Item(joined, f"{target.name}.datetime"))
            self.words[f"{word}.datetime"] = quoted(f"{target.name}.datetime")

    def _stem(self, stem: str, ways: tuple[ConceptSpec, ...], tables: list[cdm.Table]) -> None:
        known = {f.name for table in tables for f in table.fields}
        column = f"{stem}_concept_id"
        if column not in known:
            stems = [name.removesuffix("_concept_id") for name in known if name.endswith("_concept_id")]
            at = self.columns.spec.at(*self.steps, "concepts", stem, key=True)
            message = f"there is no column '{column}' in {' or '.join(t.name for t in tables)}"
            self.columns.context.problems.add("OM332", message, at, did_you_mean(stem, stems))
            return
        self.slot(stem, ways, name=stem)
        self.filled[column] = quoted(self.name(stem))
        for suffix, name in (("source", "source_value"), ("source_concept", "source_concept_id")):
            if f"{stem}_{name}" in known and f"{stem}.{suffix}" in self.words:
                self.filled[f"{stem}_{name}"] = self.words[f"{stem}.{suffix}"]

    def _orderly(self) -> None:
        """An end before its start is left out of OMOP; where it was harmonised the recorded one stays."""
        start, end = self.words["start"], self.words["end"]
        early = early_time = f"{end} < {start}"
        if {"start.datetime", "end.datetime"} <= self.words.keys():
            early_time = f"({early} OR {self.words['end.datetime']} < {self.words['start.datetime']})"
        self.columns.issues.append(Finding(self.name("end"), "before the start", early_time))
        self.words["end"] = f"CASE WHEN {early} THEN NULL ELSE {end} END"
        if "end.datetime" in self.words:
            self.words["end.datetime"] = f"CASE WHEN {early_time} THEN NULL ELSE {self.words['end.datetime']} END"

    def _after_birth(self) -> None:
        """Nothing happens to a person before birth; of a year of birth alone the first day counts.

        A start in the year of birth is mostly a year that was filled in to its first day: it becomes the birthday.
        """
        self.joins.append('LEFT JOIN cdm.person AS born ON born.person_id = "person ref".id')
        year, month = "born.year_of_birth", "coalesce(born.month_of_birth, 1)"
        days = [f"o_ymd({year}, {month}, coalesce(born.day_of_birth, 1))", f"o_ymd({year}, {month}, 1)"]
        day = coalesced([*days, f"o_ymd({year}, 1, 1)"])
        said, start = self.words["start"], quoted("start.after_birth")
        same_year = f"{said} < {day} AND extract(year FROM {said}) = born.year_of_birth"
        self.items.append(Item(day, BORN))
        self.items.append(Item(f"CASE WHEN {same_year} THEN {day} ELSE {said} END", "start.after_birth"))
        self.items.append(Item(f"{said} < {day} AND NOT ({same_year})", "start.before_birth"))
        self.columns.rejects.append(Finding("start", "before birth", quoted("start.before_birth")))
        self.columns.issues.append(Finding("start", "moved to the day of birth", f"{start} <> {said}"))
        self.words["start"] = start
        if "start.datetime" in self.words:
            self.words["start.datetime"] = f"CASE WHEN {start} = {said} THEN {self.words['start.datetime']} END"

    def _check_source_length(self, word: str, tables: list[cdm.Table]) -> None:
        slot = self.name(word)
        length = _length(tables, f"{word}.source")
        spec = self.columns.spec
        if slot not in self.concepts.sourced or not length or (word == "concept" and getattr(spec, "source", None)):
            return
        self.columns.limit(f"{slot} source", f"{slot}.source", length, spec.too_long, spec.at(*self.steps, word))


def attribute_condition(attribute: Attribute, event: Event) -> str:
    """Return when an attribute has a row: when what it was looked up by, or its result, is filled."""
    filled = [
        sql
        for word, sql in event.words.items()
        if word in ("concept.source", "value", "text", "number") or (word == "concept" and not attribute.concept)
    ]
    return " OR ".join(f"{sql} IS NOT NULL" for sql in filled) or "TRUE"


def _length(tables: list[cdm.Table], word: str) -> int | None:
    lengths = []
    for table in tables:
        column = cdm.words(table.name).get(word)
        if column:
            lengths.append(table.field(column).length)
    known = [length for length in lengths if length]
    return min(known) if known else None
