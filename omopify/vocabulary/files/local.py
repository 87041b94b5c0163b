"""Concepts of a trial's own: source concepts for what no vocabulary has, kept in a CSV file of the pack.

Themis (https://ohdsi.github.io/Themis/) asks that such concepts have ids above 2,000,000,000, stand in a vocabulary
of their own, are not standard and are used as source concepts only: what they mean is said by ``maps_to``.
The ids of the CDM are 32-bit integers, so they end at 2,147,483,647.

Problems:

* OM690  an id outside that range
* OM691  an id or a code that is there twice
* OM692  something else that is missing or no number
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from omopify.errors import Location, Problems
from omopify.specs.project import read_table, shown

LOWEST, HIGHEST = 2_000_000_001, 2_147_483_647


@dataclass(frozen=True, slots=True)
class LocalConcept:
    """One concept of the trial's own, and the standard concepts that it maps to."""

    concept_id: int
    concept_code: str
    concept_name: str
    vocabulary_id: str
    domain_id: str
    maps_to: tuple[int, ...]
    at: Location


def read_local(path: Path, at: Location, problems: Problems) -> list[LocalConcept]:
    """Read a file of local concepts, named at *at*; rows with a mistake are noted and left out.

    Its columns are concept_id, concept_code, concept_name, vocabulary_id, domain_id (``Observation`` if empty)
    and maps_to (standard concept ids, separated by blanks); others are notes.
    """
    needed = ("concept_id", "concept_code", "concept_name", "vocabulary_id")
    found: dict[int, LocalConcept] = {}
    codes: dict[tuple[str, str], int] = {}
    for line, row in read_table(path, needed, at, problems):
        place = Location(shown(path), line, 1)
        text = row["concept_id"]
        targets = row.get("maps_to", "").replace("|", " ").split()
        empty = [name for name in needed if not row[name]]
        if empty or not all(target.isdigit() for target in targets):
            what = f"'{empty[0]}' is empty" if empty else "'maps_to' holds something that is no concept id"
            problems.add("OM692", what, place, "a row may have shifted by a column")
            continue
        if not text.isdigit() or not LOWEST <= int(text) <= HIGHEST:
            message = f"'{text}' is no id for a concept of the trial's own"
            problems.add("OM690", message, place, f"choose a number from {LOWEST} to {HIGHEST}")
            continue
        code = (row["vocabulary_id"], row["concept_code"])
        if int(text) in found or code in codes:
            other = found[int(text)].at.line if int(text) in found else codes[code]
            what = f"id {text}" if int(text) in found else f"code '{row['concept_code']}'"
            problems.add("OM691", f"the {what} is there twice", place, f"see line {other}")
            continue
        codes[code] = line
        found[int(text)] = LocalConcept(
            int(text),
            row["concept_code"],
            row["concept_name"],
            row["vocabulary_id"],
            row.get("domain_id") or "Observation",
            tuple(int(target) for target in targets),
            place,
        )
    return list(found.values())
