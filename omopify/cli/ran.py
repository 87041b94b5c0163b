"""What the screen says of a run: the trial's own maps first, then what was rejected, and how to see more of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from omopify.conversion.run import Result
    from omopify.errors import Problem
    from omopify.specs.project import Project

_COUNTS = ("rows_read", "rows_used", "rows_filtered", "rows_deduplicated", "rows_rejected", "rows_written")
_HEADINGS = ("map", "read", "used", "filtered", "duplicate", "rejected", "written")

_MOST = 4
"""How many reasons of the trial's own maps are shown."""

_LOST_PERSON = "person: not found"

Rejected = tuple[str, str, str, int]
"""Map, field, reason and rows."""


def show_warnings(project: Project, warnings: Sequence[Problem], *, everything: bool) -> None:
    """Write the warnings of a run, those about the project's own files first; of many of one kind only some."""
    from omopify.cli.show import show_problems

    own = (str(project.folder.resolve()), str(project.pack.folder.resolve()))

    def distance(one: Problem) -> int:
        return 1 if one.at is None else 0 if str(Path(one.at.path).resolve()).startswith(own) else 2

    show_problems(sorted(warnings, key=distance), everything=everything)


def show_run(
    project: Project, result: Result, tests: Mapping[str, int] | None, *, everything: bool, assessed: bool
) -> None:
    """Write what became of the rows.

    Args:
        project: what was run.
        result: what it came to.
        tests: how many tests of the maps there were; None if they were not run.
        everything: also tell map by map of those that came with the shared model.
        assessed: whether the quality of the result is assessed, which is what lists rows.
    """
    from omopify.cli.changed import say
    from omopify.cli.show import counted

    if tests is None:
        click.echo("The tests of the maps were not run.")
    elif tests["run"] or tests["skipped"]:
        less = f", {tests['skipped']} skipped: the vocabulary lacks what they expect" if tests["skipped"] else ""
        click.echo(f"{counted(tests['run'], 'test')} of the maps passed{less}.")
    manifest = result.manifest
    shared = {loaded.spec.map: loaded.pack for loaded in project.pack.maps if loaded.folder != project.pack.folder}
    _show_maps(manifest, shared, everything=everything)
    listing = "'omopify quality rows" if assessed else "after 'omopify quality', 'omopify quality rows"
    _show_rejected(manifest, shared, listing)
    totals = manifest["totals"]
    say(
        f"values left out {totals['value_issues']}, dates filled in {totals['imputations']}, "
        f"values without a concept {totals['unmapped_values']}, columns undecided {totals['columns_undecided']}"
    )
    if totals["value_issues"]:
        say(f"{listing} trial.values_left_out' lists the rows of values that were left out")
    if totals["unmapped_values"]:
        click.echo("'omopify vocab suggest' proposes concepts for values that have none")


def _show_maps(manifest: Mapping[str, Any], shared: Mapping[str, str], *, everything: bool) -> None:
    from omopify.cli.changed import say
    from omopify.cli.show import counted, table

    maps, order = manifest["maps"], manifest["order"]
    ran = [*order, *(name for name in maps if name not in order)]  # the eras come last
    idle = [name for name in ran if not maps[name]["rows_read"] and (everything or name not in shared)]
    own = [name for name in ran if name not in shared and name not in idle]
    rows = [(name, *_counts([maps[name]])) for name in own]
    for pack in dict.fromkeys(shared.values()):
        names = [name for name in ran if shared.get(name) == pack]
        total = (counted(len(names), f"map of {pack}", f"maps of {pack}"), *_counts([maps[name] for name in names]))
        eras = [row for row in rows if row[0].startswith("eras.")]
        rows = [*(row for row in rows if row not in eras), total, *eras]
    table("Where the rows went", _HEADINGS, rows)
    if idle:
        say(f"{counted(len(idle), 'map')} found no row to read: {', '.join(idle)}")
    for pack in dict.fromkeys(shared.values()) if everything else ():
        names = [name for name in ran if shared.get(name) == pack and name not in idle]
        table(f"The maps of {pack}", _HEADINGS, [(name, *_counts([maps[name]])) for name in names])
    if shared and not everything:
        click.echo("--all lists the shared maps one by one")


def _counts(maps: Sequence[Mapping[str, Any]]) -> list[int | str]:
    return [sum(one[column] for one in maps) or "" for column in _COUNTS]


def _show_rejected(manifest: Mapping[str, Any], shared: Mapping[str, str], listing: str) -> None:
    from omopify.cli.changed import say
    from omopify.cli.show import counted, table

    rejected = list(_rejected(manifest))
    if not rejected:
        click.echo("No row was rejected.")
        return
    rows = list(_most(rejected, shared, manifest.get("subjects_without_person", 0)))
    table(f"Rejected: {counted(sum(rows for *_, rows in rejected), 'row')}", ("map", "field", "reason", "rows"), rows)
    say(f"{listing} trial.rows_rejected' lists them; 'omopify trace --source FORM ROW' tells of one")


def _rejected(manifest: Mapping[str, Any]) -> Iterator[Rejected]:
    for name, counts in manifest["maps"].items():
        for why, rows in counts["rejected"].items():
            field, _, reason = why.partition(": ")
            yield name, field, reason, rows


def _most(rejected: Sequence[Rejected], shared: Mapping[str, str], subjects: int) -> Iterator[Rejected]:
    """Yield what was rejected most by the trial's own maps, and below it what that did to the others."""
    from omopify.cli.show import counted

    lost = [one for one in rejected if f"{one[1]}: {one[2]}" == _LOST_PERSON]
    own = sorted((one for one in rejected if one[0] not in shared and one not in lost), key=lambda one: -one[3])
    others = [one for one in rejected if one[0] in shared and one not in lost]
    yield from own[:_MOST]
    if own[_MOST:]:
        yield counted(len({one[0] for one in own[_MOST:]}), "map"), "", "other reasons", sum(r for *_, r in own[_MOST:])
    if lost:
        have = "has" if subjects == 1 else "have"
        reason = f"{counted(subjects, 'subject')} {have} no row in person"
        yield counted(len({one[0] for one in lost}), "map"), "person", reason, sum(rows for *_, rows in lost)
    for pack in dict.fromkeys(shared[one[0]] for one in others):
        rest = sorted((one for one in others if shared[one[0]] == pack), key=lambda one: -one[3])
        if len(rest) <= 2:
            yield from rest
        else:
            names = counted(len({one[0] for one in rest}), f"map of {pack}", f"maps of {pack}")
            yield names, "", f"most: {rest[0][0]}, {rest[0][1]} {rest[0][2]}", sum(rows for *_, rows in rest)
