"""Measure `omopify vocab load` against plain DuckDB reading the same files into tables of the same types."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from omopify.cdm import tables  # noqa: E402
from omopify.vocabulary.loading.athena import TABLES  # noqa: E402
from tests.vocabulary.athena_zip import zip_download  # noqa: E402

CONCEPTS = 487_000
"""A tenth of a real download."""

TYPES = {"integer": "INTEGER", "float": "DOUBLE", "date": "DATE", "varchar": "VARCHAR"}


def plain(download: Path, out: Path, memory_limit: str | None) -> None:
    """What somebody writes who knows DuckDB: nothing is checked, nothing is written down."""
    import duckdb

    with tempfile.TemporaryDirectory(dir=out.parent) as name, duckdb.connect(str(out)) as con:
        folder = download
        if download.is_file():
            folder = Path(name)
            shutil.unpack_archive(download, folder)
        if memory_limit:
            con.execute(f"SET memory_limit = '{memory_limit}'")
        for table in TABLES:
            columns = {field.name: TYPES[field.type] for field in tables()[table].fields}
            con.execute(
                f"CREATE TABLE {table} AS FROM read_csv('{folder / table.upper()}.csv', header = true, delim = '\t', "
                f"quote = '', escape = '', dateformat = '%Y%m%d', columns = {columns})"
            )


def measured(command: list[str], out: Path) -> dict[str, float]:
    """Run a command in a process of its own: wall and CPU seconds, peak MB, MB of the file it made."""
    out.unlink(missing_ok=True)
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    assert status == 0, command
    cpu = usage.ru_utime + usage.ru_stime
    return {"wall s": wall, "CPU s": cpu, "peak MB": usage.ru_maxrss / 1024, "file MB": out.stat().st_size / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--concepts", type=int, default=CONCEPTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the made-up download is, or will be made and kept")
    parser.add_argument("--plain", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.plain:
        plain(Path(arguments.plain[0]), Path(arguments.plain[1]), arguments.plain[2] or None)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name) / "download"
        if not folder.exists():
            # in a process of its own, because what a process took counts as the peak of those that it starts
            make = [sys.executable, "-m", "tests.vocabulary.athena_zip", str(folder)]
            subprocess.run([*make, "--concepts", str(arguments.concepts)], check=True, cwd=ROOT)
        archive = zip_download(folder, Path(name) / "download.zip")
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        print(f"{arguments.concepts:,} concepts, {size:,.0f} MB of files, best of {arguments.rounds} rounds")
        out = Path(name) / "v.duckdb"
        ours = [sys.executable, "-m", "omopify", "vocab", "load", "--out", str(out)]
        for limit in ("", "500MB"):
            option = ["--memory-limit", limit] if limit else []
            for kind, download in (("folder", folder), ("zip", archive)):
                both = {
                    "plain DuckDB": [sys.executable, __file__, "--plain", str(download), str(out), limit],
                    "vocab load": [*ours, str(download), *option],
                }
                best: dict[str, dict[str, float]] = {}
                for _ in range(arguments.rounds):
                    for title, command in both.items():
                        found = measured(command, out)
                        best[title] = min(best.get(title, found), found, key=lambda one: one["wall s"])
                base = best["plain DuckDB"]
                for title, figures in best.items():
                    ratios = {f"{key} ratio": figures[f"{key} s"] / base[f"{key} s"] for key in ("wall", "CPU")}
                    line = "  ".join(f"{key} {value:,.2f}" for key, value in (figures | ratios).items())
                    print(f"{', '.join(filter(None, (title, kind, limit))):<28}{line}", flush=True)


if __name__ == "__main__":
    main()
