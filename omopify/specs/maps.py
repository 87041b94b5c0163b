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
    """How many rows are taken."""


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
    """What rows must agree in, such as the subject."""
    order: Texts
    """Expressions with ``asc`` or ``desc``; the last must be ``_row``, so that a tie is decided by the file."""
    first: int = Field(1, ge=1)
    """How many of them are used."""
    agree: Texts = ()
    """Columns or expressions in which the other rows should agree with the kept one; if not, it is noted."""


class Group(Model):
    """Rows that agree in ``by`` become one row; ``set`` may then use min, max, count, sum and the like."""

    by: Texts
    """The columns or expressions in which rows must agree."""


class Window(Model):
    """What ``lead``, ``lag``, ``first`` and ``row_number`` in ``set`` refer to."""

    per: Texts
    """What rows must agree in to belong together."""
    order: Texts
    """In which order they stand."""


class Reference(Model):
    """A row of another table, named by its natural key."""

    key: Texts
    """The columns or expressions that are the row's key."""
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
    """The columns or expressions that are the row's key."""
    missing: Literal["reject", "empty"] | None = None
    """What to do when there is no such row; by default it may be missing, except in tables that only link rows."""


class Events(Model):
    """The words that all event tables share; each table's own column names follow from them."""

    person: Reference | None = None
    """Whose row it is, by the key of the map of persons."""
    visit: Reference | None = None
    """The visit that it belongs to, by the key of the map of visits."""
    provider: Reference | None = None
    """Who did it, by the key of the map of providers."""
    care_site: Reference | None = None
    """Where it was done, by the key of the map of care sites."""
    location: Reference | None = None
    """Its address, by the key of the map of locations."""
    cohort: Reference | None = None
    """For ``cohort``: a row of cohort_definition, named by its key."""
    concept: Concept | None = None
    """What it is, as a concept."""
    source: FieldSpec | None = None
    """What the source said, when it is not the value that the concept was looked up by."""
    start: FieldSpec | None = None
    """When it began."""
    end: FieldSpec | None = None
    """When it ended."""
    date: FieldSpec | None = None
    """The same as ``start``, for tables with one date."""
    type: Concept | None = None
    """What the record is from, such as ``32809 Case Report Form``."""
    status: Concept | None = None
    """The concept of the status, such as that of a condition."""
    value: Concept | None = None
    """The result as a concept."""
    text: FieldSpec | None = None
    """The result as text."""
    number: FieldSpec | None = None
    """The result as a number."""
    unit: Concept | None = None
    """The unit of the number."""
    operator: Concept | None = None
    """The sign in front of the number (<, >=), as a concept."""
    low: FieldSpec | None = None
    """The lower limit of what is normal."""
    high: FieldSpec | None = None
    """The upper limit of what is normal."""
    quantity: FieldSpec | None = None
    """How much was given."""
    route: Concept | None = None
    """How a drug was given."""
    qualifier: Concept | None = None
    """What makes the concept more precise, as a concept."""
    concepts: dict[str, Concept] = Field(default_factory=dict)
    """Other concept columns by their stem: ``gender`` fills gender_concept_id and what belongs to it."""
    value_source: FieldSpec | None = None
    """The result as the source wrote it, when it is not the value that the result's concept was looked up by."""
    qualifier_source: FieldSpec | None = None
    """The qualifier as the source wrote it."""


class Attribute(Events):
    """A row of its own (grade, outcome, ...) that is linked to the event it belongs to."""

    to: Literal["observation", "measurement"] = "observation"
    """The table that the row is written to."""
    when: str | None = None
    """Only when this condition holds; without it, when the concept's or the result's value is filled."""


class Test(Model):
    """Rows given and rows expected: the map's meaning, in a form that is run."""

    name: str
    """What the test shows."""
    given: dict[str, list[dict[str, Text | None]]]
    """Rows of sources or ``dsp`` tables; columns that are not named are empty."""
    expect: dict[str, Any]
    """Rows of the tables that come of it, of which only the named columns count; ``none`` for no row."""


class Review(Model):
    """Who has looked at the map, and what they decided."""

    status: Literal["draft", "reviewed", "approved"] = "draft"
    """What its author says of it; it approves nothing, see ``omopify review``."""
    author: str = ""
    """Who wrote the map."""
    by: str = ""
    """Who looked at it."""
    on: str = ""
    """On which day."""
    note: str = ""
    """What else there is to say."""


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
    """Other sources beside the rows, each under a name."""
    split: dict[str, str] = Field(default_factory=dict)
    """Columns whose cells hold several values, and what separates them: each value gives a row."""
    unpivot: Unpivot | None = None
    """Columns that become rows."""
    slots: Slots | None = None
    """Repeated groups of columns that become rows."""
    versions: dict[str, Literal["reject", "empty", "first"]] = Field(default_factory=dict)
    """What to do when two revisions of one question are filled (default: empty, and noted)."""
    where: dict[str, str] = Field(default_factory=dict)
    """Named conditions; a row that fails one is not used and counted under that name."""
    keep: Keep | None = None
    """Of several rows that belong together, the one that counts."""
    group: Group | None = None
    """Rows that become one row."""
    window: Window | None = None
    """What ``lead``, ``lag`` and the like refer to."""
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
    """The fields of the target, by name."""
    attributes: dict[str, Attribute] = Field(default_factory=dict)
    """Rows that hang on this one, such as a grade, by name."""
    on_unmapped: Literal["zero", "reject", "error"] = "zero"
    """Rows whose concept is not found: keep with concept 0 and count, reject, or fail the run."""
    too_long: TooLong = "error"
    """A text longer than its column: left out and noted (error), or cut and counted (truncate)."""
    partial: Partial | None = None
    """The partial-date rule of all date fields of this map that say nothing else."""
    tests: list[Test] = Field(default_factory=list)
    """Rows given and rows expected."""
    review: Review = Review()
    """Who has looked at the map, in its author's words."""
    accept: Accepted = Field(default_factory=dict)
    """Warnings of ``omopify check`` about this map that are meant to be so: code and reason."""
    note: str = ""
    """What was assumed; it is shown to who approves the map, and part of what is approved."""

    @model_validator(mode="after")
    def _one_input(self) -> MapFile:
        given = sum((self.source_from is not None, bool(self.union), self.sql is not None))
        if given != 1 or "" in (self.source_from, self.sql):
            raise ValueError("say where the rows come from: one of 'from', 'union' or 'sql'")
        return self
