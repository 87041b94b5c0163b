"""What a steward sees of 'omopify check': formats, exit codes, grouping, and going on while files are edited."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft4Validator

from omopify.cli import watching
from omopify.cli.checking import Checker
from omopify.cli.main import main
from omopify.cli.sarif import sarif
from omopify.errors import Location, Problem
from tests.check.test_lint import SILENT
from tests.language.workbench import Workbench

SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0.schema.json").read_text(encoding="utf-8"))
"""The schema of OASIS (2.1.0, rtm.5) as Microsoft's package jest-sarif carries it (MIT), without its descriptions."""


def omopify(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of which there is nothing to say."""
    monkeypatch.chdir(tmp_path)
    Workbench(tmp_path).write(SILENT)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def without_seconds(line: str) -> str:
    return line.partition(" (")[0]


def test_the_last_line_says_what_was_looked_at(project: Path) -> None:
    result = omopify("check", project)
    assert (result.exit_code, result.stderr) == (0, "")
    assert without_seconds(result.stdout) == "2 maps, 2 sources, 2 tests, no problems"
    assert result.stdout.rstrip().endswith(" s)")


def test_the_project_is_the_folder_one_is_in(project: Path) -> None:
    assert omopify("check").stdout.startswith("2 maps, 2 sources")


def test_the_last_line_says_what_was_not_looked_at(project: Path) -> None:
    change(project / "maps" / "trial" / "m.yaml", "n: N", "n: NN")
    assert omopify("check").stdout.rstrip().endswith(" s); warnings are looked for when that is mended")
    (project / "maps" / "trial" / "trial.yaml").write_text("sources: [\n", encoding="utf-8")
    assert without_seconds(omopify("check").stdout) == "The rest is looked at when that is mended"


def test_warnings_count_only_if_they_should(project: Path) -> None:
    change(project / "data" / "v.csv", "ID,N", "ID,N,AGE")
    lax, strict = omopify("check"), omopify("check", "--strict")
    assert (lax.exit_code, strict.exit_code) == (0, 1)
    assert "undecided: AGE" in lax.stderr
    assert without_seconds(strict.stdout) == "2 maps, 2 sources, 2 tests, 1 warning"
    assert omopify("check", "--strict", "--format", "json").exit_code == 1


def test_many_warnings_of_one_code_are_counted(project: Path) -> None:
    (project / "maps" / "trial" / "values").mkdir()
    for number in range(6):
        (project / "maps" / "trial" / "values" / f"f{number}.csv").write_text("from,to\na,b\n", encoding="utf-8")
    few, every = omopify("check").stderr, omopify("check", "--all").stderr
    assert few.count("no map refers to this file") == 3
    assert "and 3 more of OM921: --all shows them" in few
    assert every.count("no map refers to this file") == 6


def test_json_has_the_keys_that_it_always_had(project: Path) -> None:
    change(project / "maps" / "trial" / "m.yaml", "n: N", "n: NN")
    result = omopify("check", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (1, "")
    assert list(report) == ["maps", "sources", "tests", "problems"]
    (found,) = report["problems"]
    assert list(found) == ["code", "severity", "message", "hint", "file", "line", "column"]
    assert (found["code"], found["file"], found["line"]) == ("OM301", "maps/trial/m.yaml", 6)


def test_sarif_is_valid_and_shows_the_place(project: Path) -> None:
    change(project / "maps" / "trial" / "m.yaml", "s: w.S", "s: {value: w.S, otherwise: x}")
    change(project / "data" / "v.csv", "ID,N", "ID,N,AGE")
    result = omopify("check", "--format", "sarif")
    log = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [error.message for error in Draft4Validator(SCHEMA).iter_errors(log)] == []
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["OM930", "OM931"]
    word = next(found for found in run["results"] if found["ruleId"] == "OM931")
    assert rules[word["ruleIndex"]] == "OM931"
    assert word["level"] == "warning"
    place = word["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "maps/trial/m.yaml", "uriBaseId": "%SRCROOT%"}
    # "set: {id: ID, s: {value: w.S, otherwise: x}, ..." is line 6; 'otherwise' is the 31st letter
    assert place["region"] == {"startLine": 6, "startColumn": 31}


def test_sarif_of_odd_places() -> None:
    problems = [
        Problem("OM110", "there is no project here"),
        Problem("OM301", "unknown", Location("maps/a b/å%.yaml", 3, 4), "did you mean 'x'?"),
        Problem("OM301", "unknown", Location(str(Path("/elsewhere/m.yaml")), 1, 1), severity="warning"),
    ]
    log = sarif(problems, "omopify.yaml")
    assert [error.message for error in Draft4Validator(SCHEMA).iter_errors(log)] == []
    places = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in log["runs"][0]["results"]]
    assert places == ["omopify.yaml", "maps/a%20b/%C3%A5%25.yaml", "file:///elsewhere/m.yaml"]
    assert [error.message for error in Draft4Validator(SCHEMA).iter_errors(sarif([], "omopify.yaml"))] == []


def test_who_opens_the_wrong_file_is_not_flooded(project: Path) -> None:
    words = "".join(f"k{number}: v\n" for number in range(102))
    (project / "maps" / "trial" / "m.yaml").write_text(f"map: m\nto: dsp.t\nfrom: v\n{words}", encoding="utf-8")
    lines = [line for line in omopify("check").stderr.splitlines() if line.startswith("maps/trial/m.yaml")]
    assert len(lines) == 101
    assert "maps/trial/m.yaml: there are 2 mistakes more in this file; is it the right file? [OM207]" in lines


def test_a_broken_scan_stops_nothing(project: Path) -> None:
    (project / "scan").mkdir()
    (project / "scan" / "scan.json").write_text("{", encoding="utf-8")
    result = omopify("check")
    assert result.exit_code == 0
    assert "scan.json" in result.stderr


def test_only_files_that_have_changed_are_read_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checker = Checker(project)
    assert checker.check().warnings == ()
    read: list[str] = []
    original = Path.read_text

    def noting(path: Path, *args: object, **more: object) -> str:
        read.append(path.name)
        return original(path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", noting)
    change(project / "maps" / "trial" / "p.yaml", "person_source_value: s", "person_source_value: ss")
    read.clear()
    checked = checker.check()
    assert [problem.code for problem in checked.errors] == ["OM301"]
    assert [name for name in read if name.endswith(".yaml")] == ["p.yaml"]


def test_a_change_is_seen_when_it_is_over(project: Path) -> None:
    folders = Checker(project).watched()
    before = watching.snapshot(*folders)
    steps = iter(["", "half", "whole", "", ""])

    def sleep(_seconds: float) -> None:
        text = next(steps)
        if text:
            (project / "omopify.yaml").write_text(text, encoding="utf-8")

    seen: list[int] = []

    def look() -> watching.Snapshot:
        seen.append(1)
        return watching.snapshot(*folders)

    watching.wait_for_change(look, before, sleep)
    assert (project / "omopify.yaml").read_text(encoding="utf-8") == "whole"
    assert len(seen) == 4  # nothing, half, whole, and nothing more


def test_what_is_watched(project: Path) -> None:
    checker = Checker(project)
    checker.check()
    (project / "out").mkdir()
    (project / "out" / "omop.duckdb").write_bytes(b"")
    (project / ".git").mkdir()
    (project / ".git" / "x.yaml").write_bytes(b"")
    names = {Path(path).name for path in watching.snapshot(*checker.watched())}
    assert names == {"omopify.yaml", "trial.yaml", "model.yaml", "t.yaml", "m.yaml", "p.yaml", "v.csv", "w.csv"}


@pytest.mark.skipif(os.name == "nt", reason="a signal to oneself")
def test_watching_goes_on_until_it_is_stopped(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.05)
    path = project / "maps" / "trial" / "m.yaml"

    def edit() -> None:
        time.sleep(1.0)
        change(path, "n: N", "n: NN")
        time.sleep(1.5)
        os.kill(os.getpid(), 2)

    editor = threading.Thread(target=edit)
    editor.start()
    result = omopify("check", "--watch")
    editor.join()
    assert result.exit_code == 0
    first, second = result.stdout.count("no problems"), result.stderr.count("unknown column 'NN'")
    assert (first, second) == (1, 1)
    assert result.stdout.count("watching; Ctrl-C ends it") == 2
    assert "Traceback" not in result.output


def test_watching_is_for_people(project: Path) -> None:
    assert omopify("check", "--watch", "--format", "json").exit_code == 2
