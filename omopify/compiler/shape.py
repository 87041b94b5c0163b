"""Split, unpivot and slots: one input row becomes several, each with its running number ``_n``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from omopify.compiler.names import Input, revisions_of
from omopify.compiler.plan import Cte, Item, Select
from omopify.compiler.typed import TEXT, Typed, as_text, literal, quoted
from omopify.errors import did_you_mean
from omopify.specs.maps import MapFile

MOST_PIECES = 1000
"""The most pieces that a cell may be cut into: as many numbers as there are in ``work.numbers``."""

_CONFLICT = "_conflict"
"""The column that tells whether a cell or slot is empty only because several revisions are filled."""

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
    value = spec.unpivot.value
    cells = {value: [_use(spec, given, column, "unpivot", "columns") for column in columns]}
    if spec.unpivot.code:
        code_columns = [spec.unpivot.code.replace("{}", column) for column in columns]
        cells[f"{value}_code"] = [_use(spec, given, c, "unpivot", "code") for c in code_columns]
    read = _add_cells(spec, given, cells, "unpivot", "value")
    several = [_several(given, [column]) for column in columns]
    _rows_for_each(made, item, values, read, several, f"one row for each of {len(values)} columns")
    _add(spec, given, item, Typed(quoted(item), TEXT), "unpivot", "columns")
    made.filters.append(("empty_cell", _filled(cells, several)))


def _slots(spec: MapFile, given: Input, made: Shape) -> None:
    assert spec.slots is not None
    cells = _slot_cells(spec, given)
    patterns = spec.slots.columns.values()
    several = [_several(given, [pattern.replace("{n}", n) for pattern in patterns]) for n in spec.slots.n]
    _rows_for_each(made, "slot", list(spec.slots.n), cells, several, f"one row for each of {len(spec.slots.n)} slots")
    _add(spec, given, "slot", Typed("slot", TEXT), "slots")
    made.filters.append(("empty_slot", _filled(cells, several)))


def _several(given: Input, columns: list[str]) -> str:
    """Return SQL that is true when one of these columns is empty only because several revisions are filled."""
    return " OR ".join(f"input.{quoted(revisions_of(c))}" for c in columns if given.may_conflict(c))


def _filled(cells: Mapping[str, object], several: list[str]) -> str:
    """Return the condition that a cell or slot holds something: also what is left empty for a conflict."""
    conflict = [_CONFLICT] if any(several) else []
    return " OR ".join([*(f"{quoted(name)} IS NOT NULL" for name in cells), *conflict])


def _slot_cells(spec: MapFile, given: Input) -> dict[str, list[str]]:
    assert spec.slots is not None
    cells = {
        name: [_use(spec, given, pattern.replace("{n}", n), "slots", name) for n in spec.slots.n]
        for name, pattern in spec.slots.columns.items()
    }
    return _add_cells(spec, given, cells, "slots")


def _add_cells(spec: MapFile, given: Input, cells: dict[str, list[Typed]], *steps: str) -> dict[str, list[str]]:
    """Make cells known by their names; those that go under one name but are not of one type are read as text."""
    first = given.relations[0]
    read = {}
    for name, found in cells.items():
        placed = [replace(cell, sql=f"input.{cell.sql}") for cell in found]
        if len({cell.type for cell in placed}) > 1:
            placed = [as_text(cell) for cell in placed]
        kind = placed[0].type
        read[name] = [cell.sql for cell in placed]
        own = steps if len(steps) > 1 else (*steps, name)
        _add(spec, given, name, Typed(quoted(name), kind, first.dates, first.decimal), *own)
    return read


def _rows_for_each(
    made: Shape, item: str, values: list[str], cells: dict[str, list[str]], several: list[str], note: str
) -> None:
    items = [Item("each.n", "_n"), Item("each.name", item)]
    for name, columns in cells.items():
        branches = "".join(f" WHEN {n} THEN {column}" for n, column in enumerate(columns, 1))
        items.append(Item(f"CASE each.n{branches} END", name))
    if any(several):
        branches = "".join(f" WHEN {n} THEN {sql}" for n, sql in enumerate(several, 1) if sql)
        items.append(Item(f"CASE each.n{branches} ELSE FALSE END", _CONFLICT))
    rows = ", ".join(f"({n}, {literal(value)})" for n, value in enumerate(values, 1))
    _shaped(made, note, items, f"CROSS JOIN (VALUES {rows}) AS each(n, name)")
    made.keys.append(quoted(item))


def _one_slot(spec: MapFile, given: Input, made: Shape) -> None:
    assert spec.slots is not None
    cells = _slot_cells(spec, given)
    used = [
        "(" + " OR ".join(f"{columns[n]} IS NOT NULL" for columns in cells.values()) + ")"
        for n in range(len(spec.slots.n))
    ]
    several = " + ".join(f"CASE WHEN {u} THEN 1 ELSE 0 END" for u in used) + " > 1"
    items = [Item("1", "_n")]
    for name, columns in cells.items():
        branches = "".join(f" WHEN {u} THEN {c}" for u, c in zip(used, columns, strict=True))
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
