"""Put a new result in the place of the last one, so that a killed run leaves either the one or the other.

What was there before is kept for comparison in ``earlier``: as ``last`` if the new result is made of anything else (a
repeat of a run must not displace what one wants to compare with), and as ``signed`` if somebody has signed it off.  One
of each is kept.  The database is a hard link, so that it is not copied and at no moment is there no result; where the
file system has no links it is a copy.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from omopify.conversion.session import REGISTER
from omopify.errors import Location, OmopifyError, Problem
from omopify.specs.project import DATABASE, MANIFEST, shown

DEFINITIONS = "definitions.json"
"""The file of a result that holds what each map said."""

EARLIER = "earlier"
"""The folder of a result that holds the results before it."""

LAST = "last"
SIGNED = "signed"
"""What is kept in ``earlier``."""

READY = ".ready"
"""The folder of a result that is complete, and waits to take the place of the last one."""

_SIGN_OFF = Path("quality", "sign-off.json")
"""The signature of a result, as omopify/quality/signoff.py writes it; a floor that conversion does not import."""


def finish_replacement(out: Path) -> None:
    """Complete what a killed run had finished building, and remove what it had not."""
    ready = out / READY
    if ready.is_dir():
        _move_in(ready, out)
    for left in out.glob(".building-*"):
        if not _is_running(left.name.rpartition("-")[2]):
            shutil.rmtree(left, ignore_errors=True)


def replace_result(build: Path, out: Path, register: Path) -> None:
    """Put a complete result in the place of the last one, by renames only, and keep the last one beside it."""
    try:
        register.mkdir(parents=True, exist_ok=True)
        register.chmod(0o700)
        # First the register: it may only ever know more than the result. Its ids are the same in a repeated run.
        (build / REGISTER).replace(register / REGISTER)
    except OSError:
        raise _held(register / REGISTER, "the last result is as it was") from None
    shutil.rmtree(build / "scratch", ignore_errors=True)
    ready = out / READY
    build.replace(ready)
    _move_in(ready, out)


def _move_in(ready: Path, out: Path) -> None:
    waits = f"the new result is complete and waits in {shown(ready)}"
    # The database goes first: once it has gone, what was there before has been kept.
    if (ready / DATABASE).exists() and (out / DATABASE).exists():
        _keep(ready, out, waits)
    for name in (DATABASE, MANIFEST, DEFINITIONS):
        try:
            if (ready / name).exists():
                (ready / name).replace(out / name)
        except OSError:
            raise _held(out / name, waits) from None
    shutil.rmtree(ready, ignore_errors=True)


def _keep(ready: Path, out: Path, waits: str) -> None:
    before, now = (_read(folder / MANIFEST) for folder in (out, ready))
    if before and before.get("made_of", "") != now.get("made_of"):
        _put(out, LAST, waits)
    signed = _read(out / _SIGN_OFF)
    # The signature of a draft is none of a delivery, and does not displace one.
    kept = _read(out / EARLIER / SIGNED / _SIGN_OFF.name)
    displaces = not signed.get("draft") or not kept or kept.get("draft")
    if signed and displaces and signed.get("data_sha256") == _sha256(out / DATABASE):
        _put(out, SIGNED, waits)


def _put(out: Path, name: str, waits: str) -> None:
    """Link the result into ``earlier/<name>``; killed in between, the next run does it again."""
    earlier = out / EARLIER
    new, old, place = earlier / f".new-{name}", earlier / f".old-{name}", earlier / name
    try:
        earlier.mkdir(exist_ok=True)
        earlier.chmod(0o700)
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
        new.mkdir()
        _link(out / DATABASE, new / DATABASE)
        said = [out / MANIFEST, out / DEFINITIONS, *([out / _SIGN_OFF] if name == SIGNED else [])]
        for file in (file for file in said if file.exists()):
            shutil.copyfile(file, new / file.name)  # small, and may be written anew where it stands
        if place.exists():
            place.replace(old)
        new.replace(place)
    except OSError:
        raise _held(place, waits) from None
    shutil.rmtree(old, ignore_errors=True)


def _link(file: Path, to: Path) -> None:
    try:
        os.link(file, to)
    except OSError:  # a memory stick, or a share that knows no links
        shutil.copyfile(file, to)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
