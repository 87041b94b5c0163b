"""Where a result lies, what the files about its quality are called, and how they are written and told apart."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from omopify.specs.project import DATABASE, MANIFEST, Project

FOLDER = "quality"
"""The folder of a result that holds what was found."""

QUALITY_JSON = "quality.json"
REPORT = "report.html"

COPIES = "shareable"
"""The folder of the copies that may leave, below that of the outputs."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a result lies, and where what is found about it goes."""

    database: Path
    manifest: Path
    folder: Path
    """The folder that outputs are written to."""
    register: Path | None = None
    """Where earlier deliveries are kept; None for a database without a project."""
    schema: str = "cdm"
    """The schema that holds the CDM."""


def place_of(project: Project, out: Path | None = None) -> Place:
    """Return where a project's result lies; ``out`` instead of the project's own folder."""
    folder = (out or project.out).absolute()
    return Place(folder / DATABASE, folder / MANIFEST, folder / FOLDER, project.register)


def has_unsaved_rows(database: Path) -> bool:
    """Say whether a database has changes that its own file does not hold yet, so that its hash says too little."""
    log = database.with_name(f"{database.name}.wal")
    return log.is_file() and log.stat().st_size > 0


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name beside the file; what is written there takes the file's place if all goes well."""
    building = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield building
        building.replace(path)
    finally:
        building.unlink(missing_ok=True)
