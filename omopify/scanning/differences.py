"""What one scan has that an earlier one had not: the first question about every delivery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from omopify.scanning.model import Column, Form, Scan

_JUMP = 0.10
"""By so much of all rows the filled share of a column must change to be told."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs.

    ``what`` is one of: form new, form gone, form renamed, layout changed, column new, column gone, column renamed, kind
    changed, date format new, date format gone, number format changed, value new, value gone, filled changed, identifier
    changed.  ``column`` is '' where the whole form is meant.  ``was`` and ``now`` are words, '' where there is nothing.
    """

    what: str
    form: str
    column: str
    was: str
    now: str
    text: str


def differences(old: Scan, new: Scan) -> tuple[Difference, ...]:
    """Compare two scans of what should be the same export: form by form, column by column."""
    return tuple(_forms(old, new))


def _forms(old: Scan, new: Scan) -> Iterator[Difference]:
    before, after = {f.name: f for f in old.forms}, {f.name: f for f in new.forms}
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    renamed = _renamed_forms([before[n] for n in gone], [after[n] for n in come])
    for name in gone:
        if name not in renamed:
            yield Difference("form gone", name, "", before[name].file, "", "the form is not there any more")
    for name in come:
        if name not in renamed.values():
            columns = len(after[name].columns)
            yield Difference("form new", name, "", "", after[name].file, f"a new form with {columns} columns")
    for was, now in renamed.items():
        yield Difference("form renamed", now, "", was, now, "a form of another name has the same columns")
    for name, form in after.items():
        other = before.get(next((was for was, now in renamed.items() if now == name), name))
        if other is not None:
            yield from _form(other, form)


def _renamed_forms(gone: Sequence[Form], come: Sequence[Form]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in gone:
        names = {c.name.casefold() for c in one.columns}
        for other in come:
            others = {c.name.casefold() for c in other.columns}
            if other.name not in found.values() and len(names & others) >= 0.8 * max(len(names | others), 1):
                found[one.name] = other.name
                break
    return found


def _form(old: Form, new: Form) -> Iterator[Difference]:
    for word, was, now in (
        ("format", old.format, new.format),
        ("delimiter", repr(old.delimiter or ""), repr(new.delimiter or "")),
        ("encoding", old.encoding, new.encoding),
        ("header row", str(old.header_row), str(new.header_row)),
        ("label row", str(old.label_row or ""), str(new.label_row or "")),
        ("subject column", old.subject, new.subject),
    ):
        if was != now:
            yield Difference("layout changed", new.name, "", was, now, f"its {word} is another")
    before, after = {c.name: c for c in old.columns}, {c.name: c for c in new.columns}
    gone = [column for name, column in before.items() if name not in after]
    come = [column for name, column in after.items() if name not in before]
    # with as many columns as before, one of another name in the same place is likely the same
    places = {c.name: p for p, c in enumerate(new.columns)} if len(old.columns) == len(new.columns) else {}
    stood = {c.name: old.columns[places[c.name]].name for c in come if c.name in places}
    renamed = _renamed_columns(gone, come, stood)
    for column in gone:
        if column.name not in renamed:
            yield Difference("column gone", new.name, column.name, column.kind, "", "the column is not there any more")
    for column in come:
        if column.name not in renamed.values():
            yield Difference("column new", new.name, column.name, "", column.kind, f"a new column: {column.kind}")
    for was, now in renamed.items():
        yield Difference("column renamed", new.name, now, was, now, "a column of another name looks the same")
    for name, column in after.items():
        other = before.get(next((was for was, now in renamed.items() if now == name), name))
        if other is not None:
            yield from _column(new.name, other, column)


def _renamed_columns(gone: Sequence[Column], come: Sequence[Column], before: Mapping[str, str]) -> dict[str, str]:
    """Return which new columns may be old ones: by name, by label, or by what stood in the place.

    *before* says what stood in the place of a new column.
    """
    found: dict[str, str] = {}
    for one in gone:
        for other in come:
            if other.name in found.values() or other.kind != one.kind:
                continue
            same_name = _bare(one.name) == _bare(other.name)
            if same_name or (one.label and one.label == other.label) or before.get(other.name) == one.name:
                found[one.name] = other.name
                break
    return found


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _column(form: str, old: Column, new: Column) -> Iterator[Difference]:
    def note(what: str, was: str, now: str, text: str) -> Difference:
        return Difference(what, form, new.name, was, now, text)

    if old.kind != new.kind and "empty" not in (old.kind, new.kind):
        yield note("kind changed", old.kind, new.kind, f"was {_a(old.kind)}, is {_a(new.kind)}")
    elif old.kind != new.kind:
        yield note("filled changed", old.kind, new.kind, "was empty" if old.kind == "empty" else "is empty now")
    if bool(old.identifier) != bool(new.identifier):
        yield note("identifier changed", old.identifier, new.identifier, "may identify a person, by one of the scans")
    formats, known = {d.format for d in new.dates}, {d.format for d in old.dates}
    if known or old.kind != "empty":
        for text in sorted(formats - known):
            yield note("date format new", "", text, f"dates are written as {text} too")
    for text in sorted(known - formats) if formats else ():
        yield note("date format gone", text, "", f"no date is written as {text} any more")
    if old.numbers and new.numbers and (old.numbers.decimal or ".") != (new.numbers.decimal or "."):
        yield note("number format changed", old.numbers.decimal, new.numbers.decimal, "the decimal mark is another")
    yield from _values(form, old, new)
    was, now = _filled(old), _filled(new)
    if was is not None and now is not None and abs(was - now) >= _JUMP and "empty" not in (old.kind, new.kind):
        yield note(
            "filled changed", f"{was:.0%}", f"{now:.0%}", f"{was:.0%} of the rows were filled, now {now:.0%} are"
        )


def _values(form: str, old: Column, new: Column) -> Iterator[Difference]:
    """Tell the codes that are new or gone; numbers and texts change with every delivery."""
    lists = ("code list", "yes/no")
    if old.kind not in lists or new.kind not in lists:
        return
    was, now = {v.value for v in old.values}, {v.value for v in new.values}
    # a value that too few rows had could not be named, so that it may have been there
    sure_new = "a new value" if not old.values_hidden else "a value that was not there, or in too few rows to be named"
    sure_gone = "no row has it any more" if not new.values_hidden else "no row has it any more, or too few to be named"
    for value in sorted(now - was):
        yield Difference("value new", form, new.name, "", value, sure_new)
    for value in sorted(was - now):
        yield Difference("value gone", form, new.name, value, "", sure_gone)


def _filled(column: Column) -> float | None:
    if not column.rows or column.filled is None:
        return None
    return column.filled / column.rows


def _a(kind: str) -> str:
    return {"empty": "empty", "text": "text", "yes/no": "yes or no"}.get(kind, f"a {kind}")
