"""How each type of check is measured: which checks share a statement, and what each reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from omopify import cdm
from omopify.quality.model import Check

Way = Literal["catalogue", "filled", "rows", "birth", "death", "visit", "concept", "gender", "unit", "single"]
"""What a check is measured with: the catalogue of the database, the counts of filled values, the rows of its table
(alone, or joined to births, deaths or visits), the concepts that a table uses (alone, by gender or by unit), or a
query of its own."""

_WAYS: Mapping[str, Way] = {
    "cdmTable": "catalogue",
    "cdmField": "catalogue",
    "isRequired": "filled",
    "measureValueCompleteness": "filled",
    "cdmDatatype": "rows",
    "plausibleValueLow": "rows",
    "plausibleValueHigh": "rows",
    "plausibleStartBeforeEnd": "rows",
    "plausibleTemporalAfter": "rows",
    "standardConceptRecordCompleteness": "rows",
    "sourceConceptRecordCompleteness": "rows",
    "plausibleAfterBirth": "birth",
    "plausibleBeforeDeath": "death",
    "plausibleDuringLife": "death",
    "withinVisitDates": "visit",
    "fkDomain": "concept",
    "fkClass": "concept",
    "isStandardValidConcept": "concept",
    "plausibleGender": "gender",
    "plausibleUnitConceptIds": "unit",
    "isPrimaryKey": "single",
    "isForeignKey": "single",
    "sourceValueCompleteness": "single",
    "plausibleGenderUseDescendants": "single",
    "measurePersonCompleteness": "single",
    "measureConditionEraCompleteness": "single",
    "measureObservationPeriodOverlap": "single",
}

TYPES = frozenset(_WAYS)
"""The types of checks that can be measured."""

_BIRTH = ("person.person_id", "person.birth_datetime", "person.year_of_birth")
_DEATH = ("death.person_id", "death.death_date")
_VISIT = (
    "visit_occurrence.visit_occurrence_id",
    "visit_occurrence.visit_start_date",
    "visit_occurrence.visit_end_date",
)
_GENDER = ("person.person_id", "person.gender_concept_id")
_ANCESTORS = ("concept_ancestor.ancestor_concept_id", "concept_ancestor.descendant_concept_id")
_CONDITIONS = ("condition_occurrence.person_id", "condition_occurrence.condition_concept_id")

_READS: Mapping[str, tuple[str, ...]] = {
    "fkDomain": ("concept.concept_id", "concept.domain_id"),
    "fkClass": ("concept.concept_id", "concept.concept_class_id"),
    "isStandardValidConcept": ("concept.concept_id", "concept.standard_concept", "concept.invalid_reason"),
    "plausibleAfterBirth": ("person_id", *_BIRTH, "person.month_of_birth", "person.day_of_birth"),
    "plausibleBeforeDeath": ("person_id", *_DEATH),
    "plausibleDuringLife": ("person_id", *_DEATH),
    "withinVisitDates": ("visit_occurrence_id", *_VISIT),
    "plausibleGender": ("person_id", *_GENDER),
    "plausibleGenderUseDescendants": ("person_id", *_GENDER, *_ANCESTORS),
    "plausibleUnitConceptIds": ("unit_concept_id",),
    "measurePersonCompleteness": ("person_id", "person.person_id"),
    "measureConditionEraCompleteness": ("person_id", *_CONDITIONS),
    "measureObservationPeriodOverlap": (
        "person_id",
        "observation_period_id",
        "observation_period_start_date",
        "observation_period_end_date",
    ),
}

BIRTH = "birth"
"""What ``after`` says for the day of birth."""

_FIELDS = ("end", "after", "concept", "source_value", "refers_to")
"""Parameters that name a field."""


def way_of(check: Check) -> Way:
    """Return how a check is measured."""
    if check.type == "isForeignKey" and check.parameters["refers_to"] == "concept.concept_id":
        return "concept"
    if check.type == "plausibleTemporalAfter" and check.parameters["after"] == BIRTH:
        return "birth"
    return _WAYS[check.type]


def reads(check: Check) -> Iterator[tuple[str, str]]:
    """Yield the table and name of the fields that a check reads beside its own."""
    names = list(_READS.get(check.type, ()))
    for parameter in _FIELDS:
        name = check.parameters.get(parameter)
        if name == BIRTH:
            names += ("person_id", *_BIRTH)
        elif name is not None:
            names.append(str(name))
    for name in names:
        table, _, field = name.rpartition(".")
        yield table or check.table, field


def row_id(table: str) -> str:
    """Return what tells the rows of a table apart: its key, else the person, else DuckDB's own number of the row."""
    known = cdm.tables()[table]
    fields = {field.name for field in known.fields}
    return known.id_field or ("person_id" if "person_id" in fields else "rowid")
