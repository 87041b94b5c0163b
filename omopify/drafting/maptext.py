"""Writes one drafted map as YAML that a steward can read: each line with its reason, what is not decided as remarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from omopify.compiler.fields import fold
from omopify.drafting import yamltext
from omopify.drafting.filling import NUMBERS, ONE_A_SUBJECT, Filled, Table
from omopify.drafting.guessing import LIKELY, Guess
from omopify.drafting.lexicon import Lexicon
from omopify.drafting.skeleton import Example
from omopify.scanning.model import Column
from omopify.specs.packs import ModelField

_WIDTH = 46
"""Where reasons begin, if the line before them is short enough."""

_NATURAL = {
    "tumour_assessment": ("criterion", "date"),
    "baseline_tumour_assessment": ("criterion",),
    "ecog": ("date",),
    "treatment_cycle": ("drug_number", "cycle_number"),
    "cohort_allocation": ("cohort_name",),
    "study_drug": ("cohort_name",),
    "follow_up": ("last_known_alive", "status"),
}
"""Fields that tell rows apart where no number and no key of the form does."""

_USUAL = 2
"""How many usual spellings of a value are named, where the scan may not tell what is there."""


@dataclass(frozen=True)
class MapText:
    """A drafted table on its way to a file."""

    table: Table
    trial: str
    name: str
    lexicon: Lexicon
    undecided: Mapping[str, Sequence[Guess]]
    """Columns of the form that no map uses, with what they may be."""
    example: Example
    lone: bool = True
    """Whether the form is about few things, so that a key of the form is one of the table."""

    def text(self) -> str:
        """Return the file's text."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from self._head()
        yield f"map: {self.name}"
        yield f"to: dsp.{self.table.name}"
        yield f"from: {self.table.form.name}"
        yield from self._slots()
        yield from self._where()
        yield from self._keep()
        yield f"key: [{', '.join(map(yamltext.expression, self.key()))}]"
        yield "set:"
        for name, wanted in self.table.model.fields.items():
            filled = self.table.filled.get(name)
            if filled:
                yield from self._field(name, filled, wanted)
            elif wanted.required:
                yield f"  # {name}: ???  # must be filled, and no column was found for it. {_of(wanted)}"
        yield from self._open_fields()
        if self.table.in_use:
            yield from self._tests()
        yield "review: {status: draft}"

    def _head(self) -> Iterator[str]:
        form = self.table.form
        file = f"{form.file} [{form.sheet}]" if form.sheet else form.file
        yield f"# DRAFT, proposed by omopify from {yamltext.remark(file)}: nobody has looked at it yet."
        yield "# Behind each line stands why it is proposed, and how sure that is (0 to 1). Mend what is wrong."
        if self.table.filled_by:
            yield "#"
            yield f"# NOT IN USE: the form {self.table.filled_by} fills dsp.{self.table.name} already."
            yield "# Take over there what is better here, by a join or a union; or swap the two files."
        elif self.table.missing:
            yield "#"
            yield f"# NOT IN USE: dsp.{self.table.name} cannot be filled without {_listed(self.table.missing)}."
            yield f"# Write these lines under 'set:', then move this file up one folder and call it '{self.name}.yaml'."
        assumed = [name for name, filled in self.table.filled.items() if filled.why.startswith("ASSUMED")]
        if assumed:
            yield f"# Assumed, look at these first: {_listed(assumed)}."
        if self.undecided:
            yield "#"
            yield f"# Columns of {form.name} that no map uses yet, with what they may be:"
            for column, found in self.undecided.items():
                yield f"#   {yamltext.remark(column)}: {_guesses(found)}"

    def _slots(self) -> Iterator[str]:
        if not self.table.patterns:
            return
        yield "slots:                                          # columns that are there several times become rows"
        yield f"  n: [{', '.join(yamltext.scalar(n) for n in self.table.slots)}]"
        for name, pattern in self.table.patterns.items():
            yield f"  {name}: {yamltext.scalar(pattern)}"

    def _where(self) -> Iterator[str]:
        if self.table.slots:
            return
        fields = self.table.chosen.fields
        found = [f"{self.table.reference(fields[core].column)} is not null" for core in self.table.chosen.cores]
        yield "where:                                          # rows without any of these are not used, and counted"
        yield f"  has_{self.table.name}: {yamltext.expression(' or '.join(found))}"

    def _keep(self) -> Iterator[str]:
        if self.table.name == "visit" and self.table.in_use:
            # Other maps find the visit by its name, so that two rows must not have the same one.
            date = self.table.filled["date"].expressions[0]
            yield "keep:                                           # one row for each visit; other dates are noted"
            yield f"  per: [{', '.join(map(yamltext.expression, self.key()))}]"
            yield f"  order: [{yamltext.expression(f'date({date})')}, _row]"
            yield f"  agree: [{yamltext.expression(f'date({date})')}]"
            return
        if not self._one_a_subject:
            return
        core = self.table.reference(self.table.chosen.fields[self.table.chosen.cores[0]].column)
        order = yamltext.scalar(f"{core} is null")
        yield "keep:                                           # one row for each subject; rows that differ are noted"
        yield f"  per: [{yamltext.expression(self.table.subject)}]"
        yield f"  order: [{order}, _row]"
        yield f"  agree: [{yamltext.expression(core)}]"

    @property
    def _one_a_subject(self) -> bool:
        unique = any(key.columns == (self.table.form.subject,) and key.duplicates == 0 for key in self.table.form.keys)
        return self.table.name in ONE_A_SUBJECT and not unique and not self.table.slots

    def key(self) -> list[str]:
        """Return the expressions that tell one row from another, such as will hold in the next export, too."""
        table, subject = self.table, self.table.subject
        if self._one_a_subject:
            return [subject]
        if table.name == "visit" and table.in_use:
            return [subject, *table.filled["event_id"].expressions]
        numbered = [name for name in NUMBERS if name in table.filled and table.model.fields[name].required]
        if numbered:
            # Other maps find the row by its number, so that two rows must not have the same one.
            return [subject, *(table.filled[name].expressions[0] for name in numbered)]
        fields = {name: guess.column for name, guess in table.chosen.fields.items()}
        found = self._scanned_key()
        if found is None and set(_NATURAL.get(table.name, ("",))) <= fields.keys():
            found = [fields[name] for name in _NATURAL[table.name]]
        if found is None:
            dates = [column for name, column in fields.items() if table.model.fields[name].type == "date"]
            found = [*(fields[core] for core in table.chosen.cores), *dates]
        unique = {column.name: column for column in found if not self._repeated(column)}
        return [subject, *(self._key_part(column) for column in unique.values())]

    def _scanned_key(self) -> list[Column] | None:
        """Return the best key that the scan found of things that do not change: numbers, visits and dates."""
        form, reader = self.table.form, self.table.chosen.reader
        columns = {column.name: column for column in form.columns}
        fields = {guess.column.name: name for name, guess in self.table.chosen.fields.items()}
        for key in form.keys:
            others = [columns[name] for name in key.columns if name in columns and name != form.subject]
            stable = all(
                bool(reader.said(column) & {"number", "visit", "cycle"})
                or self.table.model.fields[fields.get(column.name, "subject_id")].type in ("date", "integer")
                for column in others
            )
            if form.subject in key.columns and stable and (self.lone or {c.name for c in others} <= fields.keys()):
                return others
        return None

    def _repeated(self, column: Column) -> bool:
        return bool(column.slot and self.table.reference(column) in self.table.patterns)

    def _key_part(self, column: Column) -> str:
        reference = self.table.reference(column)
        if column.filled is not None and column.filled == column.rows:
            return f"number({reference})" if column.kind == "whole number" else reference
        if column.kind in ("date", "date and time"):
            return f"coalesce(text(date({reference})), {reference}, '')"
        return f"coalesce(fold({reference}), '')"

    def _field(self, name: str, filled: Filled, wanted: ModelField) -> Iterator[str]:
        why = yamltext.remark(filled.why)
        if filled.constant:
            yield _with(f"  {name}: {{constant: {yamltext.scalar(filled.constant)}}}", why)
            return
        texts = [yamltext.expression(text) for text in filled.expressions]
        value = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        if not filled.spelling or not (wanted.values or wanted.type == "boolean"):
            yield _with(f"  {name}: {value}", why)
            return
        values = list(self._values(filled, wanted))
        if not any(line.lstrip()[0] != "#" for line in values):
            yield _with(f"  {name}: {value}", why)
            if values:
                yield f"    # None of its values is placed yet: {name}: {{value: ..., map: {{...}}}}, with these"
            yield from values
            return
        yield f"  {name}:"
        yield _with(f"    value: {value}", why)
        yield "    map:"
        yield from values

    def _values(self, filled: Filled, wanted: ModelField) -> Iterator[str]:
        assert filled.spelling
        seen: set[str] = set()
        rows = filled.spelling.rows
        for value, target in filled.spelling.targets.items():
            if fold(value) not in seen:
                seen.add(fold(value))
                yield _with(f"      {yamltext.key(value)}: {yamltext.scalar(target)}", _rows(rows.get(value)))
        choices = _listed((*wanted.values[:8], "...") if len(wanted.values) > 8 else wanted.values) or "true, false"
        for value, number in filled.spelling.open.items():
            if fold(value) not in seen:
                yield _with(f"      # {yamltext.key(yamltext.remark(value))}: ???", f"{_rows(number)}; {choices}")
        hidden = filled.guess.column.values_hidden if filled.guess else 0
        usual = [pair for pair in self._usual(filled, wanted) if fold(pair[0]) not in seen] if hidden else []
        if hidden:
            more = "these spellings are usual:" if usual else "the run lists them"
            yield f"      # {hidden} more stand in too few rows for the scan to tell them; {more}"
        for value, target in usual:
            if fold(value) not in seen:
                seen.add(fold(value))
                yield f"      {yamltext.key(value)}: {yamltext.scalar(target)}"

    def _usual(self, filled: Filled, wanted: ModelField) -> Iterator[tuple[str, str]]:
        place = (filled.guess.table, filled.guess.field) if filled.guess else ("", "")
        known = self.lexicon.values.get(("*", "yes or no") if wanted.type == "boolean" else place, {})
        targets = wanted.values or ("true", "false")
        for target in targets:
            yield from ((spelling, target) for spelling in [s for s, t in known.items() if t == target][:_USUAL])
            if target not in ("true", "false") and wanted.type == "text":
                yield target, target

    def _open_fields(self) -> Iterator[str]:
        """Name the fields that nothing was found for, so that nobody has to look them up."""
        for name, wanted in self.table.model.fields.items():
            if name in self.table.filled or wanted.required:
                continue
            near = [
                g for found in self.undecided.values() for g in found if (g.table, g.field) == (self.table.name, name)
            ]
            best = max(near, key=lambda guess: guess.score, default=None)
            hint = f"'{yamltext.remark(best.column.name)}' ({best.score:.2f})? " if best else ""
            yield f"  # {name}: ???  # {hint}{_of(wanted)}".rstrip()

    def _tests(self) -> Iterator[str]:
        given, expected = self.example.row(self.table, self.key())
        if not given:
            return
        yield "tests:"
        yield "  - name: made-up values, as a beginning; put in rows that show what this form is really like"
        yield "    given:"
        yield from _row(yamltext.key(self.table.form.name), given)
        yield "    expect:"
        yield from _row(f"dsp.{self.table.name}", expected)


def _row(name: str, cells: Mapping[str, str]) -> Iterator[str]:
    yield f"      {name}:"
    for number, (column, cell) in enumerate(cells.items()):
        yield f"        {'- ' if not number else '  '}{yamltext.key(column)}: {yamltext.scalar(cell)}"


def _with(line: str, why: str) -> str:
    return f"{line:<{_WIDTH}}  # {why}" if why else line


def _of(wanted: ModelField) -> str:
    parts = [yamltext.remark(wanted.definition)]
    parts += [f"one of {_listed(wanted.values)}"] if wanted.values else [wanted.type] if wanted.type != "text" else []
    return "; ".join(part for part in parts if part)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)


def _rows(number: int | None) -> str:
    return f"{number} rows" if number else ""


def _guesses(found: Sequence[Guess]) -> str:
    best = [f"{g.table}.{g.field} ({g.score:.2f})" for g in found if not g.field.endswith("_id") or g.score >= LIKELY][
        :2
    ]
    if not best:
        return "no idea"
    return " or ".join(best)
