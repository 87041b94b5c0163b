"""Bring the document of a quality run into the order in which a reader needs it.

Nothing is computed here that would be a finding: what happened is sorted, grouped and put into words.  Numbers may be
texts such as ``<5`` (in the copy that leaves, small counts are masked), so every number goes through :func:`number`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any

from omopify.quality.model import (
    Assessment,
    Check,
    Comparison,
    Coverage,
    Findings,
    Link,
    Loss,
    MapRows,
    Measurement,
    Picture,
    Result,
    Subject,
    Unmapped,
)

Json = Mapping[str, Any]

SEVERITIES = {"critical": "Critical", "warning": "Warning", "info": "Information"}
STATES = {
    "fail": "Failed",
    "error": "Not measured",
    "waived": "Failed, waived",
    "pass": "Passed",
    "not applicable": "Not applicable",
    "off": "Switched off",
}
"""What a check can be in the report: its status, but a waived one is shown as such and never as passed."""
VERDICTS = {
    "ready": ("good", "Ready"),
    "ready with waivers": (
        "warn",
        "Ready with waivers",
        "The data may go: what still fails was accepted by name.",
    ),
    "not ready": ("bad", "Not ready"),
}
WHAT = {
    "persons": "Persons",
    "sites": "Sites",
    "visits": "Visits",
    "form": "Forms of the export",
    "map": "Maps",
    "table": "Tables",
    "column": "Columns",
}
LOSSES = {"rejected row": "Rejected row", "value left out": "Value left out", "date filled in": "Date filled in"}
REASONS = {
    "not found": "the row belongs to a person, a visit or an event that is not in the result, mostly because that one "
    "was rejected or is not part of the trial. Mend that one, and these are gone, too",
    "no match": "the row that it should be joined with is not there, or was left out",
    "missing": "what must be there is empty, or was left out",
    "another row has this key": "two rows name themselves alike and differ: one of the two has a wrong number",
    "not a date": "it cannot be read with the formats that the map has, there is no such day, or the year is before "
    "1800 or after 2199 (2202 for 2022)",
    "partial date": "day or month are missing where a whole date is needed",
    "not a number": "it cannot be read as a number: text, a unit, or the other decimal mark",
    "not in the value map": "the map's list of values does not know it: a new choice of the form, or another spelling",
    "not in the value set": "it is none of the values that the shared variable may have",
    "several revisions filled": "the form has several versions of one question, and more than one has an answer",
    "differs from the row that is kept": "several rows tell the same thing and differ; the map says which one counts",
    "before the start": "the end is before the start, so there is no end",
    "cut to its length": "the text is longer than OMOP's field; its beginning is kept",
    "earliest": "day or month were missing; the first day that it can be was taken",
    "latest": "day or month were missing; the last day that it can be was taken",
    "start": "there was no end; the start was taken",
}
"""What stands in ``audit`` as a reason or rule, for people who do not write maps."""
FOLLOWS = ("not found", "no match")
"""Reasons that are only the consequence of something else, and so come last."""
CATEGORIES = ("Conformance", "Completeness", "Plausibility")
FULL_COVERAGE = ("used", "identifier")


def whole(document: Json) -> dict[str, Any]:
    """Return ``quality.json`` with what it leaves out because it is empty, and without signs that mislead a reader.

    Such signs turn the direction of what follows, or are no text at all; each becomes a replacement character.
    """
    found = _clean(document)
    findings = _complete(Findings, found.get("findings", {}))
    kinds = {
        "maps": MapRows,
        "unmapped": Unmapped,
        "losses": Loss,
        "coverage": Coverage,
        "pictures": Picture,
        "flow": Link,
    }
    return _complete(Assessment, found) | {
        "subject": _complete(Subject, found["subject"]),
        "results": [
            _complete(Result, r)
            | {"check": _complete(Check, r["check"]), "measurement": _complete(Measurement, r["measurement"])}
            for r in found.get("results", ())
        ],
        "findings": {name: [_complete(kind, one) for one in findings[name]] for name, kind in kinds.items()},
        "comparison": _complete(Comparison, found.get("comparison", {})),
    }


_MISLEADING = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _MISLEADING.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


@cache
def _defaults(kind: type) -> dict[str, Any]:
    found = {f.name: f.default_factory() if f.default_factory is not MISSING else f.default for f in fields(kind)}
    return {name: None if default is MISSING else default for name, default in found.items()}


def _complete(kind: type, record: Json) -> dict[str, Any]:
    return _defaults(kind) | dict(record)


def number(value: object) -> str:
    """Write a count: with thousands separated, a masked one as it stands, none as a dash."""
    if value is None:
        return "\N{EN DASH}"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def percent(violated: object, denominator: object) -> str:
    """Write the share of rows that fail; nothing when one of the two is masked or missing."""
    if not isinstance(violated, int) or not isinstance(denominator, int) or not denominator:
        return ""
    share = 100 * violated / denominator
    if share in (0, 100):
        return f"{share:.0f} %"
    if share < 0.01:
        return "< 0.01 %"
    if share > 99.99:
        return "> 99.99 %"
    return f"{share:.2f}".rstrip("0").rstrip(".") + " %"


def allowed(max_pct: object) -> str:
    """Write a threshold."""
    return "none" if not max_pct else f"{max_pct:g} %" if isinstance(max_pct, int | float) else str(max_pct)


def moment(text: object) -> str:
    """Write an ISO 8601 moment for people: ``20 November 2026, 14:05 UTC``; anything else stays as it is."""
    try:
        at = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return str(text)
    day = f"{at.day} {at:%B %Y}"
    if len(str(text)) <= 10:
        return day
    return f"{day}, {at:%H:%M}" + (" UTC" if at.utcoffset() is not None and not at.utcoffset() else "")


def size(value: object) -> float:
    """Return how big a count is, for sorting; of a masked one the least that it can be."""
    if isinstance(value, int | float):
        return float(value)
    digits = re.search(r"\d+", str(value))
    return -1.0 if digits is None else float(digits[0]) if str(value).startswith("≥") else 0.5


def state(result: Json) -> str:
    """Return a key of :data:`STATES`."""
    status = str(result["status"])
    return "waived" if result.get("waiver") and status in ("fail", "error") else status


def where(check: Json) -> str:
    """Return the table and field that a check is about, as one name."""
    column = check.get("column")
    return f"{check['schema']}.{check['table']}" + (f".{column}" if column else "")


def changes(comparison: Json) -> list[dict[str, Any]]:
    """Return the counts of this delivery and the last, by what is counted, changed ones first."""
    groups = []
    counts = comparison.get("counts") or ()
    for what, title in WHAT.items():
        rows = []
        for one in (c for c in counts if c["what"] == what):
            before, now = one["before"], one["now"]
            known = isinstance(before, int) and isinstance(now, int)
            difference = f"{now - before:+,}".replace("-", "\N{MINUS SIGN}") if known and now != before else ""
            note = "new" if before is None else "gone" if now is None else difference
            note += ", none left" if before and now == 0 else ""
            rows.append({**one, "changed": before != now, "note": note})
        if rows:
            changed = [r for r in rows if r["changed"]]
            groups.append({"title": title, "changed": changed, "same": len(rows) - len(changed)})
    return groups


def losses(found: Sequence[Json]) -> list[dict[str, Any]]:
    """Return rejected rows, left-out values and filled-in dates by form; causes first, the biggest first."""
    order = list(LOSSES)

    def key(r: Json) -> tuple[Any, ...]:
        return (r["form"], order.index(r["kind"]), r["reason"] in FOLLOWS, -size(r["rows"]), r["map"], r["field"])

    rows = sorted(found, key=key)
    return [{"form": form, "rows": list(group)} for form, group in groupby(rows, key=lambda r: r["form"])]


def terms(found: Sequence[Json]) -> list[dict[str, Any]]:
    """Return the fields that have terms without a concept: how many terms, and the rows of the most frequent one."""
    fields: dict[tuple[str, str], list[Json]] = {}
    for one in sorted(found, key=lambda u: -size(u["rows"])):
        fields.setdefault((one["map"], one["field"]), []).append(one)
    return [
        {"map": name, "field": field, "terms": len(each), "most": each[0]["rows"]}
        for (name, field), each in fields.items()
    ]


def decided(results: Sequence[Json]) -> list[dict[str, Any]]:
    """Return what the project has changed in shipped checks: each reason once, with the checks that it is about."""
    sentences: dict[str, list[str]] = {}
    for r in results:
        if r["check"].get("change"):
            sentences.setdefault(_deed(r["check"]["change"]), []).append(r["check"]["id"])
    return [{"says": says, "checks": ids} for says, ids in sentences.items()]


def coverage(found: Sequence[Json]) -> dict[str, Any]:
    """Return what becomes of the columns: how many per form and decision, and each column of each form."""
    decisions = list(dict.fromkeys([d for d in FULL_COVERAGE if any(c["decision"] == d for c in found)]))
    decisions += sorted({c["decision"] for c in found} - set(decisions))
    forms = []
    for form, group in groupby(sorted(found, key=lambda c: c["form"]), key=lambda c: c["form"]):
        columns = list(group)
        numbers = [sum(c["decision"] == d for c in columns) for d in decisions]
        forms.append({"form": form, "columns": columns, "numbers": numbers})
    return {"decisions": decisions, "forms": forms}


def heat(results: Sequence[Json]) -> dict[str, Any]:
    """Return tables by categories: how many checks apply, how many fail, and how bad the worst of these is."""
    others = sorted({r["check"]["category"] for r in results} - set(CATEGORIES))
    categories = [*(c for c in CATEGORIES if any(r["check"]["category"] == c for r in results)), *others]
    tables: dict[str, dict[str, list[Json]]] = {}
    for r in results:
        name = f"{r['check']['schema']}.{r['check']['table']}"
        tables.setdefault(name, {}).setdefault(r["check"]["category"], []).append(r)
    rows: dict[str, list[dict[str, Any]]] = {"failing": [], "passing": [], "idle": []}
    for name in sorted(tables):
        cells = [{**_cell(tables[name].get(c, ())), "category": c} for c in categories]
        failed = any(cell["failed"] or cell["waived"] for cell in cells)
        kind = "failing" if failed else "passing" if any(cell["applicable"] for cell in cells) else "idle"
        rows[kind].append({"table": name, "cells": cells})
    return {"categories": categories, **rows}


def _cell(results: Iterable[Json]) -> dict[str, Any]:
    judged = [r for r in results if r["status"] in ("pass", "fail", "error")]
    failed = [r for r in judged if r["status"] != "pass"]
    is_open = [r for r in failed if state(r) != "waived"]
    worst = next((s for s in SEVERITIES if any(r["check"]["severity"] == s for r in is_open)), None)
    tone = worst or ("waived" if failed else "ok" if judged else "none")
    return {"applicable": len(judged), "failed": len(is_open), "waived": len(failed) - len(is_open), "tone": tone}


def every_check(results: Sequence[Json], places: Mapping[str, str]) -> dict[str, Any]:
    """Return all checks for the page's own search: rows of numbers, with every text once in a list beside them."""
    texts: dict[str, int] = {}

    def text(value: object) -> int:
        return texts.setdefault("" if value is None else str(value), len(texts))

    rows = []
    for r in results:
        check, m = r["check"], r["measurement"]
        violated, denominator = m.get("violated"), m.get("denominator")
        rows.append(
            [
                list(STATES).index(state(r)),
                list(SEVERITIES).index(check["severity"]),
                text(f"{check['schema']}.{check['table']}"),
                text(check.get("column")),
                text(check["category"]),
                text(check["type"]),
                text(check["suite"]),
                text(check["id"]),
                text(check["description"]),
                text(check.get("causes")),
                text(m.get("not_applicable") or m.get("error")),
                violated,
                denominator,
                text(percent(violated, denominator)),
                text(allowed(check.get("max_pct"))),
                text(changed(check)),
                text(waived(r.get("waiver"))),
                text(places.get(check["id"])),
                text(check.get("unit") or "rows"),
            ]
        )
    return {
        "states": list(STATES.values()),
        "severities": list(SEVERITIES.values()),
        "texts": list(texts),
        "rows": rows,
    }


def changed(check: Json) -> str:
    """Say what the project has changed in a shipped check, by whom and why; nothing if it has not."""
    change = check.get("change")
    if not change:
        return ""
    shipped = f"{allowed(change['default_max_pct'])} allowed, {SEVERITIES[change['default_severity']].lower()}"
    now = f"{allowed(check['max_pct'])} allowed, {SEVERITIES[check['severity']].lower()}"
    return f"{_deed(change)} As shipped: {shipped}." + ("" if change.get("off") else f" Now: {now}.")


def _deed(change: Json) -> str:
    deed = "Switched off" if change.get("off") else "Changed"
    reason = str(change["reason"]).strip()
    return (
        f"{deed} by {change['author']} on {change['date']}: {reason}{'' if reason.endswith(('.', '!', '?')) else '.'}"
    )


def waived(waiver: Json | None) -> str:
    """Say who has waived a check, until when and why."""
    if not waiver:
        return ""
    return f"Waived by {waiver['author']} on {waiver['date']} until {waiver['expires']}: {waiver['reason']}"
