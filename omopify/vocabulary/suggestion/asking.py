"""Which texts are looked for on behalf of a value: itself, and everything that it may be saying.

A value is read in other languages and wordings, without remarks and units, as a product without its strength, and
as the parts of a mixture.  What is looked for is written with the words of the vocabulary, so that a rare word of
another language is not missed because the vocabulary happens to have it somewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.vocabulary.search.spelling import Reading, readings, skeleton
from omopify.vocabulary.suggestion.drugs import product

SHORTENED = 0.97
"""What a text is worth without its brackets or its unit."""
SPECIMENS = ((" in serum or plasma", 0.97), (" in blood", 0.965))
"""What a laboratory test is measured in if its name does not say it, and what saying so is worth."""

_LONG_ENOUGH = 6
"""Skeletons in which a slip of the pen is looked for."""
_RARER = 20
"""A word is also taken for its other spelling if that is so many times as common in the vocabulary."""
_BRACKETS = re.compile(r"\s*[(\[][^)\]]*[)\]]")
_UNIT_BEHIND = re.compile(r"\s+(?:%|\S+/\S+|10\^\d+\S*|[mnpuµμf]?(?:mol|g|l)|fmol\S*|iu|ratio|1)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """A value that wants a concept: how many rows say it, and the domains that fit its place (any if empty).

    ``others`` are other texts for it, such as the name that goes with a code.
    """

    value: str
    rows: int = 0
    domains: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def said(self) -> tuple[str, ...]:
        """Everything that is said for it."""
        return (self.value, *self.others)


@dataclass(frozen=True, slots=True)
class Ask:
    """One text that is looked for on behalf of a request; ``part`` is the place in a mixture, -1 for the whole.

    ``text`` is what is looked for: the reading, perhaps in the vocabulary's spelling.
    """

    request: int
    part: int
    reading: Reading
    text: str


def texts_to_find(requests: Sequence[Request], database: DuckDB) -> list[Ask]:
    """Return everything that is to be looked for on behalf of the requests."""
    return _respelt([ask for number, one in enumerate(requests) for ask in _asked(number, one)], database)


def parts_of(request: Request) -> int:
    """Return of how many substances a request's value consists, as far as its text says; 0 if it is no drug."""
    return len(product(request.value).parts) if _is_drug(request) else 0


def _is_drug(request: Request) -> bool:
    return not request.domains or "Drug" in request.domains


def _shortened(text: str, request: Request) -> list[Reading]:
    """Return a text without remarks: what is in brackets, and the unit of a laboratory test."""
    bare = _BRACKETS.sub(" ", text)
    found = [Reading(bare, SHORTENED, "without the brackets")] if bare.strip() and bare != text else []
    if "Measurement" in request.domains:
        plain = _UNIT_BEHIND.sub("", bare)
        found += [Reading(plain, SHORTENED, "without its unit")] if plain.strip() and plain != bare else []
    return found


def _asked(number: int, request: Request) -> list[Ask]:
    """Return every text that may be found for a request."""
    texts = [reading for said in request.said for reading in (Reading(said), *_shortened(said, request))]
    wholes = [
        Reading(other.text, text.trust * other.trust, "; ".join(why for why in (text.why, other.why) if why))
        for text in texts
        for other in readings(text.text)
    ]
    found = [Ask(number, -1, reading, reading.text) for reading in wholes]
    for reading in wholes if request.domains == ("Measurement",) else ():
        for specimen, worth in SPECIMENS:
            said = Reading(
                reading.text + specimen, reading.trust * worth, f"{reading.why}; {specimen.strip()}".strip("; ")
            )
            found.append(Ask(number, -1, said, said.text))
    parts = product(request.value).parts if _is_drug(request) else ()
    for place, part in enumerate(parts):
        for cleaned in part:
            for reading in readings(cleaned.text):
                why = "; ".join(text for text in (cleaned.why, reading.why) if text)
                other = Reading(reading.text, cleaned.trust * reading.trust, why)
                found.append(Ask(number, place if len(parts) > 1 else -1, other, other.text))
    best: dict[tuple[int, str], Ask] = {}
    for ask in found:
        key = (ask.part, ask.reading.text)
        if key not in best or ask.reading.trust > best[key].reading.trust:
            best[key] = ask
    return list(best.values())


def _respelt(asks: list[Ask], database: DuckDB) -> list[Ask]:
    """Add texts in the vocabulary's own spelling, where its words differ from those that were asked."""
    words = {word for ask in asks for word in ask.reading.text.split() if word.isalpha()}
    bones = sorted({skeleton(word) for word in words})
    spellings: dict[str, list[tuple[str, int]]] = {}
    for key, token, entries in database.rows(render("vocabulary/suggest/respelt.sql"), {"skeletons": bones}):
        spellings.setdefault(key, []).append((token, entries))
    unknown = [key for key in bones if key not in spellings and len(key) >= _LONG_ENOUGH]
    nearly = dict(database.rows(render("vocabulary/suggest/nearly.sql"), {"skeletons": unknown})) if unknown else {}

    def usual(word: str) -> str:
        if skeleton(word) in nearly:
            return str(nearly[skeleton(word)])
        others = spellings.get(skeleton(word), [])
        own = dict(others).get(word, 0)
        return others[0][0] if others and others[0][1] > own * _RARER else word

    more = []
    for ask in asks:
        text = " ".join(usual(word) for word in ask.text.split())
        if text != ask.text:
            more.append(replace(ask, text=text))
    return asks + more
