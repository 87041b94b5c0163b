"""What ``omopify check`` looks at, in order; kept from round to round by ``--watch``, so that little is read twice."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from omopify.errors import Problem, Problems
from omopify.specs.project import PROJECT_FILE, shown
from omopify.specs.reading import Reader

if TYPE_CHECKING:
    from omopify.compiler.plan import Plan
    from omopify.conversion.vocabulary import Vocabulary
    from omopify.specs.project import Project

SCAN = Path("scan", "scan.json")
"""Where ``omopify scan`` leaves what it saw, below the project's folder."""

Headers = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found, and how much it looked at."""

    maps: int
    sources: int
    tests: int
    seconds: float
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    in_full: bool
    """Whether it was looked for what warnings are about; with an error in the maps it cannot be."""
    whole: str
    """The project's file, as messages show it: what is about no file is about this one."""


@dataclass
class Checker:
    """Checks one project, as often as asked; files that have not changed are not read again."""

    path: Path
    reader: Reader = field(default_factory=Reader)
    headers: tuple[object, Headers, list[Problem]] | None = None
    """The columns of the export as last read: what was asked for, what was found, and what was wrong with it."""
    project: Project | None = None
    """What was checked last; None if there is no project, or no trial."""
    in_full: bool = False
    """Whether the maps were sound enough to look for what warnings are about."""

    def check(self, *, new_data: bool = False) -> Checked:
        """Return everything that is wrong with the project, and what may be.

        The export's headers are read once, and again only if ``new_data`` says that its files have changed.
        """
        self.headers, self.in_full = None if new_data else self.headers, False
        started, problems = time.perf_counter(), Problems()
        self.project = project = self._look(problems)
        pack = project.pack if project else None
        return Checked(
            len(pack.maps) if pack else 0,
            len(pack.sources) if pack else 0,
            sum(len(loaded.spec.tests) for loaded in pack.maps) if pack else 0,
            time.perf_counter() - started,
            tuple(problems.errors),
            tuple(problems.warnings),
            self.in_full,
            shown(self.path / PROJECT_FILE if self.path.is_dir() else self.path),
        )

    def watched(self) -> tuple[list[Path], Path | None]:
        """Return the folders whose files a check reads, and the folder of the export."""
        folders = [self.path if self.path.is_dir() else self.path.parent]
        if self.project is None:
            return folders, None
        folders += [loaded.folder for loaded in self.project.pack.maps]
        return [*folders, self.project.pack.folder], self.project.data

    def _look(self, problems: Problems) -> Project | None:
        from omopify.compiler.lint import accepted, lint
        from omopify.compiler.planner import make_plan
        from omopify.conversion.terms import read_terms
        from omopify.conversion.vocabulary import find_vocabulary, local_concepts
        from omopify.specs.project import load_project

        project = load_project(self.path, problems, self.reader)
        if project is None:
            return None
        complete = project.data.is_dir()
        if not complete:
            message = f"there is no data folder '{project.file.data}'; columns are checked against the pack's list only"
            hint = "bring the export to check its columns"
            problems.add("OM118", message, project.file.at("data"), hint, "warning")
        headers = self._headers(project, problems)
        plan = make_plan(project.pack, headers, problems)
        vocabulary = find_vocabulary(project, problems)
        self.in_full = plan is not None
        if plan:
            read_terms(project.pack, plan, problems, project)
            local_concepts(project.pack, problems)
            _check_constants(plan, vocabulary, problems)
            lint(project, plan, headers, problems)
            complete = self._compare_with_scan(project, plan, problems) and complete
        accepted(project, problems, complete=complete and plan is not None)
        return project

    def _headers(self, project: Project, problems: Problems) -> Headers:
        """Return the columns of the export by source (nothing if it is not there)."""
        from omopify.conversion.sources import headers, requests

        if not project.data.is_dir():
            return {}
        asked = requests(project.pack)
        if self.headers is None or self.headers[0] != asked:
            found = Problems()
            self.headers = (asked, headers(project.pack, project.data, found), found.found)
        problems.extend(self.headers[2])
        return self.headers[1]

    def _compare_with_scan(self, project: Project, plan: Plan, problems: Problems) -> bool:
        """Note date formats that the export does not have, or that nobody declared; say whether there is a scan."""
        path = project.folder / SCAN
        if not path.is_file():
            return False
        from omopify.scanning.formats import compare_formats
        from omopify.scanning.storing import read_scan

        found = Problems()
        scan = read_scan(path, found)
        problems.extend(replace(problem, severity="warning") for problem in found.found)
        if scan:
            compare_formats(project, plan, scan, problems)
        return scan is not None


def _check_constants(plan: Plan, vocabulary: Vocabulary, problems: Problems) -> None:
    """Compare the concepts that maps name with the vocabulary, unless its files are too large to look through."""
    from omopify.conversion.vocabulary import judge_constants, known_names

    known = known_names(vocabulary, {use.concept_id for use in plan.constants})
    if known is not None:
        judge_constants(plan, known, problems)
