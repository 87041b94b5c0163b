"""Staged files are kept by the hash of what went in, so that no input is parsed twice."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omopify.staging.model import ReadOptions
from omopify.staging.table import BLANKS, Note

STAGING_VERSION = 1
"""Goes up whenever the same input would be staged differently."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known about one staged file besides its Parquet file; ``columns`` as the file spells them."""

    parquet: Path
    columns: tuple[str, ...]
    labels: dict[str, str]
    rows: int
    filled: dict[str, int]
    notes: tuple[Note, ...]


class Cache:
    """A folder of ``<hash>.parquet`` files, each with a ``<hash>.json`` that is written last."""

    def __init__(self, folder: Path):
        self.folder = folder

    def key(self, sha256: str, kind: str, sheet: str | None, options: ReadOptions) -> str:
        """Return the name of the entry for a file read in one certain way."""
        parts = [STAGING_VERSION, sha256, kind, sheet and sheet.strip(BLANKS).casefold()]
        parts.append(sorted({word.strip(BLANKS).lower() for word in options.missing} - {""}))
        if kind in {"csv", "tsv", "xlsx"}:
            parts += [options.header_row, options.label_row]
        if kind in {"csv", "tsv"}:
            parts.append(options.delimiter)
        if kind not in {"xlsx", "parquet"}:
            parts.append(options.encoding)
        return _digest(parts)

    def get(self, key: str) -> Entry | None:
        """Return an entry, or None if there is none or it is damaged."""
        try:
            stored = json.loads((self.folder / f"{key}.json").read_text("utf-8"))
            parquet = self.folder / f"{key}.parquet"
            if stored["parquet"] != _sha256(parquet):
                return None
            return Entry(
                parquet,
                tuple(stored["columns"]),
                dict(stored["labels"]),
                int(stored["rows"]),
                {str(name): int(count) for name, count in stored["filled"].items()},
                tuple(Note(**note) for note in stored["notes"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def put(
        self,
        key: str,
        write: Callable[[Path], None],
        columns: tuple[str, ...],
        labels: dict[str, str],
        rows: int,
        filled: dict[str, int],
        notes: tuple[Note, ...],
    ) -> Entry:
        """Store an entry; *write* writes the Parquet file to the path it is given.

        Raises:
            OSError: if the folder cannot be written to.
        """
        parquet = self.folder / f"{key}.parquet"
        self._replace(parquet, write)
        stored = {
            "parquet": _sha256(parquet),
            "columns": columns,
            "labels": labels,
            "rows": rows,
            "filled": filled,
            "notes": [asdict(note) for note in notes],
        }
        self._write_json(key, stored)
        return Entry(parquet, columns, labels, rows, filled, notes)

    def respelt(self, entry: Entry, renames: dict[str, str], rename: Callable[[Path, Path], None]) -> Path:
        """Return the entry's Parquet file with columns renamed; *rename* writes it from one path to another.

        Raises:
            OSError: if the folder cannot be written to.
        """
        key = _digest([STAGING_VERSION, entry.parquet.stem, sorted(renames.items())])
        stored = self.get(key)
        if stored is not None:
            return stored.parquet
        columns = tuple(renames.get(name, name) for name in entry.columns)
        return self.put(key, lambda path: rename(entry.parquet, path), columns, {}, entry.rows, {}, ()).parquet

    def sheets(self, sha256: str) -> tuple[str, ...] | None:
        """Return the names of a workbook's worksheets if it has been open before."""
        try:
            stored = json.loads((self.folder / f"{self._sheets_key(sha256)}.json").read_text("utf-8"))
            return tuple(str(name) for name in stored["sheets"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put_sheets(self, sha256: str, sheets: tuple[str, ...]) -> None:
        """Remember the names of a workbook's worksheets.

        Raises:
            OSError: if the folder cannot be written to.
        """
        self._write_json(self._sheets_key(sha256), {"sheets": sheets})

    def _sheets_key(self, sha256: str) -> str:
        return _digest([STAGING_VERSION, sha256, "sheets"])

    def _write_json(self, key: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, ensure_ascii=False)
        self._replace(self.folder / f"{key}.json", lambda path: path.write_text(text, "utf-8") and None)

    def _replace(self, target: Path, write: Callable[[Path], Any]) -> None:
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            write(temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:40]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
