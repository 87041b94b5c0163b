"""Bring failing checks into the order in which a steward works on them: by severity, what is new before what is known.

Terms without a concept fail in every trial until its vocabulary is complete, so they come late.  The CDM's checks come
in kinds that ask the same of many fields, and usually fail for the same reason; those of one kind make one entry with
one explanation, else two causes fill ten pages.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from omopify.quality.judging import decide
from omopify.quality.model import Measurement
from omopify.reports.arrange import SEVERITIES, Json, size, state, where
from omopify.specs.quality import CDM_CHECKS

_VOCABULARY = "Vocabulary"
_SUITES = ("trial", "oncology", "dsp")
"""Shipped suites in the order in which they are shown, after those of the project itself."""
LOOKED_AT_FIRST = 3


def failing(results: Sequence[Json], new: Container[str] = ()) -> list[dict[str, Any]]:
    """Return the checks that fail or could not be measured, by severity.

    Each severity has ``cards``: one for each check, or one for all CDM checks of a kind (``checks`` has more than
    one then).  The open ones come before the waived ones.  ``new`` has the ids of those that did not fail in the last
    delivery.
    """
    groups = []
    for severity, word in SEVERITIES.items():
        found = [
            _entry(r, f"check-{number}") | {"new": r["check"]["id"] in new}
            for number, r in enumerate(results)
            if r["check"]["severity"] == severity and r["status"] in ("fail", "error")
        ]
        cards = []
        for _, alike in groupby(sorted(found, key=_order), key=_kind):
            checks = sorted(alike, key=_worst)
            cards.append({"checks": checks, "title": _common([c["check"]["description"] for c in checks])})
        waived = sum(c["state"] == "waived" for c in found)
        groups.append({"severity": severity, "word": word, "cards": cards, "count": len(found), "waived": waived})
    return groups


def places(groups: Iterable[Json]) -> dict[str, str]:
    """Return where each failing check stands in the page, by its id."""
    return {c["check"]["id"]: c["anchor"] for group in groups for card in group["cards"] for c in card["checks"]}


def first(groups: Iterable[Json]) -> dict[str, Any]:
    """Return what to look at first: open cards of the worst severity that has some, and how many there are."""
    for group in groups:
        if group["severity"] != "info":
            cards = [card for card in group["cards"] if card["checks"][0]["state"] != "waived"]
            if cards:
                return {"cards": cards[:LOOKED_AT_FIRST], "more": len(cards[LOOKED_AT_FIRST:]), "word": group["word"]}
    return {"cards": [], "more": 0, "word": ""}


def _entry(result: Json, anchor: str) -> dict[str, Any]:
    check, parts = result["check"], result["measurement"]["parts"]
    limits = check["parameters"].get("parts", {})
    judged = [{**p, "max_pct": limits.get(p["name"], check["max_pct"])} for p in parts]
    judged = [{**p, "above": _is_above(p)} for p in judged]
    shown = sorted((p for p in judged if p["violated"] != 0), key=lambda p: (not p["above"], -_share(p)))
    return {
        **result,
        "state": state(result),
        "anchor": anchor,
        "where": where(check),
        "parts": shown,
        "parts_above": sum(p["above"] for p in judged),
        "parts_all": len(judged),
        "has_rows": bool(check["rows_sql"]) and _leads_to_rows(check),
        "parts_masked": any(isinstance(p["violated"], str) or isinstance(p["denominator"], str) for p in shown),
    }


def _leads_to_rows(check: Json) -> bool:
    """Return whether the failing rows have a key or a place in the export; counts of ``audit`` often have neither.

    The quoted name is that of the column that is listed if the query has it.
    """
    return check["schema"] != "audit" or "source_row" in check["rows_sql"].replace("'source_row'", "")


def _is_above(part: Json) -> bool:
    """Return whether a part is above its limit, by the rule that has judged it; masked numbers do not say."""
    violated, denominator = part["violated"], part["denominator"]
    if not isinstance(violated, int) or not isinstance(denominator, int):
        return False
    return decide(Measurement("", violated, denominator), part["max_pct"], {}) == "fail"


def _order(entry: Json) -> tuple[Any, ...]:
    check, suite = entry["check"], entry["check"]["suite"]
    rank = _SUITES.index(suite) + 1 if suite in _SUITES else 0
    cdm = _is_cdm(entry)
    told_again = suite in _SUITES and check["schema"] == "cdm" and suite != "trial"  # the same in OMOP's own tables
    late = (check["subcategory"] == _VOCABULARY, told_again)
    kind = check["type"] if cdm else ""
    return (entry["state"] == "waived", cdm, kind, entry["state"], not entry["new"], late, rank, _worst(entry))


def _kind(entry: Json) -> tuple[str, str]:
    return (entry["state"], entry["check"]["type"] if _is_cdm(entry) else entry["check"]["id"])


def _is_cdm(entry: Json) -> bool:
    return bool(entry["check"]["expectation"] == CDM_CHECKS)


def _worst(entry: Json) -> tuple[Any, ...]:
    parts = [_share(part) for part in entry["parts"] if part["above"]]
    return (entry["status"] != "error", -max(parts, default=_share(entry["measurement"])), entry["check"]["id"])


def _share(counted: Mapping[str, Any]) -> float:
    violated, denominator = counted["violated"], counted["denominator"]
    if isinstance(violated, int) and isinstance(denominator, int) and denominator:
        return violated / denominator
    return size(violated) / 1_000_000


def _common(sentences: Sequence[str]) -> str:
    """Return what sentences say together, with an ellipsis for each word in which they differ."""
    words = [sentence.split() for sentence in sentences]
    if len({len(w) for w in words}) > 1:
        return f"{sentences[0]} (and {len(sentences) - 1} more like it)"
    common = []
    for column in zip(*words, strict=True):
        end = column[0][-1] if column[0][-1] in ".,;:)" else ""
        common.append(column[0] if len(set(column)) == 1 else "…" + end)
    return " ".join(common)
