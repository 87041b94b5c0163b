"""What is not wrong in a mapping, but probably not meant: the warnings OM920 to OM939 of ``omopify check``.

A rule must be worth reading: it is silent unless it is sure, and each of its warnings says what to do.  What is meant
to be so is said in the file, with its reason, under ``accept:``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from omopify.compiler.lint import examples, filters, unused, values
from omopify.compiler.lint.look import Look
from omopify.compiler.plan import Plan
from omopify.errors import Location, Problem, Problems
from omopify.specs.model import FileModel
from omopify.specs.project import Project, shown

TITLES = {
    "OM920": "A map that nothing uses",
    "OM921": "A file that no map refers to",
    "OM922": "A source that no map reads",
    "OM923": "A condition that always holds, or never",
    "OM924": "A value that stands twice in a value map",
    "OM925": "A value that never arrives",
    "OM926": "A date format that no date is written in",
    "OM927": "Dates that no declared format reads",
    "OM928": "A map without a test",
    "OM929": "A test that names what is not there",
    "OM930": "Columns that nobody has decided on",
    "OM931": "A word that changes nothing",
    "OM932": "A join that changes nothing",
    "OM933": "A choice that is never reached",
    "OM934": "Values that may arrive and have no line",
    "OM935": "A column that is ignored in vain",
    "OM939": "A warning that is accepted, but is not there",
}
"""What the warnings are about, each in a few words."""

RULES = (
    unused.maps, unused.files, unused.sources, filters.filters, values.values, values.words, examples.examples,
)  # fmt: skip


def lint(project: Project, plan: Plan, headers: Mapping[str, Mapping[str, str]], problems: Problems) -> None:
    """Note what may not be meant.

    ``headers`` holds the columns (with labels) that the export brings, by source; without it, undecided columns are
    looked for in the pack's own list.
    """
    look = Look(project, plan, headers, problems)
    for rule in RULES:
        rule(look)


def accepted(project: Project, problems: Problems, *, complete: bool) -> None:
    """Take the warnings out that the project's files accept.

    ``complete`` says that all rules could look at all they need: what accepts nothing is then noted (OM939).
    """
    left = [problem for problem in problems.found if problem.severity != "error"]
    files: list[tuple[FileModel, Mapping[str, str]]] = [
        (loaded.spec, loaded.spec.accept) for loaded in project.pack.maps
    ]
    files += [(project.pack.trial, project.pack.trial.accept), (project.file, project.file.accept)]
    taken: set[Problem] = set()
    for file, decisions in files:
        for code in decisions:
            found = {problem for problem in left if problem.code == code and _is_about(problem, file, project)}
            taken |= found
            if complete and not found:
                at = file.at("accept", code, key=True)
                message = f"there is no warning {code} here that could be accepted"
                problems.add("OM939", message, at, "delete the line", severity="warning")
    problems.drop(taken)


def _is_about(problem: Problem, file: FileModel, project: Project) -> bool:
    """Say whether a file may accept a problem: a map its own, the trial those of its folder, the project all."""
    if file is project.file:
        return True
    at = problem.at or Location("")
    if at.path == file.at().path:
        return True
    folder = shown(project.pack.folder)
    return file is project.pack.trial and (folder == "." or Path(folder) in Path(at.path).parents)
