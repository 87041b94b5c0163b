"""The vocabulary of a run: Athena folders loaded into the CDM, and the concept files that maps name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from omopify import cdm
from omopify.compiler.fields import fold
from omopify.compiler.plan import ConstantUse, Plan, Statement
from omopify.compiler.render import render
from omopify.conversion.session import insert_rows
from omopify.engines.duckdb import DATABASE_REFUSED, DuckDB
from omopify.errors import Location, OmopifyError, Problems, did_you_mean
from omopify.specs.project import Pack, Project, read_table
from omopify.vocabulary.athena import AthenaFolder, find_athena, starter_path

ACCEPTED = ("APPROVED",)
"""The states of a concept file's row that count (Usagi's words)."""

WELL_KNOWN = (
    "ATC", "Cancer Modifier", "HemOnc", "ICD10", "ICD10CM", "ICD9CM", "ICDO3", "LOINC", "MedDRA", "NCIt",
    "OMOP Genomic", "OncoTree", "RxNorm", "RxNorm Extension", "SNOMED", "UCUM",
)  # fmt: skip
"""Vocabularies of Athena that maps of trials name: one that is not loaded is not a slip of the pen."""

NO_RELEASE = "unknown"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The folders that a run's vocabulary comes from."""

    folders: tuple[AthenaFolder, ...]

    @property
    def release(self) -> str:
        """The release that the first folder with one names."""
        return next((folder.release for folder in self.folders if folder.release), NO_RELEASE)

    @property
    def paths(self) -> list[Path]:
        """The folders that the database must be allowed to read."""
        return [folder.path for folder in self.folders]


def find_vocabulary(project: Project, problems: Problems) -> Vocabulary:
    """Find the folders under ``vocabulary:``; note what is missing in them."""
    folders = []
    for name in project.file.vocabulary:
        own = project.folder / name
        path = starter_path(name) if not own.is_dir() else None
        found = find_athena(path or own, problems, project.file.at("vocabulary"))
        if found:
            folders.append(found)
    return Vocabulary(tuple(folders))


def load_vocabulary(vocabulary: Vocabulary, database: DuckDB, problems: Problems) -> None:
    """Load all folders into the CDM's vocabulary tables; a row that an earlier folder has is not taken again."""
    tables = cdm.tables()
    for folder in vocabulary.folders:
        for name, path in folder.files.items():
            if name in tables:
                sql = render("vocabulary/load.sql.jinja", schema="cdm", table=tables[name], path=path.as_posix())
                try:
                    database.run(Statement(f"vocabulary {name}", "load", sql))
                except OmopifyError as error:
                    if error.problems[0].code != DATABASE_REFUSED:
                        raise
                    message = f"the vocabulary file {path.name} is not laid out as Athena does"
                    hint = "a row has too many or too few cells, or a date that is none; download it again"
                    problems.add("OM606", message, Location(str(path)), hint)


def check_vocabulary(database: DuckDB, problems: Problems) -> None:
    """Refuse a vocabulary without concept 0, which every unmapped row refers to."""
    if not database.rows(render("run/concept_zero.sql"))[0][0]:
        hint = "name a whole Athena download, or 'starter' before it"
        problems.add("OM607", "the vocabulary has no concept 0 ('No matching concept')", None, hint)


def check_names(plan: Plan, database: DuckDB, problems: Problems) -> None:
    """Warn of source vocabularies that maps look in and that are not loaded."""
    loaded = [name for (name,) in database.rows(render("run/vocabularies.sql"))]
    wanted = {name: step.at for step in plan.maps for lookup in step.lookups for name in lookup.vocabularies}
    for name, at in wanted.items():
        if name not in loaded:
            near = "" if name in WELL_KNOWN else did_you_mean(name, (*loaded, *WELL_KNOWN))
            hint = near or "look-ups in it find nothing; load an Athena download that has it"
            problems.add("OM614", f"the vocabulary '{name}' is not loaded", at, hint, severity="warning")


def load_constants(plan: Plan, database: DuckDB, problems: Problems) -> list[ConstantUse]:
    """Look up the concept ids that maps name and judge them; return the uses that the vocabulary does not know."""
    links = {t.event_field_concept_id for t in cdm.tables().values() if t.event_field_concept_id}
    links.add(cdm.CDM_VERSION_CONCEPT_ID)
    ids = sorted({use.concept_id for use in plan.constants} | links)
    database.script(render("run/constants.sql.jinja", ids=ids))
    known = dict(database.rows(render("run/known_constants.sql")))
    return judge_constants(plan, known, problems)


def judge_constants(plan: Plan, known: Mapping[int, str], problems: Problems) -> list[ConstantUse]:
    """Compare the concepts that maps name with the vocabulary's names; return the uses that it does not know.

    A name that does not fit its id is an error: one of the two is a slip of the pen.
    """
    for use in plan.constants:
        name = known.get(use.concept_id)
        if name is not None and use.name and fold(use.name) != fold(name):
            message = f"concept {use.concept_id} is called '{name}', not '{use.name}'"
            problems.add("OM610", message, use.at, "correct the id or the name")
    unknown = [use for use in plan.constants if use.concept_id not in known]
    for use in {use.concept_id: use for use in unknown if use.concept_id}.values():
        message = f"concept {use.concept_id} ({use.name or 'no name given'}) is not in the vocabulary"
        hint = "its rows get concept 0 and are counted; load an Athena download that has it"
        problems.add("OM611", message, use.at, hint, severity="warning")
    return unknown


def concept_files(pack: Pack, plan: Plan, problems: Problems) -> list[tuple[str, str, int, str]]:
    """Read the concept files that maps name: (file, value, concept id, purpose), accepted rows only."""
    folders = {loaded.pack: loaded.folder for loaded in pack.maps}
    wanted = dict.fromkeys((lookup.file, step.at) for step in plan.maps for lookup in step.lookups if lookup.file)
    rows: list[tuple[str, str, int, str]] = []
    for file, at in wanted:
        assert file is not None
        name, _, path = file.partition("/")
        rows += _concept_file(file, folders[name] / path, at, problems)
    return list(dict.fromkeys(rows))


def load_concept_files(rows: list[tuple[str, str, int, str]], database: DuckDB, problems: Problems) -> None:
    """Put what ``concept_files`` returned where the maps' look-ups find it; warn of ids that nobody knows."""
    insert_rows(database, "work.concept_files", ("file", "value", "concept_id", "purpose"), rows)
    for file, unknown in database.rows(render("run/unknown_ids.sql")):
        message = f"{unknown} concept ids of this file are not in the vocabulary"
        hint = "their values get concept 0 and are counted; load an Athena download that has them"
        problems.add("OM613", message, Location(file), hint, severity="warning")


def _concept_file(file: str, path: Path, at: Location, problems: Problems) -> Iterable[tuple[str, str, int, str]]:
    for line, row in read_table(path, ("sourceName", "conceptId", "mappingStatus"), at, problems):
        if row["mappingStatus"].upper() not in ACCEPTED:
            continue
        place = Location(str(path), line, 1)
        if not row["conceptId"].isdigit():
            problems.add("OM612", "'conceptId' is not a number", place, "a row may have shifted by a column")
            continue
        purpose = (row.get("mappingType") or "MAPS_TO").upper()
        # Stewards map codes or terms: a value is found by either.
        for said in dict.fromkeys((row["sourceName"], row.get("sourceCode", ""))):
            if said:
                yield file, said, int(row["conceptId"]), purpose
