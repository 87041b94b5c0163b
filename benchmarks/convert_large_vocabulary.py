"""What a large vocabulary costs a conversion: one project, with the starter and with 5 million relationships more."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.convert import make_project, measured_run
from tests.vocabulary.athena_zip import write_download


def _load(downloads: list[str], file: Path) -> None:
    # in a process of its own, so that its memory is not counted to the runs
    subprocess.run([sys.executable, "-m", "omopify", "vocab", "load", *downloads, "--out", str(file)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1_000)
    parser.add_argument("--relationships", type=int, default=5_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = folder / "project"
        make_project(project, options.patients)
        shipped = ["starter", "demo_restricted"]
        # as many relationships for each concept as a real download has
        made_up = str(write_download(folder / "made_up", round(options.relationships / 7.6)))
        files = {"starter": folder / "small.duckdb", "large": folder / "large.duckdb"}
        _load(shipped, files["starter"])
        _load([*shipped, made_up], files["large"])
        best: dict[str, dict[str, float]] = {}
        for _ in range(3):
            for kind, file in files.items():
                found = measured_run(project, "--vocabulary", str(file))
                if kind not in best or found["wall s"] < best[kind]["wall s"]:
                    best[kind] = found
        for kind, found in best.items():
            print(f"{kind:<10}" + "  ".join(f"{what} {value:,.2f}" for what, value in found.items()))
        for what in ("wall s", "CPU s", "peak MB", "file MB"):
            print(f"ratio {what:<8} {best['large'][what] / best['starter'][what]:.2f}")


if __name__ == "__main__":
    main()
