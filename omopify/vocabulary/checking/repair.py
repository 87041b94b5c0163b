"""Write what a check can repair for sure, and nothing else: every other byte of a file stays as it was.

What Usagi thinks of a repaired row, and a run: the row of a replaced concept stays APPROVED, because a run follows
'Maps to' from the old concept anyway, so that its result does not change; but the row no longer carries the name
of the person who approved another concept.  ``statusSetBy`` becomes ``REPAIRED_BY``, ``equivalence`` UNREVIEWED,
``assignedReviewer`` the one who had approved (where nobody is assigned), and ``vocab check`` names the row until a
person sets its state again.  Every row that is touched says so in ``comment``.  Usagi keeps one state, equivalence
and comment a term, so all rows of the term are marked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from omopify.errors import Location, OmopifyError, Problem
from omopify.specs.project import shown
from omopify.specs.yamlfile import parse_yaml
from omopify.vocabulary.files.cells import Cell, Sheet, Unfit, folded_name, read_sheet
from omopify.vocabulary.files.concept_files import STANDARD

REPAIRED_BY = "omopify vocab check"
"""What ``statusSetBy`` says of a row whose concept was replaced and that no person has looked at since."""

KNOWN = frozenset(
    {folded_name(name) for name in STANDARD}
    | set("targetconceptid sourcevalue sourcecodedescription sourcevocabularyid subjectid predicateid objectid".split())
)
"""Columns by which the delimiter of a concept file is told."""

_MARKS = ("comment", "equivalence", "statussetby", "statusseton", "assignedreviewer")
_LINE_END = re.compile(r"\r\n|\n|\r")
_NOT_PLAIN = re.compile(r"[,\[\]{}]|: |:$| #")


@dataclass(frozen=True, slots=True)
class RowRepair:
    """New texts for cells of one row of a concept file, by folded column name; or the row goes."""

    path: Path
    line: int
    cells: Mapping[str, str]
    note: str
    """What the row's comment says of it; empty for a row that goes."""
    replaced: bool = False
    """Whether the concept is another one, so that the approval is no longer a person's."""
    remove: bool = False


@dataclass(frozen=True, slots=True)
class ScalarRepair:
    """A new text for a concept that a map names (``32809 Case Report Form``)."""

    path: Path
    at: Location
    concept_id: int
    name: str
    new: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, and what would repair it for sure, if anything does."""

    problem: Problem
    repair: RowRepair | ScalarRepair | None = None
    proposal: str = ""
    """What should stand there instead, as far as anybody can tell."""
    pack: str = ""
    """The pack that the file belongs to, outside the project's folder; empty for a file of the project's own."""
    values: tuple[tuple[str, int], ...] = ()
    """Values of the data that it is about, with their numbers of rows; only if they were asked for."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that was changed; ``new`` is None for a row that was removed."""

    at: Location
    column: str
    old: str
    new: str | None

    @property
    def mark(self) -> bool:
        """Whether it only tells a person of the others."""
        return folded_name(self.column) in _MARKS


@dataclass
class Outcome:
    """What a repair has done, and what it could not do."""

    edits: list[Edit] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)


def repair(findings: Iterable[Finding], now: datetime) -> Outcome:
    """Write the repairs of findings into their files; each file is replaced as a whole or not at all."""
    outcome = Outcome()
    rows: dict[Path, list[RowRepair]] = {}
    scalars: dict[Path, list[ScalarRepair]] = {}
    for finding in findings:
        if isinstance(finding.repair, RowRepair):
            rows.setdefault(finding.repair.path, []).append(finding.repair)
        elif finding.repair:
            scalars.setdefault(finding.repair.path, []).append(finding.repair)
    for path in (*rows, *scalars):
        try:
            edits = _repair_rows(path, rows[path], now) if path in rows else _repair_scalars(path, scalars[path])
            outcome.edits += edits
        except OmopifyError as error:
            outcome.refused += error.problems
        except OSError as error:
            hint = "close the program that has it open, and look at its rights"
            reason = (error.strerror or "unknown reason").lower()
            outcome.refused.append(Problem("OM660", f"the file is as it was: {reason}", Location(shown(path)), hint))
    return outcome


@dataclass(frozen=True, slots=True)
class _Span:
    """A piece of a file's text that gets another one."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Text:
    """A file's text and where its lines start."""

    path: Path
    mark: str
    body: str
    starts: tuple[int, ...]

    def offset(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column - 1

    def changed(self, spans: Iterable[_Span]) -> str:
        text = self.body
        for span in sorted(spans, key=lambda s: s.start, reverse=True):
            text = text[: span.start] + span.text + text[span.end :]
        return text


def _read(path: Path) -> _Text:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        hint = "in Excel save it as 'CSV UTF-8 (comma delimited)', then repair it again"
        raise _refusal(path, "it is not UTF-8", hint) from None
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text[len(mark) :]
    return _Text(path, mark, body, (0, *(end.end() for end in _LINE_END.finditer(body))))


def _refusal(path: Path, why: str, hint: str = "repair it by hand") -> OmopifyError:
    return OmopifyError(Problem("OM660", f"the file is as it was: {why}", Location(shown(path)), hint))


def _repair_rows(path: Path, repairs: list[RowRepair], now: datetime) -> list[Edit]:
    text = _read(path)
    try:
        sheet = read_sheet(path, KNOWN)
    except Unfit as error:
        raise _refusal(path, error.message, error.hint) from None
    wanted = [[cell.text for cell in record] for record in sheet.records]
    gone = _wish(sheet, repairs, wanted, now)
    spans, edits = [], []
    for number, (record, new) in enumerate(zip(sheet.records, wanted, strict=True)):
        if number in gone:
            start = text.offset(record[0].line, record[0].column)
            last = text.offset(record[-1].line, record[-1].column)
            end = _LINE_END.match(text.body, _cell_end(text, last, sheet.dialect.delimiter))
            spans.append(_Span(start, end.end() if end else len(text.body), ""))
            edits.append(Edit(Location(shown(path), record[0].line, 1), "", "", None))
            continue
        for title, cell, said in zip(sheet.header, record, new, strict=False):
            if said != cell.text:
                spans.append(_cell_span(text, cell, said, sheet.dialect.delimiter))
                edits.append(Edit(Location(shown(path), cell.line, cell.column), title.text.strip(), cell.text, said))
    if not spans:
        return []
    left = [new for number, new in enumerate(wanted) if number not in gone]

    def is_right(beside: Path) -> bool:
        return [[cell.text for cell in record] for record in read_sheet(beside, KNOWN).records] == left

    _replace(text, text.changed(spans), is_right)
    return edits


def _wish(sheet: Sheet, repairs: list[RowRepair], wanted: list[list[str]], now: datetime) -> set[int]:
    """Put what repairs want into the texts of the records; return the numbers of the records that go."""
    columns = {folded_name(cell.text): place for place, cell in reversed(list(enumerate(sheet.header)))}
    numbers = {record[0].line: number for number, record in enumerate(sheet.records)}
    terms: dict[tuple[str, ...], list[int]] = {}
    for number, record in enumerate(sheet.records):
        terms.setdefault(_term(record, columns), []).append(number)
    gone: set[int] = set()
    for wish in repairs:
        number = numbers[wish.line]
        if wish.remove:
            gone.add(number)
            continue
        for name, said in wish.cells.items():
            wanted[number][columns[name]] = said
        for row in terms[_term(sheet.records[number], columns)]:
            _mark(wanted[row], columns, wish, now)
    return gone


def _term(record: tuple[Cell, ...], columns: Mapping[str, int]) -> tuple[str, ...]:
    places = [columns[name] for name in ("sourcecode", "sourcename") if name in columns]
    return tuple(record[place].text.strip() for place in places if place < len(record))


def _mark(row: list[str], columns: Mapping[str, int], wish: RowRepair, now: datetime) -> None:
    marks = {}
    comment = row[columns["comment"]] if columns.get("comment", len(row)) < len(row) else ""
    said = f"[omopify {now:%Y-%m-%d}: {wish.note}]"
    if wish.note and said not in comment:
        marks["comment"] = f"{comment} {said}".strip()
    setter = row[columns["statussetby"]] if columns.get("statussetby", len(row)) < len(row) else ""
    if wish.replaced and setter != REPAIRED_BY:
        marks |= {
            "statussetby": REPAIRED_BY,
            "statusseton": str(int(now.astimezone(UTC).timestamp() * 1000)),
            "equivalence": "UNREVIEWED",
        }
        reviewer = columns.get("assignedreviewer", len(row))
        if setter and reviewer < len(row) and not row[reviewer].strip():
            marks["assignedreviewer"] = setter
    for name, text in marks.items():
        place = columns.get(name, len(row))
        if place < len(row):
            row[place] = text


def _cell_end(text: _Text, start: int, delimiter: str) -> int:
    quoted = re.compile(r'"(?:[^"]|"")*"').match(text.body, start)
    if quoted:
        return quoted.end()
    plain = re.compile(rf"[^{re.escape(delimiter)}\r\n]*").match(text.body, start)
    return plain.end() if plain else start


def _cell_span(text: _Text, cell: Cell, said: str, delimiter: str) -> _Span:
    start = text.offset(cell.line, cell.column)
    end = _cell_end(text, start, delimiter)
    quoted = text.body[start : start + 1] == '"' or any(mark in said for mark in (delimiter, '"', "\r", "\n"))
    return _Span(start, end, '"' + said.replace('"', '""') + '"' if quoted else said)


def _repair_scalars(path: Path, repairs: list[ScalarRepair]) -> list[Edit]:
    text = _read(path)
    before = _scalars(parse_yaml(text.body, shown(path)))
    spans, edits = {}, []
    for wish in repairs:
        start = text.offset(wish.at.line, wish.at.column)
        end, old = _scalar(text, start, wish)
        if wish.at not in spans:
            spans[wish.at] = _Span(start, end, _as_scalar(wish.new, text.body[start]))
            edits.append(Edit(wish.at, "", old, wish.new))

    def is_right(beside: Path) -> bool:
        after = _scalars(parse_yaml(beside.read_text(encoding="utf-8-sig"), shown(path)))
        different = [new for old, new in zip(before, after, strict=False) if old != new]
        news = {wish.new for wish in repairs}
        return (
            len(before) == len(after) and len(different) == len(spans) and all(str(new[1]) in news for new in different)
        )

    _replace(text, text.changed(spans.values()), is_right)
    return edits


def _scalar(text: _Text, start: int, wish: ScalarRepair) -> tuple[int, str]:
    """Return the end of a concept's text, and the text; the number and the name must stand there as they were read."""
    quote = text.body[start] if text.body[start] in "'\"" else ""
    name = wish.name.replace("'", "''") if quote == "'" else wish.name
    words = r"\s+".join(re.escape(word) for word in name.split())
    found = re.compile(rf"{quote}(0*{wish.concept_id}{f'[ ]+{words}' if words else ''}){quote}").match(text.body, start)
    if not found or "\n" in found[0]:
        raise _refusal(text.path, f"the concept in line {wish.at.line} is not written as one text")
    return found.end(), found[1]


def _as_scalar(new: str, first: str) -> str:
    if first == '"' and not re.search(r'["\\]', new):
        return f'"{new}"'
    if first in "'\"" or _NOT_PLAIN.search(new):
        return "'" + new.replace("'", "''") + "'"
    return new


def _scalars(tree: object, steps: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], object]]:
    if isinstance(tree, dict):
        return [found for key, part in tree.items() for found in _scalars(part, (*steps, key))]
    if isinstance(tree, list):
        return [found for number, part in enumerate(tree) for found in _scalars(part, (*steps, number))]
    return [(steps, tree)]


def _replace(text: _Text, new: str, is_right: Callable[[Path], bool]) -> None:
    """Put a new text in a file's place, if it reads as it was meant."""
    beside = text.path.with_name(f".{text.path.name}.tmp")
    try:
        beside.write_bytes((text.mark + new).encode())
        if not is_right(beside):
            raise _refusal(text.path, "it would read differently in more than the places that are meant")
        beside.chmod(text.path.stat().st_mode)
        beside.replace(text.path)
    finally:
        beside.unlink(missing_ok=True)
