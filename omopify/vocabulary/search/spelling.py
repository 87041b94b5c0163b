"""How one word is spelt in the languages of the trials, and what words of these languages mean in English.

Vocabularies are English; exports are not.  Two ideas bring them together, both kept as data in ``vocab/spelling/``:

* A *skeleton* is what a word keeps in every language: ``deksametasoni``, ``dexametason`` and ``dexamethasone`` have
  one.  Names of substances and of diseases are Greek and Latin words that each language spells by its own habits, so
  rules for these habits (``rules.csv``) do what a dictionary of every name would.  The same rules are a macro of the
  database, so that all words of a vocabulary get their skeletons at once.
* Words that share no letters with English (``kvalme``, ``rinta``, ``vähk``) are looked up (``words.csv``), compounds
  of them taken apart.  English wordings that differ between MedDRA, CTCAE and SNOMED, and names of substances that
  differ between Europe and RxNorm, are looked up in the same way.

A :class:`Reading` is another way to say the same thing, with what it is worth and why.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from omopify.compiler.render import render
from omopify.resources import data

LANGUAGES = {
    "no": "Norwegian",
    "sv": "Swedish",
    "da": "Danish",
    "fi": "Finnish",
    "nl": "Dutch",
    "fr": "French",
    "pt": "Portuguese",
    "et": "Estonian",
    "lt": "Lithuanian",
}
"""The languages of the trials: the columns of ``words.csv``."""

TRANSLATED = 0.96
"""What a translation is worth against the word itself: a dictionary may choose another sense."""
REWORDED = 0.97
"""What another English wording is worth."""

_SHORTEST = 4
"""Words of fewer letters are their own skeleton: too little is left of them."""
_LONGEST_PHRASE = 5
_WORD = re.compile(r"[^\W_]+")
_ROMAN = re.compile(r"\b(type|grade|stage|class|factor|phase|typ|grad) (i{1,3}|iv|v)\b")
_ARABIC = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5"}
_JOINING = "joining word"


@dataclass(frozen=True, slots=True)
class Rule:
    """One habit of spelling: ``pattern`` (a regular expression of RE2) becomes ``replacement``."""

    pattern: str
    replacement: str
    literal: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A text that says what another one says; ``trust`` is 1 for the text itself, less for what was made of it."""

    text: str
    trust: float = 1.0
    why: str = ""


@dataclass
class _Language:
    """One column of ``words.csv``: phrases by their folded words and by their skeletons, and parts of compounds."""

    phrases: dict[tuple[str, ...], str] = field(default_factory=dict)
    joining: set[str] = field(default_factory=set)
    fronts: dict[str, str] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)

    def add(self, form: str, english: str, joins: bool) -> None:
        words = tuple(fold(form).split())
        if form.startswith("-"):
            self.ends.setdefault(words[0], english)
        elif form.endswith("-"):
            self.fronts.setdefault(words[0], english)
        else:
            self.phrases.setdefault(words, english)
            self.phrases.setdefault(tuple(skeleton(word) for word in _words(form)), english)
            if joins:
                self.joining.add(words[0])


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Return a text without case, accents and punctuation: its words between single blanks.

    >>> fold("Tumour, høyre (β)")
    'tumour hoyre beta'
    """
    lower = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    for rule in _rules()[0]:
        lower = lower.replace(rule.pattern, rule.replacement)
    bare = "".join(c for c in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(c))
    words = " ".join(_WORD.findall(bare))
    return _ROMAN.sub(lambda found: f"{found[1]} {_ARABIC[found[2]]}", words)


@lru_cache(maxsize=65536)
def skeleton(word: str) -> str:
    """Return what a word has in common with its spellings in other languages; the rules are in ``rules.csv``.

    A word that is short or has digits is only folded.  Letters with dots and rings say more than without, so give
    the word as it is written.

    >>> {skeleton(word) for word in ("Morfin", "morfiini", "morfinas", "morphine")}
    {'morfin'}
    """
    if len(word) < _SHORTEST or not word.isalpha():
        return fold(word)
    found = unicodedata.normalize("NFC", word.casefold())
    accents = True
    for rule, compiled in _rules()[1]:
        if accents and rule.pattern.isascii():
            found, accents = fold(found), False
        found = found.replace(rule.pattern, rule.replacement) if rule.literal else compiled.sub(rule.replacement, found)
    return found if len(found) >= _SHORTEST - 1 else fold(word)


def skeletons(text: str) -> tuple[str, ...]:
    """Return the skeletons of the words of a text, in their order."""
    return tuple(skeleton(word) for word in _words(text))


def macros() -> str:
    """Return the rules as SQL: the TEMP macro ``o_skeleton(word)`` for words as a vocabulary has them.

    It does what :func:`skeleton` does for a word that is already in lower case and without accents.
    """
    rules = [rule for rule, _ in _rules()[1] if rule.pattern.isascii()]
    return render("vocabulary/spelling.sql.jinja", rules=rules, shortest=_SHORTEST)


def readings(text: str) -> list[Reading]:
    """Return the text (folded) and everything else that it may be saying in English, the most trusted first."""
    found = {fold(text): Reading(fold(text))}

    def add(reading: Reading) -> None:
        known = found.get(reading.text)
        if reading.text and (known is None or reading.trust > known.trust):
            found[reading.text] = reading

    for reading in _translated(text):
        add(reading)
    for reading in list(found.values()):
        for other in _reworded(reading):
            add(other)
    return sorted(found.values(), key=lambda reading: (-reading.trust, reading.text))


def mixture(text: str) -> tuple[str, ...]:
    """Return the substances of a mixture that has a name of its own (``co-trimoxazole``); empty if it is none."""
    said = _tables()[1].get(skeletons(text), "")
    return tuple(fold(name) for name in said.split("/")) if "/" in said else ()


def _translated(text: str) -> Iterator[Reading]:
    """Yield the text in English by the words of each language that knows one of its words."""
    written = _words(text)
    for code, language in _tables()[0].items():
        english, known = _put(written, language)
        if known:
            folded = fold(" ".join(english))
            share = known / len(written)
            yield Reading(folded, TRANSLATED * (0.8 + 0.2 * share), f"{LANGUAGES[code]} for '{folded}'")


def _put(written: Sequence[str], language: _Language) -> tuple[list[str], int]:
    """Return the words in English where the language has them, and how many of them it has (joining words apart)."""
    folded = [fold(word) for word in written]
    bones = [skeleton(word) for word in written]
    english: list[str] = []
    known, place = 0, 0
    while place < len(written):
        for length in range(min(_LONGEST_PHRASE, len(written) - place), 0, -1):
            part = slice(place, place + length)
            meaning = language.phrases.get(tuple(folded[part])) or language.phrases.get(tuple(bones[part]))
            if meaning is not None:
                known += length if length > 1 or folded[place] not in language.joining else 0
                break
        else:
            length = 1
            meaning = _compound(folded[place], language)
            known += meaning is not None
        english.append(meaning if meaning is not None else " ".join(folded[place : place + length]))
        place += length
    return [word for word in english if word], known


def _compound(word: str, language: _Language) -> str | None:
    """Return the English of a compound whose parts the language has ('spyttkjertel' + 'kreft'), or None."""
    for cut in range(len(word) - 2, 2, -1):
        front, end = word[:cut], word[cut:]
        if end not in language.ends:
            continue
        site = language.fronts.get(front) or language.fronts.get(front.removesuffix("s"))
        site = site or language.phrases.get((front,))
        if site is not None:
            return f"{site} {language.ends[end]}"
    return None


def _reworded(reading: Reading) -> Iterator[Reading]:
    """Yield other English wordings: names of substances, terms of MedDRA and CTCAE, and the word order of SNOMED."""
    _, wordings, phrases = _tables()
    queue = [reading]
    seen = {reading.text}
    for current in queue:
        for text, why in (*_substituted(current.text, wordings), *_rephrased(current.text, phrases)):
            # a wording of a wording of a wording is no longer what was said
            if text not in seen and len(queue) < 12 and current.trust > reading.trust * REWORDED**2:
                seen.add(text)
                step = Reading(text, current.trust * REWORDED, "; ".join(part for part in (reading.why, why) if part))
                queue.append(step)
                yield step


def _substituted(text: str, wordings: dict[tuple[str, ...], str]) -> Iterator[tuple[str, str]]:
    words = text.split()
    bones = [skeleton(word) for word in words]
    for length in range(min(_LONGEST_PHRASE, len(words)), 0, -1):
        for place in range(len(words) - length + 1):
            other = wordings.get(tuple(bones[place : place + length]))
            said = " ".join(words[place : place + length])
            # 'hemoglobin in blood' must not become 'hemoglobin in blood in blood'
            if other is not None and "/" not in other and fold(other) not in text:
                whole = fold(" ".join((*words[:place], other, *words[place + length :])))
                yield whole, f"'{said}' is '{other}'"


def _rephrased(text: str, phrases: Sequence[tuple[re.Pattern[str], str]]) -> Iterator[tuple[str, str]]:
    for pattern, english in phrases:
        other, count = pattern.subn(english, text)
        if count and other != text:
            yield other, f"as '{other}'"


def _words(text: str) -> list[str]:
    """Split a text into its words as they are written (letters with accents stay)."""
    return _WORD.findall(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))


@cache
def _rules() -> tuple[tuple[Rule, ...], tuple[tuple[Rule, re.Pattern[str]], ...]]:
    """Return the rules for folding, and those for skeletons."""
    folding, bones = [], []
    for row in _rows("rules.csv"):
        rule = Rule(row["pattern"], row["replacement"], row["pattern"].isalpha())
        if row["use"] == "fold":
            folding.append(rule)
        else:
            bones.append((rule, re.compile(rule.pattern)))
    return tuple(folding), tuple(bones)


@cache
def _tables() -> tuple[dict[str, _Language], dict[tuple[str, ...], str], tuple[tuple[re.Pattern[str], str], ...]]:
    """Return the languages, the English wordings by their skeletons, and the patterns of phrases."""
    languages = {code: _Language() for code in LANGUAGES}
    for row in _rows("words.csv"):
        for code, language in languages.items():
            for form in filter(None, row[code].split("|")):
                language.add(form, row["english"], row["note"] == _JOINING)
    wordings: dict[tuple[str, ...], str] = {}
    for name, key, value in (("drug_names.csv", "name", "rxnorm"), ("english.csv", "term", "english")):
        for row in _rows(name):
            wordings.setdefault(skeletons(row[key]), row[value])
    phrases = tuple((re.compile(row["pattern"]), row["english"]) for row in _rows("phrases.csv"))
    return languages, wordings, phrases


def _rows(name: str) -> list[dict[str, str]]:
    with data("vocab", "spelling", name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
