"""What a data folder holds: every file becomes forms, or is named with the reason why it does not."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath

from omopify.errors import Location, Problems
from omopify.scanning.layout import LOOKED_AT, glued, is_prose, layout
from omopify.scanning.model import Anomaly
from omopify.staging import ReadOptions, SourceRequest
from omopify.staging.inputs import Input
from omopify.staging.matching import Folder, file_format
from omopify.staging.table import Note, Unreadable
from omopify.staging.whole import first_rows

DEFAULT_SMALL_CELL = 5
_TEXT = "it is a text and no table"


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How to scan.

    ``small_cell`` is the least number of rows, and of subjects, that may be told of.  ``sources`` are what a project
    says of its files; others are looked at without help.  ``leave`` are folders below the data that are none (results).
    Days after ``today`` are in the future.
    """

    small_cell: int = DEFAULT_SMALL_CELL
    sources: tuple[SourceRequest, ...] = ()
    leave: tuple[Path, ...] = ()
    today: date | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or a worksheet of one, that is a table."""

    name: str
    input: Input
    sheet: str | None
    options: ReadOptions
    columns: tuple[str, ...]


class Discovery:
    """Goes through a data folder, file by file.

    Args:
        folder: the data folder.
        options: of the scan.
        problems: gets a warning for each file that should be a table and cannot be read.
    """

    def __init__(self, folder: Path, options: ScanOptions, problems: Problems):
        self._folder = folder
        self._options = options
        self._problems = problems
        self._glued: dict[tuple[str, str], list[str | None]] = {}
        self.anomalies: list[Anomaly] = []

    def forms(self) -> list[Found]:
        """Return the tables in the order of the files' names; note the files that hold none."""
        listing = Folder(self._folder)
        left = [Path(os.path.realpath(path)) for path in self._options.leave]
        names = [name for name in listing.deep if not self._is_left(name, left)]
        declared = self._declared(listing)
        found: list[Found] = []
        for name in names:
            found += self._of_file(name, declared.get(name, []))
        self._cells_in_one()
        return _named(found)

    def refuse(self, name: str, notes: Sequence[Note], sheet: str | None = None) -> None:
        """Note that a file cannot be read, and why."""
        for note in notes:
            self._problems.add(note.code, note.message, Location(name), note.hint, "warning")
        reason = "; ".join(note.message for note in notes if note.severity == "error") or "it cannot be read"
        self.leave_out("not read", name, sheet, reason)

    def leave_out(self, code: str, name: str, sheet: str | None, reason: str) -> None:
        """Note that a file is no form, and why."""
        place = f"{name} [{sheet}]" if sheet else name
        self.anomalies.append(Anomaly(code, 0, f"{place}: {reason}"))

    def _is_left(self, name: str, left: Sequence[Path]) -> bool:
        # Path.resolve() raises where links go round in a circle
        path = Path(os.path.realpath(self._folder / name))
        return any(part.startswith(".") for part in PurePosixPath(name).parts) or any(
            path.is_relative_to(folder) for folder in left
        )

    def _declared(self, listing: Folder) -> dict[str, list[SourceRequest]]:
        declared: dict[str, list[SourceRequest]] = {}
        for request in self._options.sources:
            for name in listing.match(request.patterns):
                declared.setdefault(name, []).append(request)
        return declared

    def _of_file(self, name: str, requests: Sequence[SourceRequest]) -> Iterator[Found]:
        kind = next((r.options.format for r in requests if r.options.format), None) or file_format(name, None)
        if kind is None:
            self.leave_out("other file", name, None, "its format is none that holds a table")
            return
        input = Input(self._folder / name, name, kind.lower())
        try:
            sheets: tuple[str | None, ...] = input.book().sheets if input.kind == "xlsx" else (None,)
            if not sheets:
                raise Unreadable(Note("OM410", "the workbook has no worksheet", "check the file"))
        except Unreadable as trouble:
            self.refuse(name, trouble.notes)
            return
        for sheet in sheets:
            request = next((r for r in requests if _is_sheet(r.sheet, sheet, len(sheets))), None)
            found = self._of_sheet(input, sheet, request, alone=len(sheets) == 1)
            if found is not None:
                yield found
        input.release()

    def _of_sheet(self, input: Input, sheet: str | None, request: SourceRequest | None, *, alone: bool) -> Found | None:
        name = request.name if request else (sheet if sheet and not alone else "")
        try:
            options = request.options if request else self._laid_out(input, sheet)
            if options is None:
                return None
            return Found(name, input, sheet, options, tuple(input.head(sheet, options).names))
        except Unreadable as trouble:
            if request is None and _is_txt(input.name):
                self.leave_out("other file", input.name, sheet, _TEXT)
            else:
                self.refuse(input.name, trouble.notes, sheet)
        except OSError as error:
            self.refuse(input.name, [Note("OM408", f"the file cannot be read: {error.strerror}")], sheet)
        return None

    def _laid_out(self, input: Input, sheet: str | None) -> ReadOptions | None:
        rows = first_rows(input, sheet, ReadOptions(), LOOKED_AT)
        if rows is None:
            return ReadOptions(format=input.kind)
        if not any(any(row) for row in rows):
            self.leave_out("not read", input.name, sheet, "it is empty")
            return None
        txt = _is_txt(input.name)
        sign = "" if txt else glued(rows)
        if sign:
            self._glued.setdefault((input.name, sign), []).append(sheet)
            return None
        placed = layout(rows)
        if is_prose(rows, txt=txt) or (placed is None and txt):
            self.leave_out("other file", input.name, sheet, _TEXT)
            return None
        if placed is None:
            self.no_header(input.name, sheet)
            return None
        return ReadOptions(input.kind, header_row=placed.header_row, label_row=placed.label_row)

    def _cells_in_one(self) -> None:
        for (name, sign), sheets in self._glued.items():
            found = f"several cells stand together in one, with {sign} between them"
            where = _sheets([sheet for sheet in sheets if sheet])
            hint = "give omopify the file that it was made of"
            if where:
                hint += f", a CSV; or open that in Excel again (Data, From Text/CSV) with {sign} as the separator"
            left = "they are left out" if len(sheets) > 1 else "it is left out"
            self._problems.add("OM904", f"{where}{found}, so that {left}", Location(name), hint, "warning")
            self.anomalies.append(Anomaly("cells in one", 0, f"{name}: {where}{found}; not looked into"))

    def no_header(self, name: str, sheet: str | None) -> None:
        """Note a table without a row of names: it must not be looked into, for its cells would be shown as names."""
        place = f"worksheet '{sheet}': " if sheet else ""
        self._problems.add(
            "OM904",
            f"{place}no row of the file looks like a header, so that it is left out",
            Location(name),
            "write the columns' names into its first row, or name its 'header_row' in a project and scan that",
            "warning",
        )
        self.leave_out("no header", name, sheet, "no row looks like a header; it is not looked into")


def _is_txt(name: str) -> bool:
    return name.lower().endswith(".txt")


def _sheets(names: Sequence[str]) -> str:
    """Name worksheets, the first of many, as the beginning of a sentence."""
    if len(names) < 2:
        return "".join(f"worksheet '{name}': " for name in names)
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return f"worksheets {shown}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: "


def _is_sheet(wanted: str | None, sheet: str | None, count: int) -> bool:
    if sheet is None or wanted is None:
        return sheet is None or count == 1
    return wanted.strip().casefold() == sheet.strip().casefold()


def _named(found: Sequence[Found]) -> list[Found]:
    """Give each form a name of its own: that of its source or sheet, or what is its own in the name of its file."""
    stems = {f.input.name: PurePosixPath(f.input.name).stem for f in found}
    own = _without_common(sorted(set(stems.values())))
    given: set[str] = set()
    named = []
    for form in found:
        short = own[stems[form.input.name]]
        name = _word(form.name or short)
        if name in given:
            name = _word(f"{short}_{form.name}" if form.name else form.input.name)
        number = 2
        first = name
        while name in given:
            name, number = f"{first}_{number}", number + 1
        given.add(name)
        named.append(replace(form, name=name))
    return named


def _without_common(stems: Sequence[str]) -> dict[str, str]:
    """Return for each stem what is left without the words that all begin and end with."""
    words = {stem: re.split(r"[_\-. ]+", stem) for stem in stems}
    if len(stems) < 2:
        return {stem: stem for stem in stems}
    least = min(len(parts) for parts in words.values()) - 1
    start = 0
    while start < least and len({parts[start].casefold() for parts in words.values()}) == 1:
        start += 1
    end = 0
    while end < least - start and len({parts[-1 - end].casefold() for parts in words.values()}) == 1:
        end += 1
    return {stem: "_".join(parts[start : len(parts) - end]) for stem, parts in words.items()}


def _word(text: str) -> str:
    """Write a name as sources are called: small letters, digits and _."""
    letters = text.casefold().replace("æ", "ae").translate(str.maketrans("øåäöü", "oaaou"))
    name = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")
    return name if re.match(r"[a-z]", name) else f"form_{name}".rstrip("_")


def scratch(folder: Path | None) -> tempfile.TemporaryDirectory[str]:
    """Make a folder for the pieces of large files, which is removed in the end whatever happens."""
    return tempfile.TemporaryDirectory(prefix=".omopify-scan-", dir=folder, ignore_cleanup_errors=True)
