"""The one way in which omopify tells a user that something is wrong.

A :class:`Problem` is what is wrong, where, and how to mend it; an :class:`OmopifyError` carries one or
more of them to the command line.  Mistakes of a user are always an ``OmopifyError``; anything else
that is raised is a bug of omopify.  Codes never change their meaning; each has a section in
``docs/problems.md``:

* OM1xx  reading a YAML file
* OM2xx  the shape of a project, trial or map file
* OM3xx  a map against its sources and targets
* OM4xx  reading the trial's data (staging)
* OM5xx  running
* OM6xx  the vocabulary and concept files
* OM7xx  making synthetic exports
* OM8xx  the quality of a result: suites, changes and waivers, measuring, sign-off
* OM9xx  the workbench: scans, drafts, tests of maps, comparisons, traces, reviews
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file that the user wrote: ``path:line:column`` (both counted from 1; 0 = whole file)."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Write the place the way compilers do, so that editors and terminals can jump to it."""
        if not self.line:
            return self.path
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the user must know.

    ``message`` is one sentence without capital or full stop; it quotes the user's own words in '...'
    and never contains a value from the trial's data.  ``hint`` says how to mend it.  ``severity`` is
    ``error`` (the command stops) or ``warning`` (it goes on).
    """

    code: str
    message: str
    at: Location | None = None
    hint: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        """Write ``file:line:col: message; hint [CODE]``."""
        place = f"{self.at}: " if self.at else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}{self.message}{hint} [{self.code}]"

    def to_dict(self) -> dict[str, object]:
        """Return the problem as plain data, for ``--format json`` and the manifest."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
            "file": self.at.path if self.at else None,
            "line": self.at.line if self.at else None,
            "column": self.at.column if self.at else None,
        }


class OmopifyError(Exception):
    """One or more problems that stop a command; the command line shows all of them and exits with 1."""

    def __init__(self, *problems: Problem):
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems


@dataclass
class Problems:
    """Collects problems, so that a check can show all of them at once.

    Files are checked side by side with ``add``; ``stop_if_errors`` ends a stage, because a later
    stage must never run on the broken result of an earlier one.
    """

    _found: dict[Problem, None] = field(default_factory=dict)

    def add(self, code: str, message: str, at: Location | None = None, hint: str = "", severity: str = "error") -> None:
        """Note one problem; the same problem at the same place is noted once."""
        self._found.setdefault(Problem(code, message, at, hint, severity))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note several problems."""
        self._found.update(dict.fromkeys(problems))

    def drop(self, problems: Iterable[Problem]) -> None:
        """Take back what was noted, where the user accepts it."""
        for problem in problems:
            self._found.pop(problem, None)

    @property
    def found(self) -> list[Problem]:
        """All problems, in the order in which they were noted."""
        return list(self._found)

    @property
    def errors(self) -> list[Problem]:
        """The problems that stop a command, by file and line."""
        return sorted((p for p in self._found if p.severity == "error"), key=_place)

    @property
    def warnings(self) -> list[Problem]:
        """The problems that do not stop a command, by file and line."""
        return sorted((p for p in self._found if p.severity == "warning"), key=_place)

    def stop_if_errors(self) -> None:
        """Raise all errors found so far as one :class:`OmopifyError`; do nothing if there is none."""
        if self.errors:
            raise OmopifyError(*self.errors)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` with the nearest of the *known* words, or an empty string."""
    names = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), list(names), n=1, cutoff=0.6)
    return f"did you mean '{names[near[0]]}'?" if near else ""


def _place(problem: Problem) -> tuple[bool, Location]:
    return problem.at is None, problem.at or Location("")
