"""``quality.json``: everything that a quality run found, and nothing else.

It is an :class:`~omopify.quality.model.Assessment` as it stands in the model: the same names, the same nesting.  What
is empty is left out (a reader takes the default), and each check, link or row of a list stands on a line of its own,
so that two files can be compared line by line.  What readers would have to compute is written along and not read
back: ``pct`` of each result, whether it ``is_open``, and ``heat``, the checks of each table by category.  Lists keep
the order of the assessment; the keys of mappings are sorted.

Problems:

* OM827  the file is damaged, or another version of omopify has written it
"""

from __future__ import annotations

import json
import types
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from omopify.errors import OmopifyError, Problem
from omopify.quality.model import SCHEMA_VERSION, Assessment, Result
from omopify.quality.outputs.masking import MASKED_TEXT, counted_fields

DERIVED = ("pct", "is_open", "heat")
"""Words of the file that the model computes; readers of the model leave them alone."""

HEAT = ("pass", "fail", "waived", "error", "not applicable", "off")
"""What the heat map counts for each table and category; a waived check counts as nothing else."""

_UNREADABLE = "run 'omopify quality' again"


def to_document(assessment: Assessment) -> dict[str, Any]:
    """Return an assessment as plain data: what ``quality.json`` holds."""
    plain: dict[str, Any] = _plain(assessment)
    for said, result in zip(plain["results"], assessment.results, strict=True):
        if result.measurement.check_id == result.check.id:
            del said["measurement"]["check_id"]
        if result.pct is not None:
            said["pct"] = round(result.pct, 4)
        if result.is_open:
            said["is_open"] = True
    return {"schema_version": SCHEMA_VERSION, **plain, "heat": _heat(assessment.results)}


def to_json(assessment: Assessment) -> str:
    """Return an assessment as the text of ``quality.json``."""
    return written(to_document(assessment))


def written(document: Mapping[str, Any]) -> str:
    """Write plain data as JSON: each item of a list of objects or rows on a line of its own."""
    return "".join(_lines(document, 0)) + "\n"


def from_json(text: str) -> Assessment:
    """Read ``quality.json``.

    Raises:
        OmopifyError: OM827 it is damaged, masked, or of another version.
    """
    try:
        document = json.loads(text)
        version = document.get("schema_version")
        if version != SCHEMA_VERSION:
            message = f"quality.json is of version {version}, and this omopify reads version {SCHEMA_VERSION}"
            raise OmopifyError(Problem("OM827", message, None, _UNREADABLE))
        for result in document["results"]:
            result["measurement"].setdefault("check_id", result["check"]["id"])
        found = _read(Assessment, document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        hint = f"{_UNREADABLE}; the copy for others (shareable) cannot be read back"
        raise OmopifyError(Problem("OM827", "quality.json is damaged", None, hint)) from error
    assert isinstance(found, Assessment)
    return found


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``quality.json`` and of its masked copy, made from the model."""
    definitions: dict[str, Any] = {}
    _schema_of(Assessment, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "quality.json of omopify",
        **definitions.pop("Assessment"),
        "$defs": dict(sorted(definitions.items())),
    }


def _heat(results: tuple[Result, ...]) -> list[dict[str, Any]]:
    counted: Counter[tuple[str, str, str, str]] = Counter(
        (r.check.schema, r.check.table, r.check.category, "waived" if r.waiver else r.status) for r in results
    )
    places = sorted({key[:3] for key in counted})
    return [
        {"schema": schema, "table": table, "category": category}
        | {word: counted[schema, table, category, word] for word in HEAT}
        for schema, table, category in places
    ]


def _plain(value: object) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        given = ((name, getattr(value, name), default) for name, _, default in _fields(type(value)))
        return {name: _plain(item) for name, item, default in given if default is MISSING or item != default}
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in sorted(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no place in quality.json")


def _read(kind: Any, value: Any) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        given = {name: _read(of, value[name]) for name, of, _ in _fields(kind) if name in value}
        return kind(**given)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is types.UnionType:
        if value is None and type(None) in arguments:
            return None
        wanted = [one for one in arguments if one is not type(None)]
        return _read(wanted[0], value) if len(wanted) == 1 else value
    if origin is tuple:
        many = arguments[-1] is Ellipsis
        return tuple(_read(arguments[0], item) for item in value) if many else tuple(value)
    if origin is Literal:
        if value not in arguments:
            raise ValueError
    elif origin is not None and issubclass(dict, origin):
        return {key: _read(arguments[1], item) for key, item in value.items()}
    elif kind is float:
        value + 0.0  # a number, or a TypeError
    elif kind in (int, str, bool) and type(value) is not kind:
        raise TypeError
    return value


@cache
def _fields(kind: type) -> list[tuple[str, Any, Any]]:
    """Return name, type and default (MISSING if there is none) of the fields of a dataclass."""
    hints = get_type_hints(kind)
    found = []
    for one in fields(kind):
        default = one.default_factory() if one.default_factory is not MISSING else one.default
        found.append((one.name, hints[one.name], default))
    return found


def _lines(value: Any, depth: int) -> Iterator[str]:
    inner, outer = " " * (depth + 1), " " * depth
    if isinstance(value, Mapping) and value and depth < 2:
        for place, (key, item) in enumerate(value.items()):
            yield f"{',' if place else '{'}\n{inner}{json.dumps(key)}: "
            yield from _lines(item, depth + 1)
        yield f"\n{outer}}}"
    elif isinstance(value, list) and value and depth < 3 and isinstance(value[0], (Mapping, list)):
        for place, item in enumerate(value):
            yield f"{',' if place else '['}\n{inner}{_compact(item)}"
        yield f"\n{outer}]"
    else:
        yield _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _schema_of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if is_dataclass(kind) and isinstance(kind, type):
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}  # what refers to itself finds it
            definitions[kind.__name__] = _object_of(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is types.UnionType:
        return {"anyOf": [_schema_of(one, definitions) for one in arguments]}
    if origin is tuple:
        return {"type": "array", "items": _schema_of(arguments[0], definitions)}
    if origin is not None and origin is not Literal and issubclass(dict, origin):
        return {"type": "object", "additionalProperties": _schema_of(arguments[1], definitions)}
    if origin is Literal:
        return {"enum": list(arguments)}
    names = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    return {"type": names[kind]} if kind in names else {}


def _object_of(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a dataclass; counts may be masked."""
    properties: dict[str, Any] = {}
    for name, of, default in _fields(kind):
        told = _schema_of(of, definitions)
        if name in counted_fields(kind.__name__):
            told = {"anyOf": [*(told.get("anyOf") or [told]), {"type": "string", "pattern": MASKED_TEXT}]}
        if default is None or isinstance(default, (str, int, float)):
            told = {**told, "default": default}
        properties[name] = told
    properties |= _derived(kind)
    # a measurement names its check only where that is not the check that it stands beside
    required = [name for name, _, default in _fields(kind) if default is MISSING and name != "check_id"]
    doc = " ".join((kind.__doc__ or "").split())
    return {"description": doc, "type": "object", "properties": properties, "required": required}


def _derived(kind: type) -> dict[str, Any]:
    if kind is Result:
        percent = {"description": "violated of denominator, in percent", "type": ["number", "null"]}
        is_open = {
            "description": "fails or could not be measured, and is not waived",
            "type": "boolean",
            "default": False,
        }
        return {"pct": percent, "is_open": is_open}
    if kind is Assessment:
        counts = {word: {"type": "integer"} for word in HEAT}
        texts = {word: {"type": "string"} for word in ("schema", "table", "category")}
        masked = {"description": "The small-cell limit of a masked copy.", "type": "integer"}
        return {"masked": masked, "heat": {"type": "array", "items": {"type": "object", "properties": texts | counts}}}
    return {}
