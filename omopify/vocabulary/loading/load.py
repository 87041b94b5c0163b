"""Load Athena downloads into one vocabulary file, which every project can read at the same time.

The file is a DuckDB database with the nine tables of the vocabulary as the CDM names them, and two tables
that say what was loaded.  It is built under another name and put in its place when it is whole: a download that
is broken, or a load that is stopped, never harms the vocabulary that is there.

Problems (those of finding and reading the files are in ``athena`` and ``rows``):

* OM615  a vocabulary file does not exist, or is something else
* OM616  a vocabulary file was made by a newer omopify
* OM617  an archive is damaged
* OM619  the rows that were loaded are not those of the file
* OM620  a file has no rows
* OM621  an id is there twice
* OM622  names are longer than the CDM allows
* OM623  concepts have no name
* OM624  relationships refer to concepts that are not there
* OM625  a file has more columns than the CDM knows
* OM629  the vocabulary file cannot be written
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from omopify import __version__
from omopify.cdm import Table, tables
from omopify.compiler.plan import Statement
from omopify.compiler.render import render
from omopify.engines.duckdb import DATABASE_REFUSED, DuckDB
from omopify.errors import Location, OmopifyError, Problem, Problems
from omopify.progress import Progress, silent
from omopify.vocabulary.loading.ahead import Content, read_ahead
from omopify.vocabulary.loading.athena import TABLES, UNREADABLE, AthenaDownload, AthenaFile, find_athena
from omopify.vocabulary.loading.rows import date_form, note_faults

FORMAT = 1
"""The layout of a vocabulary file; a file of a higher number was made by a newer omopify."""

_KEYS = {
    "concept_relationship": ("concept_id_1", "concept_id_2", "relationship_id"),
    "concept_ancestor": ("ancestor_concept_id", "descendant_concept_id"),
    "drug_strength": ("drug_concept_id", "ingredient_concept_id"),
}
"""By what a row is known in tables for which the CDM names no primary key; all columns in others."""

_ORDER = {"concept": "concept_id"}
"""Sorted tables are looked up in faster.  Only where it is cheap: see benchmarks/vocabulary_load.py."""

_STALE = 24 * 3600


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """One file of a download: its rows, and those of them that no earlier download had."""

    download: str
    table: str
    file: str
    rows: int
    rows_kept: int
    sha256: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load has put into the vocabulary file ``path``."""

    path: Path
    release: str
    sha256: str
    files: tuple[LoadedFile, ...]


@dataclass(frozen=True, slots=True)
class VocabularyFile:
    """What a vocabulary file holds: ``vocabularies`` and ``tables`` give the concepts, the rows of each.

    ``loaded_at`` is a time in UTC (``2026-01-31T12:00:00Z``), ``made_by`` the version of the omopify that loaded it.
    """

    path: Path
    release: str
    sha256: str
    made_by: str
    loaded_at: str
    vocabularies: dict[str, int]
    tables: dict[str, int]


def load_vocabulary(
    paths: Sequence[Path],
    out: Path,
    problems: Problems,
    progress: Progress = silent,
    memory_limit: str | None = None,
    threads: int | None = None,
    at: Location | None = None,
) -> Loaded:
    """Build the vocabulary file *out* from one or several downloads (folders or zip archives).

    A row that an earlier download has (by its key) is not taken again from a later one.  *at* is the place
    that names the downloads in the user's project file.  Warnings and errors are noted in *problems*.

    Raises:
        OmopifyError: with all errors; *out* is as it was before.
    """
    own = Problems()
    _check_out(out, own)
    downloads = [download for path in paths if (download := find_athena(path, own, at))]
    try:
        own.stop_if_errors()
        _sweep(out)
        with _scratch(out) as scratch:
            build = scratch / out.name
            readable = [scratch, *(download.path for download in downloads if download.path.is_dir())]
            with DuckDB(build, (), readable, scratch, memory_limit, threads, keep_order=False) as db:
                loaded = _Job(db, scratch, own, progress).load(downloads, out)
            _replace(build, out)
    except OmopifyError as error:
        own.extend(error.problems)
        raise
    finally:
        problems.extend(own.found)
    return loaded


def read_load(path: Path, problems: Problems, at: Location | None = None) -> VocabularyFile | None:
    """Return what the vocabulary file *path* holds, or note why it is none and return None."""
    if not path.is_file():
        hint = "make it from an Athena download: omopify vocab load DOWNLOAD --out FILE"
        problems.add("OM615", f"there is no vocabulary file '{path}'", at, hint)
        return None
    made = _record(path)
    if made and made[0] > FORMAT:
        message = f"vocabulary file '{path}' was made by omopify {made[1]}, which is newer than this ({__version__})"
        problems.add("OM616", message, at, "update omopify, or load the download again with this one")
        return None
    try:
        if made:
            _, made_by, loaded_at, release, sha256 = made
            with DuckDB(path, read_only=True) as db:
                vocabularies = dict(db.rows(render("vocabulary/info_vocabularies.sql")))
                rows = dict(db.rows(render("vocabulary/info_tables.sql.jinja", tables=TABLES)))
            return VocabularyFile(path, release, sha256, made_by, loaded_at, vocabularies, rows)
    except OmopifyError:
        pass
    message = f"'{path}' is no vocabulary file, or is damaged, or another program is writing it"
    problems.add("OM615", message, at, "make one from an Athena download: omopify vocab load DOWNLOAD --out FILE")
    return None


def _record(path: Path) -> tuple[int, str, str, str, str] | None:
    """Return what a vocabulary file says of itself; None if it is no such file."""
    try:
        with DuckDB(path, read_only=True) as db:
            rows = db.rows(render("vocabulary/info_load.sql"))
    except OmopifyError:
        return None
    return rows[0] if len(rows) == 1 else None


@dataclass(slots=True)
class _Job:
    """One load: what it works with, and what it has loaded so far."""

    db: DuckDB
    scratch: Path
    problems: Problems
    progress: Progress
    files: list[LoadedFile] = field(default_factory=list)
    doing: dict[str, str] = field(default_factory=lambda: {"loading": "", "unpacking": ""})
    bytes: tuple[float, float] = (0, 0)
    """How many of the downloads' bytes are loaded, and of how many."""

    def load(self, downloads: Sequence[AthenaDownload], out: Path) -> Loaded:
        known = [tables()[name] for name in TABLES]
        self.bytes = 0, sum(file.size for download in downloads for file in download.files.values())
        self.db.script(render("vocabulary/load_tables.sql.jinja", tables=known))
        hashes = []
        for number, download in enumerate(downloads):
            before = len(self.files)
            # a small file between large ones would leave no time to read ahead
            files = sorted(download.files.items(), key=lambda one: (one[0] != "concept", -one[1].size))
            with read_ahead([file for _, file in files], self.scratch, partial(self._say, "unpacking")) as contents:
                for (name, file), content in zip(files, contents, strict=True):
                    self._load_file(download, tables()[name], file, content, first=number == 0)
            self.files[before:] = sorted(self.files[before:], key=lambda one: TABLES.index(one.table))
            hashes.append(_hash(self.files[before:]))
        self.problems.stop_if_errors()
        self._say("loading", "checking what was loaded")
        self._check()
        self.problems.stop_if_errors()
        release = next((download.release for download in downloads if download.release), "")
        sha256 = hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()
        loaded = Loaded(out, release, sha256, tuple(self.files))
        self.db.script(render("vocabulary/load_record.sql.jinja", load=loaded, format=FORMAT, omopify=__version__))
        return loaded

    def _say(self, kind: str, text: str) -> None:
        self.doing[kind] = text
        self.progress("; ".join(filter(None, self.doing.values())), *self.bytes)

    def _load_file(
        self, download: AthenaDownload, table: Table, file: AthenaFile, coming: Future[Content], first: bool
    ) -> None:
        started, before = time.perf_counter(), self.bytes[0]
        try:
            content = coming.result()
            rows = self._insert(table, file, content, first)
            if not file.plain:
                content.path.unlink()
        except UNREADABLE as error:
            code = "OM617" if file.member else "OM604"
            message = f"vocabulary file '{file.shown}' is damaged: {error}"
            self.problems.add(code, message, None, "download it again")
            return
        self.bytes = before + file.size, self.bytes[1]
        if rows is not None:
            seconds = content.seconds + time.perf_counter() - started
            self.files.append(
                LoadedFile(download.path.name, table.name, file.name, content.rows, rows, content.sha256, seconds)
            )

    def _insert(self, table: Table, file: AthenaFile, content: Content, first: bool) -> int | None:
        """Load a file, and return the rows that were kept; None if it cannot be loaded."""
        before = len(self.problems.errors)
        path, names = content.path, file.columns()
        if not content.rows and table.name == "concept":
            hint = "a run of the CPT4 tool that failed empties it: unpack the download again"
            self.problems.add("OM620", f"vocabulary file '{file.shown}' has no rows", None, hint)
        dates = date_form(path, file.shown, names, table, self.problems)
        if len(self.problems.errors) > before:
            return None
        types = {field.name: field.type for field in table.fields}
        extra = [name for name in names if name not in types]
        if extra:
            message = f"vocabulary file '{file.shown}' has columns that the CDM does not know: {', '.join(extra)}"
            self.problems.add("OM625", message, None, "they are left out", severity="warning")
        columns = [(name or f" {n}", types.get(name, "varchar")) for n, name in enumerate(names)]
        keys = () if first else table.primary_key or _KEYS.get(table.name) or tuple(types)
        values = {"table": table, "path": path.as_posix(), "columns": columns, "dates": dates, "keys": keys}
        sql = render("vocabulary/load_file.sql.jinja", order=_ORDER.get(table.name), **values)

        before_it, total = self.bytes

        def say(percent: float) -> None:
            done = int(content.rows * percent / 100)
            self.bytes = before_it + file.size * percent / 100, total
            self._say("loading", f"loading {table.name}, {_spaced(done)} of {_spaced(content.rows)} rows")

        say(0)

        try:
            with self.db.watched(say):
                kept = self.db.run(Statement(f"vocabulary {table.name}", "load", sql))
                rows = kept if first else self.db.rows(render("vocabulary/load_count.sql.jinja", **values))[0][0]
        except OmopifyError as error:
            if error.problems[0].code != DATABASE_REFUSED:
                raise
            kept = rows = -1
        # The database does not mind an empty cell too many, which is what a tab in a name makes of some rows.
        if rows != content.rows or content.tabs != (content.rows + 1) * (len(names) - 1):
            note_faults(path, file.shown, names, table, dates, self.problems)
            if rows >= 0 and rows != content.rows:
                message = f"of the {content.rows:,} rows of vocabulary file '{file.shown}' {rows:,} were loaded"
                self.problems.add("OM619", message, None, "download it again")
            elif len(self.problems.errors) == before:
                self.problems.add("OM606", f"vocabulary file '{file.shown}' is not laid out as Athena does")
            return None
        return kept

    def _check(self) -> None:
        known = [tables()[name] for name in TABLES]
        for finding, where, number, example in self.db.rows(render("vocabulary/load_checks.sql.jinja", tables=known)):
            if number:
                code, message, hint, severity = _FINDINGS[finding]
                if finding == "no name" and where == "CPT4":
                    hint = "their names are not in the download: run the cpt4 tool that is in it, and load again"
                words = {"where": where, "number": f"{number:,}", "example": example}
                self.problems.add(code, message.format(**words), None, hint, severity)


_FINDINGS = {
    "twice": ("OM621", "{number} ids are there twice in {where}, such as {example}", "download it again", "error"),
    "long": (
        "OM622",
        "{number} names in {where} are longer than the CDM allows, up to {example} letters",
        "they are kept as they are; other tools may cut them off",
        "warning",
    ),
    "no name": ("OM623", "{number} concepts of {where} have no name, such as {example}", "", "warning"),
    "unknown concept": (
        "OM624",
        "{number} rows of {where} lead to concepts that are not in the vocabulary, such as {example}",
        "a part of the download may be missing: compare the number of concepts with Athena's mail",
        "warning",
    ),
}


def _hash(files: Sequence[LoadedFile]) -> str:
    lines = sorted(f"{file.table} {file.sha256}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _check_out(out: Path, problems: Problems) -> None:
    if not out.parent.is_dir():
        problems.add("OM629", f"there is no folder '{out.parent}' for the vocabulary file", None, "make it first")
    elif out.exists() and _record(out) is None:
        hint = "give another name with --out, or delete it"
        message = f"'{out}' is there already and is no vocabulary file, or another program is writing it"
        problems.add("OM629", message, None, hint)


def _sweep(out: Path) -> None:
    """Delete what loads left that were stopped hard, more than a day ago."""
    for folder in out.parent.iterdir():
        if folder.name.startswith(f".{out.name}."):
            with suppress(OSError):  # another load may just be cleaning up
                if time.time() - folder.stat().st_mtime > _STALE:
                    shutil.rmtree(folder)


@contextmanager
def _scratch(out: Path) -> Iterator[Path]:
    try:
        folder = TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise _unwritten(out.parent, error) from error
    with folder as name:
        yield Path(name)


def _replace(build: Path, out: Path) -> None:
    try:
        build.replace(out)
    except OSError as error:
        hint = "end the programs that have the old one open (a run, DBeaver, R), and load again"
        why = error.strerror or error
        raise OmopifyError(
            Problem("OM629", f"vocabulary file '{out}' cannot be replaced: {why}", None, hint)
        ) from error


def _unwritten(folder: Path, error: OSError) -> OmopifyError:
    hint = "look for space on the disk and for the right to write there"
    message = f"the vocabulary cannot be built in '{folder}': {error.strerror or error}"
    return OmopifyError(Problem("OM629", message, None, hint))


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")
