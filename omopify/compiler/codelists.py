"""Which columns of an export are filled from a list of choices, as far as the maps tell.

Nobody declares them, but the next export is compared by them: a choice that was never seen before is mostly one that
the maps do not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp

from omopify.compiler.parsing import Refused, parse
from omopify.compiler.plan import MapPlan, Plan
from omopify.specs.maps import MapFile
from omopify.specs.packs import TableFile
from omopify.specs.project import Pack
from omopify.specs.values import ConceptSpec, FieldSpec

_RANGE = re.compile(r"\{([^{}]*)\}")
_SPELLINGS = ("fold", "lower", "number", "text", "trim", "upper")
"""Functions that only write a choice in another way."""


def code_lists(pack: Pack, plan: Plan, brought: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Return the columns that are filled from a list, by source, in the order of the export.

    A column is taken for one if a map uses it, and either the trial pairs it with a code column (``pairs:``), or a
    map reads it as it stands through a list of all that it may hold: ``map:``, or the value set of a shared table's
    field.  What is looked up in a vocabulary or a concept file is an open list and no such column.  Nor is what an
    expression only derives a choice from, which may be a date of birth; identifiers are none either.

    ``brought`` holds the columns of the export, by source.
    """
    specs = {loaded.spec.map: loaded.spec for loaded in pack.maps}
    used = {(source, column.casefold()) for step in plan.maps for source, column in step.columns}
    read = {pair for step in plan.maps for pair in _read_by_list(specs[step.name], step, pack)}
    never = {name.casefold() for name in pack.trial.identifiers}
    found: dict[str, list[str]] = {}
    for source, columns in brought.items():
        paired = _paired(columns, pack.trial.pairs)
        for column in columns:
            pair = (source, column.casefold())
            if (pair in read or (pair[1] in paired and pair in used)) and pair[1] not in never:
                found.setdefault(source, []).append(column)
    return found


def _paired(columns: tuple[str, ...], pairs: str | None) -> set[str]:
    """Return labels and code columns that belong together, and code columns whose label is not exported."""
    if not pairs:
        return set()
    pattern = re.compile(re.escape(pairs.casefold()).replace(re.escape("{}"), "(.+)"))
    codes = {found[1]: found[0] for column in columns if (found := pattern.fullmatch(column.casefold()))}
    return {*codes, *codes.values()}


def _read_by_list(spec: MapFile, step: MapPlan, pack: Pack) -> Iterator[tuple[str, str]]:
    """Yield (source, column in small letters) of what the map reads through a list."""
    table = pack.tables.get(spec.to.removeprefix("dsp.")) if spec.to.startswith("dsp.") else None
    for name in {name for text in _listed(spec, table) if (name := column_of(text))}:
        alias, dot, column = name.partition(".")
        joined = next((j.source or key for key, j in spec.join.items() if dot and key.casefold() == alias), None)
        inputs = (joined,) if joined else inputs_of(spec)
        patterns = {
            source: _pattern(column if joined else name, source, spec, pack.trial.versions) for source in inputs
        }
        for source, used in step.columns:
            if source in patterns and patterns[source].fullmatch(used.casefold()):
                yield source, used.casefold()


def inputs_of(spec: MapFile) -> tuple[str, ...]:
    """Return what a map's rows come from, without what is only joined to them."""
    return (spec.source_from,) if spec.source_from else tuple(spec.union) or spec.reads


def _listed(spec: MapFile, table: TableFile | None) -> Iterator[str]:
    """Yield the expressions whose value has to be in a list."""
    for name, filled in spec.set.items():
        if table and name in table.fields and table.fields[name].values:
            yield from filled.value
    todo: list[object] = [getattr(spec, name) for name in spec.model_fields_set if name != "tests"]
    while todo:
        part = todo.pop()
        if isinstance(part, (FieldSpec, ConceptSpec)):
            yield from part.value if part.map else ()
        elif isinstance(part, Mapping):
            todo += part.values()
        elif isinstance(part, tuple):
            todo += part
        elif hasattr(part, "model_fields_set"):
            todo += [getattr(part, name) for name in part.model_fields_set]


def column_of(text: str) -> str | None:
    """Return the column (in small letters) that an expression stands for; None if it makes something of its columns."""
    try:
        tree = parse(text)
    except Refused:  # a column's name with blanks or signs
        return text.strip().casefold()
    while isinstance(tree, exp.Anonymous) and str(tree.this).casefold() in _SPELLINGS and len(tree.expressions) == 1:
        tree = tree.expressions[0]
    return ".".join(part.name for part in tree.parts).casefold() if isinstance(tree, exp.Column) else None


def _pattern(name: str, source: str, spec: MapFile, versions: str | None) -> re.Pattern[str]:
    """Return what the columns are called that an expression calls *name*, revisions of a question included."""
    called = {key.casefold(): column for key, column in spec.union.get(source, {}).items()}
    if spec.slots:
        numbers = ",".join(spec.slots.n)
        called |= {k.casefold(): p.replace("{n}", f"{{:{numbers}}}") for k, p in spec.slots.columns.items()}
    if spec.unpivot:
        called[spec.unpivot.value.casefold()] = spec.unpivot.columns
        called[f"{spec.unpivot.value}_code".casefold()] = (spec.unpivot.code or "{}").replace(
            "{}", spec.unpivot.columns
        )
    column = "".join(
        re.escape(part.casefold()) if number % 2 == 0 else _choice(part)
        for number, part in enumerate(_RANGE.split(called.get(name, name)))
    )
    revised = (
        re.escape((versions or "{}").casefold()).replace(re.escape("{n}"), r"\d+").replace(re.escape("{}"), column)
    )
    return re.compile(f"{column}|{revised}")


def _choice(part: str) -> str:
    words = part.partition(":")[2]
    return r"\d+" if ".." in words else f"(?:{'|'.join(re.escape(w.strip().casefold()) for w in words.split(','))})"
