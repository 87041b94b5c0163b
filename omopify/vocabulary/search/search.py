"""Find concepts by words, names, codes and ids: for a person one text at a time, for programs thousands at once.

A text is found through the words of names and synonyms, ranked by BM25 (Robertson and Zaragoza, The Probabilistic
Relevance Framework, 2009) with a word counted once in a name.  Common words are not looked for but only rank what
the rare ones found, so a question stays fast in a vocabulary with millions of tablets.  A word that the vocabulary
does not have is repaired: by its spelling in other languages, by its nearest neighbours, or by what it begins.

Everything is done by SQL (``sql/vocabulary/search/``) on a connection from
:func:`omopify.vocabulary.search.index.open_search`, in temporary tables of that connection.

Problems:

* OM670  a filter names something that the vocabulary does not have
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems, did_you_mean
from omopify.vocabulary.search.spelling import Reading, readings

_LAST = chr(0x10FFFF)
"""Behind every text that begins with the one before it."""
_SHORTEST_BEGINNING = 3
_LARGEST_ID = 2**31 - 1
_ONE_TEXT = 200_000
"""How many postings are read for the text of a person, and for each of many texts."""
_MANY_TEXTS = 20_000
_LOOKED_AT = 5_000
_AT_ONCE = 20_000_000
"""How many postings are read in one statement, which is what memory must hold."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which concepts are wanted; names as the CDM writes them, empty for any, several for one of them."""

    domains: tuple[str, ...] = ()
    vocabularies: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    standard: bool = False
    """Standard concepts only."""
    valid: bool = True
    """No retired ones."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A concept that was found: ``matched`` is the name, synonym, code or id (``kind``) by which it was.

    ``score`` is between 0 and 1, and says how well it fits in comparison with other hits of the same text.
    ``maps_to`` are the concepts (id, name) to use instead of one that is not standard.
    """

    concept_id: int
    concept_name: str
    domain_id: str
    vocabulary_id: str
    concept_class_id: str
    standard_concept: str | None
    concept_code: str
    invalid_reason: str | None
    matched: str
    kind: str
    score: float
    maps_to: tuple[tuple[int, str], ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the concept is in use (not retired or replaced)."""
        return self.invalid_reason is None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and by what else than the text itself.

    ``corrections`` are the words that the vocabulary does not have, with what was taken for each (nothing: it was
    left out); ``reading`` is the English for a text in another language; ``near`` are words of the vocabulary that
    begin like those of the text, if nothing was found at all.
    """

    hits: tuple[Hit, ...]
    corrections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    reading: Reading | None = None
    near: tuple[str, ...] = ()


class Candidate(NamedTuple):
    """A concept for one of many texts (``text`` counts from 0); ``matched`` is its best name or synonym (``kind``)."""

    text: int
    concept_id: int
    concept_name: str
    matched: str
    kind: str
    score: float
    domain_id: str
    vocabulary_id: str
    concept_class_id: str
    standard_concept: str | None
    concept_code: str
    invalid_reason: str | None


def search(database: DuckDB, text: str, filters: Filters | None = None, limit: int = 20) -> Found:
    """Find concepts for what a person typed: an id, a code, a name, or words of it, the last one perhaps unfinished.

    First come the concept with that id and those with that code, then whole names and synonyms, then codes that
    begin so, then names by their words.  Standard concepts come before others and retired ones last.  An id is
    found whatever the filters say; ``ICD10CM:C50.9`` looks in one vocabulary.
    """
    typed, filters = _of_vocabulary(database, _clean(text), filters or Filters())
    _ask(database, [typed], filters)
    unknown = _words(database)
    reading = _reading(database, typed) if unknown else None
    if unknown:
        _ask(database, [reading.text if reading else typed], filters)
        unknown = _words(database)
        if unknown:
            database.script(_sql("repair.sql.jinja"))
    for (word,) in database.rows(_sql("last_word.sql"), {"shortest": _SHORTEST_BEGINNING}):
        database.script(_sql("begin.sql"), parameters={"word": word})
    _find(database, _ONE_TEXT, _LOOKED_AT, _LOOKED_AT)
    folded, weight, words = database.rows(_sql("asked.sql"))[0]
    code = database.rows(_sql("code.sql"), {"typed": typed})[0][0]
    parameters = {
        "typed": typed,
        "folded": folded,
        "folded_end": _end(folded, len(folded) >= _SHORTEST_BEGINNING),
        "code": code,
        "code_end": _end(code, _may_begin_a_code(typed, code)),
    }
    sql = _sql("hits.sql.jinja", asked_weight=weight, asked_words=words, id=_id(typed), limit=limit)
    hits = _with_targets(database, _as_written(database, [Hit(*row) for row in database.rows(sql, parameters)]))
    if hits and hits[0].kind in ("id", "code"):
        return Found(tuple(hits))
    corrections = database.rows(_sql("corrections.sql")) if unknown else []
    near = () if hits else tuple(word for (word,) in database.rows(_sql("near.sql")))
    return Found(tuple(hits), tuple((word, tuple(taken or ())) for word, taken in corrections), reading, near)


def exact(database: DuckDB, texts: Sequence[str], filters: Filters | None = None) -> list[Candidate]:
    """Find all names and synonyms that are the same as one of the texts but for case, accents and punctuation."""
    _ask(database, [_clean(text) for text in texts], filters or Filters())
    database.script(_sql("exact.sql"))
    return _candidates(database)


def retrieve(
    database: DuckDB,
    texts: Sequence[str],
    per_text: int = 200,
    filters: Filters | None = None,
    domains: Sequence[Sequence[str]] = (),
) -> list[Candidate]:
    """Find candidates for many texts at once, at most *per_text* for each, by the words of names and synonyms.

    *domains* says for each text which domains are wanted (in the order of *texts*; an empty one wants any).  The
    result is in the order of the texts, the best first; a text of which no word is known has none.
    """
    _ask(database, [_clean(text) for text in texts], filters or Filters(), domains)
    if _words(database):
        database.script(_sql("repair.sql.jinja"))
    _find(database, _MANY_TEXTS, per_text * 4, per_text, by_text=any(domains))
    return _candidates(database)


def similar_tokens(database: DuckDB, tokens: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return (asked, word of the vocabulary, slips of the pen between them) for words that may be misspelt.

    At most five for each, the nearest first; words that only sound alike in another language have 0 slips.
    """
    asked = [_clean(token) for token in tokens]
    return [(a, b, int(slips)) for a, b, slips in database.rows(_sql("similar.sql.jinja"), {"words": asked})]


def check_filters(database: DuckDB, filters: Filters, problems: Problems) -> Filters:
    """Return the filters as the vocabulary writes them (case does not matter); note names that it does not have."""

    def known(what: str, column: str, names: Iterable[str]) -> tuple[str, ...]:
        there = [str(name) for (name,) in database.rows(_sql("facets.sql.jinja", column=column))] if names else []
        by_fold = {name.casefold(): name for name in there}
        for name in names:
            if name.casefold() not in by_fold:
                some = f"it has {', '.join(there[:20])}{' ...' if len(there) > 20 else ''}"
                hint = "; ".join(filter(None, (did_you_mean(name, there), some)))
                problems.add("OM670", f"no concept of this vocabulary file is of {what} '{name}'", None, hint)
        return tuple(by_fold.get(name.casefold(), name) for name in names)

    return replace(
        filters,
        domains=known("domain", "domain_id", filters.domains),
        vocabularies=known("vocabulary", "vocabulary_id", filters.vocabularies),
        classes=known("concept class", "concept_class_id", filters.classes),
    )


def _of_vocabulary(database: DuckDB, text: str, filters: Filters) -> tuple[str, Filters]:
    """Take the name of a vocabulary before a colon out of the text and into the filters."""
    name, colon, rest = text.partition(":")
    if not colon or not rest.strip():
        return text, filters
    known = {str(v).casefold(): str(v) for (v,) in database.rows(_sql("facets.sql.jinja", column="vocabulary_id"))}
    vocabulary = known.get(name.strip().casefold())
    return (rest.strip(), replace(filters, vocabularies=(vocabulary,))) if vocabulary else (text, filters)


def _reading(database: DuckDB, text: str) -> Reading | None:
    """Return another way to say the text of which the vocabulary has all words."""
    others = [reading for reading in readings(text) if reading.why]
    if others:
        _ask(database, [reading.text for reading in others], Filters())
        _words(database)
        complete = database.rows(_sql("complete.sql"))
        return others[complete[0][0]] if complete else None
    return None


def _ask(database: DuckDB, texts: list[str], filters: Filters, domains: Sequence[Sequence[str]] = ()) -> None:
    database.script(_sql("ask.sql"), parameters={"texts": texts})
    pairs = [(text, domain) for text, some in enumerate(domains) for domain in some]
    parameters = {"texts": [text for text, _ in pairs], "domains": [domain for _, domain in pairs]} if pairs else None
    database.script(_sql("filters.sql.jinja", filters=filters, by_text=bool(pairs)), parameters=parameters)
    database.script(_sql("prepare.sql"))


def _words(database: DuckDB) -> bool:
    """Look the words of the texts up; say whether there are any that no name has."""
    database.script(_sql("words.sql"))
    return bool(database.rows(_sql("unknown.sql"))[0][0])


def _find(database: DuckDB, budget: int, keep: int, limit: int, by_text: bool = False) -> None:
    database.script(_sql("seeds.sql.jinja", budget=budget))
    database.script(_sql("cut.sql.jinja", budget=budget, by_text=by_text))
    for first, last in _portions(database.rows(_sql("postings.sql"))):
        sql = _sql("find.sql.jinja", first=first, last=last, keep=keep, limit=limit, by_text=by_text)
        database.script(sql, "searching")


def _portions(postings: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Cut the texts into runs that together read as many postings as memory can hold."""
    portions: list[tuple[int, int]] = []
    so_far = 0
    for text, number in postings:
        if portions and so_far + number <= _AT_ONCE:
            portions[-1] = (portions[-1][0], text)
            so_far += number
        else:
            portions.append((text, text))
            so_far = number
    return portions


def _candidates(database: DuckDB) -> list[Candidate]:
    return [Candidate(*row) for row in database.rows(_sql("candidates.sql"))]


def _as_written(database: DuckDB, hits: list[Hit]) -> list[Hit]:
    """Put the synonyms by which concepts were found as the vocabulary writes them."""
    found = [hit for hit in hits if hit.kind == "synonym"]
    if not found:
        return hits
    parameters = {"ids": [hit.concept_id for hit in found], "folded": [hit.matched for hit in found]}
    written = dict(database.rows(_sql("synonyms.sql"), parameters))
    return [replace(hit, matched=written[hit.concept_id]) if hit.kind == "synonym" else hit for hit in hits]


def _with_targets(database: DuckDB, hits: list[Hit]) -> list[Hit]:
    others = [hit.concept_id for hit in hits if hit.standard_concept != "S"]
    targets: dict[int, list[tuple[int, str]]] = {}
    for concept_id, target_id, name in database.rows(_sql("targets.sql"), {"ids": others}) if others else ():
        targets.setdefault(concept_id, []).append((target_id, name))
    return [replace(hit, maps_to=tuple(targets.get(hit.concept_id, ()))) for hit in hits]


def _end(text: str, begins: bool) -> str:
    """Return what is behind all texts that are *text*, or that only begin so if that is wanted."""
    return text + (_LAST if begins else " ") if text else ""


def _clean(text: str) -> str:
    """Return a text that the database takes: what came as broken bytes from a command line is no letter."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def _id(text: str) -> int | None:
    digits = text.strip()
    short = digits.isascii() and digits.isdigit() and len(digits) <= len(str(_LARGEST_ID))
    return int(digits) if short and int(digits) <= _LARGEST_ID else None


def _may_begin_a_code(typed: str, code: str) -> bool:
    """Say whether codes are wanted that only begin so: not for words, and not for plain numbers, which begin many."""
    some_digit = any(c.isdigit() for c in code)
    return some_digit and not typed.strip().isdigit() and " " not in typed.strip() and len(code) >= _SHORTEST_BEGINNING


def _sql(name: str, **values: object) -> str:
    return render(f"vocabulary/search/{name}", **values)
