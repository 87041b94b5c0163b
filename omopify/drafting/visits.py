"""Drafts the visits that an export without a form of visits tells of: forms that name their visit, and give a day.

The shared maps look a visit up by its name.  A look-up in a table that no map fills finds nothing, in any row, and no
delivery with it can be signed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from omopify.drafting.deciding import Chosen, Decided
from omopify.drafting.filling import Table
from omopify.specs.packs import TableFile

_TELL = ("ecog", "tumour_assessment", "baseline_tumour_assessment")
"""Shared tables whose rows name a visit and have a day, the one whose day is most likely the visit's first."""


def with_visits_found(decided: Sequence[Decided], tables: Mapping[str, TableFile]) -> tuple[Decided, ...]:
    """Leave out names of visits that the draft's form of visits cannot know, as its visits are named by other words."""
    every = [chosen for one in decided for chosen in one.tables]
    forms = [chosen for chosen in every if chosen.table == "visit" and not Table(chosen, tables["visit"]).missing]
    names = {chosen.fields["event_id"].column.name.casefold() for chosen in forms}
    if not names:
        return tuple(decided)
    return tuple(replace(one, tables=tuple(_without(chosen, names) for chosen in one.tables)) for one in decided)


def _without(chosen: Chosen, names: Collection[str]) -> Chosen:
    guess = chosen.fields.get("event_id")
    if not guess or guess.column.name.casefold() in names:
        return chosen
    return replace(chosen, fields={name: guess for name, guess in chosen.fields.items() if name != "event_id"})


def visit_map(name: str, telling: Collection[str], models: Mapping[str, TableFile]) -> str:
    """Return the map of ``dsp.visit`` for a draft; nothing if no map in use tells of visits.

    Args:
        name: the map's name.
        telling: the shared tables that the draft fills with names of visits.
        models: the shared tables.
    """
    tables = [f"dsp.{table}" for table in _TELL if table in telling]
    if not tables:
        return ""
    several = len(tables) > 1
    whens = " ".join(f"when '{table}' then {number}" for number, table in enumerate(tables[:-1], 1))
    first = [f'"case _source {whens} else {len(tables)} end"'] if several else []
    lines = [
        "# DRAFT, proposed by omopify: the export has no form of visits, but these tables name a visit and have a day.",
        "# Is the day that is kept (the first table that names the visit, its earliest day) really that of the visit?"
        if several
        else "# Is the day that is kept (the earliest) really that of the visit?",
        f"map: {name}",
        "to: dsp.visit",
        f"union: [{', '.join(tables)}]" if several else f"from: {tables[0]}",
        "where:                                          # rows without any of these are not used, and counted",
        "  has_visit: event_id is not null and date is not null",
        "keep:                                           # one row for each visit",
        "  per: [subject_id, event_id]",
        f"  order: [{', '.join((*first, 'date', '_row'))}]",
        "key: [subject_id, event_id]",
        "set:",
        "  subject_id: subject_id",
        "  event_id: event_id",
        "  date: date                                    # ASSUMED: no column says on which day the visit was",
        "  # event_name: ???  # the trial's name of the visit",
        "  # mode: ???  # how the visit took place; one of clinic, telephone",
        *_test(tables, models),
        "review: {status: draft}",
    ]
    return "\n".join(lines) + "\n"


def _test(tables: Sequence[str], models: Mapping[str, TableFile]) -> list[str]:
    """Return a test with rows that name one visit; the day to be kept is that of the first of them."""
    days = {table: [16 - number] for number, table in enumerate(tables)} | {tables[0]: [17, *[18] * (len(tables) == 1)]}
    lines = [
        "tests:",
        "  - name: made-up values, as a beginning; a visit of two days has the one that is to be kept",
        "    given:",
    ]
    for table, each in days.items():
        lines.append(f"      {table}:")
        for day in each:
            cells = {"subject_id": "MADE-UP-1", "event_id": "week 8", "date": f"2024-05-{day}"}
            for name, wanted in models[table.removeprefix("dsp.")].fields.items():
                if wanted.required:
                    cells.setdefault(name, wanted.values[0] if wanted.values else "week 8")
            lines.append(f"        - {{{', '.join(f'{name}: {cell}' for name, cell in cells.items())}}}")
    expected = "{subject_id: MADE-UP-1, event_id: week 8, date: 2024-05-17}"
    return [*lines, "    expect:", "      dsp.visit:", f"        - {expected}"]
