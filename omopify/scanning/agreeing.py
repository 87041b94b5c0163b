"""Codes and their labels are told alike: of two lists that differ in a row, the difference would tell of that row.

Where one row has a label and no code, ``AESEV`` has 20 filled rows and ``AESEVCD`` 19.  Each number may be told by
itself, and both together may not.  So both get the lower one, and what is then left over is made large enough again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from omopify.scanning.model import Column, Value

_ROUNDS = 8
"""A label may have several columns of codes, so that what is lowered for one is to be lowered for the others."""

_COUNTED = re.compile(r"^(at least )?[\d,]+ of [\d,]+ filled cells are")


def agree(columns: Sequence[Column], small: int) -> list[Column]:
    """Lower counts of columns of codes and of labels, so that none differs from the other's by 1 to one below *small*.

    Args:
        columns: of one form, with what they hold the codes of.
        small: the least number of rows that may be told of.
    """
    done = {column.name: column for column in columns}
    for _ in range(_ROUNDS):
        before = dict(done)
        for name in done:
            label = done.get(done[name].code_of)
            if label is not None and label is not done[name]:
                done[name], done[label.name] = _settled(done[name], label, small)
        if done == before:
            return [done[column.name] for column in columns]
    # lists that do not come to rest are not told
    unsettled = {name for name in done if done[name] != before[name]}
    return [_bare(done[c.name]) if c.name in unsettled else done[c.name] for c in columns]


@dataclass(slots=True)
class _Told:
    """What is told of the filled rows of one column, while it is being lowered."""

    filled: int
    rows: dict[str, int]

    @property
    def rest(self) -> int:
        return self.filled - sum(self.rows.values()) if self.rows else 0


def _settled(code: Column, label: Column, small: int) -> tuple[Column, Column]:
    if code.filled is None or label.filled is None:
        return code, label
    one, other = _told(code), _told(label)
    if 0 < abs(one.filled - other.filled) < small:
        one.filled = other.filled = min(one.filled, other.filled)
    groups = _groups(code)
    for codes, labels in groups:
        more = sum(one.rows.get(c, 0) for c in codes) - sum(other.rows.get(text, 0) for text in labels)
        if 0 < abs(more) < small:
            rows, names = (one.rows, codes) if more > 0 else (other.rows, labels)
            rows[max((name for name in names if name in rows), key=lambda name: rows[name])] -= abs(more)
    missing = max((small - told.rest for told in (one, other) if told.rest < small and told.rest), default=0)
    if missing:
        alone = [(codes[0], labels[0]) for codes, labels in groups if len(codes) == len(labels) == 1]
        pair = max(alone, key=lambda pair: one.rows.get(pair[0], 0), default=None)
        if pair is not None and pair[0] in one.rows and pair[1] in other.rows:
            one.rows[pair[0]] -= missing
            other.rows[pair[1]] -= missing
    told = [*one.rows.values(), *other.rows.values()]
    if any(rows < small for rows in told) or any(0 < each.rest < small or each.rest < 0 for each in (one, other)):
        near = 0 < abs(code.filled - label.filled) < small
        return _bare(_lowered(code, _Told(label.filled if near else code.filled, {}), small)), label
    return _repaired(_lowered(code, one, small), other, small), _lowered(label, other, small)


def _told(column: Column) -> _Told:
    return _Told(column.filled or 0, {value.value: value.rows for value in column.values})


def _groups(code: Column) -> list[tuple[list[str], list[str]]]:
    """Return the codes and labels that go together: mostly one and one."""
    groups: list[tuple[list[str], list[str]]] = []
    for pair in code.pairs:
        touched = [group for group in groups if pair.code in group[0] or pair.label in group[1]]
        groups = [group for group in groups if group not in touched]
        codes = [pair.code, *(c for group in touched for c in group[0])]
        labels = [pair.label, *(text for group in touched for text in group[1])]
        groups.append((list(dict.fromkeys(codes)), list(dict.fromkeys(labels))))
    return groups


def _lowered(column: Column, told: _Told, small: int) -> Column:
    values = sorted((Value(value, rows) for value, rows in told.rows.items()), key=lambda value: -value.rows)
    hidden = column.values_hidden + len(column.values) - len(values)
    column = replace(column, values=tuple(values), values_hidden=hidden)
    if told.filled == column.filled:
        return column
    anomalies = []
    for one in column.anomalies:
        rows = told.filled if one.rows == column.filled else one.rows
        if rows is not None and rows != told.filled and 0 < abs(told.filled - rows) < small:
            rows = told.filled - small if told.filled >= 2 * small else None
        anomalies.append(replace(one, rows=rows))
    missing = column.missing
    if column.rows is not None and missing and 0 != column.rows - told.filled - sum(v.rows for v in missing) < small:
        missing = ()
    evidence = _COUNTED.sub("most of the filled cells are", column.evidence)
    return replace(column, filled=told.filled, evidence=evidence, anomalies=tuple(anomalies), missing=missing)


def _repaired(code: Column, label: _Told, small: int) -> Column:
    """Tell the rows of pairs only where they are those of the code and the label, or far from them."""
    codes = {value.value: value.rows for value in code.values}
    kept = []
    for pair in code.pairs:
        shown = (codes.get(pair.code), label.rows.get(pair.label))
        far = all(pair.rows is None or rows is None or rows - pair.rows in (0, *range(small, rows)) for rows in shown)
        kept.append(pair if far else replace(pair, rows=None))
    # nor may all pairs of a code, or of a label, leave a few of its rows over
    for side, rows_of in (("code", codes), ("label", label.rows)):
        for name, rows in rows_of.items():
            told = [pair for pair in kept if getattr(pair, side) == name and pair.rows is not None]
            if told and 0 < rows - sum(pair.rows or 0 for pair in told) < small:
                least = min(told, key=lambda pair: pair.rows or 0)
                kept[kept.index(least)] = replace(least, rows=None)
    return replace(code, pairs=tuple(kept))


def _bare(column: Column) -> Column:
    """Take the values out of a column that cannot be told together with its labels."""
    hidden = column.values_hidden + len(column.values)
    return replace(column, values=(), values_hidden=hidden, pairs=())
