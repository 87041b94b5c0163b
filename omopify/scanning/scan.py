"""Goes through an export, form by form and column by column, so that no more than a part of it is in memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from omopify import __version__
from omopify.errors import Location, OmopifyError, Problems
from omopify.progress import Progress, silent
from omopify.scanning.agreeing import agree
from omopify.scanning.discovering import Discovery, Found, ScanOptions, scratch
from omopify.scanning.hiding import Hiding
from omopify.scanning.linking import Handles, handles, links
from omopify.scanning.model import SCHEMA_VERSION, Anomaly, Column, Form, Scan
from omopify.scanning.persons import may_be_subject, subject_column
from omopify.scanning.profile import Facts, Setting, profile
from omopify.scanning.relating import keys, pairs, slots, versions
from omopify.staging.table import BLANKS, Note, Unreadable
from omopify.staging.whole import Whole, read_whole

_CELLS = 6_000_000
"""How many cells are in memory at a time, of a table that is read in blocks."""

_TOTALS = r"(?i)^\W*(?:grand |sub)?(?:totals?|sum|summe|sums?|count|gesamt|totalt|i alt|antall|n)\W*[:=]?\W*[0-9]*$"

_SAID = {
    "OM412": ("encoding", "the text is not UTF-8; it was read as Windows-1252"),
    "OM433": ("odd character", "control characters were left out"),
    "OM434": ("spreadsheet error", "cells hold an Excel error such as #N/A; they count as empty"),
    "OM435": ("leading zeros", "numbers have zeros in front only on Excel's screen, not in the file"),
    "OM437": ("formula", "formulas have no stored result; they count as empty"),
}


def scan_export(folder: Path, options: ScanOptions, problems: Problems, progress: Progress = silent) -> Scan:
    """Look through an export that nobody has described.

    Args:
        folder: the data folder; folders in it are gone through too.
        options: how to scan.
        problems: gets a warning for every file that should be a table and is not read.
        progress: is told what is being done.

    Raises:
        OmopifyError: if there is no such folder, or nothing in it that can be read.
    """
    if not folder.is_dir():
        hint = "it is a file: name the folder it is in" if folder.is_file() else "correct the path of the folder"
        problems.add("OM900", "there is no folder of data here", Location(str(folder)), hint)
    problems.stop_if_errors()
    discovery = Discovery(folder, options, problems)
    progress("looking for tables")
    found = discovery.forms()
    names = Counter(name.casefold() for form in found for name in set(form.columns))
    forms: list[Form] = []
    kept: list[Handles] = []
    with scratch(None) as place:
        for number, form in enumerate(found, 1):
            progress(f"{form.name} ({number} of {len(found)})", number - 1, len(found))
            reader = _Reader(form, options, names, discovery)
            told = reader.form(Path(place), progress)
            if told is not None:
                forms.append(told)
                kept.append(reader.handles)
    if not forms:
        problems.add(
            "OM901",
            "no file of the folder can be read as a table",
            Location(str(folder)),
            "name the folder that holds the export's files: csv, tsv, xlsx, xpt, sas7bdat or parquet",
        )
        # the warnings say why it is so
        raise OmopifyError(*problems.found)
    hiding = Hiding(options.small_cell)
    if any(form.subject for form in forms):
        alone = Anomaly("no subject", 0, "no column tells subjects apart, as in other forms")
        forms = [form if form.subject else replace(form, anomalies=(*form.anomalies, alone)) for form in forms]
    return Scan(
        SCHEMA_VERSION,
        __version__,
        _called(folder.resolve()),
        options.small_cell,
        tuple(forms),
        links(kept, hiding),
        tuple(discovery.anomalies),
    )


_ANY_FOLDER = re.compile(r"(?i)(raw|source)?[-_ ]?(data|exports?|csv|xlsx|xpt|sas|files|input|raw|delivery)")


def _called(folder: Path) -> str:
    """Return what a folder is called, with its parent where the name alone tells nothing (heron/data)."""
    return f"{folder.parent.name}/{folder.name}".lstrip("/") if _ANY_FOLDER.fullmatch(folder.name) else folder.name


class _Reader:
    """Scans one table.

    Args:
        found: the table.
        options: of the scan.
        names: in how many tables of the export each column name occurs, in small letters.
        discovery: is told if the table turns out not to be readable.
    """

    def __init__(self, found: Found, options: ScanOptions, names: Counter[str], discovery: Discovery):
        self._found = found
        self._options = options
        self._names = names
        self._discovery = discovery
        self.handles = Handles(found.name, "")

    def form(self, place: Path, progress: Progress) -> Form | None:
        """Return what the table holds; None, with a problem, if it cannot be read."""
        found = self._found
        try:
            whole = read_whole(found.input, found.sheet, found.options, place)
        except Unreadable as trouble:
            self._discovery.refuse(found.input.name, trouble.notes, found.sheet)
            return None
        except OSError as error:
            note = Note("OM408", f"the file cannot be read: {error.strerror or type(error).__name__}")
            self._discovery.refuse(found.input.name, [note], found.sheet)
            return None
        try:
            return self._told(whole, progress)
        finally:
            found.input.release()
            for piece in place.iterdir():
                piece.unlink()

    def _told(self, whole: Whole, progress: Progress) -> Form | None:
        found, head = self._found, whole.head
        names, doubled = _unique(head.names)
        subject = self._subject(names, head.labels, whole)
        hiding = self._hiding(whole, names, subject)
        setting = Setting(hiding, subject, self._options.today or date.today(), found.options.missing)
        columns: list[Column] = []
        facts: list[Facts] = []
        rows = _Rows(whole.rows)
        for batch in _batches(len(names), whole.rows):
            frame = whole.take(batch)
            rows.add(frame)
            for position in batch:
                cells = frame.get_column(str(position))
                column, fact = profile(cells, position, names[position], head.labels[position], setting)
                if head.names[position] or fact.filled:
                    columns.append(column)
                    facts.append(fact)
            if whole.rows * len(names) > _CELLS:
                done = batch[-1] + 1
                progress(f"{found.name}: {done} of {len(names)} columns of {whole.rows:,} rows", done, len(names))
        if found.options.header_row and not self._declared() and _is_data_row(facts):
            self._discovery.no_header(found.input.name, found.sheet)
            return None
        columns = self._related(columns, facts, whole, hiding)
        shared = {name for name, forms in self._names.items() if forms > 1}
        self.handles = handles(found.name, subject, facts, whole.rows, shared, whole.take)
        subjects = next((fact.distinct for fact in facts if fact.name == subject), 0)
        kind = found.input.kind
        return Form(
            name=found.name,
            file=found.input.name,
            sheet=found.sheet,
            format=kind,
            delimiter=whole.delimiter,
            encoding=whole.encoding,
            header_row=found.options.header_row if kind in ("csv", "tsv", "xlsx") else 0,
            label_row=found.options.label_row if kind in ("csv", "tsv", "xlsx") else None,
            rows=hiding.count(whole.rows),
            bytes=found.input.size,
            sha256=found.input.sha256,
            subject=subject,
            subjects=hiding.count(subjects),
            columns=tuple(columns),
            keys=keys(facts, subject, whole.rows, whole.take, hiding),
            anomalies=_form_dirt(whole, rows, doubled, names, hiding),
        )

    def _declared(self) -> bool:
        return any(request.name == self._found.name for request in self._options.sources)

    def _related(self, columns: Sequence[Column], facts: list[Facts], whole: Whole, hiding: Hiding) -> list[Column]:
        later, alike = versions(columns), slots(columns)
        known = [replace(c, version_of=later.get(c.name, ""), slot=alike.get(c.name)) for c in columns]
        return agree(pairs(known, facts, whole.take, hiding), hiding.small)

    def _subject(self, names: Sequence[str], labels: Sequence[str], whole: Whole) -> str:
        """Return the column of subjects: by its name, else the first that nearly all forms have."""
        by_name = subject_column(names, labels)
        if by_name or not whole.rows:
            return by_name
        forms = max(self._names.values(), default=1)
        for name in names:
            if forms > 2 and self._names[name.casefold()] >= 0.9 * forms and not _NO_SUBJECT.search(name.casefold()):
                return name
        for place, name in enumerate(names):
            if may_be_subject(name) and whole.take([place]).to_series().n_unique() >= 5:
                return name
        return ""

    def _hiding(self, whole: Whole, names: Sequence[str], subject: str) -> Hiding:
        small = self._options.small_cell
        if not subject or not whole.rows:
            return Hiding(small)
        place = names.index(subject)
        subjects = whole.take([place]).to_series().str.strip_chars(BLANKS)
        subjects = subjects.set(subjects == "", None)
        counts = subjects.drop_nulls().value_counts(name="rows").get_column("rows")
        return Hiding(small, subjects, int(str(counts.max() or 1)))


_NO_SUBJECT = re.compile(r"dat|visit|event|site|stud|form|time|seq|country|status|version|sex|gender|age\b")


@dataclass(slots=True)
class _Rows:
    """Tells rows apart without keeping them: a number for each that all its cells go into."""

    count: int
    hashes: pl.Series | None = None

    def add(self, frame: pl.DataFrame) -> None:
        """Take in further columns of all rows."""
        mixed = frame.hash_rows(seed=1)
        self.hashes = mixed if self.hashes is None else self.hashes * 11400714819323198485 + mixed

    @property
    def doubled(self) -> int:
        """Rows that stand there already, in all columns."""
        return self.count - self.hashes.n_unique() if self.hashes is not None and self.count else 0


def _batches(columns: int, rows: int) -> list[list[int]]:
    size = max(1, _CELLS // max(rows, 1))
    return [list(range(start, min(start + size, columns))) for start in range(0, columns, size)]


def _unique(names: Sequence[str]) -> tuple[list[str], int]:
    """Give every column a name of its own, and return how many had none or another's."""
    seen: set[str] = set()
    own = []
    for place, name in enumerate(names, 1):
        given = name or f"column {place}"
        given = f"{name} (column {place})" if given.casefold() in seen else given
        seen.add(given.casefold())
        own.append(given)
    return own, sum(1 for given, name in zip(own, names, strict=True) if name and given != name)


def _is_data_row(facts: Sequence[Facts]) -> bool:
    """Say whether so many columns are called as one of their own values that the header must be a row of data."""
    alike = sum(fact.named_like_a_value for fact in facts)
    return (alike >= 2 and alike >= 0.25 * len(facts)) or (alike == 1 and len(facts) <= 3)


def _form_dirt(whole: Whole, rows: _Rows, doubled: int, names: Sequence[str], hiding: Hiding) -> tuple[Anomaly, ...]:
    unnamed = sum(1 for name in whole.head.names if not name)
    found = [
        ("duplicate rows", rows.doubled, "rows stand there again, the same in all columns"),
        ("empty rows", whole.empty_rows, "rows hold nothing; they are not counted"),
        ("short rows", whole.short, "rows have fewer cells than the header; the missing ones count as empty"),
        ("total row", _totals(whole), "the last rows look like a total and not like data"),
    ]
    told = [Anomaly(code, hiding.count(count, whole.rows), text) for code, count, text in found if count]
    if doubled:
        told.append(Anomaly("header twice", 0, f"{doubled} columns have the name of another; they are told apart here"))
    if unnamed and any(name.startswith("column ") for name in names):
        told.append(Anomaly("no name", 0, f"{unnamed} columns have no name in the header"))
    if not whole.rows:
        told.append(Anomaly("no rows", 0, "there is a header, and nothing under it"))
    said = dict.fromkeys(_SAID[note.code] for note in whole.notes if note.code in _SAID)
    told += [Anomaly(code, 0, text) for code, text in said]
    return tuple(told)


def _totals(whole: Whole) -> int:
    """Count the last rows that look like totals: a word for it in the first filled cell, and most cells empty."""
    if whole.rows < 5:
        return 0
    tail = whole.tail(3)
    first = pl.coalesce(pl.when(pl.all().str.strip_chars(BLANKS) != "").then(pl.all()))
    filled = pl.sum_horizontal(pl.all().is_not_null() & (pl.all() != ""))
    marked = tail.select(
        first.str.contains(_TOTALS).fill_null(False) & (filled < tail.width) & (filled <= max(0.6 * tail.width, 2))
    )
    return int(marked.to_series().sum())
