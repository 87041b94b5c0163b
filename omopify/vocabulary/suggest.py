"""Concepts for the terms of a trial: found in every way that is likely, ranked by one number, each with its reason.

Nothing here decides: a suggestion is what a person looks at first.  The number is a product, so that every factor
can be read from the reason:

    score = trust * likeness * way * kind

* ``trust``     1 for the text as it is; less for what was made of it: strength cut off, translated, another wording
                (:mod:`omopify.vocabulary.spelling`, :mod:`omopify.vocabulary.drugs`)
* ``likeness``  how much the text and the concept's name say the same (:mod:`omopify.vocabulary.likeness`)
* ``way``       1 for a standard concept, ``MAPPED`` through 'Maps to', ``BRANDED`` from a brand to its substances
* ``kind``      ``SYNONYM`` if a synonym was met; ``PRODUCT`` for a drug that is no ingredient, because trials are
                mapped to substances; ``STRANGE`` for a domain that the place does not expect

What another trial has agreed on scores ``REMEMBERED`` (``RESEMBLES`` if only the spelling is like), the code of a
concept ``CODED``.  A mixture scores what its worst part scores.  The numbers were set on one half of
``benchmarks/gold`` and are measured on the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.vocabulary.concept_rows import ConceptRow
from omopify.vocabulary.drugs import product
from omopify.vocabulary.likeness import likeness
from omopify.vocabulary.search import Candidate as Found
from omopify.vocabulary.search import retrieve
from omopify.vocabulary.spelling import Reading, fold, readings, skeleton, skeletons

MAPPED = 0.98
BRANDED = 0.97
SYNONYM = 0.99
PRODUCT = 0.93
STRANGE = 0.7
CODED = 0.97
REMEMBERED = 0.99
RESEMBLES = 0.95
LEAST = 0.4
"""Less than this is not worth a look."""
INCOMPLETE = 0.8
"""What a mixture is worth of which a part was not found."""

_PER_TEXT = 60
_RARER = 20
"""A word is also taken for its other spelling if that is so many times as common in the vocabulary."""
_FAVOURED = ("RxNorm", "SNOMED", "LOINC", "UCUM", "RxNorm Extension", "OMOP Genomic", "ICDO3", "Cancer Modifier")


@dataclass(frozen=True, slots=True)
class Request:
    """A value that wants a concept: how many rows say it, and the domains that fit its place (any if empty)."""

    value: str
    rows: int = 0
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A standard concept, and the part it has in a mapping (Usagi's mapping type)."""

    concept_id: int
    name: str
    domain_id: str
    vocabulary_id: str = ""
    concept_class_id: str = ""
    mapping_type: str = "MAPS_TO"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a value may mean: one concept, or several together (a mixture); ``score`` 0 to 1, ``why`` for people."""

    targets: tuple[Target, ...]
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value with its candidates, the best first; none if nothing was found."""

    request: Request
    candidates: tuple[Candidate, ...]


@dataclass
class Memory:
    """What other concept files have agreed on."""

    _said: dict[str, list[tuple[str, tuple[Target, ...]]]] = field(default_factory=dict)
    _spelt: dict[tuple[str, ...], list[tuple[str, tuple[Target, ...]]]] = field(default_factory=dict)

    def learn(self, rows: Iterable[ConceptRow], where: str) -> None:
        """Take the approved rows of a file; ``where`` is what the reason calls the file."""
        terms: dict[tuple[str, str], list[ConceptRow]] = {}
        for row in rows:
            if row.status == "APPROVED" and row.concept_id:
                terms.setdefault(row.term, []).append(row)
        for of_term in terms.values():
            targets = tuple(
                Target(row.concept_id, row.concept_name, row.domain_id, mapping_type=row.mapping_type) for row in of_term
            )
            for said in of_term[0].said:
                self._said.setdefault(fold(said), []).append((where, targets))
                self._spelt.setdefault(tuple(sorted(skeletons(said))), []).append((where, targets))

    def recall(self, value: str) -> list[Candidate]:
        """Return what was agreed for this value, or for one that is spelt like it."""
        exactly = self._said.get(fold(value), [])
        found = [Candidate(targets, REMEMBERED, f"approved in {where}") for where, targets in exactly]
        for where, targets in self._spelt.get(tuple(sorted(skeletons(value))), []):
            if (where, targets) not in exactly and len(fold(value)) > 2:
                found.append(Candidate(targets, RESEMBLES, f"a like spelling is approved in {where}"))
        return found


@dataclass(frozen=True, slots=True)
class _Ask:
    """One text that is looked for on behalf of a request; ``part`` is the place in a mixture, -1 for the whole.

    ``text`` is what is looked for: the reading, perhaps in the vocabulary's spelling.
    """

    request: int
    part: int
    reading: Reading
    text: str


def suggest(
    requests: Sequence[Request], database: DuckDB, memory: Memory | None = None, limit: int = 5
) -> list[Suggestion]:
    """Return suggestions for each request, in the order of the requests.

    Args:
        requests: values with the domains that fit their places.
        database: a vocabulary with its index (:func:`omopify.vocabulary.search_index.open_search`).
        memory: what is agreed elsewhere.
        limit: how many candidates a value gets at most.
    """
    asks = _respelt([ask for number, one in enumerate(requests) for ask in _asked(number, one)], database)
    found = _found(asks, requests, database)
    for number, part, candidate in _coded(requests, database):
        found.setdefault((number, part), []).append(candidate)
    suggestions = []
    for number, request in enumerate(requests):
        whole = [*found.get((number, -1), ()), *(memory or Memory()).recall(request.value)]
        parts = [_drugs(ranked(found.get((number, part), ()), request)) for part in range(_parts(request))]
        if len(parts) > 1 and any(parts):
            whole.append(_mixture(parts))
        suggestions.append(Suggestion(request, tuple(ranked(whole, request)[:limit])))
    return suggestions


def ranked(candidates: Iterable[Candidate], request: Request) -> list[Candidate]:
    """Put candidates in order: one for the same concepts, the best reason first, in the same order every time."""
    best: dict[tuple[int, ...], Candidate] = {}
    for one in candidates:
        strange = request.domains and any(
            target.domain_id not in request.domains for target in one.targets if target.mapping_type == "MAPS_TO"
        )
        judged = replace(one, score=min(one.score, 1.0) * (STRANGE if strange else 1.0))
        key = tuple(sorted(target.concept_id for target in one.targets))
        known = best.get(key)
        if known is None or (judged.score, -len(judged.why), judged.why) > (known.score, -len(known.why), known.why):
            best[key] = judged
    kept = [one for one in best.values() if one.score >= LEAST]
    return sorted(kept, key=lambda one: (-round(one.score, 4), _rank(one.targets[0]), *_ids(one)))


def _rank(target: Target) -> tuple[int, int, int]:
    favoured = _FAVOURED.index(target.vocabulary_id) if target.vocabulary_id in _FAVOURED else len(_FAVOURED)
    return int(target.concept_class_id != "Ingredient"), favoured, len(target.name)


def _ids(candidate: Candidate) -> tuple[int, ...]:
    return tuple(target.concept_id for target in candidate.targets)


def _is_drug(request: Request) -> bool:
    return not request.domains or "Drug" in request.domains


def _parts(request: Request) -> int:
    return len(product(request.value).parts) if _is_drug(request) else 0


def _drugs(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [one for one in candidates if all(target.domain_id == "Drug" for target in one.targets)]


def _asked(number: int, request: Request) -> list[_Ask]:
    """Return every text that may be found for a request."""
    found = [_Ask(number, -1, reading, reading.text) for reading in readings(request.value)]
    parts = product(request.value).parts if _is_drug(request) else ()
    for place, part in enumerate(parts):
        for cleaned in part:
            for reading in readings(cleaned.text):
                why = "; ".join(text for text in (cleaned.why, reading.why) if text)
                other = Reading(reading.text, cleaned.trust * reading.trust, why)
                found.append(_Ask(number, place if len(parts) > 1 else -1, other, other.text))
    best: dict[tuple[int, str], _Ask] = {}
    for ask in found:
        key = (ask.part, ask.reading.text)
        if key not in best or ask.reading.trust > best[key].reading.trust:
            best[key] = ask
    return list(best.values())


def _respelt(asks: list[_Ask], database: DuckDB) -> list[_Ask]:
    """Add texts in the vocabulary's own spelling, where its words differ from those that were asked."""
    words = {word for ask in asks for word in ask.reading.text.split() if word.isalpha()}
    bones = sorted({skeleton(word) for word in words})
    spellings: dict[str, list[tuple[str, int]]] = {}
    for key, token, entries in database.rows(render("vocabulary/suggest/respelt.sql"), {"skeletons": bones}):
        spellings.setdefault(key, []).append((token, entries))

    def usual(word: str) -> str:
        others = spellings.get(skeleton(word), [])
        own = dict(others).get(word, 0)
        return others[0][0] if others and others[0][1] > own * _RARER else word

    more = []
    for ask in asks:
        text = " ".join(usual(word) for word in ask.text.split())
        if text != ask.text:
            more.append(replace(ask, text=text))
    return asks + more


def _found(
    asks: Sequence[_Ask], requests: Sequence[Request], database: DuckDB
) -> dict[tuple[int, int], list[Candidate]]:
    """Look all texts up and return candidates by request and part."""
    texts: dict[tuple[str, tuple[str, ...]], list[_Ask]] = {}
    for ask in asks:
        texts.setdefault((ask.text, requests[ask.request].domains), []).append(ask)
    keys = list(texts)
    hits = retrieve(database, [text for text, _ in keys], per_text=_PER_TEXT)
    targets = _targets([hit.concept_id for hit in hits], database)
    found: dict[tuple[int, int], list[Candidate]] = {}
    for hit in hits:
        for ask in texts[keys[hit.text]]:
            like = likeness(ask.reading.text, hit.matched)
            for how, goals in targets.get(hit.concept_id, {}).items():
                score = ask.reading.trust * like.score * _way(how, goals, hit)
                if score >= LEAST:
                    why = _why(ask.reading, like.how, hit, how)
                    found.setdefault((ask.request, ask.part), []).append(Candidate(goals, score, why))
    return found


def _targets(ids: Sequence[int], database: DuckDB) -> dict[int, dict[str, tuple[Target, ...]]]:
    """Return for each concept what may be used instead, by the way that leads there."""
    rows = database.rows(render("vocabulary/suggest/targets.sql"), {"ids": sorted(set(ids))})
    found: dict[int, dict[str, tuple[Target, ...]]] = {}
    for concept_id, how, *target in rows:
        ways = found.setdefault(concept_id, {})
        ways[how] = (*ways.get(how, ()), Target(*target))
    return found


def _way(how: str, targets: tuple[Target, ...], hit: Found) -> float:
    worth = {"itself": 1.0, "maps to": MAPPED, "brand": BRANDED}[how]
    if hit.kind == "synonym":
        worth *= SYNONYM
    if any(target.domain_id == "Drug" and target.concept_class_id != "Ingredient" for target in targets):
        worth *= PRODUCT
    return worth


def _why(reading: Reading, how: str, hit: Found, way: str) -> str:
    met = f"the synonym '{hit.matched}'" if hit.kind == "synonym" else f"'{hit.matched}'"
    same = "the same name" if hit.kind == "name" else f"the same as {met}"
    how_said = {
        "same": same if not reading.why else "",
        "respelt": f"another spelling of {met}",
        "turned": f"the words of {met}",
        "misspelt": f"spelt almost like {met}",
        "partly": f"much like {met}",
    }[how]
    led = {
        "itself": "",
        "maps to": f"{hit.vocabulary_id} '{hit.concept_name}' maps to it",
        "brand": f"'{hit.concept_name}' is a brand of it",
    }[way]
    return "; ".join(text for text in (reading.why, how_said, led) if text)


def _coded(requests: Sequence[Request], database: DuckDB) -> list[tuple[int, int, Candidate]]:
    """Return candidates for values that are codes of concepts."""
    asked = [(number, one.value.strip()) for number, one in enumerate(requests) if _may_be_code(one)]
    parameters = {"numbers": [number for number, _ in asked], "texts": [text for _, text in asked]}
    rows = database.rows(render("vocabulary/suggest/codes.sql"), parameters) if asked else []
    targets = _targets([row[1] for row in rows], database)
    found = []
    for number, concept_id, exactly, code, vocabulary in rows:
        for how, goals in targets.get(concept_id, {}).items():
            worth = {"itself": 1.0, "maps to": MAPPED, "brand": BRANDED}[how]
            why = f"the code {code} of {vocabulary}" + ("" if how == "itself" else ", which maps to it")
            found.append((number, -1, Candidate(goals, (1.0 if exactly else CODED) * worth, why)))
    return found


def _may_be_code(request: Request) -> bool:
    """Say whether a value may be a code: units are; else it has a digit, and five of them if it has nothing else."""
    text = request.value.strip()
    if request.domains and set(request.domains) <= {"Unit"}:
        return bool(text)
    digits = sum(c.isdigit() for c in text)
    return 2 < len(text) <= 30 and " " not in text and digits > (0 if any(c.isalpha() for c in text) else 4)


def _mixture(parts: Sequence[Sequence[Candidate]]) -> Candidate:
    """Put the best candidate of each part together."""
    best = [part[0] for part in parts if part]
    targets = tuple(dict.fromkeys(target for one in best for target in one.targets))
    score = min(one.score for one in best)
    if len(best) < len(parts):
        score *= INCOMPLETE * len(best) / len(parts)
    whys = "; ".join(
        f"part {place} of {len(parts)}: {part[0].why if part else 'not found'}" for place, part in enumerate(parts, 1)
    )
    return Candidate(targets, score, whys)
