"""Reads SAS data sets: transport files (XPT) and SAS7BDAT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyreadstat

from omopify.staging.table import ROW, Head, Note, Table, Unreadable, reading, trim
from omopify.staging.typed import to_text

_READERS: dict[str, Callable[..., Any]] = {"xpt": pyreadstat.read_xport, "sas7bdat": pyreadstat.read_sas7bdat}
_KINDS = {"xpt": "a SAS transport file", "sas7bdat": "a SAS data set (sas7bdat)"}
_HINT = "export it again, or set 'format' of this source"
_XPT_START = b"HEADER RECORD*******"


def read_head(path: Path, kind: str, encoding: str | None) -> Head:
    """Return column names and labels from the file's metadata.

    Raises:
        Unreadable: if it is no such file.
    """
    _, meta = _opened(path, kind, encoding, metadata=True)
    return _head(meta)


def read(path: Path, kind: str, encoding: str | None) -> Table:
    """Read a whole file; *kind* is xpt or sas7bdat.

    Raises:
        Unreadable: if it is no such file or is cut off.
    """
    frame, meta = _opened(path, kind, encoding, metadata=False)
    head = _head(meta)
    with reading(_KINDS[kind], _HINT):
        text = to_text(frame).with_row_index(ROW, 1).with_columns(pl.col(ROW).cast(pl.Int64))
    return Table(head, text)


def _opened(path: Path, kind: str, encoding: str | None, *, metadata: bool) -> tuple[pl.DataFrame, Any]:
    if kind == "xpt":
        with path.open("rb") as file:
            known = file.read(len(_XPT_START)) == _XPT_START
        # Transport files consist of cards of 80 bytes; the reader does not notice a lost end.
        if not known or path.stat().st_size % 80:
            what = "is cut off" if known else "is no SAS transport file"
            raise Unreadable(Note("OM407", f"the file {what}", _HINT))
    with reading(_KINDS[kind], _HINT, say=pyreadstat.ReadstatError):
        return _READERS[kind](  # type: ignore[no-any-return]
            path, metadataonly=metadata, encoding=encoding, output_format="polars"
        )


def _head(meta: Any) -> Head:
    names = [trim(name) for name in meta.column_names]
    if not names:
        raise Unreadable(Note("OM410", "the file has no columns", "check the file"))
    return Head(names, [trim(label) for label in meta.column_labels])
