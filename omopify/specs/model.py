"""The base of everything a user writes: a checked, frozen model that remembers its places in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PrivateAttr, ValidationError
from pydantic_core import ErrorDetails

from omopify.errors import Location, Problems, did_you_mean
from omopify.specs.yamlfile import MOST_MISTAKES, Step, YamlMapping, locate


class Model(BaseModel):
    """Part of a file; unknown words are errors and values are never changed on the way in."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class FileModel(Model):
    """A whole file; ``at`` finds the place of any of its parts."""

    _tree: YamlMapping = PrivateAttr()

    def at(self, *steps: Step, key: bool = False) -> Location:
        """Return the place of the part reached by ``steps``, or of the nearest part above it."""
        return locate(self._tree, steps, key=key)

    def line(self, number: int) -> str:
        """Return a line of the file as it was written (counted from 1; empty if there is none)."""
        lines = self._tree.lines
        return lines[number - 1] if 0 < number <= len(lines) else ""


FileT = TypeVar("FileT", bound=FileModel)


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


def _as_list(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_as_text(item) for item in value]
    return [_as_text(value)] if isinstance(value, (str, int, float, bool)) else value


Text = Annotated[str, BeforeValidator(_as_text)]
"""One word or expression; numbers and true/false are taken as they are written."""

Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
"""One word or a list of words."""


def _fits_a_file(written: str) -> str:
    if any(len(part) > _LONGEST_NAME for part in re.split(r"[/\\]", written)) or len(written) > _LONGEST_PATH:
        raise ValueError("this is too long for the name of a file")
    return written


_LONGEST_NAME, _LONGEST_PATH = 200, 1000

FileName = Annotated[str, AfterValidator(_fits_a_file)]
"""A file or folder, with its way from where it is written."""

FileNames = Annotated[tuple[FileName, ...], BeforeValidator(_as_list)]
"""One file or folder, or several."""


def build(model: type[FileT], tree: YamlMapping, problems: Problems) -> FileT | None:
    """Check a YAML tree against a model; note every mistake with its place, and then return None."""
    try:
        built = model.model_validate(tree)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        for details in mistakes[:MOST_MISTAKES]:
            _note(model, tree, details, problems)
        if len(mistakes) > MOST_MISTAKES:
            message = f"there are {len(mistakes) - MOST_MISTAKES} mistakes more in this file"
            problems.add("OM207", message, Location(tree.at.path), "is it the right file?")
        return None
    empty = list(_empty(tree, ()))
    for path in empty:
        hint = "write something behind the ':', or leave the line out"
        problems.add("OM206", f"'{path[-1]}' is empty", locate(tree, path, key=True), hint)
    built._tree = tree
    return None if empty else built


_MAY_BE_EMPTY = ("map", "values", "given", "expect", "union", "otherwise", "kwargs")
"""Parts in which nothing behind the colon says something: the value is no value."""


def _empty(node: object, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if value is None:
                yield (*path, key)
            elif key not in _MAY_BE_EMPTY:
                yield from _empty(value, (*path, key))
    elif isinstance(node, list):
        for number, item in enumerate(node):
            yield from _empty(item, (*path, number))


def _note(model: type[FileModel], tree: YamlMapping, details: ErrorDetails, problems: Problems) -> None:
    path = tuple(step for step in details["loc"] if not str(step).startswith("function-"))
    *above, last = path or ("",)
    owner = f" in '{above[-1]}'" if above else ""
    match details["type"]:
        case "extra_forbidden":
            known = known_words(model, above)
            hint = did_you_mean(str(last), known) or f"known here: {', '.join(sorted(known))}"
            if " " in str(last).strip():
                hint = _COMMA
            problems.add("OM201", f"unknown word '{last}'{owner}", locate(tree, path, key=True), hint)
        case "missing":
            problems.add("OM202", f"'{last}' is missing{owner}", locate(tree, above, key=True))
        case "string_pattern_mismatch":
            wanted = _PATTERNS.get(str(last), _PLAIN_NAME)
            problems.add("OM205", f"'{last}' should be {wanted}", locate(tree, path))
        case "greater_than_equal":
            least = details.get("ctx", {}).get("ge", 1)
            problems.add("OM205", f"'{last}' should be {least} or more", locate(tree, path))
        case "literal_error":
            expected = details.get("ctx", {}).get("expected", "")
            problems.add("OM203", f"'{last}' should be {expected}", locate(tree, path))
        case "value_error":
            message = str(details["msg"]).removeprefix("Value error, ")
            problems.add("OM204", message, locate(tree, path))
        case "string_type" if details["input"] is None:
            message = f"'{last}' should be {_WANTED['string_type']}, and nothing stands behind it"
            problems.add("OM205", message, locate(tree, path, key=True), f"write something there; {_COMMA}")
        case _:
            wanted = _WANTED.get(details["type"], details["msg"].lower())
            problems.add("OM205", f"'{last}' should be {wanted}", locate(tree, path))


_COMMA = "a text with a comma, inside { } or [ ], stands in quotes"
_PLAIN_NAME = "small letters, digits and _, starting with a letter"
_PATTERNS = {
    "release_date": "a date such as 2026-11-21",
    "country": "two capital letters such as NL (ISO 3166)",
}
_WANTED = {
    "string_type": "one word or expression",
    "dict_type": "lines of the form 'name: value'",
    "model_type": "lines of the form 'name: value'",
    "model_attributes_type": "lines of the form 'name: value'",
    "list_type": "a list",
    "tuple_type": "a list",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "date_from_datetime_parsing": "a date such as 2026-11-21",
}


def known_words(model: Any, path: list[Step] | tuple[Step, ...]) -> set[str]:
    """Return the words that may stand in the part of ``model`` reached by ``path``."""
    for step in path:
        model = _part(model, step)
    return _words(model)


def _words(kind: Any) -> set[str]:
    models = _models_in(kind)
    return {field.alias or name for m in models for name, field in m.model_fields.items()}


def _part(kind: Any, step: Step) -> Any:
    for model in _models_in(kind):
        for name, field in model.model_fields.items():
            if step in (name, field.alias):
                return field.annotation
    return kind


def _models_in(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [model for part in getattr(kind, "__args__", ()) for model in _models_in(part)]
