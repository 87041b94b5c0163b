"""What the terminal at hand can show: its letters, its colours, its width.

On Windows what goes into a pipe or a file is written in a code page (cp1252, cp850), which has no arrows and no
lines.  A sign that it lacks is written with those it has, and no output ever ends in a UnicodeEncodeError.
"""

from __future__ import annotations

import codecs
import os
import sys
from pathlib import Path
from typing import TextIO

_SPELT = {
    "\u2190": "<-", "\u2192": "->", "\u2194": "<->", "\u21d2": "=>",  # arrows
    "\u00b7": "-", "\u2022": "*", "\u2026": "...", "\u2013": "-", "\u2014": "-", "\u2212": "-",  # dots and dashes
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"',  # quotes
    "\u2264": "<=", "\u2265": ">=", "\u2260": "<>", "\u00d7": "x", "\u2713": "ok", "\u2717": "x",  # signs
    "\u00a0": " ", "\u2009": " ", "\u202f": " ",  # blanks
}  # fmt: skip
_HORIZONTAL, _VERTICAL, _BLOCKS = "─━╌╍═╴╶╸╺", "│┃║╵╷", "█▇▆▅▄▃▂▁▌▐"
_PIPE_WIDTH = 120


def _spelt(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding has no sign for with signs that every encoding has: a handler of ``codecs``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_ascii(sign) for sign in error.object[error.start : error.end]), error.end


def _ascii(sign: str) -> str:
    if sign in _SPELT:
        return _SPELT[sign]
    if sign in _HORIZONTAL:
        return "-"
    if sign in _VERTICAL:
        return "|"
    if "\u2500" <= sign <= "\u257f":
        return "+"
    return "#" if sign in _BLOCKS else "?"


codecs.register_error("omopify", _spelt)


def make_streams_safe() -> None:
    """Let standard output and standard error spell the signs that their encoding lacks, and be there at all."""
    # A service or a cron job may start a program with its streams closed.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a stream of a test may be of another kind
        if reconfigure and not is_unicode(stream):
            reconfigure(errors="omopify")


def is_unicode(stream: TextIO) -> bool:
    """Say whether a stream takes every sign."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def colours() -> bool | None:
    """Say whether the user wants colours; None if that is for the terminal to say.

    NO_COLOR is as https://no-color.org has it, and wins over FORCE_COLOR.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def width(stream: TextIO) -> int | None:
    """Return how wide lines may be; None if the terminal (or the variable COLUMNS) says so itself."""
    return None if stream.isatty() or os.environ.get("COLUMNS", "").isdigit() else _PIPE_WIDTH
