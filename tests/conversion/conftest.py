"""A small made-up export, converted the way the command line does it."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from omopify.conversion.run import Options, Result, run
from omopify.errors import Problems
from omopify.progress import silent
from omopify.resources import data
from omopify.specs.project import load_project
from omopify.synthetic import write_impress

SOME_MAPS = {
    "impress": (
        "adverse_event adverse_event_relation cohort_allocation death ecog observation_window study_drug subject "
        "treatment_cycle visit"
    ),
    "prime_rose": "adverse_event care_site death ecog location observation_period person study_drug visit",
}
"""What a run does is shown by a sixth of the maps as well as by all of them, in a fraction of the time."""


def some_maps(folder: Path) -> None:
    """Copy the shipped packs of IMPRESS into a folder, with some of their maps."""
    for pack, names in SOME_MAPS.items():
        shutil.copytree(data("mappings", pack), folder / pack, ignore=shutil.ignore_patterns("derived"))
        for path in (folder / pack).glob("*.yaml"):
            if path.stem not in (*names.split(), "trial", "model"):
                path.unlink()


class Workplace:
    """A project folder with an export and maps that tests may change."""

    def __init__(self, folder: Path, patients: int = 30, seed: int = 11):
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        write_impress(self.data, patients, seed, messy=True)
        some_maps(folder / "maps")
        (folder / "omopify.yaml").write_text(
            "mappings: maps/impress\ndata: data\nvocabulary: [starter, demo_restricted]\nrelease_date: 2026-01-31\n"
        )

    def run(self, out: Path | None = None) -> Result:
        problems = Problems()
        project = load_project(self.folder, problems)
        problems.stop_if_errors()
        assert project is not None
        return run(project, Options(out), problems, silent)

    @property
    def database(self) -> Path:
        return self.folder / "out" / "omop.duckdb"


def content(database: Path) -> dict[str, list[str]]:
    """Return every table and view of a database as sorted lines, so that two databases can be compared."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_schema IN ('cdm', 'dsp', 'audit') ORDER BY ALL"
        ).fetchall()
        return {
            f"{schema}.{name}": sorted(
                repr(row) for row in connection.execute(f'SELECT * FROM {schema}."{name}"').fetchall()
            )
            for schema, name in names
        }


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path / "project")
