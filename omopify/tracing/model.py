"""What a trace found, as plain data: the command writes it as a tree or as JSON.

There is a value of the trial's data only where the user has asked for values; everything else says what, where and how.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal

from omopify.errors import Location

Fate = Literal["used", "filtered", "duplicate", "rejected", "read as a whole", "unexplained"]
"""What a map did with a row.  ``read as a whole``: a SELECT read it with all others of its table, and says of its
results only which row each is about.  ``unexplained`` would be a fault of omopify; tests hold that it never occurs."""


ALWAYS = "always this one"
"""What a way comes to that names a concept itself."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of the trial's data, with the column it stands in."""

    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the export, as a spreadsheet numbers it."""

    source: str
    file: str
    sheet: str | None
    row: int
    cells: tuple[Cell, ...] = ()
    """What stands in the columns that were read; only if values are shown."""


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept by its id and name; the name is empty if the result does not know it."""

    id: int | None
    """0: there is none.  None: one was found for what the row said, and is not told."""
    name: str = ""
    vocabulary: str = ""
    fixed: bool = False
    """Whether the map says it, whatever the row says."""


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways in which a concept was looked for, and what it came to."""

    number: int
    looked_in: str
    result: str
    """``found``, ``nothing found``, ``by decision none``, ``always this one``, ``not needed``, ``nothing to look up``,
    ``not recorded``, or why a row of a concept file did not count."""
    concept: Concept | None = None
    source: Concept | None = None
    """The concept of the term itself, from which 'Maps to' leads to ``concept``."""
    at: Location | None = None
    """The row of the concept file, or the line of the map."""
    review: str = ""
    """The state of that row, and who set it."""


@dataclass(frozen=True, slots=True)
class Field:
    """How one filled column of a row came to be."""

    name: str
    words: str
    written: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """The columns that it takes something from, as ``form.COLUMN``, with their labels behind."""
    at: Location | None = None
    notes: tuple[str, ...] = ()
    """What the run did to it: a date that was filled in, a value that was left out."""
    ways: tuple[Way, ...] = ()
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Another row that belongs to this one, and can be traced itself."""

    word: str
    table: str
    ids: tuple[int, ...] = ()
    many: int = 0
    """How many there are; ``ids`` may name only the first of them."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the result with what it was made of, down to the rows of the export."""

    table: str
    id: int
    concept: Concept | None = None
    map: str = ""
    at: Location | None = None
    part: str | None = None
    """The attribute of the map's event that the row is."""
    how: str = ""
    """What there is to say in one sentence, where no map wrote the row, or none alone."""
    note: str = ""
    fields: tuple[Field, ...] = ()
    rows: tuple[Row, ...] = ()
    places: tuple[Place, ...] = ()
    piece: str = ""
    """Which columns of the form's row it was, where one row has several (slots, items, pieces of a cell)."""
    more: int = 0
    """How many rows it was made of besides those that are named."""
    also: tuple[str, ...] = ()
    """What the map looks up elsewhere, or reads as a whole."""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """A value that was left out or changed, or a date that was filled in."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a map did with some rows: all that had the same fate for the same reason."""

    fate: Fate
    many: int
    reason: str = ""
    """The filter, or the field and what is wrong with it."""
    words: str = ""
    written: tuple[str, ...] = ()
    at: Location | None = None
    pieces: tuple[str, ...] = ()
    rows: tuple[Written, ...] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """What one map did with the rows that are followed."""

    map: str
    at: Location | None
    outcomes: tuple[Outcome, ...]
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """Rows of one table that a map wrote from the rows that are followed, and what became of them in turn."""

    table: str
    ids: tuple[int, ...]
    many: int
    part: str | None = None
    concepts: tuple[Concept, ...] = ()
    merged: int = 0
    """How many rows the one row was made of, if a map made one row of several."""
    seen: bool = False
    """Whether these rows were followed further above."""
    uses: tuple[Use, ...] = ()
    joined: tuple[str, ...] = ()
    """Maps that only look something up in these rows."""


@dataclass(frozen=True, slots=True)
class Forward:
    """A row of the export and all that became of it."""

    place: Place
    uses: tuple[Use, ...]
    joined: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    """Parts of ``scope:`` that are found in this form."""
    unread: str = ""
    """Why no map reads the form."""


def without_values(found: Any) -> Any:
    """Return a trace, or a part of one, without what the row said and what was found for it.

    A looked-up concept, and the line of a concept file, are as good as the term.  Whether one was found, where, and who
    approved it may be told.
    """
    if isinstance(found, tuple):
        return tuple(map(without_values, found))
    if isinstance(found, Location) or not is_dataclass(found) or isinstance(found, type):
        return found
    hidden = replace(found, **{part.name: without_values(getattr(found, part.name)) for part in fields(found)})
    match hidden:
        case Concept():
            return hidden if hidden.fixed or not hidden.id else Concept(None)
        case Way():
            return replace(hidden, source=None, at=None if hidden.review else hidden.at)
        case Field():
            return replace(hidden, value=None)
        case Place():
            return replace(hidden, cells=())
        case Written():
            return replace(hidden, concepts=tuple(dict.fromkeys(hidden.concepts)))
    return hidden


def plain(found: Any) -> Any:
    """Return a trace as plain data; places in files become ``{"file", "line", "column"}``."""
    if isinstance(found, Location):
        return {"file": found.path, "line": found.line, "column": found.column}
    if is_dataclass(found):
        return {field.name: plain(getattr(found, field.name)) for field in fields(found)}
    if isinstance(found, (tuple, list)):
        return [plain(one) for one in found]
    return found
