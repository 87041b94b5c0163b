"""docs/quality.md shows the checks that there are and what really happens; ``--update-golden`` refreshes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from omopify.errors import Problems
from omopify.resources import data
from omopify.specs.quality import CheckTypesFile, SuiteFile, read_quality_file, read_suite

PAGE = Path(__file__).parents[2] / "docs" / "quality.md"


def suites() -> list[SuiteFile]:
    """The hand-written suites; those of the CDM are one check of each type for each field."""
    problems = Problems()
    found = [read_suite(path, problems) for path in sorted(data("quality").glob("*.yaml"))]
    assert problems.found == []
    return [suite for suite in found if suite]


def own_checks() -> str:
    lines = []
    for suite in suites():
        lines += [
            "",
            f"### {suite.name}",
            "",
            "| check | what is asked | of | severity | may fail |",
            "| --- " * 5 + "|",
        ]
        for spec in suite.expectations:
            meta = suite.meta_of(spec)
            name = spec.kwargs.get("check") or spec.kwargs["check_type"]
            table = f"`{meta.table}`" if meta.table else "every table"
            share = f"{spec.kwargs.get('max_pct', 0):g} %"
            asked = " ".join(spec.description.split()).replace("|", "\\|")
            lines.append(f"| `{suite.name}.{name}` | {asked} | {table} | {spec.severity} | {share} |")
    return "\n".join(lines[1:])


def check_types() -> str:
    problems = Problems()
    file = read_quality_file(CheckTypesFile, data("quality", "omop54", "check_types.yaml"), problems)
    assert file is not None, problems.found
    lines = ["| type | what is asked | about | category |", "| --- " * 4 + "|"]
    for name, spec in file.types.items():
        asked = re.sub(r"\{(\w+)\}", r"*\1*", " ".join(spec.description.split())).replace("|", "\\|")
        about = {"TABLE": "a table", "FIELD": "a field", "CONCEPT": "a concept"}[spec.level]
        lines.append(f"| {name} | {asked} | {about} | {spec.category} |")
    return "\n".join(lines)


MADE: dict[str, Callable[[], str]] = {"checks": own_checks, "check types": check_types}


@pytest.mark.parametrize("part", MADE)
def test_the_lists_of_checks_are_current(part: str, request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, start, rest = text.partition(f"<!-- {part}, made by tests/docs -->\n")
    shown, end, after = rest.partition(f"<!-- end of {part} -->\n")
    assert start
    assert end
    made = MADE[part]() + "\n"
    if request.config.getoption("--update-golden"):
        PAGE.write_text(before + start + made + end + after, encoding="utf-8")
    else:
        assert shown == made, "run: pytest tests/docs --update-golden"


def test_every_own_check_has_an_explanation_and_a_cure() -> None:
    for suite in suites():
        for spec in suite.expectations:
            name = f"{suite.name}: {spec.kwargs.get('check', spec.type)}"
            assert spec.description.strip().endswith("."), name
            assert len(spec.notes) > 40, name
