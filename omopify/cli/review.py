"""``omopify review``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from omopify.cli.completing import folders, map_names
from omopify.cli.group import Command
from omopify.cli.options import json_option, project_first
from omopify.cli.sign_off import person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omopify.comparing.reviewing import Part
    from omopify.specs.project import Project
    from omopify.specs.reviews import Given


@click.command(
    name="review",
    cls=Command,
    examples={
        "omopify review": "What has nobody approved yet, and what has changed since?",
        'omopify review --approve adverse_event death --by "Kari Nordmann"': "Approve two maps.",
        'omopify review --approve all --by "K. Nordmann" --note "read on paper"': "",
    },
)
@click.argument("words", nargs=-1, metavar="[PROJECT]", shell_complete=folders)
@click.option(
    "--approve",
    multiple=True,
    metavar="PART...",
    shell_complete=map_names,
    help="Approve these parts: a map's name, trial, or all.",
)
@click.option("--reviewed", multiple=True, metavar="PART...", help="Note that somebody has looked at these parts.")
@click.option("--withdraw", multiple=True, metavar="PART...", help="Take back what was said of these parts.")
@click.option("--by", metavar="NAME", callback=person, help="Who says so.")
@click.option("--note", default="", metavar="TEXT", help="What else there is to say.")
@click.option(
    "--all", "everything", is_flag=True, help="List approved parts as well, and each part that came with omopify."
)
@json_option
@click.pass_context
def command(
    context: click.Context,
    words: tuple[str, ...],
    approve: tuple[str, ...],
    reviewed: tuple[str, ...],
    withdraw: tuple[str, ...],
    by: str | None,
    note: str,
    everything: bool,
    as_json: bool,
) -> None:
    """Say which parts of PROJECT's mapping nobody has approved, or approve them.

    The parts are the trial, each map and each concept file. Approvals stand in reviews.csv beside omopify.yaml. Each is
    of what the part says now: after a change it must be approved again. A run is a draft until all parts are approved.
    """
    from omopify.cli.show import emit_json, show_problems
    from omopify.comparing.reviewing import parts
    from omopify.errors import Problems
    from omopify.specs.project import load_project

    project, others = project_first(words)
    asked: list[tuple[Given, Sequence[str]]] = [("approved", approve), ("reviewed", reviewed), ("draft", withdraw)]
    given = [(status, named) for status, named in asked if named]
    if len(given) > 1:
        raise click.UsageError("say one thing at a time: --approve, --reviewed or --withdraw")
    if given and by is None:
        raise click.UsageError('say who: --by "Kari Nordmann"')
    if others and not given:
        raise click.UsageError(f"what about '{others[0]}'? Write --approve, --reviewed or --withdraw before it")
    problems = Problems()
    loaded = load_project(project, problems)
    problems.stop_if_errors()
    assert loaded is not None
    noted: list[str] = []
    if given and by is not None:
        noted = _note(loaded, given[0][0], [*given[0][1], *others], by, note, quiet=as_json)
    found = parts(loaded, problems)
    if given and given[0][0] == "approved" and not as_json:
        _warn_of_open_ends([part for part in found if part.state.part in noted])
    if as_json:
        emit_json([_as_data(part) for part in found])
    else:
        _show(found, everything=everything, whole=not given)
    show_problems(problems.warnings)


def _note(project: Project, status: Given, named: list[str], by: str, note: str, *, quiet: bool) -> list[str]:
    from datetime import date

    from omopify.cli.show import counted
    from omopify.specs.project import shown
    from omopify.specs.reviews import REVIEWS, review

    after = review(project, named, status, by, date.today().isoformat(), note)
    if not quiet:
        verb = {"approved": "approved", "reviewed": "reviewed", "draft": "no longer approved"}[status]
        named = [state.part for state in after[:5]] + ([f"{len(after) - 5} more"] if len(after) > 5 else [])
        click.echo(f"{counted(len(after), 'part')} {verb}: {', '.join(named) or 'nothing new to say'}")
        click.echo(shown(project.folder / REVIEWS))
    return [state.part for state in after]


def _warn_of_open_ends(approved: Sequence[Part]) -> None:
    """Say what of the parts that were approved just now is still to be decided, or was never tried."""
    from omopify.cli.changed import names, say

    marked = [part.state.part for part in approved if part.undecided and not part.pack]
    if marked:
        say(f"with '???' where somebody has to decide: {names(marked)}")
    bare = [part.state.part for part in approved if part.untested]
    if bare:
        say(f"without a test: {names(bare)}")


def _show(found: Sequence[Part], *, everything: bool, whole: bool) -> None:
    from omopify.cli.changed import say
    from omopify.cli.show import counted, table

    is_open = [part for part in found if part.state.is_open]
    changed = [part for part in found if part.state.status == "changed"]
    click.echo(_sum(found))
    brought = [] if everything else [part for part in is_open if part.pack and part not in changed]
    listed = [part for part in (found if everything else is_open) if part not in brought] if whole else []
    listed.sort(key=lambda part: (part not in changed, part.pack))
    if listed:
        rows = [
            (part.state.part, _status(part), part.state.reviewer, part.state.date, part.state.author, _remark(part))
            for part in listed
        ]
        click.echo()
        table("", ("part", "status", "by", "on", "author", "remark"), rows)
    for pack in sorted({part.pack for part in brought}) if whole else []:
        number_of = sum(part.pack == pack for part in brought)
        verb = "is" if number_of == 1 else "are"
        say(f"{counted(number_of, 'part')} of '{pack}', which came with omopify, {verb} open, too: --all")
    for part in changed if whole else []:
        if part.words:
            click.echo(f"{part.state.part} since {part.state.date}:")
            for word in part.words:
                say(f"  {word.text}")
    rows_open = sum(part.unchecked for part in found)
    if rows_open and whole:
        rows_said = counted(rows_open, "row of concept files", "rows of concept files")
        say(f"{rows_said} that nobody has checked: only --draft uses them; 'omopify vocab suggest' and Usagi help")


def _sum(found: Sequence[Part]) -> str:
    from omopify.cli.show import counted, number

    counts = {word: sum(p.state.status == word for p in found) for word in ("approved", "changed", "reviewed", "draft")}
    if counts["approved"] == len(found):
        return f"All {number(len(found))} parts are approved."
    since = "changed since or gone" if any(part.state.is_gone for part in found) else "changed since"
    words = {"changed": since, "reviewed": "reviewed, but not approved", "draft": "not looked at"}
    rest = [f"{number(counts[word])} {said}" for word, said in words.items() if counts[word]]
    said = [f"{number(counts['approved'])} approved", *rest]
    return f"{counted(len(found), 'part')}: {', '.join(said)}."


def _status(part: Part) -> str:
    return "gone" if part.state.is_gone else part.state.status


def _remark(part: Part) -> str:
    rows = f"{part.unchecked} rows unchecked" if part.unchecked else ""
    marks = f"{part.undecided} x ???" if part.undecided and not part.pack else ""
    return "; ".join(filter(None, (part.state.note, rows, marks, "no test" if part.untested else "")))


def _as_data(part: Part) -> dict[str, object]:
    words = [asdict(word) | {"text": word.text} for word in part.words]
    counts = {"unchecked": part.unchecked, "undecided": part.undecided, "untested": part.untested}
    return asdict(part.state) | {"gone": part.state.is_gone, "pack": part.pack, **counts, "changes": words}
