"""Make the page about a scan: what to look at first, how forms hang together, and each column with its evidence.

Nothing is counted here: the scan has hidden what would tell of few patients, and the page shows what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from omopify.reports import page
from omopify.reports.arrange import number
from omopify.scanning.attention import ORDER

Json = Mapping[str, Any]

AT_ONCE = 5
"""Values of a column that its row shows; the others stand with the evidence."""
_QUIET = ("no subject", "constant", "empty", "other file")
"""Oddities that need no mending; they stand last."""
_FLAGS = ("identifier", "free text", "anomaly", "ambiguous date", "empty", "code", "revision", "slot")
_MARKS = (("%Y", "yyyy"), ("%m", "mm"), ("%b", "mon"), ("%d", "dd"), ("%H", "hh"), ("%M", "mm"), ("%S", "ss"))


def render_scan(scan: Mapping[str, Any]) -> str:
    """Return a scan (``scan.json``, or :func:`omopify.scanning.storing.as_data`) as one HTML page."""
    style, script = page.text("base.css") + page.text("scan.css"), page.text("scan.js")
    limit = scan["small_cell"]
    forms = [_form(form, limit) for form in scan["forms"]]
    return (
        _environment()
        .get_template("scan.html.jinja")
        .render(
            csp=page.policy(style, script),
            style=Markup(style),
            script=Markup(script),
            scan=scan,
            limit=limit,
            masked=f"<{limit}",
            forms=forms,
            columns=sum(len(form["columns"]) for form in forms),
            identifying=_together(forms, "identifier"),
            free_texts=_together(forms, "free_text"),
            ambiguous=_ambiguous(forms),
            oddities=_oddities(scan, forms),
            kinds=list(dict.fromkeys(column["kind"] for form in forms for column in form["columns"])),
            flags=[flag for flag in _FLAGS if any(flag in c["flags"] for form in forms for c in form["columns"])],
            picture=_arcs([form["name"] for form in forms], scan["links"]),
        )
    )


def _form(form: Json, limit: int) -> dict[str, Any]:
    columns = [_column(form, column, limit, n) for n, column in enumerate(form["columns"], 1)]
    return {
        **form,
        "anchor": f"form-{form['name']}",
        "columns": columns,
        "odd": len(form["anomalies"]) + sum(len(column["anomalies"]) for column in columns),
    }


def _column(form: Json, column: Json, limit: int, place: int) -> dict[str, Any]:
    rows, filled = column["rows"], column["filled"]
    nearly = isinstance(rows, int) and filled == rows - limit and rows >= limit
    ambiguous = any(way["ambiguous"] for way in column["dates"])
    flags = {
        "identifier": column["identifier"],
        "free text": column["free_text"],
        "anomaly": [one for one in column["anomalies"] if one["code"] not in _QUIET],
        "ambiguous date": ambiguous,
        "empty": column["kind"] == "empty",
        "code": column["code_of"],
        "revision": column["version_of"],
        "slot": column["slot"],
    }
    share = filled / rows if isinstance(rows, int) and isinstance(filled, int) and rows else None
    return {
        **column,
        "anchor": f"form-{form['name']}--{place}",
        "flags": [name for name, said in flags.items() if said],
        "share": share,
        "nearly": nearly and column["kind"] != "empty",
        "shown": column["values"][:AT_ONCE],
        "more": max(0, len(column["values"]) - AT_ONCE),
        "ways": [{**way, "format": _spelled(way["format"])} for way in column["dates"]],
    }


def _together(forms: Sequence[Json], word: str) -> list[dict[str, Any]]:
    """Put columns of one name that are flagged for one reason together, with the forms that have them."""
    found: dict[tuple[str, str], list[Json]] = {}
    for form in forms:
        for column in form["columns"]:
            if column[word]:
                found.setdefault((column["name"], column[word]), []).append(
                    {"form": form["name"], "anchor": column["anchor"]}
                )
    return [{"name": name, "why": why, "places": places} for (name, why), places in found.items()]


def _ambiguous(forms: Sequence[Json]) -> list[dict[str, Any]]:
    return [
        {"form": form["name"], "column": column["name"], "label": column["label"], "anchor": column["anchor"],
         "ways": [way["format"] for way in column["ways"] if way["ambiguous"]]}
        for form in forms
        for column in form["columns"]
        if "ambiguous date" in column["flags"]
    ]  # fmt: skip


def _oddities(scan: Json, forms: Sequence[Json]) -> list[dict[str, Any]]:
    """Return the dirt by its kind, what changes the most first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for code, place in _odd_places(scan, forms):
        found.setdefault(code, []).append(place)

    known = [code for code in ORDER if code in found]
    ordered = known + [code for code in found if code not in known]
    return [{"code": code, "places": found[code], "quiet": code in _QUIET} for code in ordered]


def _odd_places(scan: Json, forms: Sequence[Json]) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in scan["anomalies"]:
        yield one["code"], {"form": "", "column": "", "anchor": "", "rows": one["rows"], "text": one["text"]}
    for form in forms:
        own = {"form": form["name"], "column": "", "anchor": form["anchor"]}
        for one in form["anomalies"]:
            yield one["code"], {**own, "rows": one["rows"], "text": one["text"]}
        for column in form["columns"]:
            place = {"form": form["name"], "column": column["name"], "anchor": column["anchor"]}
            for one in column["anomalies"]:
                yield one["code"], {**place, "rows": one["rows"], "text": one["text"]}


@dataclass(frozen=True, slots=True)
class Arc:
    """A link between two forms: the path that is drawn, and what it says."""

    path: str
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Forms one below the other, and arcs from form to form."""

    width: int
    height: int
    boxes: tuple[tuple[float, str], ...]
    arcs: tuple[Arc, ...]


_BOX, _STEP, _TOP, _ROOM = 150, 30, 6, 330


def _arcs(names: Sequence[str], links: Sequence[Json]) -> Picture | None:
    """Draw how forms hang together; a form that many others lead to stands in the middle of them.

    Of several links between two forms the one of the fewest columns is drawn: it is part of the others.
    """
    drawn: dict[tuple[str, str], Json] = {}
    for link in sorted(links, key=lambda one: len(one["columns"])):
        drawn.setdefault((link["form"], link["to_form"]), link)
    drawn = {pair: link for pair, link in drawn.items() if set(pair) <= set(names)}
    if not drawn:
        return None
    linked = [name for name in names if any(name in pair for pair in drawn)]
    place = {name: _TOP + n * _STEP for n, name in enumerate(linked)}
    arcs = []
    for (start, end), link in drawn.items():
        y0, y1 = place[start] + 11, place[end] + 11
        bend = _BOX + min(_ROOM, 24 + abs(y1 - y0) * 0.6)
        path = f"M{_BOX} {y0}C{bend:.0f} {y0} {bend:.0f} {y1} {_BOX} {y1}"
        arcs.append(Arc(path, 1 + 2 * link["found"], _said(link)))
    height = _TOP + len(linked) * _STEP
    return Picture(_BOX + _ROOM, height, tuple((place[name], name) for name in linked), tuple(arcs))


def _said(link: Json) -> str:
    many = "several rows belong to one" if link["many"] else "one row belongs to one"
    return f"{link['form']}: {', '.join(link['columns'])} → {link['to_form']}: {', '.join(link['to_columns'])} ({many})"


def _spelled(written: str) -> str:
    date, blank, time = written.partition(" ")
    for mark, letters in _MARKS[:4]:
        date = date.replace(mark, letters)
    for mark, letters in _MARKS[4:]:
        time = time.replace(mark, letters)
    return date + blank + time


def _percent(share: float) -> str:
    """Write a share so that neither 'nothing' nor 'all' is said of what is not quite."""
    return "<1 %" if 0 < share < 0.01 else ">99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"


def _size(value: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:,.0f} {unit}"
        value //= 1000
    return f"{value:,.0f} GB"


@cache
def _environment() -> Environment:
    environment = page.environment()
    environment.filters.update(number=number, percent=_percent, size=_size)
    return environment
