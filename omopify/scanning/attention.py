"""What of a scan a steward should look at first: the anomalies of all forms, gathered and put into order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from omopify.scanning.model import Anomaly, Scan

_ORDER = (
    "not read",
    "no header",
    "no subject",
    "no rows",
    "header twice",
    "no name",
    "wrong encoding",
    "total row",
    "duplicate rows",
    "short rows",
    "scientific notation",
    "spreadsheet date",
    "spreadsheet error",
    "formula",
    "leading zeros",
    "day and month swapped",
    "day or month",
    "mixed date formats",
    "impossible date",
    "date before 1900",
    "date in the future",
    "not a date",
    "date among text",
    "point and comma",
    "not a number",
    "decimal code",
    "thousands",
    "compared number",
    "unit in the cell",
    "number among text",
    "partial date",
    "personal",
    "mixed case",
    "near spelling",
    "one letter off",
    "odd character",
    "blank around",
    "missing spelt in several ways",
    "line break",
    "encoding",
    "blank only",
    "constant",
    "empty",
    "empty rows",
    "other file",
)
"""Codes of anomalies: first what keeps data out, then what changes its meaning, then what is merely untidy."""

SERIOUS = _ORDER.index("partial date")
"""How many of the codes, from the first, are more than untidiness."""


@dataclass(frozen=True, slots=True)
class Attention:
    """One kind of anomaly and all places that have it: ``form``, ``form.column``, or '' for the export."""

    code: str
    text: str
    places: tuple[tuple[str, Anomaly], ...]
    serious: bool


def attention(scan: Scan) -> tuple[Attention, ...]:
    """Return the kinds of anomalies of a scan, the worst first."""
    gathered: dict[str, list[tuple[str, Anomaly]]] = {}
    for place, anomaly in _all(scan):
        gathered.setdefault(anomaly.code, []).append((place, anomaly))
    rank = {code: place for place, code in enumerate(_ORDER)}
    ordered = sorted(gathered.items(), key=lambda item: rank.get(item[0], len(rank)))
    return tuple(
        Attention(code, places[0][1].text, tuple(places), rank.get(code, len(rank)) < SERIOUS)
        for code, places in ordered
    )


def _all(scan: Scan) -> Iterator[tuple[str, Anomaly]]:
    for anomaly in scan.anomalies:
        yield "", anomaly
    for form in scan.forms:
        for anomaly in form.anomalies:
            yield form.name, anomaly
        for column in form.columns:
            for anomaly in column.anomalies:
                yield f"{form.name}.{column.name}", anomaly
