"""Suggestions where stewards review them: in the concept files that the project's maps look in.

The loop is: a run says which values have no concept; ``suggest`` writes a proposal for each into the project's own
concept file; a person sets APPROVED (in a spreadsheet or in Usagi); the next run has fewer values without a concept.
So a proposal is an UNCHECKED row in the very file that the map asks, with the next best candidates and the reasons
beside it, and whatever a person has decided stays as it is.

Counts of few rows may tell who somebody is when such a file is passed on, so they are left out.

Problems:

* OM675  the project has not been run, so nobody knows which values have no concept
* OM676  the result was made by another version of omopify, or is open in another program
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from omopify.compiler.fields import fold
from omopify.compiler.plan import Plan
from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.errors import Location, OmopifyError, Problem, Problems
from omopify.resources import data
from omopify.specs.project import Project, shown
from omopify.vocabulary.files.concept_files import (
    UNREVIEWED,
    ConceptFile,
    for_usagi,
    read_concept_file,
    write_concept_file,
)
from omopify.vocabulary.files.concept_rows import SUGGESTED_BY, ConceptRow
from omopify.vocabulary.suggestion.suggest import Candidate, Memory, Request, Suggestion

WHY = "why"
OTHERS = "alternatives"
"""Usagi's additional columns that explain a proposal (``ADD_INFO:why``, ``ADD_INFO:alternatives``)."""
PROPOSED = "proposed"
"""The concept id that was proposed: a row with another one is somebody's work."""

_EVENTS = ("Condition", "Observation", "Procedure", "Measurement")
_ENOUGH = 3
"""So many agreed rows of a file tell of which domains its concepts are."""


@dataclass(frozen=True, slots=True)
class Question:
    """A value without an agreed concept, and the concept file that its map asks."""

    file: str
    request: Request


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written: how many terms got a proposal, for how many nothing was found, how many were kept."""

    path: Path
    proposed: int
    nothing: int
    decided: int


@dataclass
class Files:
    """The concept files of a project: what maps look in, with the pack's rows and the project's own."""

    project: Project
    own: Mapping[str, ConceptFile]
    shipped: Mapping[str, ConceptFile]

    def rows(self, file: str) -> tuple[ConceptRow, ...]:
        """Return the project's own rows of a file, then the pack's."""
        return tuple(row for one in (self.own.get(file), self.shipped.get(file)) if one for row in one.rows)


def read_files(plan: Plan, project: Project, problems: Problems) -> Files:
    """Read the concept files that maps look in; what is wrong with them is noted (see ``read_concept_file``)."""
    own: dict[str, ConceptFile] = {}
    shipped: dict[str, ConceptFile] = {}
    for name in sorted({lookup.file for step in plan.maps for lookup in step.lookups if lookup.file}):
        packed, mine = project.concept_file(name)
        for path, into in ((packed, shipped), (mine, own)):
            if path.is_file() and (found := read_concept_file(path, problems)):
                into[name] = found
    return Files(project, own, shipped)


def open_questions(plan: Plan, files: Files, result: Path) -> tuple[list[Question], list[str]]:
    """Return what of the last run has no agreed concept.

    Args:
        plan: the plan of the project's maps.
        files: the project's concept files.
        result: the database that the run wrote.

    Returns:
        The values that maps look up in concept files, those of most rows first; and the places (``map.field``) of
        values without a concept that are looked up in vocabularies only.

    Raises:
        OmopifyError: OM675, OM676.
    """
    looked_up = _looked_up(result, files.project)
    unchecked = {
        (name, fold(said))
        for name, file in files.own.items()
        for row in file.rows
        for said in row.said
        if row.status in UNREVIEWED
    }
    in_files = {(name, field) for name, field, file, *_ in looked_up if file}
    asked = {
        (step.name, lookup.field, lookup.file): (lookup.domain,) if lookup.domain else lookup.domains
        for step in plan.maps
        for lookup in step.lookups
    }
    grouped: dict[tuple[str, str], list[tuple[str, str, str, int]]] = {}
    elsewhere = set()
    for name, field, file, value, rows, rows_open in looked_up:
        if file and (rows_open or (file, fold(value)) in unchecked):
            grouped.setdefault((file, fold(value) or value), []).append((name, field, value, rows_open or rows))
        elif rows_open and (name, field) not in in_files:
            elsewhere.add(f"{name}.{field}")
    questions = []
    for (file, _), said in grouped.items():
        value = max(said, key=lambda one: (one[3], one[2]))[2]
        domains = {domain for name, field, _, _ in said for domain in asked.get((name, field, file), ())}
        rows_of_file = files.rows(file)
        request = Request(
            value,
            sum(count for *_, count in said),
            tuple(sorted(domains or _usual_domains(rows_of_file))),
            _described(value, rows_of_file),
        )
        questions.append(Question(file, request))
    return sorted(questions, key=lambda one: (-one.request.rows, one.file, one.request.value)), sorted(elsewhere)


def _looked_up(result: Path, project: Project) -> list[tuple[str, str, str | None, str, int, int]]:
    """Return (map, field, concept file, value, rows, rows without a concept) of the last run."""
    again = shown(project.folder)
    if not result.is_file():
        hint = f"convert it first: omopify run {again}"
        raise OmopifyError(Problem("OM675", "there is no result of a run yet", Location(shown(result)), hint))
    try:
        with DuckDB(result, read_only=True) as database:
            return database.rows(render("vocabulary/suggest/open.sql"))
    except OmopifyError:
        message = "the result of the last run does not say what was looked up, or cannot be opened"
        hint = f"close programs that have it open, and run again: omopify run {again}"
        raise OmopifyError(Problem("OM676", message, Location(shown(result)), hint)) from None


def _usual_domains(rows: Sequence[ConceptRow]) -> tuple[str, ...]:
    agreed = [row for row in rows if row.status == "APPROVED" and row.concept_id and row.mapping_type == "MAPS_TO"]
    domains = {row.domain_id for row in agreed if row.domain_id} if len(agreed) >= _ENOUGH else set()
    # what happens to people is shared out over tables by the domain of its concept
    return tuple(domains | set(_EVENTS) if domains & set(_EVENTS[:1]) else domains)


def _described(value: str, rows: Sequence[ConceptRow]) -> tuple[str, ...]:
    """Return what a concept file calls the value besides: the name that goes with a code."""
    said = {text for row in rows if fold(value) in map(fold, row.said) for text in row.said}
    return tuple(sorted(text for text in said if fold(text) != fold(value)))


def remembered(files: Files) -> Memory:
    """Return what is agreed: in the project's concept files, and in those of all trials that ship with omopify."""
    memory = Memory()
    seen: set[Path] = set()
    for name in sorted({*files.own, *files.shipped}):
        for file in (files.own.get(name), files.shipped.get(name)):
            if file:
                seen.add(file.path.resolve())
                memory.learn(file.rows, name.replace("/concepts/", "/"))
    for path in sorted(data("mappings").glob("*/concepts/**/*.csv")):
        if path.resolve() not in seen and (found := read_concept_file(path, Problems())):
            memory.learn(found.rows, path.relative_to(data("mappings")).as_posix().replace("/concepts/", "/"))
    return memory


def write_proposals(
    questions: Sequence[Question], suggestions: Sequence[Suggestion], files: Files, out: Path | None, min_count: int
) -> list[Written]:
    """Write a proposal for each question that has a file; return what was written.

    Args:
        questions: the values.
        suggestions: what may be meant, in the order of the questions.
        files: the project's concept files.
        out: a folder for the files; None updates the project's own.
        min_count: counts of fewer rows are left out.
    """
    by_file: dict[str, list[Suggestion]] = {}
    for question, suggestion in zip(questions, suggestions, strict=True):
        by_file.setdefault(question.file, []).append(suggestion)
    written = []
    for name, some in sorted(by_file.items()):
        mine = files.project.concept_file(name)[1]
        path = out / mine.relative_to(files.project.folder / files.project.file.concepts) if out else mine
        before = files.own.get(name) or ConceptFile(path, ())
        rows, counts = _merged(before.rows, some, files.shipped.get(name), min_count)
        whole = for_usagi(replace(before, rows=rows)) if not before.rows else replace(before, rows=rows)
        write_concept_file(whole, path)
        written.append(Written(path, *counts))
    return written


def _merged(
    before: Sequence[ConceptRow], suggestions: Sequence[Suggestion], shipped: ConceptFile | None, min_count: int
) -> tuple[tuple[ConceptRow, ...], tuple[int, int, int]]:
    """Put proposals where the rows of their terms are, or at the end; rows that a person has touched stay."""
    touched = {fold(said) for row in before if not _replaceable(row) for said in row.said}
    asked = {fold(one.request.value): one for one in suggestions}
    known = {fold(said): row for row in (*(shipped.rows if shipped else ()), *before) for said in row.said}
    proposals = {key: _proposal(one, known.get(key), min_count) for key, one in asked.items() if key not in touched}
    found = sum(one.best is not None for key, one in asked.items() if key in proposals)
    counts = (found, len(proposals) - found, len(asked) - len(proposals))
    rows: list[ConceptRow] = []
    placed: set[str] = set()
    for row in before:
        key = next((key for said in row.said if (key := fold(said)) in proposals), None)
        if key is None or not _replaceable(row):
            rows.append(row)
        elif key not in placed:
            placed.add(key)
            rows += proposals[key]
    rows += [row for key, some in proposals.items() if key not in placed for row in some]
    return tuple(rows), counts


def _replaceable(row: ConceptRow) -> bool:
    """Say whether nobody has decided on a row: it is a proposal as we wrote it, or has no concept and no state yet."""
    proposed = row.info.get(PROPOSED, "")
    return row.status in UNREVIEWED and str(row.concept_id) == (proposed or "0")


def _proposal(suggestion: Suggestion, known: ConceptRow | None, min_count: int) -> list[ConceptRow]:
    """Return the rows for a value: one for each target of its best candidate, or one without a concept."""
    value = suggestion.request.value
    info = {
        WHY: suggestion.why,
        OTHERS: " | ".join(_shown(one) for one in suggestion.candidates if one != suggestion.best),
    }
    count = suggestion.request.rows if suggestion.request.rows >= min_count else None
    plain = ConceptRow(
        line=0,
        source_code=known.source_code.strip() or value if known else value,
        source_name=known.source_name.strip() or value if known else value,
        concept_id=0,
        concept_name="Unmapped",
        frequency=count,
        created_by=SUGGESTED_BY,
        comment=known.comment if known else "",
        assigned_reviewer=known.assigned_reviewer if known else "",
        info={**(known.info if known else {}), **info, PROPOSED: "0"},
        extra=known.extra if known else {},
    )
    best = suggestion.best
    if best is None:
        return [plain]
    return [
        replace(
            plain,
            concept_id=target.concept_id,
            concept_name=target.name,
            domain_id=target.domain_id,
            mapping_type=target.mapping_type,
            match_score=round(best.score, 2),
            info={**plain.info, PROPOSED: str(target.concept_id)},
        )
        for target in best.targets
    ]


def _shown(candidate: Candidate) -> str:
    targets = " + ".join(f"{target.concept_id} {target.name}" for target in candidate.targets)
    return f"{targets} ({candidate.score:.2f})"
