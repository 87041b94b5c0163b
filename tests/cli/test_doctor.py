"""``omopify doctor``: what it says of a project in order, and of each thing that is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from omopify.cli.doctor import machine
from omopify.cli.main import main
from tests.cli.test_commands import FILES_OF_A_PROJECT, FILES_OF_AN_EXPORT, write

GIT = shutil.which("git")


def doctor(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["doctor", *(str(argument) for argument in arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told(*arguments: str | Path) -> dict[str, tuple[str, str]]:
    """Return status and words of each check by its name."""
    return {
        one["name"]: (one["status"], one["said"]) for one in json.loads(doctor(*arguments, "--json").stdout)["checks"]
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "my project ø", {**FILES_OF_A_PROJECT, **FILES_OF_AN_EXPORT})


def git(folder: Path, *words: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run([str(GIT), "-C", str(folder), *words], check=True, capture_output=True, env=environment)


def test_a_computer_without_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctor()
    assert result.exit_code == 0
    assert "This computer\n  ok    omopify" in result.stdout
    assert "There is no project in this folder; 'omopify init' begins one." in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_project_in_order(project: Path) -> None:
    result = doctor(project)
    assert result.exit_code == 0
    assert "3 maps of 'maps'" in result.stdout
    assert not [line for line in result.stdout.splitlines() if line.endswith(" ")]
    found = told(project)
    assert found["export"][0] == "ok"
    assert found["export"][1].startswith("2 of 2 forms found")
    assert found["vocabulary"] == ("ok", "starter, demo_restricted, release omopify starter v1")
    assert found["tests"] == ("warn", "0 tests; 3 of 3 maps without any")
    assert found["reviews"][0] == "warn"
    assert found["result"] == ("ok", "none yet; 'omopify run' makes it")
    assert not (project / "out").exists()


def test_no_project_where_one_is_named(tmp_path: Path) -> None:
    result = doctor(tmp_path)
    assert result.exit_code == 1
    assert "there is no project here" in " ".join(result.stdout.split())
    assert "1 thing to mend" in result.stdout


def test_what_is_not_in_order_is_named(project: Path) -> None:
    text = (project / "maps" / "event.yaml").read_text()
    (project / "maps" / "event.yaml").write_text(text.replace("to: dsp.event", "to: dsp.evnt"))
    (project / "omopify.yaml").write_text("mappings: maps\ndata: nowhere\nvocabulary: [none.duckdb]\nregister: keys\n")
    (project / "keys").mkdir(mode=0o755)
    (project / "keys" / "keys.duckdb").write_bytes(b"no database")
    found = told(project)
    assert found["maps"][0] == "fail"
    assert "evnt" in found["maps"][1]
    assert found["export"] == ("warn", f"there is no folder '{project / 'nowhere'}'")
    assert found["vocabulary"][0] == "fail"
    assert found["register"][0] == "fail"
    assert doctor(project).exit_code == 1


def test_a_vocabulary_that_maps_look_in_and_is_not_there(project: Path) -> None:
    (project / "shared" / "event.yaml").write_text(
        "map: event\nto: condition_occurrence\nfrom: dsp.event\nkey: [trial, subject_id, term]\n"
        "person: [trial, subject_id]\n"
        "concept: {value: term, vocabulary: MedDRA, by: name}\ndate: start_date\ntype: 32809 Case Report Form\n"
    )
    found = told(project)
    assert found["maps"][0] == "ok", found["maps"]
    assert found["vocabulary"][0] == "warn"
    assert "maps also look in MedDRA" in found["vocabulary"][1]


@pytest.mark.skipif(not GIT, reason="there is no git")
def test_git_must_leave_data_alone(project: Path) -> None:
    assert "git" not in told(project)
    git(project, "init")
    status, said = told(project)["git"]
    assert (status, said.count(",")) == ("fail", 2)
    assert "write 'data/' and 'out/' and 'register/' into .gitignore" in " ".join(doctor(project).stdout.split())
    (project / ".gitignore").write_text("data/*.csv\nout/\nregister/\n")
    assert told(project)["git"][0] == "ok"
    git(project, "add", "--force", "data/dm.csv")
    status, said = told(project)["git"]
    assert status == "fail"
    assert said.startswith("git already holds files of")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such rights")
def test_a_register_that_others_may_look_into(project: Path) -> None:
    import duckdb

    (project / "register").mkdir(mode=0o700)
    duckdb.connect(str(project / "register" / "keys.duckdb")).close()
    assert told(project)["key register"][0] == "ok"
    (project / "register").chmod(0o750)
    assert told(project)["key register"][0] == "warn"


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        ("click>=8.1", ""),
        ("click>=8.1,<99; python_version > '3'", ""),
        ("click<8", "click is {click}, and omopify takes <8"),
        ("click>=99.1", "click is {click}, and omopify takes >=99.1"),
        ("no-such-library-here>=1", "no-such-library-here is not installed"),
    ],
)
def test_libraries(requirement: str, said: str) -> None:
    from importlib.metadata import version

    assert machine._lacks(requirement.partition(";")[0]) == said.format(click=version("click"))


@pytest.mark.parametrize(("have", "sign", "limit", "holds"), [
    ("1.10", ">=", "1.9", True), ("1.9.3", ">=", "1.10", False), ("3.0rc1", "<", "3", False), ("2", "==", "2.0", True),
])  # fmt: skip
def test_versions_are_compared_as_numbers(have: str, sign: str, limit: str, holds: bool) -> None:
    assert machine._holds(machine._numbers(have), sign, machine._numbers(limit)) is holds
