"""Look at a result: expand the suites into checks, measure, judge, and put what was found together.

Measuring and judging are apart.  ``assess`` asks the database; ``judge_again`` takes the counts of the last time from
``quality.json``, so that another threshold or a waiver needs no data.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import Any

from omopify import cdm
from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.errors import Location, OmopifyError, Problem, Problems, did_you_mean
from omopify.progress import Progress
from omopify.quality import delivery, drafts, findings, gate, judging, suites
from omopify.quality.model import Assessment, Check, Context, Measurement, Subject
from omopify.quality.outputs.quality_json import from_json
from omopify.quality.place import QUALITY_JSON, Place, has_unsaved_rows, sha256
from omopify.specs.project import Project, shown
from omopify.specs.quality import CHANGES, WAIVERS, ChangesFile, SuiteFile, WaiversFile, read_quality_file


@dataclass(frozen=True, slots=True)
class Options:
    """What a quality run may be told."""

    transfer: str | None = None
    """The transfer that the data are for, instead of the project's."""
    show_terms: bool = False
    """Whether terms without a concept are shown; they are values of the export."""
    memory_limit: str | None = None
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Assessed:
    """What was found, and Great Expectations' own account of the judging."""

    assessment: Assessment
    validation: dict[str, Any]


def assess(project: Project | None, place: Place, options: Options, problems: Problems, progress: Progress) -> Assessed:
    """Check a result and judge it.

    ``project`` is None for a database that no project made: only what holds for each CDM is asked then.

    Raises:
        OmopifyError: there is no result, or something is wrong with the suites, the changes or the waivers.
    """
    if not place.database.is_file():
        hint = "'omopify run' makes it" if project else "give a DuckDB file that holds a CDM"
        raise OmopifyError(Problem("OM820", "there is no result to look at", Location(shown(place.database)), hint))
    if has_unsaved_rows(place.database):
        hint = "close the program that has it open, or run 'omopify run' again"
        message = "another program is changing this result, or has not closed it"
        raise OmopifyError(Problem("OM828", message, Location(shown(place.database)), hint))
    clock = _Clock()
    progress("reading the suites")
    loaded = suites.load_suites(project, problems)
    changes, waivers = _decisions(project, problems)
    problems.stop_if_errors()
    manifest = delivery.read_manifest(place.manifest) if project else {}
    attached = delivery.attached(place.register, place.database)
    with DuckDB(
        place.database,
        attached,
        memory_limit=options.memory_limit,
        threads=options.threads,
        read_only=True,
        name="result",
    ) as db:
        if project:
            delivery.stop_if_older(db, place.database)
        context = _context(db, project, place, options)
        checks = suites.apply_changes(suites.expand_all(loaded, context), changes, problems)
        problems.stop_if_errors()
        clock.lap("suites")
        measured = suites.measure_all(db, checks, context, progress)
        clock.lap("measure")
        progress("judging")
        results, validation = _judge(loaded, checks, measured, waivers, problems)
        problems.stop_if_errors()
        clock.lap("judge")
        progress("putting the findings together")
        found = findings.find(db, project, context, manifest, options.show_terms)
        comparison = delivery.compare(db, context, results, manifest)
        subject = _subject(db, project, place, context, manifest)
        clock.lap("findings")
    assessment = Assessment(subject, gate.verdict(results), results, found, comparison, clock.seconds)
    return Assessed(assessment, validation)


def judge_again(project: Project | None, place: Place, problems: Problems) -> Assessed:
    """Judge the counts of the last quality run by today's thresholds, changes and waivers, without any data.

    Raises:
        OmopifyError: there was no quality run, it has not measured a check that suites now ask for, or
            something is wrong with the suites, the changes or the waivers.
    """
    path = place.folder / QUALITY_JSON
    if not path.is_file():
        raise OmopifyError(Problem("OM821", "nothing was measured yet", Location(shown(path)), "run 'omopify quality'"))
    before = from_json(path.read_bytes())
    loaded = suites.load_suites(project, problems)
    changes, waivers = _decisions(project, problems)
    problems.stop_if_errors()
    context = _remembered(project, before, place)
    checks = suites.apply_changes(suites.expand_all(loaded, context), changes, problems)
    problems.stop_if_errors()
    measured = {result.check.id: result.measurement for result in before.results}
    asked = {result.check.id: _asked(result.check) for result in before.results}
    unknown = [check.id for check in checks if asked.get(check.id) != _asked(check)]
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        message = f"the check '{unknown[0]}'{more} was not measured as the suites ask it now"
        raise OmopifyError(Problem("OM822", message, Location(shown(path)), "run 'omopify quality' without --rejudge"))
    kept = [measured[check.id] for check in checks]
    results, validation = _judge(loaded, checks, kept, waivers, problems)
    problems.stop_if_errors()
    subject = replace(before.subject, generated_at=_now())
    return Assessed(replace(before, subject=subject, verdict=gate.verdict(results), results=results), validation)


def _asked(check: Check) -> str:
    """Return what a check asked the database: its parameters without thresholds."""
    return json.dumps({name: said for name, said in check.parameters.items() if name != "parts"}, sort_keys=True)


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = round(now - self._last, 3)
        self._last = now


def _decisions(project: Project | None, problems: Problems) -> tuple[ChangesFile | None, WaiversFile | None]:
    if project is None:
        return None, None
    changes, waivers = project.quality / CHANGES, project.quality / WAIVERS
    return (
        read_quality_file(ChangesFile, changes, problems) if changes.is_file() else None,
        read_quality_file(WaiversFile, waivers, problems) if waivers.is_file() else None,
    )


def _judge(
    loaded: Sequence[SuiteFile],
    checks: Sequence[Check],
    measured: Sequence[Measurement],
    waivers: WaiversFile | None,
    problems: Problems,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    results, validation = judging.judge(loaded, checks, measured)
    return gate.apply_waivers(results, waivers, date.today(), problems), validation


def _context(db: DuckDB, project: Project | None, place: Place, options: Options) -> Context:
    known = db.rows(render("quality/subject/schemas.sql"))
    schemas = {schema for schema, database in known if database != "last"}
    if project is None and place.schema.casefold() not in schemas:
        hint = did_you_mean(place.schema, schemas) or (
            f"it has: {', '.join(sorted(schemas)) or 'none'}; name the one that holds the CDM with --schema"
        )
        message = f"there is no schema '{place.schema}' in this database"
        raise OmopifyError(Problem("OM826", message, Location(shown(place.database)), hint))
    present = {name for name in ("dsp", "audit") if name in schemas} | {"cdm"}
    if any(database == "last" for _, database in known):
        present.add("last")
    transfer = options.transfer or (project.file.quality.transfer if project else None)
    return Context(place.schema, frozenset(present), *_of(project), transfer)


def _of(project: Project | None) -> tuple[Mapping[str, tuple[str, ...]], Mapping[str, Any]]:
    return (project.pack.trial.stated(), project.pack.tables) if project else ({}, {})


def _remembered(project: Project | None, before: Assessment, place: Place) -> Context:
    # What the result has is written in what was measured: a check that could not be asked says why.
    return Context(place.schema, frozenset({"cdm", "dsp", "audit", "last"}), *_of(project), before.subject.transfer)


def _subject(
    db: DuckDB, project: Project | None, place: Place, context: Context, manifest: Mapping[str, Any]
) -> Subject:
    fields = [field.name for field in cdm.tables()["cdm_source"].fields]
    try:
        rows = db.rows(render("quality/subject/cdm_source.sql.jinja", cdm=place.schema, fields=fields))
    except OmopifyError:  # a partner's CDM may lack the table; a check of its own says so
        rows = []
    source: dict[str, str | int | None] = dict(zip(fields, rows[0] if rows else (None,) * len(fields), strict=True))
    names = ("omopify", "duckdb", "polars", "great_expectations")
    versions = {name: version(name) for name in names}
    versions["vocabulary"] = str(source["vocabulary_version"] or "unknown")
    versions["cdm"] = str(manifest.get("cdm_version") or source["cdm_version"] or "unknown")
    synthetic = "audit" in context.schemas and bool(db.rows(render("quality/subject/is_synthetic.sql"))[0][0])
    return Subject(
        trial=project.pack.trial.trial if project else str(source["cdm_source_abbreviation"] or "cdm"),
        name=project.pack.trial.name if project else str(source["cdm_source_name"] or place.database.name),
        generated_at=_now(),
        release_date=str(source["source_release_date"]) if source["source_release_date"] else None,
        data_sha256=sha256(place.database),
        small_cell=project.file.quality.small_cell if project else 5,
        transfer=context.transfer,
        versions=versions,
        cdm_source=source,
        synthetic=synthetic,
        draft=drafts.is_draft(manifest),
        draft_reasons=drafts.reasons(manifest),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
