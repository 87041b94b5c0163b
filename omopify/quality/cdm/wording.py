"""What a check asks, in our words and in those of DataQualityDashboard."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    if isinstance(value, list):
        *most, last = map(str, value)
        return f"{', '.join(most)} or {last}" if most else last
    return str(value)


def _dqd_parameters(check: Check) -> dict[str, str]:
    told = {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in check.parameters.items()
    }
    units = told.get("units", "").split(",")
    after = told.get("after", "")
    from_birth = after == BIRTH
    return {
        "cdmTableName": check.table,
        "cdmFieldName": check.column or "",
        "conceptId": check.concept_id or "",
        "conceptName": told.get("name", ""),
        "fkTableName": told.get("refers_to", "").partition(".")[0],
        "fkDomain": told.get("domains", ""),
        "fkClass": told.get("concept_class", ""),
        "plausibleValueLow": _dqd_limit(told.get("lowest", "")),
        "plausibleValueHigh": _dqd_limit(told.get("highest", "")),
        "plausibleStartBeforeEndFieldName": told.get("end", ""),
        "plausibleTemporalAfterTableName": "person" if from_birth else check.table,
        "plausibleTemporalAfterFieldName": "birth_datetime" if from_birth else after,
        "plausibleGender": told.get("gender", ""),
        "plausibleGenderUseDescendants": told.get("gender", ""),
        "plausibleUnitConceptIds": ",".join("-1" if unit == NO_UNIT else unit for unit in units),
    }


def _dqd_limit(value: str) -> str:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return f"'{value.replace('-', '')}'"
    return MOVING.get(value, value)
