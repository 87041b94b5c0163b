"""Check every concept that a project's maps and concept files name, against the vocabulary and the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from omopify.compiler.plan import Plan
from omopify.compiler.render import render
from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import Problems
from omopify.specs.project import Project
from omopify.vocabulary.checking import rows as check_rows
from omopify.vocabulary.checking.concepts import ask, judge, prepare
from omopify.vocabulary.checking.repair import Finding
from omopify.vocabulary.checking.rows import Looked
from omopify.vocabulary.checking.uses import Mapped, Use, concept_files, constants, pack_of, targets
from omopify.vocabulary.files.local import LocalConcept


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked, and against what."""

    project: Project
    plan: Plan
    vocabulary: Path
    """The vocabulary file."""
    extract: bool = False
    """It is an extract that ships with omopify: a concept that it lacks may well exist."""
    local: Sequence[LocalConcept] = ()
    """Concepts of the trial's own."""
    result: Path | None = None
    """The database of the last run, if there is one: what its data said."""
    on: date | None = None
    """The day on which concepts must be valid; None for what the vocabulary itself says."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a check has looked at and found; the findings' repairs are to be applied in their order."""

    findings: tuple[Finding, ...]
    concepts: int
    """The places where a concept id stands."""
    files: int
    """The concept files."""
    compared: bool
    """Whether there was a result whose values could be compared."""


def check(subject: Subject, problems: Problems, show_values: bool = False) -> Report:
    """Check all concepts of a project; what cannot even be read goes to *problems*.

    Repairs are given for files of the project's own only: what was installed is never written to.
    """
    unread = Problems()
    files = concept_files(subject.plan, subject.project, unread)
    uses = [*constants(subject.plan, subject.project), *(use for mapped in files for use in targets(mapped))]
    said = read_data(subject.result)
    findings = list(_rows(files, subject, said, show_values))
    findings += _concepts(uses, subject)
    findings = [_owned(finding, subject.project) for finding in {f.problem: f for f in findings}.values()]
    places = {finding.problem.at for finding in findings}
    # What the reader warns of as a whole is told here cell by cell.
    problems.extend(p for p in unread.found if p.severity == "error" or p.at not in places)
    return Report(tuple(findings), len(uses), len(files), said is not None)


def _rows(
    files: Sequence[Mapped], subject: Subject, said: Sequence[Looked] | None, show_values: bool
) -> Iterator[Finding]:
    for mapped in files:
        yield from check_rows.cells(mapped)
        yield from check_rows.duplicates(mapped)
        yield from check_rows.conflicts(mapped)
    yield from check_rows.across(files, subject.plan)
    if said is not None:
        own = frozenset(str(mapped.path) for mapped in files if not pack_of(mapped.path, subject.project))
        yield from check_rows.against_data(files, subject.plan, said, own, show_values)


def _concepts(uses: Sequence[Use], subject: Subject) -> Iterable[Finding]:
    with DuckDB(None, [Attached("athena", subject.vocabulary, read_only=True)]) as db:
        prepare(subject.local, db)
        facts = ask(uses, subject.local, db)
    return [finding for use in uses for finding in judge(use, facts, subject.on, subject.extract)]


def read_data(result: Path | None) -> list[Looked] | None:
    """Return what the last run looked up; None if there was none, or it was of an older omopify."""
    if result is None or not result.is_file():
        return None
    with DuckDB(result, read_only=True) as db:
        if not db.rows(render("vocabulary/check/has_lookups.sql"))[0][0]:
            return None
        return [Looked(*row) for row in db.rows(render("vocabulary/check/lookups.sql"))]


def _owned(finding: Finding, project: Project) -> Finding:
    """Say what ``--fix`` would do; in a file that is not the steward's, name its pack and take the repair away."""
    at, problem = finding.problem.at, finding.problem
    pack = pack_of(Path(at.path), project) if at else ""
    if not pack:
        hint = f"{problem.hint} (--fix does it)" if finding.repair else problem.hint
        return replace(finding, problem=replace(problem, hint=hint))
    if problem.code != "OM658":
        mend = "tell its authors"
        if at and at.path.endswith(".csv"):
            mend = "put a row of your own into the project's concept file"
        owner = f"the file is of the pack '{pack}', outside the project's folder"
        problem = replace(problem, hint=f"{problem.hint} ({owner}: {mend})")
    return replace(finding, problem=problem, repair=None, pack=pack)
