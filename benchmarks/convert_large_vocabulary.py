"""What a large vocabulary costs a conversion: one project, with the starter and with 5 million relationships more."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.convert import make_project, measured_run


def _run(module: str, *arguments: str) -> None:
    # in a process of its own, so that its memory is not counted to the runs
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, stdout=subprocess.DEVNULL)


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
        made_up = str(folder / "made_up")
        # as many relationships for each concept as a real download has
        concepts = str(round(options.relationships / 7.6))
        _run("tests.vocabulary.athena_zip", made_up, "--concepts", concepts)
        files = {"starter": folder / "small.duckdb", "large": folder / "large.duckdb"}
        _run("omopify", "vocab", "load", *shipped, "--out", str(files["starter"]))
        _run("omopify", "vocab", "load", *shipped, made_up, "--out", str(files["large"]))
        best: dict[tuple[str, bool], dict[str, float]] = {}
        for _ in range(3):
            for kind, file in files.items():
                for again in (False, True):
                    found = measured_run(project, "--vocabulary", str(file), again=again)
                    if (kind, again) not in best or found["wall s"] < best[kind, again]["wall s"]:
                        best[kind, again] = found
        for (kind, again), found in best.items():
            figures = "  ".join(f"{what} {value:,.2f}" for what, value in found.items())
            print(f"{kind:<9}{'next run' if again else 'first run':<11}{figures}")
        for again in (False, True):
            ratios = (
                f"{what} {best['large', again][what] / best['starter', again][what]:.2f}"
                for what in ("wall s", "CPU s", "peak MB", "file MB")
            )
            print(f"ratio, {'next run' if again else 'first run'}: {'  '.join(ratios)}")


if __name__ == "__main__":
    main()
