"""A scan as a file: ``scan.json``, the same bytes for the same input, and read back with every doubt."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from omopify.errors import Location, Problems
from omopify.scanning.model import SCHEMA_VERSION, Scan

SCAN_FILE = "scan.json"
"""The name of the file in the folder that ``omopify scan`` writes."""

_HINT = "make it again with 'omopify scan'"


def as_data(scan: Scan) -> dict[str, Any]:
    """Return a scan as plain data, as pages and ``--json`` want it."""
    return asdict(scan)


def to_json(scan: Scan) -> str:
    """Write a scan as JSON: one scan has one text, in the order of the export."""
    return json.dumps(as_data(scan), ensure_ascii=False, indent=1) + "\n"


def from_json(text: str) -> Scan:
    """Read what :func:`to_json` wrote.

    Raises:
        ValueError: with a sentence that names the place, if it is no scan of this version.
    """
    try:
        data = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(data, dict) or "schema_version" not in data or "forms" not in data:
        raise ValueError("it is no scan of an export")
    if data["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"it was written by another version of omopify (version {SCHEMA_VERSION} is known here)")
    scan: Scan = _built(Scan, data, "scan")
    return scan


def read_scan(path: Path, problems: Problems) -> Scan | None:
    """Read a scan from a file, or from the folder it was written to; None, with a problem, if there is none."""
    file = path / SCAN_FILE if path.is_dir() else path
    try:
        return from_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.add("OM902", "there is no scan here", Location(str(file)), "make one with 'omopify scan DATA'")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        problems.add("OM902", f"the scan cannot be read: {reason}", Location(str(file)), "check its permissions")
    except json.JSONDecodeError as error:
        problems.add("OM903", "the file is no JSON", Location(str(file), error.lineno, error.colno), _HINT)
    except UnicodeDecodeError:
        problems.add("OM903", "the file is no text in UTF-8", Location(str(file)), _HINT)
    except ValueError as error:
        problems.add("OM903", f"the file cannot be used: {error}", Location(str(file)), _HINT)
    return None


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    return get_type_hints(cls)


def _built(kind: Any, value: Any, place: str) -> Any:
    """Build what *kind* says from plain data; a field that is absent takes its default."""
    origin = get_origin(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise ValueError(f"{place} should be an object")
        known = {field.name for field in fields(kind)}
        parts = {n: _built(_hints(kind)[n], v, f"{place}.{n}") for n, v in value.items() if n in known}
        try:
            return kind(**parts)
        except TypeError:
            raise ValueError(f"{place} lacks a part") from None
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{place} should be a list")
        return tuple(_built(get_args(kind)[0], item, f"{place}[{n}]") for n, item in enumerate(value))
    if origin in (Union, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return None
        return _built(next(arg for arg in get_args(kind) if arg is not type(None)), value, place)
    if origin is Literal:
        fits = value in get_args(kind)
    elif kind is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif kind is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:
        fits = isinstance(value, kind)
    if not fits:
        raise ValueError(f"{place} is not what a scan has there")
    return value
