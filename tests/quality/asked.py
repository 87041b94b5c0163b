"""Which checks there are: read from DQD's control files where they are at hand, else from the checks that we ship."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from omopify.cdm import tables
from omopify.errors import Problems
from omopify.resources import data
from omopify.specs.quality import read_suite
from tests.quality.made_up import FEMALE, MALE, Judged
from tests.quality.oracle import Asked

DQD = Path("/work/shared/data/ohdsi")
"""OHDSI's own files; not part of the repository, so a machine that only has that goes without."""
SEXES = {"Male": MALE, "Female": FEMALE}
LEFT_OUT = {
    "concept", "vocabulary", "concept_ancestor", "concept_relationship", "concept_class", "concept_synonym",
    "relationship", "domain",
}  # fmt: skip
"""Tables that DQD does not check unless asked."""
JUDGED_COLUMNS = {
    "condition_occurrence": "condition_concept_id",
    "measurement": "measurement_concept_id",
    "procedure_occurrence": "procedure_concept_id",
}
"""The columns whose concepts are judged one by one."""
FLAGS = (
    "isRequired", "isPrimaryKey", "isForeignKey", "isStandardValidConcept", "measureValueCompleteness",
    "standardConceptRecordCompleteness", "sourceConceptRecordCompleteness", "sourceValueCompleteness",
    "plausibleTemporalAfter", "plausibleDuringLife", "withinVisitDates", "plausibleAfterBirth",
    "plausibleBeforeDeath", "plausibleStartBeforeEnd",
)  # fmt: skip
"""Checks of a field that have a column of their own which says Yes."""


def from_dqd() -> list[Asked]:
    """Return DQD's 2,374 default checks for the CDM v5.4, from its control files."""
    return [*_of_tables(), *_of_fields(), *_of_concepts()]


def from_suites() -> list[Asked]:
    """Return the checks of the shipped suites, as they are written there."""
    problems = Problems()
    found: list[Asked] = []
    for path in sorted(data("quality", "omop54").glob("*.yaml")):
        suite = read_suite(path, problems) if path.name != "check_types.yaml" else None
        for spec in suite.expectations if suite else ():
            found += _written(spec.kwargs["check_type"], spec.kwargs["cdm_table"], spec.kwargs["checks"])
    assert not problems.errors, [str(problem) for problem in problems.errors]
    return found


def _written(check: str, table: str, checks: dict[str, dict[str, Any]]) -> Iterator[Asked]:
    for key, words in checks.items():
        more: dict[str, Any] = {"threshold": words.get("max_pct")}
        column: str | None = None if str(key) == table else str(key)
        about = [column] if column else []
        if column and column.replace(",", "").isdigit():
            more["concepts"] = tuple(int(concept) for concept in column.split(","))
            about = [JUDGED_COLUMNS[table], column]
            column = JUDGED_COLUMNS[table]
        if "refers_to" in words:
            more["refers"] = tuple(words["refers_to"].split("."))
        if "after" in words:
            after = words["after"]
            more["refers"] = ("person", "birth_datetime") if after == "birth" else (table, after)
        for word in ("lowest", "highest"):
            if word in words:
                more["limit"] = limit(words[word])
        for word in ("source_value", "concept", "end"):
            if word in words:
                more["other"] = words[word]
        if "domains" in words:
            more["domains"] = tuple(words["domains"])
        if "concept_class" in words:
            more["concept_class"] = words["concept_class"]
        if "gender" in words:
            more["sex"] = SEXES[words["gender"]]
        if "units" in words:
            more["units"] = tuple(-1 if unit == "none" else int(unit) for unit in words["units"])
        level = "concept" if "concepts" in more else "field" if column else "table"
        yield Asked(_id(level, check, table, *about), check, table, column, **more)


def limit(written: object) -> str:
    """Return a lowest or highest value in one form, whoever wrote it."""
    text = str(written).strip("'")
    if isinstance(written, str) and written.startswith("'"):
        return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()
    known = {"DATEADD(dd,1,GETDATE())": "tomorrow", "YEAR(GETDATE())+1": "next year"}
    try:
        return repr(float(text))
    except ValueError:
        return known.get(text, text)


def judged(checks: Sequence[Asked]) -> Judged:
    """Return the concepts that *checks* judge one by one."""
    of_one_sex = [(c.table, c.concepts[0], c.sex or 0) for c in checks if c.type == "plausibleGender"]
    families = [
        (c.table, concept, c.sex or 0)
        for c in checks
        if c.type == "plausibleGenderUseDescendants"
        for concept in c.concepts
    ]
    units = {
        c.concepts[0]: [None if unit == -1 else unit for unit in c.units]
        for c in checks
        if c.type == "plausibleUnitConceptIds"
    }
    return Judged(of_one_sex, families, units)


def source_value_of(table: str, column: str) -> str | None:
    """Return the column with the source value of an optional concept: its name says which.

    DQD has a list of them in its SQL.  It has no source values of what must have a standard concept
    (``condition_source_value``), so their source concepts are judged by themselves.
    """
    known = tables()[table]
    names = {field.name: field for field in known.fields}
    what = column.removesuffix("_concept_id").removesuffix("_source")
    optional = all(not names[n].required for n in (column, f"{what}_concept_id") if n in names)
    return f"{what}_source_value" if optional and f"{what}_source_value" in names else None


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (DQD / f"DQD_v5.4_{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            stripped = {key: (value or "").strip() for key, value in row.items()}
            if stripped["cdmTableName"].lower() not in LEFT_OUT:
                yield stripped


def _threshold(row: dict[str, str], check: str) -> float | None:
    written = row.get(f"{check}Threshold", "")
    return float(written) if written else None


def _id(level: str, check: str, *about: str) -> str:
    return "_".join((level, check, *about)).lower().replace(" ", "")


def _of_tables() -> Iterator[Asked]:
    for row in _rows("Table_Level"):
        table = row["cdmTableName"].lower()
        yield Asked(_id("table", "cdmTable", table), "cdmTable", table)
        for check in (
            "measurePersonCompleteness",
            "measureConditionEraCompleteness",
            "measureObservationPeriodOverlap",
        ):
            if row[check] == "Yes":
                yield Asked(_id("table", check, table), check, table, threshold=_threshold(row, check))


def _of_fields() -> Iterator[Asked]:
    for row in _rows("Field_Level"):
        table, column = row["cdmTableName"].lower(), row["cdmFieldName"].lower()
        if column == "offset":
            continue
        checks: dict[str, dict[str, object]] = {"cdmField": {}} | {f: {} for f in FLAGS if row[f] == "Yes"}
        if row["cdmDatatype"] == "integer":
            checks["cdmDatatype"] = {}
        if row["isForeignKey"] == "Yes":
            checks["isForeignKey"] = {"refers": (row["fkTableName"].lower(), row["fkFieldName"].lower())}
            if row["fkDomain"]:
                checks["fkDomain"] = {"domains": (row["fkDomain"],)}
            if row["fkClass"]:
                checks["fkClass"] = {"concept_class": row["fkClass"]}
        for check in ("plausibleValueLow", "plausibleValueHigh"):
            if row[check]:
                checks[check] = {"limit": limit(row[check])}
        for check in ("standardConceptRecordCompleteness", "sourceConceptRecordCompleteness"):
            if check in checks:
                checks[check] = {"other": source_value_of(table, column)}
        if "sourceValueCompleteness" in checks:
            checks["sourceValueCompleteness"] = {"other": row["standardConceptFieldName"].lower()}
        if "plausibleTemporalAfter" in checks:
            refers = row["plausibleTemporalAfterTableName"].lower(), row["plausibleTemporalAfterFieldName"].lower()
            checks["plausibleTemporalAfter"] = {"refers": refers}
        if "plausibleStartBeforeEnd" in checks:
            checks["plausibleStartBeforeEnd"] = {"other": row["plausibleStartBeforeEndFieldName"].lower()}
        for check, more in checks.items():
            name = _id("field", check, table, column)
            yield Asked(name, check, table, column, _threshold(row, check), **more)  # type: ignore[arg-type]


def _of_concepts() -> Iterator[Asked]:
    for row in _rows("Concept_Level"):
        table, column = row["cdmTableName"].lower(), row["cdmFieldName"].lower()
        concepts = tuple(int(concept) for concept in row["conceptId"].split(","))
        about = (table, column, row["conceptId"], *([row["unitConceptId"]] if row["unitConceptId"] else ()))
        for check in ("plausibleGender", "plausibleGenderUseDescendants"):
            if row[check]:
                name, threshold = _id("concept", check, *about), _threshold(row, check)
                yield Asked(name, check, table, column, threshold, concepts=concepts, sex=SEXES[row[check]])
        check = "plausibleUnitConceptIds"
        if row[f"{check}Threshold"]:
            units = tuple(dict.fromkeys(int(unit) for unit in row[check].split(",")))
            name, threshold = _id("concept", check, *about), _threshold(row, check)
            yield Asked(name, check, table, column, threshold, concepts=concepts, units=units)
