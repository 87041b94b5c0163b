"""``omopify vocab suggest``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option, project_argument

if TYPE_CHECKING:
    from omopify.errors import Problems
    from omopify.progress import Progress
    from omopify.vocabulary.suggestion.proposals import Files, Question, Written
    from omopify.vocabulary.suggestion.suggest import Suggestion


@click.command(
    name="suggest",
    cls=Command,
    examples={
        "omopify vocab suggest": "write proposals into the project's own concept files",
        "omopify vocab suggest --out proposals": "into a folder of their own, to look at first",
        "omopify vocab suggest impress --limit 10 --show 50": "more candidates, and more of them here",
    },
)
@project_argument
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the files; else the project's own concept files are updated.",
)
@click.option(
    "--vocabulary", type=click.Path(path_type=Path), help="A vocabulary file or folder, instead of the project's."
)
@click.option("--limit", default=5, show_default=True, type=click.IntRange(1, 50), help="Candidates for each value.")
@click.option(
    "--min-count",
    default=5,
    show_default=True,
    type=click.IntRange(min=1),
    help="Counts of fewer rows are left out of the files, because they may leave your site.",
)
@click.option("--show", default=20, show_default=True, type=click.IntRange(min=0), help="How many values to show here.")
@json_option
def command(
    project: Path,
    out: Path | None,
    vocabulary: Path | None,
    limit: int,
    min_count: int,
    show: int,
    as_json: bool,
) -> None:
    """Propose concepts for the values of PROJECT that have none.

    The values are those of the last run. Proposals are written as UNCHECKED rows into the concept files that the
    maps look in, for you to approve; rows that somebody has reviewed are never touched.
    """
    from omopify.cli.show import emit_json, progress, show_problems
    from omopify.errors import Problems

    problems = Problems()
    with progress() as say:
        files, questions, suggestions, elsewhere = _suggested(project, vocabulary, limit, problems, say)
        from omopify.vocabulary.suggestion.proposals import write_proposals

        written = write_proposals(questions, suggestions, files, out, min_count)
    show_problems(problems.warnings)
    if as_json:
        emit_json(_as_data(questions, suggestions, written, elsewhere))
        return
    _show(questions, suggestions, show)
    _tell(written, elsewhere)


def _suggested(
    path: Path, instead: Path | None, limit: int, problems: Problems, say: Progress
) -> tuple[Files, list[Question], list[Suggestion], list[str]]:
    import tempfile

    from omopify.cli.vocab._project import loaded_vocabulary, open_project
    from omopify.conversion.vocabulary import find_vocabulary
    from omopify.specs.project import DATABASE
    from omopify.vocabulary.search.index import open_search
    from omopify.vocabulary.suggestion.proposals import open_questions, read_files, remembered
    from omopify.vocabulary.suggestion.suggest import suggest

    say("reading the maps")
    project, plan = open_project(path, problems)
    found = find_vocabulary(project, problems, instead)
    problems.stop_if_errors()
    assert plan is not None
    files = read_files(plan, project, problems)
    problems.stop_if_errors()
    questions, elsewhere = open_questions(plan, files, project.out / DATABASE)
    if not questions:
        return files, [], [], elsewhere
    with tempfile.TemporaryDirectory(prefix="omopify-", ignore_cleanup_errors=True) as scratch:
        file = loaded_vocabulary(project, found, instead, Path(scratch), say)
        with open_search(file, say) as database:
            say(f"looking for {len(questions)} values")
            suggestions = suggest([question.request for question in questions], database, remembered(files), limit)
    return files, questions, suggestions, elsewhere


def _as_data(
    questions: Sequence[Question], suggestions: Sequence[Suggestion], written: Sequence[Written], elsewhere: list[str]
) -> dict[str, Any]:
    values = [
        {
            "value": question.request.value,
            "rows": question.request.rows,
            "concept_file": question.file,
            "why": one.why,
            "proposed": one.best is not None,
            "candidates": [
                {
                    "concepts": [{"concept_id": t.concept_id, "concept_name": t.name} for t in candidate.targets],
                    "score": round(candidate.score, 4),
                    "why": candidate.why,
                }
                for candidate in one.candidates
            ],
        }
        for question, one in zip(questions, suggestions, strict=True)
    ]
    files = [{**asdict(file), "path": str(file.path)} for file in written]
    return {"values": values, "files": files, "without_a_concept_file": elsewhere}


def _show(questions: Sequence[Question], suggestions: Sequence[Suggestion], most: int) -> None:
    from omopify.cli.show import table

    rows = []
    for question, one in list(zip(questions, suggestions, strict=True))[:most]:
        best = one.best
        concept = " + ".join(f"{target.concept_id} {target.name}" for target in best.targets) if best else ""
        score = f"{best.score:.2f}" if best else ""
        rows.append((question.request.rows, question.request.value, concept, score, one.why))
    if rows:
        table("Values without a concept", ("rows", "value", "proposal", "score", "why"), rows)
    if len(questions) > most:
        click.echo(f"and {len(questions) - most} more")


def _tell(written: Sequence[Written], elsewhere: Sequence[str]) -> None:
    from omopify.cli.show import counted
    from omopify.specs.project import shown

    for file in written:
        parts = [counted(file.proposed, "proposal")]
        parts += [f"{counted(file.nothing, 'value')} without any"] if file.nothing else []
        parts += [f"{counted(file.decided, 'term')} left as set by somebody"] if file.decided else []
        click.echo(f"{shown(file.path)}: {', '.join(parts)}")
    if elsewhere:
        click.echo(f"Looked up in vocabularies only (a concept file would let you map them): {', '.join(elsewhere)}")
    if written:
        click.echo("Set mappingStatus to APPROVED where a proposal is right, correct it where not, and run again.")
    else:
        click.echo("Every value that is looked up in a concept file has a concept.")
