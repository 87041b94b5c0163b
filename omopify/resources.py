"""Where the files lie that ship with omopify: mappings, vocabulary, SQL and quality suites.

In a wheel they are inside the package (``omopify/_data``); in a checkout or an editable install they
are the top-level folders of the repository.  The packaged place is asked first, so that a neighbour in
``site-packages`` that happens to be called ``sql`` can never win.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Kind = Literal["mappings", "vocab", "sql", "quality"]

_PACKAGE = Path(__file__).resolve().parent


def data(kind: Kind, *parts: str) -> Path:
    """Return the path of a shipped file or folder, e.g. ``data("sql", "cdm", "fields.csv")``.

    omopify is never run from a zip file, so a plain path is enough (and DuckDB needs one).
    """
    packaged = _PACKAGE / "_data" / kind
    root = packaged if packaged.is_dir() else _PACKAGE.parent / kind
    return root.joinpath(*parts)
