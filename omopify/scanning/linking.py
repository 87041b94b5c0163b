"""How forms hang together: which columns of one hold the keys of another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from omopify.scanning.hiding import Hiding
from omopify.scanning.model import Link
from omopify.scanning.profile import Facts
from omopify.scanning.relating import KEYED, Take
from omopify.staging.table import BLANKS

_PAIRS = 4
"""The most pairs of subject and another column that are kept of a form."""


@dataclass(slots=True)
class Handles:
    """What of a form other forms may refer to: for each column, or pair of columns, the different values as hashes."""

    form: str
    subject: str
    seen: dict[tuple[str, ...], pl.Series] = field(default_factory=dict)
    unique: set[tuple[str, ...]] = field(default_factory=set)


def handles(form: str, subject: str, facts: Sequence[Facts], rows: int, shared: set[str], take: Take) -> Handles:
    """Collect what other forms may refer to; *shared* are the names, in small letters, that several forms have."""
    kept = Handles(form, subject)
    likely = [
        fact
        for fact in facts
        if fact.name.casefold() in shared
        and fact.distinct > 1
        and (fact.name == subject or KEYED.search(fact.name.casefold()))
        and fact.kind not in ("date", "date and time", "yes/no")
    ]
    if not likely or not rows:
        return kept
    frame = take([fact.position for fact in likely])
    names = [fact.name for fact in likely]
    hashed = frame.select(
        pl.when(pl.col(str(fact.position)).str.strip_chars(BLANKS) != "")
        .then(pl.col(str(fact.position)).str.strip_chars(BLANKS).hash(seed=1))
        .alias(fact.name)
        for fact in likely
    )
    groups: list[tuple[str, ...]] = [(name,) for name in names]
    if subject in names:
        groups += [(subject, name) for name in names if name != subject][:_PAIRS]
    for group in groups:
        mixed = pl.col(group[0]) if len(group) == 1 else pl.col(group[0]) * 11400714819323198485 + pl.col(group[1])
        values = hashed.select(mixed.alias("key")).to_series().drop_nulls()
        different = values.unique()
        kept.seen[group] = different
        if len(different) == len(values) == rows:
            kept.unique.add(group)
    return kept


def links(kept: Sequence[Handles], hiding: Hiding) -> tuple[Link, ...]:
    """Return how forms refer to each other."""
    found: list[Link] = []
    home = _home(kept)
    for one in kept:
        if home is not None and one is not home and one.subject and (one.subject,) in one.seen:
            found += _link(one, (one.subject,), home, (home.subject,), hiding)
        for other in kept:
            if other is one:
                continue
            for group in sorted(other.unique):
                if group == (other.subject,):
                    continue
                mine = _same(group, one)
                if mine is not None and (len(group) == 1 or not any((name,) in other.unique for name in group)):
                    found += _link(one, mine, other, group, hiding)
    return tuple(found)


def _home(kept: Sequence[Handles]) -> Handles | None:
    """Return the form that has each subject once and most of them; else the one with most subjects."""
    with_subject = [k for k in kept if k.subject and (k.subject,) in k.seen]
    if not with_subject:
        return None
    return max(with_subject, key=lambda k: ((k.subject,) in k.unique, len(k.seen[k.subject,])))


def _same(group: tuple[str, ...], one: Handles) -> tuple[str, ...] | None:
    by_name = {tuple(name.casefold() for name in mine): mine for mine in one.seen}
    return by_name.get(tuple(name.casefold() for name in group))


def _link(one: Handles, mine: tuple[str, ...], other: Handles, theirs: tuple[str, ...], hiding: Hiding) -> list[Link]:
    values, known = one.seen[mine], other.seen[theirs]
    found = int(values.is_in(known.implode()).sum()) if len(values) else 0
    told = hiding.count(found, len(values))
    if not told or told < 0.5 * len(values):
        return []
    # rounded down, so that a share of one is all of them
    share = math.floor(100 * told / len(values)) / 100
    return [Link(one.form, mine, other.form, theirs, share, mine not in one.unique)]
