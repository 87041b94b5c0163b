"""What has changed in a part of a mapping, in words: what it says now, and what it said before.

The words are those of :mod:`omopify.describing.wording`, made of both trees, so that they say what a document about the
mapping says.  What has no words there is told path by path, as it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from omopify.describing.wording import Described, sentences
from omopify.errors import OmopifyError, Problems
from omopify.specs.maps import MapFile
from omopify.specs.model import build
from omopify.specs.project import LoadedMap, Pack
from omopify.specs.yamlfile import parse_yaml

_NAMED = {"set": "field", "where": "filter", "join": "join", "attributes": "attribute"}
"""What a thing is called that stands below one of these words."""

_SENTENCE = re.compile(r"(?<=[.;]) (?=[A-Z(])")
_LISTED = 3
"""How many values or lines are told one by one."""


@dataclass(frozen=True, slots=True)
class Reworded:
    """One thing that a part of a mapping says otherwise than before."""

    place: str
    """What it is about: ``field end_date``, ``value list values/ae_outcome.csv``."""
    before: str
    """What it said; empty for something new."""
    now: str
    """What it says; empty for something that is gone."""

    @property
    def text(self) -> str:
        """The change in one line."""
        if not self.before:
            return f"{self.place}: {self.now}"
        if not self.now:
            return f"{self.place}: no longer: {self.before}"
        return f"{self.place}: {self.now.rstrip('.')}; before: {self.before.rstrip('.')}"


def reworded(before: Mapping[str, Any], now: Mapping[str, Any], loaded: LoadedMap | None, pack: Pack) -> list[Reworded]:
    """Return what a part says otherwise than before.

    Args:
        before: the part as a run defined it (``tree`` and ``files``).
        now: the same, as it is now.
        loaded: the map, if it is one.
        pack: the pack that it is described with.
    """
    found: list[Reworded] = []
    told: set[tuple[str, ...]] = set()
    if loaded is not None:
        found, told = _in_words(before["tree"], now["tree"], loaded, pack)
    found += [
        Reworded(_place(path), old, new)
        for path, old, new in _paths(before["tree"], now["tree"], ())
        if not any(path[: len(known)] == known for known in told)
    ]
    for name in sorted({*before["files"], *now["files"]}):
        found += _file(name, before["files"].get(name), now["files"].get(name))
    order = json.dumps(before["tree"]) != json.dumps(now["tree"])
    if not found and order:
        found.append(Reworded("the order of its lines", "", "changed"))
    return found


def _in_words(
    before: Mapping[str, Any], now: Mapping[str, Any], loaded: LoadedMap, pack: Pack
) -> tuple[list[Reworded], set[tuple[str, ...]]]:
    """Return what the sentences about a map tell of its change, and the places that they tell of."""
    old, new = (_described(tree, loaded, pack) for tree in (before, now))
    if old is None or new is None:
        return [], set()
    found = []
    told = set()
    for path in dict.fromkeys([*(part.path for part in new.parts), *(part.path for part in old.parts)]):
        then, here = old.part(*path), new.part(*path)
        a, b = ([*_SENTENCE.split(part.words)] if part else [] for part in (then, here))
        gone, fresh = [said for said in a if said not in b], [said for said in b if said not in a]
        if gone or fresh:
            found.append(Reworded(_place(tuple(map(str, path))), " ".join(gone), " ".join(fresh)))
            told.add(tuple(map(str, path)))
    return found, told


def _described(tree: Mapping[str, Any], loaded: LoadedMap, pack: Pack) -> Described | None:
    own = {key: said for key, said in tree.items() if not key.startswith("table ")}
    try:
        # JSON is YAML: a tree that was kept is read by the way of every map.
        spec = build(MapFile, parse_yaml(json.dumps(own, ensure_ascii=False), loaded.spec.at().path), Problems())
    except OmopifyError:
        return None
    return sentences(replace(loaded, spec=spec), pack) if spec else None


def _place(path: Sequence[str]) -> str:
    if len(path) > 1 and path[0] in _NAMED:
        return " ".join([_NAMED[path[0]], path[1], *path[2:]])
    return " ".join(path)


def _paths(before: Any, now: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    if before == now:
        return
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*now, *before]):
            yield from _paths(before.get(key), now.get(key), (*path, str(key)))
    else:
        yield path, _written(before), _written(now)


def _written(said: Any) -> str:
    return said if isinstance(said, str) else "" if said is None else json.dumps(said, ensure_ascii=False)


def _file(name: str, before: Any, now: Any) -> Iterator[Reworded]:
    if before == now:
        return
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        yield Reworded(f"value list {name}", "", "; ".join(_values(before, now)))
    elif before is None or now is None:
        what = "value list" if isinstance(now or before, Mapping) else "file"
        yield Reworded(f"{what} {name}", "", "is read now" if before is None else "is no longer read")
    else:
        old, new = (str(said).splitlines() for said in (before, now))
        codes = [code for code in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if code[0] != "equal"]
        gone, fresh = sum(end - start for _, start, end, _, _ in codes), sum(end - start for *_, start, end in codes)
        yield Reworded(f"file {name}", "", f"{_lines(fresh)} new or changed, {_lines(gone)} no longer there")


def _lines(number: int) -> str:
    return "1 line" if number == 1 else f"{number} lines"


def _values(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    kinds = {
        "added": [f"{said} -> {to}" for said, to in now.items() if said not in before],
        "gone": [f"{said} -> {to}" for said, to in before.items() if said not in now],
        "changed": [f"{said} -> {now[said]}, before {to}" for said, to in before.items() if now.get(said, to) != to],
    }
    for kind, found in kinds.items():
        if found:
            more = f"; and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
            number = "1 value" if len(found) == 1 else f"{len(found)} values"
            yield f"{number} {kind} ({'; '.join(found[:_LISTED])}{more})"
    if not any(kinds.values()):
        yield "its order changed"
