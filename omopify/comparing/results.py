"""The results that can be compared: the one in the output folder, those that were kept before it, or any other.

Problems:

* OM953  there is no result to compare, or to compare with
* OM955  a run was stopped while it put its result in place
* OM956  a result was made by an older omopify, which did not keep what its maps said
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omopify.conversion.replacement import DEFINITIONS, EARLIER, LAST, READY, SIGNED
from omopify.errors import Location, OmopifyError, Problem
from omopify.specs.project import DATABASE, MANIFEST, Project, shown


@dataclass(frozen=True, slots=True)
class Kept:
    """One result, with what it says it is made of."""

    folder: Path
    manifest: Mapping[str, Any]
    definitions: Mapping[str, Any]
    signed: Mapping[str, Any] | None = None
    """Its signature, if somebody signed it off."""

    @property
    def database(self) -> Path:
        """Its tables."""
        return self.folder / DATABASE

    @property
    def day(self) -> str:
        """The day on which it was signed, else made."""
        return str(self.signed["at"] if self.signed else self.manifest["run"]["started"])[:10]

    @property
    def called(self) -> str:
        """What a sentence calls it: ``the signed delivery of 2026-10-21``."""
        if self.signed:
            word = "the signed draft" if self.signed.get("draft") else "the signed delivery"
            return f"{word} of {self.day}"
        return f"the result of {self.day}"


def last(project: Project, out: Path | None = None) -> Kept | None:
    """Return the result in the output folder, or None if there is none yet.

    Raises:
        OmopifyError: OM955, OM956.
    """
    folder = (out or project.out).absolute()
    if (folder / READY).is_dir():
        message = "a run was stopped while it put its result in place"
        raise OmopifyError(
            Problem("OM955", message, Location(shown(folder)), "'omopify run' completes it; then ask again")
        )
    return _kept(folder) if (folder / DATABASE).is_file() else None


def earlier(project: Project, which: str | None, out: Path | None = None) -> Kept | None:
    """Return the result to compare with: ``last``, ``signed``, or a folder's; None is the signed one, else the last.

    None is returned only if nothing was asked for by name and nothing was kept.

    Raises:
        OmopifyError: OM953 there is none of that name; OM956.
    """
    kept = (out or project.out).absolute() / EARLIER
    found = {name: kept / name for name in (SIGNED, LAST) if (kept / name / DATABASE).is_file()}
    if which is None:
        return _kept(next(iter(found.values()))) if found else None
    folder = found.get(which) if which in (LAST, SIGNED) else _folder(Path(which))
    if folder is None or not (folder / DATABASE).is_file():
        message, hint = _missing(which)
        raise OmopifyError(Problem("OM953", message, Location(shown(folder)) if folder else None, hint))
    return _kept(folder)


def _folder(path: Path) -> Path:
    return path.parent if path.name == DATABASE else path


def _missing(which: str) -> tuple[str, str]:
    if which == SIGNED:
        return "no signed delivery was kept", "the next run keeps a result that is signed off; --with last compares now"
    if which == LAST:
        return "no earlier result was kept", "the next run keeps this one if its export, maps or vocabulary differ"
    return f"there is no result with a file '{DATABASE}'", "name the output folder of another run, or last, or signed"


def _kept(folder: Path) -> Kept:
    """Read what a result says of itself."""
    try:
        manifest, definitions = (json.loads((folder / name).read_bytes()) for name in (MANIFEST, DEFINITIONS))
        whole = {"inputs", "run", "vocabulary"} <= manifest.keys() and {"maps", "concepts"} <= definitions.keys()
    except (OSError, ValueError, AttributeError):
        whole = False
    if not whole:
        message = "this result does not say what its maps said: an older omopify made it, or its files are damaged"
        hint = "run 'omopify run' again; the results after it can be compared"
        raise OmopifyError(Problem("OM956", message, Location(shown(folder)), hint))
    return Kept(folder, manifest, definitions, _signature(folder))


def _signature(folder: Path) -> Mapping[str, Any] | None:
    try:
        signed = json.loads((folder / "sign-off.json").read_bytes())
    except (OSError, ValueError):
        return None
    return signed if isinstance(signed, dict) and "at" in signed else None
