"""What a run finds, against plain Python over the same rows: random vocabularies, concept files and data.

The oracle knows nothing of the program but its documentation (``docs/mapping-language.md``, Concepts). Ids, codes and
names are made up; the few others are rows of the vocabulary that every result needs.
"""

from __future__ import annotations

import csv
import json
import random
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import duckdb
import pytest

from omopify.conversion.run import Options, run
from omopify.errors import Problems
from omopify.progress import silent
from omopify.specs.project import load_project

SEEDS = 12
NEEDED = """
0        | No matching concept    | Metadata     | None         |   | 0
756265   | OMOP CDM Version 5.4.0 | Metadata     | CDM          | S | CDM v5.4.0
32809    | Case Report Form       | Type Concept | Type Concept | S | CRF
1147165  | observation.observation_id | Metadata | CDM          | S | CDM165
"""
SAID = [
    *"fever Fever FEVER cough cøugh CØUGH rash C50.9 C509 c50.9 C50.9+ 050.9 0509 509 F1 f1 é e\u0301 007 7".split(),
    *"ab-c abc ABC 0 123456789012345678".split(),
    *("fe ver", "x  y", "x y", "Cough "),
]
VOCABULARIES = ("VA", "VB", "VC")
MARKS = ("dagger", "dots", "hyphens", "blanks", "leading zeros")
STATES = ("APPROVED", "APPROVED", "APPROVED", "UNCHECKED", "FLAGGED", "IGNORED", "INVALID_TARGET", "")
PROPOSALS = ("UNCHECKED", "")


@dataclass(frozen=True)
class Concept:
    concept_id: int
    name: str
    vocabulary: str
    standard: str
    code: str
    domain: str
    invalid: str


@dataclass(frozen=True)
class Row:
    code: str
    name: str
    status: str
    concept_id: int
    kind: str

    @property
    def said(self) -> set[str]:
        return {fold(text) for text in (self.code, self.name) if text.strip()}


@dataclass(frozen=True)
class Way:
    """One way of the map: by the concept file, or by code or name in vocabularies."""

    by: str
    vocabularies: tuple[str, ...] = ()
    domain: str = ""


@dataclass
class World:
    concepts: dict[int, Concept] = field(default_factory=dict)
    links: dict[tuple[int, int, str], str] = field(default_factory=dict)
    synonyms: list[tuple[int, str]] = field(default_factory=list)
    pack: list[Row] = field(default_factory=list)
    own: list[Row] = field(default_factory=list)
    ignored: dict[str, list[str]] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    values: list[str] = field(default_factory=list)


def a_world(chance: random.Random) -> World:
    world = World()
    codes: set[tuple[str, str]] = set()
    for number in chance.sample(range(900_000, 900_500), 30):
        invalid = chance.choice(["", "", "", "U", "D"])
        vocabulary, code = chance.choice(VOCABULARIES), chance.choice(SAID).strip()
        if (vocabulary, code) in codes:  # a vocabulary has a code once
            code = f"{code}{number}"
        codes.add((vocabulary, code))
        standard = "" if invalid else chance.choice(["S", "S", "", "", "C"])
        domain = chance.choice(["Condition", "Observation"])
        world.concepts[number] = Concept(
            number, chance.choice(SAID).strip(), vocabulary, standard, code, domain, invalid
        )
    ids = list(world.concepts)
    for _ in range(30):
        kind = chance.choice(["Maps to", "Maps to", "Maps to", "Maps to value", "Is a"])
        world.links[chance.choice(ids), chance.choice(ids), kind] = chance.choice(["", "", "", "D"])
    world.synonyms = sorted({(chance.choice(ids), chance.choice(SAID).strip()) for _ in range(8)})
    world.pack = _rows(chance, ids, 8)
    world.own = _rows(chance, ids, 5)
    world.ignored = {name: chance.sample(MARKS, chance.randint(0, 3)) for name in VOCABULARIES}
    for _ in range(chance.randint(1, 3)):
        by = chance.choice(["file", "code", "name"])
        names = () if by == "file" else tuple(chance.sample(VOCABULARIES, chance.randint(1, 2)))
        world.ways.append(Way(by, names, chance.choice(["", "", "Condition"]) if names else ""))
    world.values = chance.sample(SAID, 18)
    return world


def _rows(chance: random.Random, ids: list[int], most: int) -> list[Row]:
    states: dict[tuple[str, str], str] = {}
    rows: dict[tuple[str, str, int, str], Row] = {}
    for _ in range(chance.randint(0, most)):
        name = chance.choice(SAID)
        code = chance.choice(["", name, chance.choice(SAID)])
        status = states.setdefault((code.strip(), name.strip()), chance.choice(STATES))
        kind = chance.choice(["MAPS_TO"] * 5 + ["MAPS_TO_VALUE"])
        row = Row(code, name, status, chance.choice([0, *ids]), kind)
        rows.setdefault((code.strip(), name.strip(), row.concept_id, kind), row)
    return list(rows.values())


# the oracle


def fold(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip().lower()


def _key(code: str, ignored: Iterable[str]) -> str:
    key = fold(code)
    key = key.rstrip("+*!") if "dagger" in ignored else key
    for mark, letter in (("dots", "."), ("hyphens", "-"), ("blanks", " ")):
        key = key.replace(letter, "") if mark in ignored else key
    return key.lstrip("0") if "leading zeros" in ignored else key


def expected(world: World, draft: bool) -> dict[str, list[tuple[int, int, int | None]]]:
    """For each value the rows that must come of it: (concept, source concept, value as concept).

    A way that says 0 has decided that there is no concept, and no other way is tried.
    """

    def standard(concept_id: int) -> list[int]:
        links = [
            b for (a, b, kind), invalid in world.links.items() if (a, kind, invalid) == (concept_id, "Maps to", "")
        ]
        found = sorted(b for b in links if world.concepts[b].standard == "S")
        itself = concept_id in world.concepts and world.concepts[concept_id].standard == "S"
        return found or ([concept_id] if itself else [])

    def values_of(concept_id: int) -> list[int]:
        if not standard(concept_id):
            return []
        wanted = (concept_id, "Maps to value", "")
        return [b for (a, b, kind), invalid in world.links.items() if (a, kind, invalid) == wanted]

    def taken(rows: list[Row], decided: set[str]) -> tuple[list[Row], set[str]]:
        """The rows of a file that count (IGNORED ones as a decision for no concept), and the terms it decides."""
        here = [row for row in rows if not row.said & decided]
        reviewed = {text for row in here if row.status not in PROPOSALS for text in row.said}
        counting = [row for row in here if row.status in ("APPROVED", "IGNORED")]
        if draft:
            proposals = [row for row in here if row.status in PROPOSALS and row.concept_id]
            counting += [row for row in proposals if not row.said & reviewed]
        return counting, reviewed | {text for row in counting for text in row.said}

    own, decided = taken(world.own, set())
    filed = own + taken(world.pack, decided)[0]

    def in_files(value: str) -> tuple[list[int], int, int | None] | None:
        rows = [row for row in filed if fold(value) in row.said]
        things = [0 if row.status == "IGNORED" else row.concept_id for row in rows if row.kind == "MAPS_TO"]
        things += [0 for row in rows if row.status == "IGNORED"]
        if not things:
            return None
        values = [row for row in rows if row.kind == "MAPS_TO_VALUE" and row.status != "IGNORED"]
        reviewed = [b for row in values for b in standard(row.concept_id)]
        linked = [b for concept_id in things for b in values_of(concept_id)]
        targets = sorted({b for concept_id in things for b in standard(concept_id)})
        return targets or ([0] if not any(things) else []), 0, min(reviewed or linked, default=None)

    def in_vocabularies(value: str, way: Way) -> tuple[list[int], int, int | None] | None:
        """The best concept of each vocabulary; of these the first that leads to a standard concept, else the first."""
        known = []
        for how in ("code",) if way.by == "code" else ("name", "synonym"):
            for name in way.vocabularies:
                fits = []
                for concept in world.concepts.values():
                    if concept.vocabulary != name or way.domain not in ("", concept.domain):
                        continue
                    synonyms = [text for concept_id, text in world.synonyms if concept_id == concept.concept_id]
                    for text in {"code": [concept.code], "name": [concept.name], "synonym": synonyms}[how]:
                        ignored = world.ignored[name] if how == "code" else ()
                        same = _key(text, ignored) == _key(value, ignored)
                        respelt = (text != value.strip()) * 2 + bool(concept.invalid)
                        if same:
                            fits.append((respelt, not standard(concept.concept_id), concept.concept_id))
                if fits:
                    known.append(min(fits)[-1])
        if not known:
            return None
        found = next((concept_id for concept_id in known if standard(concept_id)), known[0])
        return standard(found), found, min(values_of(found), default=None)

    result = {}
    for value in world.values:
        source, valued = 0, None
        for way in world.ways:
            found = in_files(value) if way.by == "file" else in_vocabularies(value, way)
            if found is None:
                continue
            targets, here, said = found
            valued = said if valued is None else valued
            if targets:
                result[value] = [(target, here if target else source, valued) for target in targets]
                break
            source = source or here
        else:
            result[value] = [(0, source, valued)]
    return result


# the run


def write(world: World, folder: Path, chance: random.Random) -> None:
    always = "19700101\t20991231"
    lines = [[part.strip() for part in line.split("|")] for line in NEEDED.strip().splitlines()]
    concepts = [f"{i}\t{n}\t{d}\t{v}\tMade up\t{s}\t{c}\t{always}\t" for i, n, d, v, s, c in lines]
    for c in world.concepts.values():
        dates = "19700101\t20200101" if c.invalid else always
        fields = (c.concept_id, c.name, c.domain, c.vocabulary, "Made up", c.standard, c.code, dates, c.invalid)
        concepts.append("\t".join(map(str, fields)))
    names = ("None", "CDM", "Type Concept", *VOCABULARIES)
    tables = {
        "CONCEPT": (
            "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code "
            "valid_start_date valid_end_date invalid_reason",
            concepts,
        ),
        "CONCEPT_RELATIONSHIP": (
            "concept_id_1 concept_id_2 relationship_id valid_start_date valid_end_date invalid_reason",
            [f"{a}\t{b}\t{kind}\t{always}\t{invalid}" for (a, b, kind), invalid in world.links.items()],
        ),
        "CONCEPT_SYNONYM": (
            "concept_id concept_synonym_name language_concept_id",
            [f"{concept_id}\t{text}\t0" for concept_id, text in world.synonyms],
        ),
        "VOCABULARY": (
            "vocabulary_id vocabulary_name vocabulary_reference vocabulary_version vocabulary_concept_id",
            [f"{name}\t{name}\tmade up\tmade up 1\t0" for name in names],
        ),
    }
    for name, (header, rows) in tables.items():
        _put(folder / "athena" / f"{name}.csv", "\n".join([header.replace(" ", "\t"), *rows]) + "\n")
    _put_terms(folder / "maps/terms.csv", world.pack, chance)
    _put_terms(folder / "concepts/maps/terms.csv", world.own, chance)
    ways = [
        "  - {value: TERM, via: terms.csv}"
        if way.by == "file"
        else f"  - {{value: TERM, vocabulary: [{', '.join(way.vocabularies)}]"
        + (", by: name" if way.by == "name" else "")
        + (f", domain: {way.domain}}}" if way.domain else "}")
        for way in world.ways
    ]
    codes = json.dumps({name: marks for name, marks in world.ignored.items() if marks})
    files = {
        "omopify.yaml": "mappings: maps\ndata: data\nvocabulary: athena\nrelease_date: 2026-01-31\n",
        "maps/trial.yaml": f"trial: t\nname: T\nsources: {{v: {{file: v.csv}}}}\ncodes: {codes}\n",
        "maps/p.yaml": "map: p\nto: person\nfrom: v\nkey: ID\nset: {year_of_birth: 1960, person_source_value: ID}\n",
        "maps/o.yaml": "map: o\nto: observation\nfrom: v\nkey: ID\nperson: ID\nstart: DAY\ntype: 32809\nconcept:\n"
        + "\n".join(ways)
        + "\n",
        "data/v.csv": "ID,DAY,TERM\n" + "".join(f"{n},2020-01-01,{v}\n" for n, v in enumerate(world.values)),
    }
    for name, text in files.items():
        _put(folder / name, text)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


def _put_terms(path: Path, rows: list[Row], chance: random.Random) -> None:
    """Write a concept file as some spreadsheet would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    quoting: Literal[0, 1] = csv.QUOTE_ALL if chance.random() < 0.5 else csv.QUOTE_MINIMAL
    with path.open("w", encoding=chance.choice(["utf-8", "utf-8-sig", "utf-16"]), newline="") as file:
        writer = csv.writer(file, delimiter=chance.choice(",;\t"), quoting=quoting)
        writer.writerow(("sourceCode", "sourceName", "mappingStatus", "conceptId", "mappingType"))
        writer.writerows((row.code, row.name, row.status, row.concept_id, row.kind) for row in rows)


def found(folder: Path, draft: bool) -> dict[int, list[tuple[int, int, int | None]]]:
    problems = Problems()
    project = load_project(folder, problems)
    assert project is not None, problems.found
    run(project, Options(draft=draft), problems, silent)
    result: dict[int, list[tuple[int, int, int | None]]] = {}
    with duckdb.connect(str(folder / "out" / "omop.duckdb"), read_only=True) as db:
        rows = db.execute(
            "SELECT person_source_value, observation_concept_id, observation_source_concept_id, value_as_concept_id "
            "FROM cdm.observation JOIN cdm.person USING (person_id) ORDER BY ALL"
        ).fetchall()
    for person, *row in rows:
        result.setdefault(int(person), []).append((row[0], row[1], row[2]))
    return result


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_run_finds_what_the_documentation_says(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    world = a_world(chance)
    write(world, tmp_path, chance)
    wanted = expected(world, draft=seed % 2 == 1)
    got = found(tmp_path, draft=seed % 2 == 1)
    assert {value: got[n] for n, value in enumerate(world.values)} == wanted


def test_the_worlds_are_worth_looking_at() -> None:
    """The seeds above meet every kind of outcome, so that they cannot all pass by finding nothing."""
    outcomes: set[str] = set()
    for seed in range(SEEDS):
        for rows in expected(a_world(random.Random(seed)), draft=seed % 2 == 1).values():
            outcomes.add("several" if len(rows) > 1 else "one" if rows[0][0] else "none")
            outcomes.add("source only" if rows[0][1] and not rows[0][0] else "other")
            outcomes.add("valued" if rows[0][2] else "other")
            outcomes.add("mapped" if rows[0][0] and rows[0][1] not in (0, rows[0][0]) else "other")
    assert outcomes >= {"several", "one", "none", "source only", "valued", "mapped"}


def _a_concept(number: int, name: str, standard: str = "S", vocabulary: str = "VA") -> Concept:
    return Concept(number, name, vocabulary, standard, f"code {number}", "Observation", "")


def _outcome(world: World, folder: Path) -> list[tuple[int, int, int | None]]:
    world.values = ["said"]
    write(world, folder, random.Random(0))
    return found(folder, draft=False)[0]


def test_a_reviewed_value_comes_before_the_one_of_the_vocabulary(tmp_path: Path) -> None:
    world = World({n: _a_concept(n, f"concept {n}") for n in (900001, 900002, 900003)})
    world.links = {(900001, 900001, "Maps to"): "", (900001, 900002, "Maps to value"): ""}
    world.pack = [
        Row("", "said", "APPROVED", 900001, "MAPS_TO"),
        Row("", "said", "APPROVED", 900003, "MAPS_TO_VALUE"),
    ]
    world.ways = [Way("file")]
    assert _outcome(world, tmp_path) == [(900001, 0, 900003)]


def test_a_value_is_not_taken_from_a_concept_that_was_not_used(tmp_path: Path) -> None:
    """The first way knows the term, and a value for it, but no standard concept; the second way has one."""
    world = World({900001: _a_concept(900001, "said", ""), 900002: _a_concept(900002, "a value")})
    world.concepts[900003] = _a_concept(900003, "said", vocabulary="VB")
    world.links = {(900001, 900002, "Maps to value"): ""}
    world.ways = [Way("name", ("VA",)), Way("name", ("VB",))]
    assert _outcome(world, tmp_path) == [(900003, 900003, None)]


def test_of_namesakes_one_that_leads_to_a_standard_concept_is_taken(tmp_path: Path) -> None:
    world = World({900001: _a_concept(900001, "said", ""), 900002: _a_concept(900002, "said")})
    world.ways = [Way("name", ("VA",))]
    assert _outcome(world, tmp_path) == [(900002, 900002, None)]


def test_a_code_that_is_spelt_exactly_so_is_not_another_one(tmp_path: Path) -> None:
    """The code that was written leads nowhere; one that only differs by a dot leads somewhere, and is another."""
    world = World({900001: _a_concept(900001, "one", ""), 900002: _a_concept(900002, "two")})
    world.concepts[900001] = replace(world.concepts[900001], code="said")
    world.concepts[900002] = replace(world.concepts[900002], code="sa.id")
    world.ignored = {"VA": ["dots"]}
    world.ways = [Way("code", ("VA",))]
    assert _outcome(world, tmp_path) == [(0, 900001, None)]


def test_of_vocabularies_the_first_that_leads_to_a_standard_concept_is_taken(tmp_path: Path) -> None:
    world = World({900001: _a_concept(900001, "said", ""), 900002: _a_concept(900002, "said", "S", "VB")})
    world.ways = [Way("name", ("VA", "VB"))]
    assert _outcome(world, tmp_path) == [(900002, 900002, None)]
