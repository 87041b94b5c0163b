"""Take over what others have approved, and write concept files for them: as SSSOM or SOURCE_TO_CONCEPT_MAP.

SSSOM files are written in the canonical form of the specification (mapping-commons/sssom,
``src/docs/spec/formats-tsv.md``).  Terms of a trial have no address on the web, so they are literals
(``src/docs/spec/model.md``, "Literal mappings"); a code that differs from the name gets an id within the set.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from omopify import __version__
from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.errors import Location, Problems
from omopify.specs.project import shown
from omopify.vocabulary.files.cells import Dialect, put, written
from omopify.vocabulary.files.concept_files import UNREVIEWED, ConceptFile, accepted
from omopify.vocabulary.files.concept_rows import SUGGESTED_BY, ConceptRow
from omopify.vocabulary.files.sssom import EQUIVALENCE_SLOT, MANUAL, NO_TERM, OMOP, PREDICATES, TYPE_SLOT, encoded

__all__ = ["SetWords", "approve", "exported", "put", "sssom", "stcm", "target_vocabularies"]

UNSPECIFIED = "https://w3id.org/sssom/license/unspecified"
"""What SSSOM's own tools write if nobody said a licence, which the standard asks for."""

UNNAMED = "https://w3id.org/sssom/mappings/"
"""What SSSOM's own tools put before a made-up name of a set; they stumble over 'urn:uuid:'."""

LONGEST_VOCABULARY_ID = 20
LONGEST_CODE = 50
LONGEST_NAME = 255
"""The CDM's lengths of SOURCE_TO_CONCEPT_MAP's columns (OMOP CDM v5.4)."""

_STCM = (
    "source_code", "source_concept_id", "source_vocabulary_id", "source_code_description", "target_concept_id",
    "target_vocabulary_id", "valid_start_date", "valid_end_date", "invalid_reason",
)  # fmt: skip
_SLOTS = (
    "subject_id", "subject_label", "predicate_id", "object_id", "object_label", "object_category",
    "mapping_justification", "author_id", "author_label", "reviewer_id", "reviewer_label", "subject_type",
    "mapping_date", "review_date", "similarity_score", "comment", EQUIVALENCE_SLOT, TYPE_SLOT,
)  # fmt: skip
"""SSSOM's slots in the order of its schema, then omopify's own."""

_SHARED = ("subject_type", "mapping_date")
"""Slots that stand once above the table if all rows have the same."""

_PLAIN = re.compile(r"[A-Za-z][\w./-]*(?::[\w./#~%-]+)*(?: [\w./-]+)*")
_NO_PLAIN = ("true", "false", "null", "yes", "no", "on", "off")


@dataclass(frozen=True, slots=True)
class SetWords:
    """What SSSOM wants to know about the whole set; blank ids are made from the set's content."""

    name: str
    set_id: str = ""
    license: str = UNSPECIFIED


def exported(file: ConceptFile, everything: bool) -> tuple[ConceptRow, ...]:
    """Return the approved rows, or with *everything* the proposals too; a proposal without a concept is none."""
    return tuple(accepted(file.rows, draft=everything)[0])


def approve(file: ConceptFile, person: str) -> ConceptFile:
    """Return a file in which all proposals with a concept are approved by *person*, now."""
    now = int(time.time() * 1000)
    rows = (
        replace(row, status="APPROVED", status_set_by=person, status_set_on=now)
        if row.status in UNREVIEWED and row.concept_id
        else row
        for row in file.rows
    )
    return replace(file, rows=tuple(rows))


def sssom(rows: Sequence[ConceptRow], words: SetWords) -> bytes:
    """Return mappings as an SSSOM/TSV file.

    Frequencies are not written: they are counts of patients' records.
    """
    table = [_mapping(row) for row in rows]
    used = [slot for slot in _SLOTS if any(mapping[slot] for mapping in table)]
    shared = {slot: table[0][slot] for slot in _SHARED if table and len({mapping[slot] for mapping in table}) == 1}
    used = [slot for slot in used if slot not in shared]
    set_id = words.set_id or UNNAMED + str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([words.name, table])))
    head = _head(words, set_id, used, {slot: text for slot, text in shared.items() if text})
    lines = sorted([mapping[slot] for slot in used] for mapping in table)
    return ("".join(f"#{line}\n" for line in head)).encode() + written([used, *lines], Dialect(delimiter="\t"))


def stcm(
    rows: Sequence[ConceptRow], vocabulary_id: str, vocabularies: Mapping[int, str], path: Path, problems: Problems
) -> bytes:
    """Return mappings as a SOURCE_TO_CONCEPT_MAP in CSV, as Usagi exports it.

    Only targets of the kind MAPS_TO are written: the table has no column to tell a value or a unit apart.

    Args:
        rows: the mappings.
        vocabulary_id: the name of the trial's own vocabulary.
        vocabularies: the vocabulary of each target concept.
        path: the concept file, for messages.
        problems: OM639 what does not fit the table.
    """
    if len(vocabulary_id) > LONGEST_VOCABULARY_ID:
        message = f"'{vocabulary_id}' is longer than the {LONGEST_VOCABULARY_ID} characters of a vocabulary's id"
        problems.add("OM639", message, None, "give a shorter --vocabulary-id")
    records = []
    cut = 0
    for row in (row for row in rows if row.mapping_type == "MAPS_TO"):
        place = Location(shown(path), row.line, 1)
        code, name = row.source_code.strip() or row.source_name.strip(), row.source_name.strip()
        if len(code) > LONGEST_CODE:
            message = f"the code is longer than the {LONGEST_CODE} characters of 'source_code'"
            problems.add("OM639", message, place, "give the term a short code in the column 'sourceCode'")
        vocabulary = "None" if row.concept_id == 0 else vocabularies.get(row.concept_id)
        if vocabulary is None:
            message = f"concept {row.concept_id} is not in the vocabulary"
            problems.add("OM639", message, place, "name one that has it with --vocabulary, or correct the id")
        cut += len(name) > LONGEST_NAME
        target = (str(row.concept_id), vocabulary or "", "1970-01-01", "2099-12-31", "")
        records.append([code, str(row.source_concept_id), vocabulary_id, name[:LONGEST_NAME], *target])
    if cut:
        message = f"{cut} names are cut to the {LONGEST_NAME} characters of 'source_code_description'"
        problems.add("OM639", message, Location(shown(path)), severity="warning")
    return written([list(_STCM), *records], Dialect())


def target_vocabularies(rows: Sequence[ConceptRow], vocabulary: Path) -> dict[int, str]:
    """Return the vocabulary of each target, as a vocabulary file knows it."""
    ids = sorted({row.concept_id for row in rows})
    with DuckDB(vocabulary, read_only=True) as db:
        return dict(db.rows(render("vocabulary/target_vocabularies.sql"), {"ids": ids}))


def _mapping(row: ConceptRow) -> dict[str, str]:
    code, name = row.source_code.strip(), row.source_name.strip()
    other = row.mapping_type != "MAPS_TO"
    approved = row.status == "APPROVED"
    # A value or a unit is no match of the whole term, whatever Usagi's equivalence says of that part.
    predicate = PREDICATES["INEXACT"] if other else PREDICATES[row.equivalence]
    guess = "semapv:LexicalSimilarityThresholdMatching" if row.match_score else "semapv:UnspecifiedMatching"
    reviewer = row.status_set_by if approved else ""
    found = {
        "subject_id": f"source:{encoded(code)}" if code not in ("", name) else "",
        "subject_label": name or code,
        "predicate_id": predicate if row.concept_id else PREDICATES["EQUAL"],
        "object_id": f"OMOP:{row.concept_id}" if row.concept_id else NO_TERM,
        "object_label": row.concept_name if row.concept_id else "",
        "object_category": row.domain_id if row.concept_id else "",
        "mapping_justification": MANUAL if approved else guess,
        "subject_type": "rdfs literal" if code in ("", name) else "",
        "mapping_date": _day(row.created_on),
        "review_date": _day(row.status_set_on) if reviewer else "",
        "similarity_score": f"{row.match_score:.3f}".rstrip("0").rstrip(".") if row.match_score else "",
        "comment": row.comment.strip(),
        EQUIVALENCE_SLOT: row.equivalence if other else "",
        TYPE_SLOT: row.mapping_type if other else "",
    }
    author = "" if row.created_by == SUGGESTED_BY else row.created_by  # the set names its tool; authors are people
    for role, person in (("author", author), ("reviewer", reviewer)):
        orcid = re.fullmatch(r"(?:orcid:|https://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])", person, re.IGNORECASE)
        found[f"{role}_id"] = f"orcid:{orcid[1]}" if orcid else ""
        found[f"{role}_label"] = "" if orcid else re.sub(r"([\\|])", r"\\\1", person)
    return found


def _head(words: SetWords, set_id: str, used: Sequence[str], shared: Mapping[str, str]) -> list[str]:
    prefixes = {"OMOP": OMOP, "athena": "https://athena.ohdsi.org/", "source": f"{set_id}#"}
    if {"author_id", "reviewer_id"} & set(used):
        prefixes["orcid"] = "https://orcid.org/"
    own = [slot for slot in (EQUIVALENCE_SLOT, TYPE_SLOT) if slot in used]
    return [
        'sssom_version: "1.1"',
        "curie_map:",
        *(f"  {name}: {_yaml(prefixes[name])}" for name in sorted(prefixes)),
        f"mapping_set_id: {_yaml(set_id)}",
        f"mapping_set_title: {_yaml(words.name)}",
        f"license: {_yaml(words.license)}",
        *(f"subject_type: {shared[slot]}" for slot in ("subject_type",) if slot in shared),
        f"subject_source: source:{encoded(words.name)}",
        "object_source: athena:vocabulary/list",
        "mapping_tool: omopify",
        f"mapping_tool_version: {_yaml(__version__)}",
        *(f"mapping_date: {shared[slot]}" for slot in ("mapping_date",) if slot in shared),
        *(["extension_definitions:"] if own else []),
        *(f"  - slot_name: {slot}" for slot in own),
    ]


def _yaml(text: str) -> str:
    """Return a text as YAML: plain if it cannot be mistaken for anything else, else in double quotes."""
    plain = _PLAIN.fullmatch(text) and text.casefold() not in _NO_PLAIN
    return text if plain else json.dumps(text, ensure_ascii=False)


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).date().isoformat() if moment > 0 else ""
