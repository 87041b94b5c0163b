"""A scan as White Rabbit's ``ScanReport.xlsx``, so that Rabbit-in-a-Hat and Carrot can begin from it.

The layout is that of OHDSI/WhiteRabbit (``SourceDataScan.java``, ``ScanFieldName.java``): a sheet 'Field Overview' with
an empty row behind each table, a sheet 'Table Overview', one sheet for each table with a pair of columns for each field
(its name and 'Frequency'), and a sheet '_' with key and value.  Rabbit-in-a-Hat (``Database.java``) reads the first
sheet by its titles and parses 'N rows', 'N rows checked' and 'Max length' as numbers; a table's sheet has its name, cut
at 31 letters.  Carrot (carrot-mapper, ``UploadQueue``) reads the first ten columns by their place, rounds 'Fraction
empty' and 'Fraction unique', so that they must be numbers, and stops in a table's sheet at the first empty row.

What a scan does not tell (few rows, identifiers, free text) is not told here either: such numbers are -1, as White
Rabbit writes what it has not counted.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from omopify.scanning.model import Column, Form, Kind, Scan

REPORT_FILE = "ScanReport.xlsx"
"""The name that White Rabbit gives its report."""

_FIELDS = (
    "Table",
    "Field",
    "Description",
    "Type",
    "Max length",
    "N rows",
    "N rows checked",
    "Fraction empty",
    "N unique values",
    "Fraction unique",
)
_TABLES = ("Table", "Description", "N rows", "N rows checked", "N fields", "N fields empty")
_TYPES: dict[Kind, str] = {
    "empty": "EMPTY",
    "whole number": "INT",
    "number": "REAL",
    "date": "DATE",
    "date and time": "DATETIME",
}
_UNTOLD = -1
_SHEET_LETTERS = 31
_CELL_LETTERS = 32_767


def write_report(scan: Scan, path: Path) -> None:
    """Write a scan as a White Rabbit report.

    Raises:
        OSError: if the file cannot be written.
    """
    import xlsxwriter  # type: ignore[import-untyped]

    # a value that begins with = must not become a formula, nor one with http a link
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(path), options)
    # the same scan is the same file
    book.set_properties({"created": datetime(2000, 1, 1)})
    try:
        names = _sheet_names(scan)
        _overview(book.add_worksheet("Field Overview"), _FIELDS, _field_rows(scan, names))
        _overview(book.add_worksheet("Table Overview"), _TABLES, _table_rows(scan, names))
        for form in scan.forms:
            _values(book.add_worksheet(names[form.name]), form)
        about = [("Version", f"omopify {scan.omopify}"), ("minCellCount", scan.small_cell), ("sampleSize", -1)]
        _overview(book.add_worksheet("_"), ("Key", "Value"), about)
    finally:
        try:
            book.close()
        except xlsxwriter.exceptions.FileCreateError as error:
            raise OSError(getattr(error.args[0], "errno", None), "cannot be written", str(path)) from None


def _sheet_names(scan: Scan) -> dict[str, str]:
    """Return the sheet of each form; Excel takes 31 letters and knows no difference between small and capital ones."""
    taken = {"field overview", "table overview", "_", "history"}
    names: dict[str, str] = {}
    for form in scan.forms:
        name, number = form.name[:_SHEET_LETTERS], 1
        while name in taken:
            number += 1
            name = f"{form.name[: _SHEET_LETTERS - len(str(number)) - 1]}_{number}"
        taken.add(name)
        names[form.name] = name
    return names


def _overview(sheet: Any, titles: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    for number, row in enumerate([titles, *rows]):
        sheet.write_row(number, 0, row)


def _field_rows(scan: Scan, names: dict[str, str]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for form in scan.forms:
        table, count = names[form.name], _number(form.rows)
        rows += [
            (
                table,
                column.name,
                column.label,
                _TYPES.get(column.kind, "VARCHAR"),
                _number(column.longest),
                count,
                count,
                _empty(column),
                _number(column.distinct),
                _unique(column),
            )
            for column in form.columns
        ]
        rows.append(("",))
    return rows


def _table_rows(scan: Scan, names: dict[str, str]) -> list[tuple[Any, ...]]:
    return [
        (
            names[form.name],
            form.file + (f" [{form.sheet}]" if form.sheet else ""),
            _number(form.rows),
            _number(form.rows),
            len(form.columns),
            sum(column.kind == "empty" for column in form.columns),
        )
        for form in scan.forms
    ]


def _values(sheet: Any, form: Form) -> None:
    for place, column in enumerate(form.columns):
        sheet.write_row(0, 2 * place, (column.name, "Frequency"))
        for number, value in enumerate((*column.values, *column.missing), 1):
            sheet.write_string(number, 2 * place, value.value[:_CELL_LETTERS])
            sheet.write_number(number, 2 * place + 1, value.rows)


def _number(value: int | None) -> int:
    return _UNTOLD if value is None else value


def _empty(column: Column) -> float:
    if column.filled is None or not column.rows:
        return 1.0
    return round(1 - column.filled / column.rows, 3)


def _unique(column: Column) -> float:
    if column.distinct is None or not column.rows:
        return 0.0
    return round(column.distinct / column.rows, 3)
