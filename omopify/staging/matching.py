"""Which files of the data folder belong to a source."""

from __future__ import annotations

import fnmatch
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

_FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xlsx",
    ".xlsb": "xlsx",
    ".xpt": "xpt",
    ".sas7bdat": "sas7bdat",
    ".parquet": "parquet",
}
FORMATS = tuple(sorted(set(_FORMATS.values())))


def file_format(name: str, declared: str | None) -> str | None:
    """Return the format of a file: as the user declared, else by its suffix; None if unknown."""
    return declared.lower() if declared else _FORMATS.get(Path(name).suffix.lower())


class Folder:
    """The files of a data folder, listed once.

    Hidden files and the lock files that Excel leaves (``~$...``) are no data.
    """

    def __init__(self, root: Path):
        self.root = root
        self._flat: list[str] | None = None
        self._deep: list[str] | None = None

    @property
    def names(self) -> list[str]:
        """The names of the files directly in the folder, in alphabetical order."""
        if self._flat is None:
            # links that go round in a circle are no files; DirEntry.is_file() would raise
            self._flat = _ordered(path.name for path in self.root.iterdir() if path.is_file())
        return self._flat

    def match(self, patterns: tuple[str, ...]) -> list[str]:
        """Return the files, relative to the folder, that match at least one of the patterns."""
        found: dict[str, None] = {}
        for pattern in patterns:
            parts = _key(pattern.replace("\\", "/")).removeprefix("./").split("/")
            for name in self.names if len(parts) == 1 else self.deep:
                if _matches(_key(name).split("/"), parts):
                    found[name] = None
        return sorted(found, key=_key)

    @property
    def deep(self) -> list[str]:
        """The files of the folder and of all folders in it, relative to it, in alphabetical order."""
        if self._deep is None:
            self._deep = _ordered(
                Path(place, name).relative_to(self.root).as_posix()
                for place, _, names in os.walk(self.root)
                for name in names
            )
        return self._deep


def _ordered(names: Iterator[str]) -> list[str]:
    return sorted((n for n in names if not n.rpartition("/")[2].startswith(("~$", "."))), key=_key)


def _key(name: str) -> str:
    # macOS stores é as two characters; users type one.
    return unicodedata.normalize("NFC", name).casefold()


def _matches(parts: list[str], patterns: list[str]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return _matches(parts, patterns[1:]) or (bool(parts) and _matches(parts[1:], patterns))
    if not parts:
        return False
    fits = parts[0] == patterns[0] or fnmatch.fnmatchcase(parts[0], patterns[0])
    return fits and _matches(parts[1:], patterns[1:])
