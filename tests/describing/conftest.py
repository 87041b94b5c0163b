"""A small trial with a shared model, to which tests add maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from omopify.describing.wording import Described, sentences
from omopify.errors import Problems
from omopify.specs.project import load_pack
from tests.describing.tern import write


@pytest.fixture(scope="session")
def tern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trial's folder, beside its shared model."""
    return write(tmp_path_factory.mktemp("mappings"))


@pytest.fixture(scope="session")
def describe(tern: Path) -> Callable[[str], Described]:
    """Return the words of a map that is written here, in the trial."""

    def one(text: str) -> Described:
        path = tern / "one.yaml"
        path.write_text(text, encoding="utf-8")
        problems = Problems()
        pack = load_pack(tern, problems)
        path.unlink()
        assert not problems.errors, problems.errors
        assert pack is not None
        return sentences(pack.maps[0], pack)

    return one
