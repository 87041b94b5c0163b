"""A piece of SQL with its type, and how a value of one type is read as another."""

from __future__ import annotations

from dataclasses import dataclass, replace

TEXT, INTEGER, NUMBER, DATE, DATETIME, BOOLEAN = "text", "integer", "number", "date", "datetime", "boolean"
NULL = "null"
NUMERIC = (INTEGER, NUMBER)


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression in SQL with its type; ``dates`` and ``decimal`` say how its text is to be read."""

    sql: str
    type: str
    dates: tuple[str, ...] = ()
    decimal: str = "."


def literal(text: str) -> str:
    """Return text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return a column name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def read_number(value: Typed) -> str:
    """Return SQL that reads a value as a number, NULL when it is none."""
    if value.type in NUMERIC:
        return value.sql
    return f"o_num_comma({value.sql})" if value.decimal == "," else f"o_num({value.sql})"


def read_date(value: Typed, formats: tuple[str, ...]) -> str:
    """Return SQL that reads a value as a full date in one of the formats, NULL when it is none."""
    if value.type in (DATE, DATETIME):
        return value.sql if value.type == DATE else f"CAST({value.sql} AS date)"
    return _first([f"o_date({value.sql}, {literal(f)})" for f in formats or ("%Y-%m-%d",)])


def read_year(value: Typed) -> str:
    """Return SQL for the year of a date, also of a partial one (``1961``, ``1961-NK-NK``)."""
    if value.type in (DATE, DATETIME):
        return f"CAST(extract(year FROM {value.sql}) AS integer)"
    return _first([f"o_year({value.sql}, {literal(f)})" for f in value.dates or ("%Y-%m-%d",)])


def as_text(value: Typed) -> Typed:
    """Return a value as text, whole numbers without a decimal point."""
    if value.type in (TEXT, NULL):
        return value
    sql = f"o_plain({value.sql})" if value.type == NUMBER else f"CAST({value.sql} AS varchar)"
    return replace(value, sql=sql, type=TEXT)


def _first(choices: list[str]) -> str:
    return choices[0] if len(choices) == 1 else f"coalesce({', '.join(choices)})"
