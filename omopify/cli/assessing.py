"""What run, quality and sign-off have in common: assess a result, write what was found, and show the verdict."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from omopify.quality.model import Assessment
    from omopify.quality.place import Place
    from omopify.quality.run import Options
    from omopify.quality.signoff import Pages, State
    from omopify.specs.project import Project

_SHOWN = 10
"""How many failing checks the terminal shows; the report has all."""

_COLOURS = {"ready": "green", "ready with waivers": "yellow", "not ready": "red"}


def open_place(project: Path, out: Path | None, schema: str | None = None) -> tuple[Project | None, Place]:
    """Read a project and find its result; or take a DuckDB file as it is, with its outputs in ``out``.

    Raises:
        OmopifyError: there is no project.
    """
    from omopify.errors import Problems
    from omopify.quality.place import FOLDER, Place, place_of
    from omopify.specs.project import MANIFEST, load_project

    if project.suffix in (".duckdb", ".db"):
        if out is None:
            raise click.UsageError("a database has no place for the outputs; name a folder with --out")
        # A manifest beside a partner's database would not be about it.
        return None, Place(project.absolute(), out / FOLDER / MANIFEST, out.absolute() / FOLDER, None, schema or "cdm")
    if schema is not None:
        raise click.UsageError("--schema is for a database of others; a project's CDM is in the schema 'cdm'")
    problems = Problems()
    loaded = load_project(project, problems)
    problems.stop_if_errors()
    assert loaded is not None
    return loaded, place_of(loaded, out)


def assess_and_end(
    context: click.Context,
    project: Project | None,
    place: Place,
    options: Options | None,
    *,
    strict: bool = False,
    as_json: bool = False,
    before: Mapping[str, Any] | None = None,
) -> None:
    """Assess a result, write all outputs, show the verdict, and end the command as the gate says.

    Without ``options`` the counts of the last time are judged again. With ``as_json`` the verdict is written as JSON,
    behind what is in ``before``.

    Raises:
        OmopifyError: the result cannot be assessed.
    """
    from omopify.cli.show import emit_json, progress, show_problems
    from omopify.errors import Problems
    from omopify.quality.gate import exit_code
    from omopify.quality.outputs import write_outputs
    from omopify.quality.run import assess, judge_again
    from omopify.quality.signoff import write_reports

    # Great Expectations brings 300,000 objects that stay to the end: to look for garbage among them takes a second.
    gc.disable()
    context.call_on_close(gc.enable)
    problems = Problems()
    with progress() as say:
        if options is None:
            found = judge_again(project, place, problems)
        else:
            found = assess(project, place, options, problems, say)
        say("writing the report")
        write_outputs(found.assessment, found.validation, place.folder)
        write_reports(place, pages(place))
    show_problems(problems.warnings)
    if as_json:
        emit_json({**(before or {}), "quality": _as_data(found.assessment, place)})
    else:
        _show(found.assessment, place)
    context.exit(exit_code(found.assessment.verdict, found.assessment.results, strict=strict))


def mark_void(place: Place, *, silent: bool = False) -> None:
    """Write it into the report that is there if its signature no longer holds, and say it aloud unless ``silent``."""
    from omopify.quality.signoff import state, write_reports

    found = state(place)
    if found.status == "void":
        write_reports(place, pages(place))
        if not silent:
            show_sign_off(found)


def pages(place: Place) -> Pages:
    """Return what makes the two reports of a result, from what was found and nothing else."""
    from omopify.quality.outputs.quality_json import read_document
    from omopify.quality.place import QUALITY_JSON, REPORT
    from omopify.quality.signoff import SHAREABLE
    from omopify.reports.quality import render_report

    def made(state: State) -> dict[str, str]:
        texts = {}
        for name in (REPORT, SHAREABLE):
            found = (place.folder / name).with_name(QUALITY_JSON)
            if found.is_file():  # the copy for others may have been moved on its way
                document = read_document(found.read_bytes())
                texts[name] = render_report(document, state.block(), masked=name == SHAREABLE)
        return texts

    return made


def _as_data(assessment: Assessment, place: Place) -> dict[str, Any]:
    """Return a verdict for programs; all that was found is in quality.json."""
    from omopify.quality.place import QUALITY_JSON, REPORT
    from omopify.quality.signoff import state

    verdict = assessment.verdict
    failing = [
        {"check": r.check.id, "severity": r.check.severity, "status": r.status, "waived": r.waiver is not None}
        for r in assessment.results
        if r.status in ("fail", "error")
    ]
    return {
        "verdict": verdict.verdict,
        "draft": assessment.subject.draft,
        "reasons": list(verdict.reasons),
        "counts": {severity: dict(counts) for severity, counts in verdict.counts.items()},
        "failing": failing,
        "signed": state(place).status,
        "report": str(place.folder / REPORT),
        "details": str(place.folder / QUALITY_JSON),
    }


def _show(assessment: Assessment, place: Place) -> None:
    from omopify.cli.drafts import show_draft
    from omopify.cli.show import table
    from omopify.quality.gate import COUNTED
    from omopify.quality.place import REPORT
    from omopify.quality.signoff import state
    from omopify.specs.project import shown

    verdict = assessment.verdict
    said = click.style(verdict.verdict.upper(), fg=_COLOURS[verdict.verdict], bold=True)
    click.echo(f"Quality: {said}. {verdict.reasons[0]}")
    show_draft(assessment.subject.draft_reasons)
    rows = [(severity, *(counts[word] for word in COUNTED)) for severity, counts in verdict.counts.items()]
    table("Checks", ("severity", *COUNTED), rows)
    lines = list(_failing(assessment))
    if lines:
        click.echo("Failing checks, in the order of the report")
    for line in lines[:_SHOWN]:
        click.echo(f"  {line}")
    if len(lines) > _SHOWN:
        click.echo("  ... and more in the report")
    show_sign_off(state(place))
    click.echo(shown(place.folder / REPORT))


def _failing(assessment: Assessment) -> Iterator[str]:
    """Yield a line for each card of the report: for a check, or for checks of the CDM that ask the same of fields."""
    from omopify.quality.model import Findings
    from omopify.quality.outputs.quality_json import to_document
    from omopify.reports.arrange import whole
    from omopify.reports.failing import failing

    some = replace(
        assessment, findings=Findings(), results=tuple(r for r in assessment.results if r.status in ("fail", "error"))
    )
    for group in failing(whole(to_document(some))["results"], assessment.comparison.checks_failing):
        for card in group["cards"]:
            checks = card["checks"]
            check = checks[0]["check"]
            waived = f", waived until {checks[0]['waiver']['expires']}" if checks[0]["state"] == "waived" else ""
            if len(checks) > 1:
                things = {"FIELD": "fields", "TABLE": "tables", "CONCEPT": "concepts"}[check["level"]]
                waived = ", waived" if waived else ""
                yield f"{group['severity']:<8}  {len(checks)} {things} fail {check['type']}{waived}"
            else:
                yield f"{group['severity']:<8}  {_share(checks[0])}  {check['id']}{waived}"


def _share(entry: Mapping[str, Any]) -> str:
    parts, limit = entry["parts"], entry["check"]["max_pct"]
    counted = parts[0] if parts else entry["measurement"]  # the worst part comes first, and has a limit of its own
    limit = counted.get("max_pct", limit)
    if entry["status"] == "error":
        share = "not measured"
    else:
        pct = 100 * counted["violated"] / counted["denominator"] if counted["denominator"] else 0
        share = f"{'up to ' if parts else ''}{_percent(pct)} fail"
    return f"{share:>16}, {_percent(limit or 0):>6} may"


def show_sign_off(found: State) -> None:
    """Print whether a result is signed; nothing if nobody has signed it yet."""
    if found.status != "unsigned":
        colour = "green" if found.status == "signed" else "red"
        click.echo(click.style(found.sentence(), fg=colour))


def _percent(pct: float) -> str:
    return f"{pct:.2g} %" if 0 < pct < 10 else f"{pct:.0f} %"
