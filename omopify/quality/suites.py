"""From suites to measured checks: read them, expand them, change them as the project decides, and have them measured.

Each kind of expectation is a module with two functions, ``expand`` and ``measure``; this is the place that knows which
is whose.  All mistakes of all suites are shown at once, before anything is asked of the database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from omopify.cdm import tables as tables_of_cdm
from omopify.compiler.render import render_text
from omopify.engines.duckdb import DuckDB
from omopify.errors import Location, OmopifyError, Problems, did_you_mean
from omopify.progress import Progress, silent
from omopify.quality import builtin, cdm, dsp, sqlchecks
from omopify.quality.model import Change, Check, Context, Measurement
from omopify.resources import data
from omopify.specs.project import Project, shown
from omopify.specs.quality import (
    CDM_CHECKS,
    CHANGES,
    DSP_CONFORMS,
    FEW_VIOLATIONS,
    OWN_TYPES,
    WAIVERS,
    ChangesFile,
    ExpectationSpec,
    FewViolationsKwargs,
    SuiteFile,
    read_suite,
)

FOR_EVERY_CDM = "omop54"
"""The folder of the suites that hold for a CDM whoever made it."""

_NO_SUITES = ("check_types.yaml",)
"""Files beside the shipped suites that hold what several of them share."""


class Kind(Protocol):
    """A module that knows one kind of expectation."""

    def expand(self, suite: SuiteFile, spec: ExpectationSpec, context: Context) -> tuple[Check, ...]:
        """Return the checks of one expectation."""

    def measure(self, db: DuckDB, checks: Sequence[Check], context: Context) -> list[Measurement]:
        """Count what each check asks for; one measurement for each check."""


_KINDS: Mapping[str, Kind] = {CDM_CHECKS: cdm, FEW_VIOLATIONS: sqlchecks, DSP_CONFORMS: dsp}


def _kind(expectation: str) -> Kind:
    return _KINDS.get(expectation, builtin)


def load_suites(project: Project | None, problems: Problems) -> tuple[SuiteFile, ...]:
    """Read the shipped suites and the project's own; note all mistakes of all of them.

    Without a project only those that hold for every CDM are read.
    """
    shipped = data("quality") if project else data("quality", FOR_EVERY_CDM)
    paths = sorted(path for path in shipped.rglob("*.yaml") if path.name not in _NO_SUITES)
    own = _own(project, problems) if project else []
    read = [(suite, path in own) for path in (*paths, *own) if (suite := read_suite(path, problems))]
    seen: dict[str, SuiteFile] = {}
    for suite, _ in read:
        if seen.setdefault(suite.name, suite) is not suite:
            hint = f"the other one is {seen[suite.name].at().path}; give this one a name of its own"
            problems.add("OM802", f"there are two suites called '{suite.name}'", suite.at("name"), hint)
    for suite, is_own in read:
        _check(suite, project if is_own else None, problems)
    suites = tuple(suite for suite, _ in read)
    cdm.check(suites, problems)
    builtin.check(suites, problems)
    return suites


def _own(project: Project, problems: Problems) -> list[Path]:
    folder = project.quality
    if not folder.is_dir():
        if "folder" in project.file.quality.model_fields_set:
            hint = "make it, or leave 'folder:' out"
            at = project.file.at("quality", "folder")
            problems.add("OM800", f"there is no folder '{project.file.quality.folder}' for suites", at, hint)
        return []
    for path in sorted((*folder.glob("*.yml"), *folder.glob("*.yaml.txt"))):
        hint = f"rename it to '{path.name.partition('.')[0]}.yaml'"
        problems.add("OM120", f"'{path.name}' is not read", Location(shown(path)), hint, severity="warning")
    return sorted(path for path in folder.glob("*.yaml") if path.name not in (CHANGES, WAIVERS))


def _check(suite: SuiteFile, project: Project | None, problems: Problems) -> None:
    """Note what is wrong beyond the words of one expectation; *project* is given for its own suites."""
    types = (*OWN_TYPES, *builtin.names())
    names: set[str] = set()
    for place, spec in enumerate(suite.expectations):
        steps = ("expectations", place)
        if spec.type not in types:
            hint = did_you_mean(spec.type, types)
            problems.add("OM801", f"there is no expectation '{spec.type}'", suite.at(*steps, "type"), hint)
        if project:
            _check_names(suite, place, project, problems)
        if spec.type == FEW_VIOLATIONS:
            kwargs = FewViolationsKwargs.model_validate(spec.kwargs)
            if kwargs.check in names:
                at = suite.at(*steps, "kwargs", "check")
                problems.add("OM803", f"the suite has two checks called '{kwargs.check}'", at)
            names.add(kwargs.check)
            if suite.meta_of(spec).table is None:
                hint = "say under 'meta:' which table the rows are of, as 'table: cdm.person'"
                problems.add("OM807", f"the check '{kwargs.check}' has no table", suite.at(*steps), hint)
            _check_query(suite, place, kwargs, project, problems)


def _check_names(suite: SuiteFile, place: int, project: Project, problems: Problems) -> None:
    """Note facts and tables that cannot be there: their checks would not apply, and nobody would notice."""
    meta = suite.meta_of(suite.expectations[place])
    audit = re.findall(r"CREATE (?:TABLE|VIEW) (audit\.\w+)", data("sql", "audit", "tables.sql").read_text("utf-8"))
    facts = [f"trial.{fact}" for fact in project.pack.trial.fact_names()]
    tables = [*(f"cdm.{name}" for name in tables_of_cdm()), *(f"dsp.{name}" for name in project.pack.tables), *audit]
    for number, name in enumerate(("", *meta.needs)):
        name = name or meta.table or ""
        at = suite.at("expectations", place, "meta", *(("needs", number - 1) if number else ("table",)))
        if name.startswith("trial.") and name not in facts:
            word = name.removeprefix("trial.")
            problems.add("OM806", f"the trial has no fact '{word}'", at, did_you_mean(name, facts))
        elif "." in name and not name.startswith("trial.") and name not in tables:
            problems.add("OM808", f"there is no table '{name}'", at, did_you_mean(name, tables))


def _check_query(
    suite: SuiteFile, place: int, kwargs: FewViolationsKwargs, project: Project | None, problems: Problems
) -> None:
    if kwargs.sql is not None:
        known = sqlchecks.shipped_queries()
        if kwargs.sql not in known:
            at = suite.at("expectations", place, "kwargs", "sql")
            problems.add("OM805", f"there is no shipped query '{kwargs.sql}'", at, did_you_mean(kwargs.sql, known))
    elif kwargs.rows is not None and project:
        facts = project.pack.trial.stated()
        try:
            render_text(
                kwargs.rows, trial=facts, parameters=kwargs.parameters, cdm="cdm", dsp=sorted(project.pack.tables)
            )
        except OmopifyError as error:
            at = suite.at("expectations", place, "kwargs", "rows")
            problems.extend(replace(problem, at=at) for problem in error.problems)


def expand_all(suites: Sequence[SuiteFile], context: Context) -> tuple[Check, ...]:
    """Return all checks of all suites, in the order of the suites.

    Raises:
        OmopifyError: OM803 two expectations ask the same.
    """
    found: dict[str, Check] = {}
    problems = Problems()
    for suite in suites:
        for place, spec in enumerate(suite.expectations):
            for check in _kind(spec.type).expand(suite, spec, context):
                if check.id in found:
                    hint = "ask it once; a threshold or severity of a shipped check is changed in changes.yaml"
                    message = f"the check '{check.id}' is asked twice, in suite '{found[check.id].suite}' already"
                    problems.add("OM803", message, suite.at("expectations", place), hint)
                found[check.id] = replace(check, expectation=spec.type, place=place)
    problems.stop_if_errors()
    return tuple(found.values())


def measure_all(
    db: DuckDB, checks: Sequence[Check], context: Context, progress: Progress = silent
) -> list[Measurement]:
    """Have each check measured by its own kind; checks that are off are not measured."""
    kinds: dict[str, list[Check]] = {}
    for check in checks:
        if not (check.change and check.change.off):
            name = check.expectation if check.expectation in _KINDS else ""
            kinds.setdefault(name, []).append(check)
    measured: list[Measurement] = []
    asking = sum(map(len, kinds.values()))
    for name, asked in kinds.items():
        progress(f"asking the database: {len(measured)} of {asking} checks", len(measured), asking)
        measured += _kind(name).measure(db, asked, context)
    return measured


def apply_changes(checks: Sequence[Check], changes: ChangesFile | None, problems: Problems) -> tuple[Check, ...]:
    """Return the checks as the project has changed them, each change with what stood there before.

    Notes OM810 for a change that matches no check, OM811 for a word that two changes say about one check, and OM812
    for a change that changes nothing.
    """
    if changes is None:
        return tuple(checks)
    ids = [check.id for check in checks]
    said: dict[str, dict[str, int]] = {}
    for number, change in enumerate(changes.changes):
        said_here = {"max_pct": change.max_pct, "severity": change.severity, "off": change.off or None}
        words = [word for word, value in said_here.items() if value is not None]
        if not words:
            hint = "say 'max_pct:', 'severity:' or 'off: true'"
            at = changes.at("changes", number)
            problems.add("OM812", f"this change of '{change.check}' changes nothing", at, hint)
        matching = _matching(change.check, ids)
        if not matching:
            at = changes.at("changes", number, "check")
            hint = did_you_mean(change.check, ids) or "the report lists all checks with their ids"
            problems.add("OM810", f"there is no check '{change.check}' to change", at, hint)
        for check_id in matching:
            for word in words:
                first = said.setdefault(check_id, {}).setdefault(word, number)
                if first != number:
                    at = changes.at("changes", number, word, key=True)
                    line = changes.at("changes", first, word, key=True).line
                    message = f"'{word}' of the check '{check_id}' is changed twice"
                    problems.add("OM811", message, at, f"first on line {line}")
    return tuple(_changed(check, said[check.id], changes) if check.id in said else check for check in checks)


def _matching(pattern: str, ids: Sequence[str]) -> list[str]:
    matches = re.compile(".*".join(map(re.escape, pattern.split("*")))).fullmatch
    return [check_id for check_id in ids if matches(check_id)]


def _changed(check: Check, said: Mapping[str, int], changes: ChangesFile) -> Check:
    """Return a check as it is changed: *said* has for each word the number of the change that says it."""
    values = {word: getattr(changes.changes[number], word) for word, number in said.items()}
    specs = [changes.changes[number] for number in sorted(set(said.values()))]
    change = Change(
        reason="; ".join(spec.reason for spec in specs),
        author="; ".join(dict.fromkeys(spec.author for spec in specs)),
        date=max(spec.date for spec in specs),
        default_max_pct=check.max_pct,
        default_severity=check.severity,
        off=values.pop("off", False),
    )
    return replace(check, **values, change=change)
