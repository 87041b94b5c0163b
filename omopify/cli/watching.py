"""See that files have changed by looking at them twice a second: that works on every system and network drive."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

Snapshot = dict[str, tuple[int, int]]

EVERY = 0.5
"""Seconds between two looks."""

_MOST = 20_000
"""How many files are looked at in one place: who has put the data folder at the root of a disk waits for ever else."""

_SUFFIXES = (".yaml", ".yml", ".csv", ".sql", ".jinja", ".json")


def snapshot(folders: Iterable[Path], data: Path | None) -> Snapshot:
    """Return time and size of all files that a check reads below some folders, and of everything in the data folder."""
    found: Snapshot = {}
    for folder in dict.fromkeys(folders):
        found |= {path: stamp for path, stamp in _files(folder, data) if path.endswith(_SUFFIXES)}
    if data and data.is_dir():
        found |= dict(_files(data, None))
    return found


def changed_below(folder: Path | None, before: Snapshot, after: Snapshot) -> bool:
    """Say whether anything has changed in a folder."""
    changed = {path for path, _ in before.items() ^ after.items()}
    return folder is not None and any(Path(path).is_relative_to(folder) for path in changed)


def _files(folder: Path, without: Path | None) -> Iterator[tuple[str, tuple[int, int]]]:
    return islice(_walk(folder, without), _MOST)


def _walk(folder: Path, without: Path | None) -> Iterator[tuple[str, tuple[int, int]]]:
    todo = [os.fspath(folder)]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        left_out = entry.name.startswith(".") or (without and Path(entry.path) == without)
                        todo += [] if left_out else [entry.path]
                    else:
                        status = entry.stat()
                        yield entry.path, (status.st_mtime_ns, status.st_size)
        except OSError:  # a file that went while we looked, a folder that may not be read
            continue


def wait_for_change(
    look: Callable[[], Snapshot], before: Snapshot, sleep: Callable[[float], None] = time.sleep
) -> Snapshot:
    """Wait until something has changed and has then been quiet: editors write a file in several steps."""
    now = before
    while now == before:
        sleep(EVERY)
        now = look()
    while (again := _later(look, sleep)) != now:
        now = again
    return now


def _later(look: Callable[[], Snapshot], sleep: Callable[[float], None]) -> Snapshot:
    sleep(EVERY / 2)
    return look()
