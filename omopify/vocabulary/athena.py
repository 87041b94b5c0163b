"""Find the files of a vocabulary folder and check them before anything is loaded.

A vocabulary comes as Athena (https://athena.ohdsi.org) ships it: one tab-separated file a table, with a
header and no quoting.  Extracts that others made differ in the case of file names and headers, and
are sometimes compressed or called .tsv; these differences are accepted here, anything else is a problem.

Only plain Python is used, so that a project can be checked without a database.  ``AthenaFolder.files``
is what ``sql/vocabulary/load.sql.jinja`` loads.

Problems:

* OM601  the folder does not exist, or is a file
* OM602  a file that every vocabulary needs is missing
* OM603  a file's header lacks columns
* OM604  a file cannot be read
* OM605  a table is there twice
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from omopify.cdm import tables
from omopify.errors import Location, Problems
from omopify.resources import data

SHIPPED = ("starter", "demo_restricted")
"""The folders that ship with omopify (``vocab/``), by the names that a project file may use for them."""

REQUIRED = ("concept", "vocabulary", "concept_relationship")
"""Without these nothing can be looked up; the other files may be missing."""

TABLES = (
    *REQUIRED,
    "concept_ancestor",
    "concept_class",
    "concept_synonym",
    "domain",
    "drug_strength",
    "relationship",
)
"""The tables that Athena ships, in upper case as file names; anything else in the folder is left alone."""

_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_WHOLE_FILE = 50 * 1024 * 1024
_SAMPLE = 1024 * 1024
_DOWNLOAD = (
    "choose and download vocabularies at https://athena.ohdsi.org, unpack the zip file and give the folder "
    "that holds CONCEPT.csv"
)


@dataclass(frozen=True)
class AthenaFolder:
    """A vocabulary folder whose files are there and have the right columns.

    ``files`` has a path for every table found, by its lower case name.  ``release`` is the version of the
    vocabulary 'None', which is where Athena writes its release (``v5.0 30-AUG-24``) and what the CDM asks
    for in ``cdm_source.vocabulary_version``; it is empty for a folder without that row, such as
    ``demo_restricted``, which only adds to another one.  ``sha256`` is the hash of all files; of the
    tables in ``sampled`` only size, time and both ends went into it (see :func:`_fingerprint`).
    """

    path: Path
    files: Mapping[str, Path]
    release: str
    sha256: str
    sampled: tuple[str, ...]


def starter_path(name: str) -> Path | None:
    """Return the folder of a vocabulary that ships with omopify, or None if *name* is none of them."""
    return data("vocab", name) if name in SHIPPED else None


def find_athena(path: Path, problems: Problems, at: Location | None = None) -> AthenaFolder | None:
    """Return the vocabulary in the folder *path*, or note all that is wrong with it and return None.

    *at* is the place that names the folder in the user's project file.
    """
    # noted apart first: what others found, or an earlier look at this folder, says nothing about it now
    own = Problems()
    folder = _read_folder(path, own, at)
    problems.extend(own.found)
    return folder


def _read_folder(path: Path, problems: Problems, at: Location | None) -> AthenaFolder | None:
    files = _files(path, problems, at)
    for table in REQUIRED:
        if files is not None and table not in files:
            name = f"{table.upper()}.csv"
            problems.add("OM602", f"vocabulary folder '{path}' has no file {name}", at, _hint_missing(path))
    for table, file in (files or {}).items():
        _check_header(table, file, problems, at)
    if files is None or problems.errors:
        return None
    try:
        release = _release(files["vocabulary"])
        sha256, sampled = _fingerprint(files)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        problems.add("OM604", f"vocabulary folder '{path}' cannot be read: {error}", at)
        return None
    return AthenaFolder(path, files, release, sha256, sampled)


def _files(path: Path, problems: Problems, at: Location | None) -> dict[str, Path] | None:
    """Return the known files in *path* by table, or None if the folder cannot be used at all."""
    if path.is_file():
        problems.add("OM601", f"vocabulary '{path}' is a file, not a folder", at, _DOWNLOAD)
        return None
    if not path.is_dir():
        problems.add("OM601", f"there is no vocabulary folder '{path}'", at, _DOWNLOAD)
        return None
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        problems.add("OM604", f"vocabulary folder '{path}' cannot be read: {error.strerror}", at)
        return None
    files: dict[str, Path] = {}
    for file in entries:
        table = _table(file)
        if table is None:
            continue
        if table in files:
            both = f"'{files[table].name}' and '{file.name}'"
            hint = "keep the one that belongs to the release"
            problems.add("OM605", f"vocabulary folder '{path}' has table {table} twice: {both}", at, hint)
        files[table] = file
    return {table: files[table] for table in TABLES if table in files}


def _table(file: Path) -> str | None:
    """Return the table that a file holds by its name, or None for files of no concern (README, zip, ...)."""
    name = file.name.casefold()
    ending = next((e for e in _ENDINGS if name.endswith(e)), None)
    table = name.removesuffix(ending) if ending else ""
    return table if table in TABLES and file.is_file() else None


def _hint_missing(path: Path) -> str:
    """Say what to do about a missing file; a zip file is often unpacked one folder too deep."""
    for inner in sorted(path.iterdir()):
        if inner.is_dir() and any(_table(file) == "concept" for file in inner.glob("*")):
            return f"did you mean '{inner}'?"
    return _DOWNLOAD


def concept_names(folder: AthenaFolder, ids: Container[int]) -> dict[int, str] | None:
    """Return the names of some concepts, read without a database; None if the file is too large for a check."""
    file = folder.files["concept"]
    if file.stat().st_size > _WHOLE_FILE:
        return None
    names = {}
    with _open(file) as text:
        header = [name.casefold() for name in _cells(text.readline())]
        key, name = header.index("concept_id"), header.index("concept_name")
        for line in text:
            cells = _cells(line)
            if len(cells) > max(key, name) and cells[key].isdigit() and int(cells[key]) in ids:
                names[int(cells[key])] = cells[name]
    return names


def _check_header(table: str, file: Path, problems: Problems, at: Location | None) -> None:
    try:
        with _open(file) as text:
            header = _cells(text.readline())
    except (OSError, EOFError, UnicodeDecodeError) as error:
        problems.add("OM604", f"vocabulary file '{file}' cannot be read: {error}", at, "download it again")
        return
    known = {name.casefold() for name in header}
    missing = [field.name for field in tables()[table].fields if field.name not in known]
    if missing:
        hint = (
            "columns must be separated by tabs, as in a download from Athena"
            if len(header) == 1
            else "the first line must name the columns, as in a download from Athena"
        )
        problems.add("OM603", f"vocabulary file '{file}' lacks the columns {', '.join(missing)}", at, hint)


def _release(file: Path) -> str:
    with _open(file) as text:
        header = [name.casefold() for name in _cells(text.readline())]
        key, version = header.index("vocabulary_id"), header.index("vocabulary_version")
        for line in text:
            cells = _cells(line)
            if len(cells) > max(key, version) and cells[key] == "None":
                return cells[version].strip()
    return ""


def _fingerprint(files: Mapping[str, Path]) -> tuple[str, tuple[str, ...]]:
    """Return a hash over the files, and the tables of which only a sample went into it.

    A full download is 5 GB, and reading it twice would double the time of a run that has nothing to do.  So
    of a file above 50 MB the hash sees its size, the time of its last change, and its first and last
    megabyte: enough to notice another release, not a proof that nothing was edited in between.
    """
    whole = hashlib.sha256()
    sampled = []
    for table in sorted(files):
        file = files[table]
        stat = file.stat()
        one = hashlib.sha256()
        with file.open("rb") as content:
            if stat.st_size > _WHOLE_FILE:
                sampled.append(table)
                one.update(f"{stat.st_size} {stat.st_mtime_ns} ".encode())
                one.update(content.read(_SAMPLE))
                content.seek(-_SAMPLE, 2)
            while chunk := content.read(_SAMPLE):
                one.update(chunk)
        whole.update(f"{table} {one.hexdigest()}\n".encode())
    return whole.hexdigest(), tuple(sampled)


@contextmanager
def _open(file: Path) -> Iterator[TextIO]:
    """Open a file as UTF-8 text, unpacking .gz; a byte order mark, which some tools add, is skipped."""
    if file.name.casefold().endswith(".gz"):
        with gzip.open(file, "rt", encoding="utf-8-sig", newline="\n") as text:
            yield text
    else:
        with file.open(encoding="utf-8-sig", newline="\n") as text:
            yield text


def _cells(line: str) -> list[str]:
    """Split a line of a vocabulary file; a quote in it is data."""
    return [cell.strip() for cell in line.rstrip("\r\n").split("\t")]
