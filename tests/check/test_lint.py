"""What 'check' warns of: each rule by a project that it is about, and silence where there is nothing to say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from omopify.cli.checking import Checker
from omopify.compiler.lint import TITLES
from omopify.compiler.lint.conditions import Domain, follows, judge
from tests.language.workbench import Workbench, cases

ROOT = Path(__file__).parents[2]
CASES: dict[str, dict[str, Any]] = dict(cases(Path(__file__).parent / "cases"))
SILENT = CASES["warnings: nothing to say"]


def with_rest(case: dict[str, Any]) -> dict[str, Any]:
    """The case, with the files of the silent one that it does not write itself."""
    merged = {name: {**SILENT[name], **case.get(name, {})} for name in ("tables", "maps", "data")}
    return {"trial": SILENT["trial"], **case, **merged}


def told(folder: Path) -> tuple[list[str], list[str]]:
    checked = Checker(folder).check()
    return [str(problem) for problem in checked.errors], [str(problem) for problem in checked.warnings]


@pytest.mark.parametrize("name", CASES)
def test_warnings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # messages show paths from here
    case = CASES[name]
    Workbench(tmp_path).write(with_rest(case))
    if "scan" in case:
        (tmp_path / "scan").mkdir()
        (tmp_path / "scan" / "scan.json").write_text(case["scan"], encoding="utf-8")
    assert told(Path()) == ([], case["warned"])


def test_every_warning_has_a_title_and_a_case() -> None:
    warned = {code for case in CASES.values() for line in case["warned"] for code in re.findall(r"\[(OM9\d\d)\]", line)}
    assert warned == set(TITLES)


def test_the_examples_in_the_documentation_are_real() -> None:
    text = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
    told = {line for case in CASES.values() for line in case["warned"]}
    for code in TITLES:
        section = text.partition(f"### {code} ")[2].partition("\n### ")[0]
        examples = re.findall(r"```text\n(.*)\n```", section)
        assert examples, code
        assert set(examples) <= told, code


@pytest.mark.parametrize("pack", ["impress", "drup", "worked_patient"])
def test_shipped_projects_have_nothing_to_hide(pack: str) -> None:
    errors, warnings = told(ROOT / "examples" / pack)
    assert errors == []
    assert [line for line in warnings if "OM611" not in line] == []


@pytest.mark.parametrize(
    ("conditions", "verdict"),
    [
        ("X = 1 and X = 2", "never"),
        ("X = 1 or X <> 1", "sometimes"),  # an empty cell is neither
        ("X = 1 or X <> 1 or X is null", "sometimes"),  # nor is a text beside a number
        ("X = 'a' or X <> 'a' or X is null", "always"),
        ("X is null or x is not null", "always"),
        ("number(X) > 5 and number(X) < 3", "never"),
        ("X between 5 and 1", "never"),
        ("date(X) > '2020-01-01' and date(X) < '2019-01-01'", "never"),
        ("date(X) > '2019-01-01' and date(X) < '2020-01-01'", "sometimes"),
        ("matches(X, 'a') and not matches(X, 'a')", "never"),
        ("matches(X, 'a') or not matches(X, 'a')", "sometimes"),  # unknown of an empty cell
        ("X in ('a', 'b') and X = 'A'", "never"),
        ("X = 'a' and fold(X) = 'b'", "sometimes"),  # two functions of one column are not compared
        ("missing = 'NK' or missing = 'na'", "never"),
        ("missing <> 'NK'", "sometimes"),
        ("fold(X) = 'Oslo'", "never"),
        ("sex = 'femal'", "never"),
        ("sex in ('male', 'female') or sex is null", "always"),
        ("grade >= 1", "sometimes"),
        ("grade >= 1 or grade is null", "always"),
        ("id is not null", "always"),
        ("trial.ctcae = '5.0'", "sometimes"),
        ("A = B", "sometimes"),
        ("A = B and A <> B", "sometimes"),  # columns are not compared with each other
        ("(" * 60 + "X = 1" + ")" * 60, "sometimes"),
        (" and ".join(f"C{n} = 1" for n in range(40)), "sometimes"),  # too many to be tried
        ("not an expression (", "sometimes"),
    ],
)
def test_conditions_are_judged_by_trying(conditions: str, verdict: str) -> None:
    known = {
        "missing": Domain(never=frozenset({"nk", "na", ""})),
        "sex": Domain(("male", "female"), frozenset({""})),
        "grade": Domain(("1", "2", "3"), frozenset({""})),
        "id": Domain(filled=True),
    }
    assert judge([conditions], lambda name: known.get(name, Domain())) == verdict


def test_what_follows_from_what() -> None:
    assert follows("n > 80", ["n > 90"], lambda _: Domain())
    assert not follows("n > 90", ["n > 80"], lambda _: Domain())
    assert follows("X is not null", ["X = 'a'"], lambda _: Domain())
