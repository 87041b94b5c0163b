"""Measure a quality run: on a large made-up CDM against one query for each check, and on a small trial.

The queries one by one are those that the tests compare with (``tests/quality/oracle.py``), in the same run and on the
same database; that both count the same is checked on the way.  Each part runs in a process of its own, because the
peak of its memory is measured.

    python -m benchmarks.quality [--measurements 1000000] [--rounds 3] [--patients 200]
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.convert import make_project
from omopify.cdm import tables
from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems
from omopify.specs.project import load_project
from tests.quality.asked import from_suites, judged
from tests.quality.made_up import MadeUp, write
from tests.quality.verdicts import answer

ROOT = Path(__file__).resolve().parents[1]
PERSONS, VISITS = 20, 40
"""How many the made-up CDM has; a large one is many of them side by side."""


def build(path: Path, measurements: int) -> None:
    """Write a CDM with that many measurements, a fifth of it as conditions and as drugs, a hundredth as persons."""
    rows = {
        "person": measurements // 100,
        "observation_period": measurements // 100,
        "visit_occurrence": measurements // 10,
        "measurement": measurements,
        "condition_occurrence": measurements // 5,
        "drug_exposure": measurements // 5,
        "condition_era": measurements // 10,
        "drug_era": measurements // 10,
        "observation": measurements // 20,
    }
    with duckdb.connect(path) as connection:
        write(MadeUp(judged(from_suites()), persons=PERSONS), connection)
        copies = rows["person"] // PERSONS
        for table, number in rows.items():
            connection.execute(f"CREATE TEMP TABLE one AS FROM cdm.{table}")
            connection.execute(f"DELETE FROM cdm.{table}")
            (have,) = connection.execute("SELECT count(*) FROM one").fetchone() or (0,)
            others = table not in ("person", "observation_period", "condition_era", "drug_era")
            shifts = {
                "person_id": f"{PERSONS} * (copy % {copies})",
                **({"visit_occurrence_id": f"{VISITS} * (copy % {copies})"} if others else {}),
                str(tables()[table].id_field): f"{have} * copy",
            }
            shifted = ", ".join(f"({name} + {by})::INTEGER AS {name}" for name, by in shifts.items())
            copied = f"SELECT one.* REPLACE ({shifted}) FROM one, range({number} // {have} + 1) r(copy) LIMIT {number}"
            connection.execute(f"INSERT INTO cdm.{table} {copied}")
            connection.execute("DROP TABLE one")


def assessed(path: Path) -> dict[str, Any]:
    """Assess a project, or a database without one, and tell what it took beside importing Great Expectations."""
    from omopify.quality import run
    from omopify.quality.place import Place, place_of

    gc.disable()  # as the command does
    started = time.perf_counter()
    import great_expectations  # noqa: F401

    imported = time.perf_counter() - started
    asked = _count_statements()
    problems = Problems()
    with tempfile.TemporaryDirectory() as name:
        if path.is_dir():
            project = load_project(path, problems)
            assert project
            place = place_of(project)
        else:
            project = None
            place = Place(path, Path(name) / "manifest.json", Path(name))
        started = time.perf_counter()
        found = run.assess(project, place, run.Options(), problems, lambda _text: None).assessment
    return {
        "checks": len(found.results),
        "statements": len(asked),
        "total s": time.perf_counter() - started,
        **{f"{step} s": seconds for step, seconds in found.timings.items() if isinstance(seconds, float)},
        "import s": imported,
        "peak MB": _peak(),
        "counts": {r.check.id: [r.measurement.violated, r.measurement.denominator] for r in found.results},
    }


def one_by_one(path: Path) -> dict[str, Any]:
    """Ask one query for each check of the CDM."""
    checks = from_suites()
    with duckdb.connect(path, read_only=True) as connection:
        started = time.perf_counter()
        found = answer(connection, checks)
    return {
        "checks": len(checks),
        "statements": len(checks),
        "measure s": time.perf_counter() - started,
        "peak MB": _peak(),
        "counts": {id_: [f.violated, f.denominator] for id_, f in found.items()},
    }


def _count_statements() -> list[str]:
    asked: list[str] = []
    ask = DuckDB.rows

    def counted(self: DuckDB, sql: str, *more: Any) -> list[tuple[Any, ...]]:
        asked.append(sql)
        return ask(self, sql, *more)

    DuckDB.rows = counted  # type: ignore[method-assign]
    return asked


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _apart(part: str, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.quality", "--part", part, str(path)]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _best(part: str, path: Path, rounds: int) -> dict[str, Any]:
    return min((_apart(part, path) for _ in range(rounds)), key=lambda found: found.get("total s", found["measure s"]))


def _line(title: str, found: dict[str, Any]) -> None:
    figures = (f"{name} {value:,.2f}" for name, value in found.items() if name != "counts")
    print(f"{title:<26}" + "  ".join(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measurements", type=int, default=1_000_000)
    parser.add_argument("--patients", type=int, default=200, help="of the small trial")
    parser.add_argument("--rounds", type=int, default=3, help="the best of how many is shown")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        part, path = options.part
        print(json.dumps({"assessed": assessed, "one_by_one": one_by_one}[part](Path(path))))
        return
    with tempfile.TemporaryDirectory() as name:
        large = Path(name) / "large.duckdb"
        build(large, options.measurements)
        ours = _best("assessed", large, options.rounds)
        plain = _best("one_by_one", large, options.rounds)
        _line(f"{options.measurements:,} measurements", ours)
        _line("one query for each check", plain)
        different = [id_ for id_, counts in plain["counts"].items() if ours["counts"][id_] != counts]
        ratio = plain["measure s"] / ours["measure s"]
        print(f"ratio of measuring {ratio:.1f}, {len(different)} checks that do not agree {different[:3] or ''}")
        small = Path(name) / "small"
        make_project(small, options.patients)
        command = [sys.executable, "-m", "omopify", "run", str(small), "--untested", "--no-quality"]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _line(f"IMPRESS, {options.patients} patients", _best("assessed", small, options.rounds))


if __name__ == "__main__":
    main()
