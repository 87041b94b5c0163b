"""What a cell looks like with all its digits made alike: dates, times and numbers are told by their shape.

A column of a million different dates has one shape (``9999-99-99``), so that shapes are worked on and not cells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Precision = Literal["year", "month", "day", "minute", "second"]

_WORDS = (
    "na n/a n.a. n.a n/k nk n.k. nd n/d ni unk un ukn uk unknown null nil nan none. missing . .. - -- --- ? ?? ???",
    "* x xx #n/a #null! #value! #name? #ref! ukjent okänd ukendt unbekannt inconnu <na> (blank) (null) --.--.----",
    "unk-unk-unk unk-unk-unkn un-unk-unkn nk-nk-nk nk/nk/nk un-un-un",
)
_PHRASES = (
    "not known, not done, not available, not applicable, not reported, not recorded, not evaluable, "
    "vet ikke, ikke kjent, ikke aktuelt, ikke utført, ej känt"
)
MISSING = frozenset(" ".join(_WORDS).split()) | frozenset(_PHRASES.split(", "))
"""Spellings that mean 'nothing here' in exports, in small letters."""

YES_NO = (
    {"yes", "no"},
    {"y", "n"},
    {"ja", "nei"},
    {"ja", "nej"},
    {"ja", "nein"},
    {"ja", "nee"},
    {"j", "n"},
    {"oui", "non"},
    {"true", "false"},
    {"t", "f"},
    {"0", "1"},
    {"checked", "unchecked"},
)

_MONTHS = (
    "january february march april may june july august september october november december "
    "januar februar mars mai juni juli oktober desember dezember december januari februari maart mei augusti augustus "
    "maj marts märz "
    "jan feb mar apr jun jul aug sep sept oct okt nov dec des dez mrz mrt"
).split()
_FULL = frozenset(_MONTHS[:12])
_SHORT = frozenset("jan feb mar apr may jun jul aug sep oct nov dec".split())
MONTH_NUMBER = {
    word: number
    for number, words in enumerate(
        (
            "january januar januari jan",
            "february februar februari feb",
            "march mars maart marts märz mar mrz mrt",
            "april apr",
            "may mai mei maj",
            "june juni jun",
            "july juli jul",
            "august augusti augustus aug",
            "september sep sept",
            "october oktober oct okt",
            "november nov",
            "december desember dezember dec des dez",
        ),
        1,
    )
    for word in words.split()
}

_MON = "(?:" + "|".join(sorted(set(_MONTHS), key=len, reverse=True)) + ")"
_GONE = r"(?:nk|un|unk|unkn|uk|ukn|uu|na|nd|xx|xxx|xxxx|x|\?{1,4}|-{1,2}|\*{1,4})"
_TIME = (
    r"(?P<time>[t ]+(?:99?[:.]99(?:[:.]99(?:[.,]9+)?)?(?:\s?[ap]\.?m\.?)?|nk:nk|un:un|unk:unk))?(?P<zone>z|[+-]99:?99)?"
)
_SEP = r"(?P<sep>\. |, ?|[-./ ])"
_DATES = (
    ("ymd", re.compile(rf"(?P<y>9999|{_GONE}){_SEP}(?P<m>99?|{_MON}|{_GONE})(?P=sep)(?P<d>99?|{_GONE}){_TIME}")),
    ("dmy", re.compile(rf"(?P<d>99?|{_GONE}){_SEP}(?P<m>99?|{_MON}|{_GONE})(?P=sep)(?P<y>9999|99){_TIME}")),
    ("dmy", re.compile(rf"(?P<d>99?|{_GONE})(?P<sep>)(?P<m>{_MON}|{_GONE})(?P<y>9999|99){_TIME}")),
    ("mdy", re.compile(rf"(?P<m>{_MON})(?P<sep>[- .]+)(?P<d>99?),? (?P<y>9999){_TIME}")),
    ("dmy", re.compile(rf"(?P<d>99?)(?P<sep>\. )(?P<m>{_MON}) (?P<y>9999){_TIME}")),
    ("ym", re.compile(r"(?P<y>9999)(?P<sep>[-/])(?P<m>99)")),
    ("my", re.compile(rf"(?P<m>99|{_MON})(?P<sep>[-/])(?P<y>9999)")),
    ("my", re.compile(rf"(?P<m>{_MON})(?P<sep> )(?P<y>9999)")),
    ("y-d", re.compile(r"(?P<y>9999)(?P<sep>---)(?P<d>99)")),
)
_CLOCK = re.compile(r"99?:99(?::99(?:[.,]9+)?)?(?:\s?[ap]\.?m\.?)?")
_NUMBER = re.compile(
    r"(?P<cmp><=|>=|=<|=>|[<>≤≥~=])?\s*(?P<sign>[+\-\N{MINUS SIGN}])?\s*"
    r"(?P<num>9{1,3}(?:(?P<th>[ '\u2019\xa0\u202f])999)(?:(?P=th)999)*(?:[.,]9+)?"
    r"|9{1,3}(?:,999){2,}(?:\.9+)?|9{1,3}(?:\.999){2,}(?:,9+)?|9{1,3},999\.9+|9{1,3}\.999,9+"
    r"|9+(?P<mark>[.,])9*|(?P<lead>[.,])9+|9+)(?P<exp>e[+-]?9{1,3})?"
    r"(?P<unit>\s*(?:[%°µμa-z][a-z9µμ%°/²³^.*\-()\[\]{}_]{0,14})?)"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a shape means.

    ``kind`` is date, time, number or text; ``order`` is that of a date's parts (ymd, dmy, mdy, ym, my, y, compact);
    ``open`` says that day and month are both numbers in an order that only values can tell.
    """

    kind: str
    format: str = ""
    precision: Precision = "day"
    order: str = ""
    open: bool = False
    timed: bool = False
    mark: str = ""
    decimals: int = 0
    comparator: bool = False
    unit: str = ""
    thousands: str = ""
    scientific: bool = False


TEXT = Shape("text")


@lru_cache(maxsize=50_000)
def meaning(shape: str) -> Shape:
    """Say what a shape is: *shape* is a trimmed cell in small letters with every digit written as 9."""
    if not 0 < len(shape) <= 48:
        return TEXT
    return _date(shape) or _clock(shape) or _number(shape) or TEXT


def _date(shape: str) -> Shape | None:
    for order, pattern in _DATES:
        match = pattern.fullmatch(shape)
        if match is None:
            continue
        parts = match.groupdict()
        year, month, day = parts.get("y"), parts.get("m"), parts.get("d")
        known = [part for part in (year, month, day) if part and (part.startswith("9") or part in MONTH_NUMBER)]
        if not known or not (year or "").startswith("9"):
            continue
        if "".join(filter(None, (month, day))).strip("-") == "" and "-" in (parts["sep"] or ""):
            continue
        precision: Precision = "day"
        if not _is_known(month):
            precision = "year"
        elif not _is_known(day):
            precision = "month"
        time, seconds = _time_format(parts.get("time") or "")
        if time and precision == "day" and "%H" in time:
            precision = "second" if seconds else "minute"
        opened = order == "dmy" and bool(month) and bool(day) and str(month)[0] == "9" and str(day)[0] == "9"
        text = _written(order, parts) + time + ("%z" if parts.get("zone") else "")
        return Shape("date", text, precision, order, opened, timed="%H" in time)
    return None


def _is_known(part: str | None) -> bool:
    return bool(part) and (str(part)[0] == "9" or part in MONTH_NUMBER)


def _written(order: str, parts: dict[str, str | None]) -> str:
    """Write a date's shape as a format; unknown parts stay as they are, in capitals."""
    codes = {"y": "%Y" if parts.get("y") == "9999" else "%y", "d": "%d"}
    month = parts.get("m") or ""
    codes["m"] = "%m" if month.startswith("9") else "%B" if month in _FULL - _SHORT else "%b"
    sep = parts.get("sep") or ""
    if order == "y-d":
        return f"%Y{sep}%d"
    written = []
    for letter in order:
        part = parts.get(letter) or ""
        written.append(codes[letter] if _is_known(part) else part.upper())
    if order == "mdy":
        return f"{written[0]} {written[1]}, {written[2]}"
    if sep == ". " and codes["m"] != "%m":
        return f"%d. {codes['m']} %Y"
    return sep.join(written)


def _time_format(time: str) -> tuple[str, bool]:
    if not time:
        return "", False
    start = "T" if time.startswith("t") else " "
    body = time.lstrip("t ")
    if not body.startswith("9"):
        return start + body.upper(), False
    half = "m" in body
    clock = body.rstrip("apm. ")
    mark = "." if "." in clock and ":" not in clock else ":"
    pieces = clock.replace(",", ".").split(mark)
    text = mark.join(("%I" if half else "%H", "%M", "%S.%f" if "." in pieces[-1] else "%S")[: len(pieces)])
    return start + text.replace("%I", "%H") + (" %p" if half else ""), len(pieces) > 2


def _clock(shape: str) -> Shape | None:
    if _CLOCK.fullmatch(shape) is None:
        return None
    text, seconds = _time_format("t" + shape)
    return Shape("time", text[1:], "second" if seconds else "minute", timed=True)


def _number(shape: str) -> Shape | None:
    match = _NUMBER.fullmatch(shape)
    if match is None:
        return None
    number = match["num"]
    unit = match["unit"].strip()
    if unit and number.endswith((".", ",")):
        return None
    if unit and re.fullmatch(_MON, unit.rstrip("9. ")):
        return None
    dots, commas = number.count("."), number.count(",")
    thousands, mark = match["th"] or "", ""
    if dots and commas:
        mark = "." if number.rfind(".") > number.rfind(",") else ","
        thousands = "," if mark == "." else "."
    elif dots > 1 or commas > 1:
        thousands = "." if dots else ","
    elif dots or commas:
        mark = "." if dots else ","
    decimals = len(number.rpartition(mark)[2]) if mark else 0
    return Shape(
        "number",
        mark=mark,
        decimals=decimals,
        comparator=bool(match["cmp"]),
        unit=unit,
        thousands=thousands,
        scientific=bool(match["exp"]),
    )
