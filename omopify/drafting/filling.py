"""Fills a drafted table: what each field is, also those that no column says but the form implies.

What is implied rather than found says so in its reason (``ASSUMED``), because a person has to look at it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from omopify.drafting import yamltext
from omopify.drafting.deciding import Chosen
from omopify.drafting.guessing import Guess
from omopify.drafting.spellings import Spelling
from omopify.scanning.model import Column, Form
from omopify.specs.packs import ModelField, TableFile

ONE_A_SUBJECT = (
    "adverse_event_summary", "age", "best_overall_response", "death", "disease_control", "evaluability", "subject",
    "treatment",
)  # fmt: skip
"""Tables with one row for each subject (and what the trial says at once)."""

_CONSTANTS = {
    ("subject", "birth_year_basis"): "date of birth",
    ("ecog", "date_basis"): "assessment",
    ("milestone", "milestone"): "consented",
}
_ASSUMED = {
    ("tumour_assessment", "criterion"): "recist",
    ("study_drug", "drug_number"): "1",
    ("adverse_event_relation", "drug_number"): "1",
    ("treatment_cycle", "drug_number"): "1",
}
NUMBERS = ("adverse_event_id", "medication_id", "history_id", "treatment_id")
"""Fields by which other tables name a row."""

_ABOUT_OTHERS = ("adverse_event_relation", "medication_adverse_event")
"""Tables that say something about rows of others."""


@dataclass(frozen=True, slots=True)
class Filled:
    """How a field is filled: an expression or a constant, with its values' list, and why."""

    expressions: tuple[str, ...] = ()
    constant: str = ""
    why: str = ""
    spelling: Spelling | None = None
    guess: Guess | None = None


@dataclass(frozen=True)
class Table:
    """A shared table as it is drafted from one form."""

    chosen: Chosen
    model: TableFile
    filled_by: str = ""
    """The form that fills the table already, where only one may."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """How other tables of the same form number their rows: what is said about an event names it in the same way."""

    @property
    def in_use(self) -> bool:
        """Say whether the map can be used as it is."""
        return not self.missing and not self.filled_by

    @property
    def form(self) -> Form:
        """The form that the rows come from."""
        return self.chosen.form

    @property
    def name(self) -> str:
        """The table's name."""
        return self.chosen.table

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """Return the numbers of a repeated group of columns, if what the table is about is one."""
        columns = [self.chosen.fields[core].column for core in self.chosen.cores]
        groups = [_numbers(self.form, column) for column in columns if column.slot]
        return groups[0] if groups and len(groups[0]) > 1 and all(column.slot for column in columns) else ()

    @cached_property
    def patterns(self) -> dict[str, str]:
        """Return the name in the map and the pattern of each repeated column that is used."""
        found: dict[str, str] = {}
        for name, guess in self.chosen.fields.items():
            column = guess.column
            if column.slot and self.slots and set(self.slots) <= set(_numbers(self.form, column)):
                found[self._free(f"{name}_n")] = column.slot.pattern
        return found

    def _free(self, name: str) -> str:
        taken = {column.name.casefold() for column in self.form.columns}
        while name in taken:
            name += "_"
        return name

    def reference(self, column: Column) -> str:
        """Return how an expression of this map names a column."""
        if column.slot:
            for name, pattern in self.patterns.items():
                if pattern == column.slot.pattern:
                    return name
        return yamltext.column(column.name)

    @cached_property
    def subject(self) -> str:
        """Return the expression for the subject."""
        return yamltext.column(self.form.subject)

    @cached_property
    def filled(self) -> dict[str, Filled]:
        """Return the fields that can be filled, in the order of the model."""
        found: dict[str, Filled] = {}
        for name, wanted in self.model.fields.items():
            one = self._found(name) or self._implied(name, wanted)
            if one:
                found[name] = one
        return found

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the fields that must be filled and that nothing was found for."""
        return tuple(name for name, wanted in self.model.fields.items() if wanted.required and name not in self.filled)

    def own_numbers(self) -> dict[str, str]:
        """Return the expressions by which this table numbers its rows."""
        return {name: self.filled[name].expressions[0] for name in NUMBERS if name in self.filled}

    def _found(self, name: str) -> Filled | None:
        guess = self.chosen.fields.get(name)
        reference = self.reference(guess.column) if guess else ""
        if not guess or not reference:
            return None
        expressions: tuple[str, ...] = (reference,)
        if name in NUMBERS and guess.column.kind in ("whole number", "number"):
            expressions = (f"text(number({reference}))",)
        code = self._code_beside(guess.column)
        spelling = guess.spelling if guess.spelling and guess.spelling.needed else None
        if spelling and code:
            expressions = (reference, f"number({yamltext.column(code.name)})")
            spelling = _with_codes(spelling, code, guess)
        return Filled(expressions, why=f"{guess.why} ({guess.score:.2f})", spelling=spelling, guess=guess)

    def _code_beside(self, column: Column) -> Column | None:
        """Return the column of codes beside a label, if the scan could pair the two."""
        if self.slots:
            return None
        beside = (other for other in self.form.columns if other.code_of == column.name and other.pairs)
        return next((other for other in beside if other.kind == "whole number"), None)

    def _implied(self, name: str, wanted: ModelField) -> Filled | None:
        if not self.subject:
            return None
        if name in ("subject_id", "person_key"):
            return Filled((self.subject,), why="the subject")
        base = self.chosen.fields.get(name.removesuffix("_recorded"))
        if name.endswith("_recorded") and base and wanted.type == "text":
            return Filled((self.reference(base.column),), why="the same as it was recorded")
        if name == "drug_number" and self.slots:
            return Filled(("slot",), why="the number in the columns' names")
        if (self.name, name) in _CONSTANTS and self._holds(name):
            return Filled(constant=_CONSTANTS[self.name, name], why="what the form is about")
        if not wanted.required:
            return None
        return self._required(name, wanted)

    def _holds(self, name: str) -> bool:
        return (name != "birth_year_basis" or "birth_date" in self.chosen.fields) and (
            name != "date_basis" or "date" in self.chosen.fields
        )

    def _required(self, name: str, wanted: ModelField) -> Filled | None:
        """Return what can stand for a field that must be filled."""
        if (self.name, name) in _ASSUMED:
            return Filled(constant=_ASSUMED[self.name, name], why="ASSUMED: no column says it")
        if name == "basis" and "recorded" in wanted.values:
            return Filled(constant="recorded", why="the trial gives it")
        if name == "rule":
            return Filled(constant="trial", why="the trial gives it")
        if name == "week":
            return Filled(("trial.disease_control_weeks",), why="the week of the protocol, in trial.yaml")
        if name == "birth_year":
            return self._birth_year()
        if name == "date_basis":
            date = self.filled_date("date")
            words = self.chosen.reader.said(date) if date else frozenset()
            basis = "diagnosis" if "tumour" in words and "cohort" not in words else "allocation"
            return Filled(constant=basis, why="ASSUMED: no column says what the date is of")
        if name in NUMBERS or name in ("assessment_id", "contact_id", "event_id"):
            return self._number(name)
        if wanted.type == "date":
            date = self.filled_date(name)
            return Filled((self.reference(date),), why="ASSUMED: the form's own date") if date else None
        return None

    def _birth_year(self) -> Filled | None:
        birth = self.chosen.fields.get("birth_date")
        if birth:
            return Filled((f"year({self.reference(birth.column)})",), why="the year is known even if the day is not")
        age = next(
            (c for c in self.form.columns if c.kind == "whole number" and "age" in self.chosen.reader.said(c)), None
        )
        day = self.filled_date("birth_year")
        if not age or not day:
            return None
        text = f"year({self.reference(day)}) - number({self.reference(age)})"
        return Filled((text,), why=f"ASSUMED: reckoned from the age on the day of '{day.name}'; may be wrong by one")

    def filled_date(self, name: str) -> Column | None:
        """Return the date column that can stand for a date: the field's own, else the form's own or only one."""
        own = self.chosen.fields.get(name)
        if own and own.column.kind in ("date", "date and time"):
            return own.column
        dates = [c for c in self.form.columns if c.kind in ("date", "date and time") and yamltext.column(c.name)]
        reader = self.chosen.reader
        general = [c for c in dates if reader.said(c) - reader.around <= {"date", "visit", "reported"}]
        entered = [c for c in dates if reader.said(c) & {"enter", "cohort"} or reader.said(c) >= {"treatment", "start"}]
        if name == "birth_year" or entered:
            return next(iter(entered), None)
        if len(general) == 1 or len(dates) == 1:
            return (general or dates)[0]
        return None

    def _number(self, name: str) -> Filled | None:
        """Make a name for a row that has no number of its own: of what it is about and its first date."""
        fields = self.chosen.fields
        if name in self.numbers:
            return Filled((self.numbers[name],), why="as in the map of what it is about")
        if name in NUMBERS and self.name in _ABOUT_OTHERS:
            return None
        if name == "assessment_id" and "event_id" in fields:
            return Filled((self.reference(fields["event_id"].column),), why="the visit")
        if name == "event_id":
            return None
        dates = [g.column for f, g in fields.items() if f in ("date", "start_date", "last_known_alive")]
        if not dates and name == "assessment_id":
            dates = [date for date in (self.filled_date("date"),) if date]
        day = f"coalesce(text(date({self.reference(dates[0])})), {self.reference(dates[0])})" if dates else ""
        if name == "assessment_id":
            return Filled((day,), why="the date, as no column numbers the assessments") if day else None
        cores = [self.reference(fields[core].column) for core in self.chosen.cores]
        texts = [core for core in cores if not day or core not in day]
        if name == "contact_id":
            day = day.removeprefix("coalesce(").removesuffix(")")
            parts = [part for part in (day, *texts) if part]
            return Filled(
                (f"coalesce({', '.join(parts)})" if len(parts) > 1 else parts[0],), why="its date, else its status"
            )
        named = [part for part in (*texts[:1], day) if part]
        text = f"concat({named[0]}, ' / ', {named[1]})" if len(named) > 1 else named[0]
        return Filled((text,), why="ASSUMED: no column numbers these rows")


def _numbers(form: Form, column: Column) -> tuple[str, ...]:
    """Return the numbers of the repeated group that a column belongs to, in order."""
    if not column.slot:
        return ()
    return tuple(
        c.slot.n for c in form.columns if c.slot and c.slot.pattern == column.slot.pattern and not c.version_of
    )


def _with_codes(spelling: Spelling, code: Column, guess: Guess) -> Spelling:
    """Add the codes of the labels that are placed, for rows in which the label is missing."""
    labels: Mapping[str, str] = {pair.code: pair.label for pair in code.pairs}
    added = {number: spelling.targets[label] for number, label in labels.items() if label in spelling.targets}
    return replace(spelling, targets={**spelling.targets, **{k: v for k, v in added.items() if k.isdigit()}})
