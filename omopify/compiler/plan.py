"""A plan: what will be done, as frozen data that templates print and engines run.

A map becomes one step table with one row for each of its input rows (several only where a value maps to
several concepts).  Each row carries its status, so that the accounting is a GROUP BY and not a second pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omopify.errors import Location


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a SELECT."""

    sql: str
    alias: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT; ``star`` puts ``<star>.*`` before the items."""

    items: tuple[Item, ...]
    source: str
    star: str = ""
    joins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cte:
    """One named step of the big query; several selects are stacked."""

    name: str
    note: str
    selects: tuple[Select, ...]
    materialized: bool = False
    """Computed once, because later steps read it twice."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that may be wrong with a row: in which field, why, and the condition that tells."""

    field: str
    reason: str
    condition: str


BITS = 60
"""How many findings one bigint column of a step table holds."""


def chunks(name: str, findings: Sequence[Finding]) -> list[tuple[str, Sequence[Finding]]]:
    """Share out findings over bit columns: ``_issues``, ``_issues_2``, ..."""
    parts = [findings[start : start + BITS] for start in range(0, len(findings), BITS)] or [findings]
    return [(name if number == 1 else f"{name}_{number}", part) for number, part in enumerate(parts, 1)]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Values of one column that are looked up in a concept file or in source vocabularies."""

    slot: str
    column: str
    file: str | None
    vocabularies: tuple[str, ...]
    by: str
    field: str
    """The slot without the number of the way: what the accounting calls it."""
    way: int
    at: Location
    domain: str | None = None
    """Only concepts of this domain are looked at."""
    domains: tuple[str, ...] = ()
    """The domains that fit the field; any if empty."""
    ignored: tuple[tuple[str, ...], ...] = ()
    """For each vocabulary: what its codes may be written without (``dots`` ...)."""

    @property
    def looked_in(self) -> str:
        """What the accounting calls the place where values are looked up."""
        return self.file or f"{', '.join(self.vocabularies)} by {self.by}"


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A field whose values may stay without a concept (or outside the value map)."""

    field: str
    value: str
    condition: str


@dataclass(frozen=True, slots=True)
class Output:
    """Rows that a map writes to one table; ``id_column`` is empty for a table without an own id."""

    table: str
    columns: tuple[Item, ...]
    condition: str = ""
    hash: str = ""
    id_column: str = ""
    row_id: str = ""
    referenced: bool = False
    known_by: str = ""
    """The column with the hash of the other key by which the rows are known."""
    linked: bool = False
    """Whether these rows are attributes of an event, which they point to."""
    part: str | None = None
    """The attribute of the map that the rows are."""

    @property
    def full_name(self) -> str:
        """How the accounting calls the table: as maps do, ``dsp.<table>`` or a table of the CDM."""
        return self.table.removeprefix("cdm.")

    @property
    def name(self) -> str:
        """The table without its schema."""
        return self.table.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Parent:
    """A table whose rows others point to, and the concepts by which they say which id that is."""

    table: str
    condition: str
    field_concept_id: int | None
    domain_concept_id: int | None


@dataclass(frozen=True, slots=True)
class RowLink:
    """A row of another map that a map names by its key."""

    map: str
    key_parts: int
    at: Location


@dataclass(frozen=True, slots=True)
class Assertion:
    """Something that must hold of the data, else the run fails: a query that counts what breaks it."""

    code: str
    message: str
    hint: str
    sql: str
    at: Location


@dataclass(frozen=True, slots=True)
class ConstantUse:
    """A concept id that a map names, with the name it gives it."""

    concept_id: int
    name: str
    at: Location
    field: str
    """The slot that it fills (``concept``, ``unit``, ``grade.concept``, a stem under ``concepts:``)."""
    domains: tuple[str, ...] = ()
    """The domains that fit the field; any if empty."""


@dataclass(frozen=True, slots=True)
class MapPlan:
    """Everything that one map does."""

    name: str
    at: Location
    reads: tuple[str, ...]
    before: tuple[Cte, ...]
    """Input, shape, filters and converted fields."""
    after: tuple[Cte, ...]
    """References, concepts and the status of each row."""
    lookups: tuple[Lookup, ...]
    rejects: tuple[Finding, ...]
    issues: tuple[Finding, ...]
    imputations: tuple[Finding, ...]
    unmapped: tuple[Unmapped, ...]
    outputs: tuple[Output, ...]
    parents: tuple[Parent, ...]
    assertions: tuple[Assertion, ...]
    constants: tuple[ConstantUse, ...]
    filters: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    """The source columns that are used: (source, column)."""
    kept: tuple[str, ...]
    """The columns of the step table."""
    key_parts: int
    reference_keys: tuple[tuple[str, int, Location], ...]
    """References to other tables: (table, number of key parts, where)."""
    links: tuple[RowLink, ...] = ()
    """Rows of other maps that this one points to."""
    named: bool = False
    """Whether other maps point to rows of this one, so that the list of its rows is kept."""
    known_by_parts: int = 0
    """How many parts the key has by which other maps may name the rows besides."""

    @property
    def references(self) -> tuple[str, ...]:
        """The tables whose rows the map names by key, each once."""
        return tuple(dict.fromkeys(table for table, _, _ in self.reference_keys))

    @property
    def writes(self) -> tuple[str, ...]:
        """The tables that the map fills, in order, each once."""
        return tuple(dict.fromkeys(output.table for output in self.outputs))


@dataclass(frozen=True, slots=True)
class ScopePlan:
    """The subjects that belong to the trial's data."""

    name: str
    source: str
    subject: str
    condition: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All maps of a project in the order in which they run, and the tables that they need."""

    scopes: tuple[ScopePlan, ...]
    maps: tuple[MapPlan, ...]

    @property
    def constants(self) -> tuple[ConstantUse, ...]:
        """Every concept id that a map names."""
        return tuple(use for plan in self.maps for use in plan.constants)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement of a plan, with what it is for."""

    map: str
    kind: str
    sql: str
    at: Location | None = None
    table: str = ""
    counted: int | None = None
    """Which number of the map's accounting says for how many rows there is something to do; None: it is always run."""
