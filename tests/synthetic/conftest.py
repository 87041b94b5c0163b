"""One clean and one messy export, read back with nothing but the standard library."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from omopify.synthetic import write_impress

Rows = list[dict[str, str]]
CLEAN_PATIENTS = 400
MESSY_PATIENTS = 300


def read_forms(folder: Path) -> dict[str, Rows]:
    forms = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            _, ids, *rows = list(csv.reader(file, strict=True))
        assert {len(row) for row in rows} <= {len(ids)}, path
        forms[path.stem.rsplit("_", 1)[1]] = [dict(zip(ids, row, strict=True)) for row in rows]
    return forms


@pytest.fixture(scope="session")
def clean_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    write_impress(folder, CLEAN_PATIENTS, seed=7)
    return folder


@pytest.fixture(scope="session")
def clean(clean_folder: Path) -> dict[str, Rows]:
    return read_forms(clean_folder)


@pytest.fixture(scope="session")
def messy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("messy")
    write_impress(folder, MESSY_PATIENTS, seed=7, messy=True)
    return folder


@pytest.fixture(scope="session")
def messy(messy_folder: Path) -> dict[str, Rows]:
    return read_forms(messy_folder)
