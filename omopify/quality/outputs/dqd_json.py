"""``dq-result.json``: the result as OHDSI's DataQualityDashboard writes it, for its viewer, ARES and AresIndexer.

The file holds the checks of the CDM that DataQualityDashboard knows, and no others: its readers compare sources by
them and count them.  Our own checks stand in ``quality.json``.  Where jsonlite (R) shows, it is kept: the times and
each value of ``Overview`` are lists of one, ``Metadata`` is a list of one object, nothing is null (a value that is not
known is left out), and numbers have four decimals.

Two things differ from our own files, as DataQualityDashboard has them: a required field that is NULL in every row is
"not applicable" there (and fails in ours), and a check that the project has switched off is not there at all.  Its
viewer puts texts into the page as they are, so they are escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from omopify.quality.cdm import check_types, dqd_words
from omopify.quality.model import Assessment, Check, Result

DQD_VERSION = "2.8.4"
"""The release of DataQualityDashboard whose checks these are."""

HIDDEN = "Counts are hidden in this copy, because small ones may tell who somebody is."
"""What the notes of a check say whose counts are not in a copy that leaves."""


def is_dqd(check: Check) -> bool:
    """Say whether a check is one of DataQualityDashboard's: its id is made as they are made there."""
    return check.type in check_types() and check.id == dqd_id(check)


def dqd_id(check: Check) -> str:
    """Return DataQualityDashboard's checkId: level, name, table, field, concept and unit, as far as there are any."""
    parts = (check.level, check.type, check.table, check.column, check.concept_id, check.unit_concept_id)
    return "_".join(part for part in parts if part).replace(" ", "").lower()


def to_dqd(assessment: Assessment, masked: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the content of ``dq-result.json``.

    Args:
        assessment: what was found.
        masked: the copy of ``quality.json`` that may leave; counts that it hides are left out here.
    """
    shown = [None] * len(assessment.results) if masked is None else masked["results"]
    rows = [
        dqd_row(result, copy)
        for result, copy in zip(assessment.results, shown, strict=True)
        if result.status != "off" and is_dqd(result.check)
    ]
    ended = datetime.fromisoformat(assessment.subject.generated_at).astimezone(UTC)
    seconds = round(sum(value for key, value in assessment.timings.items() if key != "statements"), 4)
    return {
        "startTimestamp": [_moment(ended - timedelta(seconds=seconds))],
        "endTimestamp": [_moment(ended)],
        "executionTime": [f"{seconds:.2f} secs"],
        "executionTimeSeconds": [seconds],
        "CheckResults": rows,
        "Metadata": [_metadata(assessment)],
        "Overview": {name: [value] for name, value in _overview(rows).items()},
    }


def dqd_row(result: Result, copy: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return one of ``CheckResults``; *copy* is the same result as the masked document has it."""
    check, measured = result.check, result.measurement
    words = dqd_words(check)
    unpopulated = _is_unpopulated(result)
    counts = {"violated": measured.violated, "denominator": measured.denominator}
    if copy is not None:
        counts = {name: copy["measurement"].get(name) for name in counts}
    hidden = any(isinstance(count, str) for count in counts.values())
    violated, denominator = (None if isinstance(count, str) else count for count in counts.values())
    failed = result.status == "fail" and not unpopulated
    reason = f"Field {check.table}.{check.column} is not populated." if unpopulated else measured.not_applicable
    row: dict[str, Any] = {
        "numViolatedRows": violated,
        "pctViolatedRows": None if hidden else _share(violated, denominator),
        "numDenominatorRows": denominator,
        "executionTime": None if measured.seconds is None else f"{measured.seconds:.4g} secs",
        "queryText": escape(check.rows_sql, quote=False) if failed and check.rows_sql else None,
        "checkName": check.type,
        "checkLevel": check.level,
        "checkDescription": escape(words.description, quote=False),
        "cdmTableName": check.table.upper(),
        "cdmFieldName": check.column.upper() if check.column else None,
        "conceptId": check.concept_id,
        "unitConceptId": check.unit_concept_id,
        "sqlFile": words.sql_file,
        "category": check.category,
        "subcategory": check.subcategory or None,
        "context": check.context,
        "error": escape(measured.error, quote=False) if measured.error else None,
        "checkId": check.id,
        "failed": int(failed),
        "passed": int(result.status == "pass"),
        "isError": int(result.status == "error"),
        "notApplicable": int(result.status == "not applicable" or unpopulated),
        "notApplicableReason": escape(_shouted(reason, check), quote=False) if reason else None,
        "thresholdValue": check.max_pct,
        "notesValue": escape(_notes(result, words.notes, hidden), quote=False) or None,
    }
    return {name: value for name, value in row.items() if value is not None}


def _is_unpopulated(result: Result) -> bool:
    """Say whether DataQualityDashboard would not judge: a required field that is NULL in every row."""
    measured = result.measurement
    everything = bool(measured.denominator) and measured.violated == measured.denominator
    return result.check.type == "isRequired" and result.status == "fail" and everything


def _shouted(reason: str, check: Check) -> str:
    name = f"{check.table}.{check.column}"
    return reason.replace(name, name.upper())


def _share(violated: int | None, denominator: int | None) -> float | None:
    if violated is None or denominator is None:
        return None
    return round(violated / denominator, 4) if denominator else 0.0


def _notes(result: Result, notes: str, hidden: bool) -> str:
    """Return what there is to know about a check beside its result: DQD's note, the project's change, the waiver."""
    change, waiver = result.check.change, result.waiver
    said = [notes] if notes else []
    if change:
        was = "none" if change.default_max_pct is None else f"{change.default_max_pct:g} %"
        said.append(f"Changed by {change.author} on {change.date} (threshold before: {was}): {change.reason}")
    if waiver:
        said.append(f"Waived by {waiver.author} until {waiver.expires}: {waiver.reason}")
    return " ".join([*said, HIDDEN] if hidden else said)


def _metadata(assessment: Assessment) -> dict[str, Any]:
    source = assessment.subject.cdm_source
    camel = {
        "".join(part if place == 0 else part.capitalize() for place, part in enumerate(name.split("_"))): value
        for name, value in source.items()
    }
    if str(camel.get("cdmVersionConceptId")).isdigit():
        camel["cdmVersionConceptId"] = int(str(camel["cdmVersionConceptId"]))
    return {name: value for name, value in camel.items() if value is not None} | {"dqdVersion": DQD_VERSION}


def _overview(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return DataQualityDashboard's summary: what has not failed counts as passed there."""
    total, failed = len(rows), sum(row["failed"] for row in rows)
    found: dict[str, Any] = {
        "countTotal": total,
        "countPassed": total - failed,
        "countErrorFailed": sum(row["isError"] for row in rows),
        "countThresholdFailed": failed,
        "countOverallFailed": failed,
        "percentPassed": round(100 * (total - failed) / total, 2) if total else 0,
        "percentFailed": round(100 * failed / total, 2) if total else 0,
    }
    for word, key in (("Total", None), ("Failed", "failed"), ("Passed", "passed")):
        for category in ("Plausibility", "Conformance", "Completeness"):
            some = [row for row in rows if row["category"] == category]
            found[f"count{word}{category}"] = sum(row[key] for row in some) if key else len(some)
    return found


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
