"""What a new release of the vocabulary changes: for the concepts that a project uses, and in numbers for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from omopify import cdm
from omopify.compiler.plan import Plan
from omopify.compiler.render import render
from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import Location, Problems
from omopify.specs.project import Project
from omopify.vocabulary.checking.check import read_data
from omopify.vocabulary.checking.concepts import fits
from omopify.vocabulary.checking.rows import Looked
from omopify.vocabulary.checking.uses import concept_files, constants, targets

Kind = Literal["added", "gone", "retired", "not standard", "standard", "domain", "renamed", "maps to"]

_RELEASES = ("earlier", "later")


class Totals(NamedTuple):
    """The numbers of one vocabulary."""

    vocabulary: str
    earlier: int
    later: int
    added: int
    removed: int
    retired: int
    not_standard: int
    standard: int
    domain: int
    renamed: int
    maps_to: int

    @property
    def changed(self) -> bool:
        """Whether anything is different."""
        return any(self[3:])


@dataclass(frozen=True, slots=True)
class Version:
    """A vocabulary in both releases; None where it is not loaded."""

    vocabulary: str
    earlier: str | None
    later: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is different about a concept that the project uses."""

    concept_id: int
    name: str
    vocabulary: str
    kind: Kind
    earlier: str
    later: str
    tables: tuple[str | None, str | None] = (None, None)
    """For another domain: the table that a map with ``to: by_domain`` writes, before and after."""
    places: tuple[Location, ...] = ()
    """Where maps and concept files name it."""
    rows: int = 0
    """The rows of the last run's data that came to it."""


@dataclass(frozen=True, slots=True)
class Gain:
    """A value without a concept for which the later release has one."""

    map: str
    field: str
    value: str
    rows: int
    concept: str
    domain: str
    how: str
    """By what it is found: name, synonym or code."""


@dataclass
class Difference:
    """What is different between two releases."""

    versions: list[Version] = field(default_factory=list)
    totals: list[Totals] = field(default_factory=list)
    used: int = 0
    """The concepts that the project uses."""
    changes: list[Change] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)
    compared: bool = False
    """Whether there was a result whose values could be looked up."""


@dataclass
class _Use:
    places: list[Location] = field(default_factory=list)
    rows: int = 0


class _Concept(NamedTuple):
    concept_id: int
    name: str
    domain: str
    vocabulary: str
    standard: bool
    valid: bool


_Targets = Mapping[int, Sequence[str]]


def compare(
    earlier: Path,
    later: Path,
    project: Project | None = None,
    plan: Plan | None = None,
    result: Path | None = None,
    scratch: Path | None = None,
) -> Difference:
    """Compare two vocabulary files; for a project only what concerns its concepts, otherwise the numbers of all.

    *result* is the database of the project's last run, if there is one: the concepts that its values came to count
    as used, and values without a concept are looked up in both releases.
    """
    attached = [Attached("earlier", earlier, read_only=True), Attached("later", later, read_only=True)]
    difference = Difference()
    with DuckDB(None, attached, scratch=scratch) as db:
        db.define_functions()
        difference.versions = [
            Version(name, one if is_earlier else None, other if is_later else None)
            for name, is_earlier, is_later, one, other in db.rows(render("vocabulary/diff/versions.sql"))
        ]
        if project is None or plan is None:
            difference.totals = [Totals(*row) for row in db.rows(render("vocabulary/diff/totals.sql"))]
            return difference
        uses = _uses(project, plan, result)
        difference.used = len(uses)
        difference.changes = _changes(uses, db)
        data = read_data(result)
        if data:
            difference.compared = True
            difference.gains = _gains(data, plan, db)
    return difference


def _uses(project: Project, plan: Plan, result: Path | None) -> dict[int, _Use]:
    found: dict[int, _Use] = {}
    named = [*constants(plan, project)]
    for mapped in concept_files(plan, project, Problems()):
        named += targets(mapped)
    for use in named:
        entry = found.setdefault(use.concept_id, _Use())
        if use.at not in entry.places:
            entry.places.append(use.at)
    if read_data(result):
        assert result is not None
        with DuckDB(result, read_only=True) as db:
            for concept_id, rows in db.rows(render("vocabulary/diff/result_ids.sql")):
                found.setdefault(concept_id, _Use()).rows = rows
    return found


def _changes(uses: Mapping[int, _Use], db: DuckDB) -> list[Change]:
    db.script(render("vocabulary/diff/used.sql"), parameters={"ids": list(uses)})
    concepts: dict[str, dict[int, _Concept]] = {}
    links: dict[str, dict[int, list[str]]] = {}
    for release in _RELEASES:
        rows = db.rows(render("vocabulary/diff/concepts.sql.jinja", release=release))
        concepts[release] = {row[0]: _Concept(*row) for row in rows}
        links[release] = {}
        for concept_id, kind, target_id, name, domain in db.rows(
            render("vocabulary/diff/targets.sql.jinja", release=release)
        ):
            if target_id != concept_id:
                value = " (as value)" if kind == "Maps to value" else ""
                links[release].setdefault(concept_id, []).append(f"{target_id} {name} [{domain}]{value}")
    found = []
    for concept_id, use in uses.items():
        one, other = (concepts[release].get(concept_id) for release in _RELEASES)
        for kind, before, after in _compared(one, other, links["earlier"], links["later"]):
            known = other or one
            assert known
            tables = (cdm.domain_table(before), cdm.domain_table(after)) if kind == "domain" else (None, None)
            found.append(
                Change(
                    concept_id, known.name, known.vocabulary, kind, before, after, tables, tuple(use.places), use.rows
                )
            )
    return sorted(found, key=lambda change: (-change.rows, change.concept_id, change.kind))


def _compared(
    one: _Concept | None, other: _Concept | None, before: _Targets, after: _Targets
) -> Iterator[tuple[Kind, str, str]]:
    if one is None or other is None:
        if other:
            yield "added", "", other.name
        elif one:
            yield "gone", one.name, ""
        return
    targets_before = ", ".join(before.get(one.concept_id, ()))
    targets_after = ", ".join(after.get(one.concept_id, ()))
    if one.valid and not other.valid:
        yield "retired", one.name, targets_after
    elif one.standard and not other.standard:
        yield "not standard", one.name, targets_after
    elif other.standard and not one.standard:
        yield "standard", targets_before, other.name
    elif targets_before != targets_after:
        yield "maps to", targets_before, targets_after
    if one.domain != other.domain:
        yield "domain", one.domain, other.domain
    if one.name != other.name:
        yield "renamed", one.name, other.name


def _gains(looked: Sequence[Looked], plan: Plan, db: DuckDB) -> list[Gain]:
    lookups = {(step.name, lookup.field, lookup.way): lookup for step in plan.maps for lookup in step.lookups}
    asked = [(value, lookups[value[:3]]) for value in looked if value.rows_open and value[:3] in lookups]
    parameters = {
        "numbers": list(range(len(asked))),
        "values": [value.value for value, _ in asked],
        "vocabularies": [list(lookup.vocabularies) if lookup.by == "code" else [] for _, lookup in asked],
    }
    db.script(render("vocabulary/diff/values.sql"), parameters=parameters)
    gains: dict[tuple[str, ...], Gain] = {}
    for number, concept_id, concept, domain, how in db.rows(render("vocabulary/diff/gained.sql")):
        value, lookup = asked[number]
        if fits(domain, lookup.domains, lookup.field):
            gain = Gain(value.map, value.field, value.value, value.rows_open, f"{concept_id} {concept}", domain, how)
            gains.setdefault((gain.map, gain.field, gain.value, gain.concept), gain)
    return sorted(gains.values(), key=lambda gain: (-gain.rows, gain.map, gain.field, gain.value))
