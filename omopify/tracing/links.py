"""The rows around a row: its person and visit, its attributes, episodes and relations, each to be traced in turn."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from omopify import cdm
from omopify.tracing.model import Link
from omopify.tracing.result import Result, Table

_ERAS = {"drug_exposure": "eras.drug", "condition_occurrence": "eras.condition"}
_SHOWN = 10


def links(result: Result, table: Table, number: int, values: Mapping[str, Any]) -> tuple[Link, ...]:
    """Return the rows of the CDM that a row of it names or is named by; harmonised rows have none."""
    known = cdm.tables().get(table.name)
    if known is None or known.schema == "vocab":
        return ()
    found = [*_named(known, values), *_events(known, values)]
    if table.key and known.event_field_concept_id is not None:
        found += _pointing(result, known, number)
    if table.key:
        found += _linked(result, known, number)
    if table.name in _ERAS:
        eras = result.rows("eras.sql", {"map": _ERAS[table.name], "id": number})
        found += [Link("part of", era, (era_id,), 1) for era, era_id in eras]
    if table.name == "person":
        found += _of_person(result, number)
    return tuple(found)


def _named(known: cdm.Table, values: Mapping[str, Any]) -> list[Link]:
    found = []
    for field in known.fields:
        target = field.references_table
        own = field.primary_key or target in (None, "concept", "vocabulary", "domain")
        if not own and field.name in values and target:
            found.append(Link(field.name.removesuffix("_id"), target, (values[field.name],), 1))
    return found


def _events(known: cdm.Table, values: Mapping[str, Any]) -> list[Link]:
    """Return the rows that are named together with a concept that says which table they are in."""
    words, found = cdm.words(known.name), []
    for said, kind, tables in (
        ("event", "event.field", _tables_by_field()),
        ("fact_1", "fact_1.domain", _tables_by_domain()),
        ("fact_2", "fact_2.domain", _tables_by_domain()),
    ):
        column, which = words.get(said, ""), words.get(kind, "")
        if column in values and values.get(which) in tables:
            word = "about" if said == "event" else column
            found.append(Link(word, tables[values[which]], (values[column],), 1))
    if known.name == "cohort" and "subject_id" in values:
        found.append(Link("person", "person", (values["subject_id"],), 1))
    return found


def _pointing(result: Result, known: cdm.Table, number: int) -> list[Link]:
    """Return the attributes of an event, and other rows that are about it."""
    tables = []
    for name in ("observation", "measurement", "note"):
        words, key = cdm.words(name), cdm.tables()[name].id_field
        if {"event", "event.field"} <= words.keys():
            tables.append((name, key, words["event"], words["event.field"]))
    parameters = {"id": number, "concept": known.event_field_concept_id}
    groups: dict[tuple[str, str], list[int]] = {}
    for name, row_id, part in result.rows("pointing.sql.jinja", parameters, tables=tables):
        groups.setdefault((f"its {part}" if part else "what is about it", name), []).append(row_id)
    return [Link(word, name, tuple(ids[:_SHOWN]), len(ids)) for (word, name), ids in groups.items()]


def _linked(result: Result, known: cdm.Table, number: int) -> list[Link]:
    episode = cdm.tables()["episode"].event_field_concept_id
    parameters = {
        "id": number,
        "field": known.event_field_concept_id or -1,
        "domain": known.domain_concept_id or -1,
        "is_episode": known.name == "episode",
    }
    by_field, by_domain = _tables_by_field(), _tables_by_domain()
    groups: dict[tuple[str, str], list[int]] = {}
    for word, concept, row_id in result.rows("linked.sql.jinja", parameters, episode_concept=episode or 0):
        target = "episode" if word == "episode" else by_field.get(concept) or by_domain.get(concept)
        if target:
            groups.setdefault((word, target), []).append(row_id)
    return [Link(word, name, tuple(ids[:_SHOWN]), len(ids)) for (word, name), ids in groups.items()]


def _of_person(result: Result, number: int) -> list[Link]:
    tables = [
        table.name
        for table in cdm.tables().values()
        if table.schema != "vocab" and table.name != "person" and any(f.name == "person_id" for f in table.fields)
    ]
    found = result.rows("of_person.sql.jinja", {"id": number}, tables=tables)
    return [Link("rows of this person", name, (), rows) for name, rows in found if rows]


@cache
def _tables_by_field() -> dict[int, str]:
    return {t.event_field_concept_id: t.name for t in cdm.tables().values() if t.event_field_concept_id is not None}


@cache
def _tables_by_domain() -> dict[int, str]:
    return {t.domain_concept_id: t.name for t in cdm.tables().values() if t.domain_concept_id is not None}
