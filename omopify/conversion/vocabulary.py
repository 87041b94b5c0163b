"""The vocabulary of a run: the file it reads, what maps look up in it, and the part that goes into the result."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from omopify import __version__, cdm
from omopify.compiler.fields import fold
from omopify.compiler.plan import Plan
from omopify.compiler.render import render
from omopify.conversion.session import VocabularyFiles, insert_rows
from omopify.conversion.terms import Terms, insert_terms, insert_variants
from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import Problems, did_you_mean
from omopify.progress import Progress, silent
from omopify.specs.project import Pack, Project
from omopify.vocabulary.files.local import LocalConcept, read_local
from omopify.vocabulary.loading.athena import AthenaDownload, concept_names, download_path, find_athena
from omopify.vocabulary.loading.load import VocabularyFile, load_vocabulary, read_load

WELL_KNOWN = (
    "ATC", "Cancer Modifier", "HemOnc", "ICD10", "ICD10CM", "ICD9CM", "ICDO3", "LOINC", "MedDRA", "NCIt",
    "OMOP Genomic", "OncoTree", "RxNorm", "RxNorm Extension", "SNOMED", "UCUM",
)  # fmt: skip
"""Vocabularies of Athena that maps of trials name: one that is not loaded is not a slip of the pen."""

NO_RELEASE = "unknown"

MOST_NAMED = 5
"""How many concepts that the vocabulary lacks are named one by one; more are counted in one message."""

_ZERO = "name a whole Athena download, or 'starter' before it"
_NOT_LOADED = ("source_to_concept_map",)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a project names under ``vocabulary:``: one file, or folders that are loaded into one."""

    file: VocabularyFile | None
    folders: tuple[AthenaDownload, ...]

    @property
    def release(self) -> str:
        """The release: that of the file, or of the first folder with one."""
        named = self.file.release if self.file else next((f.release for f in self.folders if f.release), "")
        return named or NO_RELEASE

    @property
    def parts(self) -> list[tuple[str, str]]:
        """What the manifest says of it: the name and the hash of each part."""
        if self.file:
            return [(self.file.path.name, self.file.sha256)]
        return [(folder.path.name, folder.sha256) for folder in self.folders]


def find_vocabulary(project: Project, problems: Problems, instead: Path | None = None) -> Vocabulary:
    """Find the file or the folders under ``vocabulary:`` (or the one named *instead*); note what is missing."""
    names = (str(instead.absolute()),) if instead else project.file.vocabulary
    at = None if instead else project.file.at("vocabulary")
    files = [name for name in names if name.endswith(".duckdb")]
    if files:
        if len(names) > 1:
            given = " ".join(name for name in names if name not in files)
            hint = f"load all of them into one file: omopify vocab load {given}"
            problems.add("OM695", "a vocabulary file stands alone under 'vocabulary:'", at, hint)
            return Vocabulary(None, ())
        return Vocabulary(read_load(project.folder / files[0], problems, at), ())
    if not names:
        problems.add("OM607", "no vocabulary is named, so there is no concept 0 ('No matching concept')", at, _ZERO)
    folders = []
    for name in names:
        found = find_athena(download_path(name, project.folder), problems, at)
        if found:
            folders.append(found)
    return Vocabulary(None, tuple(folders))


def vocabulary_file(
    vocabulary: Vocabulary,
    cache: Path,
    progress: Progress = silent,
    memory_limit: str | None = None,
) -> Path:
    """Return the file that holds the vocabulary; folders are loaded into one in *cache*, unless they were before."""
    if vocabulary.file:
        return vocabulary.file.path
    path = cache / f"vocabulary-{_hash([folder.sha256 for folder in vocabulary.folders])}.duckdb"
    if not path.exists():
        progress("loading the vocabulary")
        # what is only odd about a download is told by 'vocab load', not by the first of many runs
        load_vocabulary([folder.path for folder in vocabulary.folders], path, Problems(), progress, memory_limit)
        _forget("vocabulary-*.duckdb", path)
    return path


def vocabulary_files(
    vocabulary: Vocabulary,
    plan: Plan,
    cache: Path,
    progress: Progress = silent,
    memory_limit: str | None = None,
) -> VocabularyFiles:
    """Return the files that a run reads; the terms are taken out of the vocabulary into *cache*, if they are new.

    With a full download that takes ten seconds, and the terms do not change from run to run.
    """
    athena = vocabulary_file(vocabulary, cache, progress, memory_limit)
    looked_up = _LookedUp.of(plan)
    sql = render("vocabulary/terms.sql.jinja", codes=looked_up.codes, names=looked_up.names)
    terms = cache / f"terms-{_hash([*(sha256 for _, sha256 in vocabulary.parts), sql, __version__])}.duckdb"
    if not terms.exists():
        progress("taking terms out of the vocabulary")
        building = terms.with_name(f"{terms.name}.{os.getpid()}")
        building.unlink(missing_ok=True)
        with DuckDB(
            building, [Attached("athena", athena, read_only=True)], memory_limit=memory_limit, keep_order=False
        ) as db:
            db.define_functions()
            db.script(sql)
        building.replace(terms)
        _forget("terms-*.duckdb", terms)
    return VocabularyFiles(athena, terms)


def _forget(pattern: str, keep: Path) -> None:
    for old in keep.parent.glob(pattern):
        if old != keep:
            with suppress(OSError):  # Windows keeps a file that another run is reading
                old.unlink()


@dataclass(frozen=True, slots=True)
class _LookedUp:
    """Which vocabularies the maps of a plan look in, and how."""

    codes: Mapping[str, tuple[str, ...]]
    names: tuple[str, ...]
    variants: bool

    @classmethod
    def of(cls, plan: Plan) -> _LookedUp:
        lookups = [lookup for step in plan.maps for lookup in step.lookups]
        codes = {
            name: ignored
            for lookup in lookups
            if lookup.by == "code"
            for name, ignored in zip(lookup.vocabularies, lookup.ignored, strict=True)
        }
        names = {name for lookup in lookups if lookup.by == "name" for name in lookup.vocabularies}
        return cls(dict(sorted(codes.items())), tuple(sorted(names)), any(lookup.by == "variant" for lookup in lookups))


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def local_concepts(pack: Pack, problems: Problems) -> list[LocalConcept]:
    """Read the concepts of the trial's own, if the trial has any."""
    name = pack.trial.local_vocabulary
    return read_local(pack.folder / name, pack.trial.at("local_vocabulary"), problems) if name else []


def _open_vocabulary(plan: Plan, local: list[LocalConcept], db: DuckDB, problems: Problems) -> None:
    """Make the attached vocabulary readable as ``vocabulary.<table>``, with the trial's own concepts in it.

    Refused is a vocabulary without concept 0, which every unmapped row refers to.
    """
    tables = [t for t in cdm.tables().values() if t.schema == "vocab" and t.name not in _NOT_LOADED]
    db.script(render("run/vocabulary.sql.jinja", tables=tables))
    insert_rows(
        db,
        "work.local_concepts",
        ("concept_id", "concept_code", "concept_name", "vocabulary_id", "domain_id"),
        [(c.concept_id, c.concept_code, c.concept_name, c.vocabulary_id, c.domain_id) for c in local],
    )
    links = [(c.concept_id, target) for c in local for target in c.maps_to]
    insert_rows(db, "work.local_maps_to", ("concept_id", "target_id"), links)
    if not db.rows(render("run/concept_zero.sql"))[0][0]:
        problems.add("OM607", "the vocabulary has no concept 0 ('No matching concept')", None, _ZERO)
    ids = {c.concept_id for c in local}
    for use in plan.constants:
        if use.concept_id in ids:
            hint = "look the value up in the trial's vocabulary, whose 'maps_to' says what it means"
            message = f"concept {use.concept_id} is one of the trial's own, which is never a standard concept"
            problems.add("OM694", message, use.at, hint)
    places = {c.vocabulary_id: c.at for c in local}
    for (name,) in db.rows(render("run/taken_names.sql")):
        message = f"'{name}' is a vocabulary of Athena's, not the trial's own"
        problems.add("OM696", message, places[name], "give the trial's concepts a vocabulary name of their own")
    places_by_id = {c.concept_id: c.at for c in local}
    for (concept_id,) in db.rows(render("run/taken_ids.sql")):
        message = f"the vocabulary has a concept {concept_id}, too"
        problems.add("OM691", message, places_by_id[concept_id], "choose a number that it does not have")
    for concept_id, target in db.rows(render("run/lost_targets.sql")):
        hint = "its rows get concept 0 and are counted; look it up with 'omopify vocab show'"
        message = f"'maps_to' names {target}, which is no standard concept of the vocabulary"
        problems.add("OM697", message, places_by_id[concept_id], hint, severity="warning")


def prepare_vocabulary(plan: Plan, terms: Terms, local: list[LocalConcept], db: DuckDB, problems: Problems) -> None:
    """Make everything ready that the maps look up; note what the vocabulary says against the maps."""
    _open_vocabulary(plan, local, db, problems)
    problems.stop_if_errors()
    _check_names(plan, db, problems)
    _load_constants(plan, db, problems)
    problems.stop_if_errors()
    insert_terms(terms, db, problems)
    insert_variants(plan, db)
    looked_up = _LookedUp.of(plan)
    db.script(render("run/terms.sql.jinja", codes=looked_up.codes, names=looked_up.names, variants=looked_up.variants))


def known_names(vocabulary: Vocabulary, ids: set[int]) -> dict[int, str] | None:
    """Return the names of some concepts; None if a folder's file is too large to be looked through for a check."""
    if vocabulary.file:
        with DuckDB(vocabulary.file.path, read_only=True) as db:
            return dict(db.rows(render("run/names_of.sql"), {"ids": sorted(ids)}))
    known: dict[int, str] = {}
    for folder in vocabulary.folders:
        names = concept_names(folder, ids)
        if names is None:
            return None
        known = {**names, **known}  # the first folder wins, as in a run
    return known if vocabulary.folders else None


def _check_names(plan: Plan, db: DuckDB, problems: Problems) -> None:
    """Warn of source vocabularies that maps look in and that are not loaded."""
    loaded = [name for (name,) in db.rows(render("run/vocabularies.sql"))]
    wanted = {name: lookup.at for step in plan.maps for lookup in step.lookups for name in lookup.vocabularies}
    for name, at in wanted.items():
        if name not in loaded:
            near = "" if name in WELL_KNOWN else did_you_mean(name, (*loaded, *WELL_KNOWN))
            hint = near or "look-ups in it find nothing; load an Athena download that has it"
            problems.add("OM614", f"the vocabulary '{name}' is not loaded", at, hint, severity="warning")


def _load_constants(plan: Plan, db: DuckDB, problems: Problems) -> None:
    """Look up the concept ids that maps name and judge them; those that the vocabulary lacks become 0."""
    links = {t.event_field_concept_id for t in cdm.tables().values() if t.event_field_concept_id}
    links |= {t.domain_concept_id for t in cdm.tables().values() if t.domain_concept_id}
    links.add(cdm.CDM_VERSION_CONCEPT_ID)
    ids = sorted({use.concept_id for use in plan.constants} | links)
    db.script(render("run/constants.sql.jinja", ids=ids))
    rows = db.rows(render("run/known_constants.sql"))
    names = {concept_id: name for concept_id, name, _, _ in rows}
    judge_constants(plan, names, problems)
    # Relationships are concepts of the domain Metadata, none of which is standard.
    not_standard = {i for i, _, domain, standard in rows if i and standard != "S" and domain != "Metadata"}
    for use in {use.concept_id: use for use in plan.constants if use.concept_id in not_standard}.values():
        hint = "'omopify vocab check' names its replacement"
        message = f"concept {use.concept_id} ({names[use.concept_id]}) is not a standard concept"
        problems.add("OM693", message, use.at, hint, severity="warning")


def judge_constants(plan: Plan, known: Mapping[int, str], problems: Problems) -> None:
    """Compare the concepts that maps name with the vocabulary's names.

    A name that does not fit its id is an error: one of the two is a slip of the pen.
    """
    for use in plan.constants:
        name = known.get(use.concept_id)
        if name is not None and use.name and fold(use.name) != fold(name):
            message = f"concept {use.concept_id} is called '{name}', not '{use.name}'"
            problems.add("OM610", message, use.at, "correct the id or the name")
    unknown = [use for use in plan.constants if use.concept_id not in known]
    uses = list({use.concept_id: use for use in unknown if use.concept_id}.values())
    for use in uses if len(uses) <= MOST_NAMED else ():
        message = f"concept {use.concept_id} ({use.name or 'no name given'}) is not in the vocabulary"
        hint = "its rows get concept 0 and are counted; load an Athena download that has it"
        problems.add("OM611", message, use.at, hint, severity="warning")
    if len(uses) > MOST_NAMED:
        message = f"{len(uses)} concepts that the maps name are not in the vocabulary"
        hint = "their rows get concept 0 and are counted; 'omopify vocab check' says more; load an Athena download"
        problems.add("OM611", message, uses[0].at, hint, severity="warning")


def keep_used_vocabulary(db: DuckDB, everything: bool) -> None:
    """Fill the result's vocabulary tables: with what its rows name, or with everything."""
    tables = cdm.tables().values()
    db.script(
        render(
            "run/used_vocabulary.sql.jinja",
            tables=[t for t in tables if t.schema != "vocab"],
            vocabulary=[t for t in tables if t.schema == "vocab" and t.name not in _NOT_LOADED],
            everything=everything,
        )
    )
