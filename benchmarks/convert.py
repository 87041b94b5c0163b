"""Measure the main job on synthetic IMPRESS exports, and what accounting, lineage, ids and checks cost."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jinja2 import FileSystemLoader

from omopify.compiler import render as renderer
from omopify.compiler.plan import MapPlan
from omopify.compiler.planner import make_plan
from omopify.compiler.render import clean_up, scopes, statements
from omopify.conversion.session import open_database, prepare_tables
from omopify.conversion.sources import create_source_tables, headers, staged
from omopify.conversion.terms import read_terms
from omopify.conversion.vocabulary import find_vocabulary, prepare_vocabulary, vocabulary_files
from omopify.errors import Problems
from omopify.specs.project import Project, load_project
from omopify.synthetic import write_impress

PROJECT = "mappings: impress\ndata: data\nvocabulary: [starter, demo_restricted]\n"


def make_project(folder: Path, patients: int) -> None:
    folder.mkdir(parents=True)
    (folder / "omopify.yaml").write_text(PROJECT)
    write_impress(folder / "data", patients, seed=7)


def measured_run(folder: Path, *options: str, again: bool = False) -> dict[str, float]:
    """Run the command line in a process of its own; wall and CPU seconds, peak MB, rows.

    *again* leaves what an earlier run has made: staged files, terms of the vocabulary, the key register.
    """
    for name in () if again else ("out", "register"):
        shutil.rmtree(folder / name, ignore_errors=True)
    command = [sys.executable, "-m", "omopify", "run", str(folder), "--untested", *options]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        return {"failed": status}
    manifest = json.loads((folder / "out" / "manifest.json").read_text(encoding="utf-8"))
    rows = sum(item["rows"] for item in manifest["inputs"])
    written = sum(item["rows_written"] for item in manifest["maps"].values())
    cpu = usage.ru_utime + usage.ru_stime
    size = (folder / "out" / "omop.duckdb").stat().st_size / 1e6
    return {
        "source rows": rows, "rows written": written, "wall s": wall, "CPU s": cpu,
        "peak MB": usage.ru_maxrss / 1024, "rows/s": rows / wall, "file MB": size,
    }  # fmt: skip


def overhead(folder: Path) -> dict[str, float]:
    """CPU seconds of all maps: bare SQL against ours, alternating, in this process; the best of three of each."""
    problems = Problems()
    project = load_project(folder, problems)
    assert project is not None
    times: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(3):
        for kind, found in times.items():
            found.append(_maps(project, bare=kind == "bare"))
    best = {kind: min(found) for kind, found in times.items()}
    return {"bare CPU s": best["bare"], "ours CPU s": best["ours"], "ratio": best["ours"] / best["bare"]}


def _maps(project: Project, bare: bool) -> float:
    problems = Problems()
    plan = make_plan(project.pack, headers(project.pack, project.data, problems), problems)
    assert plan is not None, [str(problem) for problem in problems.errors]
    cache = project.out / ".staging"
    sources = staged(project.pack, project.data, cache, problems, lambda _text: None)
    vocabulary = find_vocabulary(project, problems)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        (path / "scratch").mkdir()
        loaded = vocabulary_files(vocabulary, plan, project.out / ".vocabulary")
        terms = read_terms(project.pack, plan, problems)
        with open_database(path / "out.duckdb", path / "keys.duckdb", path / "scratch", [cache], loaded) as db:
            prepare_tables(db, project.pack)
            prepare_vocabulary(plan, terms, [], db, problems)
            create_source_tables(db, project.pack, plan, sources)
            scripts = [_bare(step, 9 * number) for number, step in enumerate(plan.maps)] if bare else []
            started = time.process_time()
            for statement in scopes(plan):
                db.run(statement)
            for number, step in enumerate(plan.maps):
                if bare:
                    db.script(scripts[number])
                else:
                    for statement in statements(step):
                        db.run(statement)
                for statement in clean_up(step):
                    db.run(statement)
            return time.process_time() - started


def _bare(step: MapPlan, base: int) -> str:
    environment = renderer._environment().overlay()
    here = FileSystemLoader(Path(__file__).parent)
    template = environment.from_string(here.get_source(environment, "bare.sql.jinja")[0])
    names = [cte.name for cte in step.after]
    verdict = step.after[: names.index("judged") + 1]
    return (
        template.render(step=step, verdict=verdict, base=base)
        .replace("ids.id", "bare_id")
        .replace("parent.id", "bare_id")
        .replace("parent.field_concept_id", "0")
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="also 100k patients")
    parser.add_argument(
        "--overhead",
        action="store_true",
        help="also bare SQL against ours; it does not know links between maps yet, so use it on packs without them",
    )
    asked = parser.parse_args()
    large = asked.large
    lines: list[tuple[str, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as name:
        for patients in (1_000, 10_000, *((100_000,) if large else ())):
            folder = Path(name) / str(patients)
            make_project(folder, patients)
            lines.append((f"{patients:,} patients", measured_run(folder)))
            if patients == 10_000 and asked.overhead:
                lines.append(("10,000: maps only", overhead(folder)))
            if patients == 100_000:
                lines.append(("100,000 --memory-limit 1GB", measured_run(folder, "--memory-limit", "1GB")))
    for title, figures in lines:
        print(f"{title:<28}" + "  ".join(f"{name} {value:,.2f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
