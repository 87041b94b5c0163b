"""Concepts for the terms of a trial: found in every way that is likely, ranked by one number, each with its reason.

Nothing here decides: a suggestion is what a person looks at first.  The number is a product, so that every factor
can be read from the reason:

    score = trust * likeness * way * kind

* ``trust``     1 for the text as it is; less for what was made of it: strength cut off, translated, another wording
                (:mod:`omopify.vocabulary.search.spelling`, :mod:`omopify.vocabulary.suggestion.drugs`)
* ``likeness``  how much the text and the concept's name say the same (:mod:`omopify.vocabulary.suggestion.likeness`)
* ``way``       1 for a standard concept, ``MAPPED`` through 'Maps to', ``BRANDED`` from a brand to its substances
* ``kind``      ``SYNONYM`` if a synonym was met; ``PRODUCT`` for a drug that is no ingredient, because trials are
                mapped to substances; ``STRANGE`` for a domain that the place does not expect

What another trial has agreed on scores ``REMEMBERED`` (``RESEMBLES`` if only the spelling is like), the code of a
concept ``CODED``.  A mixture scores what its worst part scores.  The numbers were set on one half of
``benchmarks/gold`` and are measured on the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.vocabulary.files.concept_rows import ConceptRow
from omopify.vocabulary.search.search import Candidate as Found
from omopify.vocabulary.search.search import retrieve
from omopify.vocabulary.search.spelling import Reading, fold, skeletons
from omopify.vocabulary.suggestion.asking import Ask, Request, parts_of, texts_to_find
from omopify.vocabulary.suggestion.likeness import Likeness, likeness

__all__ = ["Candidate", "Memory", "Request", "Suggestion", "Target", "suggest"]

MAPPED = 0.98
BRANDED = 0.97
SYNONYM = 0.99
PRODUCT = 0.93
STRANGE = 0.6
CODED = 0.97
REMEMBERED = 0.99
RESEMBLES = 0.95
GOOD = 0.75
"""Where nothing scores so much, concepts of domains that do not fit are looked at too."""
LEAST = 0.45
"""Less than this is not worth a look."""
OTHER_MEASURE = 0.6
"""Moles where the unit says mass, and the like."""
INCOMPLETE = 0.9
"""What a mixture is worth of which a part was not found (less, the more parts)."""

_PER_TEXT = 60
_MEASURES = {
    "moles": re.compile(r"\b[mnpuµμf]?mol\b|\[Moles/", re.IGNORECASE),
    "mass": re.compile(r"(?<![^\W\d_])[mnpuµμ]?g/[md]?l\b|\[Mass/", re.IGNORECASE),
    "activity": re.compile(r"(?<![^\W\d_])[muµμ]?k?(?:U|IU|kat)/m?l\b|\[Enzymatic activity/", re.IGNORECASE),
}
_UNIT_SIGNS = re.compile(r"[\[\]{}^*\s]")
_FAVOURED = ("RxNorm", "SNOMED", "LOINC", "UCUM", "RxNorm Extension", "OMOP Genomic", "ICDO3", "Cancer Modifier")


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

    @property
    def best(self) -> Candidate | None:
        """The first candidate, if its concepts are of the domains that the place takes."""
        return next((one for one in self.candidates[:1] if fits(one, self.request)), None)

    @property
    def why(self) -> str:
        """Why the best candidate is one, or what is missing."""
        if self.best:
            return self.best.why
        # concepts of another domain are shown beside, for a person may know better; none of them is a proposal
        domains = " or ".join(self.request.domains)
        return f"nothing found of the domain {domains}" if self.candidates else "nothing found"


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
                Target(row.concept_id, row.concept_name, row.domain_id, mapping_type=row.mapping_type)
                for row in of_term
            )
            for said in of_term[0].said:
                self._said.setdefault(fold(said), []).append((where, targets))
                self._spelt.setdefault(tuple(sorted(skeletons(said))), []).append((where, targets))

    def recall(self, value: str) -> list[Candidate]:
        """Return what was agreed for this value, or for one that is spelt like it; nothing for a mere number."""
        if fold(value).replace(" ", "").isdigit():
            return []
        exactly = self._said.get(fold(value), [])
        found = [Candidate(targets, REMEMBERED, f"approved in {where}") for where, targets in exactly]
        for where, targets in self._spelt.get(tuple(sorted(skeletons(value))), []):
            if (where, targets) not in exactly and len(fold(value)) > 2:
                found.append(Candidate(targets, RESEMBLES, f"a like spelling is approved in {where}"))
        return found


def suggest(
    requests: Sequence[Request], database: DuckDB, memory: Memory | None = None, limit: int = 5
) -> list[Suggestion]:
    """Return suggestions for each request, in the order of the requests.

    Args:
        requests: values with the domains that fit their places.
        database: a vocabulary with its index (:func:`omopify.vocabulary.search.index.open_search`).
        memory: what is agreed elsewhere.
        limit: how many candidates a value gets at most.
    """
    asks = texts_to_find(requests, database)
    found = _found(asks, requests, database, strict=True)
    lost = {number for number, request in enumerate(requests) if request.domains and not _has_good(number, found)}
    for key, some in _found([ask for ask in asks if ask.request in lost], requests, database, strict=False).items():
        found.setdefault(key, []).extend(some)
    for number, part, candidate in _coded(requests, database):
        found.setdefault((number, part), []).append(candidate)
    suggestions = []
    for number, request in enumerate(requests):
        whole = [*found.get((number, -1), ())]
        whole += [one for said in request.said for one in (memory or Memory()).recall(said)]
        parts = [_drugs(ranked(found.get((number, part), ()), request)) for part in range(parts_of(request))]
        if len(parts) > 1 and any(parts):
            whole.append(_mixture(parts))
        suggestions.append(Suggestion(request, tuple(ranked(whole, request)[:limit])))
    return suggestions


def fits(candidate: Candidate, request: Request) -> bool:
    """Say whether a candidate's concepts are of the domains that the place takes."""
    targets = [target for target in candidate.targets if target.mapping_type == "MAPS_TO"]
    return not request.domains or all(target.domain_id in request.domains for target in targets)


def ranked(candidates: Iterable[Candidate], request: Request) -> list[Candidate]:
    """Put candidates in order: one for the same concepts, the best reason first, in the same order every time."""
    best: dict[tuple[int, ...], Candidate] = {}
    for one in candidates:
        judged = replace(one, score=min(one.score, 1.0) * (1.0 if fits(one, request) else STRANGE))
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


def _drugs(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [one for one in candidates if all(target.domain_id == "Drug" for target in one.targets)]


def _has_good(number: int, found: dict[tuple[int, int], list[Candidate]]) -> bool:
    return any(key[0] == number and one.score >= GOOD for key, some in found.items() for one in some)


def _found(
    asks: Sequence[Ask], requests: Sequence[Request], database: DuckDB, strict: bool
) -> dict[tuple[int, int], list[Candidate]]:
    """Look all texts up and return candidates by request and part; *strict* is only in the domains that fit."""
    texts: dict[tuple[str, tuple[str, ...]], list[Ask]] = {}
    for ask in asks:
        texts.setdefault((ask.text, requests[ask.request].domains if strict else ()), []).append(ask)
    keys = list(texts)
    domains = [domains for _, domains in keys]
    hits = retrieve(database, [text for text, _ in keys], per_text=_PER_TEXT, domains=domains) if keys else []
    targets = _targets([hit.concept_id for hit in hits], database)
    rarity = _rarity([text for text, _ in keys], hits, database)
    found: dict[tuple[int, int], list[Candidate]] = {}
    for hit in hits:
        for ask in texts[keys[hit.text]]:
            met, like = _liked(ask.reading.text, hit, rarity)
            said, meant = _measured(requests[ask.request].value), _measured(hit.concept_name)
            other = OTHER_MEASURE if said and meant and said != meant else 1.0
            for how, goals in targets.get(hit.concept_id, {}).items():
                score = ask.reading.trust * like.score * _way(how, goals, met) * other
                if score >= LEAST:
                    why = _why(ask.reading, like, met, how) + ("; not what the unit measures" if other < 1 else "")
                    found.setdefault((ask.request, ask.part), []).append(Candidate(goals, score, why))
    return found


def _rarity(texts: Iterable[str], hits: Iterable[Found], database: DuckDB) -> dict[str, float]:
    """Return how rare the words of texts and names are among the names of the vocabulary."""
    names = {name for hit in hits for name in (hit.matched, hit.concept_name)}
    words = {word for text in (*texts, *map(fold, names)) for word in text.split()}
    return dict(database.rows(render("vocabulary/suggest/rarity.sql"), {"words": sorted(words)}))


def _liked(text: str, hit: Found, rarity: Mapping[str, float]) -> tuple[Found, Likeness]:
    """Say how like a concept is to a text: by the name that was found, or by its own name if that is nearer."""
    like = likeness(text, hit.matched, rarity)
    if hit.kind == "synonym":
        own = likeness(text, hit.concept_name, rarity)
        if own.score >= like.score * SYNONYM:
            return hit._replace(matched=hit.concept_name, kind="name"), own
    return hit, like


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


def _why(reading: Reading, like: Likeness, hit: Found, way: str) -> str:
    # the proposal's own name stands beside the reason and is not said again
    met = f"the synonym '{like.met}'" if hit.kind == "synonym" else "its name" if way == "itself" else ""
    met = met or f"'{like.met}'"
    how_said = {
        "same": "" if reading.why and hit.kind == "name" else f"the same as {met}",
        "respelt": f"another spelling of {met}",
        "turned": f"the words of {met}",
        "misspelt": f"spelt almost like {met}",
        "more": f"part of {met}",
        "less": f"{met} lacks {', '.join(repr(word) for word in like.missing)}",
    }[like.how]
    led = {
        "itself": "",
        "maps to": f"{hit.vocabulary_id} '{hit.concept_name}' maps to it",
        "brand": f"'{hit.concept_name}' is a brand of it",
    }[way]
    return "; ".join(text for text in (reading.why, how_said, led) if text)


def _measured(text: str) -> str:
    """Return what a unit or a name of LOINC says is measured: ``moles``, ``mass``, ``activity`` or nothing."""
    return next((what for what, pattern in _MEASURES.items() if pattern.search(text)), "")


def _coded(requests: Sequence[Request], database: DuckDB) -> list[tuple[int, int, Candidate]]:
    """Return candidates for values that are codes of concepts."""
    asked = [(number, one.value.strip()) for number, one in enumerate(requests) if _may_be_code(one)]
    parameters = {"numbers": [number for number, _ in asked], "texts": [text for _, text in asked]}
    rows = database.rows(render("vocabulary/suggest/codes.sql"), parameters) if asked else []
    targets = _targets([row[1] for row in rows], database)
    found = []
    for number, concept_id, exactly, code, vocabulary in rows:
        if not _same_code(requests[number].value.strip(), code, vocabulary):
            continue
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


def _same_code(text: str, code: str, vocabulary: str) -> bool:
    """Say whether a text is a code; in units every sign counts but brackets ('U/L' is not 'uL')."""
    if vocabulary != "UCUM":
        return True
    return _UNIT_SIGNS.sub("", text.casefold()) == _UNIT_SIGNS.sub("", code.casefold())


def _mixture(parts: Sequence[Sequence[Candidate]]) -> Candidate:
    """Put the best candidate of each part together."""
    best = [part[0] for part in parts if part]
    targets = tuple(dict.fromkeys(target for one in best for target in one.targets))
    score = min(one.score for one in best)
    if len(best) < len(parts):
        score *= INCOMPLETE * (1 + len(best) / len(parts)) / 2
    whys = "; ".join(
        f"part {place} of {len(parts)}: {part[0].why if part else 'not found'}" for place, part in enumerate(parts, 1)
    )
    return Candidate(targets, score, whys)
