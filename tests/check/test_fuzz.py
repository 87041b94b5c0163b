"""No YAML text whatsoever gives a traceback, and none takes long: shipped files, spoiled in every way.

Ten thousand were tried by hand (``python -m tests.check.test_fuzz 10000``); here are some, always the same.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from tests.check.spoiling import Spoiled

SEED, FILES = 6, 200
SLOW = 5.0


def spoil(folder: Path, files: int, seed: int) -> list[str]:
    """Spoil files one by one; return those that gave a traceback or took long."""
    project, bad = Spoiled(folder), list[str]()
    for number in range(files):
        started = time.process_time()
        try:
            project.check(random.Random(f"{seed}-{number}"))
        except Exception as error:  # the very thing that must not happen
            bad.append(f"{number} {project.last.name}: {error!r}")
        if time.process_time() - started > SLOW:
            bad.append(f"{number} {project.last.name}: {time.process_time() - started:.0f} s")
    return bad


def test_no_yaml_gives_a_traceback(tmp_path: Path) -> None:
    assert spoil(tmp_path, FILES, SEED) == []


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print("\n".join(spoil(Path(place), int(sys.argv[1]), int((*sys.argv, SEED)[2]))) or "no traceback")
