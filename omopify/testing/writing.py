"""A test as the lines that stand in a map's file, one row a line, as a steward would write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_WIDEST = 120
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./()%+<>=-]*(?: [A-Za-z0-9_./()%+<>=-]+)*|\d{4}-\d{2}(?:-\d{2})?")
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,15}")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n", "none", "~")

Rows = Sequence[Mapping[str, Any]]


def as_yaml(name: str, given: Mapping[str, Rows], expect: Mapping[str, Rows], indent: str = "  ") -> str:
    """Return a test as an item of ``tests:``; a table of which no row is expected is ``none``."""
    lines = [f"{indent}- name: {scalar(name)}", f"{indent}  given:"]
    for source, rows in given.items():
        lines += _rows(source, rows, indent + "    ")
    lines.append(f"{indent}  expect:")
    for table, rows in expect.items():
        lines += _rows(table, rows, indent + "    ") if rows else [f"{indent}    {scalar(table)}: none"]
    return "\n".join(lines) + "\n"


def _rows(name: str, rows: Rows, indent: str) -> list[str]:
    lines = [f"{indent}{scalar(name)}:"]
    for row in rows:
        lines += _row(row, f"{indent}  - {{")
    return lines


def _row(row: Mapping[str, Any], start: str) -> list[str]:
    """Return a row as ``{A: 1, B: x}``, broken between two cells where it is wider than a line."""
    cells = [f"{scalar(name)}: {scalar(value)}" for name, value in row.items()]
    lines = [start]
    for number, cell in enumerate(cells):
        text = cell + ("}" if number == len(cells) - 1 else ", ")
        if len(lines[-1]) + len(text.rstrip()) > _WIDEST and lines[-1].strip(" -{"):
            lines.append(" " * len(start))
        lines[-1] += text
    return [line.rstrip() for line in lines]


def scalar(value: object) -> str:
    """Return a value as it stands in YAML, so that it is read back as the same; in quotes only where it must be."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    number = _WHOLE.fullmatch(text) or (_DECIMAL.fullmatch(text) and repr(float(text)) == text)
    if number or (_PLAIN.fullmatch(text) and text.casefold() not in _WORDS):
        return text
    return json.dumps(text, ensure_ascii=False)
