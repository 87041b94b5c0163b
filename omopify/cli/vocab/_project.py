"""What check, suggest and diff have in common: the project that they are about, and its vocabulary as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omopify.compiler.plan import Plan
    from omopify.conversion.vocabulary import Vocabulary
    from omopify.errors import Problems
    from omopify.progress import Progress
    from omopify.specs.project import Project


def open_project(path: Path, problems: Problems) -> tuple[Project, Plan | None]:
    """Read a project and compile its maps; what is wrong with them is noted, and there is no plan then.

    Raises:
        OmopifyError: there is no project to go on with.
    """
    from omopify.cli.check import export_headers
    from omopify.compiler.planner import make_plan
    from omopify.errors import Problems
    from omopify.specs.project import load_project

    project = load_project(path, problems)
    problems.stop_if_errors()
    assert project is not None
    # What is wrong with the export is for 'omopify check' to say.
    return project, make_plan(project.pack, export_headers(project, Problems()), problems)


def loaded_vocabulary(
    project: Project, vocabulary: Vocabulary, instead: Path | None, scratch: Path, say: Progress
) -> Path:
    """Return the file that holds a vocabulary: the one that runs use, if they have made it, else one in *scratch*."""
    from omopify.conversion.vocabulary import vocabulary_file

    kept = project.out / ".vocabulary"
    return vocabulary_file(vocabulary, kept if kept.is_dir() and not instead else scratch, say)
