"""Run the given/expect rows that stand beside the maps: the maps' meaning, checked.

A test of a harmonising map gives rows of the trial's forms; one of a standardising map gives rows of the shared
tables (with the subjects and visits that they refer to, because references are resolved as in a real run).
Columns that are not given are empty; of expected rows only the columns that are named are compared.

Concepts are those of the packs' own files: what one project decides in its folder ``concepts`` stays out, because a
shared map's tests hold for every project, and nobody could mend them there.

Problems:

* OM945  tests fail, so nothing is converted
* OM946  there is no map of that name
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock

from omopify.compiler.plan import Plan
from omopify.compiler.planner import make_plan
from omopify.conversion.sources import headers
from omopify.conversion.terms import read_terms
from omopify.conversion.vocabulary import Vocabulary, local_concepts, vocabulary_files
from omopify.errors import OmopifyError, Problem, Problems, did_you_mean
from omopify.progress import Progress, silent
from omopify.specs.project import LoadedMap, Pack, Project
from omopify.testing.bench import AUDIT, Bench, Frame, open_bench
from omopify.testing.checking import Case, Checker, expected_concepts, expected_rows
from omopify.testing.coverage import Reach
from omopify.testing.matching import compare
from omopify.testing.memory import Keys, Memory, whole_of
from omopify.testing.model import Difference, Outcome, Report

Brought = Callable[[], dict[str, dict[str, str]]]
"""Gives the columns of an export with their labels, by source."""

_WORKERS = 2
"""So many databases are worked in at once: a third saves little, as maps that tests share are run in each."""

_WORTH_SHARING = 24
"""Fewer tests than this are run in one database: to open another takes as long as ten of them."""


@dataclass(frozen=True, slots=True)
class Options:
    """Which tests are run, and what is found out besides."""

    maps: tuple[str, ...] = ()
    """Only the tests of these maps; of all if empty."""
    everything: bool = False
    """Also tests that passed before and that nothing has changed for."""
    coverage: bool = False
    """Also what the tests cover; then all are run."""


def run_project_tests(
    project: Project,
    vocabulary: Vocabulary,
    problems: Problems,
    options: Options = Options(),
    out: Path | None = None,
    progress: Progress = silent,
) -> Report:
    """Run the tests of a project's maps; when nothing has changed since all of them passed, nothing is even compiled.

    Args:
        project: whose maps.
        vocabulary: the vocabulary of the run.
        problems: where it is noted that a test cannot be run; the others are run all the same.
        options: which tests.
        out: the output folder, if it is not the project's.
        progress: is told what is being done.

    Raises:
        OmopifyError: OM946 there is no such map, or the maps do not compile.
    """
    folder = (out or project.out).absolute()
    memory, whole = Memory(folder), whole_of(project, vocabulary)
    cases = chosen(project.pack, options.maps)
    skipped = memory.whole(whole)
    if skipped is not None and not options.everything and not options.coverage:
        known = (_remembered(case, skipped.get(case.name, "")) for case in cases)
        return Report(tuple(known), (), _untested(project.pack, options.maps))
    report = run_tests(project.pack, vocabulary, problems, options, folder, progress, partial(_brought, project))
    if not options.maps and not report.failed and len(report.outcomes) == len(cases):
        Memory(folder).keep_whole(whole, {f"{one.map}: {one.name}": one.skipped for one in report.skipped})
    return report


def run_tests(
    pack: Pack,
    vocabulary: Vocabulary,
    problems: Problems,
    options: Options = Options(),
    folder: Path | None = None,
    progress: Progress = silent,
    brought: Brought = dict,
) -> Report:
    """Run the tests of a pack's maps.

    ``folder`` holds the vocabulary's file and what passed before; with None nothing is kept.  ``brought`` gives the
    columns of the export, where the pack's own list of columns does not suffice.  The rest as
    :func:`run_project_tests`.

    Raises:
        OmopifyError: OM946 there is no such map, or the maps do not compile.
    """
    cases = chosen(pack, options.maps)
    memory = Memory(folder)
    with framed(pack, vocabulary, folder, problems, progress, brought) as (frame, scratch), _no_garbage():
        keys = Keys(frame, vocabulary)
        known = {case: keys.of(case) for case in cases} if folder else {}
        again = options.everything or options.coverage
        results: dict[Case, Outcome | None] = {
            case: _remembered(case) for case in cases if not again and memory.has(known.get(case, ""))
        }
        checker = Checker(pack, frame.plan)
        todo = [case for case in cases if case not in results and checker.check(case, problems)]
        reaches = {one.spec.map: Reach(one, frame.steps[one.spec.map]) for one in _maps(pack, options.maps)}
        job = _Job(frame, scratch, checker, reaches if options.coverage else {}, problems, progress, len(todo))
        results |= job.run(todo)
    outcomes = tuple(found for case in cases if (found := results.get(case)))
    good = {key for case, key in known.items() if (found := results.get(case)) and found.passed}
    memory.keep(good, set(known.values()) - good)
    coverage = tuple(reach.coverage() for reach in reaches.values()) if options.coverage else ()
    return Report(outcomes, coverage, _untested(pack, options.maps))


def stop_if_failed(report: Report) -> None:
    """Stop a conversion whose maps do not do what their tests say.

    Raises:
        OmopifyError: OM945 for each test that failed.
    """
    hint = "'omopify test' shows expected and actual rows; 'omopify run --untested' converts all the same, as a draft"
    raise_for = [Problem("OM945", _told(outcome), outcome.at, hint) for outcome in report.failed]
    if raise_for:
        raise OmopifyError(*raise_for)


def _told(outcome: Outcome) -> str:
    why = f": {outcome.hint}" if outcome.hint else ""
    return f"the test '{outcome.name}' of map '{outcome.map}' fails{why}"


def chosen(pack: Pack, names: Sequence[str]) -> list[Case]:
    """Return the tests of some maps, of all maps if none is named.

    Raises:
        OmopifyError: OM946 there is no such map.
    """
    return [Case(loaded, number) for loaded in _maps(pack, names) for number in range(len(loaded.spec.tests))]


def _maps(pack: Pack, names: Sequence[str]) -> list[LoadedMap]:
    known = {loaded.spec.map: loaded for loaded in pack.maps}
    problems = Problems()
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or "'omopify check' counts the maps; 'omopify test --coverage' lists them"
            problems.add("OM946", f"there is no map '{name}'", None, hint)
    problems.stop_if_errors()
    return [loaded for name, loaded in known.items() if not names or name in names]


def _untested(pack: Pack, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(loaded.spec.map for loaded in _maps(pack, names) if not loaded.spec.tests)


def _skipped(case: Case, lacking: set[int]) -> Outcome | None:
    """Return why a test is not run: a vocabulary without the concepts that it expects says nothing about the map."""
    number = len(expected_concepts(case.test) & lacking)
    why = f"the vocabulary lacks {number} concept{'s' * (number > 1)} that it expects"
    return Outcome(case.map, case.test.name, case.at(), skipped=why) if number else None


def _remembered(case: Case, skipped: str = "") -> Outcome:
    return Outcome(case.map, case.test.name, case.at(), (), remembered=not skipped, skipped=skipped)


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Keep Python from looking for garbage among the compiled maps, which all stay: that takes a tenth of the time."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _brought(project: Project) -> dict[str, dict[str, str]]:
    return headers(project.pack, project.data, Problems()) if project.data.is_dir() else {}


def _compiled(pack: Pack, problems: Problems, brought: Brought) -> Plan | None:
    """Compile the maps against the pack's own list of columns, or else with the columns of the export, too."""
    revisions, first = _revisions(pack), Problems()
    plan = make_plan(pack, revisions, first)
    if plan is None and (there := brought()):
        first = Problems()
        plan = make_plan(pack, {**there, **{name: there.get(name, {}) | cs for name, cs in revisions.items()}}, first)
    problems.extend(first.found)
    return plan


@contextmanager
def framed(
    pack: Pack,
    vocabulary: Vocabulary,
    folder: Path | None,
    problems: Problems,
    progress: Progress,
    brought: Brought = dict,
) -> Iterator[tuple[Frame, Path]]:
    """Compile a pack's maps for their tests and find what they look up; give a folder for what does not fit in memory.

    Raises:
        OmopifyError: the maps do not compile.
    """
    progress("checking the maps")
    plan = _compiled(pack, problems, brought)
    terms = read_terms(pack, plan, problems) if plan else None
    local = local_concepts(pack, problems)
    problems.stop_if_errors()
    assert plan is not None
    assert terms is not None
    with tempfile.TemporaryDirectory() as scratch:
        cache = (folder or Path(scratch)) / ".vocabulary"
        cache.mkdir(parents=True, exist_ok=True)
        files = vocabulary_files(vocabulary, plan, cache, progress)
        yield Frame.of(pack, plan, files, terms, local), Path(scratch)


def _revisions(pack: Pack) -> dict[str, dict[str, str]]:
    """Return the columns of sources whose tests give revisions of questions (``AETERM__2``), which no list names."""
    found: dict[str, dict[str, str]] = {}
    mark = (pack.trial.versions or "").partition("{n}")[0].replace("{}", "")
    for loaded in pack.maps if mark else ():
        for test in loaded.spec.tests:
            for name, rows in test.given.items():
                known = pack.sources[name].columns if name in pack.sources else {}
                new = {column: "" for row in rows for column in row if mark in column and column not in known}
                if known and new:
                    labels = {column: spec.label for column, spec in known.items()}
                    found[name] = found.get(name, labels) | new
    return found


@dataclass
class _Job:
    frame: Frame
    scratch: Path
    checker: Checker
    reaches: dict[str, Reach]
    problems: Problems
    progress: Progress
    of: int
    done: int = 0
    lock: Lock = field(default_factory=Lock)

    def run(self, cases: Sequence[Case]) -> dict[Case, Outcome | None]:
        """Run tests, those together that share what their maps refer to; None for one that cannot be run."""
        if not cases:
            return {}
        paths = {case: self.frame.path(self.frame.steps[case.map], case.test.given) for case in cases}
        ordered = sorted(cases, key=lambda case: [key for key, _ in paths[case]])
        costs, before = [], set[str]()
        for case in ordered:
            keys = {key for key, _ in paths[case]}
            costs.append(1 + len(keys - before))
            before = keys
        workers = _WORKERS if len(cases) >= _WORTH_SHARING else 1
        parts: list[list[Case]] = [[] for _ in range(workers)]
        spent = 0
        for case, cost in zip(ordered, costs, strict=True):
            parts[min(spent * workers // sum(costs), workers - 1)].append(case)
            spent += cost
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(self._part, [part for part in parts if part]))
        return {case: outcome for part in found for case, outcome in part}

    def _part(self, cases: Sequence[Case]) -> list[tuple[Case, Outcome | None]]:
        steps = {
            step.name: step
            for case in cases
            for step in self.frame.steps_of(self.frame.steps[case.map], case.test.given)
        }
        given = [case.test.given for case in cases]
        with open_bench(self.frame, list(steps.values()), given, self.scratch) as bench:
            lacking = bench.lacking({concept for case in cases for concept in expected_concepts(case.test)})
            return [(case, _skipped(case, lacking) or self._one(case, bench)) for case in cases]

    def _one(self, case: Case, bench: Bench) -> Outcome | None:
        with self.lock:
            self.done += 1
            self.progress(f"test of {case.map}", self.done, self.of)
        test, own = case.test, self.frame.steps[case.map]
        try:
            broken = bench.run(own, test.given, [name for name in test.expect if name in AUDIT])
        except OmopifyError:
            if self.checker.note_type(case, bench.fits, self.problems):
                return None
            raise
        if broken:
            at = case.at("given", key=True)
            stopped = f"a run would stop here: {broken.message.replace('{n}', str(bench.broken))} [{broken.code}]"
            return Outcome(case.map, test.name, case.at(), (Difference("", (), (), 0, 0, at, stopped),))
        if case.map in self.reaches:
            self.reaches[case.map].look(bench)
        found = []
        for name, written in test.expect.items():
            rows = expected_rows(written) or []
            places = [case.at("expect", name, number) for number in range(len(rows))]
            found.append(compare(name, rows, bench.rows(name, case.map), [*places, case.at("expect", name, key=True)]))
        differences = tuple(difference for difference in found if difference)
        return Outcome(case.map, test.name, case.at(), differences, hint=self._hint(case) if differences else "")

    def _hint(self, case: Case) -> str:
        """Say what is easily overlooked: a scope leaves out all subjects that the test does not put in it."""
        filters = self.frame.steps[case.map].filters
        for scope in self.frame.plan.scopes:
            form = scope.columns[0][0] if scope.columns else ""
            if scope.name in filters and form and not case.test.given.get(form):
                return f"no row of '{form}' is given, so the scope '{scope.name}' leaves every subject out"
        return ""
