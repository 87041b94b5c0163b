"""In words: which rows a map takes and what it makes of them before a field is filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from omopify.compiler.spoken import listed, spoken, spoken_condition, spoken_order
from omopify.describing.origins import unpivoted
from omopify.specs.maps import Join, MapFile

_SLOTS = {
    "reject": "if several are, the row is rejected",
    "empty": "if several are, their fields stay empty, and it is noted",
    "first": "if several are, the first counts",
}
_VERSIONS = {
    "reject": "the row is rejected",
    "empty": "the field stays empty, and it is noted",
    "first": "the first of them counts",
}
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause in words, with its place in the map and the expressions that it has."""

    path: tuple[str, ...]
    name: str
    words: str
    written: tuple[str, ...] = ()


Facts = Callable[[str], str | None]
"""What ``trial.<name>`` stands for."""


def clauses(spec: MapFile, facts: Facts) -> Iterator[Clause]:
    """Yield what a map says of its rows, in the order in which it works."""
    yield _target(spec)
    yield from _input(spec)
    for name, join in spec.join.items():
        yield _join(name, join, facts)
    yield from _shape(spec)
    for name, rule in spec.versions.items():
        words = f"If several revisions of {name} are filled, {_VERSIONS[rule]}."
        yield Clause(("versions", name), name, words, (name,))
    for name, condition in spec.where.items():
        words = f"Only rows for which {spoken_condition(condition, facts)}. The others are counted as '{name}'."
        yield Clause(("where", name), name, words, (condition,))
    yield from _fewer(spec, facts)
    yield from _key(spec, facts)


def _target(spec: MapFile) -> Clause:
    if spec.to != "by_domain":
        return Clause(("to",), "to", f"Each row that is used becomes a row of {spec.to}.")
    words = (
        "Each row that is used becomes a row of the table that the domain of its concept belongs to, and of "
        f"{spec.otherwise} where the concept is not known or its domain has no table."
    )
    return Clause(("to",), "to", words)


def _input(spec: MapFile) -> Iterator[Clause]:
    if spec.source_from:
        yield Clause(("from",), "from", f"The rows of {_source(spec.source_from)}.")
    if spec.union:
        words = f"The rows of {listed([_source(name) for name in spec.union])}, one under another."
        yield Clause(("union",), "union", words)
    for source, renames in spec.union.items():
        if renames:
            pairs = listed([f"'{name}' is its column {column}" for name, column in renames.items()])
            yield Clause(("union", source), source, f"In {source}, {pairs}.", tuple(renames))
    if spec.sql:
        yield Clause(("sql",), "sql", f"The rows that the query in {spec.sql} gives; it is written by hand.")
    if spec.reads:
        yield Clause(("reads",), "reads", f"The query reads {listed([_source(name) for name in spec.reads])}.")
    if spec.gives:
        given = listed([f"{name} ({kind})" for name, kind in spec.gives.items()])
        yield Clause(("gives",), "gives", f"It gives {given}.")


def _source(name: str) -> str:
    return name if name.startswith("dsp.") else f"the form {name}"


def _join(name: str, join: Join, facts: Facts) -> Clause:
    same = [f"{there} is {spoken(here, facts)}" for here, there in join.on.items() if here != there]
    equal = [here for here, there in join.on.items() if here == there]
    parts = ([f"the same {listed(equal)}"] if equal else []) + ([f"a row whose {listed(same)}"] if same else [])
    source = _source(join.source or name)
    called = f" (called '{name}' here)" if join.source and join.source != name else ""
    words = f"Beside it {'each row' if join.many else 'the row'} of {source}{called}, with {' and '.join(parts)}."
    if same and not equal:
        words = f"Beside it {'each row' if join.many else 'the row'} of {source}{called} whose {listed(same)}."
    if join.where:
        words += f" Only those for which {spoken_condition(join.where, facts)}."
    if join.take:
        words += f" Of several the first, in this order: {_ordered(join.take.order, facts)}."
    elif join.many:
        words += " Each match gives a row of its own."
    words += " A row without a match is rejected." if join.required else " Without a match its columns are empty."
    there = [f"{name}.{column}" for column in join.on.values()]
    return Clause(("join", name), name, words, (*join.on, *there))


def _ordered(order: tuple[str, ...], facts: Facts) -> str:
    return "; then ".join(spoken_order(text, facts) for text in order)


def _shape(spec: MapFile) -> Iterator[Clause]:
    for column, separator in spec.split.items():
        words = (
            f"A cell of {column} with several values, cut at '{separator}', gives a row for each; empty ones are left "
            "out, and counted."
        )
        yield Clause(("split", column), column, words, (column,))
    if spec.unpivot:
        item = spec.unpivot.columns.partition("{")[2].partition(":")[0]
        columns = unpivoted(spec.unpivot.columns)
        words = (
            f"The columns {_range(columns)} become rows, one for each that is filled: '{item}' is what tells them "
            f"apart, '{spec.unpivot.value}' is the cell."
        )
        if spec.unpivot.code:
            codes = _range([spec.unpivot.code.replace("{}", column) for column in columns])
            words += f" '{spec.unpivot.value}_code' is the code beside it ({codes})."
        yield Clause(("unpivot",), "unpivot", words, (spec.unpivot.value,))
    if spec.slots:
        sets = f"{len(spec.slots.n)} sets of columns"
        named = "; ".join(
            f"'{name}' is {_range([pattern.replace('{n}', n) for n in spec.slots.n], 'or')}"
            for name, pattern in spec.slots.columns.items()
        )
        if spec.slots.on_conflict:
            words = f"Only one of {sets} may be filled; {_SLOTS[spec.slots.on_conflict]}. {named}."
        else:
            words = f"{sets} become rows, one for each set that is filled; 'slot' is its number. {named}."
        yield Clause(("slots",), "slots", words, tuple(spec.slots.columns))


def _fewer(spec: MapFile, facts: Facts) -> Iterator[Clause]:
    if spec.keep:
        per = listed([spoken(text, facts) for text in spec.keep.per])
        first = "the first is" if spec.keep.first == 1 else f"the first {spec.keep.first} are"
        words = f"Of the rows that agree in {per} only {first} used, in this order: {_ordered(spec.keep.order, facts)}."
        words += " The others are counted."
        if spec.keep.agree:
            words += (
                f" Where they differ in {listed([spoken(text, facts) for text in spec.keep.agree], 'or')}, it is noted."
            )
        yield Clause(("keep",), "keep", words, (*spec.keep.per, *spec.keep.agree))
    if spec.group:
        by = listed([spoken(text, facts) for text in spec.group.by])
        yield Clause(("group",), "group", f"The rows that agree in {by} become one row.", spec.group.by)
    if spec.window:
        per = listed([spoken(text, facts) for text in spec.window.per])
        words = (
            f"The next, the previous and the first row are those with the same {per}, "
            f"in this order: {_ordered(spec.window.order, facts)}."
        )
        yield Clause(("window",), "window", words, spec.window.per)


def _key(spec: MapFile, facts: Facts) -> Iterator[Clause]:
    if spec.key:
        by = listed([spoken(text, facts) for text in spec.key])
        words = (
            f"A row is told from the others by {by}. Rows that are alike in all are used once; of rows that contradict "
            "each other the first is used, and the others are rejected."
        )
        yield Clause(("key",), "key", words, spec.key)
    if spec.known_by:
        by = listed([spoken(text, facts) for text in spec.known_by])
        yield Clause(("known_by",), "known_by", f"Other maps may also find the row by {by}.", spec.known_by)


def _range(columns: list[str], word: str = "and") -> str:
    if len(columns) <= _MOST_NAMED:
        return listed(columns, word)
    return f"{columns[0]} to {columns[-1]} ({len(columns)})"
