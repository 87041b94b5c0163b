"""Reads Excel workbooks (.xlsx, .xlsm, .xlsb, .xls)."""

from __future__ import annotations

import fastexcel
import polars as pl

from omopify.staging.marks import sheet_notes
from omopify.staging.model import ReadOptions
from omopify.staging.moments import short_excel
from omopify.staging.table import ROW, Head, Note, Table, Unreadable, reading, trim

_HINT = "save it again in Excel, or set 'format' of this source"
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


class Workbook:
    """One open workbook.

    Args:
        data: the file's bytes.

    Raises:
        Unreadable: if it is no workbook, damaged or protected by a password.
    """

    def __init__(self, data: bytes):
        self._data = data
        if not data:
            raise Unreadable(Note("OM410", "the file is empty", "export it again"))
        if data.startswith(_OLE) and "EncryptedPackage".encode("utf-16-le") in data:
            raise Unreadable(
                Note(
                    "OM407",
                    "the workbook is protected by a password",
                    "open it in Excel and save it without one",
                )
            )
        if not data.startswith((_ZIP, _OLE)):
            what = "is a web page or text" if data[:512].isascii() and b"\x00" not in data else "is something else"
            raise Unreadable(Note("OM407", f"the file is no Excel workbook, it {what}", _HINT))
        with reading("an Excel workbook", _HINT):
            self._book = fastexcel.read_excel(data)
            self.sheets: tuple[str, ...] = tuple(self._book.sheet_names)

    def head(self, sheet: str, options: ReadOptions) -> Head:
        """Return the header of a worksheet.

        Raises:
            Unreadable: if the worksheet has none or is damaged.
        """
        return _head(self._rows(sheet, options.skip), sheet, options)

    def read(self, sheet: str, options: ReadOptions) -> Table:
        """Read a whole worksheet.

        Raises:
            Unreadable: if the worksheet has no header or is damaged.
        """
        rows = self._rows(sheet, None)
        head = _head(rows, sheet, options)
        frame = rows.slice(options.skip)
        frame = short_excel(frame, frame.columns)
        frame = frame.with_row_index(ROW, options.skip + 1).with_columns(pl.col(ROW).cast(pl.Int64))
        notes = []
        if self._data.startswith(_ZIP):
            notes = sheet_notes(self._data, sheet, options.header_row, options.skip, head.names)
        return Table(head, frame, notes)

    def first_rows(self, sheet: str, count: int) -> list[list[str]]:
        """Return the cells of the first *count* rows of a worksheet, trimmed, header or not.

        Raises:
            Unreadable: if the worksheet is damaged.
        """
        rows = self._rows(sheet, count)
        rows = short_excel(rows, rows.columns) if rows.width and rows.height else rows
        return [[trim(cell) for cell in row] for row in rows.iter_rows()]

    def _rows(self, sheet: str, count: int | None) -> pl.DataFrame:
        with reading(f"a worksheet ('{sheet}')", _HINT):
            # skip_rows=0 keeps the empty rows on top, so that row numbers are Excel's.
            loaded = self._book.load_sheet(sheet, header_row=None, skip_rows=0, n_rows=count, dtypes="string")
            if not loaded.width or not loaded.height:
                return pl.DataFrame()
            frame = loaded.to_polars()
        return frame.rename({name: str(position) for position, name in enumerate(frame.columns)}).cast(pl.String)


def _head(rows: pl.DataFrame, sheet: str, options: ReadOptions) -> Head:
    first = short_excel(rows.head(options.skip), rows.columns) if rows.width else rows
    names = [trim(cell) for cell in first.row(options.header_row - 1)] if first.height >= options.header_row else []
    if not any(names):
        what = "is empty" if not rows.height else f"has no header in row {options.header_row}"
        raise Unreadable(Note("OM410", f"worksheet '{sheet}' {what}", "check the file, and header_row of this source"))
    labels = [""] * len(names)
    if options.label_row is not None and first.height >= options.label_row:
        labels = [trim(cell) for cell in first.row(options.label_row - 1)]
    return Head(names, labels)
