"""Split, unpivot and slots: one input row becomes several, each with its running number ``_n``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from omopify.compiler.names import Input
from omopify.compiler.plan import Cte, Item, Select
from omopify.compiler.typed import TEXT, Typed, literal, quoted
from omopify.errors import did_you_mean
from omopify.specs.maps import MapFile

MOST_PIECES = 1000
"""The most pieces that a cell may be cut into: as many numbers as there are in ``work.numbers``."""

_RANGE = re.compile(r"\{([A-Za-z_]\w*):([^{}]+)\}")


@dataclass
class Shape:
    """What the shaping clauses of a map come to: steps, further key columns, built-in filters, conflicts."""

    name: str = "shaped"
    """The step that later steps read."""
    ctes: list[Cte] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    filters: list[tuple[str, str]] = field(default_factory=list)
    """(name, condition that must hold)"""
    conflicts: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(field, column that is true on a conflict, rule, reason)"""


def shape(spec: MapFile, given: Input) -> Shape:
    """Check the shaping clause and add the columns it makes to what expressions may name."""
    made = Shape()
    clauses = [word for word in ("split", "unpivot", "slots") if getattr(spec, word)]
    if len(clauses) > 1 or len(spec.split) > 1:
        hint = "put the other into a map of its own, or use 'sql:'"
        problems = given.context.problems
        problems.add(
            "OM313", "a map has one of 'split' (of one column), 'unpivot' or 'slots'", spec.at(clauses[-1]), hint
        )
    elif spec.split:
        _split(spec, given, made)
    elif spec.unpivot:
        _unpivot(spec, given, made)
    elif spec.slots and spec.slots.on_conflict:
        _one_slot(spec, given, made)
    elif spec.slots:
        _slots(spec, given, made)
    else:
        made.name = "input"
    return made


def _add(spec: MapFile, given: Input, name: str, typed: Typed, *steps: str) -> None:
    existing = given.names.folded.get(name.casefold())
    if existing and steps:
        hint = "SQL does not tell capitals from small letters; choose another name"
        message = f"the name '{name}' is that of the column '{existing}'"
        given.context.problems.add("OM314", message, spec.at(*steps), hint)
    given.names.columns = {**given.names.columns, name: typed}
    given.names.folded[name.casefold()] = name
    given.made.add(name)


def _use(spec: MapFile, given: Input, column: str, *steps: str | int) -> Typed:
    found = given.names.column(column)
    if found is None:
        hint = did_you_mean(column, given.names.columns)
        message = f"unknown column '{column}' in {given.names.owner}"
        given.context.problems.add("OM301", message, spec.at(*steps), hint)
    return found or Typed(quoted(column), TEXT)


def _shaped(made: Shape, note: str, items: list[Item], join: str = "") -> None:
    made.ctes.append(Cte("shaped", note, (Select(tuple(items), "input", "input", (join,) if join else ()),)))


def _split(spec: MapFile, given: Input, made: Shape) -> None:
    ((column, separator),) = spec.split.items()
    typed = _use(spec, given, column, "split", column)
    cell, cut = f"input.{typed.sql}", literal(separator)
    piece = f"{column} piece"
    items = [Item("numbers.n", "_n"), Item(f"nullif(trim(o_part({cell}, {cut}, numbers.n)), '')", piece)]
    join = f"JOIN work.numbers AS numbers ON numbers.n <= o_parts({cell}, {cut})"
    items.append(Item(f"o_parts({cell}, {cut}) > {MOST_PIECES}", f"{column} too many"))
    made.conflicts.append((column, f"{column} too many", "reject", f"more than {MOST_PIECES} pieces"))
    made.filters.append(("empty_piece", f"{quoted(piece)} IS NOT NULL OR {typed.sql} IS NULL"))
    _shaped(made, f"one row for each piece of {column}", items, join)
    # From here on the column's name means the piece; the whole cell is of no use to anyone.
    _add(spec, given, column, Typed(quoted(piece), TEXT, typed.dates, typed.decimal))
    given.made.discard(column)
    made.keys.append("CAST(_n AS varchar)")


def _unpivot(spec: MapFile, given: Input, made: Shape) -> None:
    assert spec.unpivot is not None
    found = _RANGE.search(spec.unpivot.columns)
    if not found:
        hint = 'such as columns: "C30_Q{item:1..30}" or "{item:HEIGHT,WEIGHT}_RES"'
        message = "the pattern names no range of columns"
        given.context.problems.add("OM312", message, spec.at("unpivot", "columns"), hint)
        return
    item, values = found[1], _values(found[2])
    columns = [spec.unpivot.columns[: found.start()] + v + spec.unpivot.columns[found.end() :] for v in values]
    value, first = spec.unpivot.value, given.relations[0]
    cells = {value: [_use(spec, given, column, "unpivot", "columns").sql for column in columns]}
    if spec.unpivot.code:
        code_columns = [spec.unpivot.code.replace("{}", column) for column in columns]
        cells[f"{value}_code"] = [_use(spec, given, c, "unpivot", "code").sql for c in code_columns]
    _rows_for_each(made, item, values, cells, f"one row for each of {len(values)} columns")
    for name in cells:
        _add(spec, given, name, Typed(quoted(name), TEXT, first.dates, first.decimal), "unpivot", "value")
    _add(spec, given, item, Typed(quoted(item), TEXT), "unpivot", "columns")
    made.filters.append(("empty_cell", " OR ".join(f"{quoted(name)} IS NOT NULL" for name in cells)))


def _slots(spec: MapFile, given: Input, made: Shape) -> None:
    assert spec.slots is not None
    cells = _slot_cells(spec, given)
    _rows_for_each(made, "slot", list(spec.slots.n), cells, f"one row for each of {len(spec.slots.n)} slots")
    _add(spec, given, "slot", Typed("slot", TEXT), "slots")
    made.filters.append(("empty_slot", " OR ".join(f"{quoted(name)} IS NOT NULL" for name in cells)))


def _slot_cells(spec: MapFile, given: Input) -> dict[str, list[str]]:
    assert spec.slots is not None
    cells = {}
    for name, pattern in spec.slots.columns.items():
        columns = [pattern.replace("{n}", n) for n in spec.slots.n]
        cells[name] = [_use(spec, given, column, "slots", name).sql for column in columns]
    first = given.relations[0]
    for name in cells:
        _add(spec, given, name, Typed(quoted(name), TEXT, first.dates, first.decimal), "slots", name)
    return cells


def _rows_for_each(made: Shape, item: str, values: list[str], cells: dict[str, list[str]], note: str) -> None:
    items = [Item("each.n", "_n"), Item("each.name", item)]
    for name, columns in cells.items():
        branches = "".join(f" WHEN {n} THEN input.{column}" for n, column in enumerate(columns, 1))
        items.append(Item(f"CASE each.n{branches} END", name))
    rows = ", ".join(f"({n}, {literal(value)})" for n, value in enumerate(values, 1))
    _shaped(made, note, items, f"CROSS JOIN (VALUES {rows}) AS each(n, name)")
    made.keys.append(quoted(item))


def _one_slot(spec: MapFile, given: Input, made: Shape) -> None:
    assert spec.slots is not None
    cells = _slot_cells(spec, given)
    used = [
        "(" + " OR ".join(f"input.{columns[n]} IS NOT NULL" for columns in cells.values()) + ")"
        for n in range(len(spec.slots.n))
    ]
    several = " + ".join(f"CASE WHEN {u} THEN 1 ELSE 0 END" for u in used) + " > 1"
    items = [Item("1", "_n")]
    for name, columns in cells.items():
        branches = "".join(f" WHEN {u} THEN input.{c}" for u, c in zip(used, columns, strict=True))
        stop = "" if spec.slots.on_conflict == "first" else f" WHEN {several} THEN NULL"
        items.append(Item(f"CASE{stop}{branches} END", name))
    if spec.slots.on_conflict != "first":
        items.append(Item(several, "slots conflict"))
        made.conflicts.append(("slots", "slots conflict", str(spec.slots.on_conflict), "several slots filled"))
    _shaped(made, "the one slot that is filled", items)


def _values(text: str) -> list[str]:
    numbers = re.fullmatch(r"\s*(\d+)\s*\.\.\s*(\d+)\s*", text)
    if numbers and int(numbers[1]) <= int(numbers[2]) <= int(numbers[1]) + 999:
        width = len(numbers[1]) if numbers[1].startswith("0") else 0
        return [str(n).zfill(width) for n in range(int(numbers[1]), int(numbers[2]) + 1)]
    return [part.strip() for part in text.split(",")]
