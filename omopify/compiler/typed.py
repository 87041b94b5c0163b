"""A piece of SQL with its type, and how a value of one type is read as another."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_PLAIN = re.compile(r"^[a-z_][a-z0-9_]*$")
_RESERVED = frozenset(
    """
    all and any as asc at both by case cast check column constraint create cross cube current date day default desc
    describe distinct do else end except exists false filter first float for foreign from full function glob grant
    group grouping having hour if in initially inner int integer intersect interval into is isnull join key last
    lateral leading left like limit lead lag map month minute natural no not notnull null nulls offset on only or order
    outer over overlaps partition pivot placing position primary qualify range real references returning right row
    rows rollup second select semi set sets show similar some summarize symmetric table tablesample text then time
    timestamp to trailing true union unique unnest unpivot user using value values varchar variadic when where window
    with within without year zone
    """.split()
)

TEXT, INTEGER, NUMBER, DATE, DATETIME, BOOLEAN = "text", "integer", "number", "date", "datetime", "boolean"
NULL = "null"
NUMERIC = (INTEGER, NUMBER)

SQL_TYPES = {
    TEXT: "varchar",
    INTEGER: "integer",
    NUMBER: "double precision",
    DATE: "date",
    DATETIME: "timestamp",
    BOOLEAN: "boolean",
}
"""How the types of the language are called in SQL."""


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression in SQL with its type; ``dates`` and ``decimal`` (none for a date) say how its text is read."""

    sql: str
    type: str
    dates: tuple[str, ...] = ()
    decimal: str = "."


ISO = "%Y-%m-%d"


def date_formats(written: tuple[str, ...]) -> tuple[str, ...]:
    """Return date formats with the word ``iso`` written out; without any, dates are ISO 8601."""
    return tuple(ISO if text == "iso" else text for text in written) or (ISO,)


DIFFERENT_FORMATS = "these columns write dates or numbers in ways that cannot be told apart"
DIFFERENT_FORMATS_HINT = "read each by itself: date(A) or number(A), or give each source a map of its own"


def alike(values: list[Typed]) -> Typed | None:
    """Return what several values have in common, to be read as one; None if their formats contradict each other.

    Day before month in one source and month before day in another would make wrong dates in silence; so would
    a decimal point in one and a decimal comma in another.
    """
    main = next((value for value in values if value.type != NULL), values[0])
    said = [value for value in values if value.type == TEXT and value.dates]
    dates = tuple(dict.fromkeys(text for value in said for text in date_formats(value.dates)))
    if len({value.decimal for value in said if value.decimal}) > 1:
        return None
    if any(text.startswith("%d") and "%m" in text for text in dates) and any(text.startswith("%m") for text in dates):
        return None
    return replace(main, dates=dates or main.dates)


def literal(text: str) -> str:
    """Return text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return a name as an SQL identifier, in quotes only where SQL needs them."""
    return name if _PLAIN.match(name) and name not in _RESERVED else '"' + name.replace('"', '""') + '"'


def read_number(value: Typed) -> str:
    """Return SQL that reads a value as a number, NULL when it is none."""
    if value.type in NUMERIC:
        return value.sql
    return f"o_num_comma({value.sql})" if value.decimal == "," else f"o_num({value.sql})"


def read_date(value: Typed, formats: tuple[str, ...]) -> str:
    """Return SQL that reads a value as a full date in one of the formats, NULL when it is none."""
    if value.type in (DATE, DATETIME):
        return value.sql if value.type == DATE else f"CAST({value.sql} AS date)"
    return coalesced([f"o_date({value.sql}, {literal(f)})" for f in date_formats(formats)])


def read_part(value: Typed, part: str) -> str:
    """Return SQL for the ``year`` or ``month`` of a date, also of a partial one that has it (``1961-05``)."""
    if value.type in (DATE, DATETIME):
        return f"CAST(extract({part} FROM {value.sql}) AS integer)"
    return coalesced([f"o_{part}({value.sql}, {literal(f)})" for f in date_formats(value.dates)])


def as_text(value: Typed) -> Typed:
    """Return a value as text, whole numbers without a decimal point."""
    if value.type in (TEXT, NULL):
        return value
    sql = f"o_plain({value.sql})" if value.type == NUMBER else f"CAST({value.sql} AS varchar)"
    if value.type in (DATE, DATETIME):
        return Typed(sql, TEXT, (ISO,), "")
    return replace(value, sql=sql, type=TEXT)


def coalesced(choices: list[str]) -> str:
    """Return SQL for the first of several values that is filled."""
    return choices[0] if len(choices) == 1 else f"coalesce({', '.join(choices)})"
