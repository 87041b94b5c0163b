"""A map: rows of its inputs become rows of its target."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from omopify.specs.model import FileModel, FileName, Model, Text, Texts
from omopify.specs.packs import Accepted, FieldType
from omopify.specs.values import Concept, FieldSpec, Partial, TooLong


def _union(written: object) -> object:
    if isinstance(written, list) and all(isinstance(item, str) for item in written):
        return {item: {} for item in written}
    if isinstance(written, dict):
        return {name: renames or {} for name, renames in written.items()}
    return written


def _pairs(written: object) -> object:
    if isinstance(written, str):
        return {written: written}
    if isinstance(written, list) and all(isinstance(item, str) for item in written):
        return {item: item for item in written}
    return written


class Take(Model):
    """Which of several matching rows is taken."""

    order: Texts
    """Expressions with ``asc`` or ``desc``; the last must be ``_row``, so that a tie is decided by the file."""
    first: Literal[1] = 1


class Join(Model):
    """Another source beside the map's own rows; its columns are written ``name.COLUMN``."""

    source: str | None = Field(None, alias="from")
    """The source or table, when it is not called like the join."""
    on: Annotated[dict[str, Text], BeforeValidator(_pairs)]
    """The columns that must be equal: one name, a list, or ``this side: that side``."""
    where: str | None = None
    """Only these rows of the other source."""
    take: Take | None = None
    """Which one of several matching rows is taken."""
    many: bool = False
    """Several matching rows are meant: each gives a row of its own."""
    required: bool = False
    """A row without a match is rejected."""

    @model_validator(mode="after")
    def _one_cardinality(self) -> Join:
        if self.many and self.take:
            raise ValueError("'many' and 'take' contradict each other")
        return self


class Unpivot(Model):
    """Item columns become rows: one row for each column that the pattern names."""

    columns: str
    """A pattern with one range or list: ``C30_Q{item:1..30}`` or ``{item:HEIGHT,WEIGHT}_RES``."""
    value: str = "value"
    """The name under which the map's expressions find the cell."""
    code: str | None = None
    """The pattern of the code column beside it, ``{}`` being the column: found as ``<value>_code``."""


class Slots(Model):
    """Repeated groups of columns (drug 1, drug 2, ...) become rows, or one row when only one may be filled."""

    n: Texts
    """What stands for ``{n}`` in the patterns, in order."""
    columns: dict[str, str]
    """Name in the map: pattern of the column, such as ``AETRT{n}``."""
    on_conflict: Literal["reject", "empty", "first"] | None = None
    """Given when only one slot may be filled: what to do when several are."""

    @model_validator(mode="before")
    @classmethod
    def _patterns_inline(cls, written: Any) -> Any:
        if not isinstance(written, dict) or "columns" in written:
            return written
        own = {key: value for key, value in written.items() if key in ("n", "on_conflict")}
        return own | {"columns": {key: value for key, value in written.items() if key not in own}}


class Keep(Model):
    """Of the rows that agree in ``per`` only the first in this order are used; the others are counted."""

    per: Texts
    order: Texts
    """Expressions with ``asc`` or ``desc``; the last must be ``_row``, so that a tie is decided by the file."""
    first: int = Field(1, ge=1)
    agree: Texts = ()
    """Columns or expressions in which the other rows should agree with the kept one; if not, it is noted."""


class Group(Model):
    """Rows that agree in ``by`` become one row; ``set`` may then use min, max, count, sum and the like."""

    by: Texts


class Window(Model):
    """What ``lead``, ``lag``, ``first`` and ``row_number`` in ``set`` refer to."""

    per: Texts
    order: Texts


class Reference(Model):
    """A row of another table, named by its natural key."""

    key: Texts
    missing: Literal["reject", "empty"] | None = None
    """What to do when there is no such row; by default a person must exist and anything else may be missing."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, written: Any) -> Any:
        return {"key": written} if isinstance(written, (str, int, list)) else written


class RowReference(Model):
    """A row that another map writes, named by that map and its natural key."""

    map: str
    """The map that writes the row."""
    key: Texts
    missing: Literal["reject", "empty"] | None = None
    """What to do when there is no such row; by default it may be missing, except in tables that only link rows."""


class Events(Model):
    """The words that all event tables share; each table's own column names follow from them."""

    person: Reference | None = None
    visit: Reference | None = None
    provider: Reference | None = None
    care_site: Reference | None = None
    location: Reference | None = None
    cohort: Reference | None = None
    """For ``cohort``: a row of cohort_definition, named by its key."""
    concept: Concept | None = None
    source: FieldSpec | None = None
    """What the source said, when it is not the value that the concept was looked up by."""
    start: FieldSpec | None = None
    end: FieldSpec | None = None
    date: FieldSpec | None = None
    """The same as ``start``, for tables with one date."""
    type: Concept | None = None
    status: Concept | None = None
    value: Concept | None = None
    """The result as a concept."""
    text: FieldSpec | None = None
    """The result as text."""
    number: FieldSpec | None = None
    unit: Concept | None = None
    operator: Concept | None = None
    low: FieldSpec | None = None
    high: FieldSpec | None = None
    quantity: FieldSpec | None = None
    route: Concept | None = None
    qualifier: Concept | None = None
    concepts: dict[str, Concept] = Field(default_factory=dict)
    """Other concept columns by their stem: ``gender`` fills gender_concept_id and what belongs to it."""
    value_source: FieldSpec | None = None
    """The result as the source wrote it, when it is not the value that the result's concept was looked up by."""
    qualifier_source: FieldSpec | None = None


class Attribute(Events):
    """A row of its own (grade, outcome, ...) that is linked to the event it belongs to."""

    to: Literal["observation", "measurement"] = "observation"
    when: str | None = None
    """Only when this condition holds; without it, when the concept's or the result's value is filled."""


class Test(Model):
    """Rows given and rows expected: the map's meaning, in a form that is run."""

    name: str
    given: dict[str, list[dict[str, Text | None]]]
    expect: dict[str, Any]


class Review(Model):
    """Who has looked at the map, and what they decided."""

    status: Literal["draft", "reviewed", "approved"] = "draft"
    author: str = ""
    """Who wrote the map."""
    by: str = ""
    on: str = ""
    note: str = ""


class MapFile(FileModel, Events):
    """One map file."""

    map: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """The map's name: small letters, digits and _."""
    to: str
    """``dsp.<table>``, a table of the CDM, or ``by_domain``: the standard concept's domain decides."""
    otherwise: str = "observation"
    """For ``by_domain``: the table of rows whose concept is not known."""
    source_from: str | None = Field(None, alias="from")
    """The source (or ``dsp.<table>``) whose rows are mapped."""
    union: Annotated[dict[str, dict[str, Text]], BeforeValidator(_union)] = Field(default_factory=dict)
    """Several sources under one another, by column name; ``{source: {name: column}}`` renames."""
    join: dict[str, Join] = Field(default_factory=dict)
    split: dict[str, str] = Field(default_factory=dict)
    """Columns whose cells hold several values, and what separates them: each value gives a row."""
    unpivot: Unpivot | None = None
    slots: Slots | None = None
    versions: dict[str, Literal["reject", "empty", "first"]] = Field(default_factory=dict)
    """What to do when two revisions of one question are filled (default: empty, and noted)."""
    where: dict[str, str] = Field(default_factory=dict)
    """Named conditions; a row that fails one is not used and counted under that name."""
    keep: Keep | None = None
    group: Group | None = None
    window: Window | None = None
    sql: FileName | None = None
    """A file with one SELECT (a Jinja template): the way out when the language does not reach."""
    reads: Texts = ()
    """For ``sql``: the sources and tables it reads."""
    gives: dict[str, FieldType] = Field(default_factory=dict)
    """For ``sql``: the columns it gives and their types."""
    key: Texts = ()
    """The natural key, on input columns: ids are given by it, so it must not change between exports."""
    known_by: Texts = ()
    """Another key by which other maps name the row, when several of them are one: the subject, for a person."""
    event: RowReference | None = None
    """The row of another map that this row is about; an attribute is about the row of its own map."""
    parent: RowReference | None = None
    """For ``episode``: the episode that this one is part of."""
    episode: RowReference | None = None
    """For ``episode_event``: the episode that the event belongs to."""
    fact_1: RowReference | None = None
    """For ``fact_relationship``: the row that the relationship starts from."""
    fact_2: RowReference | None = None
    """For ``fact_relationship``: the row that it leads to."""
    set: dict[str, FieldSpec] = Field(default_factory=dict)
    attributes: dict[str, Attribute] = Field(default_factory=dict)
    on_unmapped: Literal["zero", "reject", "error"] = "zero"
    """Rows whose concept is not found: keep with concept 0 and count, reject, or fail the run."""
    too_long: TooLong = "error"
    partial: Partial | None = None
    """The partial-date rule of all date fields of this map that say nothing else."""
    tests: list[Test] = Field(default_factory=list)
    review: Review = Review()
    accept: Accepted = Field(default_factory=dict)
    """Warnings of ``omopify check`` about this map that are meant to be so: code and reason."""
    note: str = ""

    @model_validator(mode="after")
    def _one_input(self) -> MapFile:
        given = sum((self.source_from is not None, bool(self.union), self.sql is not None))
        if given != 1 or "" in (self.source_from, self.sql):
            raise ValueError("say where the rows come from: one of 'from', 'union' or 'sql'")
        return self
