"""Why a row was not used, in words, and what can be done about it."""

from __future__ import annotations

from omopify.specs.maps import MapFile
from omopify.specs.project import LoadedMap
from omopify.tracing.model import Outcome

_BUILT_IN = {
    "keep": ("Another row that agrees in what stands under 'per' comes first in the order.", ("keep",)),
    "empty_cell": ("These item columns are empty in this row.", ("unpivot",)),
    "empty_slot": ("These slots are empty in this row.", ("slots",)),
    "empty_piece": ("These pieces of the cell are empty.", ("split",)),
}

_REJECTED = {
    "missing": "The field must be filled, and nothing was left for it: the cell is empty, or its value was left out.",
    "not found": "The row that it names is not there: it was not exported, or was itself left out or rejected.",
    "no match": "The join is required, and the other side has no row for this one: it may have been rejected itself.",
    "another row has this key": "An earlier row has the same key, but says something else.",
    "not a date": "The value fits none of the date formats of the form.",
    "not a number": "The value cannot be read as a number.",
    "not in the value map": "The map's list does not know the value; add it there.",
    "not in the value set": "The shared model does not allow the value.",
    "several revisions filled": "Several revisions of the question are filled, and the map rejects such rows.",
    "several slots filled": "Only one slot may be filled, and several are.",
    "before birth": "The event starts before its person's birth.",
    "unmapped": "No concept was found for it, and the map rejects such rows.",
}


def builtin_filter(spec: MapFile | None, name: str) -> tuple[str, tuple[str, ...]]:
    """Return in words why a filter of omopify's own left a row out, and the part of the map it comes from."""
    words, path = _BUILT_IN.get(name, ("The filter left it out; the map has no such filter today.", ()))
    return (words, path) if spec is None or not path or getattr(spec, path[0]) else (words, ())


def rejected(loaded: LoadedMap | None, field: str, reason: str, many: int, pieces: tuple[str, ...]) -> Outcome:
    """Return a rejection: the field, what is wrong, a hint, and the part of the map that asks for it."""
    spec = loaded.spec if loaded else None
    words = _REJECTED.get(reason, "")
    if spec is None:
        return Outcome("rejected", many, f"{field}: {reason}", words, pieces=pieces)
    path = _path(spec, field)
    said = spec.set.get(field)
    written = said.value if said else ()
    return Outcome("rejected", many, f"{field}: {reason}", words, written, spec.at(*path), pieces)


def _path(spec: MapFile, field: str) -> tuple[str, ...]:
    if field.startswith("join ") and field.removeprefix("join ") in spec.join:
        return ("join", field.removeprefix("join "))
    if field in spec.set:
        return ("set", field)
    word = "date" if field == "start" and spec.date else field.partition(".")[0]
    if field.partition(".")[0] in spec.attributes:
        return ("attributes", field.partition(".")[0])
    if getattr(spec, word, None):
        return (word,)
    return ("versions", field) if field in spec.versions else ("map",)
