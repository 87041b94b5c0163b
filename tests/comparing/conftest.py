from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.comparing.project import Trial


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """The small trial, converted once; tests take copies of it."""
    trial = Trial(tmp_path_factory.mktemp("comparing") / "small")
    trial.run()
    return trial


@pytest.fixture
def trial(converted: Trial, tmp_path: Path) -> Trial:
    """A copy that a test may change, with the result of one run."""
    own = Trial.__new__(Trial)
    own.folder = tmp_path / "small"
    own.subjects, own.events = list(converted.subjects), list(converted.events)
    shutil.copytree(converted.folder, own.folder)
    return own
