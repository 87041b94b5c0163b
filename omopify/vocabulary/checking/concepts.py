"""Hold the concepts that a project names against the vocabulary: one query for each question, over all of them.

Problems:

* OM640  a concept id that the vocabulary does not have
* OM641  an id and a name that belong to two different concepts
* OM642  a name that is not the concept's
* OM643  a code that is not the concept's
* OM644  a concept that is no longer (or not yet) valid
* OM645  a concept that is not standard
* OM646  a concept of a domain that does not fit its place
* OM647  a column that says another domain than the concept's
* OM648  a column that says another vocabulary than the concept's
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from rapidfuzz.distance import DamerauLevenshtein

from omopify import cdm
from omopify.compiler.fields import fold
from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.errors import Location, Problem
from omopify.vocabulary.checking.repair import Finding, RowRepair, ScalarRepair
from omopify.vocabulary.checking.uses import CODE, DOMAIN, ID, NAME, VOCABULARY, Use
from omopify.vocabulary.files.local import LocalConcept

_PARTS = {"Meas": "Measurement", "Obs": "Observation"}
_FILLERS = frozenset("nos of the disorder finding procedure".split())
_METADATA = ("Concept Class", "Domain", "None", "Relationship", "Vocabulary")
"""Vocabularies whose concepts stand for the model's own things and are never standard."""


class Known(NamedTuple):
    """A concept as the vocabulary has it."""

    concept_id: int
    name: str
    domain: str
    vocabulary: str
    standard: str | None
    code: str
    start: date
    end: date
    invalid: str | None

    def __str__(self) -> str:
        """Write it as a map does."""
        return f"{self.concept_id} {self.name}"


class Other(NamedTuple):
    """Another concept than the one that is named: what may be meant, or what takes its place."""

    concept_id: int
    name: str
    domain: str
    vocabulary: str = ""
    code: str = ""
    direct: bool = False
    """For a replacement: 'Maps to' leads straight to it."""
    valued: bool = False
    """For a replacement: it says a part only, and 'Maps to value' of the old concept the rest."""

    def __str__(self) -> str:
        """Write it as a map does."""
        return f"{self.concept_id} {self.name}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the vocabulary says of all uses."""

    known: dict[int, Known]
    agreeing: set[tuple[int, str]]
    """Ids and names that fit: the concept's name, a synonym or a former name."""
    meant: dict[tuple[int, str], Other]
    """For ids and names that do not fit: the concept that has the name."""
    coded: dict[tuple[int, str], Other]
    """For ids and codes that do not fit: the concept that has the code (and the name, if there is one)."""
    replacements: dict[int, list[Other]]
    own: frozenset[int]
    """Concepts of the trial's own."""


def prepare(local: Sequence[LocalConcept], db: DuckDB) -> None:
    """Make the attached vocabulary (``athena``) readable for the questions, with the trial's own concepts in it."""
    db.define_functions()
    db.script(render("vocabulary/check/setup.sql"))
    if not local:
        return
    columns = {
        "ids": [c.concept_id for c in local],
        "names": [c.concept_name for c in local],
        "domains": [c.domain_id for c in local],
        "vocabularies": [c.vocabulary_id for c in local],
        "codes": [c.concept_code for c in local],
    }
    db.script(render("vocabulary/check/own_concepts.sql"), parameters=columns)
    links = [(c.concept_id, target) for c in local for target in c.maps_to]
    if links:
        ends = {"ids": [a for a, _ in links], "targets": [b for _, b in links]}
        db.script(render("vocabulary/check/own_links.sql"), parameters=ends)


def ask(uses: Sequence[Use], local: Sequence[LocalConcept], db: DuckDB) -> Facts:
    """Ask the vocabulary about all uses at once."""
    said = {
        "ids": [use.concept_id for use in uses],
        "names": [use.name for use in uses],
        "codes": [use.code for use in uses],
        "vocabularies": [use.vocabulary for use in uses],
    }
    db.script(render("vocabulary/check/said.sql"), parameters=said)
    db.script(render("vocabulary/check/known.sql"))
    db.script(render("vocabulary/check/agreeing.sql"))
    replacements: dict[int, list[Other]] = {}
    for concept_id, *other in db.rows(render("vocabulary/check/replacements.sql")):
        replacements.setdefault(concept_id, []).append(Other(*other))
    return Facts(
        known={row[0]: Known(*row) for row in db.rows(render("vocabulary/check/known_rows.sql"))},
        agreeing=set(db.rows(render("vocabulary/check/agreeing_rows.sql"))),
        meant={
            (said_id, name): Other(*other) for said_id, name, *other in db.rows(render("vocabulary/check/meant.sql"))
        },
        coded={
            (said_id, code): Other(*other) for said_id, code, *other in db.rows(render("vocabulary/check/coded.sql"))
        },
        replacements=replacements,
        own=frozenset(concept.concept_id for concept in local),
    )


def judge(use: Use, facts: Facts, on: date | None, extract: bool = False) -> Iterator[Finding]:
    """Say what is wrong with one use.

    Where the id itself is in doubt nothing else is said of the concept, which is likely not the one that is meant.
    ``on`` is the day on which concepts must be valid; None for what the vocabulary itself says.  Of an ``extract``
    of a vocabulary nobody knows what it lacks.
    """
    known = facts.known.get(use.concept_id)
    meant = facts.meant.get((use.concept_id, use.name)) if use.name else None
    coded = facts.coded.get((use.concept_id, use.code)) if use.code else None
    if known is None:
        yield _unknown(use, meant or coded, extract)
        return
    agrees = (use.concept_id, use.name) in facts.agreeing
    if use.name and not agrees and meant:
        message = f"concept {known.concept_id} is '{known.name}', but '{use.name}' is written beside it"
        yield _finding(use, "OM641", message, f"{_slip(use, meant)}; correct the id or the name", proposal=meant)
        return
    wrong_code = use.code and known.code != use.code
    if wrong_code and not use.name and coded:
        message = f"concept {known} has the code '{known.code}', but '{use.code}' is written beside it"
        yield _finding(use, "OM643", message, f"{_slip(use, coded)}; correct the id or the code", CODE, proposal=coded)
        return
    stale = _stale(use, known, facts, on)
    if stale is None or stale.repair is None:  # a repair of the concept corrects what stands beside it, too
        yield from _labels(use, known, agrees)
        if wrong_code:
            yield _label(
                use, "OM643", CODE, f"concept {known} has the code '{known.code}', not '{use.code}'", known.code
            )
    if stale:
        yield stale
    elif not fits(known.domain, use.domains, use.field):
        wanted = _listed(use.domains) if use.domains else "events, such as 'Condition' or 'Measurement'"
        message = f"concept {known} is of the domain '{known.domain}', but {_place(use)} takes {wanted}"
        yield _finding(use, "OM646", message, "choose a concept of that domain, or write it where its domain belongs")


def fits(domain: str, domains: Collection[str], slot: str) -> bool:
    """Say whether a concept's domain fits a place; of a combined domain (``Condition/Meas``) one part must.

    A place that names no domains takes any, but for the concept of an event (``slot``): that must be of a domain
    which describes events, not units, types and the like.
    """
    parts = {_PARTS.get(part, part) for part in domain.split("/")}
    if domains:
        return bool(parts & set(domains))
    return slot.rpartition(".")[2] != "concept" or bool(parts & set(cdm.DOMAIN_TABLES))


def _unknown(use: Use, meant: Other | None, extract: bool) -> Finding:
    if meant:
        what = f"'{use.name}'" if use.name else f"the code '{use.code}'"
        message = f"concept {use.concept_id} is not in the vocabulary, but {what} is"
        return _finding(use, "OM641", message, f"{_slip(use, meant)}; correct the id", proposal=meant)
    message = f"concept {use.concept_id}{f' ({use.name})' if use.name else ''} is not in the vocabulary"
    if extract:
        hint = "the shipped vocabulary is a small extract; check with your own Athena download"
        return _finding(use, "OM640", message, hint, severity="warning")
    hint = "look it up with 'omopify vocab search', or load an Athena download that has it"
    return _finding(use, "OM640", message, hint)


def _slip(use: Use, other: Other) -> str:
    said, right = str(use.concept_id), str(other.concept_id)
    how = ""
    if DamerauLevenshtein.distance(said, right) == 1:
        how = " (one digit is wrong)"
        if len(said) != len(right):
            how = " (one digit too many)" if len(said) > len(right) else " (one digit is missing)"
        elif sorted(said) == sorted(right):
            how = " (two digits changed places)"
    return f"did you mean {other}?{how}"


def _labels(use: Use, known: Known, agrees: bool) -> Iterator[Finding]:
    strict = use.row is None  # a run asks maps for the vocabulary's own name
    if use.name and fold(use.name) != fold(known.name) and (strict or not agrees):
        message = f"concept {known.concept_id} is called '{known.name}', not '{use.name}'"
        if agrees or alike(use.name, known.name):
            yield _label(use, "OM642", NAME, message, known.name, "error" if strict else "warning")
        else:
            hint = (
                f"look at both with 'omopify vocab show {known.concept_id}' and 'omopify vocab search', and correct one"
            )
            yield _finding(use, "OM642", message, hint, NAME)
    if use.domain and use.domain != known.domain:
        message = f"concept {known} is of the domain '{known.domain}', not '{use.domain}'"
        yield _label(use, "OM647", DOMAIN, message, known.domain)
    if use.vocabulary and use.vocabulary != known.vocabulary:
        message = f"concept {known} is of the vocabulary '{known.vocabulary}', not '{use.vocabulary}'"
        yield _label(use, "OM648", VOCABULARY, message, known.vocabulary)


def _stale(use: Use, known: Known, facts: Facts, on: date | None) -> Finding | None:
    if known.concept_id in facts.own:
        return None  # source concepts by nature: a run follows their 'maps_to'
    code = message = ""
    if known.invalid or (on and known.end < on):
        code, message = "OM644", f"concept {known} is no longer valid since {known.end}"
    elif on and known.start > on:
        message = f"concept {known} is valid only from {known.start}"
        return _finding(use, "OM644", message, f"the day that counts is {on}; take a concept that was valid then")
    elif not use.source and known.standard != "S" and not _is_metadata(known):
        kind = "a classification, not a standard concept" if known.standard == "C" else "not a standard concept"
        code, message = "OM645", f"concept {known} is {kind}"
    if not code:
        return None
    others = facts.replacements.get(known.concept_id, [])
    straight = [other for other in others if other.direct]
    if len(straight) == 1:
        new = straight[0]
        hint = f"'Maps to' leads to {new}"
        if not fits(new.domain, use.domains, use.field):
            hint += f", of the domain '{new.domain}', which does not fit here"
            return _finding(use, code, message, hint, proposal=new)
        if new.valued:
            hint += f", and 'Maps to value' to the rest ('omopify vocab show {known.concept_id}'): write a row for each"
            return _finding(use, code, message, hint, proposal=new)
        return _finding(use, code, message, hint, proposal=new, repair=_replacement(use, known, new))
    if straight:
        hint = f"'Maps to' leads to {' and '.join(str(o) for o in straight)}: write a row for each"
    elif others:
        hint = f"it was replaced by {' or '.join(str(o) for o in others)}: choose"
    else:
        hint = "nothing takes its place in the vocabulary; look for another with 'omopify vocab search'"
    return _finding(use, code, message, hint)


def _is_metadata(known: Known) -> bool:
    return known.domain == "Metadata" and known.vocabulary in _METADATA


def _replacement(use: Use, known: Known, new: Other) -> RowRepair | ScalarRepair | None:
    if use.file is None or use.row is None:
        # Under 'set:' an id stands alone, as a number.
        text = str(new.concept_id) if use.field.endswith("_concept_id") else str(new)
        return ScalarRepair(use.path, use.at, use.concept_id, use.name, text) if _is_yaml(use) else None
    file, row = use.file, use.row
    if file.file.kind != "usagi" or not {"comment", "statussetby"} <= set(file.columns):
        return None  # a person could not see that the row waits for a review
    if any(o.term == row.term and o.concept_id == new.concept_id for o in file.file.rows):
        return None  # the term has the new concept already
    texts = {NAME: new.name, DOMAIN: new.domain, VOCABULARY: new.vocabulary, CODE: new.code}
    cells = {file.column(ID): str(new.concept_id)}
    cells |= {file.column(names): text for names, text in texts.items() if file.cell(row, names) is not None}
    counts = row.line in file.counting
    note = f"was {known}; replaced by its 'Maps to'; please review"
    return RowRepair(file.path, row.line, cells, note, replaced=counts)


def _label(use: Use, code: str, names: tuple[str, ...], message: str, right: str, severity: str = "warning") -> Finding:
    repair: RowRepair | ScalarRepair | None = None
    if use.file and use.row:
        cell = use.file.cell(use.row, names)
        if cell and use.file.file.kind == "usagi":
            note = f"'{cell.text.strip()}' corrected to '{right}'; please review"
            repair = RowRepair(use.file.path, use.row.line, {use.file.column(names): right}, note)
    elif names is NAME and _is_yaml(use):
        repair = ScalarRepair(use.path, use.at, use.concept_id, use.name, f"{use.concept_id} {right}")
    return _finding(use, code, message, f"write '{right}'", names, severity, right, repair)


def _is_yaml(use: Use) -> bool:
    return use.path.suffix == ".yaml"


def _finding(
    use: Use,
    code: str,
    message: str,
    hint: str,
    names: tuple[str, ...] = ID,
    severity: str = "error",
    proposal: object = "",
    repair: RowRepair | ScalarRepair | None = None,
) -> Finding:
    """Return what is wrong; rows that a run does not use are only warned of."""
    at: Location = use.place(names)
    return Finding(Problem(code, message, at, hint, severity if use.counts else "warning"), repair, str(proposal))


def _place(use: Use) -> str:
    return f"'{use.field}'" if use.field else "this place"


def _listed(words: Sequence[str]) -> str:
    return " or ".join(f"'{word}'" for word in words)


def alike(written: str, name: str) -> bool:
    """Say whether a name is another spelling of a concept's name, so that only the spelling is in question.

    The words must be the same in any order, but for one letter in words of five and more ('tumour', 'oedema',
    plurals); numbers must be equal.  'Hyperkalemia' and 'Hypokalemia' are two letters apart, and not alike.
    """
    left, right = _words(written), _words(name)
    if len(left) != len(right):
        return False
    for word in left:
        near = [other for other in right if other == word] or [
            other
            for other in right
            if _is_word(word) and _is_word(other) and DamerauLevenshtein.distance(word, other) == 1
        ]
        if not near:
            return False
        right.remove(near[0])
    return True


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W_]+", fold(text)) if word not in _FILLERS]


def _is_word(text: str) -> bool:
    return len(text) >= 5 and text.isalpha()
