"""What is wrong with the rows of concept files without asking the vocabulary: their cells, one another, the data.

Rows that cannot be read, words that Usagi does not know and states that contradict each other are told by the
reader of concept files (OM630 to OM639).  Here:

* OM650  a row of which a run takes nothing
* OM651  a concept id with decimals, as spreadsheets write numbers
* OM652  blanks or invisible characters around a text
* OM653  a code that may have lost its leading zeros
* OM654  a row that is there twice, cell by cell
* OM655  a term that is mapped in two ways
* OM656  a term that two files map differently for the same purpose
* OM657  terms that the data of the last run never say
* OM658  values of the data that have no row
* OM659  a row whose concept was replaced by ``--fix`` and that nobody has reviewed
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from omopify.compiler.fields import fold
from omopify.compiler.plan import Lookup, Plan
from omopify.errors import Location, Problem
from omopify.vocabulary.checking.repair import REPAIRED_BY, Finding, RowRepair
from omopify.vocabulary.checking.uses import CODE, DOMAIN, ID, NAME, VOCABULARY, Mapped
from omopify.vocabulary.files.cells import Cell
from omopify.vocabulary.files.concept_rows import ConceptRow

_FLOAT = re.compile(r"\d+[.,]0{1,2}")
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
_SOURCE_CODE = ("sourcecode", "subjectid")
_SOURCE_NAME = ("sourcename", "sourcevalue", "sourcecodedescription", "subjectlabel")
_STATUS, _TYPE = ("mappingstatus",), ("mappingtype",)
_MATTERS = (_SOURCE_CODE, _SOURCE_NAME, _STATUS, ID, NAME, DOMAIN, VOCABULARY, CODE, _TYPE)


class Looked(NamedTuple):
    """A value of the data that the last run looked up, in one way."""

    map: str
    field: str
    way: int
    file: str | None
    value: str
    rows_open: int
    """The rows with this value for which no way found a concept."""


def cells(mapped: Mapped) -> Iterator[Finding]:
    """Find what a spreadsheet or a slip has done to single cells."""
    for row in mapped.file.rows:
        for names in _MATTERS:
            cell = mapped.cell(row, names)
            if cell:
                yield from _cell(mapped, row, names, cell)
        if row.status_set_by == REPAIRED_BY and row.line in mapped.counting:
            message = f"the concept of this row was replaced by 'omopify vocab check --fix', now {row.concept_id}"
            hint = "look at it, and approve it again in Usagi, or write your name into 'statusSetBy'"
            yield _warning(mapped, row, ID, "OM659", f"{message} {row.concept_name}".strip(), hint)
    yield from _without_effect(mapped)
    yield from _zeros_among_codes(mapped)


def _without_effect(mapped: Mapped) -> Iterator[Finding]:
    """Find approved rows that a run looks past: units and the like, and values of nothing."""
    counting = [row for row in mapped.file.rows if row.line in mapped.counting]
    things = {fold(said) for row in counting if row.mapping_type == "MAPS_TO" for said in row.said}
    for row in counting:
        if row.mapping_type == "MAPS_TO_VALUE" and not any(fold(said) in things for said in row.said):
            message = "a run takes nothing from this row: it names a value, and no row says of what"
            hint = "write MAPS_TO if the term is looked up for a value, or add the row of the thing itself"
        elif row.mapping_type not in ("MAPS_TO", "MAPS_TO_VALUE"):
            message = f"a run takes nothing from a row of the type {row.mapping_type}"
            hint = "write MAPS_TO into the file that is looked up for that field of the map"
        else:
            continue
        yield _warning(mapped, row, _TYPE, "OM650", message, hint)


def _cell(mapped: Mapped, row: ConceptRow, names: tuple[str, ...], cell: Cell) -> Iterator[Finding]:
    clean = _INVISIBLE.sub("", cell.text).strip()
    column = mapped.column(names)
    if clean != cell.text:
        what = "an invisible character in" if len(_INVISIBLE.sub("", cell.text)) < len(cell.text) else "blanks around"
        repair = _repair(mapped, row, {column: clean}, f"{what} '{column}' removed")
        yield _warning(mapped, row, names, "OM652", f"{what} the text", "remove what cannot be seen", repair)
    if names is ID and _FLOAT.fullmatch(clean):
        right = str(row.concept_id)
        repair = _repair(mapped, row, {column: right}, f"id was written {clean}")
        message = f"the concept id is written {clean}, as a spreadsheet writes numbers"
        yield _warning(mapped, row, names, "OM651", message, f"write {right}", repair, right)


def _zeros_among_codes(mapped: Mapped) -> Iterator[Finding]:
    """Find codes without leading zeros among codes that have them and are all of one length."""
    codes = {row.line: row.source_code.strip() for row in mapped.file.rows}
    lengths = {len(code) for code in codes.values() if code.isdigit() and code.startswith("0")}
    if len(lengths) != 1 or sum(code.startswith("0") and code.isdigit() for code in codes.values()) < 2:
        return
    length = lengths.pop()
    for row in mapped.file.rows:
        code = codes[row.line]
        if code.isdigit() and len(code) < length:
            yield _zeros(mapped, row, code.zfill(length), "the others of this file have them")


def _zeros(mapped: Mapped, row: ConceptRow, right: str, why: str) -> Finding:
    message = f"the code {row.source_code.strip()} may have lost its leading zeros; {why}"
    hint = f"write {right}, and format the column as text before you save it in a spreadsheet"
    return _warning(mapped, row, _SOURCE_CODE, "OM653", message, hint, proposal=right)


def duplicates(mapped: Mapped) -> Iterator[Finding]:
    """Find rows that say the same as an earlier one, cell by cell."""
    seen: dict[tuple[str, ...], int] = {}
    for row in mapped.file.rows:
        texts = tuple(_INVISIBLE.sub("", cell.text).strip() for cell in mapped.records[row.line])
        first = seen.setdefault(texts, row.line)
        if first != row.line:
            repair = RowRepair(mapped.path, row.line, {}, "", remove=True) if mapped.file.kind == "usagi" else None
            message = f"the row is the same as line {first}"
            yield Finding(Problem("OM654", message, mapped.at(row, ()), "delete it", "warning"), repair)


def conflicts(mapped: Mapped) -> Iterator[Finding]:
    """Find values that a run would give the concepts of two different terms, or a concept and none.

    Several rows of one term (the same code and name) are meant; two spellings of a value, or a name with two
    codes, are not, for a value is found by its name or its code, whatever its case.
    """
    terms: dict[str, dict[tuple[str, str], list[ConceptRow]]] = {}
    for row in mapped.file.rows:
        if row.line in mapped.counting and row.mapping_type == "MAPS_TO":
            for said in row.said:
                terms.setdefault(fold(said), {}).setdefault(row.term, []).append(row)
    told: set[int] = set()
    for found in terms.values():
        first, *others = found.values()
        ids = _ids(first)
        if 0 in ids and len(ids) > 1:
            others = [first, *others]
        for rows in others:
            row = rows[-1] if rows is first else rows[0]
            if (rows is first or _ids(rows) != ids) and row.line not in told:
                told.add(row.line)
                clash = next(other for other in first if other is not row)
                both = f"{row.concept_id or 'no concept'} here, {clash.concept_id or 'no concept'} in line {clash.line}"
                message = f"what this row stands for is mapped in two ways: {both}"
                hint = "rows of the data get both; keep one, or give both rows the same code and name if both are meant"
                at = mapped.at(row, _SOURCE_NAME if mapped.column(_SOURCE_NAME) else _SOURCE_CODE)
                yield Finding(Problem("OM655", message, at, hint))


def _ids(rows: Iterable[ConceptRow]) -> set[int]:
    return {row.concept_id for row in rows}


def across(files: Sequence[Mapped], plan: Plan) -> Iterator[Finding]:
    """Find terms that two files, looked up for the same purpose, each give one concept, but not the same."""
    purposes: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for step in plan.maps:
        for lookup in step.lookups:
            if lookup.file:
                used = purposes.setdefault((lookup.field, tuple(sorted(step.writes))), [])
                if lookup.file not in used:
                    used.append(lookup.file)
    told: set[tuple[str, int]] = set()
    for names in purposes.values():
        single: dict[str, tuple[str, Mapped, ConceptRow]] = {}
        for name in names:
            for key, (mapped, row) in _single([f for f in files if f.lookups[0].file == name]).items():
                other, theirs, first = single.setdefault(key, (name, mapped, row))
                if other != name and first.concept_id != row.concept_id and (name, row.line) not in told:
                    told.add((name, row.line))
                    elsewhere = f"{first.concept_id} in {theirs.at(first, ID)}"
                    message = f"the term is mapped to {row.concept_id} here, but to {elsewhere}"
                    hint = "both files are looked up for the same field: agree on one"
                    yield _warning(mapped, row, ID, "OM656", message, hint)


def _single(files: Iterable[Mapped]) -> dict[str, tuple[Mapped, ConceptRow]]:
    """Return the terms that have one concept in these files."""
    rows: dict[str, list[tuple[Mapped, ConceptRow]]] = {}
    for mapped in files:
        for row in mapped.file.rows:
            if row.line in mapped.counting and row.mapping_type == "MAPS_TO":
                for said in row.said:
                    rows.setdefault(fold(said), []).append((mapped, row))
    return {key: found[0] for key, found in rows.items() if len(_ids(row for _, row in found)) == 1}


@dataclass
class _Missing:
    """Values of one field that came to nothing."""

    lookup: Lookup
    without: Counter[str] = field(default_factory=Counter)
    unchecked: Counter[str] = field(default_factory=Counter)
    spellings: dict[str, str] = field(default_factory=dict)


def against_data(
    files: Sequence[Mapped], plan: Plan, looked: Sequence[Looked], own: frozenset[str], show_values: bool
) -> Iterator[Finding]:
    """Compare the files with the values that the last run looked up.

    Files that were shipped serve many trials, so only the terms of the project's own files (``own``: the paths)
    must occur.  Values of the data are counted, and told only if the user asks for them.
    """
    yield from _never_said([f for f in files if str(f.path) in own], looked)
    yield from _lost_zeros(files, looked)
    names = {mapped.lookups[0].file for mapped in files}
    states = {name: _states([f for f in files if f.lookups[0].file == name]) for name in names}
    lookups = {(step.name, lookup.field, lookup.way): lookup for step in plan.maps for lookup in step.lookups}
    filed = {(name, slot) for (name, slot, _), lookup in lookups.items() if lookup.file}
    missing: dict[tuple[str, Location], _Missing] = {}
    for value in looked:
        lookup = lookups.get((value.map, value.field, value.way))
        # Where one of the ways is a file, that is where a steward adds what no vocabulary knows.
        if lookup is None or not value.rows_open or (not lookup.file and (value.map, value.field) in filed):
            continue
        state = states.get(lookup.file, {}).get(fold(value.value), "")
        if state == "decided":
            continue
        at = next((f.whole for f in files if f.lookups[0].file == lookup.file), lookup.at)
        entry = missing.setdefault((lookup.looked_in, at), _Missing(lookup))
        spelling = entry.spellings.setdefault(fold(value.value), value.value)
        (entry.unchecked if state == "unchecked" else entry.without)[spelling] += value.rows_open
    for (_, at), entry in missing.items():
        yield _no_row(at, entry, show_values)


def _no_row(at: Location, entry: _Missing, show_values: bool) -> Finding:
    parts = []
    for values, what in (
        (entry.without, "have no row here" if entry.lookup.file else f"are not found in {entry.lookup.looked_in}"),
        (entry.unchecked, "have a row that nobody has approved"),
    ):
        if values:
            one = what.replace("have", "has").replace("are", "is") if len(values) == 1 else what
            count = f"{len(values)} value{'' if len(values) == 1 else 's'} of the data"
            parts.append(f"{count} ({values.total()} row{'' if values.total() == 1 else 's'}) {one}")
    shown = tuple((entry.without + entry.unchecked).most_common()) if show_values else ()
    hint = "'omopify vocab suggest' proposes concepts"
    if not entry.lookup.file:
        hint = "load a vocabulary that has them, or let the map look in a concept file, too ('via')"
    return Finding(Problem("OM658", " and ".join(parts), at, hint, "warning"), values=shown)


def _states(files: Iterable[Mapped]) -> dict[str, str]:
    """Return for each term of these files whether somebody has decided on it."""
    states: dict[str, str] = {}
    for mapped in files:
        for row in mapped.file.rows:
            for said in row.said:
                if row.line in mapped.counting or row.status == "IGNORED":
                    states[fold(said)] = "decided"
                else:
                    states.setdefault(fold(said), "unchecked")
    return states


def _never_said(files: Iterable[Mapped], looked: Sequence[Looked]) -> Iterator[Finding]:
    said: dict[str, set[str]] = {}
    for value in looked:
        if value.file:
            said.setdefault(value.file, set()).add(fold(value.value))
    for mapped in files:
        known = said.get(mapped.lookups[0].file or "")
        terms = {row.term: row for row in mapped.file.rows if row.said}
        if known is None or not terms:
            continue
        unused = [row for row in terms.values() if not any(fold(text) in known for text in row.said)]
        if unused:
            message = f"{len(unused)} of {len(terms)} terms do not occur in the data of the last run"
            hint = f"the first is in line {unused[0].line}; a term that is misspelt is never found"
            yield Finding(Problem("OM657", message, mapped.whole, hint, "warning"))


def _lost_zeros(files: Iterable[Mapped], looked: Sequence[Looked]) -> Iterator[Finding]:
    """Find codes that the data have with leading zeros only."""
    codes: dict[str, set[str]] = {}
    for value in looked:
        if value.file and value.value.isdigit():
            codes.setdefault(value.file, set()).add(value.value)
    for mapped in files:
        known = codes.get(mapped.lookups[0].file or "", set())
        padded = {code.lstrip("0"): code for code in known if code.startswith("0")}
        own = {text for row in mapped.file.rows for text in row.said}
        for row in mapped.file.rows:
            code = row.source_code.strip()
            right = padded.get(code)
            if right and code not in known and right not in own:
                yield _zeros(mapped, row, right, "the data have it with zeros")


def _repair(mapped: Mapped, row: ConceptRow, texts: dict[str, str], note: str) -> RowRepair | None:
    return RowRepair(mapped.path, row.line, texts, note) if mapped.file.kind == "usagi" else None


def _warning(
    mapped: Mapped,
    row: ConceptRow,
    names: tuple[str, ...],
    code: str,
    message: str,
    hint: str,
    repair: RowRepair | None = None,
    proposal: str = "",
) -> Finding:
    return Finding(Problem(code, message, mapped.at(row, names), hint, "warning"), repair, proposal)
