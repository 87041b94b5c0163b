"""Guesses which shared variable a column is, from its name, its label, the form around it and what it holds.

Every guess has a score from 0 to 1 and the reasons in words.  It is a proposal for a person, never a decision: what
is not likely enough stays undecided, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from omopify.drafting.lexicon import Lexicon, Meanings, Variable, fold
from omopify.drafting.precedents import Precedents
from omopify.drafting.spellings import Spelling, spelled
from omopify.scanning.model import Column, Form
from omopify.specs.packs import ModelField, TableFile

LIKELY = 0.6
"""From here on a column is used in a draft."""

POSSIBLE = 0.35
"""From here on a guess is worth to be named."""

_VAGUE = {
    "date": 0.35, "eval": 0.25, "text": 0.35, "name": 0.4, "number": 0.5, "code": 0.7, "treatment": 0.6, "drug": 0.7,
    "visit": 0.7, "study": 0.1, "subject": 0.3, "kind": 0.5, "main": 0.3, "reported": 0.4, "count": 0.5,
    "assessment": 0.5, "overall": 0.3, "questionnaire": 1.0,
}  # fmt: skip
"""Meanings that alone say little."""

_SHOWN = {"eval": "yes/no", "endoftreatment": "end of treatment", "icd": "ICD", "nontarget": "non-target"}

_SURE = 0.96
"""The most that words can say; a name by which CDASH or SDTM know the variable says a little more."""

_DATES = ("date", "date and time")


@dataclass(frozen=True, slots=True)
class Guess:
    """One variable that a column may be, and why."""

    column: Column
    table: str
    field: str
    score: float
    why: str
    spelling: Spelling | None = None
    """What its values become, if the variable has a value set and they are told."""


@dataclass(frozen=True)
class Reader:
    """One form, read for what its words mean."""

    form: Form
    lexicon: Lexicon
    precedents: Precedents
    _said: dict[str, Meanings] = field(default_factory=dict)
    _abouts: dict[str, float] = field(default_factory=dict)

    def said(self, column: Column) -> Meanings:
        """Return what a column's name and label mean, and that it holds dates if it does."""
        if column.name not in self._said:
            words = self.lexicon.meanings(column.name) | self.lexicon.meanings(column.label)
            if column.kind in _DATES:
                words |= {"date"}
            self._said[column.name] = words
        return self._said[column.name]

    @cached_property
    def title(self) -> Meanings:
        """Return what the form's name and its file's name mean."""
        return self.lexicon.meanings(self.form.name) | self.lexicon.meanings(self.form.sheet or "")

    @cached_property
    def around(self) -> Meanings:
        """Return what most columns of the form say, such as the form's own prefix, and what its title says."""
        told = [self.said(column) - {"date"} for column in self.form.columns]
        all_words = frozenset().union(*told)
        common = {word for word in all_words if sum(word in said for said in told) > len(told) / 2}
        return self.title | common

    def about(self, table: str) -> float:
        """Say how far the form is about a table, from 0 to 1."""
        if table not in self._abouts:
            self._abouts[table] = self._about(table)
        return self._abouts[table]

    def _about(self, table: str) -> float:
        if self.lexicon.is_about(self.around, table):
            return 1.0
        columns = self.form.columns
        share = sum(self.lexicon.is_about(self.said(column), table) for column in columns) / max(len(columns), 1)
        if share >= 0.25:
            return 0.75 if self._has_topic else 0.9
        return 0.45 if self._has_topic else 0.7

    @cached_property
    def _has_topic(self) -> bool:
        return any(self.lexicon.is_about(self.around, table) for table in self.lexicon.tables)


def guesses(reader: Reader, tables: Mapping[str, TableFile]) -> list[Guess]:
    """Return all guesses that are worth naming for the columns of a form, the most likely first."""
    found = []
    for table in reader.lexicon.tables:
        if table not in tables:
            continue
        for variable in reader.lexicon.of(table):
            wanted = tables[table].fields.get(variable.field)
            for column in reader.form.columns if wanted else ():
                guess = (
                    _guess(reader, column, variable, wanted)
                    if wanted and _open(reader.form, column, variable, wanted)
                    else None
                )
                if guess and guess.score >= POSSIBLE:
                    found.append(guess)
    return sorted(found, key=lambda guess: -guess.score)


def _open(form: Form, column: Column, variable: Variable, wanted: ModelField) -> bool:
    """Say whether a column may be this variable at all.

    Not if it is empty, the subject itself, a revision of another column (which the other one stands for), another one
    of a repeated group (the first stands for all), or a code whose label is there and no code is wanted.
    """
    if column.kind == "empty" or column.name == form.subject or column.version_of:
        return False
    if column.slot and any(
        other.slot and other.slot.pattern == column.slot.pattern and other.kind != "empty"
        for other in _before(form, column)
    ):
        return False
    return not column.code_of or wanted.type in ("integer", "number") or variable.field.endswith("_code")


def _before(form: Form, column: Column) -> Sequence[Column]:
    return form.columns[: form.columns.index(column)]


def _guess(reader: Reader, column: Column, variable: Variable, wanted: ModelField) -> Guess | None:
    named, why = _by_name(reader, column, variable, wanted)
    kind = _by_kind(column, wanted, variable)
    spelling = spelled(column, variable, wanted, reader.lexicon) if wanted.values or wanted.type == "boolean" else None
    topic = _by_topic(reader, column, variable.table)
    score = named * kind * topic
    reasons = [why] if why else []
    if spelling and wanted.values and wanted.type == "text":
        known = spelling.known
        several = len(set(spelling.targets.values())) > 1
        if known >= 0.6 and named >= (0.3 if several else 0.45):
            score = max(score, (0.45 + 0.5 * known) * topic)
            reasons.append(f"{len(spelling.targets)} of its values fit")
        elif spelling.told and known < 0.2:
            score *= 0.7
    elif spelling and wanted.values and spelling.told and spelling.known < 0.2:
        score *= 0.5
    if variable.role == "id":
        score *= _as_number(reader.form, column)
    known_name, example = reader.precedents.like(column, variable.table, variable.field)
    if known_name * kind * topic > score and (variable.role != "id" or not score):
        score = known_name * kind * topic * (_as_number(reader.form, column) if variable.role == "id" else 1)
        reasons.append(example)
    if not score:
        return None
    if column.kind in _DATES and wanted.type == "date":
        reasons.append("it holds dates")
    return Guess(column, variable.table, variable.field, round(min(score, 0.99), 2), "; ".join(reasons), spelling)


def _as_number(form: Form, column: Column) -> float:
    """Say how well a column numbers the rows of a subject: best if the scan found the two to be a key."""
    keys = [set(key.columns) for key in form.keys if form.subject in key.columns]
    return 1.0 if not keys or {form.subject, column.name} in keys else 0.75


def _by_name(reader: Reader, column: Column, variable: Variable, wanted: ModelField) -> tuple[float, str]:
    """Compare what the name and the label say with the phrases for the variable."""
    plain = column.name.casefold()
    if _bare(plain) in variable.names or plain in variable.names:
        return 0.97, f"'{column.name}' is its usual name"
    # That a number is a code, or a yes/no one, is what its field is: it says nothing else.
    said = reader.said(column) - {"integer": {"code"}, "boolean": {"eval"}}.get(wanted.type, set())
    best, phrase = 0.0, ""
    topic = reader.lexicon.topic(variable.table)
    for words in variable.phrases:
        score = _similar(said | (reader.said(column) & frozenset(words)), frozenset(words), reader.around, topic)
        if score > best:
            best, phrase = score, " ".join(_SHOWN.get(word, word) for word in words if word in reader.said(column))
    if not best:
        return 0.0, ""
    labelled = column.label and fold(column.label) != fold(column.name)
    return best, f"{'its name and label say' if labelled else 'its name says'} '{phrase}'"


def _bare(name: str) -> str:
    """Return a name without the number of a repeated group and without the mark of a code column."""
    return re.sub(r"\d*(?:cd)?$", "", name)


def _similar(said: Meanings, wanted: Meanings, around: Meanings, topic: Meanings) -> float:
    own = said & wanted
    if not own or own == {"eval"}:
        return 0.0
    total = _weight(wanted)
    cover = (_weight(own) + 0.8 * _weight((wanted & around) - own)) / total
    foreign = said - wanted - topic
    extra = _weight(foreign - around) + 0.25 * _weight((said - wanted) & topic - around)
    clear = min(1.0, 0.6 + 0.4 * _weight(own | (wanted & around)))
    return min(cover * clear / (1 + 0.45 * extra), _SURE)


def _weight(words: Meanings) -> float:
    return sum(_VAGUE.get(word, 1.0) for word in words)


def _by_topic(reader: Reader, column: Column, table: str) -> float:
    own = reader.lexicon.is_about(reader.said(column), table)
    about = reader.about(table)
    return max(about, 0.8) if own else about


_KINDS: dict[str, Mapping[str, float]] = {
    "date": {"date": 1.0, "date and time": 1.0},
    "datetime": {"date": 1.0, "date and time": 1.0},
    "integer": {"whole number": 1.0, "yes/no": 0.9, "code list": 0.9, "number": 0.6, "text": 0.4},
    "number": {"number": 1.0, "whole number": 1.0, "code list": 0.6, "text": 0.5, "yes/no": 0.5},
    "boolean": {"yes/no": 1.0, "code list": 0.8, "whole number": 0.4},
    "text": {
        "text": 1.0, "code list": 1.0, "whole number": 0.8, "number": 0.5, "yes/no": 0.4, "date": 0.15,
        "date and time": 0.1, "time": 0.1,
    },
}  # fmt: skip


def _by_kind(column: Column, wanted: ModelField, variable: Variable) -> float:
    fit = _KINDS[wanted.type].get(column.kind, 0.1)
    if variable.role == "id":
        fit = 1.0 if column.kind in ("whole number", "number", "text", "code list", "yes/no") else 0.2
    if column.identifier and variable.role != "id" and variable.field not in ("birth_date", "birth_year", "site"):
        fit *= 0.3
    return fit


def best_per_column(found: Sequence[Guess]) -> dict[str, list[Guess]]:
    """Return the guesses of each column, the best first."""
    columns: dict[str, list[Guess]] = {}
    for guess in found:
        columns.setdefault(guess.column.name, []).append(guess)
    return columns
