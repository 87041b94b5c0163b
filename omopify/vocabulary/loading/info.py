"""What a vocabulary file holds, for people: its vocabularies, their licences, and what a run would miss in it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.resources import data
from omopify.vocabulary.loading.athena import TABLES
from omopify.vocabulary.loading.load import VocabularyFile

NOT_LISTED = "not listed"
"""The terms of a vocabulary that ``vocab/licences.csv`` does not know."""

FREE = ("open", "notice")
"""The terms of vocabularies that anybody may use without asking."""

_LOSSES: Mapping[str, str] = {
    "concept_ancestor": "concepts are shown without what is above and below them",
    "concept_class": "",
    "concept_synonym": "search and suggestions know names only, no synonyms",
    "domain": "",
    "drug_strength": "drugs are suggested without a look at their strength",
    "relationship": "",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One vocabulary of a file: its concepts, how many are standard and retired, and the terms it comes under."""

    vocabulary_id: str
    name: str
    version: str
    concepts: int
    standard: int
    retired: int
    terms: str
    note: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that was loaded: of which download, into which table, with how many rows."""

    download: str
    table: str
    file: str
    rows: int
    rows_kept: int


@dataclass(frozen=True, slots=True)
class Info:
    """All that ``vocab info`` tells; ``missing`` are the tables for which there was no file."""

    file: VocabularyFile
    parts: tuple[Part, ...]
    sources: tuple[SourceFile, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def vocabulary_info(file: VocabularyFile) -> Info:
    """Return what a vocabulary file holds.

    Raises:
        OmopifyError: OM592 the file cannot be opened.
    """
    with DuckDB(file.path, read_only=True) as db:
        rows = db.rows(render("vocabulary/info_parts.sql"))
        sources = tuple(SourceFile(*row) for row in db.rows(render("vocabulary/info_files.sql")))
        ((has_zero, has_maps_to, nameless),) = db.rows(render("vocabulary/info_lacks.sql"))
    known = _licences()
    parts = tuple(
        Part(vocabulary_id, name, version, concepts, standard, retired, *_terms(vocabulary_id, known))
        for vocabulary_id, name, version, concepts, standard, retired, _ in rows
    )
    loaded = {source.table for source in sources}
    missing = tuple(table for table in TABLES if table not in loaded)
    notes = [
        *(
            []
            if has_zero
            else ["no concept 0 ('No matching concept'): a run needs it; load 'starter' first, or a whole download"]
        ),
        *([] if has_maps_to else ["no 'Maps to' relationships: source codes lead to no standard concept"]),
        *(
            [f"{nameless:,} CPT4 concepts have no name: run the cpt4 tool of the download, and load again"]
            if nameless
            else []
        ),
        *(f"no file for {table}" + (f": {_LOSSES[table]}" if _LOSSES[table] else "") for table in missing),
        *_unlisted([row[0] for row in rows if not row[6]]),
    ]
    return Info(file, parts, sources, missing, tuple(notes))


def _unlisted(names: Sequence[str]) -> list[str]:
    return [f"no line in VOCABULARY for {', '.join(names)}"] if names else []


def _licences() -> list[dict[str, str]]:
    with data("vocab", "licences.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _terms(vocabulary_id: str, known: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    for row in known:
        if fnmatchcase(vocabulary_id, row["vocabulary_id"]):
            return row["terms"], row["note"]
    return NOT_LISTED, "look at https://athena.ohdsi.org what it asks for"
