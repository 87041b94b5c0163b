"""``omopify vocab diff``."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option

if TYPE_CHECKING:
    from omopify.vocabulary.checking.diff import Change, Difference, Gain
    from omopify.vocabulary.loading.load import VocabularyFile

WHAT = {
    "gone": "is no longer there",
    "retired": "retired",
    "not standard": "no longer standard",
    "standard": "standard now",
    "domain": "another domain",
    "renamed": "another name",
    "maps to": "another 'Maps to'",
}


@click.command(
    name="diff",
    cls=Command,
    examples={
        "omopify vocab diff old.duckdb new.duckdb --project .": "what a new release means for this project",
        "omopify vocab diff old.duckdb new.duckdb": "how many concepts of each vocabulary changed",
    },
)
@click.argument("old")
@click.argument("new")
@click.option("--project", type=click.Path(path_type=Path), help="Only what concerns this project's concepts.")
@json_option
@click.option("--show-values", is_flag=True, help="Name the values of the data that get a concept, not only how many.")
def command(old: str, new: str, project: Path | None, as_json: bool, show_values: bool) -> None:
    """Show what the vocabulary NEW changes against OLD.

    Both are files of 'omopify vocab load', or Athena downloads. With --project: which of the concepts that its maps,
    concept files and last run use are retired, no longer standard, of another domain or name, or mapped elsewhere,
    and how many values without a concept have one now. Without: the numbers of each vocabulary.
    """
    from omopify.cli.show import emit_json, progress
    from omopify.cli.vocab._project import open_project
    from omopify.errors import Problems
    from omopify.specs.project import DATABASE
    from omopify.vocabulary.checking.diff import compare
    from omopify.vocabulary.loading.chosen import chosen_vocabulary

    problems = Problems()
    loaded = plan = result = None
    if project:
        loaded, plan = open_project(project, problems)
        problems.stop_if_errors()
        result = loaded.out / DATABASE
    with progress() as say, tempfile.TemporaryDirectory(prefix="omopify-") as scratch:
        files = [chosen_vocabulary(name, problems, say) for name in (old, new)]
        say("comparing")
        difference = compare(files[0].path, files[1].path, loaded, plan, result, Path(scratch))
    if as_json:
        emit_json(_as_json(files, difference, project, show_values))
    else:
        _show(files, difference, project, show_values)


def _as_json(
    files: Sequence[VocabularyFile], difference: Difference, project: Path | None, show_values: bool
) -> dict[str, Any]:
    report: dict[str, Any] = {
        "old": {"release": files[0].release, "sha256": files[0].sha256},
        "new": {"release": files[1].release, "sha256": files[1].sha256},
        "vocabularies": [asdict(version) for version in difference.versions],
    }
    if project is None:
        return report | {"totals": [totals._asdict() for totals in difference.totals]}
    gains = [asdict(gain) for gain in difference.gains] if show_values else []
    return report | {
        "concepts_used": difference.used,
        "changes": [
            {**asdict(change), "tables": list(change.tables), "places": [str(at) for at in change.places]}
            for change in difference.changes
        ],
        "compared_with_data": difference.compared,
        "values_with_a_concept_now": len(_values(difference.gains)),
        **({"values": gains} if show_values else {}),
    }


def _show(files: Sequence[VocabularyFile], difference: Difference, project: Path | None, show_values: bool) -> None:
    from omopify.cli.show import counted, table

    click.echo(f"{files[0].release or files[0].path.name} -> {files[1].release or files[1].path.name}")
    versions = [v for v in difference.versions if v.earlier != v.later]
    if versions:
        rows = [(v.vocabulary, _version(v.earlier), _version(v.later)) for v in versions]
        table("Vocabularies", ("vocabulary", "old", "new"), rows)
    if project is None:
        names = "vocabulary,old,new,added,removed,retired,not standard,standard,domain,renamed,maps to".split(",")
        changed = [tuple(totals) for totals in difference.totals if totals.changed]
        if changed:
            table("Concepts that changed", names, changed)
        else:
            click.echo("no concept has changed")
        return
    changes = [change for change in difference.changes if change.kind != "added"]
    if changes:
        columns = ("concept", "what", "old", "new", "where", "rows")
        table("Concepts of this project", columns, [_line(change) for change in changes])
    different = len({change.concept_id for change in changes})
    click.echo(f"{counted(difference.used, 'concept')} in use, {different} changed")
    there = Counter(change.vocabulary for change in difference.changes if change.kind == "added")
    if there:
        parts = ", ".join(f"{name} {number}" for name, number in there.most_common())
        click.echo(f"{counted(there.total(), 'concept')} in use that the old vocabulary did not have: {parts}")
    _show_gains(difference, show_values)


def _version(text: str | None) -> str:
    return "not loaded" if text is None else text or "no version"


def _line(change: Change) -> tuple[object, ...]:
    from omopify.vocabulary.checking.uses import known_as

    before, after = change.earlier, change.later
    if change.kind == "domain" and change.tables[0] != change.tables[1]:
        before, after = (f"{d} ({t or 'no table'})" for d, t in zip((before, after), change.tables, strict=True))
    if change.kind in ("retired", "not standard"):
        before, after = "", f"Maps to {after}" if after else "nothing takes its place"
    where = str(known_as(change.places[0])) if change.places else "data"
    if len(change.places) > 1:
        where += f" and {len(change.places) - 1} more"
    return f"{change.concept_id} {change.name}", WHAT[change.kind], before, after, where, change.rows


def _show_gains(difference: Difference, show_values: bool) -> None:
    from omopify.cli.show import counted, table

    if not difference.compared:
        click.echo("not compared with the data: there is no run yet")
        return
    values = _values(difference.gains)
    rows = sum(values.values())
    have = "has" if len(values) == 1 else "have"
    click.echo(f"{counted(len(values), 'value')} without a concept ({counted(rows, 'row')}) {have} one now")
    if show_values and difference.gains:
        lines = [(g.value, g.concept, g.domain, g.how, f"{g.map}.{g.field}", g.rows) for g in difference.gains]
        table("Values that have a concept now", ("value", "concept", "domain", "by", "for", "rows"), lines)


def _values(gains: Sequence[Gain]) -> dict[tuple[str, str, str], int]:
    return {(gain.map, gain.field, gain.value): gain.rows for gain in gains}
