"""Tiny projects from text: write one, run the real conversion on it, and look at what came out.

A case (``cases/*.yaml``, several documents in one file) holds what a steward would write and the rows that must
come of it, all as text: ``null`` means empty, and only the columns that are named are compared, but the number of
rows of a table must fit exactly.  ``trial``, ``tables``, ``maps`` and ``shared`` are the files' own text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from omopify.conversion.run import Options, Result, run
from omopify.errors import OmopifyError, Problem, Problems
from omopify.progress import silent
from omopify.specs.project import load_project

HERE = Path(__file__).parent
CASES = HERE / "cases"
VOCABULARY = HERE / "vocabulary"
"""A made-up vocabulary in Athena's layout; its concepts are listed in its CONCEPT.csv."""

TRIAL = "trial: t\nname: Trial T\nmodel: shared\n"
MODEL = "model: shared\nname: Shared variables of the tests\n"


@dataclass
class Workbench:
    """A project in a folder of its own."""

    folder: Path
    result: Result | None = None
    problems: list[Problem] = field(default_factory=list)
    """What stopped the last run; empty if it succeeded."""
    warnings: list[Problem] = field(default_factory=list)

    def write(self, case: Mapping[str, Any]) -> Workbench:
        """Write the files of a case (its shape is told at the top of this module)."""
        vocabulary = case.get("vocabulary", "mini")
        names = [str(VOCABULARY)] if vocabulary == "mini" else vocabulary
        project = case.get("project") or ""
        if "mappings:" not in project:
            project += "\nmappings: maps/trial"
        if "data:" not in project:
            project += "\ndata: data"
        if "vocabulary:" not in project:
            project += f"\nvocabulary: {list(names)}"
        if "release_date:" not in project:
            project += '\nrelease_date: "2026-01-31"'
        self._write("omopify.yaml", project.strip() + "\n")
        trial = case.get("trial") or "sources: {}\n"
        self._write("maps/trial/trial.yaml", trial if trial.startswith("trial:") else TRIAL + trial)
        self._write("maps/shared/model.yaml", case.get("model") or MODEL)
        for name, text in (case.get("tables") or {}).items():
            text = text if text.startswith("table:") else f"table: {name}\nfields:\n{_indented(text)}"
            self._write(f"maps/shared/dsp/{name}.yaml", text)
        for name, text in (case.get("maps") or {}).items():
            self._write(f"maps/trial/{name}.yaml", text if text.startswith("map:") else f"map: {name}\n{text}")
        for name, text in (case.get("shared") or {}).items():
            self._write(f"maps/shared/{name}.yaml", text if text.startswith("map:") else f"map: {name}\n{text}")
        for name, text in (case.get("files") or {}).items():
            self._write(f"maps/{name}", text)
        for name, text in (case.get("data") or {}).items():
            self._write(f"data/{name}", text)
        (self.folder / "data").mkdir(exist_ok=True)
        return self

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self) -> Workbench:
        """Run the real conversion; a mistake ends up in ``problems``, anything else is raised."""
        found = Problems()
        self.result, self.problems = None, []
        try:
            project = load_project(self.folder, found)
            if project is None:
                found.stop_if_errors()
            assert project is not None
            self.result = run(project, Options(threads=2), found, silent)
        except OmopifyError as error:
            self.problems = list(error.problems)
        self.warnings = found.warnings
        return self

    @property
    def told(self) -> list[str]:
        """The problems as the user sees them, with paths relative to the project."""
        return [self.relative(str(problem)) for problem in self.problems]

    def relative(self, text: str) -> str:
        """Return a message without the project's own folder."""
        return text.replace(f"{self.folder}/", "").replace(str(self.folder), ".")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the result."""
        with duckdb.connect(str(self.folder / "out" / "omop.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def table(self, name: str) -> list[dict[str, Any]]:
        """Return all rows of a table of the result."""
        with duckdb.connect(str(self.folder / "out" / "omop.duckdb"), read_only=True) as connection:
            found = connection.execute(f"SELECT * FROM {name}")
            columns = [column[0] for column in found.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]

    def differences(self, expected: Mapping[str, Any]) -> list[str]:
        """Say how the result's tables differ from the rows that a case expects."""
        return [line for name, rows in expected.items() for line in self._compare(name, rows)]

    def _compare(self, name: str, expected: Any) -> list[str]:
        actual = left = self.table(name)
        if not isinstance(expected, list):
            return [f"{name}: none expected, got {actual}"] if actual else []
        if expected and set(expected[0]) == {"rows"}:
            count = int(expected[0]["rows"])
            return [] if len(actual) == count else [f"{name}: {count} rows expected, got {len(actual)}: {actual}"]
        lines = []
        left = list(actual)
        for row in expected:
            if unknown := set(row) - set(actual[0] if actual else row):
                lines.append(f"{name}: there is no column {sorted(unknown)}")
            match = next((a for a in left if all(same(a.get(key), value) for key, value in row.items())), None)
            if match is None:
                lines.append(f"{name}: no row like {row}")
            else:
                left.remove(match)
        keys = list(dict.fromkeys(key for row in expected for key in row))
        lines += [f"{name}: one row more: { {key: row.get(key) for key in keys} }" for row in left]
        return lines


def same(actual: Any, expected: str | None) -> bool:
    """Compare a value of the database with one that a case wrote as text."""
    if expected == "null":
        return actual is None
    if actual is None or isinstance(expected, (list, dict)):
        return False
    if isinstance(actual, bool):
        return str(actual).lower() == expected
    if isinstance(actual, (int, float)):
        try:
            return abs(float(actual) - float(str(expected))) < 1e-9
        except ValueError:
            return False
    return str(actual) == expected


def cases(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every case of a folder with its name: ``file: title``."""
    for path in sorted(folder.glob("*.yaml")):
        for document in yaml.load_all(path.read_text(encoding="utf-8"), yaml.BaseLoader):
            yield f"{path.stem}: {document['title']}", document


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def parameters(found: Mapping[str, dict[str, Any]]) -> list[Any]:
    """Return cases as test parameters. ``bug:`` names a known mistake: once it is mended, the mark must go."""
    return [
        pytest.param(name, marks=pytest.mark.xfail(reason=case["bug"])) if "bug" in case else name
        for name, case in found.items()
    ]
