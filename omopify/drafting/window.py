"""Drafts the window in which a subject is observed, from whatever dates the other drafted maps give."""

from __future__ import annotations

_OPENS = {
    "dsp.milestone": "{opens: date, seen: date}",
    "dsp.visit": "{opens: date, seen: date}",
    "dsp.ecog": "{opens: date, seen: date}",
    "dsp.cohort_allocation": "{opens: allocation_date, seen: allocation_date}",
    "dsp.treatment_cycle": "{seen: start_date, last: end_date}",
    "dsp.treatment": "{seen: start_date, last: end_date}",
    "dsp.adverse_event": "{seen: start_date}",
    "dsp.tumour_assessment": "{seen: date}",
    "dsp.end_of_treatment": "{seen: last_dose_date}",
    "dsp.concomitant_medication": "{last: start_date}",
    "dsp.follow_up": "{seen: last_known_alive}",
    "dsp.death": "{seen: date, died: date}",
}
"""What the dates of each shared table say: the trial has begun, the subject was seen, was treated until, died."""


def window_map(trial: str, written: set[str]) -> str:
    """Return the map of ``dsp.observation_window`` for the tables that a draft writes; nothing if none has a date."""
    tables = {table: columns for table, columns in _OPENS.items() if table in written}
    if not any("seen" in columns for columns in tables.values()):
        return ""
    said = {word for columns in tables.values() for word in ("opens", "seen", "last", "died") if f"{word}:" in columns}
    first = "coalesce(min(opens), min(seen))" if "opens" in said else "min(seen)"
    seen = "coalesce(last, seen)" if "last" in said else "seen"
    end = f"if(min(died) < max({seen}), min(died), max({seen}))" if "died" in said else f"max({seen})"
    lines = [
        "# DRAFT, proposed by omopify: from the first step into the trial to the last contact, death included.",
        "# Is the first of these dates the consent? If not, say in the note what the window begins with.",
        f"map: {trial}_observation_window",
        "to: dsp.observation_window",
        "union:",
        *(f"  {table}: {columns}" for table, columns in tables.items()),
        "group: {by: [subject_id]}",
        "set:",
        "  subject_id: subject_id",
        f"  start_date: {first}",
        "  start_basis: {constant: first event}",
        f"  end_date: {end}",
        "review: {status: draft}",
    ]
    return "\n".join(lines) + "\n"
