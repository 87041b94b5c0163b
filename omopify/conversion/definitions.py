"""What each map said when a run used it: ``definitions.json`` beside the result.

``omopify plan`` and ``omopify diff`` compare by it, so that they can say in words what has changed and why.  It holds
what people wrote (maps, value lists, SELECTs, and the SQL they compile to) and nothing of a patient.  Terms of concept
files stand there as hashes: some of them are words of an export.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omopify import __version__
from omopify.compiler.fields import fold
from omopify.compiler.plan import Plan
from omopify.compiler.render import script
from omopify.conversion.terms import Terms
from omopify.conversion.vocabulary import Vocabulary
from omopify.specs.meanings import CONCEPTS, MAP, TRIAL, Meaning, concept_files
from omopify.specs.project import Project
from omopify.staging import StagedSource

SCHEMA_VERSION = 1


def definitions(
    project: Project,
    plan: Plan,
    said: Sequence[Meaning],
    terms: Terms,
    vocabulary: Vocabulary,
    forms: Mapping[str, Sequence[str]],
    draft: bool = False,
) -> dict[str, Any]:
    """Return what a run of a project is made of.

    Args:
        project: the project.
        plan: its compiled maps.
        said: what its parts say (:func:`~omopify.specs.meanings.meanings`).
        terms: the rows of concept files that count.
        vocabulary: what is looked up in.
        forms: what tells the content of each form (``form_hashes``).
        draft: whether rows of concept files count that nobody has checked.
    """
    parts = {part.part: part for part in said}
    loaded = {one.spec.map: one for one in project.pack.maps}
    maps = {
        step.name: {
            **_part(parts[f"{MAP}{step.name}"]),
            "reads": list(step.reads),
            "references": list(step.references),
            "links": [link.map for link in step.links],
            "writes": list(step.writes),
            "concepts": [f"{loaded[step.name].pack}/{via}" for via in concept_files(loaded[step.name])],
            "looks_up": any(lookup.vocabularies for lookup in step.lookups) or bool(step.constants),
            "sql": script(step),
        }
        for step in plan.maps
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "omopify": __version__,
        "draft": draft,
        "vocabulary": {"release": vocabulary.release, "parts": [list(part) for part in vocabulary.parts]},
        "trial": _part(parts[TRIAL]),
        "scopes": {name: scope.source for name, scope in project.pack.trial.scope.items()},
        "eras": project.pack.eras.tables(),
        "forms": {name: list(hashes) for name, hashes in forms.items()},
        "maps": maps,
        "concepts": {
            name: {"sha256": parts[f"{CONCEPTS}{name}"].sha256, "terms": aims} for name, aims in _aims(terms).items()
        },
    }


def term_hash(term: str) -> str:
    """Return what stands for a term of a concept file: spellings that a look-up takes for one have one hash."""
    return hashlib.sha256(fold(term).encode()).hexdigest()[:16]


def form_hashes(sources: Mapping[str, StagedSource]) -> dict[str, list[str]]:
    """Return what tells the content of each form: the hash of each of its files, or of its worksheet alone."""
    return {
        name: [_sha256(file.parquet) if file.sheet else file.sha256 for file in source.files]
        for name, source in sources.items()
        if source.files
    }


def made_of(defined: Mapping[str, Any]) -> str:
    """Return one hash of all that a result is made of: two results with the same one are the same result."""
    said = {
        "omopify": defined["omopify"],
        "vocabulary": defined["vocabulary"],
        "trial": defined["trial"]["sha256"],
        "maps": {name: (one["sha256"], one["sql"]) for name, one in defined["maps"].items()},
        "concepts": {name: (one["sha256"], one["terms"]) for name, one in defined["concepts"].items()},
        "eras": defined["eras"],
        "forms": defined["forms"],
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def write_definitions(path: Path, defined: Mapping[str, Any]) -> None:
    """Write what a run is made of as JSON with sorted keys."""
    text = json.dumps(defined, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def _part(said: Meaning) -> dict[str, Any]:
    return {"file": said.name, "sha256": said.sha256, "tree": said.tree, "files": said.files}


def _aims(terms: Terms) -> dict[str, dict[str, list[str]]]:
    """Return, by concept file and term, what the term leads to, as ``<source concept>/<concept>/<type>``."""
    found: dict[str, dict[str, list[str]]] = {file: {} for file in terms.counts}
    for file, term, source, concept, kind in dict.fromkeys(terms.rows):
        found[file].setdefault(term_hash(term), []).append(f"{source}/{concept}/{kind}")
    return {file: {term: sorted(set(to)) for term, to in aims.items()} for file, aims in found.items()}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
