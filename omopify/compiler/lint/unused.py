"""What a mapping carries along without using it: maps, files, sources, columns, joins and reasons to ignore."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from omopify.compiler.lint.look import Look, parts
from omopify.errors import Location, did_you_mean
from omopify.specs.maps import MapFile
from omopify.specs.project import LoadedMap, Source, shown
from omopify.specs.values import ConceptSpec

_SUFFIXES = (".csv", ".sql", ".jinja")
"""Files that maps refer to; others in the folder of a pack are notes."""

_DRAFTING = "drafting"
"""The folder of a shared pack with what drafts of maps are made from."""

_SHOWN = 8
"""How many columns one message names."""


def maps(look: Look) -> None:
    """Note maps that fill a table which nothing reads and no transfer carries (OM920), and idle joins (OM932)."""
    read = {name for _, plan in look.maps() for name in plan.reads}
    for loaded, plan in look.maps():
        spec = loaded.spec
        table = look.pack.tables.get(spec.to.removeprefix("dsp.")) if spec.to.startswith("dsp.") else None
        if table and not table.transfer and not read & set(plan.writes):
            hint = "add a map with 'from: " + spec.to + "', or the transfer that it belongs to in its table's file"
            look.warn("OM920", f"nothing reads '{spec.to}', which this map fills", spec.at("to"), hint)
        for name, join in spec.join.items():
            if not join.many and not join.required and not _mentions(look, spec, name):
                hint = f"nothing of it is used; leave it out, or write '{name}.COLUMN' where it belongs"
                look.warn("OM932", f"the join '{name}' changes nothing", spec.at("join", name, key=True), hint)


def _mentions(look: Look, spec: MapFile, alias: str) -> bool:
    """Say whether a map names a column of a join, with its name before it or alone."""
    others = {key: join for key, join in spec.join.items() if key != alias}
    text = " ".join(_texts(spec.model_copy(update={"tests": [], "note": "", "join": others}).model_dump()))
    if spec.slots:
        text += " " + " ".join(p.replace("{n}", n) for p in spec.slots.columns.values() for n in spec.slots.n)
    words = {word.casefold() for word in re.findall(r"[\w.]+", text)}
    relation = look.relation(spec.join[alias].source or alias)
    columns = {column.casefold() for column in relation.columns} if relation and relation.known else set()
    inputs = [found for name in (spec.source_from, *spec.union) if name and (found := look.relation(name))]
    own = {column.casefold() for found in inputs for column in found.columns}
    # Any word that is also one of its columns' will do: better one join too many than a false alarm.
    return not columns or bool((columns - own) & words) or any(w.startswith(f"{alias.casefold()}.") for w in words)


def _texts(part: object) -> Iterator[str]:
    """Yield all texts of a part of a map: what is written behind a colon, and the left sides of joins."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        yield from (str(key) for key in part.get("on", ()) if isinstance(part.get("on"), dict))
        for value in part.values():
            yield from _texts(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from _texts(value)


def files(look: Look) -> None:
    """Note files of a pack, and concept files of the project, that nothing refers to (OM921)."""
    used = {
        (look.pack.folder / name).resolve()
        for name in (look.pack.trial.columns, look.pack.trial.local_vocabulary)
        if name
    }
    looked_up = {lookup.file for _, plan in look.maps() for lookup in plan.lookups if lookup.file}
    for loaded, _ in look.maps():
        used |= {(loaded.folder / name).resolve() for name in _named(loaded)}
    for folder in {loaded.folder for loaded in look.pack.maps}:
        for path in _candidates(look, folder):
            if path.resolve() not in used:
                hint = "name it in a map ('map:', 'via:' or 'sql:'), or delete it"
                look.warn("OM921", "no map refers to this file", Location(shown(path)), hint)
    own = look.project.folder / look.project.file.concepts
    looked = {look.project.concept_file(file)[1] for file in looked_up}
    names = sorted(path.relative_to(own).as_posix() for path in looked)
    packs = sorted({loaded.pack for loaded in look.pack.maps})
    for path in sorted(path for place in ("", *packs) for path in own.glob(f"{place}/*.csv".lstrip("/"))):
        if path not in looked and path.resolve() not in used:
            hint = did_you_mean(path.relative_to(own).as_posix(), names)
            hint = hint or f"maps look in: {', '.join(names[:_SHOWN]) or 'no file'}"
            message = "no map looks terms up in this file: its decisions do not count"
            look.warn("OM921", message, Location(shown(path)), hint)


def _named(loaded: LoadedMap) -> Iterator[str]:
    if loaded.spec.sql:
        yield loaded.spec.sql
    for part, _ in parts(loaded.spec):
        if isinstance(part, ConceptSpec):
            if part.via:
                yield part.via
        elif part.map and part.map.file:
            yield part.map.file


def _candidates(look: Look, folder: Path) -> Iterator[Path]:
    """Yield the files beside the maps of a pack and in its folders, but not the project's data and results."""
    project = look.project
    other = {
        p.resolve() for p in (project.data, project.out, project.register, project.quality, project.folder / "scan")
    }
    other.add(
        (project.folder / project.file.concepts).resolve() if project.folder.resolve() == folder.resolve() else Path()
    )
    for place in (folder, *sorted(folder.glob("*/"))):
        if place.resolve() not in other and place.name != _DRAFTING and not place.name.startswith("."):
            yield from sorted(p for p in place.iterdir() if p.suffix in _SUFFIXES and p.is_file())


def sources(look: Look) -> None:
    """Note sources that nothing reads (OM922), undecided columns (OM930), and idle words of ``ignore:`` (OM935)."""
    read = {name for _, plan in look.maps() for name in plan.reads} | {scope.source for scope in look.plan.scopes}
    pairs = [pair for _, plan in look.maps() for pair in plan.columns]
    pairs += [pair for scope in look.plan.scopes for pair in scope.columns]
    identifiers = {name.casefold() for name in look.pack.trial.identifiers}
    for name, source in look.pack.sources.items():
        relation = look.relation(name)
        columns = list(look.headers.get(name) or (relation.columns if relation else ()))
        used = {column.casefold() for owner, column in pairs if owner == name}
        undecided = [c for c in columns if c.casefold() not in used | identifiers and not _ignored(c, source)]
        if name not in read and (undecided or (not columns and "*" not in source.ignore)):
            hint = f"write a map with 'from: {name}', or say why not: ignore: {{'*': the reason}}"
            look.warn("OM922", f"no map reads the source '{name}'", source.at, hint)
        elif undecided:
            what = "1 column" if len(undecided) == 1 else f"{len(undecided)} columns"
            more = f" and {len(undecided) - _SHOWN} more" if len(undecided) > _SHOWN else ""
            message = f"{what} of '{name}' {'is' if len(undecided) == 1 else 'are'} undecided: "
            hint = f"use it in a map, or say why not: sources: {{{name}: {{ignore: {{{undecided[0]}: the reason}}}}}}"
            look.warn("OM930", message + ", ".join(undecided[:_SHOWN]) + more, source.at, hint)
        _reasons(look, source, columns, used, undecided)


def _ignored(column: str, source: Source) -> bool:
    return any(fnmatchcase(column.casefold(), pattern.casefold()) for pattern in source.ignore)


def _reasons(look: Look, source: Source, columns: list[str], used: set[str], undecided: list[str]) -> None:
    """Note words under ``ignore:`` that a map uses all the same, and those that look like a slip of the pen.

    A word that no column has is no slip by itself: a pack knows columns that not every export brings.
    """
    project, trial = look.project.file, look.pack.trial
    for pattern in source.ignore:
        hit = [column for column in columns if fnmatchcase(column.casefold(), pattern.casefold())]
        own = source.name in project.sources and pattern in project.sources[source.name].ignore
        owner = source.name if own or pattern in trial.sources[source.name].ignore else "defaults"
        at = (project if own else trial).at("sources", owner, "ignore", pattern, key=True)
        if columns and not hit and (near := did_you_mean(pattern, undecided)):
            look.warn("OM935", f"the source '{source.name}' has no column '{pattern}'", at, near)
        elif hit and all(column.casefold() in used for column in hit):
            what = f"'{hit[0]}'" if len(hit) == 1 else f"every column like '{pattern}'"
            look.warn("OM935", f"{what} is ignored here, but a map uses it", at, "delete the line; use wins")
