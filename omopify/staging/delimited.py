"""Reads delimited text: CSV, TSV and their relatives."""

from __future__ import annotations

import polars as pl

from omopify.staging.cells import controls_note
from omopify.staging.dialect import delimiter
from omopify.staging.encoding import to_utf8, without_controls
from omopify.staging.model import ReadOptions
from omopify.staging.records import Plain, first_records, plain
from omopify.staging.table import ROW, Head, Note, Table, Unreadable, reading, rows_text, trim

_FOREIGN = (
    (b"PK\x03\x04", "an Excel workbook or another zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"PAR1", "a Parquet file"),
    (b"HEADER RECORD*******", "a SAS transport file"),
    (b"%PDF", "a PDF"),
)


def read_head(data: bytes, options: ReadOptions, kind: str, *, complete: bool) -> Head | None:
    """Return the header, given the first bytes of a file; None if it needs more of them.

    Raises:
        Unreadable: if the file is no delimited text or has no header row.
    """
    text, separator, _ = _opened(data, options, kind, complete)
    if complete:
        return _head(plain(text, separator).split(options.skip)[0], options)
    whole = text[: max(text.rfind(b"\n"), text.rfind(b"\r")) + 1]
    rows = first_records(whole, separator, options.skip)
    return _head(rows, options) if rows is not None else None


def read(data: bytes, options: ReadOptions, kind: str) -> Table:
    """Read a whole file; *kind* is csv or tsv.

    Raises:
        Unreadable: for bytes that fit no encoding, an uncertain delimiter, broken quotes, a missing
            header, or rows with more cells than the header.
    """
    text, separator, notes = _opened(data, options, kind, True)
    rows, body = plain(text, separator).split(options.skip)
    head = _head(rows, options)
    frame, short = body_frame(body, len(head.names), options.skip + 1)
    return Table(head, frame, notes, plain=True, short=short)


def first_rows(data: bytes, options: ReadOptions, kind: str, count: int, *, complete: bool) -> list[list[str]]:
    """Return the cells of the first *count* records, trimmed, header or not.

    Raises:
        Unreadable: for bytes that fit no encoding, an uncertain delimiter, or broken quotes.
    """
    text, separator, _ = _opened(data, options, kind, complete)
    if not complete:
        rows = first_records(text[: max(text.rfind(b"\n"), text.rfind(b"\r")) + 1], separator, count)
        if rows is not None:
            return [[trim(cell) for cell in row] for row in rows]
    return [[trim(cell) for cell in row] for row in plain(text, separator).split(count)[0]]


def opened(data: bytes, options: ReadOptions, kind: str, *, complete: bool) -> tuple[str, list[Note]]:
    """Return the delimiter of a file and what is to be said about its text, given its bytes or the first of them.

    Raises:
        Unreadable: for bytes that fit no encoding, or an uncertain delimiter.
    """
    _, separator, notes = _opened(data, options, kind, complete)
    return separator, notes


def body_frame(body: Plain, width: int, first: int) -> tuple[pl.DataFrame, list[int]]:
    """Return the records behind a header of *width* cells, and the rows that are shorter; *first* is their first row.

    Raises:
        Unreadable: if rows have more cells than the header.
    """
    widths = body.widths()
    if (widths > width).any():
        _check_long(body, (widths > width).nonzero()[0].tolist(), width, first)
    names = [str(position) for position in range(width)]
    # The line in front fixes the number of columns: Polars would else take it from the first record.
    first_line = (body.cell.join(names) + body.record).encode()
    with reading("delimited text", "export the file again as UTF-8 CSV"):
        frame = pl.read_csv(
            first_line + body.body,
            separator=body.cell,
            eol_char=body.record,
            quote_char=None,
            infer_schema=False,
            truncate_ragged_lines=True,
            row_index_name=ROW,
            row_index_offset=first,
        ).with_columns(pl.col(ROW).cast(pl.Int64))
    if frame.height != len(widths):
        raise Unreadable(
            Note("OM407", "the records of the file cannot be told apart", "export the file again as UTF-8 CSV")
        )
    return frame, ((widths < width).nonzero()[0] + first).tolist()


def _opened(data: bytes, options: ReadOptions, kind: str, complete: bool) -> tuple[bytes, str, list[Note]]:
    for start, what in _FOREIGN:
        if data.startswith(start):
            raise Unreadable(Note("OM407", f"the file is not {kind} but {what}", "set 'format' or export it again"))
    if data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<table")):
        raise Unreadable(Note("OM407", f"the file is not {kind} but a web page", "export it again"))
    text, notes = to_utf8(data, options.encoding, complete=complete)
    cleaned = without_controls(text)
    if len(cleaned) < len(text):
        notes.append(controls_note("text of the file", len(text) - len(cleaned)))
    separator, cleaned = _announced(cleaned)
    if options.delimiter is not None:
        separator = options.delimiter
    elif kind == "tsv":
        separator = "\t"
    return cleaned, separator or delimiter(cleaned, options.header_row, options.skip), notes


def _announced(text: bytes) -> tuple[str | None, bytes]:
    # Excel writes and obeys a first line 'sep=;' and does not show it as a row.
    line = text[:64].replace(b"\r", b"\n").partition(b"\n")[0]
    word = line.decode("utf-8", "ignore")
    if not (word.lower().startswith("sep=") and word[4:] in {",", ";", "\t", "|"}):
        return None, text
    end = len(line)
    end += 2 if text[end : end + 2] == b"\r\n" else 1
    return word[4], text[end:]


def _head(rows: list[list[str]], options: ReadOptions) -> Head:
    names = [trim(cell) for cell in rows[options.header_row - 1]] if len(rows) >= options.header_row else []
    if not any(names):
        what = "the file is empty" if not rows else f"the file has no header in row {options.header_row}"
        raise Unreadable(Note("OM410", what, "check the file, and header_row of this source"))
    labels = []
    if options.label_row is not None and len(rows) >= options.label_row:
        labels = [trim(cell) for cell in rows[options.label_row - 1]]
    labels = (labels + [""] * len(names))[: len(names)]
    return Head(names, labels)


def _check_long(body: Plain, places: list[int], width: int, first: int) -> None:
    records = body.body.split(body.record.encode())
    cell = body.cell.encode()
    filled = [
        place + first for place in places if any(trim(extra.decode()) for extra in records[place].split(cell)[width:])
    ]
    if filled:
        raise Unreadable(
            Note(
                "OM430",
                f"{rows_text(filled)}: more cells than the {width} of the header",
                "quote cells that hold the delimiter, or check header_row and delimiter of this source",
            )
        )
