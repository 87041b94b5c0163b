"""What all rules look at: the project, its plan, what its columns may hold, and where each part of a map is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from omopify.compiler.fields import fold
from omopify.compiler.lint.conditions import Domain, Known
from omopify.compiler.plan import MapPlan, Plan
from omopify.compiler.relations import Context, Relation
from omopify.errors import Location, Problems
from omopify.specs.maps import MapFile
from omopify.specs.model import Model
from omopify.specs.packs import ModelField
from omopify.specs.project import LoadedMap, Pack, Project
from omopify.specs.values import ConceptSpec, FieldSpec
from omopify.specs.yamlfile import Step

_ITEM = re.compile(r"\{([A-Za-z_]\w*):")


@dataclass
class Look:
    """A project and its plan, as the rules see them."""

    project: Project
    plan: Plan
    headers: Mapping[str, Mapping[str, str]]
    """The columns that the export brings, by source; a source that is not in it was not brought."""
    problems: Problems
    context: Context = field(init=False)

    def __post_init__(self) -> None:
        """Make what maps can read findable by its name."""
        self.context = Context(self.pack, self.headers, Problems())

    @property
    def pack(self) -> Pack:
        """The trial's maps with all they need."""
        return self.project.pack

    def maps(self) -> Iterator[tuple[LoadedMap, MapPlan]]:
        """Yield every map with its plan."""
        plans = {plan.name: plan for plan in self.plan.maps}
        return ((loaded, plans[loaded.spec.map]) for loaded in self.pack.maps if loaded.spec.map in plans)

    def warn(self, code: str, message: str, at: Location, hint: str) -> None:
        """Note something that may not be meant."""
        self.problems.add(code, message, at, hint, severity="warning")

    def known(self, spec: MapFile) -> Known:
        """Return what is known of the columns that a map's expressions name."""
        made = _made(spec)
        own = [relation for name in (spec.source_from, *spec.union) if name and (relation := self.relation(name))]

        def look_up(name: str) -> Domain:
            if name in made or spec.sql:
                return Domain()
            alias, dot, column = name.partition(".")
            joined = next((j.source or key for key, j in spec.join.items() if key.casefold() == alias), "")
            if dot:
                relation = self.relation(joined)
                return _nullable(self.domain(relation, column)) if relation else Domain()
            found = [self.domain(r, _renamed(spec, r, name)) for r in own if _has(r, _renamed(spec, r, name))]
            return _merged(found, len(own)) if found else Domain()

        return look_up

    def relation(self, name: str) -> Relation | None:
        """Return a source or shared table by its name."""
        return self.context.relation(name)

    def domain(self, relation: Relation, column: str) -> Domain:
        """Return what is known of a column of a source or shared table (in small letters)."""
        source = self.pack.sources.get(relation.name)
        if source:
            return Domain(never=frozenset(fold(word) for word in source.missing) | {""})
        wanted = self.shared_field(relation.name, column)
        if wanted is None:
            return Domain(filled=column == "trial")
        values = ("true", "false") if wanted.type == "boolean" else tuple(wanted.values)
        return Domain(values, frozenset({""}), wanted.required)

    def shared_field(self, table: str, name: str) -> ModelField | None:
        """Return a field of ``dsp.<table>`` by its name in any case; None if there is none."""
        found = self.pack.tables.get(table.removeprefix("dsp.")) if table.startswith("dsp.") else None
        fields = {key.casefold(): spec for key, spec in found.fields.items()} if found else {}
        return fields.get(name.casefold())


def _made(spec: MapFile) -> set[str]:
    """Return the columns (in small letters) that a map's shaping clause makes: nothing is known of them."""
    made = {*spec.split}
    if spec.slots:
        made |= {"slot", *spec.slots.columns}
    if spec.unpivot:
        made |= {spec.unpivot.value, f"{spec.unpivot.value}_code", *_ITEM.findall(spec.unpivot.columns)}
    return {name.casefold() for name in made}


def _renamed(spec: MapFile, relation: Relation, name: str) -> str:
    renames = {key.casefold(): column.casefold() for key, column in spec.union.get(relation.name, {}).items()}
    return renames.get(name, name)


def _has(relation: Relation, column: str) -> bool:
    return not relation.known or column in {name.casefold() for name in relation.columns}


def _nullable(domain: Domain) -> Domain:
    """Return a joined column's domain: without a match it is empty."""
    return Domain(domain.values, domain.never)


def _merged(found: list[Domain], inputs: int) -> Domain:
    """Return what is known of a column that several inputs bring; one that lacks it leaves it empty."""
    values = tuple(value for domain in found for value in domain.values) if all(d.values for d in found) else ()
    filled = len(found) == inputs and all(domain.filled for domain in found)
    return Domain(values, frozenset.intersection(*(domain.never for domain in found)), filled)


def parts(model: Model, steps: tuple[Step, ...] = ()) -> Iterator[tuple[FieldSpec | ConceptSpec, tuple[Step, ...]]]:
    """Yield every field and every way to a concept that a map writes out, with the way to it in the file."""
    for name in sorted(model.model_fields_set):
        if name not in ("tests", "review"):
            written = type(model).model_fields[name].alias or name
            yield from _parts(getattr(model, name), (*steps, written))


def _parts(part: object, steps: tuple[Step, ...]) -> Iterator[tuple[FieldSpec | ConceptSpec, tuple[Step, ...]]]:
    if isinstance(part, (FieldSpec, ConceptSpec)):
        yield part, steps
    elif isinstance(part, Model):
        yield from parts(part, steps)
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield from _parts(value, (*steps, str(key)))
    elif isinstance(part, (tuple, list)):
        several = len(part) > 1
        for number, value in enumerate(part):
            yield from _parts(value, (*steps, number) if several else steps)


def conditions(spec: MapFile) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """Yield every condition of a map, with the way to it in the file; joins have theirs apart."""
    for name, text in spec.where.items():
        yield text, ("where", name)
    for name, attribute in spec.attributes.items():
        if attribute.when:
            yield attribute.when, ("attributes", name, "when")
