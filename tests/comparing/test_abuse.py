"""Random edits, damaged results and changed maps, by seed: every change is told, none stays approved, nothing crashes.

Found with the same means: an approved map that was deleted passed ``run --upload``; a cell of 200,000 characters
ended ``review`` with a traceback.  A longer walk takes other seeds and more rounds.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from omopify.compiler.planner import make_plan
from omopify.compiler.render import statements
from omopify.conversion.sources import headers
from omopify.conversion.terms import read_terms
from omopify.errors import OmopifyError, Problems
from omopify.specs.meanings import meanings
from omopify.specs.project import load_project
from omopify.specs.reviews import REVIEWS
from tests.comparing.project import TERMS, Trial


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial with two results, and all of its parts approved."""
    folder: Path = tmp_path_factory.mktemp("abuse") / "trial"
    folder.mkdir()
    trial = Trial(folder)
    trial.run()
    trial.events = trial.events[2:]
    trial.export()
    trial.run()
    trial.omopify("review", "--approve", "all", "--by", "K. N.")
    return folder


def _copy(converted: Path, to: Path) -> Trial:
    """Return a trial in a copy of the folder, without writing its files anew."""
    shutil.copytree(converted, to)
    trial = object.__new__(Trial)
    trial.folder = to
    return trial


def _expected(trial: Trial, concepts: dict[str, int]) -> dict[tuple[str, int], tuple[int, str, str]]:
    return {(e[0], e[1]): (concepts[e[2]], e[2], e[3]) for e in trial.events if e[0] in trial.subjects}


def _edit(trial: Trial, concepts: dict[str, int], draw: Random, number: int) -> None:
    place = draw.randrange(len(trial.events))
    match draw.choice(["add", "remove", "change", "reorder", "gone", "concept"]):
        case "add":
            trial.events.append((draw.choice(trial.subjects), 100 + number, "Cough", "2024-05-01", "recovered"))
        case "remove":
            trial.events.pop(place)
        case "change":
            trial.events[place] = (*trial.events[place][:3], f"2023-0{draw.randint(1, 9)}-01", "recovered")
        case "reorder":
            draw.shuffle(trial.events)
        case "gone":
            trial.subjects.remove(subject := draw.choice(trial.subjects))
            trial.events = [event for event in trial.events if event[0] != subject]
        case "concept":
            term, other = draw.sample(sorted(TERMS), 2)
            trial.change("shared/concepts/terms.csv", f"{term},{concepts[term]},", f"{term},{TERMS[other]},")
            concepts[term] = TERMS[other]


def test_random_edits_are_told_and_nothing_else(tmp_path: Path) -> None:
    draw, concepts, trial = Random(61), dict(TERMS), Trial(tmp_path)
    trial.run()
    for number in range(2):
        before, people = _expected(trial, concepts), set(trial.subjects)
        for kind in range(2):
            _edit(trial, concepts, draw, 10 * number + kind)
        trial.export()
        trial.run()
        after, problems = _expected(trial, concepts), Problems()

        found = trial.diff("last", problems)

        table = next(one for one in found.tables if one.table == "condition_occurrence")
        changed = sum(after[key] != before[key] for key in after.keys() & before.keys())
        new, gone = after.keys() - before.keys(), before.keys() - after.keys()
        assert (table.added, table.removed, table.changed) == (len(new), len(gone), changed)
        assert (found.people.appeared, found.people.vanished) == (0, len(people - set(trial.subjects)))
        assert not problems.found
        if new or gone or changed:
            assert all(why.causes for why in found.why)


def _state(folder: Path) -> tuple[list[str], str] | None:
    """Return the hashes of all parts, and what a run would do; None if the files are not valid."""
    problems = Problems()
    project = load_project(folder, problems)
    if project is None or problems.errors:
        return None
    plan = make_plan(project.pack, headers(project.pack, project.data, problems), problems)
    if plan is None or problems.errors:
        return None
    terms = read_terms(project.pack, plan, problems, project, False)
    if problems.errors:
        return None
    read = [(s.name, s.patterns, s.missing, s.dates, s.decimal, s.optional) for s in project.pack.sources.values()]
    sql = [statement.sql for step in plan.maps for statement in statements(step)]
    return [part.sha256 for part in meanings(project)], repr((sql, terms, read, project.pack.trial.stated()))


def test_what_changes_a_run_is_no_longer_approved(converted: Path, tmp_path: Path) -> None:
    trial, draw, reached = _copy(converted, tmp_path / "trial"), Random(62), 0
    files = [path for path in sorted(trial.folder.glob("*/**/*")) if path.suffix in (".yaml", ".csv")]
    files = [path for path in files if path.relative_to(trial.folder).parts[0] in ("maps", "shared")]
    as_it_is = _state(trial.folder)
    assert as_it_is is not None
    for _ in range(150):
        path = draw.choice(files)
        text = path.read_text(encoding="utf-8")
        words = text.replace(",", " ").replace(":", " ").split()
        path.write_text(text.replace(draw.choice(words), draw.choice(words), 1), encoding="utf-8")
        now = _state(trial.folder)
        if now is not None and now[1] != as_it_is[1]:
            reached += 1
            assert now[0] != as_it_is[0], path
        path.write_text(text, encoding="utf-8")
    assert reached > 5


_DAMAGED = (
    "out/manifest.json",
    "out/definitions.json",
    "out/omop.duckdb",
    "out/earlier/last/manifest.json",
    "out/earlier/last/definitions.json",
    "out/earlier/last/omop.duckdb",
    REVIEWS,
    "maps/values/outcome.csv",
)
_COMMANDS = (
    ("diff",),
    ("diff", "--json", "--with", "last"),
    ("plan",),
    ("review",),
    ("trace", "person", "3"),
    ("trace", "--source", "ae", "5"),
    ("docs", "--json"),
)


def _damage(path: Path, draw: Random) -> None:
    content = path.read_bytes()
    match draw.choice(["cut", "empty", "bytes", "list", "folder", "gone", "other types", "long"]):
        case "cut":
            path.write_bytes(content[: draw.randrange(len(content))])
        case "empty":
            path.write_bytes(b"")
        case "bytes":
            path.write_bytes(bytes(range(256)))
        case "list":
            path.write_bytes(b'[1, "a", null]')
        case "folder":
            path.unlink()
            path.mkdir()
        case "gone":
            path.unlink()
        case "other types":
            path.write_bytes(
                json.dumps(_other_types(json.loads(content), draw)).encode() if path.suffix == ".json" else b"null"
            )
        case "long":
            path.write_bytes(content + b"x" * 200_000)


def _other_types(node: Any, draw: Random) -> Any:
    if isinstance(node, dict):
        return {key: _other_types(value, draw) for key, value in node.items()}
    return draw.choice([None, 1, "x", [], {}]) if draw.random() < 0.1 else node


@pytest.mark.parametrize("seed", range(12))
def test_commands_bear_damaged_files(converted: Path, tmp_path: Path, seed: int) -> None:
    trial, draw = _copy(converted, tmp_path / "trial"), Random(seed)
    _damage(trial.folder / _DAMAGED[seed % len(_DAMAGED)], draw)

    for command in draw.sample(_COMMANDS, 2):
        result = trial.omopify(*command)  # raises whatever is no OmopifyError

        assert result.exit_code in (0, 1, 3), command


def test_an_approved_map_that_is_gone_stops_a_run_for_upload(converted: Path, tmp_path: Path) -> None:
    trial = _copy(converted, tmp_path / "trial")
    (trial.folder / "maps" / "event.yaml").unlink()

    with pytest.raises(OmopifyError, match="OM952"):
        trial.run(upload=True)


def test_an_approval_by_nobody_is_none(converted: Path, tmp_path: Path) -> None:
    trial = _copy(converted, tmp_path / "trial")
    trial.change(REVIEWS, ",K. N.,", ",,")

    with pytest.raises(OmopifyError, match="OM952"):
        trial.run(upload=True)
