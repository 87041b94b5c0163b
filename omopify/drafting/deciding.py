"""Decides which shared tables a form becomes, and which column fills which field of them.

A table is drafted only where a column was found for one of the things that it is about (its *core* fields): a start
and an end are everywhere, a CTCAE grade is not.  A column is the core of one table at most; else every form with dates
would become half of the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from omopify.drafting.guessing import LIKELY, Guess, Reader, best_per_column, guesses
from omopify.drafting.lexicon import Lexicon
from omopify.drafting.precedents import Precedents
from omopify.scanning.model import Form, Scan
from omopify.specs.packs import TableFile

_BETTER_ELSEWHERE = 0.15
"""How much more likely another table of the same form must be for a column not to be used in this one."""

_ABOUT = 0.7
"""How far a form must be about a table whose core columns do not name it themselves."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A table that a form becomes, and the columns for its fields."""

    reader: Reader
    table: str
    fields: Mapping[str, Guess]
    cores: tuple[str, ...]
    """The core fields that were found, the likeliest first."""

    @property
    def form(self) -> Form:
        """The form that the rows come from."""
        return self.reader.form

    @property
    def strength(self) -> float:
        """Say how much of the table the form has."""
        return sum(guess.score for guess in self.fields.values())


@dataclass(frozen=True, slots=True)
class Decided:
    """What a form becomes, and what is left of it."""

    reader: Reader
    tables: tuple[Chosen, ...]
    guesses: Mapping[str, Sequence[Guess]]
    """All guesses worth naming, by column."""

    @property
    def form(self) -> Form:
        """The form."""
        return self.reader.form


def decide(
    scan: Scan, lexicon: Lexicon, tables: Mapping[str, TableFile], precedents: Precedents
) -> tuple[Decided, ...]:
    """Decide for every form of an export, in its order."""
    found = [_form(Reader(form, lexicon, precedents), tables) for form in scan.forms]
    return _visits_from_one(found)


def _form(reader: Reader, tables: Mapping[str, TableFile]) -> Decided:
    found = guesses(reader, tables)
    every = best_per_column(found)
    likely = [guess for guess in found if guess.score >= LIKELY]
    tentative = {table: _assigned(guess for guess in likely if guess.table == table) for table in tables}
    cores = _cores(reader, likely, tentative)
    if not reader.form.subject:
        return Decided(reader, (), every)
    chosen = []
    for table, fields in tentative.items():
        kept = tuple(name for name in fields if (table, name) in cores)
        if not kept:
            continue
        mine = {
            name: guess
            for name, guess in fields.items()
            if name in kept or _fits_best(guess, every[guess.column.name], {t for t, _ in cores})
        }
        chosen.append(Chosen(reader, table, mine, kept))
    return Decided(reader, tuple(sorted(chosen, key=lambda one: -one.strength)), every)


def _assigned(found: Iterable[Guess]) -> dict[str, Guess]:
    """Give each field one column and each column one field, the likeliest pairs first."""
    fields: dict[str, Guess] = {}
    taken: set[str] = set()
    likely = tuple(found)
    for guess in likely:
        if guess.field not in fields and guess.column.name not in taken:
            fields[guess.field] = guess
            taken.add(guess.column.name)
    return _with_visit_id(fields, likely)


def _with_visit_id(fields: dict[str, Guess], found: Sequence[Guess]) -> dict[str, Guess]:
    """Take the name of a visit for its id where nothing else is one: a visit needs an id, and can do without a name."""
    name = fields.get("event_name")
    if not name or "event_id" in fields:
        return fields
    ids = (guess for guess in found if guess.field == "event_id" and guess.column.name == name.column.name)
    as_id = next(ids, None)
    return {**{f: g for f, g in fields.items() if f != "event_name"}, "event_id": as_id} if as_id else fields


def _cores(
    reader: Reader, likely: Sequence[Guess], tentative: Mapping[str, Mapping[str, Guess]]
) -> set[tuple[str, str]]:
    """Return the (table, field) that a table may be drafted for: each column stands for one at most."""
    lexicon = reader.lexicon
    roles = {(v.table, v.field): v.role for table in lexicon.tables for v in lexicon.of(table)}
    strength = {table: sum(g.score for g in fields.values()) for table, fields in tentative.items()}
    best: dict[str, tuple[tuple[float, float, float], Guess]] = {}
    for guess in likely:
        if tentative[guess.table].get(guess.field) is not guess or roles[guess.table, guess.field] in ("copy", "id"):
            continue
        named = lexicon.is_about(reader.said(guess.column), guess.table)
        if reader.about(guess.table) < _ABOUT and not named:
            continue
        rank = (round(guess.score, 1), reader.about(guess.table), strength[guess.table])
        if guess.column.name not in best or rank > best[guess.column.name][0]:
            best[guess.column.name] = (rank, guess)
    places = {(guess.table, guess.field) for _, guess in best.values()}
    return {place for place in places if roles[place] == "core"}


def _fits_best(guess: Guess, others: Sequence[Guess], drafted: set[str]) -> bool:
    best = max((other.score for other in others if other.table != guess.table and other.table in drafted), default=0.0)
    return best - guess.score < _BETTER_ELSEWHERE


def _visits_from_one(found: Sequence[Decided]) -> tuple[Decided, ...]:
    """Leave the table of visits to the form that tells of most: else every form with a visit's date would fill it."""
    with_visits = [
        (one.form.rows or 0, number)
        for number, one in enumerate(found)
        for chosen in one.tables
        if chosen.table == "visit" and "event_id" in chosen.fields
    ]
    keeper = max(with_visits, default=(0, -1))[1]
    return tuple(
        one
        if number == keeper
        else Decided(one.reader, tuple(chosen for chosen in one.tables if chosen.table != "visit"), one.guesses)
        for number, one in enumerate(found)
    )
