"""DRUG_ERA and CONDITION_ERA: what a person's exposures and conditions come to when short gaps do not count.

No map writes them, because an era is made of many rows of all maps. A trial or its shared model only says under
``eras:`` how many days a gap may have; the rest is OHDSI's definition. Where OHDSI's own script departs from that
definition, the templates in ``sql/eras`` say so.
"""

from __future__ import annotations

from collections.abc import Iterator

from omopify import cdm
from omopify.compiler.plan import Statement
from omopify.compiler.render import render
from omopify.specs.packs import Eras

_EVENTS = {
    "drug_era": ("drug", "drug_exposure", "drug_concept_id", "has_ingredient"),
    "condition_era": ("condition", "condition_occurrence", "condition_concept_id", None),
}
"""By era table: its word under ``eras:``, the events that it is made of, and what these need beside a concept."""


def era_statements(eras: Eras) -> Iterator[Statement]:
    """Yield the statements that fill the era tables, in the order in which they run, once all maps have run.

    In the accounting they stand as ``eras.drug`` and ``eras.condition``, which no map can be called.
    """
    for table, days in eras.tables().items():
        word, events, concept, has = _EVENTS[table]
        name = f"eras.{word}"
        key = cdm.tables()[events].primary_key[0]
        origins = render("eras/origins.sql.jinja", name=name, table=table, events=events)
        accounting = render("eras/accounting.sql.jinja", name=name, events=events, key=key)
        filters = render("eras/filters.sql.jinja", name=name, events=events, key=key, concept=concept, has=has)
        yield Statement(name, "events", render(f"eras/{word}_events.sql"))
        yield Statement(name, "members", render("eras/members.sql.jinja", days=days))
        yield Statement(name, "write", render(f"eras/{table}.sql"), table=f"cdm.{table}")
        yield Statement(name, "origins", origins)
        yield Statement(name, "accounting", accounting)
        yield Statement(name, "filters", filters)
        yield Statement(name, "clean", render("eras/clean.sql"))
