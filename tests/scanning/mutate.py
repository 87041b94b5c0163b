"""Spoils exports as real life does: bytes, cells, headers, encodings, line ends, cut files, damaged workbooks.

``mutated(source, target, seed)`` copies a folder of data and spoils a few of its files; the same seed gives the same
bytes.  ``csv_rows(path)`` counts the rows of a file independently of omopify, where it can be read without doubt.
"""

from __future__ import annotations

import csv
import io
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl

Random = random.Random

_ODD = [
    "\xa0",
    "\u200b",
    "\ufeff",
    "\x00",
    "\x1f",
    "é",
    "æøå",
    "☃",
    "\ufffd",
    "\r",
    "\n",
    '"',
    '""',
    ",",
    ";",
    "\t",
    "=1+1",
]
_DATES = [
    "2023-02-30",
    "UN-UNK-2021",
    "2021-NK-NK",
    "04/05/2021",
    "14.05.21",
    "44197",
    "9999-12-31",
    "0021-01-01",
    "1E+10",
]
_WORDS = [
    "NA",
    "NK",
    "Total",
    "n=12",
    "<5",
    "1,5",
    "1.234,5",
    "12 mg",
    "007",
    "kari@example.org",
    "01019912345",
    "x" * 5_000,
]


def mutated(source: Path, target: Path, seed: int) -> list[str]:
    """Copy a folder and spoil one to three of its files; return what was done."""
    draw = Random(seed)
    shutil.copytree(source, target)
    files = sorted(path for path in target.rglob("*") if path.is_file())
    done = []
    for path in draw.sample(files, min(len(files), draw.randint(1, 3))):
        kinds = _WORKBOOK if path.suffix == ".xlsx" else _TEXT if path.suffix in (".csv", ".tsv", ".txt") else _BYTES
        kind = draw.choice(kinds)
        done.append(f"{path.name}: {kind.__name__}")
        kind(path, draw)
    return done


def csv_rows(path: Path, above: int = 1) -> int | None:
    """Count the filled rows behind the first *above* with Python's reader; None if it is no plain CSV of one width."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    filled = [any(cell.strip() for cell in row) for row in rows]
    widths = {len(row) for row, some in zip(rows, filled, strict=True) if some}
    if len(widths) != 1 or widths == {1} or any(ord(c) < 32 and c not in "\r\n\t" for c in text):
        return None
    return sum(filled[above:])


def flip_bytes(path: Path, draw: Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(draw.randint(1, 20)):
        if data:
            data[draw.randrange(len(data))] = draw.randrange(256)
    path.write_bytes(bytes(data))


def cut(path: Path, draw: Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: draw.randrange(len(data) + 1)])


def drop_middle(path: Path, draw: Random) -> None:
    data = path.read_bytes()
    start = draw.randrange(len(data) + 1)
    path.write_bytes(data[:start] + data[start + draw.randint(1, 300) :])


def insert_bytes(path: Path, draw: Random) -> None:
    data = path.read_bytes()
    start = draw.randrange(len(data) + 1)
    path.write_bytes(data[:start] + draw.randbytes(draw.randint(1, 40)) + data[start:])


def empty(path: Path, draw: Random) -> None:
    path.write_bytes(
        draw.choice([b"", b"\n", b"\xef\xbb\xbf", b"\x00" * 50, b"PK\x03\x04", b"%PDF-1.4", b"<html></html>"])
    )


def other_name(path: Path, draw: Random) -> None:
    path.rename(
        path.with_suffix(draw.choice([".xlsx", ".xpt", ".parquet", ".sas7bdat", ".tsv", ".txt", ".csv", ".zip", ""]))
    )


def recode(path: Path, draw: Random) -> None:
    text = path.read_bytes().decode("utf-8", "replace").replace("\ufffd", "?")
    encoding = draw.choice(["utf-16", "utf-16-le", "utf-8-sig", "cp1252", "latin-1", "utf-32", "cp037", "shift_jis"])
    path.write_bytes(("Ærlig talt;" * draw.randint(0, 1) + text).encode(encoding, "replace"))


def line_ends(path: Path, draw: Random) -> None:
    data = path.read_bytes().replace(b"\r\n", b"\n")
    lines = data.split(b"\n")
    path.write_bytes(b"".join(line + draw.choice([b"\n", b"\r\n", b"\r"]) for line in lines))


def delimiter(path: Path, draw: Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data.replace(b",", draw.choice([b";", b"\t", b"|", b", ", b",,"])))


def _rows(path: Path) -> list[list[str]]:
    text = path.read_bytes().decode("utf-8", "replace")
    return list(csv.reader(io.StringIO(text)))


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="replace") as file:
        csv.writer(file).writerows(rows)


def cells(path: Path, draw: Random) -> None:
    rows = _rows(path)
    for _ in range(draw.randint(1, 30)):
        row = draw.choice(rows) if rows else []
        if row:
            row[draw.randrange(len(row))] = draw.choice(_ODD + _DATES + _WORDS)
    _write(path, rows)


def pieces(path: Path, draw: Random) -> None:
    rows = _rows(path)
    for _ in range(draw.randint(1, 30)):
        row = draw.choice(rows) if rows else []
        if row:
            place = draw.randrange(len(row))
            row[place] = draw.choice(
                [f" {row[place]} ", row[place].upper(), row[place] + draw.choice(_ODD), row[place][:-1]]
            )
    _write(path, rows)


def header(path: Path, draw: Random) -> None:
    rows = _rows(path)
    if not rows:
        return
    kind = draw.randrange(6)
    if kind == 0:
        rows.pop(0)
    elif kind == 1:
        rows.insert(0, [draw.choice(["Export of 2024-01-01", "", "Report"])])
    elif kind == 2:
        rows[0][draw.randrange(len(rows[0]))] = draw.choice(
            ["", rows[0][0], rows[0][0].lower(), "_row", "a" * 300, "2021-01-01"]
        )
    elif kind == 3:
        rows.insert(0, list(rows[0]))
    elif kind == 4:
        rows[0] = [draw.choice(["X", "Y", "Z", ""]) for _ in rows[0]]
    else:
        rows[0], rows[-1] = rows[-1], rows[0]
    _write(path, rows)


def rows_and_columns(path: Path, draw: Random) -> None:
    rows = _rows(path)
    if len(rows) < 2:
        return
    kind = draw.randrange(6)
    if kind == 0:
        rows += [list(draw.choice(rows)) for _ in range(draw.randint(1, 5))]
    elif kind == 1:
        draw.choice(rows).append("more")
    elif kind == 2:
        del draw.choice(rows)[1:]
    elif kind == 3:
        rows = [row[:1] + [""] * draw.randint(0, 1) + row[1:] for row in rows]
    elif kind == 4:
        rows.append(["Total", str(len(rows)), *[""] * (len(rows[0]) - 2)])
    else:
        rows[1:] = [[] for _ in range(draw.randint(0, 3))]
    _write(path, rows)


def zip_damage(path: Path, draw: Random) -> None:
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    name = draw.choice(sorted(parts))
    data = bytearray(parts[name])
    kind = draw.randrange(4)
    if kind == 0:
        del parts[name]
    elif kind == 1:
        parts[name] = bytes(data[: draw.randrange(len(data) + 1)])
    elif kind == 2:
        parts[name] = b""
    else:
        for _ in range(draw.randint(1, 10)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        parts[name] = bytes(data)
    with zipfile.ZipFile(path, "w") as book:
        for part, content in parts.items():
            book.writestr(part, content)


def book_cells(path: Path, draw: Random) -> None:
    book = openpyxl.load_workbook(path)
    sheet = draw.choice(book.worksheets)
    for _ in range(draw.randint(1, 20)):
        value = draw.choice([*_DATES, *_WORDS, "=1/0", "#N/A", 44197, 1.5, True, None, "\xa0"])
        sheet.cell(draw.randint(1, max(sheet.max_row, 1)), draw.randint(1, max(sheet.max_column, 1) + 2), value)
    if draw.random() < 0.3:
        sheet.insert_rows(1, draw.randint(1, 3))
    if draw.random() < 0.2:
        book.create_sheet("Tom")
    if draw.random() < 0.2:
        sheet.title = draw.choice(["Ark 1", "x" * 31, "Æ/Ø"[:1]])
    book.save(path)


Kind = Callable[[Path, Random], None]
_BYTES: tuple[Kind, ...] = (flip_bytes, cut, drop_middle, insert_bytes, empty, other_name)
_TEXT: tuple[Kind, ...] = (
    *_BYTES,
    recode,
    line_ends,
    delimiter,
    cells,
    cells,
    pieces,
    header,
    header,
    rows_and_columns,
)
_WORKBOOK: tuple[Kind, ...] = (*_BYTES, zip_damage, zip_damage, book_cells, book_cells)
