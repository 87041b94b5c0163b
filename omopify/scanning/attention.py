"""What of a scan a steward should look at first: the anomalies of all forms, gathered and put into order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from omopify.scanning.model import Anomaly, Scan

ORDER = (
    "not read",
    "cells in one",
    "no header",
    "impossible date",
    "day and month swapped",
    "day or month",
    "mixed date formats",
    "not a date",
    "partial date",
    "date before 1900",
    "date in the future",
    "spreadsheet date",
    "date among text",
    "personal",
    "duplicate rows",
    "total row",
    "short rows",
    "wrong encoding",
    "scientific notation",
    "spreadsheet error",
    "formula",
    "leading zeros",
    "point and comma",
    "not a number",
    "thousands",
    "decimal code",
    "compared number",
    "unit in the cell",
    "number among text",
    "header twice",
    "no name",
    "no rows",
    "mixed case",
    "near spelling",
    "one letter off",
    "odd character",
    "blank around",
    "missing spelt in several ways",
    "no subject",
    "encoding",
    "line break",
    "blank only",
    "empty rows",
    "constant",
    "empty",
    "other file",
)
"""Codes of anomalies: what keeps data out, then dates, persons, doubles, other changes of meaning, then nits."""


@dataclass(frozen=True, slots=True)
class Attention:
    """One kind of anomaly and all places that have it: ``form``, ``form.column``, or '' for the export."""

    code: str
    text: str
    places: tuple[tuple[str, Anomaly], ...]


def attention(scan: Scan) -> tuple[Attention, ...]:
    """Return the kinds of anomalies of a scan, the worst first."""
    gathered: dict[str, list[tuple[str, Anomaly]]] = {}
    for place, anomaly in _all(scan):
        gathered.setdefault(anomaly.code, []).append((place, anomaly))
    rank = {code: place for place, code in enumerate(ORDER)}
    ordered = sorted(gathered.items(), key=lambda item: rank.get(item[0], len(rank)))
    return tuple(Attention(code, places[0][1].text, tuple(places)) for code, places in ordered)


def _all(scan: Scan) -> Iterator[tuple[str, Anomaly]]:
    for anomaly in scan.anomalies:
        yield "", anomaly
    for form in scan.forms:
        for anomaly in form.anomalies:
            yield form.name, anomaly
        for column in form.columns:
            for anomaly in column.anomalies:
                yield f"{form.name}.{column.name}", anomaly
