"""The screens of 'omopify test', and a run that stops where a test fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from omopify.cli.main import main
from tests.testing.trial import write

EVENT = """\
  - name: as it should be
    given: {ae: [{ID: N_1, NR: 1, TERM: Fever}]}
    expect: {dsp.event: [{number: 1}]}
  - name: three mistakes
    given:
      ae:
        - {ID: N_1, NR: 1, TERM: Fever, GRADE: mild, START: 2021-05}
        - {ID: N_1, NR: 2, TERM: A cough that would not end however long one waited for it, GRADE: severe}
    expect:
      dsp.event:
        - {subject_id: N_1, number: 1, term: Fever, grade: 3, start: 2021-05-02, end: null}
        - {number: 7, term: Rash}
      rejects: [{field: term, reason: missing}]
"""
BROKEN = """\
  - name: cannot be run
    given: {dsp.subject: [{subject_id: N_1, sx: male}]}
    expect: {person: none}
"""


def omopify(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return write(Path(), event=EVENT, person=BROKEN).folder


def test_the_screen(folder: Path, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    result = omopify("test", ".", "event", "--all")
    assert (result.exit_code, result.stderr) == (3, "")
    seconds = result.stdout.splitlines()[-1].partition("(")[2]
    text = result.stdout.replace(seconds, "0.0 s)")
    golden("testing/failed.txt", text)
    monkeypatch.setenv("COLUMNS", "80")
    narrow = omopify("test", "event", "--all").stdout
    assert max(len(line) for line in narrow.splitlines()) <= 80
    assert "not shown, for want of room: " in narrow
    marked = [line for line in narrow.splitlines() if set(line.strip()) == {"^", " "}]
    assert len(marked) == 1


def test_problems_and_failures(folder: Path) -> None:
    result = omopify("test")
    assert result.exit_code == 1
    assert "maps/shared/person.yaml:9:45: table 'dsp.subject' has no column 'sx'; did you mean 'sex'? [OM941]" in (
        result.stderr.splitlines()
    )
    assert "3 tests: 1 passed, 1 failed, 1 cannot be run" in result.stdout
    assert "2 maps without a test: subject, condition" in result.stdout


def test_for_programs(folder: Path) -> None:
    junit = Path("junit.xml")
    result = omopify("test", "--json", "--coverage", "--junit", junit)
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["counts"] == {"run": 2, "passed": 1, "failed": 1, "skipped": 0}
    assert [(test["map"], test["name"], test["outcome"]) for test in found["tests"]] == [
        ("event", "as it should be", "passed"),
        ("event", "three mistakes", "failed"),
    ]
    tables = {one["table"]: one for one in found["tests"][1]["differences"]}
    assert [m["kind"] for m in tables["dsp.event"]["mismatches"]] == ["differs", "missing", "extra"]
    assert tables["dsp.event"]["mismatches"][0]["wrong"] == ["grade", "start"]
    assert tables["rejects"] | {"mismatches": None} == {
        "table": "rejects", "expected": 1, "rows": 0, "stopped": "", "mismatches": None,
    }  # fmt: skip
    assert found["untested"] == ["subject", "condition"]
    assert found["coverage"]["event"]["filter"] == {"covered": 2, "of": 4}
    assert [problem["code"] for problem in found["problems"]] == ["OM941"]
    suite = ElementTree.parse(junit).getroot()
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "3", "failures": "1", "errors": "1",
    }  # fmt: skip
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "no such row, line" in (failure.text or "")


def test_a_map_that_is_not_there(folder: Path) -> None:
    result = omopify("test", "evnt")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (
        1,
        "there is no map 'evnt'; did you mean 'event'? [OM946]",
    )


def test_a_run_stops_where_a_test_fails(folder: Path) -> None:
    Path("maps/shared/person.yaml").write_text(
        Path("maps/shared/person.yaml").read_text(encoding="utf-8").replace("sx: male", "sex: male"), encoding="utf-8"
    )
    write(Path(), event=EVENT)
    result = omopify("run", "--no-quality")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == (
        "maps/trial/event.yaml:17:5: the test 'three mistakes' of map 'event' fails; 'omopify test' shows expected and "
        "actual rows; 'omopify run --untested' converts all the same, as a draft [OM945]"
    )
    assert not Path("out/omop.duckdb").exists()
    result = omopify("run", "--no-quality", "--untested")
    assert result.exit_code == 0
    assert "The tests of the maps were not run." in result.stdout
    review = json.loads(Path("out/manifest.json").read_bytes())["review"]
    assert (review["tested"], review["tests"]["skipped"]) == (False, 2)
    result = omopify("run", "--untested", "--upload")
    assert (result.exit_code, "a draft is never uploaded" in result.stderr) == (2, True)
    write(Path(), event=EVENT.partition("  - name: three")[0])
    result = omopify("run", "--no-quality", "--json")
    assert json.loads(result.stdout)["run"]["tests"] == {"run": 1, "passed": 1, "failed": 0, "skipped": 0}
    review = json.loads(Path("out/manifest.json").read_bytes())["review"]
    assert (review["tested"], review["tests"]) == (True, {"run": 1, "passed": 1, "failed": 0, "skipped": 0})


def test_freezing_into_the_file(folder: Path) -> None:
    result = omopify("test", "--freeze", "subject", "--rows", "1", "--write")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        "maps/trial/subject.yaml:7:1: the test 'frozen from 1 row of the export' is added to map 'subject'; "
        "'omopify test subject' runs it\n"
    )
    assert omopify("test", "subject").exit_code == 0
    result = omopify("test", "--freeze", "subject", "--rows", "1")
    assert result.stdout.startswith("  - name: frozen from 1 row of the export (2)\n")
    result = omopify("test", "--write")
    assert (result.exit_code, "--from, --write and --data-is go with --freeze MAP" in result.stderr) == (2, True)
