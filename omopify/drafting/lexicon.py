"""What the words of forms mean, in the languages of the trials, and how the shared variables are usually called.

The knowledge is in three files of the shared model (``mappings/<model>/drafting``), so that whoever knows a language
can add a word without knowing Python:

* ``words.csv``: words of forms, by what they mean (``onset``, ``debut``, ``Beginn`` are *start*);
* ``variables.csv``: by which of these meanings a shared variable is known, and its names in CDASH and SDTM;
* ``values.csv``: how the values of a value set are spelled.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from omopify.resources import data

Meanings = frozenset[str]

_PIECE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_LETTERS = str.maketrans({"ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ß": "ss", "ł": "l", "đ": "d", "µ": "u", "μ": "u"})
_LONGEST = 4
"""Of how many words a phrase in ``words.csv`` may consist."""
_ALIKE = 87
"""From which likeness (0-100) a long unknown word is taken for a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Variable:
    """How one field of a shared table is known."""

    table: str
    field: str
    role: str
    """``topic`` (of the whole table), ``core`` (without one of these the table is not drafted), ``id`` (the trial's
    number of the row), ``copy`` (of what another table is about) or nothing."""
    phrases: tuple[tuple[str, ...], ...]
    names: frozenset[str]


@dataclass(frozen=True)
class Lexicon:
    """Words and what they mean."""

    words: dict[str, Meanings]
    variables: tuple[Variable, ...] = ()
    values: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """(table, field): spelling, folded, to the value of the value set."""
    _known: dict[str, Meanings] = field(default_factory=dict)

    def meanings(self, text: str) -> Meanings:
        """Return what the words of a header, a label or a file's name mean; words that are not known say nothing."""
        if text not in self._known:
            self._known[text] = self._read(text)
        return self._known[text]

    def topic(self, table: str) -> Meanings:
        """Return all meanings that belong to a table."""
        return frozenset().union(*self.topics.get(table, ()))

    def is_about(self, said: Meanings, table: str) -> bool:
        """Say whether words name a table: one of the phrases by which it is known, as a whole."""
        return any(phrase <= said for phrase in self.topics.get(table, ()))

    def of(self, table: str) -> tuple[Variable, ...]:
        """Return the variables of a table."""
        return tuple(v for v in self.variables if v.table == table and v.field)

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that can be drafted."""
        return tuple(self.topics)

    @cached_property
    def topics(self) -> dict[str, tuple[Meanings, ...]]:
        """Return the phrases by which whole tables are known."""
        return {v.table: tuple(map(frozenset, v.phrases)) for v in self.variables if v.role == "topic"}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.words), default=0)

    def _read(self, text: str) -> Meanings:
        pieces = [piece for piece in _PIECE.findall(_plain(text)) if not piece.isdigit() or len(piece) > 1]
        folded = [piece.lower() for piece in pieces]
        found: set[str] = set()
        at = 0
        while at < len(folded):
            for length in range(min(_LONGEST, len(folded) - at), 0, -1):
                phrase = "_".join(folded[at : at + length])
                joined = "".join(folded[at : at + length])
                known = self.words.get(phrase) or (self.words.get(joined) if length > 1 else None)
                if known:
                    found |= known
                    found |= frozenset().union(*(self.words.get(piece, ()) for piece in folded[at : at + length]))
                    at += length
                    break
            else:
                found |= self._compound(folded[at], code=pieces[at].isupper())
                at += 1
        return frozenset(found)

    def _compound(self, word: str, *, code: bool) -> Meanings:
        """Read ``startdatum`` as start and date, ``AESTDTC`` as adverse and start; a slip of the pen by likeness."""
        shortest = 2 if code else 3
        parts = self._parts(word, shortest)
        if parts:
            return frozenset().union(*(self.words[part] for part in parts))
        if len(word) < 6:
            return frozenset()
        from rapidfuzz import fuzz, process

        near = process.extractOne(word, list(self._long), scorer=fuzz.ratio, score_cutoff=_ALIKE)
        return self.words[near[0]] if near else frozenset()

    @cached_property
    def _long(self) -> tuple[str, ...]:
        return tuple(word for word in self.words if len(word) > 5 and "_" not in word)

    def _parts(self, word: str, shortest: int) -> list[str]:
        """Split a word into known ones, few and long ones first; a letter in five may be left over."""
        best: list[tuple[float, list[str]]] = [(0.0, [])]
        for end in range(1, len(word) + 1):
            cost, parts = best[end - 1]
            choices = [(cost + 1.5, parts)]
            for start in range(max(0, end - self._longest), end - shortest + 1):
                if word[start:end] in self.words:
                    cost, parts = best[start]
                    choices.append((cost + 1, [*parts, word[start:end]]))
            best.append(min(choices, key=lambda choice: choice[0]))
        parts = best[-1][1]
        left = len(word) - sum(map(len, parts))
        return parts if left <= len(word) / 5 else []


def fold(text: str) -> str:
    """Return a text without case, accents and repeated blanks, to compare spellings."""
    return " ".join(_plain(text).lower().split())


def _plain(text: str) -> str:
    spread = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(letter for letter in spread if not unicodedata.combining(letter))


def read_lexicon(model: str, folder: Path | None = None) -> Lexicon:
    """Read the words of a shared model; a model without any gives an empty lexicon, with which nothing is proposed."""
    folder = folder or data("mappings", model, "drafting")
    words: dict[str, Meanings] = {}
    for row in _rows(folder / "words.csv"):
        for word in row["words"].split():
            key = fold(word)
            words[key] = words.get(key, frozenset()) | {row["meaning"]}
    variables = tuple(map(_variable, _rows(folder / "variables.csv")))
    values: dict[tuple[str, str], dict[str, str]] = {}
    for row in _rows(folder / "values.csv"):
        spellings = values.setdefault((row["table"], row["field"]), {})
        spellings |= {fold(spelling): row["value"] for spelling in _listed(row["spellings"])}
    return Lexicon(words, variables, values)


def _variable(row: dict[str, str]) -> Variable:
    phrases = tuple(tuple(phrase.split()) for phrase in _listed(row["phrases"]))
    names = frozenset(name.casefold() for name in row["names"].split())
    return Variable(row["table"], row["field"], row["role"], phrases, names)


def _listed(text: str) -> Iterable[str]:
    return (part.strip() for part in text.split(";") if part.strip())


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
