"""Filters that leave nothing out, or everything; and what expressions compare with although it never arrives."""

from __future__ import annotations

from collections.abc import Iterator

from omopify.compiler.lint.conditions import Domain, Known, follows, impossible, judge
from omopify.compiler.lint.look import Look, conditions, parts
from omopify.errors import Location, did_you_mean
from omopify.specs.maps import MapFile

_NEVER = "compare it with what the column holds, and with the other filters"
_ALWAYS = "leave it out, or correct what it asks for"


def filters(look: Look) -> None:
    """Note conditions that never hold (OM923), always do, or follow from others; and impossible values (OM925)."""
    for loaded, _ in look.maps():
        spec = loaded.spec
        _filters(look, spec)
        known = look.known(spec)
        for name, join in spec.join.items():
            relation = look.relation(join.source or name)
            if join.where and relation:
                there = _alone(look, relation.name)
                at = spec.at("join", name, "where")
                if judge([join.where], there) == "never":
                    look.warn("OM923", f"the join '{name}' takes no row, whatever the data", at, _NEVER)
                _impossible(look, join.where, there, at)
        for text, steps in _expressions(spec):
            _impossible(look, text, known, spec.at(*steps))
    trial = look.pack.trial
    for name, scope in trial.scope.items():
        at = trial.at("scope", name, "where")
        if judge([scope.where], _alone(look, scope.source)) == "never":
            look.warn("OM923", f"nobody belongs to the scope '{name}', whatever the data", at, _NEVER)


def _filters(look: Look, spec: MapFile) -> None:
    known, earlier = look.known(spec), list[str]()
    for name, text in spec.where.items():
        at = spec.at("where", name)
        verdict = judge([text], known)
        if verdict == "never" and not list(impossible(text, known)):
            look.warn("OM923", f"no row passes the filter '{name}', whatever the data", at, _NEVER)
        elif verdict == "always":
            look.warn("OM923", f"every row passes the filter '{name}', whatever the data", at, _ALWAYS)
        elif earlier and verdict != "never" and judge([*earlier, text], known) == "never":
            message = f"no row that passes the filters above passes '{name}', too"
            look.warn("OM923", message, at, "they contradict each other: nothing is left")
            continue  # what comes behind it is judged without it, or all would contradict
        elif earlier and verdict != "never" and follows(text, earlier, known):
            message = f"the filter '{name}' leaves nothing out that those above have not left out"
            look.warn("OM923", message, at, _ALWAYS)
        earlier.append(text)
    for name, attribute in spec.attributes.items():
        if attribute.when and judge([*earlier, attribute.when], known) == "never" and judge(earlier, known) != "never":
            at = spec.at("attributes", name, "when")
            look.warn("OM923", f"the attribute '{name}' is never written, whatever the data", at, _NEVER)


def _alone(look: Look, name: str) -> Known:
    relation = look.relation(name)
    return lambda column: look.domain(relation, column) if relation else Domain()


def _expressions(spec: MapFile) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    yield from conditions(spec)
    for part, steps in parts(spec):
        for number, text in enumerate(part.value):
            yield text, (*steps, "value", number)


def _impossible(look: Look, text: str, known: Known, at: Location) -> None:
    for said, column, domain in impossible(text, known):
        look.warn("OM925", f"'{said}' never arrives in '{column}'", at, why(said, domain))


def why(said: str, domain: Domain) -> str:
    """Say why a text never arrives in a column, and what may be meant."""
    if domain.values:
        shown = ", ".join(domain.values[:8]) + (" ..." if len(domain.values) > 8 else "")
        return did_you_mean(said, domain.values) or f"its value set: {shown}"
    if said.strip():
        return "'missing:' of the source makes the cell empty; ask 'is null', or take the word out there"
    return "an empty cell is nothing: ask 'is null'"
