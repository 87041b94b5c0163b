"""The first lines of a comparison: what the next person asks about a delivery, in sentences.

Counts of people are small and exact here: this is for the site's own screen, and goes nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from omopify.comparing.changes import Cause
from omopify.comparing.diff import Difference, People, Why
from omopify.comparing.rows import TableRows

_NAMED = 4
"""How many tables or causes a sentence names."""


def headline(found: Difference) -> list[str]:
    """Return at most five lines: people, rows that came and went, rows that changed, and why."""
    since = f"Since {found.before.called}"
    if found.is_same:
        return [f"{since}: {_people(found.people)}; no row is new, gone or changed."]
    lines = [f"{since}: {_people(found.people)}."]
    cdm = [one for one in found.differing if not one.table.startswith("dsp.")] or list(found.differing)
    lines += _moves(cdm)
    changed = sorted((one for one in cdm if one.changed), key=lambda one: -one.changed)
    if changed:
        lines.append(f"Changed rows: {_listed([_changed(one) for one in changed])}.")
    causes = list(roots(found.why))
    if causes:
        lines.append(f"Because {_listed(causes)}.")
    return lines


def roots(why: tuple[Why, ...]) -> Iterator[str]:
    """Yield what has changed at the beginning of each chain, once: rows that differ because others do are left out.

    Maps are told first, because somebody changed them on purpose; forms are told together.
    """
    first = {(cause.kind, cause.name): cause for one in why for cause in one.causes if cause.is_first}
    for said in dict.fromkeys(cause.text for cause in first.values() if cause.kind in ("map", "sql")):
        named = [cause.name for cause in first.values() if cause.text == said and cause.kind in ("map", "sql")]
        yield _about(named, said)
    forms = sorted({name for kind, name in first if kind in ("form", "scope")})
    if forms:
        yield f"{_several('the form', 'the forms', forms)} changed"
    yield from (c.text.partition(":")[0] for c in first.values() if c.kind not in ("map", "sql", "form", "scope"))


@dataclass(frozen=True, slots=True)
class Group:
    """Maps whose rows differ for the same kind of reason."""

    because: str
    maps: tuple[str, ...]
    rows: int


def grouped(why: tuple[Why, ...]) -> list[Group]:
    """Return the causes with the maps of each: a delivery in which every form has changed touches every map."""
    found: dict[str, list[Why]] = {}
    for one in why:
        found.setdefault("; or ".join(dict.fromkeys(_kind(cause) for cause in one.causes)) or "?", []).append(one)
    groups = [Group(said, tuple(one.map for one in ones), sum(o.rows for o in ones)) for said, ones in found.items()]
    return sorted(groups, key=lambda group: group.because == _UPSTREAM)


_UPSTREAM = "rows that they read differ"


def _kind(cause: Cause) -> str:
    if cause.kind == "upstream":
        return _UPSTREAM
    return "their forms changed" if cause.kind in ("form", "scope") else cause.text


def _about(maps: list[str], words: str) -> str:
    if words.startswith("its SQL"):
        return f"the SQL of {_several('the map', 'the maps', maps)} changed"
    if words.startswith("how "):
        return words
    verb = words.removeprefix("the map ")
    several = {"is new": "are new", "is gone": "are gone"}.get(verb, verb) if len(maps) > 1 else verb
    return f"{_several('the map', 'the maps', maps)} {several}"


def _several(one: str, many: str, names: list[str]) -> str:
    return f"{one} {names[0]}" if len(names) == 1 else f"{many} {_listed(names)}"


def _people(people: People) -> str:
    if not people.appeared and not people.vanished:
        return f"the same {_count(people.now, 'person', 'people')}"
    came = f"{_count(people.appeared, 'person', 'people')} more" if people.appeared else "nobody more"
    went = f"{_count(people.vanished, 'person', 'people')} vanished" if people.vanished else "none vanished"
    return f"{came} ({people.now} now), {went}"


def _moves(tables: list[TableRows]) -> Iterator[str]:
    for word, numbers in (
        ("New rows", {one.table: one.added for one in tables}),
        ("Rows that are gone", {one.table: one.removed for one in tables}),
    ):
        found = sorted(((number, table) for table, number in numbers.items() if number), key=lambda n: (-n[0], n[1]))
        if found:
            yield f"{word}: {_listed([f'{_number(number)} in {table}' for number, table in found])}."


def _changed(one: TableRows) -> str:
    columns: Mapping[str, int] = one.columns
    named = list(columns)[:2]
    more = f" and {len(columns) - 2} more columns" if len(columns) > 2 else ""
    return f"{_number(one.changed)} in {one.table} ({', '.join(named)}{more})"


def _listed(words: list[str]) -> str:
    if len(words) > _NAMED + 1:
        return f"{', '.join(words[:_NAMED])} and {len(words) - _NAMED} more"
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _count(value: int, one: str, many: str) -> str:
    return f"{_number(value)} {one if value == 1 else many}"


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")
