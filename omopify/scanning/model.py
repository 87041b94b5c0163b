"""What a scan found, as plain data that can be kept, compared and shown: ``scan.json`` is a :class:`Scan` as it stands.

Nothing in it tells of few patients.  A value is named only if at least ``small_cell`` rows of as many subjects hold
it.  A count of rows from 1 to one below ``small_cell`` is None.  Where so few rows are *not* counted (all but two are
filled), the count is told as ``small_cell`` fewer than all, and the rows of values are lowered to fit: such counts are
the least that it can be.  The lowest and highest number are those of the ``small_cell``-th subject from either end,
rounded outwards.  Days, columns that may identify a person, and free text come without any value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 1
"""The version of ``scan.json``; it grows when a field changes its meaning or goes."""

Kind = Literal["empty", "whole number", "number", "date", "date and time", "time", "yes/no", "code list", "text"]
"""What the filled cells of a column look like; a column of few, often repeated texts or codes is a code list."""

Count = int | None
"""A number of rows or values; None stands for one from 1 to one below the scan's ``small_cell``."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a column, and in how many rows it stands."""

    value: str
    rows: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A code and the label that stands beside it, and in how many rows."""

    code: str
    label: str
    rows: Count
    """None: enough to be shown, but the exact number would tell of few rows that have another label or code."""


@dataclass(frozen=True, slots=True)
class DateFormat:
    """One way in which dates are written (``%Y-%m-%d``; unknown parts as written, in capitals: ``%Y-%m-NK``)."""

    format: str
    rows: Count
    precision: Literal["year", "month", "day", "minute", "second"]
    ambiguous: bool = False
    """Day and month cannot be told apart in any cell of this form."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How the numbers of a column are written, and where they lie."""

    decimal: Literal[".", ",", ""]
    """The decimal mark that was seen; empty where all are whole."""
    decimals: int
    """The most digits behind it."""
    comparators: Count
    """Cells such as ``<5``."""
    units: Count
    """Cells with a unit or another word behind the number."""
    low: float | None
    high: float | None
    """The ``small_cell``-th lowest and highest; None with too few numbers."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A column that is one of several alike: ``AETRT2`` is number ``2`` of ``AETRT{n}``."""

    pattern: str
    n: str


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Dirt of a real export: what kind it is, in how many rows, and a sentence that tells without a value."""

    code: str
    """Such as ``blank around``, ``mixed case``, ``mixed date formats``; scanning/attention.py lists them in order."""
    rows: Count
    """0 where rows are not what is counted: a file, a header."""
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """What one column of a form holds."""

    name: str
    label: str
    kind: Kind
    evidence: str
    """Why this kind, in words with counts: '412 of 420 filled cells are dates, written as yyyy-mm-dd'."""
    rows: Count
    filled: Count
    """Rows that hold something that is no word for 'missing'; 0 is told."""
    distinct: Count
    """Different filled cells.  Of identifiers and free text it is a count of persons; else it is told even if low."""
    shortest: int | None
    longest: int | None
    """Lengths of the filled cells, in characters; None with fewer than ``small_cell`` filled cells."""
    values: tuple[Value, ...] = ()
    """The most frequent values; none for identifiers and free text."""
    values_hidden: int = 0
    """Different values that are not shown because too few rows hold them, or because the list is long."""
    missing: tuple[Value, ...] = ()
    """Spellings that mean 'nothing here' (NA, NK, unknown ...)."""
    dates: tuple[DateFormat, ...] = ()
    numbers: Numbers | None = None
    code_of: str = ""
    """The label column that this column holds the codes of."""
    pairs: tuple[Pair, ...] = ()
    """For a column of codes: its labels."""
    version_of: str = ""
    """The question that this is a later revision of (``X__2`` of ``X``)."""
    slot: Slot | None = None
    identifier: str = ""
    """Why this may identify a person; empty if it does not."""
    free_text: str = ""
    """Why this is taken for free text; empty if it is not."""
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """Columns that tell the rows of a form apart."""

    columns: tuple[str, ...]
    duplicates: Count
    """Rows that another row has the same key as; 0 for a true key."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of the export: a file, or a worksheet of one."""

    name: str
    """What a source of it would be called: small letters, digits and _."""
    file: str
    """Below the data folder, with '/'."""
    sheet: str | None
    format: str
    delimiter: str | None
    encoding: str
    header_row: int
    """From 1; 0 for a format that keeps names apart from rows (SAS, Parquet)."""
    label_row: int | None
    rows: Count
    bytes: int
    sha256: str
    subject: str
    """The column that tells subjects apart; empty if none does."""
    subjects: Count
    columns: tuple[Column, ...]
    keys: tuple[Key, ...] = ()
    """Likely keys, the best first."""
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """Columns of one form whose values are found in another: how forms hang together."""

    form: str
    columns: tuple[str, ...]
    to_form: str
    to_columns: tuple[str, ...]
    found: float
    """The share of the different values of ``form`` that ``to_form`` has too, 0 to 1, rounded down; the least that it
    can be if fewer than ``small_cell`` are missing."""
    many: bool
    """Whether several rows of ``form`` belong to one of ``to_form``."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything that a scan found."""

    schema_version: int
    omopify: str
    folder: str
    """The name of the data folder, with that of its parent if it is called 'data', 'export' or the like."""
    small_cell: int
    forms: tuple[Form, ...]
    links: tuple[Link, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    """Of the export as a whole: files that could not be read, forms without a subject ..."""
