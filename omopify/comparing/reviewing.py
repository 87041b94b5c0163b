"""What nobody has approved yet, or what has changed since: with the words of the change, where a run has kept them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omopify.comparing.words import Reworded, reworded
from omopify.conversion.replacement import DEFINITIONS, EARLIER, LAST, SIGNED
from omopify.errors import Problems
from omopify.resources import data
from omopify.specs.maps import MapFile
from omopify.specs.meanings import CONCEPTS, MAP, TRIAL, Meaning, meanings
from omopify.specs.project import Project
from omopify.specs.reviews import Reviewed, reviews
from omopify.vocabulary.files.concept_files import UNREVIEWED, read_concept_file


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a mapping with all that a reviewer asks about it."""

    state: Reviewed
    pack: str = ""
    """The shared pack that came with omopify and holds it; empty for what the project's own people wrote."""
    untested: bool = False
    """Whether it is a map without a test."""
    undecided: int = 0
    """How many lines of its file hold ``???``, which a draft leaves where somebody has to decide."""
    unchecked: int = 0
    """Of a concept file: how many rows nobody has checked. They are used with --draft only."""
    words: tuple[Reworded, ...] = ()
    """What it says otherwise than what was approved, if a run has kept that."""


def parts(project: Project, problems: Problems, out: Path | None = None) -> tuple[Part, ...]:
    """Return all parts of a mapping, in the order trial, maps, concept files; then those gone since their approval.

    Raises:
        OmopifyError: OM950 ``reviews.csv`` cannot be read.
    """
    said = {part.part: part for part in meanings(project)}
    kept = list(_kept((out or project.out).absolute()))
    return tuple(
        Part(state) if state.is_gone else _part(state, said[state.part], kept, project)
        for state in reviews(project, problems, tuple(said.values()))
    )


def _part(state: Reviewed, part: Meaning, kept: list[Mapping[str, Any]], project: Project) -> Part:
    return Part(
        state,
        pack=_pack(part, project),
        untested=isinstance(part.spec, MapFile) and not part.spec.tests,
        undecided=_undecided(part.path),
        unchecked=_unchecked(state.part, project),
        words=tuple(_words(state, part, kept, project)),
    )


def _pack(part: Meaning, project: Project) -> str:
    shipped, own, path = data("mappings").resolve(), project.pack.folder.resolve(), part.path.resolve()
    if path.is_relative_to(own) or not path.is_relative_to(shipped):
        return ""
    return path.relative_to(shipped).parts[0]


def _undecided(path: Path) -> int:
    try:
        return sum(b"???" in line for line in path.read_bytes().splitlines())
    except OSError:
        return 0


def _unchecked(part: str, project: Project) -> int:
    if not part.startswith(CONCEPTS):
        return 0
    files = [path for path in project.concept_file(part.removeprefix(CONCEPTS)) if path.is_file()]
    read = [read_concept_file(path, Problems()) for path in files]
    return sum(row.status in UNREVIEWED for file in read if file for row in file.rows)


def _kept(out: Path) -> Iterator[Mapping[str, Any]]:
    """Yield what the maps said in each result that is there."""
    for folder in (out, out / EARLIER / LAST, out / EARLIER / SIGNED):
        try:
            yield json.loads((folder / DEFINITIONS).read_bytes())
        except (OSError, ValueError):
            continue


def _words(state: Reviewed, part: Meaning, kept: list[Mapping[str, Any]], project: Project) -> Iterator[Reworded]:
    if state.status != "changed" or state.part.startswith(CONCEPTS):
        return
    name = state.part.removeprefix(MAP)
    loaded = next((one for one in project.pack.maps if one.spec.map == name), None) if state.part != TRIAL else None
    for defined in kept:
        before = defined.get(TRIAL) if state.part == TRIAL else defined.get("maps", {}).get(name)
        if before and before["sha256"] == state.approved_sha256:
            yield from reworded(before, {"tree": part.tree, "files": part.files}, loaded, project.pack)
            return
