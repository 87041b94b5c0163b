"""How plan and diff show what differs in the making of two results: a few words for each thing, below one another."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from difflib import unified_diff
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from omopify.comparing.changes import Changes, MapChange

_NAMED = 8
"""How many things of a kind are named; the JSON has all."""


def show_changes(found: Changes) -> None:
    """Write what differs, below headings."""
    for heading, lines in sections(found):
        click.echo(click.style(heading, bold=True))
        for line in lines:
            say(f"  {line}")


def say(line: str) -> None:
    """Write a line; one that is too long goes on below its own beginning."""
    from omopify.cli.show import console

    inset = " " * (len(line) - len(line.lstrip()))
    wide = max(console().width, 40)
    click.echo(
        textwrap.fill(
            line.strip(),
            wide,
            initial_indent=inset,
            subsequent_indent=f"{inset}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def sections(found: Changes) -> Iterator[tuple[str, list[str]]]:
    """Yield each heading with its lines; nothing for what is as it was."""
    if found.forms:
        yield "Export", list(_forms(found))
    if found.maps:
        yield "Maps", list(_maps(found))
    if found.trial:
        yield "Trial", [one.text for one in found.trial]
    if found.concepts:
        yield "Concept files", [line for one in found.concepts for line in _concept_lines(one)]
    if found.vocabulary:
        yield "Vocabulary", list(found.vocabulary)
    if found.software:
        yield "omopify", [f"{found.software[0]} -> {found.software[1]}"]


def as_data(found: Changes) -> dict[str, Any]:
    """Return what differs for programs."""
    maps = [
        {
            "map": one.map,
            "kind": one.kind,
            "file": one.file,
            "words": [asdict(word) | {"text": word.text} for word in one.words],
            "sql_changed": one.sql_before != one.sql_now,
        }
        for one in found.maps
    ]
    return {
        "forms": [asdict(one) for one in found.forms],
        "maps": maps,
        "trial": [asdict(one) | {"text": one.text} for one in found.trial],
        "concept_files": [asdict(one) for one in found.concepts],
        "vocabulary": list(found.vocabulary),
        "omopify": list(found.software) if found.software else None,
        "affected": asdict(found.affected),
    }


def sql_difference(one: MapChange) -> str:
    """Return how the SQL of a map differs, as a patch."""
    before, now = (text.splitlines() for text in (one.sql_before, one.sql_now))
    return "\n".join(unified_diff(before, now, f"{one.map} before", f"{one.map} now", lineterm="", n=2))


def names(found: list[str] | tuple[str, ...]) -> str:
    """Return names in one line, the first few and how many more there are; tables of the CDM by their bare name."""
    bare = [name.removeprefix("cdm.") for name in found]
    more = f" and {len(bare) - _NAMED} more" if len(bare) > _NAMED + 1 else ""
    return ", ".join(bare[: _NAMED if more else None]) + more


def _forms(found: Changes) -> Iterator[str]:
    for kind in ("changed", "new", "gone"):
        forms = [one for one in found.forms if one.kind == kind]
        if len(forms) == 1:
            yield f"1 form {kind}: {forms[0].form} ({', '.join(forms[0].files)})"
        elif forms:
            yield f"{len(forms)} forms {kind}: {names([one.form for one in forms])}"


def _maps(found: Changes) -> Iterator[str]:
    for one in found.maps:
        if one.words:
            yield f"{one.map} ({one.file})"
            yield from (f"  {word.text}" for word in one.words)
    for kind, words in (("new", "new"), ("gone", "gone")):
        named = [one.map for one in found.maps if one.kind == kind]
        if named:
            yield f"{len(named)} {words}: {names(named)}"
    only = [one.map for one in found.maps if one.kind == "changed" and not one.words]
    if only:
        yield f"{len(only)} as they were, but with other SQL: {names(only)}"


def _concept_lines(one: Any) -> Iterator[str]:
    yield f"{one.file}: {one.text}"
    for word, terms in (("new", one.new), ("mapped to something else", one.moved)):
        if terms:
            yield f"  {word}: {names(terms)}"
