"""A project with suites of its own, and the means to say where in them something stands."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from omopify.errors import Problem, Problems
from omopify.specs.project import Project, load_project


@cache
def _impress() -> Project:
    with TemporaryDirectory() as folder:
        (Path(folder) / "omopify.yaml").write_text("mappings: impress\ndata: data\n", encoding="utf-8")
        problems = Problems()
        project = load_project(Path(folder), problems)
        problems.stop_if_errors()
        assert project
        return project


def project_with(folder: Path, **files: str) -> Project:
    """A project of IMPRESS in *folder*, with these files in its quality folder (``own="name: own ..."``)."""
    (folder / "quality").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "quality" / f"{name}.yaml").write_text(textwrap.dedent(text), encoding="utf-8")
    return replace(_impress(), folder=folder)


def place(problem: Problem) -> tuple[str, str, int, int]:
    """The code of a problem and where it is: file, line and column."""
    assert problem.at
    return problem.code, Path(problem.at.path).name, problem.at.line, problem.at.column
