"""Parse the text of an expression, and say where in it something is wrong."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.parser import Parser as SqlParser


class _Expressions(Dialect):
    """SQL without any built-in function: every call stays as it was written, with its place."""

    class Parser(SqlParser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}


class Refused(Exception):
    """What is wrong with an expression, with the offset in its text."""

    def __init__(self, code: str, message: str, hint: str = "", offset: int = 0):
        super().__init__(message)
        self.code, self.message, self.hint, self.offset = code, message, hint, offset


_ONE_VALUE = "write one value, no ';'"


@lru_cache(maxsize=8192)
def parse(text: str) -> exp.Expr:
    """Return the tree of one expression; Refused if it is none, or more than one.

    A text has one tree, which is handed out again and again: whoever wants to change it makes a copy.
    """
    try:
        trees = Dialect.get_or_raise(_Expressions).parse(text)
    except SqlglotError as error:
        details: list[Any] = getattr(error, "errors", None) or [{}]
        words = str(details[0].get("description") or "something is out of place").split("\n")[0].rstrip(".")
        if "<class" in words:
            words = "something is missing"
        offset = max(int(details[0].get("col") or 1) - 1, 0) if "\n" not in text else 0
        hint = "a column's name with blanks or signs stands in double quotes"
        if text.count("(") != text.count(")"):
            hint = "a comma ends an item of a [list] or of a {mapping}; put the whole expression in quotes"
        raise Refused("OM302", f"this is not an expression: {words.lower()}", hint, offset) from None
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError):
        # sqlglot stumbles over half-written SQL of other kinds, such as PRAGMA or SET
        raise Refused("OM302", "this is not an expression", _ONE_VALUE) from None
    if len(trees) != 1 or trees[0] is None:
        raise Refused("OM302", "this is not one expression", _ONE_VALUE)
    return trees[0]


def split_order(text: str) -> tuple[str, str]:
    """Split ``EventDate desc`` into the expression and its direction (ASC or DESC)."""
    found = re.match(r"(?is)^(.*\S)\s+(asc|desc)\s*$", text)
    return (found[1], found[2].upper()) if found else (text, "ASC")


def offset_of(node: exp.Expr) -> int:
    """Return where a part of an expression starts in its text."""
    starts = [n.meta["start"] for n in node.walk() if "start" in n.meta]
    return int(min(starts, default=0))


def shown(node: exp.Expr) -> str:
    """Return a part of an expression as messages quote it."""
    return node.sql(dialect=_Expressions)[:60]


def is_text_call(node: exp.Expr) -> bool:
    """Say whether an expression is ``text(...)``: the steward means the alphabet."""
    return isinstance(node, exp.Anonymous) and str(node.this).casefold() == "text"
