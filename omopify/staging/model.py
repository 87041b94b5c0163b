"""What staging is asked for and what it gives back, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from omopify.errors import Location


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How the files of one source are to be read.

    ``format`` is csv, tsv, xlsx, xpt, sas7bdat or parquet; None goes by the file's suffix.
    ``header_row`` and ``label_row`` are counted from 1; the data start after the later of the two.
    ``delimiter`` None is detected among comma, semicolon, tab and bar.  ``encoding`` None means: the
    byte order mark, else strict UTF-8, else Windows-1252 with a warning.  ``missing`` lists the cell
    spellings that mean "nothing", compared trimmed and without regard to case; an empty cell always
    means nothing.
    """

    format: str | None = None
    header_row: int = 1
    label_row: int | None = None
    delimiter: str | None = None
    encoding: str | None = None
    missing: tuple[str, ...] = ("",)

    @property
    def skip(self) -> int:
        """How many rows come before the first row of data."""
        return max(self.header_row, self.label_row or 0)


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """One source that a trial declares: which files of the data folder, and how to read them.

    ``patterns`` are globs for file names, without regard to case; only a pattern with a '/' looks
    into sub-folders.  ``sheet`` names a worksheet, without regard to case.  An ``optional`` source may
    be absent; ``several`` files are stacked.  ``at`` is where the user declared the source.
    ``columns`` are the spellings the maps use: header names that differ only in case or blanks are
    renamed to them.
    """

    name: str
    patterns: tuple[str, ...]
    sheet: str | None = None
    optional: bool = False
    several: bool = False
    options: ReadOptions = ReadOptions()
    at: Location | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Headers:
    """The columns of one source (all its files, in order), their human labels, and the files' names."""

    columns: tuple[str, ...]
    labels: Mapping[str, str]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One file, or one worksheet, as a Parquet file of text.

    ``file`` is relative to the data folder, with '/'.  ``parquet`` holds ``_row`` (Int64: the number a
    spreadsheet shows for the record, header rows counted; for SAS and Parquet the record's number) and
    one text column per name in ``columns``.  ``filled`` counts the cells that hold something, per
    column.  ``sha256`` and ``bytes`` describe the input file.
    """

    file: str
    sheet: str | None
    parquet: Path
    columns: tuple[str, ...]
    labels: Mapping[str, str]
    rows: int
    filled: Mapping[str, int]
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class StagedSource:
    """All files of one source; ``files`` is empty if an optional source is absent or reading failed."""

    name: str
    files: tuple[StagedFile, ...]
    columns: tuple[str, ...]
    labels: Mapping[str, str]
