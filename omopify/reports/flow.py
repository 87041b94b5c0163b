"""Lay out the picture of where the rows went: forms, harmonised tables, OMOP tables, and what was left out.

No chart library draws this well with many small flows and long names, so the layout is ours: boxes with their name
inside stand in three columns, and bands as wide as their rows run between them.  What was left out stands below the
column that the rows would have gone to.  A box is never lower than its name needs, so names cannot collide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from omopify.reports.arrange import size

BOX = 208
"""Width of a box; a name of about 24 letters fits beside its count."""
BETWEEN = 148
"""Room between two columns, for the bands."""
LOWEST = 22
"""Height of a box with few rows: one line of text."""
GAP = 5
BANDS = 430
"""Height of all bands of the fullest column together."""
TOP = 30
"""Room for the headings of the columns."""

_HEADINGS = ("Forms of the export", "Harmonised tables", "OMOP tables")
_COLUMN = {"form": 0, "harmonised": 1, "omop": 2}
_LEFT_OUT = ("filtered", "duplicate", "rejected")


@dataclass(frozen=True, slots=True)
class Box:
    """A form, a table or a way of being left out, with the place of its corner."""

    name: str
    label: str
    count: str
    kind: str
    x: float
    y: float
    height: float
    derived: str
    """From which harmonised tables, if it is."""

    @property
    def middle(self) -> float:
        """Where the text stands."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Band:
    """Rows on their way: the path of its middle line and how wide it is."""

    path: str
    width: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole picture, in SVG units."""

    width: int
    height: int
    headings: tuple[tuple[float, float, str], ...]
    boxes: tuple[Box, ...]
    bands: tuple[Band, ...]
    derived: bool
    """Whether some harmonised table is derived from others."""


@dataclass(slots=True)
class _Node:
    column: int
    name: str
    kind: str
    incoming: list[_Edge] = field(default_factory=list)
    outgoing: list[_Edge] = field(default_factory=list)
    derived: list[tuple[str, int | str]] = field(default_factory=list)
    place: float = 0.0
    y: float = 0.0
    height: float = 0.0

    def rows(self) -> float:
        return max(sum(e.rows for e in self.incoming), sum(e.rows for e in self.outgoing))

    def count(self) -> str:
        """Rows that came in (for a form: that were read); nothing if one of several numbers is masked."""
        shown = [e.shown for e in self.incoming] + [rows for _, rows in self.derived]
        shown = shown or [e.shown for e in self.outgoing]
        if any(not isinstance(n, int) for n in shown):
            return str(shown[0]) if len(shown) == 1 else ""
        return f"{sum(n for n in shown if isinstance(n, int)):,}"


@dataclass(slots=True)
class _Edge:
    source: _Node
    target: _Node
    rows: float
    shown: int | str
    title: str
    kind: str
    start: float = 0.0
    end: float = 0.0


def lay_out(links: Iterable[Mapping[str, object]], *, counted: bool = True) -> Flow | None:
    """Return the picture of ``findings.flow``; None if no row went anywhere.

    A masked number is drawn as the least that it can be.  A link may bring its own ``title``; of what is not
    ``counted`` no number is shown.
    """
    nodes, edges = _graph(links)
    if not edges:
        return None
    columns = [[n for n in nodes if n.column == c] for c in range(3)]
    _order(columns)
    scale = BANDS / max(1.0, *(sum(n.rows() for n in column) for column in columns))
    height = _place(columns, scale)
    _stack(nodes, scale)
    used = [c for c in range(3) if columns[c]]
    left = {c: i * (BOX + BETWEEN) for i, c in enumerate(used)}
    boxes = tuple(
        Box(
            name=n.name,
            label=_short(n.name, n.count() if counted else ""),
            count=n.count() if counted else "",
            kind=n.kind,
            x=left[n.column],
            y=round(n.y, 1),
            height=round(n.height, 1),
            derived=", ".join(name for name, _ in n.derived),
        )
        for n in nodes
        if n.kind != "passing"
    )
    bands = tuple(_band(e, left, scale) for e in sorted(edges, key=lambda e: -e.rows))
    headings = tuple((float(left[c]), 12.0, _HEADINGS[c]) for c in used)
    aside = [
        (float(left[c]), min(n.y for n in columns[c] if n.kind in _LEFT_OUT) - 9, "Left out on the way")
        for c in used
        if any(n.kind in _LEFT_OUT for n in columns[c])
    ]
    width = left[used[-1]] + BOX
    return Flow(width, round(height) + 4, (*headings, *aside), boxes, bands, any(n.derived for n in nodes))


def _graph(links: Iterable[Mapping[str, object]]) -> tuple[list[_Node], list[_Edge]]:
    nodes: dict[tuple[int, str, str], _Node] = {}
    edges: list[_Edge] = []

    def node(column: int, name: str, kind: str) -> _Node:
        return nodes.setdefault((column, name, kind), _Node(column, name, kind))

    def edge(source: _Node, target: _Node, shown: int | str, title: str, kind: str) -> None:
        rows = max(1.0, size(shown))
        one = _Edge(source, target, rows, shown, title, kind)
        source.outgoing.append(one)
        target.incoming.append(one)
        edges.append(one)

    for link in links:
        rows = link["rows"]
        shown = rows if isinstance(rows, int) else str(rows)
        if shown == 0:
            continue
        start, from_name = str(link["from_stage"]), str(link["from_name"])
        end, to_name = str(link["to_stage"]), str(link["to_name"])
        column = _COLUMN[start]
        if start == end:  # a harmonised table that is derived from others: no rows of theirs go there
            node(column, to_name, end).derived.append((from_name, shown))
            continue
        source = node(column, from_name, start)
        count = f"{shown:,}" if isinstance(shown, int) else shown
        title = str(link.get("title") or f"{from_name} → {to_name}: {count} rows")
        if end == "left out":
            kind = to_name if to_name in _LEFT_OUT else "rejected"
            edge(source, node(column + 1, to_name, kind), shown, title, kind)
        elif _COLUMN[end] == column + 2:  # straight from a form to OMOP: it needs a place of its own in the middle
            passing = node(1, f"{from_name} {to_name}", "passing")
            edge(source, passing, shown, title, "kept")
            edge(passing, node(2, to_name, end), shown, title, "kept")
        else:
            edge(source, node(_COLUMN[end], to_name, end), shown, title, "kept")
    return list(nodes.values()), edges


def _order(columns: list[list[_Node]]) -> None:
    """Put what belongs together at the same height: each node near the middle of those it is linked with."""

    def rank(column: list[_Node]) -> None:
        for index, node in enumerate(column):
            node.place = (index + 0.5) / len(column)

    def pull(column: list[_Node], forward: bool) -> None:
        def wish(node: _Node) -> float:
            if node.kind in _LEFT_OUT:
                return 2.0 + _LEFT_OUT.index(node.kind)
            near = [
                (e.source, e.rows) if forward else (e.target, e.rows)
                for e in (node.incoming if forward else node.outgoing)
            ]
            near = [(n, w) for n, w in near if n.kind not in _LEFT_OUT]
            weight = sum(w for _, w in near)
            return sum(n.place * w for n, w in near) / weight if weight else node.place

        column.sort(key=wish)
        rank(column)

    for column in columns:
        column.sort(key=lambda n: (n.kind in _LEFT_OUT, -n.rows(), n.name))
        rank(column)
    for _ in range(6):
        for column in columns[1:]:
            pull(column, forward=True)
        for column in reversed(columns[:2]):
            pull(column, forward=False)
    pull(columns[1], forward=True)
    pull(columns[2], forward=True)


def _place(columns: list[list[_Node]], scale: float) -> float:
    """Give every node its height and place; return the height of the picture."""
    for column in columns:
        for node in column:
            lowest = 4 if node.kind == "passing" else LOWEST
            node.height = max(lowest, node.rows() * scale)

    def needed(column: list[_Node]) -> float:
        aside = 26 if any(n.kind in _LEFT_OUT for n in column) else 0
        return sum(n.height for n in column) + GAP * (len(column) - 1) + aside

    tallest = max(needed(c) for c in columns if c)
    for column in columns:
        kept = sum(n.kind not in _LEFT_OUT for n in column)
        extra = min(22.0, (tallest - needed(column)) / max(1, kept)) if column else 0.0
        y = float(TOP)
        aside = False
        for node in column:
            if node.kind in _LEFT_OUT and not aside:
                aside = True
                y += 26
            node.y = y
            y += node.height + GAP + (0 if node.kind in _LEFT_OUT else extra)
    return max(n.y + n.height for column in columns for n in column)


def _stack(nodes: list[_Node], scale: float) -> None:
    """Stack the bands at both sides of every box in the order of where they go, so that they cross little."""
    for node in nodes:
        node.incoming.sort(key=lambda e: e.source.y)
        node.outgoing.sort(key=lambda e: e.target.y)
        for edge, y in _middles(node, node.incoming, scale):
            edge.end = y
        for edge, y in _middles(node, node.outgoing, scale):
            edge.start = y


def _middles(node: _Node, edges: list[_Edge], scale: float) -> Iterator[tuple[_Edge, float]]:
    """Yield where each band meets the box: one below the other, and together never higher than the box."""
    widths = [_width(e, scale) for e in edges]
    squeeze = min(1.0, node.height / sum(widths)) if widths else 1.0
    y = node.y + (node.height - sum(widths) * squeeze) / 2
    for edge, width in zip(edges, widths, strict=True):
        yield edge, y + width * squeeze / 2
        y += width * squeeze


def _width(edge: _Edge, scale: float) -> float:
    return max(1.0, edge.rows * scale)


def _band(edge: _Edge, left: Mapping[int, int], scale: float) -> Band:
    x0 = left[edge.source.column] + (BOX if edge.source.kind != "passing" else BOX // 2)
    x1 = left[edge.target.column] + (0 if edge.target.kind != "passing" else BOX // 2)
    y0, y1 = edge.start, edge.end
    bend = (x0 + x1) / 2
    path = f"M{x0} {y0:.1f}C{bend:.0f} {y0:.1f} {bend:.0f} {y1:.1f} {x1} {y1:.1f}"
    return Band(path, round(_width(edge, scale), 1), edge.kind, edge.title)


def _short(name: str, count: str) -> str:
    room = int((BOX - 20 - 7 * len(count)) / 6.9)
    return name if len(name) <= room else name[: room - 1] + "…"
