"""One file of the data folder while it is being read: loaded, hashed and opened once."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from omopify.staging.model import ReadOptions
from omopify.staging.table import Head, Note, Table, Unreadable

if TYPE_CHECKING:
    from omopify.staging.workbook import Workbook

_FIRST_BYTES = 1 << 18


class Input:
    """A file of the data folder.

    Args:
        path: where it is.
        name: its name relative to the data folder, as users see it.
        kind: its format.
    """

    def __init__(self, path: Path, name: str, kind: str):
        self.path = path
        self.name = name
        self.kind = kind
        self.sha256 = ""
        self.size = 0
        self._data: bytes | None = None
        self._book: Workbook | Unreadable | None = None

    def load(self) -> bytes:
        """Read and hash the file, once until ``release``.

        Raises:
            Unreadable: if the file system refuses.
        """
        if self._data is None:
            try:
                self._data = self.path.read_bytes()
            except OSError as error:
                raise _refused(error) from None
            self.sha256 = hashlib.sha256(self._data).hexdigest()
            self.size = len(self._data)
        return self._data

    def digest(self) -> None:
        """Hash the file without keeping it in memory.

        Raises:
            Unreadable: if the file system refuses.
        """
        try:
            with self.path.open("rb") as file:
                self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                self.size = file.tell()
        except OSError as error:
            raise _refused(error) from None

    def book(self) -> Workbook:
        """Open the file as a workbook, once until ``release``.

        Raises:
            Unreadable: if it is none; the same again at every call.
        """
        from omopify.staging.workbook import Workbook

        if self._book is None:
            try:
                self._book = Workbook(self.load())
            except Unreadable as trouble:
                self._book = trouble
        if isinstance(self._book, Unreadable):
            raise Unreadable(*self._book.notes)
        return self._book

    def release(self) -> None:
        """Let go of the memory; that a workbook is broken stays known."""
        self._data = None
        if not isinstance(self._book, Unreadable):
            self._book = None

    def head(self, sheet: str | None, options: ReadOptions) -> Head:
        """Read the header only.

        Raises:
            Unreadable: if there is none or the file is not what it should be.
        """
        try:
            if self.kind in {"csv", "tsv"}:
                return self._delimited_head(options)
            if self.kind == "xlsx":
                return self.book().head(sheet or "", options)
            if self.kind == "parquet":
                from omopify.staging import parquet

                return parquet.read_head(self.path)
            from omopify.staging import sas

            return sas.read_head(self.path, self.kind, options.encoding)
        except OSError as error:
            raise _refused(error) from None

    def table(self, sheet: str | None, options: ReadOptions) -> Table:
        """Read everything, with all cells clean.

        Raises:
            Unreadable: if the file does not give a table that can be trusted.
        """
        from omopify.staging.cells import clean

        try:
            return clean(self.raw(sheet, options), options.missing)
        except OSError as error:
            raise _refused(error) from None

    def raw(self, sheet: str | None, options: ReadOptions) -> Table:
        """Read everything, with all cells as the file has them.

        Raises:
            Unreadable: if the file does not give a table that can be trusted.
            OSError: if the file system refuses.
        """
        if self.kind in {"csv", "tsv"}:
            from omopify.staging import delimited

            return delimited.read(self.load(), options, self.kind)
        if self.kind == "xlsx":
            return self.book().read(sheet or "", options)
        if self.kind == "parquet":
            from omopify.staging import parquet

            return parquet.read(self.load())
        from omopify.staging import sas

        return sas.read(self.path, self.kind, options.encoding)

    def _delimited_head(self, options: ReadOptions) -> Head:
        from omopify.staging import delimited

        with self.path.open("rb") as file:
            start = file.read(_FIRST_BYTES)
            head = None
            if len(start) == _FIRST_BYTES:
                head = delimited.read_head(start, options, self.kind, complete=False)
            if head is None:
                head = delimited.read_head(start + file.read(), options, self.kind, complete=True)
        assert head is not None
        return head


def _refused(error: OSError) -> Unreadable:
    reason = error.strerror or type(error).__name__
    return Unreadable(Note("OM408", f"the file cannot be read: {reason}", "check its permissions"))
