"""From the bytes of a text file to UTF-8, without guessing silently."""

from __future__ import annotations

import codecs

from omopify.staging.table import CONTROLS, Note, Unreadable

# The longer mark first: UTF-32-LE begins like UTF-16-LE.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DELETE = CONTROLS.encode()
_HINT = "set 'encoding' of this source, e.g. utf-8, cp1252, utf-16-le"


def to_utf8(data: bytes, encoding: str | None, *, complete: bool = True) -> tuple[bytes, list[Note]]:
    """Return *data* as UTF-8 without byte order mark.

    Args:
        data: the file's bytes, or its first bytes.
        encoding: the encoding that the user set; None = byte order mark, UTF-8, Windows-1252.
        complete: False if *data* may end inside a character.

    Raises:
        Unreadable: if the bytes do not fit the encoding, or if no encoding fits them.
    """
    mark, marked = next(((m, name) for m, name in _MARKS if data.startswith(m)), (b"", None))
    body = data[len(mark) :]
    notes: list[Note] = []
    if encoding is not None:
        declared = codecs.lookup(encoding).name
        if declared == "iso8859-1":
            # As on the web: nobody means the control characters that Latin-1 has in place of the euro sign.
            declared = "cp1252"
        if marked and declared.replace("-sig", "") not in {marked, marked[:6]}:
            notes.append(
                Note(
                    "OM412",
                    f"encoding '{encoding}' is set, but the file starts with the mark of {marked}, which is used",
                    "correct 'encoding' of this source or leave it out",
                    "warning",
                )
            )
            declared = marked
        elif marked:
            declared = marked
        return _decoded(body, declared, complete), notes
    if marked:
        return _decoded(body, marked, complete), notes
    if body[:4096].count(0) > len(body[:4096]) // 10:
        raise Unreadable(
            Note(
                "OM411",
                "the file looks like UTF-16 without a byte order mark, or is no text at all",
                "set 'encoding' of this source to utf-16-le or utf-16-be, or check its 'format'",
            )
        )
    try:
        return _decoded(body, "utf-8", complete), notes
    except Unreadable as trouble:
        return _windows(body, complete, trouble)


def without_controls(data: bytes) -> bytes:
    """Return UTF-8 text without the control characters that staging removes."""
    if any(data.find(code) >= 0 for code in _DELETE):
        return data.translate(None, _DELETE)
    return data


def _decoded(data: bytes, encoding: str, complete: bool) -> bytes:
    if encoding == "utf-8" and data.isascii():
        return data
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        text = decoder.decode(data, complete)
        return data if encoding == "utf-8" and complete else text.encode()
    except UnicodeError as error:
        row = ""
        if isinstance(error, UnicodeDecodeError) and encoding in {"utf-8", "cp1252"}:
            row = f", first in line {data.count(10, 0, error.start) + 1}"
        raise Unreadable(Note("OM411", f"the file holds bytes that are not {encoding}{row}", _HINT)) from None


def _windows(data: bytes, complete: bool, trouble: Unreadable) -> tuple[bytes, list[Note]]:
    # A UTF-8 file with a few broken bytes must not turn into a cp1252 file full of nonsense letters.
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    letters = sum(ch > "\x7f" for ch in text[:2_000_000])
    if letters > 2 * broken:
        raise trouble
    try:
        decoded = _decoded(data, "cp1252", complete)
    except Unreadable:
        raise trouble from None
    note = Note(
        "OM412",
        "the file is not UTF-8 and is read as Windows-1252 (Western European)",
        "set 'encoding: cp1252' of this source if that is right",
        "warning",
    )
    return decoded, [note]
