"""Make the quality report: one HTML file that a steward reads, prints and signs, and that loads nothing.

The page may run its own script and use its own style sheet, named by their hashes, and nothing else: whatever a text
in the document tries to be, it stays a text.  All but the list of every check is plain HTML and reads without script.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from omopify.reports import arrange, failing, flow, page, pictures

MOST_TERMS = 200
"""Terms without a concept that the page lists; ``audit.unmapped`` has all."""


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
    style, script = page.text("base.css") + page.text("quality.css"), page.text("quality.js")
    return (
        _environment()
        .get_template("quality.html.jinja")
        .render(
            csp=page.policy(style, script),
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
            checks=page.data(arrange.every_check(results, places)),
        )
    )


@cache
def _environment() -> Environment:
    environment = page.environment()
    environment.filters["number"] = arrange.number
    environment.filters["percent"] = lambda m: arrange.percent(m["violated"], m["denominator"])
    environment.filters["allowed"] = arrange.allowed
    environment.filters["moment"] = arrange.moment
    environment.filters["changed"] = arrange.changed
    environment.filters["waived"] = arrange.waived
    environment.globals.update(
        states=arrange.STATES,
        severities=arrange.SEVERITIES,
        losses_words=arrange.LOSSES,
        meanings=arrange.REASONS,
    )
    return environment
