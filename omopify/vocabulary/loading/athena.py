"""Find the files of a vocabulary download and check them before anything is loaded.

A vocabulary comes as Athena (https://athena.ohdsi.org) ships it: a zip archive with one tab-separated file a
table, with a header and no quoting.  Extracts that others made are folders, differ in the case of file names and
headers, and are sometimes compressed or called .tsv; these differences are accepted here, anything else is a problem.

Only plain Python is used, so that a project can be checked without a database.  ``load.py`` beside this module puts
``Athena.files`` into a database.

Problems:

* OM601  the folder or archive does not exist, or is something else
* OM602  a file that every vocabulary needs is missing
* OM603  a file's header lacks columns
* OM604  a file cannot be read
* OM605  a table is there twice
* OM617  the archive is damaged or packed in a way that cannot be undone
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TextIO, cast

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
_LONGEST_HEADER = 64 * 1024
_UNPACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_DOWNLOAD = (
    "choose and download vocabularies at https://athena.ohdsi.org, and give the zip file, or the folder with "
    "CONCEPT.csv that it unpacks to"
)

UNREADABLE = (OSError, EOFError, UnicodeDecodeError, NotImplementedError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged or forbidden file may raise."""


@dataclass(frozen=True, slots=True)
class AthenaFile:
    """One file of a download: a file of its own, or a member of the zip archive ``path``.

    ``size`` is in bytes as the file lies there (a member's: unpacked); ``crc`` is the check sum that the archive
    says its member has.
    """

    path: Path
    size: int
    member: str = ""
    crc: int = 0

    @property
    def name(self) -> str:
        """The name without folders, for people."""
        return _parts(self.member)[-1] if self.member else self.path.name

    @property
    def shown(self) -> str:
        """The path, for people; a member is shown as if its archive were a folder."""
        return str(self.path / self.member) if self.member else str(self.path)

    @property
    def plain(self) -> bool:
        """Whether the file can be read where it lies, without unpacking it."""
        return not self.member and not self.path.name.casefold().endswith(".gz")

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file for reading, unpacked; what that may raise is in ``UNREADABLE``."""
        if self.plain:
            with self.path.open("rb") as content:
                yield content
        elif self.member:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as packed:
                yield cast(BinaryIO, packed)
        else:
            with gzip.open(self.path) as packed:
                yield cast(BinaryIO, packed)

    @contextmanager
    def text(self) -> Iterator[TextIO]:
        """Open the file as UTF-8 text; a byte order mark, which some tools add, is skipped."""
        with self.open() as content, io.TextIOWrapper(content, encoding="utf-8-sig", newline="\n") as text:
            yield text

    def columns(self) -> list[str]:
        """Return the names in the first line, in lower case."""
        with self.open() as content:
            return [name.casefold() for name in _cells(content.readline(_LONGEST_HEADER).decode("utf-8-sig"))]


@dataclass(frozen=True, slots=True)
class AthenaDownload:
    """A vocabulary folder or archive whose files are there and have the right columns.

    ``files`` has every table found, by its lower case name.  ``release`` is the version of the
    vocabulary 'None', which is where Athena writes its release (``v5.0 30-AUG-24``) and what the CDM asks
    for in ``cdm_source.vocabulary_version``; it is empty for a folder without that row, such as
    ``demo_restricted``, which only adds to another one.  ``sha256`` is the hash of all files; of the
    tables in ``sampled`` only the size, the time and both ends went into it (see :func:`_fingerprint`).
    """

    path: Path
    files: Mapping[str, AthenaFile]
    release: str
    sha256: str
    sampled: tuple[str, ...]


def starter_path(name: str) -> Path | None:
    """Return the folder of a vocabulary that ships with omopify, or None if *name* is none of them."""
    return data("vocab", name) if name in SHIPPED else None


def download_path(name: str, folder: Path) -> Path:
    """Return the download that a project in *folder* calls *name*: one of its own, or one that ships with omopify."""
    own = folder / name
    return own if own.exists() else starter_path(name) or own


def find_athena(path: Path, problems: Problems, at: Location | None = None) -> AthenaDownload | None:
    """Return the vocabulary in the folder or zip archive *path*, or note all that is wrong and return None.

    *at* is the place that names it in the user's project file.
    """
    # noted apart first: what others found, or an earlier look at this folder, says nothing about it now
    own = Problems()
    download = _find(path, own, at)
    problems.extend(own.found)
    return download


def _find(path: Path, problems: Problems, at: Location | None) -> AthenaDownload | None:
    files = _files(path, problems, at)
    for table in REQUIRED:
        if files is not None and table not in files:
            name = f"{table.upper()}.csv"
            problems.add("OM602", f"vocabulary {_kind(path)} '{path}' has no file {name}", at, _hint_missing(path))
    for table, file in (files or {}).items():
        _check_header(table, file, problems, at)
    if files is None or problems.errors:
        return None
    try:
        release = _release(files["vocabulary"])
        sha256, sampled = _fingerprint(files)
    except UNREADABLE as error:
        code = "OM617" if path.is_file() else "OM604"
        message = f"vocabulary {_kind(path)} '{path}' cannot be read: {error}"
        problems.add(code, message, at, "download it again")
        return None
    return AthenaDownload(path, files, release, sha256, sampled)


def _kind(path: Path) -> str:
    return "archive" if path.is_file() else "folder"


def _files(path: Path, problems: Problems, at: Location | None) -> dict[str, AthenaFile] | None:
    """Return the known files in *path* by table, or None if it cannot be used at all."""
    if path.is_dir():
        entries = _entries(path, problems, at)
    elif not path.exists():
        problems.add("OM601", f"there is no vocabulary folder or archive '{path}'", at, _DOWNLOAD)
        return None
    elif path.suffix.casefold() == ".zip" or (path.is_file() and zipfile.is_zipfile(path)):  # a device never ends
        entries = _members(path, problems, at)
    else:
        hint = f"give its folder, '{path.parent}'" if _table(path.name) else _DOWNLOAD
        if path.suffix.casefold() == ".duckdb":
            hint = "a file that was loaded already is named in omopify.yaml as it is; to load again, give its download"
        problems.add("OM601", f"vocabulary '{path}' is neither a folder nor a zip archive", at, hint)
        return None
    if entries is None:
        return None
    files: dict[str, AthenaFile] = {}
    for file in entries:
        table = _table(file.name)
        if table in files:
            both = f"'{files[table].member or files[table].name}' and '{file.member or file.name}'"
            hint = "keep the one that belongs to the release"
            problems.add("OM605", f"vocabulary {_kind(path)} '{path}' has table {table} twice: {both}", at, hint)
        if table:
            files[table] = file
    return {table: files[table] for table in TABLES if table in files}


def _entries(path: Path, problems: Problems, at: Location | None) -> list[AthenaFile] | None:
    try:
        return [AthenaFile(file, file.stat().st_size) for file in sorted(path.iterdir()) if file.is_file()]
    except OSError as error:
        problems.add("OM604", f"vocabulary folder '{path}' cannot be read: {error.strerror}", at)
        return None


def _members(path: Path, problems: Problems, at: Location | None) -> list[AthenaFile] | None:
    """Return the files of a zip archive, in whatever folder they are; what macOS adds to archives is left out."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if info.filename and not info.is_dir()]
    except OSError as error:
        problems.add("OM604", f"vocabulary archive '{path}' cannot be read: {error.strerror or error}", at)
        return None
    except UNREADABLE:
        message = f"vocabulary archive '{path}' is no zip file, or only a part of one"
        problems.add("OM617", message, at, "download it again, and wait until the download has ended")
        return None
    files = []
    for info in infos:
        parts = _parts(info.filename)
        if not _table(parts[-1]) or parts[0] == "__MACOSX":
            continue
        files.append(AthenaFile(path, info.file_size, info.filename, info.CRC))
        if info.flag_bits & 1 or info.compress_type not in _UNPACKED:
            why = "is locked with a password" if info.flag_bits & 1 else "is packed in a way that omopify does not know"
            hint = "unpack it with the program that made it, and give the folder"
            problems.add("OM617", f"'{info.filename}' in the vocabulary archive '{path}' {why}", at, hint)
    return None if problems.errors else files


def _parts(member: str) -> tuple[str, ...]:
    """Return the folders and the name of a member; some programs on Windows write backslashes between them."""
    return PurePosixPath(member.replace("\\", "/")).parts


def _table(name: str) -> str:
    """Return the table that a file holds by its name, or nothing for files of no concern (readme, jar, ...)."""
    name = name.casefold()
    ending = next((e for e in _ENDINGS if name.endswith(e)), None)
    table = name.removesuffix(ending) if ending else ""
    return table if table in TABLES else ""


def _hint_missing(path: Path) -> str:
    """Say what to do about a missing file; a zip file is often unpacked one folder too deep, or not yet."""
    inner = sorted(path.iterdir()) if path.is_dir() else []
    for entry in inner:
        if entry.is_dir() and any(_table(file.name) == "concept" for file in entry.glob("*")):
            return f"did you mean '{entry}'?"
    archive = next((entry for entry in inner if entry.suffix.casefold() == ".zip"), None)
    return f"did you mean '{archive}'?" if archive else _DOWNLOAD


def concept_names(download: AthenaDownload, ids: Container[int]) -> dict[int, str] | None:
    """Return the names of some concepts, read without a database; None if the file is too large for a check."""
    file = download.files["concept"]
    if file.size > _WHOLE_FILE:
        return None
    names = {}
    with file.text() as text:
        header = [name.casefold() for name in _cells(text.readline())]
        key, name = header.index("concept_id"), header.index("concept_name")
        for line in text:
            cells = _cells(line)
            if len(cells) > max(key, name) and cells[key].isdigit() and int(cells[key]) in ids:
                names[int(cells[key])] = cells[name]
    return names


def _check_header(table: str, file: AthenaFile, problems: Problems, at: Location | None) -> None:
    try:
        header = file.columns()
    except UNREADABLE as error:
        code = "OM617" if file.member else "OM604"
        problems.add(code, f"vocabulary file '{file.shown}' cannot be read: {error}", at, "download it again")
        return
    missing = [field.name for field in tables()[table].fields if field.name not in header]
    if missing:
        hint = (
            "columns must be separated by tabs, as in a download from Athena"
            if len(header) == 1
            else "the first line must name the columns, as in a download from Athena"
        )
        problems.add("OM603", f"vocabulary file '{file.shown}' lacks the columns {', '.join(missing)}", at, hint)
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        message = f"vocabulary file '{file.shown}' has two columns called {', '.join(twice)}"
        problems.add("OM603", message, at, "keep the one that Athena ships")


def _release(file: AthenaFile) -> str:
    with file.text() as text:
        header = [name.casefold() for name in _cells(text.readline())]
        key, version = header.index("vocabulary_id"), header.index("vocabulary_version")
        for line in text:
            cells = _cells(line)
            if len(cells) > max(key, version) and cells[key] == "None":
                return cells[version].strip()
    return ""


def _fingerprint(files: Mapping[str, AthenaFile]) -> tuple[str, tuple[str, ...]]:
    """Return a hash over the files, and the tables of which only a sample went into it.

    A full download is 5 GB, and reading it twice would double the time of a run that has nothing to do.  So
    of a file above 50 MB the hash sees its size, the time of its last change, and its first and last
    megabyte: enough to notice another release, not a proof that nothing was edited in between.  Of the member of
    an archive it sees the size and the check sum.
    """
    whole = hashlib.sha256()
    sampled = []
    for table in sorted(files):
        file = files[table]
        one = hashlib.sha256()
        if file.member:
            sampled.append(table)
            one.update(f"{file.size} {file.crc}".encode())
        else:
            with file.path.open("rb") as content:
                if file.size > _WHOLE_FILE:
                    sampled.append(table)
                    one.update(f"{file.size} {file.path.stat().st_mtime_ns} ".encode())
                    one.update(content.read(_SAMPLE))
                    content.seek(-_SAMPLE, 2)
                while chunk := content.read(_SAMPLE):
                    one.update(chunk)
        whole.update(f"{table} {one.hexdigest()}\n".encode())
    return whole.hexdigest(), tuple(sampled)


def _cells(line: str) -> list[str]:
    """Split a line of a vocabulary file; a quote in it is data."""
    return [cell.strip() for cell in line.rstrip("\r\n").split("\t")]
