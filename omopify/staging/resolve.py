"""From what a trial declares to the files and worksheets that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from omopify.errors import Location, Problems, did_you_mean
from omopify.staging.inputs import Input
from omopify.staging.matching import FORMATS, Folder, file_format
from omopify.staging.model import ReadOptions, SourceRequest
from omopify.staging.table import BLANKS, Note, Unreadable

_MOST = 0.8
"""The share of a source's columns that a file must have to be taken for it under another name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file, or one worksheet of it, that a source is made of."""

    input: Input
    sheet: str | None


def report(problems: Problems, input: Input, notes: tuple[Note, ...], *, harmless: bool = False) -> None:
    """Add the notes on a file to the problems; *harmless* makes warnings of errors."""
    for note in notes:
        severity = "warning" if harmless else note.severity
        problems.add(note.code, note.message, Location(input.name), note.hint, severity)


class Resolver:
    """Finds the files of sources.

    Args:
        folder: the data folder.
        requests: all sources, for a file that none of them takes may be the one that another lacks.
        problems: where problems go.
        sheets: returns the worksheets of a workbook and may raise ``Unreadable``.
    """

    def __init__(
        self,
        folder: Path,
        requests: Iterable[SourceRequest],
        problems: Problems,
        sheets: Callable[[Input], tuple[str, ...]],
    ):
        self._folder = Folder(folder)
        self._patterns = tuple(pattern for request in requests for pattern in request.patterns)
        self._problems = problems
        self._sheets = sheets
        self._inputs: dict[tuple[str, str], Input] = {}

    def wanted(self, request: SourceRequest) -> list[Wanted]:
        """Return the files of a source; none if it is optional and absent, or if there is a problem."""
        if not self._sound(request):
            return []
        names = self._folder.match(request.patterns)
        if not names:
            self._no_file(request)
            return []
        inputs = [self._input(request, name) for name in names]
        found = [input for input in inputs if input is not None]
        if len(found) < len(inputs):
            return []
        try:
            return self._chosen(request, found)
        except OSError as error:
            self._problems.add("OM408", f"the data folder cannot be read: {error.strerror}", request.at)
            return []

    def _chosen(self, request: SourceRequest, found: list[Input]) -> list[Wanted]:
        wanted = []
        without: list[Input] = []
        failed = False
        for input in found:
            if input.kind != "xlsx":
                wanted.append(Wanted(input, None))
                continue
            try:
                sheets = self._sheets(input)
            except Unreadable as trouble:
                report(self._problems, input, trouble.notes)
                failed = True
                continue
            sheet = self._sheet(request, input, sheets)
            if sheet is None and request.sheet is None:
                failed = True
            elif sheet is None:
                without.append(input)
            else:
                wanted.append(Wanted(input, sheet))
        if failed:
            return []
        # A workbook of something else may lie beside the export; it only matters if nothing else has the form.
        if without and not request.optional and (request.several or not wanted):
            for input in without:
                self._no_sheet(request, input)
            return []
        if len(wanted) > 1 and not request.several:
            files = ", ".join(f"'{w.input.name}'" for w in wanted)
            self._problems.add(
                "OM403",
                f"source '{request.name}' fits {len(wanted)} files: {files}",
                request.at,
                "remove all but one, narrow the pattern, or declare that several files are stacked",
            )
            return []
        return wanted

    def _sheet(self, request: SourceRequest, input: Input, sheets: tuple[str, ...]) -> str | None:
        if request.sheet is None:
            if len(sheets) == 1:
                return sheets[0]
            self._problems.add(
                "OM405",
                f"source '{request.name}' does not say which worksheet it wants; there are {_listed(sheets)}",
                Location(input.name),
                "set 'sheet' of this source",
            )
            return None
        if request.sheet in sheets:
            return request.sheet
        key = request.sheet.strip(BLANKS).casefold()
        return next((sheet for sheet in sheets if sheet.strip(BLANKS).casefold() == key), None)

    def _no_sheet(self, request: SourceRequest, input: Input) -> None:
        sheets = self._sheets(input)
        self._problems.add(
            "OM404",
            f"worksheet '{request.sheet}' of source '{request.name}' is not in the workbook; "
            f"there are {_listed(sheets)}",
            Location(input.name),
            did_you_mean(request.sheet or "", sheets) or "correct 'sheet', or mark the source as optional",
        )

    def _no_file(self, request: SourceRequest) -> None:
        if request.optional:
            return
        patterns = ", ".join(f"'{pattern}'" for pattern in request.patterns)
        left = [name for name in self._folder.names if name not in self._folder.match(self._patterns)]
        near = (did_you_mean(pattern.replace("*", ""), left) for pattern in request.patterns)
        self._problems.add(
            "OM402",
            f"source '{request.name}': no file of the data folder fits {patterns}",
            request.at,
            self._renamed(request, left)
            or next(filter(None, near), "")
            or "add the file, correct the pattern, or mark the source as optional",
        )

    def _renamed(self, request: SourceRequest, left: list[str]) -> str:
        """Return what to write if a file that no source takes has most of the columns that are looked for."""
        wanted = {name.strip(BLANKS).casefold() for name in request.columns}
        for name in left if wanted else ():
            kind = file_format(name, request.options.format)
            if kind in (None, "xlsx"):
                continue
            try:
                head = Input(self._folder.root / name, name, kind).head(None, request.options)
            except (Unreadable, OSError):
                continue
            there = {column.strip(BLANKS).casefold() for column in head.names}
            if len(wanted & there) >= _MOST * len(wanted):
                return (
                    f"'{name}' has its columns: if the form was renamed, write into omopify.yaml: "
                    f'sources: {{{request.name}: {{file: "{name}"}}}}'
                )
        return ""

    def _input(self, request: SourceRequest, name: str) -> Input | None:
        kind = file_format(name, request.options.format)
        if kind is None:
            self._problems.add(
                "OM406",
                f"source '{request.name}' fits a file whose format is unknown",
                Location(name),
                f"narrow the pattern, or set 'format' to one of {', '.join(FORMATS)}",
            )
            return None
        if (name, kind) not in self._inputs:
            self._inputs[name, kind] = Input(self._folder.root / name, name, kind)
        return self._inputs[name, kind]

    def _sound(self, request: SourceRequest) -> bool:
        faults = _faults(request.options)
        for message, hint in faults:
            self._problems.add("OM424", f"source '{request.name}': {message}", request.at, hint)
        return not faults


def _faults(options: ReadOptions) -> list[tuple[str, str]]:
    faults = []
    if options.format is not None and options.format.lower() not in FORMATS:
        faults.append((f"format '{options.format}' is unknown", f"use one of {', '.join(FORMATS)}"))
    if options.header_row < 1 or (options.label_row is not None and options.label_row < 1):
        faults.append(("rows are counted from 1", "correct header_row or label_row"))
    if options.label_row == options.header_row:
        faults.append(("header_row and label_row are the same row", "leave label_row out if there is none"))
    mark = options.delimiter
    if mark is not None and (len(mark) != 1 or not mark.isascii() or mark.isalnum() or mark in '"\r\n\0'):
        faults.append((f"delimiter {mark!r} is not one character", 'use one of , ; | or "\\t"'))
    if options.encoding is not None:
        try:
            b"".decode(options.encoding)
            "".encode(options.encoding)
        except (LookupError, ValueError):
            faults.append((f"encoding '{options.encoding}' is unknown", "use utf-8, cp1252 or utf-16"))
    return faults


def _listed(sheets: tuple[str, ...]) -> str:
    names = ", ".join(f"'{sheet}'" for sheet in sheets[:30])
    return names + (f" and {len(sheets) - 30} more" if len(sheets) > 30 else "") if sheets else "none"
