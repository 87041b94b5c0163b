"""Pages that are made from the code are current: every word and every code; ``--update-golden`` makes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from omopify.specs.maps import MapFile
from omopify.specs.packs import ProjectFile, SourceSpec, TrialFile
from tests.docs import reference

DOCS = Path(__file__).parents[2] / "docs"


def _codes() -> str:
    return reference.codes((DOCS / "problems.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("page", "made"), [("reference-language.md", reference.language), ("reference-codes.md", _codes)]
)
def test_the_reference_is_current(page: str, made: Callable[[], str], request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        (DOCS / page).write_text(made(), encoding="utf-8")
    assert (DOCS / page).read_text(encoding="utf-8") == made(), "run: pytest tests/docs --update-golden"


@pytest.mark.parametrize("model", [ProjectFile, TrialFile, MapFile, SourceSpec])
def test_every_word_of_the_models_is_in_the_reference(model: type[ProjectFile]) -> None:
    """By way of the models themselves, as the page is made from the schemas."""
    page = (DOCS / "reference-language.md").read_text(encoding="utf-8")
    words = {field.alias or name for name, field in model.model_fields.items()}
    assert [word for word in words if f"`{word}`" not in page] == []
