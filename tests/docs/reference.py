"""Writes docs/reference-language.md and docs/reference-codes.md from what the program itself is made of.

The words come from the JSON Schemas (``omopify schema``), and so from the models that files are checked with; the
codes from docs/problems.md, whose headings a test holds against the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from omopify.specs.schema import FILES, json_schema

Schema = Mapping[str, Any]

FILE_NAMES = {
    "project": "The project file, `omopify.yaml`",
    "trial": "The trial file, `trial.yaml`",
    "map": "A map",
    "model": "The shared model, `model.yaml`",
    "table": "A table of the shared model, `dsp/<table>.yaml`",
    "suite": "A suite of checks, `quality/<suite>.yaml`",
    "changes": "Changes to checks, `quality/changes.yaml`",
    "waivers": "Waivers, `quality/waivers.yaml`",
}
PARTS = {
    "Attribute": "an attribute",
    "CdmChecksKwargs": "arguments of `expect_cdm_checks_to_pass`",
    "ChangeSpec": "a change",
    "ConceptSpec": "a concept",
    "DspConformsKwargs": "arguments of `expect_dsp_tables_to_conform`",
    "Eras": "eras",
    "ExpectationSpec": "an expectation",
    "FewViolationsKwargs": "arguments of `expect_few_violations`",
    "FieldSpec": "a field",
    "Group": "a group",
    "Join": "a join",
    "Keep": "keep",
    "MetaSpec": "meta",
    "ModelField": "a field of a table",
    "QualitySpec": "quality",
    "Reference": "a reference",
    "Review": "a review",
    "RowReference": "a reference to a map's row",
    "Scope": "a scope",
    "Slots": "slots",
    "SourceSpec": "a source",
    "Take": "take",
    "Test": "a test",
    "Unpivot": "unpivot",
    "ValueMap": "a value map",
    "WaiverSpec": "a waiver",
    "Window": "a window",
}
CONSTANT = "a concept's id and name (`32809 Case Report Form`)"
CONCEPT = f"{CONSTANT}, [a concept](#a-concept), or a list of ways, of which the first that finds one counts"
TYPES = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "`true` or `false`"}
SCALAR = {"string", "number", "boolean"}

LANGUAGE = """\
# Every word of the files you write

What each word may be, and what holds if it is not written. This page is made from the models that omopify checks files
with; `omopify schema` writes the same for your editor, which then completes words and explains them while you type.
[The mapping language](mapping-language.md) explains the words with examples. Words in bold must be given. *Text* is
taken as it is written, so numbers need no quotes.
"""
CODES = """\
# Codes

Every message ends with a code. Its code leads to what it means and how to mend it. This page is made from
[Problems](problems.md).
"""


def language() -> str:
    """Return the page of all words."""
    text, told = LANGUAGE, set[str]()
    for kind in (*FILE_NAMES, *(set(FILES) - set(FILE_NAMES))):
        schema = json_schema(kind)
        own = [FILES[kind].model_fields[name].alias or name for name in FILES[kind].__annotations__ if name[0] != "_"]
        first = {word: schema["properties"][word] for word in own}
        ordered = {**schema, "properties": first | schema["properties"]}
        text += f"\n## {FILE_NAMES[kind]}\n\n{_sentence(schema)}\n\n{_words(ordered)}"
        for name, part in schema.get("$defs", {}).items():
            if name != "Constant" and name not in told:
                told.add(name)
                text += _part(name, part)
    return text


def codes(problems: str) -> str:
    """Return the page of all codes, from the page that explains them."""
    text = CODES
    for family in re.split(r"^## ", problems, flags=re.MULTILINE)[1:]:
        found = re.findall(r"^### (OM\d{3}) (.+)$", family, re.MULTILINE)
        if found:
            text += f"\n## {family.partition(chr(10))[0]}\n\n| code | what it says |\n| --- | --- |\n"
            text += "".join(f"| [{code}](problems.md#{_anchor(code, title)}) | {title} |\n" for code, title in found)
    return text


def _anchor(code: str, title: str) -> str:
    return re.sub(r"[^\w\- ]", "", f"{code} {title}".lower()).replace(" ", "-")


def _part(name: str, part: Schema) -> str:
    forms = part.get("anyOf", [part])
    full = next(form for form in reversed(forms) if "properties" in form)
    short = " or ".join(dict.fromkeys(_kind(form) for form in forms if form is not full and "properties" not in form))
    text = f"\n### {PARTS[name]}\n\n{_sentence(part)}"
    if short:
        text += f" In short it is {short}."
    return f"{text.strip()}\n\n{_words(full)}".join(("\n", ""))


def _sentence(part: Schema) -> str:
    words = " ".join(str(part.get("description", "")).split())
    return re.sub(r"`[^`]*`|<", lambda found: "&lt;" if found[0] == "<" else found[0], words).replace("|", "\\|")


def _words(part: Schema) -> str:
    rows = ["| word | what it may be | if it is not there | |", "| --- | --- | --- | --- |"]
    required = part.get("required", ())
    for word, said in part["properties"].items():
        name = f"**`{word}`**" if word in required else f"`{word}`"
        rows.append(
            f"| {name} | {_kind(said)} | {_default(said)} | {_sentence(said)} |".replace("|  |", "| |").replace(
                "|  |", "| |"
            )
        )
    return "\n".join(rows) + "\n"


def _default(said: Schema) -> str:
    value = said.get("default")
    if value in (None, "", [], {}, ()) or isinstance(value, dict):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{', '.join(map(str, value)) if isinstance(value, list) else value}`"


def _kind(said: Schema) -> str:
    """Say in words what a value may be."""
    if "$ref" in said:
        name = said["$ref"].rpartition("/")[2]
        title = PARTS.get(name, "")
        return CONSTANT if name == "Constant" else f"[{title}](#{re.sub(r'[^a-z_ ]', '', title).replace(' ', '-')})"
    if "enum" in said or "const" in said:
        return " or ".join(f"`{value}`" for value in said.get("enum", [said.get("const")]))
    if "anyOf" in said:
        if {"$ref": "#/$defs/ConceptSpec"} in said["anyOf"]:
            return CONCEPT
        one, *others = said["anyOf"]
        if others == [{"type": "array", "items": one}] and "enum" in one:
            return f"one or several of {_kind(one).replace(' or ', ', ')}"
        return " or ".join(dict.fromkeys(_kind(form) for form in said["anyOf"]))
    if str(said.get("pattern", "")).startswith(r"^\d+("):
        return CONSTANT
    of_type = said.get("type")
    if isinstance(of_type, list):
        return "text" if "string" in of_type else "a number"
    if of_type == "array":
        return f"a list of {_several(said['items'])}" if said.get("items") else "a list"
    if of_type == "object":
        inner = said.get("additionalProperties")
        return f"names, each with {_kind(inner)}" if isinstance(inner, dict) and inner else "words"
    return TYPES.get(str(of_type), "anything")


def _several(items: Schema) -> str:
    said = _kind(items)
    return {"text": "texts", "a number": "numbers"}.get(said, said)
