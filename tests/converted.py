"""Conversions that several test modules look at: each is made once in a run of the tests, whatever process asks first.

Who changes a result works on a copy of it (``shutil.copytree``).  With xdist each worker has its own temporary folder;
the one above is common to all, and a folder that can be made only once says who builds.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from omopify.conversion.run import Options, run
from omopify.errors import Problems
from omopify.specs.project import load_project
from omopify.synthetic import write_export

ROOT = Path(__file__).parents[1]
PATIENCE = 300.0


def shared(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Return the folder *name* that ``build`` fills, built by the first who asks; others wait for it."""
    common = factory.getbasetemp()
    common = common.parent if common.name.startswith("popen-") else common
    folder, done = common / "shared" / name, common / "shared" / f"{name}.done"
    folder.parent.mkdir(exist_ok=True)
    try:
        folder.mkdir()
    except FileExistsError:
        end = time.monotonic() + PATIENCE
        while not done.exists():
            assert time.monotonic() < end, f"nobody has built '{name}'"
            time.sleep(0.05)
    else:
        try:
            build(folder)
        finally:
            done.touch()
    return folder


def example(factory: pytest.TempPathFactory, name: str) -> Path:
    """Return a converted copy of ``examples/<name>``, to be read only."""

    def build(folder: Path) -> None:
        left = shutil.ignore_patterns("out", "register")
        shutil.copytree(ROOT / "examples" / name, folder, ignore=left, dirs_exist_ok=True)
        convert(folder)

    return shared(factory, f"example-{name}", build)


def made_up(factory: pytest.TempPathFactory, trial: Literal["impress", "drup"], patients: int) -> Path:
    """Return a converted project whose export is made up of patients who are in order, to be read only."""

    def build(folder: Path) -> None:
        write_export(trial, folder / "data", patients, 7)
        said = f"mappings: {trial}\ndata: data\nvocabulary: [starter, demo_restricted]\n"
        (folder / "omopify.yaml").write_text(said, "utf-8")
        convert(folder)

    return shared(factory, f"{trial}-{patients}", build)


def convert(folder: Path) -> None:
    """Convert a project as 'omopify run --no-quality' does; a problem fails the test."""
    problems = Problems()
    project = load_project(folder, problems)
    problems.stop_if_errors()
    assert project is not None
    run(project, Options(), problems, lambda *_: None)
