"""What two results are made of, and where that differs: export, maps, concept files, vocabulary, software.

Both sides are what a run keeps (``definitions.json``, and the inputs in ``manifest.json``), or what a run would keep if
it were started now.  No row is looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from omopify.comparing.words import Reworded, reworded
from omopify.conversion.definitions import term_hash
from omopify.specs.meanings import TRIAL
from omopify.specs.project import DEFAULTS, Pack, Project
from omopify.vocabulary.files.concept_files import read_concept_file

Kind = Literal["new", "gone", "changed"]

_ERAS = {
    "cdm.drug_exposure": ("drug_era", "eras.drug"),
    "cdm.condition_occurrence": ("condition_era", "eras.condition"),
}
"""Tables that eras are made of, with the table that they become and what the accounting calls the writer."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a result is made of."""

    definitions: Mapping[str, Any]
    inputs: Sequence[Mapping[str, Any]]

    @property
    def forms(self) -> dict[str, dict[str, str]]:
        """The files of each form, with their hashes."""
        found: dict[str, dict[str, str]] = {}
        for file in self.inputs:
            found.setdefault(file["source"], {})[file["file"]] = file["sha256"]
        return found


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that may be why rows of a map differ."""

    kind: Literal["form", "scope", "map", "sql", "concepts", "vocabulary", "eras", "software", "upstream", "unknown"]
    name: str
    """The form, map, concept file or table that it is."""
    text: str
    """What is said of it: ``the form ae changed``."""

    @property
    def is_first(self) -> bool:
        """Whether the chain of causes begins here: not at rows that differ because others do."""
        return self.kind != "upstream"


@dataclass(frozen=True, slots=True)
class FormChange:
    """A form whose files are others than before."""

    form: str
    kind: Kind
    files: tuple[str, ...]
    """Its files now; of a form that is gone, those of before."""


@dataclass(frozen=True, slots=True)
class MapChange:
    """A map (or the trial) that says something else, or becomes another SQL."""

    map: str
    kind: Kind
    file: str
    words: tuple[Reworded, ...] = ()
    """What it says otherwise; nothing if only its SQL differs."""
    sql_before: str = ""
    sql_now: str = ""

    @property
    def is_reworded(self) -> bool:
        """Whether the map itself was changed, and not only what it becomes."""
        return self.kind != "changed" or bool(self.words)


@dataclass(frozen=True, slots=True)
class ConceptChange:
    """A concept file in which terms lead elsewhere."""

    file: str
    new: tuple[str, ...]
    """Terms that have a decision now and had none."""
    moved: tuple[str, ...]
    """Terms that lead to something else."""
    gone: int
    """How many terms no longer have a decision."""

    @property
    def text(self) -> str:
        """The change in a few words."""
        counts = ((len(self.new), "new"), (len(self.moved), "mapped to something else"), (self.gone, "gone"))
        return ", ".join(f"{number} {word}" for number, word in counts if number) or "no term leads elsewhere"


@dataclass(frozen=True, slots=True)
class Affected:
    """Tables that a change reaches."""

    direct: tuple[str, ...]
    """Those that changed maps write, or maps that read what has changed."""
    through: tuple[str, ...]
    """Those whose maps read a table that is reached, and era tables."""
    linked: tuple[str, ...]
    """Those that only point to rows of a table that is reached."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that differs between two results' making."""

    forms: tuple[FormChange, ...] = ()
    maps: tuple[MapChange, ...] = ()
    trial: tuple[Reworded, ...] = ()
    concepts: tuple[ConceptChange, ...] = ()
    vocabulary: tuple[str, ...] = ()
    """What is different about the vocabulary, a sentence each."""
    software: tuple[str, str] | None = None
    """The version of omopify before and now, if they differ."""
    affected: Affected = Affected((), (), ())

    @property
    def nothing(self) -> bool:
        """Whether the two are made of the same."""
        return not (self.forms or self.maps or self.trial or self.concepts or self.vocabulary or self.software)


def changes(before: Made | None, now: Made, project: Project) -> Changes:
    """Return what differs; without a result before, everything is new.

    Args:
        before: what the earlier result was made of.
        now: what the later one is made of.
        project: the project of the later one, whose words describe maps.
    """
    maps = tuple(_maps(before.definitions["maps"] if before else {}, now.definitions["maps"], project.pack))
    forms = tuple(_forms(before.forms if before else {}, now.forms, before, now))
    if before is None:
        tables = sorted({table for one in now.definitions["maps"].values() for table in one["writes"]})
        return Changes(forms=forms, maps=maps, affected=Affected(tuple(tables), (), ()))
    old, new = before.definitions, now.definitions
    trial = () if old[TRIAL]["sha256"] == new[TRIAL]["sha256"] else reworded(old[TRIAL], new[TRIAL], None, project.pack)
    concepts = tuple(_concepts(old["concepts"], new["concepts"], project))
    vocabulary = tuple(_vocabulary(old["vocabulary"], new["vocabulary"]))
    software = None if old["omopify"] == new["omopify"] else (old["omopify"], new["omopify"])
    found = Changes(forms, maps, tuple(trial), concepts, vocabulary, software)
    affected = _affected(found, old["maps"], new)
    return Changes(forms, maps, tuple(trial), concepts, vocabulary, software, affected)


def touched(found: Changes, name: str, one: Mapping[str, Any], scopes: Iterable[str]) -> Iterator[Cause]:
    """Yield what has changed that a map takes something from: causes that its rows may differ.

    Args:
        found: what has changed.
        name: the map.
        one: what it says, as a run defined it.
        scopes: the forms that say who belongs to the trial.
    """
    forms = {form.form for form in found.forms}
    reads = [*one["reads"]]
    for form in sorted(forms & {*reads}):
        yield Cause("form", form, f"the form {form} changed")
    if any("." not in name for name in reads):  # harmonised tables hold only who belongs
        for form in sorted(forms & {*scopes} - {*reads}):
            yield Cause("scope", form, f"the form {form} changed, which says who belongs to the trial")
    change = next((change for change in found.maps if change.map == name), None)
    if change is not None:
        by_kind = {"new": "the map is new", "gone": "the map is gone"}
        otherwise = "the map changed" if change.words else _read_otherwise(found, reads) or "its SQL changed"
        said = by_kind.get(change.kind, otherwise)
        yield Cause("map" if change.is_reworded else "sql", name, said)
    for file in found.concepts:
        if file.file in one["concepts"]:
            yield Cause("concepts", file.file, f"the concept file {file.file} changed")
    if found.vocabulary and one["looks_up"]:
        yield Cause("vocabulary", "", "the vocabulary changed")


def _read_otherwise(found: Changes, reads: Sequence[str]) -> str:
    """Say which words about the forms that a map reads have changed in ``sources:``; nothing if none have."""
    said: dict[str, list[str]] = {}
    for word in found.trial:
        _, here, form_and_word = word.place.partition("sources ")
        form, _, what = form_and_word.partition(" ")
        if here and form in (*reads, DEFAULTS):
            said.setdefault("forms" if form == DEFAULTS else form, []).append(what or "all")
    return " and ".join(f"how {form} is read changed ({', '.join(what)})" for form, what in said.items())


def _forms(
    before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]], old: Made | None, new: Made
) -> Iterator[FormChange]:
    contents = [made.definitions["forms"] if made else {} for made in (old, new)]
    for form in sorted({*before, *now}):
        if form not in now:
            yield FormChange(form, "gone", tuple(sorted(before[form])))
        elif form not in before:
            yield FormChange(form, "new", tuple(sorted(now[form])))
        elif form in contents[0] and form in contents[1]:
            if sorted(contents[0][form]) != sorted(contents[1][form]):
                yield FormChange(form, "changed", tuple(sorted(now[form])))
        elif sorted(before[form].values()) != sorted(now[form].values()):
            yield FormChange(form, "changed", tuple(sorted(now[form])))


def _maps(before: Mapping[str, Any], now: Mapping[str, Any], pack: Pack) -> Iterator[MapChange]:
    loaded = {one.spec.map: one for one in pack.maps}
    for name in sorted({*before, *now}):
        old, new = before.get(name, {}), now.get(name, {})
        if not old or not new:
            kind: Kind = "gone" if old else "new"
            yield MapChange(name, kind, (old or new)["file"], (), old.get("sql", ""), new.get("sql", ""))
        elif old["sha256"] != new["sha256"] or old["sql"] != new["sql"]:
            same = old["sha256"] == new["sha256"]
            words = () if same else tuple(reworded(old, new, loaded.get(name), pack))
            yield MapChange(name, "changed", new["file"], words, old["sql"], new["sql"])


def _concepts(before: Mapping[str, Any], now: Mapping[str, Any], project: Project) -> Iterator[ConceptChange]:
    for name in sorted({*before, *now}):
        old, new = (side.get(name, {"terms": {}})["terms"] for side in (before, now))
        if old == new:
            continue
        called = _terms(name, project)
        fresh = [called.get(term, "?") for term in new if term not in old]
        moved = [called.get(term, "?") for term in new if term in old and old[term] != new[term]]
        yield ConceptChange(name, tuple(sorted(fresh)), tuple(sorted(moved)), len(old.keys() - new.keys()))


def _terms(name: str, project: Project) -> dict[str, str]:
    """Return the terms of a concept file by the hash that stands for them: people have written them there."""
    from omopify.errors import Problems

    found: dict[str, str] = {}
    for path in project.concept_file(name):
        file = read_concept_file(path, Problems()) if path.is_file() else None
        for row in file.rows if file else ():
            for said in row.said:
                found[term_hash(said)] = row.source_name or said
    return found


def _vocabulary(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if before["release"] != now["release"]:
        yield f"release {before['release']} -> {now['release']}"
    elif before["parts"] != now["parts"]:
        yield "other files, although the release is called the same"


def _affected(found: Changes, old: Mapping[str, Any], new: Mapping[str, Any]) -> Affected:
    maps, scopes = {**old, **new["maps"]}, [*new["scopes"].values()]
    everything = found.software is not None
    direct = {t for n, one in maps.items() if everything or any(touched(found, n, one, scopes)) for t in one["writes"]}
    reached = set(direct)
    while True:
        more = {t for one in maps.values() if reached & {*one["reads"]} for t in one["writes"]} - reached
        more |= {f"cdm.{era}" for table, (era, _) in _ERAS.items() if table in reached and era in new["eras"]} - reached
        if not more:
            break
        reached |= more
    linked = {
        table
        for one in maps.values()
        if reached & {*one["references"]}
        or any(reached & {*maps[link]["writes"]} for link in one["links"] if link in maps)
        for table in one["writes"]
    }
    return Affected(tuple(sorted(direct)), tuple(sorted(reached - direct)), tuple(sorted(linked - reached)))
