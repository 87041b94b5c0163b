"""The document about a mapping, as plain data: what pages, Markdown and other programs are made from.

Nothing in it is from patients but counts, and those that are small are texts such as ``<5``.  Values come from maps,
value lists, concept files and the maps' tests, which people wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from omopify.describing.origins import Origin
from omopify.describing.wording import Part

SCHEMA_VERSION = 1
"""The version of the document's JSON; it grows when a field changes its meaning or goes."""

Count = int | str | None
"""A number of rows or cells: a text such as ``<5`` or ``≥5`` where it is masked, None where nobody has counted."""

Decision = Literal["used", "identifier", "ignored", "undecided"]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that the trial has fixed, with its name and its values."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """Who has looked at a part of the mapping."""

    part: str
    """``trial``, ``map:<name>`` or ``concepts:<pack>/<path>``."""
    file: str
    status: str
    author: str
    reviewer: str
    date: str
    note: str
    shared: bool
    """Whether it came with omopify for all trials, so that nobody of this trial has written it."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of a form and what becomes of it."""

    name: str
    label: str
    decision: Decision
    reason: str
    """Why it is ignored."""
    maps: tuple[str, ...]
    filled: Count
    rows: Count


@dataclass(frozen=True, slots=True)
class Source:
    """A form of the export: how it is found and read, and its columns."""

    name: str
    files: tuple[str, ...]
    reading: tuple[str, ...]
    """How it is read, in sentences."""
    optional: bool
    rows: Count
    columns: tuple[SourceColumn, ...]
    maps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One word of a value map, what it becomes, and how many cells of the export hold it."""

    value: str
    becomes: str | None
    note: str
    cells: Count


@dataclass(frozen=True, slots=True)
class Answers:
    """A value map with the cells that hold its words; ``other`` are cells with a word that it does not know."""

    file: str
    rows: tuple[Answer, ...]
    otherwise: str | None
    other: Count


@dataclass(frozen=True, slots=True)
class Rule:
    """One part of a map as the document shows it."""

    anchor: str
    part: Part
    type: str
    required: bool
    values: tuple[str, ...]
    unit: str
    definition: str
    answers: Answers | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a test: of a form, a table or a list of the accounting; None where no row is expected."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...] | None


@dataclass(frozen=True, slots=True)
class Example:
    """A given/expect test of a map."""

    name: str
    given: tuple[Rows, ...]
    expect: tuple[Rows, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """One map."""

    anchor: str
    name: str
    pack: str
    file: str
    to: str
    reads: tuple[str, ...]
    """Forms and harmonised tables that it reads, those first that its rows come from."""
    writes: tuple[str, ...]
    clauses: tuple[Rule, ...]
    """Which rows it takes, and what it does to them."""
    fields: tuple[Rule, ...]
    attributes: tuple[tuple[str, tuple[Rule, ...]], ...]
    """Rows of their own that point to the event: the name, and what fills them (its first rule says when)."""
    note: str
    examples: tuple[Example, ...]
    state: State | None
    sql: str
    """The query that makes its rows, as it runs."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A map that fills a column, with the place in the document that says how."""

    map: str
    anchor: str
    words: str
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a target table and what fills it."""

    name: str
    type: str
    required: bool
    values: tuple[str, ...]
    unit: str
    definition: str
    filled: tuple[Filled, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that maps fill: a harmonised one, or one of OMOP."""

    anchor: str
    name: str
    definition: str
    source: str
    transfer: tuple[str, ...]
    maps: tuple[str, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """A row of a concept file."""

    term: str
    concept_id: int
    concept_name: str
    status: str
    equivalence: str
    comment: str
    own: bool
    """Whether it is from the project's own file, which comes before the pack's."""


@dataclass(frozen=True, slots=True)
class ConceptFile:
    """A concept file: how many terms are in which state, and which maps look values up in it."""

    anchor: str
    name: str
    file: str
    own: str
    """The project's own file for the same look-up; empty if it has none."""
    statuses: tuple[tuple[str, int], ...]
    maps: tuple[str, ...]
    terms: tuple[Term, ...]
    """Its rows; none if there are too many for a page."""
    state: State | None


@dataclass(frozen=True, slots=True)
class Link:
    """That something becomes something: a form a harmonised table, or that a table of OMOP."""

    from_stage: Literal["form", "harmonised"]
    from_name: str
    to_stage: Literal["harmonised", "omop"]
    to_name: str
    maps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The result that the counts are from."""

    at: str
    small_cell: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """The whole mapping of a trial."""

    schema_version: int
    omopify: str
    fingerprint: str
    """Tells one version of the mapping from another; it is printed on what is signed."""
    approved: bool
    trial: str
    pack: str
    """The pack of the trial's own maps; those of other packs are shared."""
    name: str
    facts: tuple[Fact, ...]
    edc: str
    model: str
    model_version: str
    scope: tuple[str, ...]
    """Who belongs to the data, in sentences."""
    eras: tuple[str, ...]
    result: Result | None
    sources: tuple[Source, ...]
    harmonised: tuple[Table, ...]
    omop: tuple[Table, ...]
    maps: tuple[Map, ...]
    concept_files: tuple[ConceptFile, ...]
    states: tuple[State, ...]
    flow: tuple[Link, ...]
