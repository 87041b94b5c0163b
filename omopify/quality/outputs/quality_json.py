"""``quality.json``: everything that a quality run found, and nothing else.

It is an :class:`~omopify.quality.model.Assessment` as it stands in the model: the same names, the same nesting, with
three things that keep it small.  What is empty is left out (a reader takes the default).  What the checks of one
expectation have in common stands once, in ``kinds``, and the check says which of them it is of.  The query that lists
failing rows is only there where rows fail.  ``read_document`` puts kinds and checks together again.

What readers would have to compute is written along and not read back: ``pct`` of each result, whether it ``is_open``,
and ``heat``, the checks of each table by category.  Each item of a list stands on a line of its own, so that two files
can be compared line by line; lists keep the order of the assessment, the keys of mappings are sorted.

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
from omopify.quality.model import SCHEMA_VERSION, Assessment, Check, Result
from omopify.quality.outputs.masking import MASKED_TEXT, counted_fields

KIND = (
    "suite", "expectation", "place", "type", "schema", "table", "level", "category", "subcategory", "context",
    "severity", "unit", "causes",
)  # fmt: skip
"""What the checks of one expectation have in common, unless a project changes one of them."""

HEAT = ("pass", "fail", "waived", "error", "not applicable", "off")
"""What the heat map counts for each table and category; a waived check counts as nothing else."""

_AGAIN = "run 'omopify quality' again"


def to_document(assessment: Assessment) -> dict[str, Any]:
    """Return an assessment as plain data: what ``read_document`` reads of ``quality.json``."""
    plain: dict[str, Any] = _plain(assessment)
    for said, result in zip(plain["results"], assessment.results, strict=True):
        if result.measurement.check_id == result.check.id:
            del said["measurement"]["check_id"]
        if not result.measurement.violated:
            said["check"].pop("rows_sql", None)
        if result.pct is not None:
            said["pct"] = round(result.pct, 4)
        if result.is_open:
            said["is_open"] = True
    return {"schema_version": SCHEMA_VERSION, **plain, "heat": _heat(assessment.results)}


def to_json(assessment: Assessment) -> str:
    """Return an assessment as the text of ``quality.json``; queries that would list no row are not kept."""
    return written(to_document(assessment))


def written(document: Mapping[str, Any]) -> str:
    """Write a document as the text of ``quality.json``."""
    kinds: dict[str, int] = {}
    results = []
    for result in document["results"]:
        shared = {word: result["check"][word] for word in KIND if word in result["check"]}
        own = {word: said for word, said in result["check"].items() if word not in KIND}
        kind = kinds.setdefault(_compact(shared), len(kinds))
        results.append({**result, "check": {"kind": kind, **own}})
    packed = {word: results if word == "results" else said for word, said in document.items()}
    return as_lines({**packed, "kinds": [json.loads(kind) for kind in kinds]})


def read_document(text: str | bytes) -> dict[str, Any]:
    """Return what ``quality.json``, or its masked copy, says, as plain data.

    Raises:
        OmopifyError: OM827 it is damaged, or of another version.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        version = document["schema_version"]
        kinds = document.pop("kinds")
        for result in document["results"]:
            result["check"] = kinds[result["check"].pop("kind")] | result["check"]
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise OmopifyError(Problem("OM827", "quality.json is damaged", None, _AGAIN)) from error
    if version != SCHEMA_VERSION:
        message = f"quality.json is of version {version}, and this omopify reads version {SCHEMA_VERSION}"
        raise OmopifyError(Problem("OM827", message, None, _AGAIN))
    return document


def from_json(text: str | bytes) -> Assessment:
    """Read ``quality.json``.

    Raises:
        OmopifyError: OM827 it is damaged, masked, or of another version.
    """
    document = read_document(text)
    try:
        for result in document["results"]:
            result["measurement"].setdefault("check_id", result["check"]["id"])
        found = _read(Assessment, document)
    except (ValueError, TypeError, KeyError) as error:
        hint = f"{_AGAIN}; the copy for others (shareable) cannot be read back"
        raise OmopifyError(Problem("OM827", "quality.json is damaged", None, hint)) from error
    assert isinstance(found, Assessment)
    return found


def as_lines(document: Mapping[str, Any]) -> str:
    """Write plain data as JSON, each item of a list of objects or rows on a line of its own."""
    return "".join(_lines(document, 0)) + "\n"


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
    # a measurement names its check only where that is not the check that it stands beside
    required = [name for name, _, default in _fields(kind) if default is MISSING and name != "check_id"]
    doc = " ".join((kind.__doc__ or "").split())
    made = {"description": doc, "type": "object", "properties": properties, "required": required}
    if kind is Check:
        definitions["Kind"] = {
            "description": "What the checks of one expectation have in common.",
            "type": "object",
            "properties": {name: properties.pop(name) for name in KIND},
            "required": [name for name in required if name in KIND],
        }
        properties["kind"] = {"description": "Its place in kinds, counted from 0.", "type": "integer"}
        made["required"] = ["kind", *(name for name in required if name not in KIND)]
    properties |= _derived(kind)
    return made


def _derived(kind: type) -> dict[str, Any]:
    if kind is Result:
        percent = {"description": "violated of denominator, in percent", "type": ["number", "null"]}
        is_open = {"description": "not waived, and fails or could not be measured", "type": "boolean", "default": False}
        return {"pct": percent, "is_open": is_open}
    if kind is Assessment:
        texts = {word: {"type": "string"} for word in ("schema", "table", "category")}
        counts = {word: {"type": "integer"} for word in HEAT}
        heat = {"type": "object", "properties": texts | counts}
        return {
            "kinds": {"type": "array", "items": {"$ref": "#/$defs/Kind"}},
            "heat": {"description": "Checks of each table by category.", "type": "array", "items": heat},
            "masked": {"description": "The small-cell limit of a masked copy.", "type": "integer"},
        }
    return {}
