"""How the columns of a form belong together: codes and labels, revisions of a question, slots, and keys."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import polars as pl

from omopify.scanning.hiding import Hiding
from omopify.scanning.model import Column, Key, Pair, Slot
from omopify.scanning.profile import Facts
from omopify.staging.table import BLANKS

Take = Callable[[Sequence[int]], pl.DataFrame]

_VERSION = re.compile(r"(.+?)__(\d+)(CD|_CD|cd|_cd)?")
_NUMBERED = re.compile(r"(.*?\D)(\d{1,2})(\D*)")
_CODE_ENDS = ("CD", "_CD", "CODE", "_CODE", "_C", "_cd", "_code", "cd", "Code", "C", "N")
_PAIRED = 300
"""The most different codes that are looked at as one code list."""

KEYED = re.compile(
    r"subj|pat|id$|_id|seq|spid|no$|nr$|num|visit|event|date|dat$|dtc?$|key|line|row|time|test|form|cycle|repeat|inst"
)
_KEY_CANDIDATES = 12
_KEYS_SHOWN = 3

_NEARLY = 0.05
"""The share of rows that may be doubled in what is still called a likely key."""


def versions(columns: Sequence[Column]) -> dict[str, str]:
    """Return of which question each column is a later revision (``X__2`` of ``X``)."""
    names = {column.name for column in columns}
    found = {}
    for name in names:
        match = _VERSION.fullmatch(name)
        if match and match[1] + (match[3] or "") in names:
            found[name] = match[1] + (match[3] or "")
    return found


def slots(columns: Sequence[Column]) -> dict[str, Slot]:
    """Return which columns are one of several alike (``AETRT1`` to ``AETRT3``)."""
    groups: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for column in columns:
        match = None if _VERSION.fullmatch(column.name) else _NUMBERED.fullmatch(column.name)
        if match:
            groups[f"{match[1]}{{n}}{match[3]}"].append((column.name, match[2]))
    return {
        name: Slot(pattern, number)
        for pattern, members in groups.items()
        if len(members) > 1 and any(int(number) == 1 for _, number in members)
        for name, number in members
    }


def pairs(columns: Sequence[Column], facts: Sequence[Facts], take: Take, hiding: Hiding) -> list[Column]:
    """Say which columns hold the codes of another, and which code means which label."""
    done = list(columns)
    for code, label, by_name in _likely_pairs(facts):
        if done[code].code_of or done[code].identifier or done[label].identifier or done[label].free_text:
            continue
        frame = take([facts[code].position, facts[label].position])
        frame = frame.select(
            pl.col(str(facts[code].position)).str.strip_chars(BLANKS).alias("code"),
            pl.col(str(facts[label].position)).str.strip_chars(BLANKS).alias("label"),
        )
        both = frame.filter((pl.col("code") != "") & (pl.col("label") != ""))
        counts = both.group_by("code", "label").agg(pl.len().cast(pl.Int64).alias("rows")).sort("rows", descending=True)
        if not _depends(counts, by_name):
            continue
        shown = {value.value: value.rows for value in done[code].values}
        named = {value.value: value.rows for value in done[label].values}
        listed = tuple(
            Pair(row["code"], row["label"], _told(row, counts, (shown[row["code"]], named[row["label"]]), hiding))
            for row in counts.sort("code", "rows", "label", descending=[False, True, False]).iter_rows(named=True)
            if row["rows"] >= hiding.small and row["code"] in shown and row["label"] in named
        )
        kind = "code list" if done[code].kind == "whole number" else done[code].kind
        done[code] = replace(done[code], kind=kind, numbers=None, code_of=facts[label].name, pairs=listed)
    return done


def _told(row: dict[str, object], counts: pl.DataFrame, shown: tuple[int, int], hiding: Hiding) -> int | None:
    """Return a pair's rows, unless its code's or its label's rows minus them would tell of few."""
    rows = int(str(row["rows"]))
    for part in ("code", "label"):
        others = int(counts.filter(pl.col(part) == row[part]).get_column("rows").sum()) - rows
        if 0 < others < hiding.small:
            return None
    return rows if all(told == rows or told - rows >= hiding.small for told in shown) else None


def _depends(counts: pl.DataFrame, by_name: bool) -> bool:
    """Say whether nearly every row has the usual label of its code, and codes mean different things."""
    if counts.height == 0:
        return False
    codes = counts.group_by("code", maintain_order=True).agg(pl.col("rows").sum(), pl.col("rows").max().alias("top"))
    labels = counts.get_column("label").n_unique()
    usual = int(codes.get_column("top").sum()) / int(codes.get_column("rows").sum())
    if by_name:
        return usual >= 0.8
    return usual >= 0.95 and codes.height > 1 and labels >= 0.6 * codes.height


def _likely_pairs(facts: Sequence[Facts]) -> list[tuple[int, int, bool]]:
    """Return which columns may be codes of which, and whether their names say so; else they are neighbours."""
    places = {fact.name.casefold(): place for place, fact in enumerate(facts)}
    small = {
        place
        for place, fact in enumerate(facts)
        if 1 < fact.distinct <= _PAIRED and fact.distinct * 2 <= fact.filled and fact.kind not in ("date", "empty")
    }
    found = []
    for place, fact in enumerate(facts):
        stems = [fact.name.removesuffix(end) for end in _CODE_ENDS if fact.name.endswith(end)]
        label = next((places[stem.casefold()] for stem in stems if stem.casefold() in places), None)
        if label is not None and label != place and fact.filled:
            found.append((place, label, True))
        elif place in small and fact.long <= 8:
            found += [(place, near, False) for near in (place - 1, place + 1) if _is_label(facts, place, near, small)]
    return found


def _is_label(facts: Sequence[Facts], place: int, near: int, small: set[int]) -> bool:
    if near not in small or facts[near].kind not in ("text", "code list", "yes/no"):
        return False
    code, label = facts[place], facts[near]
    alike = label.distinct * 0.8 <= code.distinct <= label.distinct * 1.25 + 1
    return alike and label.long > code.long and code.kind in ("whole number", "code list", "yes/no")


def keys(facts: Sequence[Facts], subject: str, rows: int, take: Take, hiding: Hiding) -> tuple[Key, ...]:
    """Return the likely keys of a form, the best first: single columns, else pairs, else triples with the subject."""
    full = [f for f in facts if f.filled == rows and f.distinct > 1 and f.kind != "yes/no"]
    # that every measurement and every day differs is chance
    single = [f for f in full if f.distinct == rows and f.kind not in ("date", "date and time", "time", "number")]
    if rows < 2:
        return ()
    found = [Key((f.name,), 0) for f in sorted(single, key=_by_name)]
    candidates = sorted((f for f in full if f.distinct < rows), key=lambda f: (f.name != subject, *_by_name(f)))
    candidates = candidates[:_KEY_CANDIDATES]
    if len(found) < _KEYS_SHOWN and len(candidates) > 1:
        hashed = take([f.position for f in candidates])
        hashed = hashed.select(pl.all().str.strip_chars(BLANKS).hash(seed=1))
        found += _several(candidates, hashed, subject, rows, hiding, bool(found))
    return tuple(found[:_KEYS_SHOWN])


def _by_name(fact: Facts) -> tuple[bool, int]:
    return not KEYED.search(fact.name.casefold()), fact.position


def _several(
    candidates: Sequence[Facts], hashed: pl.DataFrame, subject: str, rows: int, hiding: Hiding, has_key: bool
) -> list[Key]:
    true: list[Key] = []
    nearly: list[tuple[int, Key]] = []
    for size in (2, 3):
        if true or any(repeated <= _NEARLY * rows for repeated, _ in nearly):
            break
        for group in combinations(candidates, size):
            names = tuple(fact.name for fact in group)
            if subject and subject not in names:
                continue
            most = 1
            for fact in group:
                most *= fact.distinct
            if most < rows * 0.95:
                continue
            mixed = pl.lit(0, dtype=pl.UInt64)
            for fact in group:
                mixed = mixed * 11400714819323198485 + hashed.get_column(str(fact.position))
            seen = hashed.select(mixed.alias("key")).to_series()
            if seen.n_unique() == rows:
                true.append(Key(names, 0))
            else:
                repeated = int(seen.is_duplicated().sum())
                nearly.append((repeated, Key(names, hiding.count(repeated))))
            if len(true) >= _KEYS_SHOWN:
                break
    if true or has_key:
        return true
    close = sorted((n for n in nearly if n[0] <= _NEARLY * rows), key=lambda n: n[0])
    return [key for _, key in close[:1]]
