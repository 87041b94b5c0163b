"""How much two names say the same thing: a number that a person can follow, and words for it.

The text of a trial (the query) is laid beside the name of a concept, word by word.  Words count by what they say:
rare ones more than those that many names have, joining words, what LOINC puts in brackets and remarks behind a name
little.  Each word of one side finds its
best partner on the other: the same word counts 1, another spelling of it nearly as much (same skeleton, see
:mod:`omopify.vocabulary.search.spelling`), a slip of the pen less (Damerau-Levenshtein), an abbreviation less still.

With R, the share of the query's weight that found a partner, and P, the share of the name's,

    likeness = R * (1 - A + A * P)

so a name that lacks a word of the query loses more than one that has a word too many (A = 0.55): a text of a trial
says at least what is meant, and vocabularies add what is usual.  Same words in another order lose ``TURNED``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter

from rapidfuzz.distance import DamerauLevenshtein

from omopify.vocabulary.search.spelling import fold, skeleton

SURPLUS = 0.55
"""A: how much a word matters that only the name has."""
RESPELT = 0.98
"""What another spelling of a word counts."""
SLIP = 0.95
"""What a misspelt word counts, times its similarity."""
COMMON = 0.25
"""What the commonest words count."""
SIMILAR = 0.8
"""Words less similar than this are different words, and so are those that begin with different letters: slips of the
pen keep the first letter, and names of substances are alike behind it on purpose (lansoprazole, pantoprazole)."""
BEGUN = 0.75
"""What the beginning of a word counts (at least four letters of it)."""
TURNED = 0.99
"""Another order of the words."""
LISTED = 0.93
"""One name of a list of names (LOINC's synonyms are such lists)."""

_SHORTEST_FUZZY = 5
_LITTLE = 0.12
_NUMBER = 0.7
_IDLE = frozenset(
    "of the and or in on to with by for at from nos unspecified other not otherwise elsewhere classified "
    "disorder disease finding measurement procedure disorders diseases structure".split()
)
_HALF = frozenset(("primary",))
_TAIL = re.compile(
    r"\s*\[[^\]]*\].*$|\s+\((?:[a-z /]+)\)$|,\s*(?:NOS|disease|unspecified)\b.*$"
    r"|\s+in (?:serum or plasma|serum|plasma|blood)$",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Likeness:
    """``score`` from 0 to 1; ``how``: ``same``, ``respelt``, ``turned``, ``misspelt``, ``more`` or ``less``.

    ``less`` is a name that lacks words of the query (``missing``), ``more`` one that has others besides.
    """

    score: float
    how: str
    missing: tuple[str, ...] = ()
    met: str = ""
    """Of a list of names the one that is meant; else the name."""


@dataclass(frozen=True, slots=True)
class _Text:
    words: tuple[str, ...]
    bones: tuple[str, ...]
    weights: tuple[float, ...]
    total: float


def likeness(query: str, name: str, rarity: Mapping[str, float] | None = None) -> Likeness:
    """Return how much a name says what the query says.

    Args:
        query: words, folded or not.
        name: a concept's name or synonym, as the vocabulary writes it.
        rarity: for folded words, how rare they are in the vocabulary (0 to 1); a word without one counts fully.
    """
    if ";" in name:
        parts = [likeness(query, part, rarity) for part in name.split(";") if part.strip()]
        best = max(parts, key=lambda one: one.score)
        return replace(best, score=best.score * LISTED, met=best.met.strip())
    asked, offered = _weighed(_text(query), rarity), _weighed(_text(name), rarity)
    if asked.words == offered.words:
        return Likeness(1.0, "same", (), name)
    if max(_text(query).weights, default=0) <= _LITTLE or not offered.total:
        # 'other' and 'unspecified' are like a thousand names
        return Likeness(0.0, "less", (), name)
    pairs = _pairs(asked, offered)
    recall = sum(asked.weights[left] * worth for left, _, worth in pairs) / asked.total
    precision = sum(offered.weights[right] * worth for _, right, worth in pairs) / offered.total
    score = recall * (1 - SURPLUS + SURPLUS * precision)
    told = {left for left, _, _ in pairs}
    missing = [
        word
        for place, (word, weight) in enumerate(zip(asked.words, _text(query).weights, strict=True))
        if weight > _LITTLE and place not in told
    ]
    if missing:
        return Likeness(score, "less", tuple(missing), name)
    places = [right for _, right, _ in sorted(pairs)]
    turned = places != sorted(places)
    worst = min((worth for _, _, worth in pairs), default=0.0)
    whole = len({right for _, right, _ in pairs} | _idle(offered)) == len(offered.words)
    how = "misspelt" if worst < RESPELT else "more" if not whole else "respelt" if worst < 1 else "turned"
    return Likeness(score * (TURNED if turned else 1), how, (), name)


def _weighed(text: _Text, rarity: Mapping[str, float] | None) -> _Text:
    if not rarity:
        return text
    weights = tuple(
        weight * max(rarity.get(word, 1.0), COMMON) for word, weight in zip(text.words, text.weights, strict=True)
    )
    return _Text(text.words, text.bones, weights, sum(weights))


def _pairs(asked: _Text, offered: _Text) -> list[tuple[int, int, float]]:
    """Return which word of the query goes with which of the name, and what that counts; each word is taken once."""
    worths = [
        (worth, -abs(left - right), left, right)
        for left in range(len(asked.words))
        for right in range(len(offered.words))
        if (worth := _worth(asked.words[left], offered.words[right], asked.bones[left], offered.bones[right]))
    ]
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    pairs = []
    for worth, _, left, right in sorted(worths, key=itemgetter(0, 1), reverse=True):
        if left not in taken_left and right not in taken_right:
            taken_left.add(left)
            taken_right.add(right)
            pairs.append((left, right, worth))
    return pairs


def _idle(text: _Text) -> set[int]:
    return {place for place, word in enumerate(text.words) if word in _IDLE}


@lru_cache(maxsize=262144)
def _worth(left: str, right: str, left_bones: str, right_bones: str) -> float:
    if left == right:
        return 1.0
    if left_bones == right_bones:
        return RESPELT
    shorter, longer = sorted((left, right), key=len)
    if len(shorter) >= _SHORTEST_FUZZY and shorter.isalpha() and longer.isalpha() and left_bones[0] == right_bones[0]:
        same = max(
            DamerauLevenshtein.normalized_similarity(left_bones, right_bones),
            DamerauLevenshtein.normalized_similarity(left, right),
        )
        if same >= SIMILAR:
            return float(SLIP * same)
    return BEGUN if len(shorter) >= _SHORTEST_FUZZY - 1 and longer.startswith(shorter) else 0.0


@lru_cache(maxsize=65536)
def _text(text: str) -> _Text:
    head = _TAIL.sub("", text) or text
    kept = len(fold(head).split())
    words, bones, weights = [], [], []
    for number, word in enumerate(fold(text).split()):
        words.append(word)
        bones.append(skeleton(word))
        little = number >= kept or word in _IDLE
        weights.append(_LITTLE if little else _NUMBER if word.isdigit() or word in _HALF else 1.0)
    return _Text(tuple(words), tuple(bones), tuple(weights), sum(weights))
