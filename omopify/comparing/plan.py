"""What a run would do differently from the last one, without reading a row.

The project is compiled as a run would compile it, the files of the export are hashed, and the concept files are read;
all of that is compared with what the last run kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omopify.comparing.changes import Changes, Made, changes
from omopify.comparing.results import Kept, last
from omopify.compiler.planner import make_plan
from omopify.conversion.definitions import definitions
from omopify.conversion.sources import note_missing, requests
from omopify.conversion.terms import read_terms
from omopify.conversion.vocabulary import find_vocabulary
from omopify.errors import Problems
from omopify.progress import Progress, silent
from omopify.specs.meanings import meanings
from omopify.specs.project import Project
from omopify.staging import read_headers


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run would do."""

    before: Kept | None
    """The last result; None if there is none yet."""
    changes: Changes
    maps: int
    """How many maps would run."""
    forms: int
    """How many forms they would read."""


def plan_run(
    project: Project,
    problems: Problems,
    out: Path | None = None,
    progress: Progress = silent,
) -> Planned:
    """Compare what a run would be made of with what the last result was made of.

    Raises:
        OmopifyError: the run would not start, or the last result cannot be compared with (OM955, OM956).
    """
    before = last(project, out)
    progress("reading the maps and the headers of the export")
    draft = bool(before and before.definitions.get("draft"))
    now = would_be(project, problems, draft, progress)
    made = Made(before.definitions, before.manifest["inputs"]) if before else None
    found = changes(made, now, project)
    return Planned(before, found, len(now.definitions["maps"]), len(now.forms))


def would_be(project: Project, problems: Problems, draft: bool, progress: Progress) -> Made:
    """Return what a run would be made of if it were started now; stop at what would stop it."""
    vocabulary = find_vocabulary(project, problems)
    heads = read_headers(requests(project.pack), project.data, problems)
    for name, head in heads.items():
        if head.files:
            note_missing(project.pack, name, head.columns, head.files, problems)
    columns = {name: {c: head.labels.get(c, "") for c in head.columns} for name, head in heads.items() if head.files}
    plan = make_plan(project.pack, columns, problems)
    terms = read_terms(project.pack, plan, problems, project, draft) if plan else None
    problems.stop_if_errors()
    assert plan is not None
    assert terms is not None
    progress("comparing the files of the export")
    hashes: dict[str, str] = {}
    inputs: list[dict[str, Any]] = []
    for name, head in heads.items():
        for file in head.files:
            if file not in hashes:
                hashes[file] = _sha256(project.data / file)
            inputs.append({"source": name, "file": file, "sha256": hashes[file]})
    # What a form holds is not known before it is read, only what its files are.
    defined = definitions(project, plan, meanings(project), terms, vocabulary, {})
    return Made(defined, inputs)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
