"""Concept slots: how a concept id, its source id and its source value come to be.

A slot is one place for a concept (the event's own, its unit, its result, ...).  Values are looked up in bulk,
each distinct value once, in a table of their own that the step table joins.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from omopify.compiler.fields import Columns, folded
from omopify.compiler.plan import ConstantUse, Item, Lookup, Unmapped
from omopify.compiler.typed import TEXT, Typed, as_text, coalesced, literal, quoted
from omopify.specs.values import ConceptSpec, Constant


@dataclass
class Concepts:
    """All slots of one map, and what the step table needs for them."""

    columns: Columns
    table: str
    """The table of looked-up values, as written in SQL."""
    lookups: list[Lookup] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    constants: list[ConstantUse] = field(default_factory=list)
    unknown: list[tuple[str, Constant]] = field(default_factory=list)
    """Constants that rows get without having said anything: counted if the vocabulary does not know them."""
    sourced: set[str] = field(default_factory=set)
    """Slots that have a source value."""

    def add(
        self,
        slot: str,
        ways: tuple[ConceptSpec, ...],
        *steps: str | int,
        several: bool = False,
        domains: tuple[str, ...] = (),
    ) -> None:
        """Add a slot; ``several`` lets one value give several concepts (each a row of its own).

        ``domains`` are those that fit the field, any if empty: conversion takes what it finds, ``vocab check`` tells.
        """
        place = (slot, domains)
        ids: list[str] = []
        sources: list[str] = []
        source_ids: list[str] = []
        found: list[str] = []
        results: list[str] = []
        aliases: list[str] = []
        decisions: list[str] = []
        for number, way in enumerate(ways, 1):
            here = steps if len(ways) == 1 else (*steps, number - 1)
            if way.concept:
                ids.append(_unless(decisions, self._constant(way.concept, place, *here)))
                if way.concept.id:
                    self.unknown.append((slot, way.concept))
                found.append(_unless(decisions, f"o_domain({way.concept.id})"))
                continue
            value = self.columns.first_of(way.value, *here, "value")
            if value is None:
                continue
            text = as_text(value).sql
            alias = f"{slot}.{number}"
            self.columns.carry(f"{alias}.said", Typed(text, TEXT))
            sources.append(quoted(f"{alias}.said"))
            if way.map:
                ids.append(_unless(decisions, self._inline(way, quoted(f"{alias}.said"), place, *here)))
                continue
            self.lookups.append(
                Lookup(
                    slot=alias,
                    column=f"{alias}.said",
                    file=f"{self.columns.loaded.pack}/{way.via}" if way.via else None,
                    vocabularies=way.vocabulary,
                    by=way.by,
                    field=slot,
                    way=number,
                    at=self.columns.spec.at(*here),
                    domain=way.domain,
                    domains=domains,
                    ignored=tuple(self.columns.context.trial.codes.get(name, ()) for name in way.vocabulary),
                )
            )
            self._join(alias, aliases, decisions, several)
            aliases.append(alias)
            if way.via:
                decisions.append(f"{quoted(alias)}.decided")
            ids.append(f"nullif({quoted(alias)}.concept_id, 0)")
            source_ids.append(f"nullif({quoted(alias)}.source_concept_id, 0)")
            found.append(f"{quoted(alias)}.domain_id")
            result = f"{quoted(alias)}.value_concept_id"
            if way.result:
                given = self._constant(way.result, ("value", ()), *here, "result")
                result = f"coalesce({result}, CASE WHEN {ids[-1]} IS NOT NULL THEN {given} END)"
            results.append(result)
        source = coalesced(sources) if sources else ""
        unknown = f"CASE WHEN {source} IS NOT NULL THEN 0 END" if source else "0"
        self.items.append(Item(coalesced([*ids, unknown]), slot))
        if source:
            self.sourced.add(slot)
            self.items.append(Item(source, f"{slot}.source"))
            chosen = "".join(
                f" WHEN {quoted(a)}.concept_id <> 0 THEN coalesce({quoted(a)}.source_concept_id, 0)" for a in aliases
            )
            known = coalesced([*source_ids, "0"])
            known = f"CASE{chosen} ELSE {known} END" if len(aliases) > 1 else known
            self.items.append(Item(f"CASE WHEN {source} IS NOT NULL THEN {known} END", f"{slot}.source_concept"))
            lost = f"{quoted(slot)} = 0 AND {quoted(f'{slot}.source')} IS NOT NULL"
            if aliases:
                self.items.append(Item(coalesced(decisions) if decisions else "FALSE", f"{slot}.decided"))
                lost += f" AND {quoted(f'{slot}.decided')} IS NOT TRUE"
            self.columns.unmapped.append(Unmapped(slot, quoted(f"{slot}.source"), lost))
        if several:
            self.items.append(Item(coalesced(found) if found else "NULL", f"{slot}.domain"))
            if results:
                self.items.append(Item(coalesced(results), f"{slot}.value"))
            nth = [f"CASE WHEN {quoted(a)}.concept_id <> 0 THEN {quoted(a)}.nth END" for a in aliases]
            self.items.append(Item(coalesced([*nth, "1"]), "_target"))

    def _constant(self, constant: Constant, place: tuple[str, tuple[str, ...]], *steps: str | int) -> str:
        """Return SQL for a concept id; ``place`` is the field that it fills and the domains that fit there."""
        at = self.columns.spec.at(*steps)
        self.constants.append(ConstantUse(constant.id, constant.name, at, *place))
        return f"nullif(o_concept({constant.id}), 0)"

    def _inline(self, way: ConceptSpec, said: str, place: tuple[str, tuple[str, ...]], *steps: str | int) -> str:
        self.columns.note_same(way.map, *steps)
        branches = [
            f"WHEN {folded(key)} THEN {self._constant(constant, place, *steps, 'map', key)}"
            for key, constant in way.map.items()
        ]
        return f"CASE o_fold({said}) {' '.join(branches)} END"

    def _join(self, alias: str, earlier: list[str], decisions: list[str], several: bool) -> None:
        conditions = [
            f"{quoted(alias)}.slot = {literal(alias)}",
            f"{quoted(alias)}.value = typed.{quoted(f'{alias}.said')}",
        ]
        if not several:
            conditions.append(f"{quoted(alias)}.nth = 1")
        conditions += [f"coalesce({quoted(other)}.concept_id, 0) = 0" for other in earlier]
        conditions += [f"{decided} IS NOT TRUE" for decided in decisions]
        self.joins.append(f"LEFT JOIN {self.table} AS {quoted(alias)} ON {' AND '.join(conditions)}")


def _unless(decisions: list[str], sql: str) -> str:
    """Return SQL that gives nothing where an earlier way has decided that there is no concept."""
    return f"CASE WHEN {' OR '.join(decisions)} THEN NULL ELSE {sql} END" if decisions else sql
