"""Write a rendered trial into files: CSV or a workbook, and a README that says what the data are."""

from __future__ import annotations

import csv
import importlib
import io
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import polars as pl

from omopify.errors import OmopifyError, Problem
from omopify.synthetic import TRIALS, dirt
from omopify.synthetic.dialect import Dialect
from omopify.synthetic.truth import draw_truth

GENERATOR_VERSION = "2"
"""Changes whenever the same seed gives other bytes."""

EXCEL_ROWS = 1_048_576


def write(
    trial: str,
    folder: Path,
    patients: int,
    seed: int = 1,
    *,
    messy: bool = False,
    format: Literal["csv", "xlsx"] = "csv",
) -> None:
    """Write the export; see :func:`omopify.synthetic.write_export`."""
    _check(patients, seed, format)
    dialect: Dialect = importlib.import_module(TRIALS[trial]).DIALECT
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, Counter[str]] = {}
    rows: dict[str, int] = {}

    def forms() -> Iterator[tuple[str, pl.DataFrame]]:
        # One form at a time: all 18 of a large trial would not fit into a small machine's memory.
        truth = draw_truth(patients, seed)
        for form in dialect.headers:
            frame, counts[form] = dialect.render(truth, form), Counter()
            if messy:
                frame, counts[form] = dirt.soil(frame, form, seed, dialect.dirt)
            rows[form] = frame.height
            yield form, frame

    if format == "csv":
        for form, frame in forms():
            crlf = dirt.crlf_from(form, frame.height, dialect.dirt) if messy else frame.height
            counts[form]["mixed line ends"] += frame.height - crlf
            _write_csv(folder / f"{dialect.file.format(form=form)}.csv", dialect, form, frame, crlf)
    else:
        _write_workbook(folder / f"{dialect.workbook}.xlsx", dialect, forms())
    text = _readme(trial, dialect, patients, seed, messy, rows, counts)
    (folder / "README.txt").write_bytes(text.encode())


def _check(patients: int, seed: int, format: str) -> None:
    if patients < 1 or seed < 0:
        raise OmopifyError(
            Problem(
                "OM701",
                f"cannot draw {patients} synthetic patients with seed {seed}",
                hint="ask for at least 1 patient, and for a seed of 0 or more",
            )
        )
    if format not in ("csv", "xlsx"):
        raise OmopifyError(
            Problem("OM702", f"unknown format '{format}' for a synthetic export", hint="use csv or xlsx")
        )


def _write_csv(path: Path, dialect: Dialect, form: str, frame: pl.DataFrame, crlf: int) -> None:
    """Write the header rows and the data; rows from *crlf* on end in CR LF.

    Polars writes a missing value as nothing and an empty text as ``""``, as a real export does.
    """
    with path.open("wb") as file:
        header = io.StringIO()
        csv.writer(header, delimiter=dialect.separator, lineterminator="\n").writerows(dialect.headers[form])
        file.write(header.getvalue().encode())
        for part, end in ((frame.head(crlf), "\n"), (frame.slice(crlf), "\r\n")):
            part.write_csv(file, include_header=False, separator=dialect.separator, line_terminator=end)


def _write_workbook(path: Path, dialect: Dialect, forms: Iterator[tuple[str, pl.DataFrame]]) -> None:
    """Write one worksheet a form, every cell as text."""
    try:
        import xlsxwriter  # type: ignore[import-untyped]  # it ships no types
    except ImportError:
        raise OmopifyError(
            Problem(
                "OM703",
                "cannot write a synthetic workbook because the package 'xlsxwriter' is not installed",
                hint="run 'pip install xlsxwriter', or ask for csv",
            )
        ) from None
    with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_numbers": False}) as book:
        # A fixed time: the same seed gives the same bytes.
        book.set_properties({"title": "SYNTHETIC data, no real patients", "created": datetime(2026, 1, 31)})
        for form, frame in forms:
            header = dialect.headers[form]
            if frame.height + len(header) > EXCEL_ROWS:
                raise OmopifyError(
                    Problem(
                        "OM704",
                        f"form {form} has {frame.height} rows, more than a worksheet can hold",
                        hint="ask for fewer patients, or for csv",
                    )
                )
            sheet = book.add_worksheet(form)
            for number, values in enumerate([*header, *frame.iter_rows()]):
                for column, value in enumerate(values):
                    if value:
                        sheet.write_string(number, column, value)


def _readme(
    trial: str,
    dialect: Dialect,
    patients: int,
    seed: int,
    messy: bool,
    rows: dict[str, int],
    counts: dict[str, Counter[str]],
) -> str:
    lines = [
        "SYNTHETIC DATA. No real patient, and no real trial's data, stands behind any row.",
        "",
        f"Shape: {dialect.shape}.",
        f"Made by omopify.synthetic.write_export('{trial}', folder, {patients}, {seed}, messy={messy}),",
        f"generator version {GENERATOR_VERSION}.",
        f"patients: {patients} (subjects; a person enrolled twice counts twice)",
        f"seed: {seed}",
        f"messy: {'yes' if messy else 'no'}",
        "",
        "The same patients, seed and generator version give the same CSV bytes. Another number of patients gives",
        "other patients, also at the top of the files.",
        "",
        dialect.made_up,
        "",
        "Rows per form",
        *(f"{form:>8} {number:>9}" for form, number in rows.items()),
        f"{'all':>8} {sum(rows.values()):>9}",
    ]
    if messy:
        total = sum(counts.values(), Counter())
        lines += ["", "Dirt put in on purpose (cases: kind, what it is; forms)"]
        for kind in dialect.dirt.kinds():
            where = " ".join(form for form, found in counts.items() if found[kind])
            lines.append(f"{total[kind]:>8}  {kind}: {dirt.KINDS[kind]}; {where or '-'}")
    return "\n".join(lines) + "\n"
