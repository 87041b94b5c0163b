"""Run a project: stage, compile, convert, account, verify, and only then replace the last result.

Everything is built in a folder of its own inside the output folder.  What is there already is touched by
renames at the very end; a run that is killed before leaves it as it was, one that is killed between the
renames is completed by the next.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from omopify import __version__, cdm
from omopify.compiler.plan import MapPlan, Plan, Statement
from omopify.compiler.planner import make_plan
from omopify.compiler.render import MAP_ROWS, clean_up, render, scopes, statements
from omopify.conversion.definitions import definitions, form_hashes, made_of, write_definitions
from omopify.conversion.eras import era_statements
from omopify.conversion.forms import note_forms
from omopify.conversion.losses import lost_subjects, warn_of_losses, warn_of_nothing
from omopify.conversion.manifest import Manifest, review_state, write_manifest
from omopify.conversion.metadata import metadata_statement
from omopify.conversion.replacement import DEFINITIONS, finish_replacement, replace_result
from omopify.conversion.session import REGISTER, VocabularyFiles, insert_rows, open_database, prepare_tables
from omopify.conversion.sources import create_source_tables, headers, staged
from omopify.conversion.terms import Terms, read_terms
from omopify.conversion.vocabulary import (
    Vocabulary,
    find_vocabulary,
    keep_used_vocabulary,
    local_concepts,
    prepare_vocabulary,
    vocabulary_files,
)
from omopify.engines.duckdb import DuckDB
from omopify.errors import Location, OmopifyError, Problem, Problems
from omopify.progress import Progress
from omopify.specs.meanings import meanings
from omopify.specs.project import DATABASE, MANIFEST, Project, shown
from omopify.specs.reviews import reviews, stop_if_open
from omopify.staging import StagedSource
from omopify.vocabulary.files.local import LocalConcept


@dataclass(frozen=True, slots=True)
class Options:
    """What a run may be told: where to write, how much of the machine it may use, and by which mappings."""

    out: Path | None = None
    memory_limit: str | None = None
    threads: int | None = None
    vocabulary: Path | None = None
    """A vocabulary instead of the project's."""
    draft: bool = False
    """Whether rows of concept files that nobody has checked count, too; the result is a draft then."""
    tested: bool = False
    """Whether the given/expect rows of the maps were run, and passed; otherwise the result is a draft."""
    tests: Mapping[str, int] | None = None
    """How many given/expect rows were ``run``, ``passed``, ``failed`` and ``skipped``; None if none were looked at."""
    upload: bool = False
    """Whether to stop, before a row is read, unless every part of the mapping is approved."""


@dataclass
class Result:
    """What a run came to."""

    out: Path
    manifest: dict[str, Any]
    warnings: list[Problem] = field(default_factory=list)


def run(project: Project, options: Options, problems: Problems, progress: Progress) -> Result:
    """Convert a project's export into an OMOP CDM and return what became of its rows.

    Raises:
        OmopifyError: something is wrong with the maps, the export or the vocabulary, or a check of the
            result failed; the last result is as it was.  OM952 it is meant for upload, and is not approved.
    """
    said = meanings(project)
    reviewed = reviews(project, problems, said)
    if options.upload:
        stop_if_open(reviewed)
    out = (options.out or project.out).absolute()
    _make(out)
    finish_replacement(out)
    clock = _Clock()
    progress("checking the maps")
    vocabulary = find_vocabulary(project, problems, options.vocabulary)
    plan = make_plan(project.pack, headers(project.pack, project.data, problems), problems)
    terms = read_terms(project.pack, plan, problems, project, options.draft) if plan else None
    local = local_concepts(project.pack, problems)
    problems.stop_if_errors()
    assert plan is not None
    assert terms is not None
    clock.lap("check")
    loaded = vocabulary_files(vocabulary, plan, out / ".vocabulary", progress, options.memory_limit)
    clock.lap("vocabulary")
    progress("reading the export")
    sources = staged(project.pack, project.data, out / ".staging", problems, progress)
    problems.stop_if_errors()
    clock.lap("stage")
    build = out / f".building-{os.getpid()}"
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir()
    try:
        defined = definitions(project, plan, said, terms, vocabulary, form_hashes(sources), options.draft)
        review = review_state(project, reviewed, terms, options.draft, options.tested, options.tests)
        state = {"review": review, "made_of": made_of(defined)}
        job = _Job(
            project, options, plan, sources, vocabulary, loaded, terms, local, build, problems, progress, clock, state
        )
        manifest = job.convert()
        write_definitions(build / DEFINITIONS, defined)
        write_manifest(build / MANIFEST, manifest)
        progress("replacing the last result")
        replace_result(build, out, project.register)
    finally:
        shutil.rmtree(build, ignore_errors=True)
    return Result(out, manifest.content, problems.warnings)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for inner in (".staging", ".vocabulary"):
            (folder / inner).mkdir(exist_ok=True)
    except OSError as error:
        why = "a file of that name is in the way" if isinstance(error, FileExistsError) else "no right to write there"
        problem = Problem(
            "OM592", f"the output folder cannot be made: {why}", Location(shown(folder)), "choose another with --out"
        )
        raise OmopifyError(problem) from None


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()
        self.started = datetime.now(UTC)

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] = round(self.seconds.get(name, 0.0) + now - self._last, 3)
        self._last = now


@dataclass
class _Job:
    project: Project
    options: Options
    plan: Plan
    sources: Mapping[str, StagedSource]
    vocabulary: Vocabulary
    loaded: VocabularyFiles
    terms: Terms
    local: list[LocalConcept]
    build: Path
    problems: Problems
    progress: Progress
    clock: _Clock
    state: dict[str, Any]
    """What the manifest says of reviews, and of what the result is made."""
    sql: dict[str, list[str]] = field(default_factory=dict)
    written: list[tuple[str, str, int]] = field(default_factory=list)
    accounted: list[tuple[object, ...]] = field(default_factory=list)

    def convert(self) -> Manifest:
        """Build the database and return its manifest."""
        scratch = self.build / "scratch"
        scratch.mkdir()
        register = self.build / REGISTER
        kept = self.project.register / REGISTER
        if kept.exists():
            shutil.copyfile(kept, register)
        staging = (self.options.out or self.project.out).absolute() / ".staging"
        with open_database(
            self.build / DATABASE,
            register,
            scratch,
            [staging],
            self.loaded,
            self.options.memory_limit,
            self.options.threads,
            kept_as=shown(kept),
        ) as db:
            register.chmod(0o600)
            self._prepare(db)
            for statement in scopes(self.plan):
                db.run(statement)
            warn_of_nothing(db, self.project.pack, self.plan, self.sources, self.problems)
            for number, step in enumerate(self.plan.maps, 1):
                rows = f"{sum(n for _, _, n in self.written):,}".replace(",", " ")
                text = f"map {number} of {len(self.plan.maps)}: {step.name}; {rows} rows so far"
                self.progress(text, number - 1, len(self.plan.maps))
                self._map(db, step)
            self.progress("checking the result")
            self._finish(db)
            self.problems.stop_if_errors()
            return self._manifest(db)

    def _prepare(self, db: DuckDB) -> None:
        prepare_tables(db, self.project.pack)
        prepare_vocabulary(self.plan, self.terms, self.local, db, self.problems)
        create_source_tables(db, self.project.pack, self.plan, self.sources)
        self.clock.lap("vocabulary")

    def _map(self, db: DuckDB, step: MapPlan) -> None:
        counts: tuple[int, ...] = ()
        for statement in statements(step):
            if statement.kind == "accounting":
                self.sql.setdefault(step.name, []).append(statement.sql)
                counts = db.counts(statement)
                self.accounted.append((step.name, *counts[: len(MAP_ROWS)]))
            elif statement.counted is None or counts[statement.counted]:
                self._run(db, statement)
            else:
                self._note(statement, 0)
            if statement.kind == "map" and self._assert(db, step):
                break
        for statement in clean_up(step):
            db.run(statement)
        self.clock.lap(f"map {step.name}")

    def _run(self, db: DuckDB, statement: Statement) -> None:
        self._note(statement, db.run(statement))

    def _note(self, statement: Statement, count: int) -> None:
        self.sql.setdefault(statement.map, []).append(statement.sql)
        if statement.kind == "write":
            self.written.append((statement.map, statement.table, count))

    def _assert(self, db: DuckDB, step: MapPlan) -> bool:
        failed = False
        for assertion in step.assertions:
            count = db.rows(assertion.sql)[0][0]
            if count:
                failed = True
                message = assertion.message.replace("{n}", str(count))
                self.problems.add(assertion.code, message, assertion.at, assertion.hint)
        return failed

    def _finish(self, db: DuckDB) -> None:
        if self.problems.errors:
            return
        insert_rows(db, "audit.map_rows", ("map", *MAP_ROWS), self.accounted)
        for statement in (
            *era_statements(self.project.pack.eras),
            metadata_statement(self.project.pack, self._released()),
        ):
            self._run(db, statement)
        self.clock.lap("eras")
        insert_rows(db, "audit.written", ("map", "table_name", "rows"), _summed(self.written))
        insert_rows(
            db, "audit.columns", ("source", "column", "label", "decision", "reason", "filled", "rows"), self._coverage()
        )
        note_forms(db, self.project.pack, self.plan, self.sources)
        self.state["subjects_without_person"] = lost_subjects(db, self.project.pack, self.sources)
        self.clock.lap("forms")
        self._cdm_source(db)
        keep_used_vocabulary(db, self.project.file.vocabulary_in_result == "all")
        warn_of_losses(db, self.plan, {table for _, table, rows in self.written if rows}, self.problems)
        for (name,) in db.rows(render("run/accounting.sql")):
            message = f"the rows of map '{name}' do not add up"
            self.problems.add("OM593", message, None, "this is a fault of omopify; please report it with the manifest")
        filled = {table for _, table, rows in self.written if rows} | {"cdm.cdm_source"}
        checked = [t for t in cdm.tables().values() if t.schema != "vocab" and f"cdm.{t.name}" in filled]
        for table, column, target, dangling in db.rows(
            render("cdm/verify_keys.sql.jinja", schema="cdm", tables=checked)
        ):
            if dangling:
                message = f"{dangling} values of {table}.{column} are not in {target}"
                self.problems.add("OM594", message, None, "this is a fault of omopify or of a constant in a map")
        self.clock.lap("verify")

    def _coverage(self) -> list[tuple[object, ...]]:
        pack = self.project.pack
        pairs = [pair for step in self.plan.maps for pair in step.columns]
        pairs += [pair for scope in self.plan.scopes for pair in scope.columns]
        used = {(source, column.casefold()) for source, column in pairs}
        identifiers = {column.casefold() for column in pack.trial.identifiers}
        rows: list[tuple[object, ...]] = []
        for name, source in pack.sources.items():
            found = self.sources.get(name)
            if not found:
                continue
            total = sum(file.rows for file in found.files)
            for column in found.columns:
                filled = sum(file.filled.get(column, 0) for file in found.files)
                reasons = (why for words, why in source.ignore.items() if _fits(column, words))
                reason = next(reasons, None)
                if column.casefold() in identifiers:
                    decision = "identifier"
                elif (name, column.casefold()) in used:
                    decision = "used"
                else:
                    decision = "ignored" if reason else "undecided"
                label = found.labels.get(column) or (source.columns[column].label if column in source.columns else "")
                rows.append((name, column, label or None, decision, reason, filled, total))
        return rows

    def _cdm_source(self, db: DuckDB) -> None:
        trial = self.project.pack.trial
        released = self._released()
        row: dict[str, object] = {
            "cdm_source_name": trial.name,
            "cdm_source_abbreviation": trial.trial,
            "cdm_holder": trial.name,
            "source_description": f"Export of {trial.name}" + (f" from {trial.edc}" if trial.edc else ""),
            "cdm_etl_reference": f"omopify {__version__}",
            "source_release_date": released,
            "cdm_release_date": released,
            "cdm_version": cdm.CDM_VERSION,
            "cdm_version_concept_id": self._known_or_zero(db, cdm.CDM_VERSION_CONCEPT_ID),
            "vocabulary_version": self.vocabulary.release,
        }
        fields = {f.name: f for f in cdm.tables()["cdm_source"].fields}
        for name, value in {**trial.cdm_source, **self.project.file.cdm_source}.items():
            if name in fields:
                row[name] = value
            else:
                at = self.project.file.at("cdm_source", name, key=True)
                self.problems.add("OM332", f"there is no column '{name}' in cdm_source", at)
        row = {n: v[: fields[n].length] if isinstance(v, str) and fields[n].length else v for n, v in row.items()}
        insert_rows(db, "cdm.cdm_source", tuple(row), [tuple(row.values())])

    def _known_or_zero(self, db: DuckDB, concept_id: int) -> int:
        return int(db.rows(render("run/known_or_zero.sql.jinja", concept_id=concept_id))[0][0])

    def _released(self) -> str:
        return self.project.file.release_date or self._newest().isoformat()

    def _newest(self) -> date:
        files = {self.project.data / f.file for s in self.sources.values() for f in s.files}
        times = [path.stat().st_mtime for path in files if path.exists()]
        return datetime.fromtimestamp(max(times, default=0), UTC).date()

    def _manifest(self, db: DuckDB) -> Manifest:
        return Manifest.of(
            self.project,
            self.plan,
            self.sources,
            self.vocabulary,
            self.terms,
            self.sql,
            db,
            self.clock,
            self.problems,
            self.state,
        )


def _fits(column: str, pattern: str) -> bool:
    return fnmatchcase(column.casefold(), pattern.casefold())


def _summed(written: list[tuple[str, str, int]]) -> list[tuple[object, ...]]:
    sums: dict[tuple[str, str], int] = {}
    for name, table, rows in written:
        sums[name, table] = sums.get((name, table), 0) + rows
    return [
        (name, table.partition(".")[2] if table.startswith("cdm.") else table, n) for (name, table), n in sums.items()
    ]
