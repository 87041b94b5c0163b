"""``omopify check``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from omopify.compiler.plan import Plan
    from omopify.conversion.vocabulary import Vocabulary
    from omopify.errors import Problems
    from omopify.specs.project import Project


@click.command(name="check")
@click.argument("project", type=click.Path(path_type=Path))
@click.option(
    "--format",
    type=click.Choice(["human", "json", "github"]),
    default="human",
    show_default=True,
    help="How problems are written: for people, for programs, or as annotations of a GitHub workflow.",
)
def command(project: Path, format: str) -> None:
    """Check PROJECT's maps against the export, without reading a row of it.

    Files, words, expressions, columns (against the export's headers, if the data folder is there), concept
    files and the vocabulary's files are checked; everything that is wrong is shown at once.
    """
    from omopify.cli.show import annotation, show_problems
    from omopify.errors import Problems

    problems = Problems()
    maps, sources = _check(project, problems)
    found = [*problems.errors, *problems.warnings]
    if format == "json":
        report = {"maps": maps, "sources": sources, "problems": [problem.to_dict() for problem in found]}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    elif format == "github":
        for problem in found:
            click.echo(annotation(problem))
    else:
        show_problems(found)
    if problems.errors:
        sys.exit(1)
    if format == "human":
        click.echo(f"{_count(maps, 'map')}, {_count(sources, 'source')}, {_verdict(len(found))}")


def _check(path: Path, problems: Problems) -> tuple[int, int]:
    """Note everything that is wrong with a project and return how many maps and sources it has."""
    from omopify.compiler.planner import make_plan
    from omopify.conversion.terms import read_terms
    from omopify.conversion.vocabulary import find_vocabulary, local_concepts
    from omopify.specs.project import load_project

    project = load_project(path, problems)
    if project is None:
        return 0, 0
    if not project.data.is_dir():
        message = f"there is no data folder '{project.file.data}'; columns are checked against the pack's list only"
        problems.add("OM118", message, project.file.at("data"), "bring the export to check its columns", "warning")
    plan = make_plan(project.pack, export_headers(project, problems), problems)
    vocabulary = find_vocabulary(project, problems)
    if plan:
        read_terms(project.pack, plan, problems, project)
        local_concepts(project.pack, problems)
        _check_constants(plan, vocabulary, problems)
    return len(project.pack.maps), len(project.pack.sources)


def _check_constants(plan: Plan, vocabulary: Vocabulary, problems: Problems) -> None:
    """Compare the concepts that maps name with the vocabulary, unless its files are too large to look through."""
    from omopify.conversion.vocabulary import judge_constants, known_names

    known = known_names(vocabulary, {use.concept_id for use in plan.constants})
    if known is not None:
        judge_constants(plan, known, problems)


def export_headers(project: Project, problems: Problems) -> dict[str, dict[str, str]]:
    """Return the columns of a project's export by source; nothing if the export is not there."""
    from omopify.conversion.sources import headers

    return headers(project.pack, project.data, problems) if project.data.is_dir() else {}


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _verdict(warnings: int) -> str:
    return _count(warnings, "warning") if warnings else "no problems"
