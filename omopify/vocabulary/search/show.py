"""Show one concept and everything around it: what it maps to, what is above and below, what came after it.

Only the vocabulary file is read, not the index of search: looking at one concept must not wait for that to be built.

Problems:

* OM671  no concept has this id or code
* OM672  several concepts have this code
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from omopify.compiler.render import render
from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import OmopifyError, Problem

_LARGEST_ID = 2**31 - 1
_MAPPINGS = ("Maps to", "Maps to value", "Mapped from")
_REPLACED = "Concept replaced by"


@dataclass(frozen=True, slots=True)
class Brief:
    """A concept in one line."""

    concept_id: int
    concept_name: str
    domain_id: str
    vocabulary_id: str
    concept_class_id: str
    standard_concept: str | None
    concept_code: str
    invalid_reason: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """Concepts in one relation to the one that is shown: the first of them, and how ``many`` there are."""

    relationship_id: str
    relationship_name: str
    many: int
    concepts: tuple[Brief, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """A concept above or below, ``level`` steps away on the shortest way."""

    level: int
    concept: Brief


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Concepts above or below: the nearest of them, and how ``many`` there are."""

    many: int
    nearest: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Strength:
    """How much of an ingredient a drug contains, as DRUG_STRENGTH has it; units as their codes."""

    ingredient_id: int | None
    ingredient: str | None
    amount: float | None
    amount_unit: str | None
    numerator: float | None
    numerator_unit: str | None
    denominator: float | None
    denominator_unit: str | None
    box_size: int | None

    def __str__(self) -> str:
        """Write the strength as it is on a package: ``500 mg``, ``4 mg / 1 mL``, ``box of 20``."""
        parts = []
        if self.amount is not None:
            parts.append(f"{self.amount:g} {self.amount_unit or ''}".strip())
        if self.numerator is not None:
            below = f"{self.denominator:g} " if self.denominator not in (None, 1) else ""
            per = f" / {below}{self.denominator_unit or ''}".rstrip(" /")
            parts.append(f"{self.numerator:g} {self.numerator_unit or ''}".strip() + per)
        if self.box_size:
            parts.append(f"box of {self.box_size}")
        return ", ".join(parts) or "no strength given"


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept and everything around it; lists are cut to the limit that was asked for, counts are whole.

    ``synonyms`` are (synonym, language); ``replaced_by`` are steps of the chain that begins at a retired concept.
    """

    concept: Brief
    valid_from: date
    valid_to: date
    synonyms: tuple[tuple[str, str | None], ...]
    mappings: tuple[Relation, ...]
    replaced_by: tuple[Level, ...]
    ancestors: Hierarchy
    children: Hierarchy
    descendants: int
    strengths: tuple[Strength, ...]
    relations: tuple[Relation, ...]


@contextmanager
def open_vocabulary(vocabulary: Path) -> Iterator[DuckDB]:
    """Open a vocabulary file for reading, attached as ``vocabulary``.

    Raises:
        OmopifyError: OM592 the file cannot be opened.
    """
    attached = (Attached("vocabulary", vocabulary, True),)
    with (
        TemporaryDirectory(prefix="omopify-show-", ignore_cleanup_errors=True) as scratch,
        DuckDB(None, attached, scratch=Path(scratch)) as database,
    ):
        yield database


def find_concept(database: DuckDB, text: str, vocabulary: str = "") -> int:
    """Return the concept whose id or code *text* is; ``ICD10CM:C50.9`` and *vocabulary* name the code's vocabulary.

    A number is first taken for an id.

    Raises:
        OmopifyError: OM671 there is none, OM672 there are several.
    """
    asked = text.strip().encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 10 else -1
    if not vocabulary and 0 <= number <= _LARGEST_ID and database.rows(_sql("concept.sql.jinja"), {"id": number}):
        return number
    found = _coded(database, asked, vocabulary)
    if not found and not vocabulary and ":" in asked:
        named, _, code = asked.partition(":")
        found = _coded(database, code.strip(), named.strip())
    if not found:
        place = f" in vocabulary '{vocabulary}'" if vocabulary else ""
        hint = f'look for it by words: omopify vocab search "{asked[:40]}"; or load a vocabulary that has it'
        raise OmopifyError(Problem("OM671", f"no concept has the id or code '{asked[:80]}'{place}", None, hint))
    if len(found) > 1:
        which = ", ".join(f"{concept_id} ({name})" for concept_id, name in found)
        hint = f"give the id of one of them: {which}"
        raise OmopifyError(Problem("OM672", f"'{asked}' is the code of several concepts", None, hint))
    return int(found[0][0])


def show(database: DuckDB, concept_id: int, limit: int = 10) -> Concept:
    """Return a concept and what is around it, at most *limit* of each kind of neighbour.

    Raises:
        OmopifyError: OM671 there is no concept with this id.
    """
    me = {"id": concept_id}
    rows = database.rows(_sql("concept.sql.jinja"), me)
    if not rows:
        raise OmopifyError(Problem("OM671", f"no concept has the id {concept_id}"))
    *brief, valid_from, valid_to = rows[0]
    concept = Brief(*brief)
    relations = _relations(database.rows(_sql("relations.sql.jinja", limit=limit), me))
    chain = database.rows(_sql("replacements.sql.jinja"), me) if concept.invalid_reason else []
    return Concept(
        concept,
        valid_from,
        valid_to,
        tuple((str(name), language) for name, language in database.rows(_sql("synonyms.sql"), me)),
        tuple(relation for name in _MAPPINGS for relation in relations if relation.relationship_id == name),
        tuple(Level(step, Brief(*rest)) for step, *rest in chain),
        _hierarchy(database, concept_id, ("descendant_concept_id", "ancestor_concept_id"), limit * 2),
        _hierarchy(database, concept_id, ("ancestor_concept_id", "descendant_concept_id"), limit, levels=1),
        database.rows(_sql("descendants.sql"), me)[0][0],
        tuple(Strength(*row) for row in database.rows(_sql("strengths.sql"), me)),
        tuple(relation for relation in relations if relation.relationship_id not in (*_MAPPINGS, _REPLACED)),
    )


def _coded(database: DuckDB, code: str, vocabulary: str) -> list[tuple[Any, ...]]:
    return database.rows(_sql("coded.sql"), {"code": code, "vocabulary": vocabulary})


def _relations(rows: list[tuple[Any, ...]]) -> list[Relation]:
    grouped: dict[str, Relation] = {}
    for relationship_id, *brief, many, name in rows:
        known = grouped.get(relationship_id)
        concepts = (*(known.concepts if known else ()), Brief(*brief))
        grouped[relationship_id] = Relation(relationship_id, name or relationship_id, many, concepts)
    return list(grouped.values())


def _hierarchy(
    database: DuckDB, concept_id: int, columns: tuple[str, str], limit: int, levels: int | None = None
) -> Hierarchy:
    own, other = columns
    sql = _sql("hierarchy.sql.jinja", own=own, other=other, limit=limit, levels=levels)
    rows = database.rows(sql, {"id": concept_id})
    return Hierarchy(rows[0][-1] if rows else 0, tuple(Level(level, Brief(*rest)) for level, *rest, _ in rows))


def _sql(name: str, **values: object) -> str:
    return render(f"vocabulary/show/{name}", **values)
