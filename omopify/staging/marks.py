"""Looks into an .xlsx file for what a reader of values cannot see.

Three things would get lost without a word: cells that hold an Excel error such as #N/A and formulas
that no program has calculated yet (both arrive empty), and numbers that only *look* zero-padded
through a number format such as 000000.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

from omopify.staging.table import Note, rows_text

_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*)>")
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})(\d+)"')
_PENDING = re.compile(rb"<c\b([^>]*)><f\b[^>]*(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>")
_STYLE = re.compile(rb'\bs="(\d+)"')
_PADDED = re.compile(r"0{2,}(?:[-_ ]?0+)*(?:;.*)?")
_CHUNK = 1 << 20


def sheet_notes(data: bytes, sheet: str, header_row: int, skip: int, names: list[str]) -> list[Note]:
    """Return warnings about error cells and zero-padded numbers in the data rows of a worksheet.

    A file whose inside is not as the standard says gives no warnings: the reader judges it, not this.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            part = _part(book, sheet)
            if part is None:
                return []
            found = _scan(book, part, header_row, skip, _padded_styles(book))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, EOFError, OSError, ValueError, zlib.error):
        return []
    filled = [name for name in names if name]
    called = dict(zip(found.titles, filled, strict=True)) if len(found.titles) == len(filled) else {}
    return [
        Note(code, f"{_where(sheet, letters, called)}, {rows_text(rows)}: {text}", hint, "warning")
        for code, cells, text, hint in (
            ("OM434", found.errors, "Excel errors such as #N/A count as empty", "mend them in the workbook"),
            (
                "OM435",
                found.padded,
                "numbers that Excel only shows with leading zeros; the zeros are not in the file",
                "export the column as text, or pad the number in the map",
            ),
            (
                "OM437",
                found.pending,
                "formulas without a stored result count as empty",
                "open the workbook in Excel, let it calculate, and save it",
            ),
        )
        for letters, rows in cells.items()
    ]


@dataclass(slots=True)
class _Found:
    """The letters of the header's columns, and per column the rows of each kind of finding."""

    titles: list[str] = field(default_factory=list)
    errors: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    padded: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    pending: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def _where(sheet: str, letters: str, called: dict[str, str]) -> str:
    column = f"column '{called[letters]}' ({letters})" if letters in called else f"column {letters}"
    return f"worksheet '{sheet}', {column}"


def _part(book: zipfile.ZipFile, sheet: str) -> str | None:
    """Return the path of a worksheet's XML in the zip file."""
    wanted = None
    for node in ElementTree.fromstring(book.read("xl/workbook.xml")).iter():
        if _local(node.tag) == "sheet" and node.get("name") == sheet:
            wanted = next((v for k, v in node.attrib.items() if k.endswith("}id")), None)
    for node in ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels")).iter():
        if wanted is not None and node.get("Id") == wanted:
            target = node.get("Target", "")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return None


def _padded_styles(book: zipfile.ZipFile) -> set[bytes]:
    """Return the cell styles whose number format pads with zeros."""
    if "xl/styles.xml" not in book.namelist():
        return set()
    root = ElementTree.fromstring(book.read("xl/styles.xml"))
    formats = {
        node.get("numFmtId")
        for node in root.iter()
        if _local(node.tag) == "numFmt" and _PADDED.fullmatch(node.get("formatCode", ""))
    }
    styles = next((node for node in root if _local(node.tag) == "cellXfs"), None)
    if styles is None or not formats:
        return set()
    return {b"%d" % index for index, node in enumerate(styles) if node.get("numFmtId") in formats}


def _scan(book: zipfile.ZipFile, part: str, header_row: int, skip: int, styles: set[bytes]) -> _Found:
    found = _Found()
    above = True
    for chunk in _chunks(book, part):
        if b"<f" in chunk:
            for match in _PENDING.finditer(chunk):
                place = _REFERENCE.search(match[1])
                if place is not None and int(place[2]) > skip and b't="str"' not in match[1]:
                    found.pending[place[1].decode()].append(int(place[2]))
        # Most worksheets have neither of the rest: then only the pieces up to the header are taken apart.
        if not above and not styles and b't="e"' not in chunk:
            continue
        for match in _CELL.finditer(chunk):
            place = _REFERENCE.search(match[1])
            if place is None or match[1].endswith(b"/"):
                continue
            letters, row = place[1].decode(), int(place[2])
            above = row <= skip
            if row == header_row:
                found.titles.append(letters)
            if above:
                continue
            style = _STYLE.search(match[1])
            number = b"t=" not in match[1] or b't="n"' in match[1]
            if b't="e"' in match[1]:
                found.errors[letters].append(row)
            elif number and style is not None and style[1] in styles:
                found.padded[letters].append(row)
    return found


def _chunks(book: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Read a part of the zip file piece by piece, never cutting a cell in two."""
    with book.open(part) as stream:
        rest = b""
        while block := stream.read(_CHUNK):
            block = rest + block
            end = block.rfind(b"</row>") + 1
            rest = block[end:]
            yield block[:end]
        yield rest


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
