"""What substances a text names: ``Morfin 40 mg/ml, Metoklopramid 5 mg/ml`` two, ``Mekinist (Trametinib)`` one.

Concomitant medication is free text: brand or substance, strength, form, route and packaging in any order and
language.  A concept for the substance is what the maps want, so everything else is cut away, step by step, and every
step is a reading of its own: what is cut too much or too little is seen by the reader and costs trust.  The words
that are cut are data (``vocab/spelling/product_words.csv``).
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache

from omopify.resources import data
from omopify.vocabulary.search.spelling import Reading, fold, mixture

CLEANED = 0.99
"""What a text without strength and form is worth against the whole text."""
BRACKETED = 0.99
"""What a name in brackets is worth: ``Mekinist (Trametinib)``."""
UNSALTED = 0.97
"""What a substance without its salt is worth: the salt is another (precise) ingredient."""

_STRENGTH = re.compile(
    r"""(?<![^\W_])\d+(?:[.,]\d+)?\s*%?\s*                       # 7,5
        (?:(?:x\s*)?(?:mill|mio)\.?\s*)?                          # 5 mill. IE
        (?:mg|mcg|µg|μg|ug|g|gr|kg|ng|ml|cl|dl|l|mmol|mol|iu|ie|ui|mu|u|e|ke|gy|mbq|enheter|units?|(?<=%))(?![^\W\d_])
        (?:\s*/\s*(?:\d+(?:[.,]\d+)?\s*)?                         # /5 ml
           (?:ml|l|g|kg|mg|t|h|hr|time|timer|hour|dose|dosis|dos|dag|d[øo]gn|day|m2|24\s*h)(?![^\W\d_]))?""",
    re.VERBOSE | re.IGNORECASE,
)
_BRACKETS = re.compile(r"[(\[]([^)\]]*)[)\]]?")
_COUNTRY = re.compile(r"/\s*[A-Za-z]{2,3}\s*/")
_WITH = re.compile(r"(?<![^\W_])w\s*/", re.IGNORECASE)
_SIGNS = re.compile(r"[,;+&]|(?<=[^\W\d_])\s*/\s*(?=[^\W\d_])|\s[/\u2013-]\s|(?<=[^\W\d_]{6})-(?=[^\W\d_]{6})")
"""What may stand between two substances; a hyphen only between long words (``nab-paclitaxel`` is one name)."""
_NAME_WITH_NUMBER = re.compile(
    r"\b(vitamin|factor|faktor|macrogol|makrogol|peg|polyethylene glycol|omega|penicillin)\b"
)
_ATTACHED = re.compile(r"(?<![^\W_])(\d+)-(?=[^\W\d_])")
_ABBREVIATED = re.compile(r"\b(?:i v|s c|i m|p o|e c|no \d+|as(?= \w+))(?= |$)")


@dataclass(frozen=True, slots=True)
class Product:
    """A text as the readings of each of its substances; one part if it names one (or does not say that it has more)."""

    parts: tuple[tuple[Reading, ...], ...]


def product(text: str) -> Product:
    """Take a product's text apart.

    >>> [part[0].text for part in product("Morfin 40 mg/ml, Metoklopramid 5 mg/ml").parts]
    ['morfin', 'metoklopramid']
    >>> [[reading.text for reading in part] for part in product("Mekinist (Trametinib)").parts]
    [['trametinib', 'mekinist']]
    """
    inner = [found.strip() for found in _BRACKETS.findall(text)]
    outer = _COUNTRY.sub(" ", _WITH.sub(" + ", _BRACKETS.sub(" ", text)))
    names = [part for piece in _pieces(outer) if (name := _cleaned(piece)) for part in mixture(name) or (name,)]
    bracketed = [name for content in inner for piece in _pieces(content) if (name := _cleaned(piece))]
    bracketed = [name for name in bracketed if not set(name.split()) <= _words()["salt"]]
    if len(names) > 1:
        return Product(tuple(_named(name) for name in names))
    if len(bracketed) > 1:
        # the brand of a mixture, with its substances in brackets
        return Product(tuple(_named(name) for name in bracketed))
    found: dict[str, Reading] = {}
    for name, trust, why in (
        *((name, BRACKETED, "the name in brackets") for name in bracketed),
        *((name, CLEANED, "without strength and form") for name in names),
    ):
        for reading in _named(name, trust, why):
            found.setdefault(reading.text, reading)
    return Product((tuple(found.values()),) if found else ())


def _pieces(text: str) -> list[str]:
    """Cut a text where another substance may begin, with strengths taken out first (their commas are no joints)."""
    cut: list[str] = []
    for piece in _SIGNS.split(_STRENGTH.sub(" ", text)):
        words: list[str] = []
        whole = piece.split()
        for place, word in enumerate(whole):
            # the last word joins nothing: 'Vitamin E'
            if fold(word) in _words()["joiner"] and words and place + 1 < len(whole):
                cut.append(" ".join(words))
                words = []
            else:
                words.append(word)
        cut.append(" ".join(words))
    return [piece for piece in cut if piece.strip()]


def _cleaned(piece: str) -> str:
    """Return the words of a piece that may be a name, folded."""
    table = _words()
    noise = table["unit"] | table["form"] | table["route"] | table["noise"]
    kept = set(_ATTACHED.findall(piece))
    folded = _ABBREVIATED.sub(" ", fold(piece))
    if _NAME_WITH_NUMBER.search(folded):
        words = [word for word in folded.split() if word not in noise or len(word) == 1]
    else:
        words = [word for word in folded.split() if word not in noise and (word in kept or not word.isdigit())]
    return " ".join(words) if any(len(word) > 1 and not word.isdigit() for word in words) else ""


def _named(name: str, trust: float = CLEANED, why: str = "without strength and form") -> tuple[Reading, ...]:
    """Return a name, and the name without its salt."""
    readings = [Reading(name, trust, why)]
    words = name.split()
    bare = [word for word in words if word not in _words()["salt"]]
    # 'potassium chloride' consists of nothing else; 'sodium' in front of a name belongs to it as often as not
    if bare and len(bare) < len(words):
        readings.append(Reading(" ".join(bare), trust * UNSALTED, "without its salt"))
    return tuple(readings)


@cache
def _words() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    with data("vocab", "spelling", "product_words.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["kind"], set()).update(fold(word) for word in row["word"].split())
    return {kind: frozenset(words) for kind, words in found.items()}
