"""Spoilt exports give no traceback, and no file or row is lost without a word."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import polars as pl
import pytest

from omopify.errors import OmopifyError, Problems
from omopify.scanning.model import Scan
from omopify.scanning.storing import from_json, to_json
from tests.scanning.conftest import scan_folder, write_csv
from tests.scanning.mutate import csv_rows, mutated

_ROWS = [
    (f"P-{n // 3:03}", n % 3 + 1, f"2021-0{n % 9 + 1}-1{n % 9}", "Fever" if n % 2 else "Cough", n % 2, 36.5 + n / 10)
    for n in range(30)
]
_HEADER = ["SUBJID", "SEQ", "STDAT", "TERM", "TERMCD", "TEMP"]
_LABELS = ["Subject", "Number", "Start date", "Term", "Term (code)", "Temperature in °C"]


def base(folder: Path) -> None:
    """Write a small export of all kinds of files."""
    write_csv(folder / "TRIAL_AE.csv", _HEADER, _ROWS)
    lines = [";".join(_LABELS), ";".join(_HEADER), *(";".join(map(str, row)) for row in _ROWS)]
    (folder / "TRIAL_VS.csv").write_bytes("\r\n".join(lines).encode("cp1252"))
    (folder / "sub").mkdir()
    (folder / "sub" / "notes.txt").write_text("These are notes about the export.\nNothing else.\n")
    book = openpyxl.Workbook()
    for title in ("CM", "DM"):
        sheet = book.create_sheet(title)
        sheet.append(_HEADER)
        for row in _ROWS:
            sheet.append(row)
    book.remove(book.worksheets[0])
    book.save(folder / "TRIAL_BOOK.xlsx")
    pl.DataFrame(_ROWS, schema=_HEADER, orient="row").write_parquet(folder / "TRIAL_LB.parquet")


def check(folder: Path) -> str:
    """Scan a spoilt export, and compare what was told with what is there; return what came of it."""
    problems = Problems()
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    try:
        scan = scan_folder(folder, problems, small_cell=1)
    except OmopifyError:
        assert problems.errors[0].code == "OM901"
        return "nothing to read"
    told = {form.file for form in scan.forms} | {
        anomaly.text.split(": ")[0].split(" [")[0] for anomaly in scan.anomalies
    }
    assert files <= told
    assert from_json(to_json(scan)) == scan
    for form in scan.forms:
        if form.format != "csv" or form.delimiter != "," or form.encoding != "utf-8":
            continue
        if (folder / form.file).read_bytes().startswith(",".join(_HEADER).encode() + b"\nP-"):
            assert (form.header_row, form.label_row) == (1, None)
        rows = csv_rows(folder / form.file, max(form.header_row, form.label_row or 0))
        if rows is not None:
            assert form.rows == rows, form.file
    return "all read" if not problems.found else "some left out"


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("export") / "base"
    base(folder)
    return folder


# 2788 leaves a workbook without a worksheet
@pytest.mark.parametrize("seed", [*range(40), 2788])
def test_a_spoilt_export_is_told_of(export: Path, tmp_path: Path, seed: int) -> None:
    mutated(export, tmp_path / "spoilt", seed)

    check(tmp_path / "spoilt")


def test_the_export_as_it_is(export: Path) -> None:
    scan: Scan = scan_folder(export, small_cell=1)

    assert [(form.name, form.rows, form.subject, form.header_row, form.label_row) for form in scan.forms] == [
        ("ae", 30, "SUBJID", 1, None),
        ("cm", 30, "SUBJID", 1, None),
        ("dm", 30, "SUBJID", 1, None),
        ("lb", 30, "SUBJID", 0, None),
        ("vs", 30, "SUBJID", 2, 1),
    ]
    assert {form.subjects for form in scan.forms} == {10}
