"""How traces are shown: a tree that is read from the row that was asked for down to where it comes from, or goes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from omopify.cli.show import console, counted, number
from omopify.errors import Location
from omopify.tracing.model import ALWAYS, Concept, Field, Forward, Link, Outcome, Place, Row, Use, Way, Written

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

_FEW = 8
_SHORT = 60
_SENTENCE = re.compile(r"(?<=[.)]) (?=[A-Z])")
_OTHERWISE = (
    "A row ", "If it ", "If there ", "An end before", "A partial date", "A day that was", "It is read as",
    "It must ", "The row is rejected", "The column stays",
)  # fmt: skip
"""How sentences begin that say what would have become of a value that is not as this one was."""
_STYLES = {"used": "green", "filtered": "yellow", "duplicate": "yellow", "rejected": "red", "unexplained": "bold red"}
_PATIENTS = "This shows data of patients: keep it where the data may be."


def show(found: Row | Forward, values: bool) -> None:
    """Write a trace; ``values`` says that it holds data of patients."""
    if isinstance(found, Row):
        _show_row(found, values)
    else:
        _show_forward(found, values)


def _show_row(row: Row, values: bool) -> None:
    tree = _tree(_name(row))
    _fill(tree, row)
    if row.links:
        _links(tree, row.links)
    _print(tree, values)


def _show_forward(found: Forward, values: bool) -> None:
    tree = _tree(_text(_place(found.place), "bold"))
    _cells(tree, found.place)
    if found.unread:
        tree.add(_text(found.unread))
    for use in found.uses:
        _use(tree, use)
    if found.scopes:
        tree.add(_text(f"read for the scope '{', '.join(found.scopes)}': who belongs to the data", "dim"))
    _joined(tree, found.joined)
    _print(tree, values)


def _print(tree: Tree, values: bool) -> None:
    out = console()
    out.print(tree)
    if values:
        out.print(_text(_PATIENTS, "bold yellow"))


def _tree(label: Text) -> Tree:
    from rich.tree import Tree

    return Tree(label, guide_style="dim")


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text, style=style)


def _name(row: Row) -> Text:
    label = _text(f"{row.table} {row.id}", "bold")
    if row.concept:
        label.append(f"  {_concept(row.concept)}", style="not bold cyan")
    return label


def _concept(concept: Concept) -> str:
    if concept.id is None:
        return "a concept"
    if not concept.id:
        return "no concept"
    return f"{concept.id} {concept.name}" + (f" ({concept.vocabulary})" if concept.vocabulary else "")


def _place(place: Place) -> str:
    sheet = f", sheet {place.sheet}" if place.sheet else ""
    return f"{place.file}{sheet}, row {place.row}"


def _fill(tree: Tree, row: Row, *, brief: bool = False) -> None:
    if row.map:
        label = _text("map ").append(row.map, style="bold")
        if row.part:
            label.append(f", its attribute '{row.part}'")
        if row.at:
            label.append(f"  {_file(row.at)}", style="dim")
        branch = tree.add(label)
        for field in () if brief else row.fields:
            _field(branch, field, row.at)
        if row.also and not brief:
            branch.add(_text(f"looks things up in {', '.join(row.also)}", "dim"))
    if row.how:
        tree.add(_text(row.how))
    explained: set[str] = set()
    for origin in row.rows:
        below = tree.add(_text("from ").append(_name(origin)))
        _fill(below, origin, brief=origin.map in explained)
        explained.add(origin.map)
    for place in row.places:
        below = tree.add(
            _text("from ").append(_place(place), style="bold").append(f"  form {place.source}", style="dim")
        )
        if row.piece:
            below.add(_text(row.piece))
        _cells(below, place)
    if row.more:
        tree.add(_text(f"... and {number(row.more)} more (--limit)", "dim"))


def _field(tree: Tree, field: Field, above: Location | None) -> None:
    label = _text(field.name, "cyan")
    if field.value is not None:
        label.append(f" = {field.value}", style="bold")
    place = ""
    if field.at and field.at.line:
        same = above is not None and field.at.path == above.path
        place = f"  line {field.at.line}" if same else f"  {_file(field.at)}:{field.at.line}"
    always = field.ways and field.ways[0].result == ALWAYS
    words = f"always {_concept(field.ways[0].concept or Concept(0))}" if always else _told(field)
    long = len(words) > _SHORT or (field.ways and not always)
    label.append("" if long else f"  {words}")
    label.append(place, style="dim")
    branch = tree.add(label)
    if field.ways and not always:
        for way in field.ways:
            _way(branch, way, len(field.ways))
    elif long:
        branch.add(_text(words))
    for text in () if field.ways else _expressions(field):
        branch.add(_text(text, "dim"))
    for note in field.notes:
        branch.add(_text(note, "yellow"))


def _told(field: Field) -> str:
    """Return what the words say of a column that was filled; what would have become of it otherwise is left out."""
    told = [one for one in _SENTENCE.split(field.words) if not one.startswith(_OTHERWISE)]
    text = " ".join(told)
    name = field.written[0] if len(field.written) == 1 else ""
    if name and text == f"Taken from {name}.":
        label = field.columns[0].partition(" (")[2].removesuffix(")") if len(field.columns) == 1 else ""
        return f"from {name}" + (f" ({label})" if label and len(label) < _SHORT // 2 else "")
    return text.removesuffix(".") if len(told) == 1 else text


def _file(at: Location) -> str:
    """Return a file with its folder alone: shipped maps lie deep."""
    return "/".join(Path(at.path).parts[-2:])


def _expressions(field: Field) -> Iterable[str]:
    """Return the expressions that say more than the words do."""
    return [text for text in field.written if not text.replace("_", "").replace(".", "").isalnum()]


def _way(tree: Tree, way: Way, many: int) -> None:
    label = _text(f"{way.number}. " if many > 1 else "").append(way.looked_in or "a fixed concept").append(": ")
    label.append(way.result, style="green" if way.concept and way.result != "not needed" else "dim")
    if way.concept and way.result != "not needed":
        if way.source and way.source.id != way.concept.id:
            label.append(f" {_concept(way.source)}, which maps to", style="cyan")
        label.append(f" {_concept(way.concept)}", style="cyan")
    elif way.source:
        label.append(f" ({_concept(way.source)})", style="cyan")
    if way.review:
        label.append(f"  line {way.at.line}, {way.review}" if way.at else f"; its row is {way.review}", style="dim")
    tree.add(label)


def _cells(tree: Tree, place: Place) -> None:
    for cell in place.cells:
        tree.add(_text(cell.column, "cyan").append(f" = {cell.value}", style="not bold default"))


def _links(tree: Tree, links: Sequence[Link]) -> None:
    branch = tree.add(_text("beside it"))
    for link in links:
        ids = ", ".join(map(str, link.ids))
        more = f" and {number(link.many - len(link.ids))} more" if link.ids and link.many > len(link.ids) else ""
        what = f"{link.table} {ids}{more}" if link.ids else f"{link.table}: {number(link.many)}"
        branch.add(_text(f"{link.word}: ", "dim").append(what, style="not dim"))


def _use(tree: Tree, use: Use) -> None:
    label = _text("map ").append(use.map, style="bold")
    plainly = use.outcomes[0] if len(use.outcomes) == 1 and use.outcomes[0].fate == "used" else None
    if plainly:
        label.append(" used it" if plainly.many == 1 else f" used {number(plainly.many)} of its rows", style="green")
    if use.at:
        label.append(f"  {_file(use.at)}", style="dim")
    branch = tree.add(label)
    for written in plainly.rows if plainly else ():
        _rows(branch, written)
    for outcome in () if plainly else use.outcomes:
        _outcome(branch, outcome, use.at)
    for remark in use.remarks:
        branch.add(_text(f"{remark.field}: {remark.reason}", "yellow"))


def _outcome(tree: Tree, outcome: Outcome, above: Location | None) -> None:
    label = _text("")
    label.append(outcome.fate, style=_STYLES.get(outcome.fate, "cyan"))
    if outcome.many > 1:
        label.append(f", {counted(outcome.many, 'row')}")
    if outcome.reason:
        label.append(f" ({outcome.reason})" if outcome.fate == "rejected" else f" by '{outcome.reason}'")
    if outcome.at and outcome.at.line:
        same = above is not None and outcome.at.path == above.path
        place = f"line {outcome.at.line}" if same else f"{_file(outcome.at)}:{outcome.at.line}"
        label.append(f"  {place}", style="dim")
    branch = tree.add(label)
    if outcome.words:
        branch.add(_text(outcome.words))
    for text in outcome.written:
        branch.add(_text(text, "dim"))
    if outcome.pieces and len(outcome.pieces) <= _FEW:
        branch.add(_text("; ".join(outcome.pieces), "dim"))
    for written in outcome.rows:
        _rows(branch, written)


def _rows(tree: Tree, written: Written) -> None:
    ids = ", ".join(map(str, written.ids[:_FEW])) + (", ..." if written.many > _FEW else "")
    label = _text(f"{written.table} {ids}", "bold")
    if written.many > _FEW:
        label.append(f" ({number(written.many)} rows)", style="not bold")
    if written.part:
        label.append(f"  {written.part}", style="not bold dim")
    if written.concepts:
        label.append(f"  {', '.join(map(_concept, written.concepts))}", style="not bold cyan")
    if written.merged:
        label.append(f"  together with {number(written.merged - 1)} other rows", style="not bold dim")
    if written.seen:
        label.append("  see above", style="not bold dim")
    branch = tree.add(label)
    for use in written.uses:
        _use(branch, use)
    _joined(branch, written.joined)


def _joined(tree: Tree, joined: Sequence[str]) -> None:
    if joined:
        tree.add(_text(f"looked up by {', '.join(joined)}", "dim"))
