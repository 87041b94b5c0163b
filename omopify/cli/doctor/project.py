"""What the doctor looks at in a project: what it is made of, what came of it, and who can see it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from omopify.cli.doctor.found import Found, free, may_write, nearest, size
from omopify.cli.show import counted
from omopify.errors import OmopifyError, Problems
from omopify.specs.project import Project, load_project, shown

if TYPE_CHECKING:
    from omopify.compiler.plan import Plan
    from omopify.conversion.vocabulary import Vocabulary

_TIMES_THE_EXPORT = 5
_SECONDS_FOR_GIT = 5
_FEW = 3


def look_at_project(path: Path) -> list[Found]:
    """Look at a project; what cannot be looked at is a finding, too."""
    problems = Problems()
    project = load_project(path, problems)
    if project is None:
        first = problems.errors[0]
        return [Found("project", "fail", f"{first.at}: {first.message}", first.hint)]
    maps, plan = _maps(project, problems)
    looks: Sequence[Callable[[Project], Iterator[Found]]] = (
        _export, partial(_vocabulary, plan), _output, _register, _tests, _reviews, _result, _git,
    )  # fmt: skip
    return [maps, *(found for look in looks for found in _safely(look, project))]


def _safely(look: Callable[[Project], Iterator[Found]], project: Project) -> Iterator[Found]:
    name = (look.func if isinstance(look, partial) else look).__name__.strip("_")
    try:
        yield from look(project)
    except OmopifyError as error:
        yield Found(name, "fail", error.problems[0].message, error.problems[0].hint)
    except OSError as error:
        yield Found(name, "fail", f"{error.filename or 'a file'} cannot be read: {(error.strerror or '').lower()}")


def _maps(project: Project, known: Problems) -> tuple[Found, Plan | None]:
    from omopify.compiler.planner import make_plan

    problems = Problems()
    problems.extend(known.found)
    plan = make_plan(project.pack, {}, problems)
    said = f"{counted(len(project.pack.maps), 'map')} of '{project.file.mappings}'"
    if problems.errors:
        said += f": {counted(len(problems.errors), 'problem')}, first {problems.errors[0]}"
        return Found("maps", "fail", said, "omopify check"), None
    return Found("maps", "ok", said), plan


def _export(project: Project) -> Iterator[Found]:
    from omopify.conversion.sources import headers

    if not project.data.is_dir():
        mend = "bring the export, or correct 'data:' in omopify.yaml"
        yield Found("export", "warn", f"there is no folder '{shown(project.data)}'", mend)
        return
    problems = Problems()
    found = headers(project.pack, project.data, problems)
    said = f"{len(found)} of {counted(len(project.pack.sources), 'form')} found in {shown(project.data)}"
    if problems.errors:
        first = problems.errors[0].message
        yield Found("export", "fail", f"{said}; {counted(len(problems.errors), 'problem')}: {first}", "omopify check")
    else:
        yield Found("export", "ok" if found else "warn", said)


def _vocabulary(plan: Plan | None, project: Project) -> Iterator[Found]:
    from omopify.conversion.vocabulary import find_vocabulary

    problems = Problems()
    vocabulary = find_vocabulary(project, problems)
    problems.stop_if_errors()
    has = _names_of(vocabulary)
    used = {name for step in plan.maps for lookup in step.lookups for name in lookup.vocabularies} if plan else set()
    own = project.pack.trial.local_vocabulary
    lacking = sorted(name for name in used if name not in has)
    said = f"{', '.join(project.file.vocabulary)}, release {vocabulary.release}"
    if lacking and not own:
        mend = "their values get no concept; download them from athena.ohdsi.org, then 'omopify vocab load'"
        yield Found("vocabulary", "warn", f"{said}; maps also look in {', '.join(lacking)}", mend)
    else:
        yield Found("vocabulary", "ok", said)


def _names_of(vocabulary: Vocabulary) -> set[str]:
    """Return the vocabularies that a vocabulary holds concepts of, or says that it does."""
    if vocabulary.file:
        return {name for name, concepts in vocabulary.file.vocabularies.items() if concepts}
    names: set[str] = set()
    for folder in vocabulary.folders:
        listing = folder.files.get("vocabulary")
        if listing:
            with listing.open() as content:
                lines = content.read().decode("utf-8", errors="replace").splitlines()[1:]
            names |= {line.partition("\t")[0] for line in lines}
    return names


def _output(project: Project) -> Iterator[Found]:
    needed = sum(path.stat().st_size for path in project.data.rglob("*") if path.is_file()) * _TIMES_THE_EXPORT
    for name, folder in (("project", project.folder), ("result to", project.out), ("register to", project.register)):
        why = may_write(nearest(folder))
        room = free(folder)
        if why:
            mend = "ask for the right to write there" + (
                "" if name == "project" else ", or name another in omopify.yaml"
            )
            yield Found(name, "fail", f"{shown(folder)} cannot be written to: {why}", mend)
        elif name == "result to":
            status = "ok" if room > needed else "warn"
            mend = "" if room > needed else f"a run may need {size(needed)}; '--out' or 'out:' names another disk"
            yield Found(name, "ok" if status == "ok" else "warn", f"{shown(folder)}, {size(room)} free", mend)


def _register(project: Project) -> Iterator[Found]:
    from omopify.conversion.session import REGISTER
    from omopify.engines.duckdb import DuckDB

    path = project.register / REGISTER
    if not path.is_file():
        yield Found("key register", "ok", f"none yet; the first run makes it in {shown(project.register)}")
        return
    with DuckDB(path, read_only=True):
        pass
    others = sys.platform != "win32" and project.register.stat().st_mode & 0o077
    if others:
        mend = f"it leads from ids back to subjects: chmod 700 {shown(project.register)}"
        yield Found("key register", "warn", f"others on this computer may look into {shown(project.register)}", mend)
    else:
        yield Found("key register", "ok", f"{shown(path)}; it belongs into your backup")


def _tests(project: Project) -> Iterator[Found]:
    untested = [loaded.spec.map for loaded in project.pack.maps if not loaded.spec.tests]
    number = sum(len(loaded.spec.tests) for loaded in project.pack.maps)
    bare = (
        f"{len(untested)} of {counted(len(project.pack.maps), 'map')} without any" if untested else "every map has one"
    )
    said = f"{counted(number, 'test')}; {bare}"
    mend = "a given/expect row in each says what it is for: 'omopify test --freeze MAP' writes one"
    all_bare = len(untested) == len(project.pack.maps)
    yield Found("tests", "warn" if all_bare else "ok", said, mend if all_bare else "")


def _reviews(project: Project) -> Iterator[Found]:
    from omopify.specs.reviews import reviews

    parts = reviews(project, Problems())
    waiting = [part.part for part in parts if part.is_open]
    if waiting:
        first = ", ".join(waiting[:_FEW]) + (", ..." if len(waiting) > _FEW else "")
        said = f"{len(waiting)} of {counted(len(parts), 'part')} not approved: {first}"
        yield Found("reviews", "warn", said, "results are drafts until then; 'omopify review' lists what is open")
    else:
        yield Found("reviews", "ok", f"all {counted(len(parts), 'part')} approved")


def _result(project: Project) -> Iterator[Found]:
    from omopify.quality.place import QUALITY_JSON, place_of
    from omopify.quality.signoff import state

    place = place_of(project)
    if not place.database.is_file() or not place.manifest.is_file():
        yield Found("result", "ok", "none yet; 'omopify run' makes it")
        return
    made = place.manifest.stat().st_mtime
    age = f"made {datetime.fromtimestamp(made):%Y-%m-%d %H:%M} by omopify {_said(place.manifest, 'omopify')}"
    newer = [path for path in (*project.pack.files, *project.data.rglob("*")) if path.stat().st_mtime > made]
    mend = "'omopify plan' says what a new run would change" if newer else ""
    changed = f"; {counted(len(newer), 'file')} changed since" if newer else ""
    yield Found("result", "warn" if newer else "ok", age + changed, mend)
    report = place.folder / QUALITY_JSON
    if not report.is_file():
        yield Found("quality", "warn", "not assessed", "omopify quality")
        return
    verdict = _said(report, "verdict")
    yield Found("quality", "ok" if verdict.startswith("ready") else "warn", verdict)
    signed = state(place)
    yield Found("signature", "warn" if signed.status == "void" else "ok", signed.sentence())


def _said(path: Path, word: str) -> str:
    """Return what a file of a result says under a word; the file may be damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))[word]
    except (ValueError, KeyError, TypeError):
        return "(unreadable)"
    return str(value.get(word, "(unreadable)") if isinstance(value, dict) else value)


def _git(project: Project) -> Iterator[Found]:
    """Look whether git would take along what must not leave: the export, the results and the register."""
    asked = {"export": project.data, "result": project.out, "register": project.register}
    inside = {
        word: folder for word, folder in asked.items() if folder.absolute().is_relative_to(project.folder.absolute())
    }
    if _ask_git(project.folder, "rev-parse", "--is-inside-work-tree") != "true":
        return
    # A file below says more than the folder, which may not be there yet; patterns such as data/*.csv are for files.
    examples = {word: _example(folder, word) for word, folder in inside.items()}
    loose = [word for word, path in examples.items() if not _ask_git(project.folder, "check-ignore", str(path))]
    known = [
        word for word, folder in inside.items() if _ask_git(project.folder, "ls-files", "--", str(folder.absolute()))
    ]
    if known:
        folders = ", ".join(shown(inside[word]) for word in known)
        mend = "git rm -r --cached takes files out of what comes next; what was pushed stays: tell your data manager"
        yield Found("git", "fail", f"git already holds files of {folders}", mend)
    elif loose:
        folders = ", ".join(shown(inside[word]) for word in loose)
        lines = " and ".join(f"'{Path(os.path.relpath(inside[word], project.folder)).as_posix()}/'" for word in loose)
        yield Found("git", "fail", f"git would take along {folders}", f"write {lines} into .gitignore")
    else:
        yield Found("git", "ok", "leaves the export, the results and the register alone")


def _example(folder: Path, word: str) -> Path:
    there = next((path for path in sorted(folder.rglob("*")) if path.is_file()), None) if folder.is_dir() else None
    return (there or folder / ("data.csv" if word == "export" else "omop.duckdb")).absolute()


def _ask_git(folder: Path, *words: str) -> str:
    """Return what git answers; nothing if it says no, or is not there."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS_FOR_GIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
