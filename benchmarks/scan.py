"""Measure a scan of a large made-up export against plain Polars counting the same columns, in the same run.

The plain work is what one would write by hand for a first look: read the file as text, and for every column count the
nulls, the different values, the ten most frequent ones, the lowest and the highest.  A scan does that and all the rest
(kinds, dates, numbers, codes, keys, identifiers, dirt, small cells).  Each part runs in a process of its own, because
the peak of its memory is measured.

    python -m benchmarks.scan [--rows 1000000] [--columns 200] [--rounds 1]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

_CHUNK = 50_000
_WORDS = np.array("mild moderate severe stable new old left right upper lower lesion node lung since before".split())


def write(folder: Path, rows: int, columns: int, seed: int = 6) -> Path:
    """Write an export of one form: ids, and in turn dates, codes, labels, numbers and texts."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "lab.csv"
    random = np.random.default_rng(seed)
    with path.open("wb") as file:
        for start in range(0, rows, _CHUNK):
            frame = _frame(random, start, min(_CHUNK, rows - start), columns, rows)
            frame.write_csv(file, include_header=start == 0)
    return path


def _frame(random: np.random.Generator, start: int, rows: int, columns: int, of: int) -> pl.DataFrame:
    number = np.arange(start, start + rows)
    cells: dict[str, pl.Series] = {
        "SUBJID": pl.Series(number % max(of // 100, 1)).cast(pl.String).str.zfill(6).str.replace("^", "S-"),
        "SEQ": pl.Series(number // max(of // 100, 1) + 1).cast(pl.String),
        "ROWID": pl.Series(number).cast(pl.String),
    }
    makers = (_dates, _codes, _labels, _numbers, _decimals, _sparse, _flags, _texts)
    while len(cells) < columns:
        place = len(cells)
        make = makers[place % len(makers)] if place % 40 else _prose
        cells[f"{make.__name__.strip('_').upper()}{place}"] = make(random, rows)
    return pl.DataFrame(cells)


def _dates(random: np.random.Generator, rows: int) -> pl.Series:
    days = pl.Series(random.integers(17_000, 20_000, rows)).cast(pl.Int32).cast(pl.Date).cast(pl.String)
    return _holes(random, days, 0.2)


def _codes(random: np.random.Generator, rows: int) -> pl.Series:
    return _holes(random, pl.Series(random.integers(1, 12, rows)).cast(pl.String), 0.1)


def _labels(random: np.random.Generator, rows: int) -> pl.Series:
    return pl.Series(np.array([f"Choice number {n}" for n in range(30)])[random.integers(0, 30, rows)])


def _numbers(random: np.random.Generator, rows: int) -> pl.Series:
    return _holes(random, pl.Series(random.integers(0, 400, rows)).cast(pl.String), 0.3)


def _decimals(random: np.random.Generator, rows: int) -> pl.Series:
    return pl.Series(random.normal(50, 20, rows).round(2)).cast(pl.String)


def _sparse(random: np.random.Generator, rows: int) -> pl.Series:
    return _holes(random, pl.Series(random.integers(1, 9, rows)).cast(pl.String), 0.95)


def _flags(random: np.random.Generator, rows: int) -> pl.Series:
    return pl.Series(np.array(["Yes", "No"])[random.integers(0, 2, rows)])


def _texts(random: np.random.Generator, rows: int) -> pl.Series:
    return pl.Series(np.array([f"Medicine {n:05}" for n in range(3_000)])[random.integers(0, 3_000, rows)])


def _prose(random: np.random.Generator, rows: int) -> pl.Series:
    words = [pl.Series(f"w{n}", _WORDS[random.integers(0, len(_WORDS), rows)]) for n in range(6)]
    return pl.DataFrame(words).select(pl.concat_str(pl.all(), separator=" ")).to_series()


def _holes(random: np.random.Generator, cells: pl.Series, share: float) -> pl.Series:
    return cells.set(pl.Series(random.random(len(cells)) < share), None)


def plain(path: Path) -> int:
    """Count every column with Polars alone."""
    frame = pl.read_csv(path, infer_schema=False)
    found = 0
    for name in frame.columns:
        cells = frame.get_column(name)
        top = cells.value_counts(sort=True).head(10)
        found += cells.null_count() + cells.n_unique() + top.height + len(str(cells.min())) + len(str(cells.max()))
    return found


def scanned(path: Path) -> int:
    """Scan the folder."""
    from omopify.errors import Problems
    from omopify.scanning.discovering import ScanOptions
    from omopify.scanning.scan import scan_export

    scan = scan_export(path.parent, ScanOptions(), Problems())
    return scan.forms[0].rows or 0


def measured(part: str, path: Path) -> dict[str, float]:
    """Run a part in a process of its own; return its seconds and its peak of memory in MB."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scan", "--part", part, "--path", str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Write the export, measure both parts, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--part", choices=("plain", "scan"))
    parser.add_argument("--path", type=Path)
    given = parser.parse_args()
    if given.part:
        begin, cpu = time.perf_counter(), time.process_time()
        (plain if given.part == "plain" else scanned)(given.path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"s": time.perf_counter() - begin, "cpu": time.process_time() - cpu, "mb": peak}))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "export", given.rows, given.columns)
        print(f"{given.rows:,} rows x {given.columns} columns, {path.stat().st_size / 2**20:,.0f} MB of CSV")
        print(f"{'':24}{'seconds':>9}{'CPU s':>8}{'rows/s':>12}{'cells/s':>14}{'peak MB':>10}")
        best: dict[str, dict[str, float]] = {}
        for part in ("plain", "scan") * given.rounds:
            got = measured(part, path)
            best[part] = min(best.get(part, got), got, key=lambda one: one["s"])
        for part, name in (("plain", "plain Polars"), ("scan", "omopify scan")):
            got, rows = best[part], given.rows / best[part]["s"]
            cells = rows * given.columns
            print(f"{name:24}{got['s']:9.1f}{got['cpu']:8.1f}{rows:12,.0f}{cells:14,.0f}{got['mb']:10,.0f}")
        ratio = {key: best["scan"][key] / best["plain"][key] for key in ("s", "cpu", "mb")}
        time_, cpu, memory = ratio.values()
        print(f"scan / plain: {time_:.2f} of the time, {cpu:.2f} of the CPU, {memory:.2f} of the memory")


if __name__ == "__main__":
    main()
