"""A trial's export, made up, and harmonised the way the command line does it.

The maps from the shared tables to OMOP take most of a conversion's time and cannot change the shared tables: they
have their own tests, and are left out here.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal

from omopify.conversion.run import Options, run
from omopify.errors import Problems
from omopify.progress import silent
from omopify.specs.project import load_project
from omopify.synthetic import write_export

from . import drup, impress

TRIALS = {"impress": impress.TRIAL, "drup": drup.TRIAL}
PATIENTS = int(os.environ.get("OMOPIFY_ROUNDTRIP_PATIENTS", "150"))
SEED = 7
MAPPINGS = Path(__file__).parents[2] / "mappings"


def convert(
    folder: Path, trial: str, *, format: Literal["csv", "xlsx"] = "csv", messy: bool = False, patients: int = PATIENTS
) -> Path:
    """Write an export, convert it to the shared tables, and return the database of the result."""
    write_export(trial, folder / "data", patients, SEED, messy=messy, format=format)
    shutil.copytree(MAPPINGS / trial, folder / "packs" / trial)
    for part in ("dsp", "derived"):
        shutil.copytree(MAPPINGS / "prime_rose" / part, folder / "packs" / "prime_rose" / part)
    shutil.copy(MAPPINGS / "prime_rose" / "model.yaml", folder / "packs" / "prime_rose")
    (folder / "omopify.yaml").write_text(
        f"mappings: packs/{trial}\ndata: data\nvocabulary: [starter, demo_restricted]\nrelease_date: 2026-01-31\n"
    )
    problems = Problems()
    project = load_project(folder, problems)
    problems.stop_if_errors()
    assert project is not None
    result = run(project, Options(), problems, silent)
    return result.out / "omop.duckdb"
