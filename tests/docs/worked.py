"""Read the tables of docs/worked-patient.md: what a page says that a run should give.

A caption stands above its table: ``**OMOP `observation`** (in every row: `concept` 0; `date` 2022-03-01)``. Several
captions may share a table; ``{item}`` in a caption is the cell of that column. A table whose first column is *field*
is turned round: each column is a row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CAPTION = re.compile(r"^\*\*(Form|Shared variables|OMOP|Audit) `(\w+)`\*\*(?: \(in every row: (.+)\))?$")
_CONSTANT = re.compile(r"^`([^`]+)` (.+)$")

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """One row that the page shows: which kind of table, which table, and its cells by heading; empty ones left out."""

    kind: str
    table: str
    cells: Row


def shown_rows(page: str) -> Iterator[Shown]:
    """Yield every row that the captioned tables of a page show."""
    captions: list[tuple[str, str, Row]] = []
    table: list[list[str]] = []
    for line in [*page.splitlines(), "#"]:
        caption = _CAPTION.match(line)
        if line.startswith("|"):
            table.append([cell.strip() for cell in line.strip().strip("|").split("|")])
            continue
        if table:
            for row in _rows(table):
                yield from (Shown(kind, name, _filled(constants, row)) for kind, name, constants in captions)
            captions, table = [], []
        if caption:
            captions.append((caption[1], caption[2], _constants(caption[3] or "")))
        elif line.startswith(("#", "**Form `", "**Shared variables `", "**OMOP `", "**Audit `")):
            assert not captions, f"a caption without a table, or one that cannot be read, above {line!r}"
            assert line.startswith("#"), f"a caption that cannot be read: {line!r}"


def _constants(text: str) -> Row:
    found: Row = {}
    for part in text.split("; ") if text else ():
        constant = _CONSTANT.match(part)
        assert constant, f"'in every row' cannot be read: {part!r}"
        found[constant[1]] = constant[2]
    return found


def _rows(table: list[list[str]]) -> Iterator[Row]:
    head, _, *body = table
    assert all(len(line) == len(head) for line in body), f"lines of different lengths below {head}"
    if head[0] == "field":
        for place in range(1, len(head)):
            yield {"row": head[place]} | {line[0]: line[place] for line in body}
    else:
        yield from (dict(zip(head, line, strict=True)) for line in body)


def _filled(constants: Row, row: Row) -> Row:
    """Join a table's row and its caption; a caption that names columns says all that the row holds."""
    named = {name for value in constants.values() for name in re.findall(r"\{([^}]+)\}", value)} & set(row)
    given = {} if named else dict(row)
    for heading, value in constants.items():
        given[heading] = re.sub(r"\{([^}]+)\}", lambda name: row.get(name[1], name[0]), value)
    return {heading: value for heading, value in given.items() if value}
