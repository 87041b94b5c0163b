"""Put a new result in the place of the last one, so that a killed run leaves either the one or the other."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from omopify.conversion.session import REGISTER
from omopify.errors import Location, OmopifyError, Problem
from omopify.specs.project import DATABASE, MANIFEST, shown


def finish_replacement(out: Path) -> None:
    """Complete what a killed run had finished building, and remove what it had not."""
    ready = out / ".ready"
    if ready.is_dir():
        _move_in(ready, out)
    for left in out.glob(".building-*"):
        if not _is_running(left.name.rpartition("-")[2]):
            shutil.rmtree(left, ignore_errors=True)


def replace_result(build: Path, out: Path, register: Path) -> None:
    """Put a complete result in the place of the last one, by renames only."""
    try:
        register.mkdir(parents=True, exist_ok=True)
        register.chmod(0o700)
        # First the register: it may only ever know more than the result. Its ids are the same in a repeated run.
        (build / REGISTER).replace(register / REGISTER)
    except OSError:
        raise _held(register / REGISTER, "the last result is as it was") from None
    shutil.rmtree(build / "scratch", ignore_errors=True)
    ready = out / ".ready"
    build.replace(ready)
    _move_in(ready, out)


def _move_in(ready: Path, out: Path) -> None:
    for name in (DATABASE, MANIFEST):
        try:
            if (ready / name).exists():
                (ready / name).replace(out / name)
        except OSError:
            raise _held(out / name, f"the new result is complete and waits in {shown(ready)}") from None
    shutil.rmtree(ready, ignore_errors=True)


def _held(path: Path, state: str) -> OmopifyError:
    # Windows does not replace a file that a program has open.
    hint = f"close the program that has it open and run again; {state}"
    return OmopifyError(Problem("OM596", "this file cannot be replaced", Location(shown(path)), hint))


def _is_running(pid: str) -> bool:
    if not pid.isdigit() or os.name == "nt":  # Windows refuses to delete files that are open, which is as good
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
