"""The record of a run: what it was made from, what it did and what it lost, as one JSON file."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from omopify import __version__
from omopify.compiler.plan import Plan
from omopify.compiler.render import render
from omopify.conversion.terms import Terms
from omopify.conversion.vocabulary import Vocabulary
from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems
from omopify.specs.project import Project
from omopify.specs.reviews import Reviewed
from omopify.staging import StagedSource

SCHEMA_VERSION = 1


class _Timed(Protocol):
    seconds: dict[str, float]
    started: Any


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of ``manifest.json``; two runs on the same input differ only under ``run``."""

    content: dict[str, Any]

    @classmethod
    def of(
        cls,
        project: Project,
        plan: Plan,
        sources: Mapping[str, StagedSource],
        vocabulary: Vocabulary,
        terms: Terms,
        sql: Mapping[str, list[str]],
        db: DuckDB,
        clock: _Timed,
        problems: Problems,
        state: Mapping[str, Any],
    ) -> Manifest:
        """Put together the manifest of a run whose checks have passed."""
        written: dict[str, dict[str, int]] = {}
        for name, table, rows in db.rows(render("manifest/written.sql")):
            written.setdefault(name, {})[table] = rows
        filters: dict[str, dict[str, int]] = {}
        for name, word, rows in db.rows(render("manifest/filters.sql")):
            filters.setdefault(name, {})[word] = rows
        rejected: dict[str, dict[str, int]] = {}
        for name, reason, rows in db.rows(render("manifest/rejects.sql")):
            rejected.setdefault(name, {})[reason] = rows
        columns = ("rows_read", "rows_used", "rows_filtered", "rows_deduplicated", "rows_rejected", "rows_written")
        maps = {}
        for name, *counts in db.rows(render("manifest/accounting.sql")):
            maps[name] = {
                **dict(zip(columns, counts, strict=True)),
                "filtered": filters.get(name, {}),
                "rejected": rejected.get(name, {}),
                "written": written.get(name, {}),
                "sql_sha256": _sha256("\n".join(sql.get(name, []))),
            }
        content = {
            "schema_version": SCHEMA_VERSION,
            "omopify": __version__,
            "python": platform.python_version(),
            "duckdb": version("duckdb"),
            "polars": version("polars"),
            "trial": project.pack.trial.trial,
            "mappings": project.file.mappings,
            "cdm_version": "v5.4",
            "vocabulary": {
                "release": vocabulary.release,
                "parts": [{"path": path, "sha256": sha256} for path, sha256 in vocabulary.parts],
            },
            "concept_files": terms.counts,
            "inputs": [
                {
                    "source": name,
                    "file": file.file,
                    "sheet": file.sheet,
                    "bytes": file.bytes,
                    "sha256": file.sha256,
                    "rows": file.rows,
                }
                for name, source in sources.items()
                for file in source.files
            ],
            "specs": {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in _written_files(project)},
            "maps": maps,
            **state,
            "order": [step.name for step in plan.maps],
            "totals": _totals(db),
            "problems": [problem.to_dict() for problem in problems.warnings],
            "run": {"started": clock.started.isoformat(timespec="seconds"), "seconds": clock.seconds},
        }
        return cls(content)


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest as JSON with sorted keys."""
    text = json.dumps(manifest.content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def review_state(
    project: Project,
    reviewed: Sequence[Reviewed],
    terms: Terms,
    draft: bool,
    tested: bool,
    tests: Mapping[str, int] | None,
) -> dict[str, Any]:
    """Return whether a result is a draft, and what makes it one; ``draft``: it was asked for as one."""
    parts = [state.part for state in reviewed if state.is_open]
    unchecked = sum(counts["unchecked"] for counts in terms.counts.values())
    written = sum(len(loaded.spec.tests) for loaded in project.pack.maps)
    return {
        "draft": bool(parts or unchecked or draft or not tested),
        "open": len(parts),
        "of": len(reviewed),
        "parts": parts,
        "unchecked": unchecked,
        "tested": tested,
        "tests": dict(tests or {"run": 0, "passed": 0, "failed": 0, "skipped": written}),
    }


def _written_files(project: Project) -> Iterator[tuple[str, Path]]:
    """Yield name and path of all that people wrote for this conversion: maps, SQL, value lists and concept files."""
    folders = sorted({project.pack.folder, *(loaded.folder for loaded in project.pack.maps)})
    beside = {path for folder in folders for kind in ("csv", "sql", "sql.jinja") for path in folder.rglob(f"*.{kind}")}
    for path in sorted(beside | set(project.pack.files)):
        folder = next((folder for folder in folders if path.is_relative_to(folder)), path.parent)
        yield path.relative_to(folder.parent).as_posix(), path
    own = project.folder / project.file.concepts
    for path in sorted(own.rglob("*.csv")):
        yield path.relative_to(own.parent).as_posix(), path


def _totals(db: DuckDB) -> dict[str, int]:
    names = ("rejects", "value_issues", "imputations", "unmapped_values", "columns_undecided")
    return dict(zip(names, db.rows(render("manifest/totals.sql"))[0], strict=True))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
