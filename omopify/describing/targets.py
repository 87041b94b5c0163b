"""The tables of the document: each column of a harmonised table or of OMOP, and what fills it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from omopify import cdm
from omopify.compiler.plan import Plan
from omopify.describing.model import Column, Filled, Map, Rule, Table
from omopify.specs.packs import TableFile
from omopify.specs.project import Pack

GIVEN = "omopify gives the ids, and keeps them from run to run."
"""What is said of a table's own ids."""


def harmonised(pack: Pack, maps: Sequence[Map]) -> tuple[Table, ...]:
    """Return the tables of the shared model that maps fill, in the model's order."""
    writers: dict[str, list[Map]] = {}
    for one in maps:
        for table in one.writes:
            writers.setdefault(table, []).append(one)
    found = []
    for name, spec in pack.tables.items():
        filling = writers.get(f"dsp.{name}", [])
        if filling:
            found.append(_harmonised(spec, filling))
    return tuple(found)


def omop(plan: Plan, maps: Sequence[Map]) -> tuple[Table, ...]:
    """Return the tables of OMOP that maps fill, in OMOP's order."""
    writes = {step.name: [table.removeprefix("cdm.") for table in step.writes] for step in plan.maps}
    found = []
    for name in cdm.tables():
        filling = [one for one in maps if name in writes.get(one.name, ())]
        if filling:
            found.append(_omop(name, filling))
    return tuple(found)


def _harmonised(table: TableFile, maps: Sequence[Map]) -> Table:
    name = f"dsp.{table.table}"
    columns = tuple(
        Column(
            column,
            spec.type,
            spec.required,
            tuple(spec.values),
            spec.unit,
            spec.definition,
            tuple(_filled(f"{name}.{column}", maps)),
        )
        for column, spec in table.fields.items()
    )
    names = tuple(one.name for one in maps)
    return Table(
        f"dsp-{table.table}", name, table.definition, table.source, tuple(table.transfer), names, columns
    )  # fmt: skip


def _omop(name: str, maps: Sequence[Map]) -> Table:
    table = cdm.tables()[name]
    columns = tuple(
        Column(
            column.name,
            column.type if column.length is None else f"{column.type} ({column.length})",
            column.required,
            (),
            "",
            GIVEN if column.name == table.id_field else "",
            tuple(_filled(f"{name}.{column.name}", maps)),
        )
        for column in table.fields
    )
    return Table(f"omop-{name}", name, "", "", (), tuple(one.name for one in maps), columns)


def _filled(target: str, maps: Sequence[Map]) -> Iterator[Filled]:
    for one in maps:
        for rule in rules(one):
            if target in rule.part.targets:
                yield Filled(one.name, rule.anchor, rule.part.words, rule.part.origins)


def rules(one: Map) -> Iterator[Rule]:
    """Yield everything that a map says, in the document's order."""
    yield from one.clauses
    yield from one.fields
    for _, attribute in one.attributes:
        yield from attribute
