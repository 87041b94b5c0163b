"""docs/quality.md shows the checks that there are and what really happens; ``--update-golden`` refreshes it."""

from __future__ import annotations

import fnmatch
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from omopify.errors import Problems
from omopify.quality.outputs.quality_json import from_json
from omopify.resources import data
from omopify.specs.quality import CheckTypesFile, SuiteFile, read_quality_file, read_suite
from tests.docs.page import commands, follow, matches

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
            assert spec.description.strip().endswith((".", "?")), name
            assert len(spec.notes) > 40, name


def test_the_page_shows_what_happens(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The walk-through is done as it is written: findings are mended, and the report is signed."""
    ignored = shutil.ignore_patterns("out", "register", "quality")
    shutil.copytree(PAGE.parents[1] / "examples" / "impress", tmp_path / "examples" / "impress", ignore=ignored)
    page = PAGE.read_text(encoding="utf-8")
    done = list(follow(page, tmp_path))
    if request.config.getoption("--update-golden"):
        outputs = iter([c.shown if matches(c.shown, c.given) else c.refreshed() for c in done])

        def block(found: re.Match[str]) -> str:
            lines = [line for typed, _ in commands(found[1]) for line in (f"$ {typed}", *next(outputs))]
            return "```console\n" + "".join(f"{line}\n" for line in lines) + "```"

        PAGE.write_text(re.sub(r"^```console\n(.*?)^```$", block, page, flags=re.M | re.S), encoding="utf-8")
        return
    for command in done:
        said = "\n".join(command.given)
        assert command.status == command.expected_status, f"$ {command.typed}\n{said}"
        assert "Traceback" not in said
        assert matches(command.shown, command.given), f"$ {command.typed}\n{said}"
    out = tmp_path / "examples" / "impress" / "out" / "quality"
    for shown in re.findall(r"^```csv\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        assert shown in [path.read_text(encoding="utf-8") for path in (out / "do-not-share").iterdir()]
    named = re.findall(r"^  - check: \"?([\w.*]+)", page, re.MULTILINE)
    assert len(named) >= 6
    now = from_json((out / "quality.json").read_text(encoding="utf-8"))
    status = {result.check.id: (result.status, result.waiver is not None) for result in now.results}
    assert [check for check in named if not fnmatch.filter(status, check)] == []
    assert status["oncology.grade_is_1_to_5"] == ("pass", False)
    assert status["oncology.cycle_numbers_without_gaps"] == ("pass", False)
    assert status["trial.values_left_out"] == ("pass", False)
    assert status["trial.terms_without_concept"] == ("fail", True)
    assert now.verdict.verdict == "ready with waivers"
