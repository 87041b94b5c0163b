"""The reviewed mappings of a run: which rows of which concept files count.

A pack brings concept files; the project's own file for the same look-up comes before it, term by term, so that
a steward decides without touching what was installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from omopify.compiler.fields import fold
from omopify.compiler.plan import Plan
from omopify.compiler.render import render
from omopify.conversion.session import insert_rows
from omopify.engines.duckdb import DuckDB
from omopify.errors import Location, Problems
from omopify.specs.project import Pack, Project, shown
from omopify.vocabulary.files.concept_files import UNREVIEWED, ConceptRow, accepted, read_concept_file
from omopify.vocabulary.standards.variants import read_variants


@dataclass
class Terms:
    """The rows of concept files that count, and how many of each state there are by file."""

    rows: list[tuple[str, str, int, int, str]] = field(default_factory=list)
    """(file, term, source concept id, concept id, mapping type)."""
    places: dict[tuple[str, int], Location] = field(default_factory=dict)
    """Where a file first names a concept id."""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """For each file how many rows were used as ``approved``, how many as ``unchecked``, and how many are ``left``."""


def read_terms(
    pack: Pack, plan: Plan, problems: Problems, project: Project | None = None, draft: bool = False
) -> Terms:
    """Read the concept files that the maps of a plan name; note what is wrong with them.

    ``draft`` lets rows count that nobody has checked; the project's own files come before the pack's.
    """
    folders = {loaded.pack: loaded.folder for loaded in pack.maps}
    wanted = {lookup.file: lookup.at for step in plan.maps for lookup in step.lookups if lookup.file}
    today = project.file.released if project else None
    terms = Terms()
    for file, at in wanted.items():
        name, _, inside = file.partition("/")
        terms.counts[file] = {"approved": 0, "unchecked": 0, "left": 0}
        own = project.concept_file(file)[1] if project else None
        decided = _take(file, own, at, set(), draft, terms, problems, today) if own and own.is_file() else set()
        _take(file, folders[name] / inside, at, decided, draft, terms, problems, today)
    return terms


def insert_terms(terms: Terms, db: DuckDB, problems: Problems) -> None:
    """Put the rows that count where the maps' look-ups find them; warn of ids that the vocabulary lacks."""
    columns = ("file", "key", "source_concept_id", "concept_id", "purpose")
    insert_rows(db, "work.concept_files", columns, list(dict.fromkeys(terms.rows)))
    db.script(render("run/fold_terms.sql"))
    first: dict[str, tuple[Location, int]] = {}
    for file, concept_id in db.rows(render("run/unknown_ids.sql")):
        place, seen = first.get(file, (terms.places[file, concept_id], 0))
        first[file] = (min(place, terms.places[file, concept_id], key=lambda p: p.line), seen + 1)
    for place, unknown in first.values():
        message = f"{unknown} concept ids of this file are not in the vocabulary"
        hint = "their values get concept 0 and are counted; load an Athena download that has them"
        problems.add("OM613", message, place, hint, severity="warning")
    db.script(render("run/forget_unknown_sources.sql"))


def insert_variants(plan: Plan, db: DuckDB) -> None:
    """Put the spellings of gene variants where look-ups by variant find them, if there are such look-ups."""
    if any(lookup.by == "variant" for step in plan.maps for lookup in step.lookups):
        variants = read_variants()
        rows = []
        for known in variants.keys.values():
            if known.level == "gene" or known.concept_id:
                rows.append((known.key, "gene" if known.level == "gene" else "variant", known.gene, known.concept_id))
            if known.level == "fusion":  # falls back on its gene, like any other variant that is not in the vocabulary
                gene = variants.genes.get(known.gene)
                rows.append((known.key, "fusion", known.gene, gene.concept_id if gene else None))
        lists = zip(("keys", "levels", "genes", "ids"), (list(cells) for cells in zip(*rows, strict=True)), strict=True)
        db.script(render("run/variants.sql"), parameters=dict(lists))


def _take(
    file: str,
    path: Path,
    at: Location,
    decided: set[str],
    draft: bool,
    terms: Terms,
    problems: Problems,
    today: date | None,
) -> set[str]:
    """Add the rows of one file that count, but for terms that are decided already; return those decided here.

    A term that is IGNORED has no concept, by decision; one about which somebody has doubts is not taken from the pack.
    """
    found = read_concept_file(path, problems, at, today)
    here = [row for row in found.rows if not any(fold(said) in decided for said in row.said)] if found else []
    reviewed = {fold(said) for row in here if row.status not in UNREVIEWED for said in row.said}
    rows = [r for r in here if r.status not in UNREVIEWED or not any(fold(said) in reviewed for said in r.said)]
    taken, proposed = accepted(rows, draft)
    terms.rows += [(file, said, 0, 0, "MAPS_TO") for row in rows if row.status == "IGNORED" for said in row.said]
    _warn_of_namesakes(taken, path, problems)
    for row in taken:
        for said in row.said:
            terms.rows.append((file, said, row.source_concept_id, row.concept_id, row.mapping_type))
        for concept_id in (row.concept_id, row.source_concept_id):
            terms.places.setdefault((file, concept_id), Location(shown(path), row.line, 1))
    counts = terms.counts[file]
    counts["approved"] += len(taken) - proposed
    counts["unchecked"] += proposed
    counts["left"] += len(here) - len(taken)
    return reviewed | {fold(said) for row in taken for said in row.said}


def _warn_of_namesakes(rows: Sequence[ConceptRow], path: Path, problems: Problems) -> None:
    """Warn of values that two terms of a file claim, as the name of one and the code of the other: they get both."""
    first: dict[str, ConceptRow] = {}
    shared: dict[str, ConceptRow] = {}
    for row in rows:
        for said in row.said:
            other = first.setdefault(fold(said), row)
            if other.term != row.term and other.target != row.target:
                shared.setdefault(fold(said), row)
    if shared:
        row = min(shared.values(), key=lambda one: one.line)
        count = "a value is" if len(shared) == 1 else f"{len(shared)} values are"
        hint = "its rows get the concepts of both; delete one, or give them names and codes of their own"
        message = f"{count} the name or code of two terms with different concepts"
        problems.add("OM698", message, Location(shown(path), row.line, 1), hint, severity="warning")
