"""Small made-up exports, written by hand, and a scan of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from omopify.errors import Problems
from omopify.scanning.discovering import ScanOptions
from omopify.scanning.model import Anomaly, Column, Scan
from omopify.scanning.scan import scan_export

TODAY = date(2025, 6, 30)


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]], *, encoding: str = "utf-8") -> None:
    lines = [",".join(header), *(",".join(_cell(value) for value in row) for row in rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\n') else text


def scan_folder(folder: Path, problems: Problems | None = None, small_cell: int = 5) -> Scan:
    options = ScanOptions(small_cell=small_cell, today=TODAY)
    return scan_export(folder, options, problems if problems is not None else Problems())


def column_of(folder: Path, cells: Sequence[object], name: str = "ITEM", small_cell: int = 1) -> Column:
    """Scan a form of a running number and one column."""
    write_csv(folder / "form.csv", ["LINE", name], [(f"L{n:03}", cell) for n, cell in enumerate(cells)])
    (form,) = scan_folder(folder, small_cell=small_cell).forms
    return next(column for column in form.columns if column.name == name)


def anomaly(column: Column, code: str) -> Anomaly | None:
    return next((one for one in column.anomalies if one.code == code), None)
