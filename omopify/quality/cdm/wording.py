"""What a check asks, in our words and in those of DataQualityDashboard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from omopify.errors import Problems
from omopify.quality.cdm.ways import BIRTH
from omopify.quality.model import Check
from omopify.resources import data
from omopify.specs.quality import CheckTypesFile, CheckTypeSpec, read_quality_file

MOVING = {"tomorrow": "DATEADD(dd,1,GETDATE())", "next year": "YEAR(GETDATE())+1"}
"""Highest values that move with the day of the run, and how DataQualityDashboard writes them."""

NO_UNIT = "none"
"""What a list of units says for: without a unit."""


@dataclass(frozen=True, slots=True)
class DqdWords:
    """What the files of DataQualityDashboard say about a check."""

    description: str
    sql_file: str
    notes: str


@cache
def check_types() -> Mapping[str, CheckTypeSpec]:
    """Return what the checks of each type have in common, by DataQualityDashboard's name of the type."""
    problems = Problems()
    read = read_quality_file(CheckTypesFile, data("quality", "omop54", "check_types.yaml"), problems)
    problems.stop_if_errors()
    return read.types if read else {}


def say(text: str, check: Check) -> str:
    """Put into a text what a check asks about: ``{table}``, ``{field}``, ``{concept_id}`` and its parameters."""
    words = {name: _plain(value) for name, value in check.parameters.items()}
    if words.get("after") == BIRTH:
        words["after"] = "the person's birth"
    words.setdefault("name", "this concept")
    words |= {"table": check.table, "field": check.column or "", "concept_id": check.concept_id or ""}
    return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]), text)


def dqd_words(check: Check) -> DqdWords:
    """Return how DataQualityDashboard describes a check; it writes what is asked about in capitals."""
    known = check_types()[check.type]
    words = _dqd_parameters(check)
    said = re.sub(r"@(\w+)", lambda found: (words.get(found[1]) or "NA").upper(), known.dqd_description)
    return DqdWords(said, known.sql_file, known.dqd_notes)


def _plain(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        *most, last = map(str, value)
        return f"{', '.join(most)} or {last}" if most else last
    return str(value)


def _dqd_parameters(check: Check) -> dict[str, str]:
    told = check.parameters
    units = told.get("units", ())
    after = str(told.get("after", ""))
    listed = units if isinstance(units, Sequence) and not isinstance(units, str) else ()
    domains = told.get("domains", ())
    return {
        "cdmTableName": check.table,
        "cdmFieldName": check.column or "",
        "conceptId": check.concept_id or "",
        "conceptName": str(told.get("name", "")),
        "fkTableName": str(told.get("refers_to", "")).partition(".")[0],
        "fkDomain": ",".join(map(str, domains)) if isinstance(domains, Sequence) else str(domains),
        "fkClass": str(told.get("concept_class", "")),
        "plausibleValueLow": _dqd_limit(told.get("lowest", "")),
        "plausibleValueHigh": _dqd_limit(told.get("highest", "")),
        "plausibleStartBeforeEndFieldName": str(told.get("end", "")),
        "plausibleTemporalAfterTableName": "person" if after == BIRTH else check.table,
        "plausibleTemporalAfterFieldName": "birth_datetime" if after == BIRTH else after,
        "plausibleGender": str(told.get("gender", "")),
        "plausibleGenderUseDescendants": str(told.get("gender", "")),
        "plausibleUnitConceptIds": ",".join("-1" if unit == NO_UNIT else str(unit) for unit in listed),
    }


def _dqd_limit(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return f"'{value.replace('-', '')}'"
    return MOVING.get(str(value), str(value))
