"""Writes words into YAML so that they are read back as they were, whatever an export calls its columns."""

from __future__ import annotations

import json
import re

from omopify.compiler.spoken import columns_in, is_column

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+/-]*(?: [A-Za-z0-9_+][A-Za-z0-9_.+/()-]*)*")
_CALL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\([A-Za-z_][A-Za-z0-9_]*\))?")
_WORDS_OF_YAML = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


_NOWHERE = re.compile("[\x00\ud800-\udfff]")


def scalar(text: str) -> str:
    """Return a text as one YAML word, in quotes unless nobody could take it for anything else.

    What may not stand in a file of ours (U+0000 and half characters) is left out.
    """
    text = _NOWHERE.sub("", text)
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS_OF_YAML:
        return text
    if '"' in text and "'" not in text and not _HIDDEN.search(text):
        return f"'{text}'"
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def expression(text: str) -> str:
    """Return an expression as YAML."""
    return text if _CALL.fullmatch(text) and text.casefold() not in _WORDS_OF_YAML else scalar(text)


def key(text: str) -> str:
    """Return a key of a mapping as YAML: a key is always text, so numbers need no quotes."""
    return text if re.fullmatch(r"[A-Za-z0-9]+", text) else scalar(text)


def remark(text: str) -> str:
    """Return a text that may stand behind a ``#``: one line, nothing that an editor would not show."""
    return " ".join(_HIDDEN.sub(" ", text).split())


def column(name: str) -> str:
    """Return how an expression names a column of the export; empty if no expression can."""
    if _NOWHERE.search(name):
        return ""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and is_column(name) and columns_in(name) == (name,):
        return name
    quoted = '"' + name.replace('"', '""') + '"'
    return quoted if is_column(quoted) and columns_in(quoted) == (name,) else ""


def literal(text: str) -> str:
    """Return a text inside an expression."""
    return "'" + text.replace("'", "''") + "'"
