"""Draw the small tables of a report as charts, as SVG that takes its colours from the page.

Vega-Lite lays the charts out (vl-convert runs it offline).  It knows no style sheets, so it draws with colours that
stand for the page's own, and these are put in afterwards: one picture serves light, dark and print.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

WIDTH = 460
LONGEST = 60
"""Letters of a label."""

_SVG = "http://www.w3.org/2000/svg"
_TEXT, _LINE, _PAPER = "#fe0001", "#fe0002", "#fe0003"
_SERIES = tuple(f"#fd000{n}" for n in range(1, 9))
_STEPS = tuple(f"#fc000{n}" for n in range(1, 7))
_PAGE_COLOURS = {
    _TEXT: "var(--ink)",
    _LINE: "var(--line)",
    _PAPER: "var(--paper)",
    **{colour: f"var(--series-{n})" for n, colour in enumerate(_SERIES, 1)},
    **{colour: f"var(--step-{n})" for n, colour in enumerate(_STEPS, 1)},
}
_DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (4, 4), (10, 4), (1, 3), (6, 2, 1, 2))
_CONFIG = {
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "domainColor": _LINE,
        "tickColor": _LINE,
        "gridColor": _LINE,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 190,
        "titlePadding": 8,
        "labelSeparation": 6,
    },
    "legend": {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "orient": "top",
        "labelLimit": 200,
        "columns": 3,
        "symbolType": "square",
    },
}


def draw(picture: Mapping[str, Any], prefix: str) -> Markup | None:
    """Return one of ``findings.pictures`` as an inline SVG; None if it has nothing that can be drawn.

    ``prefix`` keeps its ids apart from those of other pictures in the page.  Masked numbers are not drawn, and
    nor is anything that would stack on them: the table beside the chart has them.
    """
    spec = _spec(picture)
    return None if spec is None else _themed(_drawn(json.dumps(spec)), picture, prefix)


@cache  # the copy that leaves has many of the same pictures
def _drawn(spec: str) -> str:
    import vl_convert  # a chart engine of 60 MB: only for those who draw

    return vl_convert.vegalite_to_svg(spec)


def _spec(picture: Mapping[str, Any]) -> dict[str, Any] | None:
    columns = list(picture["columns"])
    drawn = {"x": picture["x"], "y": picture["y"], "s": picture["series"], "of": _whole_of(picture)}
    places = {short: columns.index(name) for short, name in drawn.items() if name}
    values = [{short: _clean(row[place]) for short, place in places.items()} for row in picture["rows"]]
    values = [v for v in values if v["x"] is not None]
    asked = list(dict.fromkeys(v["x"] for v in values))
    all_there = all(isinstance(v["y"], int | float) for v in values)
    values = [v for v in values if isinstance(v["y"], int | float)]
    if not values or (picture["kind"] == "stacked bars" and not all_there):
        return None
    line = picture["kind"] == "line"
    across: dict[str, Any] = {"field": "x", "title": drawn["x"], **_scale_of(asked, line)}
    whole = {"tickMinStep": 1} if all(isinstance(v["y"], int) for v in values) else {}
    axis = {"tickCount": 5, "domain": False, **whole}
    along: dict[str, Any] = {"field": "y", "type": "quantitative", "title": drawn["y"], "axis": axis}
    lying = not line and _needs_room([str(x) for x in asked])
    encoding: dict[str, Any] = {"y": across, "x": along} if lying else {"x": across, "y": along}
    names = list(dict.fromkeys(v["s"] for v in values)) if drawn["s"] else []
    if names:
        named = {"field": "s", "type": "nominal", "title": drawn["s"], "sort": names}
        encoding["color"] = named | {"scale": {"domain": names, "range": _colours(names)}}
        if line:
            dashes = [list(_DASHES[i % len(_DASHES)]) for i in range(len(names))]
            encoding["strokeDash"] = named | {"scale": {"domain": names, "range": dashes}}
        elif picture["kind"] == "bars":
            encoding["yOffset" if lying else "xOffset"] = {"field": "s", "type": "nominal", "sort": names}
        else:
            encoding["order"] = {"field": "o"}
            values = [v | {"o": names.index(v["s"])} for v in values]
    spec: dict[str, Any] = {"mark": _mark(line, bool(names)), "encoding": encoding}
    if drawn["of"]:
        pale = {"type": "bar", "color": _PAPER, "stroke": _TEXT, "strokeWidth": 1, "strokeDash": [3, 2]}
        behind = encoding | {"x" if lying else "y": along | {"field": "of"}}
        spec = {"layer": [{"mark": pale, "encoding": behind}, spec]}
    beside = picture["kind"] == "bars" and bool(names)
    return spec | {
        "width": WIDTH,
        "height": {"step": 14 if beside else 24} if lying else 220,
        "background": None,
        "data": {"values": values},
        "config": _CONFIG,
    }


def _whole_of(picture: Mapping[str, Any]) -> str | None:
    """Return the column that says how many there might have been: drawn as an empty bar around the full one."""
    others = [c for c in picture["counts"] if c != picture["y"]]
    return others[0] if picture["kind"] == "bars" and not picture["series"] and len(others) == 1 else None


def _needs_room(labels: Collection[str]) -> bool:
    """Return whether labels stand better one below the other than side by side; months may leave some out."""
    longest = max(map(len, labels))
    return longest > 8 and longest * len(labels) * 7 > WIDTH


def _mark(line: bool, many: bool) -> dict[str, Any]:
    colour = {} if many else {"color": _SERIES[0]}
    if line:
        return {"type": "line", "point": {"size": 36, **colour}, "strokeWidth": 2, **colour}
    return {"type": "bar", "stroke": _PAPER, "strokeWidth": 1, **colour}


def _scale_of(values: Sequence[str | int | float], line: bool) -> dict[str, Any]:
    if line and all(isinstance(v, int | float) for v in values):
        whole = {"tickMinStep": 1} if all(isinstance(v, int) for v in values) else {}
        return {"type": "quantitative", "scale": {"zero": False, "nice": False}, "axis": {"grid": False, **whole}}
    if line and all(isinstance(v, str) and re.fullmatch(r"\d{4}-\d\d(-\d\d)?", v) for v in values):
        axis = {"grid": False, "format": "%b %Y", "labelOverlap": True, "tickCount": 6}
        return {"type": "temporal", "scale": {"type": "utc"}, "axis": axis}
    domain = {"domain": list(values)}  # with a gap where a count is masked
    labels = {"labelAngle": 0, "labelOverlap": "greedy", "labelSeparation": 12, "grid": False}
    return {"type": "nominal", "sort": None, "scale": domain, "axis": labels}


def _colours(names: Sequence[str | int | float]) -> list[str]:
    """Return a colour per series: steps of one colour for what is ranked (grades), else colours that differ."""
    ranked = 2 <= len(names) <= len(_STEPS) and all(re.search(r"\d$", str(n)) for n in names)
    if ranked:
        return list(_STEPS[: len(names)])
    return [_SERIES[i % len(_SERIES)] for i in range(len(names))]


def _clean(value: object) -> Any:
    """Cut a text that no chart has room for."""
    return value if not isinstance(value, str) or len(value) <= LONGEST else value[: LONGEST - 1] + "…"


def _themed(svg: str, picture: Mapping[str, Any], prefix: str) -> Markup:
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)
    # The engine counts its ids on from picture to picture; the same document must give the same page.
    ids = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    names = {name: f"{prefix}-{n}" for n, name in enumerate(ids, 1)}
    for element in root.iter():
        for name in ("class", "role", "aria-hidden", "aria-roledescription", "aria-label", "pointer-events"):
            element.attrib.pop(name, None)
        for name, value in element.attrib.items():
            if name == "id":
                element.set(name, names[value])
            elif value.startswith("url(#"):
                element.set(name, f"url(#{names[value[5:-1]]})")
            elif value in _PAGE_COLOURS:
                element.set(name, _PAGE_COLOURS[value])
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("class", "chart")
    root.set("aria-labelledby", f"{prefix}-title {prefix}-desc")
    for place, (tag, text) in enumerate((("title", picture["title"]), ("desc", picture["note"]))):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}", id=f"{prefix}-{tag}")
        element.text = str(text)
        root.insert(place, element)
    return Markup(ElementTree.tostring(root, encoding="unicode"))
