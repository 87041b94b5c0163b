"""Make the document about a mapping: one HTML file that a PI reads, prints and signs, and Markdown for git.

Both say the same, and both are made from :class:`omopify.describing.model.Mapping` as JSON.  The same mapping gives the
same bytes: nothing in it is of today.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from omopify.reports import flow, page
from omopify.reports.arrange import moment, number

Json = Mapping[str, Any]

TONES = {"approved": "pass", "reviewed": "info", "changed": "warning", "draft": "off"}
DECISIONS = {"used": "pass", "identifier": "info", "ignored": "off", "undecided": "critical"}
TERMS = {"APPROVED": "pass", "UNCHECKED": "warning", "FLAGGED": "warning", "IGNORED": "off"}
MOST_NAMED = 6
"""Columns that a field names one by one; of more the first and the last are named."""
MOST_WORDS = 4
"""Maps that fill a column of OMOP of which the column says how; of more it only names them."""

_PLAIN = re.compile(r'[A-Za-z_][\w.]*|"[^"]*"')
_KINDS = {"trial": "The trial", "map": "Maps", "concepts": "Concept files"}


def render_html(document: Json) -> str:
    """Return the document about a mapping as one HTML page."""
    style = page.text("base.css") + page.text("mapping.css") + _running(document)
    script = page.text("mapping.js")
    return (
        _environment()
        .get_template("mapping.html.jinja")
        .render(
            csp=page.policy(style, script),
            style=Markup(style),
            script=Markup(script),
            **_arranged(document),
            flow=flow.lay_out([link | {"rows": 1, "title": _title(link)} for link in document["flow"]], counted=False),
        )
    )


def render_markdown(document: Json) -> dict[str, str]:
    """Return the document about a mapping as Markdown files by name: one to begin with, one for each table and form."""
    said = _arranged(document)
    files: dict[str, tuple[str, dict[str, Any]]] = {"README.md": ("overview.md.jinja", {})}
    for table in (*document["harmonised"], *document["omop"]):
        files[f"{table['anchor']}.md"] = ("table.md.jinja", {"table": table})
    for one in document["maps"]:
        files[f"{one['anchor']}.md"] = ("map.md.jinja", {"map": one})
    for source in document["sources"]:
        files[f"form-{source['name']}.md"] = ("form.md.jinja", {"source": source})
    for file in document["concept_files"]:
        files[f"{file['anchor']}.md"] = ("concepts.md.jinja", {"file": file})
    environment = _markdown()
    texts = {
        name: environment.get_template(f"markdown/{kind}").render(**said, **own) for name, (kind, own) in files.items()
    }
    return {name: re.sub(r"\n{3,}", "\n\n", text).strip() + "\n" for name, text in texts.items()}


def _arranged(document: Json) -> dict[str, Any]:
    maps = {one["name"]: one for one in document["maps"]}
    shared = [one for one in document["maps"] if not one["to"].startswith("dsp.")]
    waiting = [state for state in document["states"] if state["status"] != "approved"]
    return {
        "document": document,
        "maps": maps,
        "standardising": shared,
        "reviews": _reviews(document["states"]),
        "open": waiting,
        "open_own": [state for state in waiting if not state["shared"]],
        "open_shared": [state for state in waiting if state["shared"]],
        "decisions": list(DECISIONS),
    }


def _reviews(states: Sequence[Json]) -> list[dict[str, Any]]:
    """Return how many parts of each kind are in which state."""
    found: dict[str, dict[str, int]] = {}
    for state in states:
        kind = state["part"].partition(":")[0]
        counts = found.setdefault(kind, dict.fromkeys(TONES, 0))
        counts[state["status"]] = counts.get(state["status"], 0) + 1
    return [{"kind": _KINDS.get(kind, kind), "counts": counts} for kind, counts in found.items()]


def _title(link: Json) -> str:
    maps = link["maps"]
    return f"{link['from_name']} → {link['to_name']}, by the map{'s' if len(maps) > 1 else ''} {', '.join(maps)}"


def _running(document: Json) -> str:
    """Return the style of what stands on every printed page: whose mapping, which version, whether a draft."""
    state = "approved" if document["approved"] else "DRAFT, not approved"
    head = page.in_style(f"Mapping of {document['name']}, version {document['fingerprint']}: {state}")
    font = "font: 8pt system-ui, sans-serif"
    return f"@page {{ @top-left {{ content: {head}; {font}; }} }}\n"


def _grouped(origins: Sequence[Json]) -> list[dict[str, Any]]:
    """Put the columns of one form together; of many the first and the last are named."""
    found: dict[str, list[Json]] = {}
    for origin in origins:
        found.setdefault(origin["source"], []).append(origin)
    return [
        {"source": source, "columns": columns if len(columns) <= MOST_NAMED else [], "first": columns[0],
         "last": columns[-1], "count": len(columns)}
        for source, columns in found.items()
    ]  # fmt: skip


def _telling(written: Sequence[str]) -> list[str]:
    """Return the expressions that say more than a column's name."""
    return [text for text in written if not _PLAIN.fullmatch(text.strip())]


def _columns(targets: Sequence[str]) -> list[str]:
    """Return the columns of targets without their tables, each once."""
    return list(dict.fromkeys(target.rpartition(".")[2] for target in targets))


def _place(name: str) -> str:
    """Return where in the document a form or a table stands."""
    return f"dsp-{name.removeprefix('dsp.')}" if name.startswith("dsp.") else f"form-{name}"


def _cell(text: object) -> str:
    """Write a text into a cell of a Markdown table."""
    return re.sub(r"\s+", " ", str(text)).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _code(text: object) -> str:
    """Write an expression between the backticks of a Markdown table, where entities would stay as they are."""
    return re.sub(r"\s+", " ", str(text)).replace("|", "\\|").replace("`", "'")


@cache
def _environment() -> Environment:
    environment = page.environment()
    environment.filters.update(number=number, moment=moment, **_FILTERS)
    environment.globals.update(tones=TONES, decided=DECISIONS, term_tones=TERMS, most_words=MOST_WORDS)
    return environment


@cache
def _markdown() -> Environment:
    environment = page.environment()
    environment.autoescape = False
    environment.filters.update(number=number, moment=moment, cell=_cell, code=_code, **_FILTERS)
    environment.globals.update(most_words=MOST_WORDS)
    return environment


_FILTERS = {"grouped": _grouped, "telling": _telling, "place": _place, "columns": _columns}
