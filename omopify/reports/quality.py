"""Make the quality report: one HTML file that a steward reads, prints and signs, and that loads nothing.

The page may run its own script and use its own style sheet, named by their hashes, and nothing else: whatever a text
in the document tries to be, it stays a text.  All but the list of every check is plain HTML and reads without script.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from omopify.reports import arrange, failing, flow, pictures

TEMPLATES = Path(__file__).parent / "templates"
MOST_TERMS = 200
"""Terms without a concept that the page lists; ``audit.unmapped`` has all."""
UNBROKEN = 28
"""Letters of a name that fit on a small screen."""


def render_report(document: Mapping[str, Any], sign_off: Mapping[str, Any] | None, *, masked: bool) -> str:
    """Return the quality report as one HTML page.

    ``document`` is an ``Assessment`` as JSON (``quality.json``), of which ``masked`` says whether it is the copy that
    may leave.  ``sign_off`` is a ``SignOff`` as JSON, with ``void`` beside it, sentences that say what has changed
    since, if something has; None while nobody has signed.
    """
    document = arrange.whole(document)
    results = document["results"]
    findings = document["findings"]
    groups = failing.failing(results, document["comparison"]["checks_failing"])
    places = failing.places(groups)
    style, script = (_text(f"quality.{kind}") for kind in ("css", "js"))
    return (
        _environment()
        .get_template("quality.html.jinja")
        .render(
            csp=_policy(style, script),
            style=Markup(style),
            script=Markup(script),
            document=document,
            subject=document["subject"],
            sign_off=sign_off,
            masked=masked,
            verdict=document["verdict"],
            says=arrange.VERDICTS[document["verdict"]["verdict"]],
            comparison=document["comparison"],
            changes=arrange.changes(document["comparison"]),
            flow=flow.lay_out(findings["flow"]),
            findings=findings,
            groups=groups,
            places=places,
            first=failing.first(groups),
            unmapped=sorted(findings["unmapped"], key=lambda u: -arrange.size(u["rows"])),
            most_terms=MOST_TERMS,
            term_fields=arrange.terms(findings["unmapped"]),
            decided=arrange.decided(results),
            newly_failing=sorted(document["comparison"]["checks_failing"], key=lambda i: [*places, i].index(i)),
            eased={r["check"]["id"] for r in results if r["check"].get("change")},
            asked={r["check"]["id"]: r["check"]["description"] for r in results},
            losses=arrange.losses(findings["losses"]),
            reasons=[r for r in arrange.REASONS if any(one["reason"] == r for one in findings["losses"])],
            coverage=arrange.coverage(findings["coverage"]),
            heat=arrange.heat(results),
            pictures=[
                {**picture, "anchor": f"picture-{n}", "svg": pictures.draw(picture, f"picture-{n}")}
                for n, picture in enumerate(findings["pictures"], 1)
            ],
            checks=_data(arrange.every_check(results, places)),
        )
    )


def _policy(style: str, script: str) -> str:
    def digest(text: str) -> str:
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _data(value: object) -> Markup:
    """Write JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _name(name: object) -> Markup:
    """Let a long name of a table, map, column or check break where its words end."""
    if len(str(name)) <= UNBROKEN:
        return escape(name)
    return Markup(re.sub(r"([_.])(?=\w)", r"\1<wbr>", str(escape(name))))


@cache
def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = arrange.number
    environment.filters["percent"] = lambda m: arrange.percent(m["violated"], m["denominator"])
    environment.filters["allowed"] = arrange.allowed
    environment.filters["moment"] = arrange.moment
    environment.filters["changed"] = arrange.changed
    environment.filters["name"] = _name
    environment.filters["waived"] = arrange.waived
    environment.globals.update(
        Markup=Markup,
        states=arrange.STATES,
        severities=arrange.SEVERITIES,
        losses_words=arrange.LOSSES,
        meanings=arrange.REASONS,
    )
    return environment
