"""What all pages have in common: one file that loads nothing, with a policy that holds whatever a text tries to be.

A page may run its own script and use its own style sheet, named by their hashes, and nothing else.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

TEMPLATES = Path(__file__).parent / "templates"
UNBROKEN = 28
"""Letters of a name that fit on a small screen."""


def environment() -> Environment:
    """Return a new environment for the pages' templates: every text is escaped, and every name must be given."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["name"] = broken
    made.globals["Markup"] = Markup
    return made


@cache
def text(name: str) -> str:
    """Return a style sheet or a script of the pages."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """Return the content security policy of a page with one style sheet and one script."""

    def digest(said: str) -> str:
        return f"'sha256-{b64encode(sha256(said.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def data(value: object) -> Markup:
    """Write JSON that cannot end the script element it stands in."""
    said = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        said = said.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(said)


def broken(name: object) -> Markup:
    """Let a long name of a table, map, column or check break where its words end."""
    if len(str(name)) <= UNBROKEN:
        return escape(name)
    return Markup(re.sub(r"([_.])(?=\w)", r"\1<wbr>", str(escape(name))))


def in_style(said: str) -> str:
    """Return a text as a string of a style sheet, without anything that could end it or the element it stands in."""
    return '"' + re.sub(r"[\x00-\x1f\"\\<>&]", " ", said) + '"'
