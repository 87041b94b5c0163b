"""Tests that passed, and whether anything that they depend on has changed since.

A test is known by the hash of all that decides its outcome: the SQL of the maps that it runs (with their value lists
and the trial's facts in it), the rows given and expected, the words that mean 'missing', the shared tables, the
reviewed mappings, the vocabulary, omopify and DuckDB.  Only hashes of tests that passed are kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import omopify
from omopify import __version__
from omopify.compiler.plan import MapPlan
from omopify.conversion.vocabulary import Vocabulary
from omopify.resources import data
from omopify.specs.project import Project
from omopify.testing.bench import Frame, referred
from omopify.testing.checking import Case

FILE = ".tests.json"
"""The file in the output folder that holds what passed."""

_VERSION = 2
_AGES = 10
_KEPT = 4
"""How many wholes are kept: a steward goes back and forth between two states."""


class Memory:
    """The tests that passed before, in a file of the output folder; without a folder nothing is kept."""

    def __init__(self, folder: Path | None):
        self.path = folder / FILE if folder else None
        self._passed: dict[str, int] = {}
        self._wholes: dict[str, dict[str, str]] = {}
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            found = json.loads(self.path.read_text(encoding="utf-8")) if self.path else {}
            if found.get("version") == _VERSION:
                self._passed = {str(key): int(age) for key, age in found["passed"].items()}
                self._wholes = {str(key): dict(skipped) for key, skipped in found["wholes"].items()}

    def has(self, key: str) -> bool:
        """Say whether a test passed."""
        return key in self._passed

    def whole(self, key: str) -> dict[str, str] | None:
        """Return, if no test of a project in this state failed, which were skipped, and why; else None."""
        return self._wholes.get(key)

    def keep(self, passed: set[str], failed: set[str]) -> None:
        """Keep the tests that passed, and forget those that did not."""
        if not passed | failed:
            return
        # What has not been met for ten times is forgotten: maps change, and the file should not grow for ever.
        older = {key: age + 1 for key, age in self._passed.items() if age < _AGES and key not in failed}
        self._passed = older | dict.fromkeys(passed, 0)
        self._write()

    def keep_whole(self, key: str, skipped: dict[str, str]) -> None:
        """Keep that no test of a project in this state failed, and which were skipped."""
        others = [(known, why) for known, why in self._wholes.items() if known != key]
        self._wholes = dict([(key, skipped), *others][:_KEPT])
        self._write()

    def _write(self) -> None:
        if self.path is None:
            return
        text = json.dumps({"version": _VERSION, "wholes": self._wholes, "passed": self._passed})
        with suppress(OSError):  # the tests have passed, whether or not it can be written down
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new = self.path.with_name(f"{FILE}.{os.getpid()}")
            new.write_text(text, encoding="utf-8")
            new.replace(self.path)


class Keys:
    """Knows each test of a pack by the hash of all that decides its outcome."""

    def __init__(self, frame: Frame, vocabulary: Vocabulary):
        self.frame = frame
        pack = frame.pack
        shapes = {name: [[n, s.type, s.required] for n, s in t.fields.items()] for name, t in pack.tables.items()}
        local = [[c.concept_id, c.concept_code, c.concept_name, c.vocabulary_id, c.maps_to] for c in frame.local]
        scopes = [[scope.source, scope.subject, scope.condition] for scope in frame.plan.scopes]
        self.shared = _hash(_engine(), vocabulary.parts, pack.trial.trial, shapes, local, scopes)
        self._maps: dict[str, str] = {}
        self._files: dict[str, str] = {}

    def of(self, case: Case) -> str:
        """Return the hash of one test."""
        own, test = self.frame.steps[case.map], case.test
        steps = [self._map(step) for step in (*referred(self.frame.plan, own, test.given), own)]
        sources = self.frame.pack.sources
        missing = {name: sources[name].missing for name in test.given if name in sources}
        return _hash(self.shared, steps, missing, test.name, test.given, test.expect)

    def _map(self, step: MapPlan) -> str:
        if step.name not in self._maps:
            texts = [statement.sql for statement, _ in self.frame.script(step)]
            files = [self._file(lookup.file) for lookup in step.lookups if lookup.file]
            self._maps[step.name] = _hash(texts, [assertion.sql for assertion in step.assertions], files)
        return self._maps[step.name]

    def _file(self, file: str) -> str:
        if file not in self._files:
            self._files[file] = _hash([row for row in self.frame.terms.rows if row[0] == file])
        return self._files[file]


def whole_of(project: Project, vocabulary: Vocabulary) -> str:
    """Return the hash of all files that decide the outcome of a project's tests, without compiling anything."""
    folders = sorted({project.pack.folder, *(loaded.folder for loaded in project.pack.maps)})
    kinds = ("csv", "sql", "jinja", "yaml")
    paths = {path for folder in folders for kind in kinds for path in folder.rglob(f"*.{kind}")}
    paths |= {*project.pack.files, Path(project.file.at().path)}
    files = [path for path in sorted(paths) if path.is_file()]
    hashes = [[path.as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()] for path in files]
    return _hash(_engine(), vocabulary.parts, hashes)


@cache
def _engine() -> list[str]:
    """Return what tells one omopify from another: the versions, and for developers the state of its files."""
    root = Path(omopify.__file__).parent
    files = sorted([*root.rglob("*.py"), *data("sql").rglob("*.*")])
    state = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    return [__version__, version("duckdb"), _hash(state)]


def _hash(*parts: object) -> str:
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
