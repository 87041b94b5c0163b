"""Who has approved which part of a mapping: ``reviews.csv`` beside ``omopify.yaml``, and what it says of today's files.

An approval is of a meaning: it names the hash of what was approved (:mod:`omopify.specs.meanings`).  What has changed
since is no longer approved.  What a map says under ``review:`` is its author's own word: it tells who has looked at the
map, and approves nothing.  A part that was approved and is no longer there is open, too: a map that was deleted loses
rows.  It is so until somebody approves that it is gone, or withdraws the old word.

A spreadsheet may have saved the file with ``;``, a byte-order mark, another encoding and its own idea of a date; all
are taken as they come, and what is written back opens in Excel without harm.

Problems:

* OM950  reviews.csv cannot be read; (warning) it approves a part, and does not say who did
* OM951  there is no part of that name
* OM952  a part is not approved, and the result is meant for upload
* OM957  reviews.csv cannot be written
* OM958  (warning) reviews.csv names a part that the mapping no longer has
"""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields, replace
from io import StringIO
from pathlib import Path
from typing import Literal, cast, get_args

from omopify.errors import Location, OmopifyError, Problem, Problems, did_you_mean
from omopify.specs.csvfile import QUOTES_HINT, BrokenRow, parse
from omopify.specs.maps import MapFile
from omopify.specs.meanings import CONCEPTS, MAP, Meaning, meanings
from omopify.specs.project import Project, shown

REVIEWS = "reviews.csv"
"""The file of a project that holds its approvals."""

Status = Literal["draft", "reviewed", "approved", "changed"]
"""``changed``: it was approved or reviewed, but what it says has changed since, or it is gone."""

Given = Literal["draft", "reviewed", "approved"]
"""What a person may say of a part; ``draft`` takes an approval back."""

EVERYTHING = "all"
"""Names all parts at once."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The state of one part of a mapping."""

    part: str
    """``trial``, ``map:<name>`` or ``concepts:<pack>/<path>``."""
    file: str
    """The file, as messages show it; of a part that is gone, that of the approvals."""
    status: Status
    author: str
    reviewer: str
    date: str
    note: str
    sha256: str
    """The hash of what the part says today; empty if it is gone."""
    approved_sha256: str = ""
    """The hash of what was approved or reviewed; empty if nobody did."""

    @property
    def is_open(self) -> bool:
        """Whether an approval is missing."""
        return self.status != "approved"

    @property
    def is_gone(self) -> bool:
        """Whether it was approved or reviewed, and the mapping has it no longer."""
        return not self.sha256


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of ``reviews.csv``."""

    part: str
    file: str
    sha256: str
    status: str
    author: str
    reviewer: str
    date: str
    note: str
    line: int = field(default=0, compare=False)


COLUMNS = tuple(one.name for one in fields(_Row) if one.name != "line")


def reviews(
    project: Project, problems: Problems | None = None, said: Sequence[Meaning] | None = None
) -> tuple[Reviewed, ...]:
    """Return the state of each part: the trial, the maps by name, and the concept files by name; then those gone.

    Args:
        project: whose parts.
        problems: where OM958 goes, about lines of ``reviews.csv`` that are about nothing, and OM950 about lines that
            name nobody.
        said: what the parts say, if the caller has it already (:func:`~omopify.specs.meanings.meanings`).

    Raises:
        OmopifyError: OM950 ``reviews.csv`` cannot be read.
    """
    path = project.folder / REVIEWS
    rows, _ = _read(path)
    latest = {row.part: row for row in rows}
    parts = meanings(project) if said is None else said
    known = {part.part for part in parts}
    gone = [row for row in latest.values() if row.part not in known and row.status != "draft" and row.sha256]
    if problems is not None:
        _warn(path, latest.values(), gone, known, problems)
    there = tuple(_state(part, latest.get(part.part)) for part in parts)
    return *there, *(_gone(row, shown(path)) for row in sorted(gone, key=lambda row: _order(row.part)))


def _warn(path: Path, rows: Iterable[_Row], gone: Sequence[_Row], known: set[str], problems: Problems) -> None:
    for row in rows:
        at = Location(shown(path), row.line, 1)
        if row in gone:
            short = row.part.removeprefix(MAP)
            meant = f"if it is left out on purpose: omopify review --approve {short} --by NAME"
            hint = " ".join(filter(None, (did_you_mean(row.part, known), meant)))
            problems.add("OM958", f"the mapping has no part '{row.part}'", at, hint, severity="warning")
        elif row.status != "draft" and not row.reviewer and row.part in known:
            message = f"this line does not say who {row.status} '{row.part}', so it counts for nothing"
            problems.add("OM950", message, at, "write the name under 'reviewer'", severity="warning")


def review(
    project: Project,
    parts: Sequence[str],
    status: Given,
    by: str,
    day: str,
    note: str = "",
) -> tuple[Reviewed, ...]:
    """Note in ``reviews.csv`` what a person says of some parts, and return their new state.

    Args:
        project: whose parts.
        parts: their names as ``reviews`` gives them; a map also by its bare name, ``all`` for all of them.
        status: ``draft`` takes back what was said before; of a part that is gone, ``approved`` is of its being gone.
        by: the person's name.
        day: the day, as 2026-11-21.
        note: what else the person says.

    Raises:
        OmopifyError: OM950 ``reviews.csv`` cannot be read, OM951 there is no such part, OM957 it cannot be written.
    """
    path = project.folder / REVIEWS
    rows, dialect = _read(path)
    said = meanings(project)
    files = {row.part: row.file for row in rows} | {part.part: part.name for part in said}
    states = {state.part: state for state in reviews(project, None, said)}
    chosen = [states[name] for name in _named(parts, states, status)]
    written = {row.part: row for row in rows}
    for state in chosen:
        written[state.part] = _Row(state.part, files[state.part], state.sha256, status, state.author, by, day, note)
    _write(path, sorted(written.values(), key=lambda row: _order(row.part)), dialect)
    after = {state.part: state for state in reviews(project, None, said)}
    return tuple(after.get(state.part, replace(state, status=status)) for state in chosen)


def stop_if_open(found: Sequence[Reviewed]) -> None:
    """Do nothing if all parts are approved; a result that is meant for upload is not made otherwise.

    Raises:
        OmopifyError: OM952 for each part that is not approved.
    """
    problems = Problems()
    for state in found:
        if state.is_gone:
            message = f"'{state.part}' is gone since {state.reviewer or 'somebody'} looked at it"
            problems.add("OM952", message, Location(state.file))
        elif state.status == "changed":
            problems.add(
                "OM952", f"'{state.part}' has changed since {state.reviewer} looked at it", Location(state.file)
            )
        elif state.is_open:
            problems.add("OM952", f"nobody has approved '{state.part}'", Location(state.file))
    if problems.errors:
        first, *others = problems.errors
        hint = "'omopify review' lists what is open, and approves it; or run without --upload: the result is a draft"
        raise OmopifyError(replace(first, hint=hint), *others)


def _state(part: Meaning, row: _Row | None) -> Reviewed:
    own = part.spec.review if isinstance(part.spec, MapFile) else None
    author = (own.author if own else "") or (row.author if row else "")
    if row is not None and row.status != "draft" and row.reviewer:
        status = cast(Status, row.status) if row.sha256 == part.sha256 else "changed"
        return Reviewed(part.part, part.file, status, author, row.reviewer, row.date, row.note, part.sha256, row.sha256)
    if row is None and own and own.status != "draft":
        return Reviewed(part.part, part.file, "reviewed", author, own.by, own.on, own.note, part.sha256)
    said = (row.reviewer, row.date, row.note) if row else ("", "", own.note if own else "")
    return Reviewed(part.part, part.file, "draft", author, *said, part.sha256)


def _gone(row: _Row, file: str) -> Reviewed:
    return Reviewed(row.part, file, "changed", row.author, row.reviewer, row.date, row.note, "", row.sha256)


def _named(parts: Sequence[str], states: Mapping[str, Reviewed], status: Given) -> list[str]:
    """Return the full names of parts; ``all`` are those for which it would say something new."""
    short = {name.removeprefix(MAP): name for name in states if name.startswith(MAP)}
    short |= {name.removeprefix(CONCEPTS): name for name in states if name.startswith(CONCEPTS)}
    problems = Problems()
    found = []
    for part in parts:
        if part == EVERYTHING and part not in short:
            found += [name for name, state in states.items() if state.status != status]
        elif part in states or part in short:
            found.append(part if part in states else short[part])
        else:
            hint = did_you_mean(part, [*states, *short]) or "'omopify review --all' lists the parts"
            problems.add("OM951", f"the mapping has no part '{part}'", None, hint)
    problems.stop_if_errors()
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class _Dialect:
    delimiter: str = ","
    newline: str = "\r\n"


def _read(path: Path) -> tuple[list[_Row], _Dialect]:
    """Return the lines of ``reviews.csv``, in their order, and how it is written; none if there is no file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return [], _Dialect()
    except OSError as error:
        raise _unread(path, f"the file cannot be read ({(error.strerror or 'unknown reason').lower()})") from None
    text = _decoded(content)
    try:
        found = parse(text)
    except BrokenRow as broken:
        raise _unread(path, str(broken), broken.line, QUOTES_HINT) from None
    names = {name.strip().casefold(): name for name in found.columns}
    missing = [name for name in ("part", "sha256", "status", "reviewer") if name not in names]
    if missing:
        raise _unread(path, f"it has no column '{missing[0]}'", 1, f"its first line should be: {','.join(COLUMNS)}")
    rows = []
    for line, record in found.rows:
        cells = {name: _cell(record.get(names.get(name, ""), "")) for name in COLUMNS}
        row = _Row(**cells | {word: cells[word].casefold() for word in ("sha256", "status")}, line=line)
        if not row.part:
            continue
        if row.status not in get_args(Given):
            hint = did_you_mean(row.status, get_args(Given)) or f"write {', '.join(get_args(Given))}"
            raise _unread(path, f"'{row.status}' is no status", line, hint)
        rows.append(row)
    return rows, _Dialect(found.delimiter, "\r\n" if "\r\n" in text else "\n")


def _decoded(content: bytes) -> str:
    """Return the text of a file as one of Excel's three kinds of CSV: 'CSV UTF-8', 'CSV' or 'Unicode text'."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _cell(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


def _write(path: Path, rows: Iterable[_Row], dialect: _Dialect) -> None:
    text = StringIO()
    writer = csv.writer(text, delimiter=dialect.delimiter, lineterminator=dialect.newline)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in astuple(row)[: len(COLUMNS)])
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(text.getvalue().encode("utf-8-sig"))  # Excel takes a file without the mark for Windows-1252
        new.replace(path)
    except OSError:
        hint = "close the program that has it open, and look for space and write rights in this folder"
        raise OmopifyError(Problem("OM957", "this file cannot be written", Location(shown(path)), hint)) from None
    finally:
        new.unlink(missing_ok=True)


def _order(part: str) -> tuple[bool, bool, str]:
    return part.startswith(CONCEPTS), part.startswith(MAP), part


def _unread(path: Path, message: str, line: int = 0, hint: str = "") -> OmopifyError:
    return OmopifyError(Problem("OM950", message, Location(shown(path), line, 1 if line else 0), hint))
