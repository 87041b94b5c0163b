"""JSON Schemas of the files that stewards write, for completion and hover text in editors.

They are made from the same models that omopify checks with, descriptions included.  Where a model accepts a
short form (a field may be one word instead of an object), pydantic sees only a function, so each such
function has an entry in ``_SHORT``; a function without one is an error, so that none is forgotten.

A file that fits its schema may still be wrong: what a column or a concept means is seen by ``omopify check`` only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from omopify.specs.maps import MapFile
from omopify.specs.model import FileModel
from omopify.specs.packs import ModelFile, ProjectFile, TableFile, TrialFile
from omopify.specs.quality import OWN_TYPES, ChangesFile, MetaSpec, SuiteFile, WaiversFile

Schema = dict[str, Any]

FILES: Mapping[str, type[FileModel]] = {
    "map": MapFile,
    "trial": TrialFile,
    "project": ProjectFile,
    "table": TableFile,
    "model": ModelFile,
    "suite": SuiteFile,
    "changes": ChangesFile,
    "waivers": WaiversFile,
}
"""The kinds of files that have a schema: ``map`` is described by ``map.schema.json``."""

_SCALAR = ["string", "number", "boolean"]


def json_schema(kind: str) -> Schema:
    """Return the JSON Schema of a kind of file (see ``FILES``)."""
    made = _made(FILES[kind])
    if kind == "suite":
        _describe_parts(made)
    described: Schema = _markdown(made)
    return described


def _made(model: type[FileModel]) -> Schema:
    return model.model_json_schema(by_alias=True, schema_generator=_Generator)


def _describe_parts(suite: Schema) -> None:
    """Say what stands in ``meta``, and in the arguments of our own types; those of others are not ours to describe."""
    expectation = suite["$defs"]["ExpectationSpec"]
    parts: tuple[type[FileModel], ...] = (MetaSpec, *OWN_TYPES.values())
    for part in parts:
        described = _made(part)
        described.pop("$schema")
        suite["$defs"][part.__name__] = described
    suite["properties"]["meta"] = {"$ref": "#/$defs/MetaSpec"}
    # Great Expectations lets anything stand in the meta of its expectations.
    expectation["properties"]["meta"] = {**suite["$defs"]["MetaSpec"], "additionalProperties": True}
    expectation["allOf"] = [
        {
            "if": {"properties": {"type": {"const": name}}},
            "then": {
                "properties": {"kwargs": {"$ref": f"#/$defs/{model.__name__}"}, "meta": {"$ref": "#/$defs/MetaSpec"}},
                "required": ["kwargs"],
            },
        }
        for name, model in OWN_TYPES.items()
    ]


def json_schema_text(kind: str) -> str:
    """Return a schema as the text of its file: the same text for the same models."""
    return json.dumps(json_schema(kind), indent=2, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, which also knows the short forms and leaves out titles that say nothing new."""

    def generate(self, schema: core_schema.CoreSchema, mode: Any = "validation") -> Schema:
        return {"$schema": self.schema_dialect, **super().generate(schema, mode)}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave out titles: they would repeat the words' own names."""
        del schema
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        """Leave out that a word may be empty, where empty only means that the word is not there."""
        made = super().default_schema(schema)
        if made.get("default", ...) is not None:
            return made
        del made["default"]
        forms = [form for form in made.pop("anyOf", []) if form != {"type": "null"}]
        return made | (forms[0] if len(forms) == 1 else {"anyOf": forms})

    def str_schema(self, schema: core_schema.StringSchema) -> Schema:
        """Accept a number where text is wanted: it is taken as it is written."""
        return super().str_schema(schema) | {"type": ["string", "number"]}

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """Describe a model, and beside it the short forms that it accepts."""
        made = super().model_schema(schema)
        made.pop("title", None)
        before = schema["schema"]
        if before["type"] != "function-before":
            return made
        description = made.pop("description", None)
        both = _short(before)(made)
        return {"description": description, **both} if description else both

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> Schema:
        """Describe a value that is put in order before it is checked, by all the forms that it may have."""
        inner = self.generate_inner(schema["schema"])
        if schema["schema"]["type"] == "model-fields":
            return inner  # model_schema adds the short forms, when the object's own form is complete
        return _short(schema)(inner)


def _markdown(part: Any) -> Any:
    """Return a schema whose descriptions are Markdown, as editors show them; docstrings are reStructuredText."""
    if isinstance(part, dict):
        return {
            name: inner.replace("``", "`") if name == "description" and isinstance(inner, str) else _markdown(inner)
            for name, inner in part.items()
        }
    return [_markdown(item) for item in part] if isinstance(part, list) else part


def _short(schema: Mapping[str, Any]) -> Callable[[Schema], Schema]:
    name = schema["function"]["function"].__qualname__
    if name not in _SHORT:
        raise TypeError(f"{name} accepts forms that omopify.specs.schema does not know; add them to _SHORT")
    return _SHORT[name]


def _or(*forms: Schema) -> Callable[[Schema], Schema]:
    return lambda full: {"anyOf": [*forms, full]}


def _one_or_list(full: Schema) -> Schema:
    del full  # a list of text, which would refuse true and false
    scalar = {"type": _SCALAR}
    return {"anyOf": [scalar, {"type": "array", "items": scalar}]}


def _concept(full: Schema) -> Schema:
    ways = [*_CONSTANT, full["items"]]
    return {"anyOf": [*ways, {"type": "array", "items": {"anyOf": ways}}]}


def _union(full: Schema) -> Schema:
    renames = {"anyOf": [full["additionalProperties"], {"type": "null"}]}
    return {"anyOf": [{"type": "array", "items": {"type": "string"}}, full | {"additionalProperties": renames}]}


def _value_map(full: Schema) -> Schema:
    cell = {"type": [*_SCALAR, "null"]}
    return {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": cell}, full]}


def _slots(full: Schema) -> Schema:
    own = {name: part for name, part in full["properties"].items() if name != "columns"}
    pattern = {"type": "string", "description": "The pattern of this column, such as AETRT{n}."}
    inline = {"type": "object", "properties": own, "additionalProperties": pattern, "required": ["n"]}
    return {"anyOf": [inline, full]}


_CONSTANT: list[Schema] = [{"type": "integer"}, {"type": "string", "pattern": r"^\d+(\s+\S.*)?$"}]
_LIST: Schema = {"type": "array", "items": {"type": _SCALAR}}
# By the functions' names, for each the forms that it accepts; tests/cli/test_schema.py tries them on model and schema.
_SHORT: Mapping[str, Callable[[Schema], Schema]] = {
    "_as_text": lambda full: full | {"type": _SCALAR},
    "_as_list": _one_or_list,
    "_as_tuple": lambda full: {"anyOf": [full["items"], full]},
    "_union": _union,
    "_pairs": _or({"type": "string"}, {"type": "array", "items": {"type": "string"}}),
    "_value_map": _value_map,
    "_alternatives": _concept,
    "_for_all": _or({"type": "string"}),
    "Slots._patterns_inline": _slots,
    "Reference._short_form": _or({"type": ["string", "integer"]}, _LIST),
    "FieldSpec._short_form": _or({"type": _SCALAR}, _LIST),
    "Constant._short_form": _or(*_CONSTANT),
}
