"""Completion as the shells ask for it, in bash really, and in PowerShell by what its script sends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from omopify.cli.main import main

HEAVY = {"duckdb", "polars", "pydantic", "yaml", "rich", "sqlglot", "jinja2"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that is not whole: completion must not mind."""
    files = {
        "omopify.yaml": "mappings: 'maps'  # ours\ndata: data\n",
        "maps/trial.yaml": "trial: t\nmodel: shared\n",
        "maps/ae.yaml": "map: adverse_event\nto: [\n",
        "maps/person.yaml": "# the first\nmap: person\n",
        "shared/model.yaml": "model: shared\n",
        "shared/dsp/event.yaml": "table: event\n",
        "shared/extra/people.yaml": 'map: "people_of_the_model"\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(typed: list[str], word: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ask as PowerShell does and return what it is offered."""
    monkeypatch.setenv("_OMOPIFY_COMPLETE", "powershell_complete")
    monkeypatch.setenv("_OMOPIFY_TYPED", "\n".join(["omopify", *typed]))
    monkeypatch.setenv("_OMOPIFY_WORD", word)
    result = CliRunner().invoke(main, [], prog_name="omopify")
    assert result.exit_code == 0, result.output
    return [line.split("\t")[0] for line in result.output.splitlines() if line]


@pytest.mark.parametrize(
    ("typed", "word", "offered"),
    [
        ([], "sy", ["synthetic"]),
        (["vocab"], "s", ["search", "show", "suggest"]),
        (["schema"], "tr", ["trial"]),
        (["synthetic", "x", "--trial"], "", ["impress", "drup"]),
        (["quality"], "--rej", ["--rejudge"]),
        (["quality"], "--js", ["--json"]),
        (["sql"], "pe", ["people_of_the_model", "person"]),
        (["sql", "."], "a", ["adverse_event"]),
        (["sql", "person"], "pe", ["people_of_the_model"]),
        (["vocab", "search", '"lung cancer"', "--in"], "SNO", ["SNOMED"]),
        (["vocab", "search", "x", "--domain"], "Dr", ["Drug"]),
    ],
)
def test_what_may_be_typed_next(
    typed: list[str], word: str, offered: list[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(typed, word, monkeypatch) == offered


def test_a_group_offers_each_command_with_its_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_OMOPIFY_COMPLETE", "powershell_complete")
    monkeypatch.setenv("_OMOPIFY_TYPED", "omopify")
    shown = CliRunner().invoke(main, [], prog_name="omopify").output
    assert "check\tCheck maps against the export, without reading a row of it.\n" in shown


def test_no_project_offers_no_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert asked(["sql"], "p", monkeypatch) == []


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_bash_completes(project: Path) -> None:
    script = CliRunner().invoke(main, ["completion", "bash"], prog_name="omopify").output
    begin = (
        f"omopify() {{ :; }}\nenv() {{ command env \"${{@:1:3}}\" '{sys.executable}' -X importtime -c "
        "\"import sys; sys.argv[0] = 'omopify'; from omopify.cli import main; main()\" 2>imports; }\n"
        'compopt() { echo compopt "$@"; }\n'
        'try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); '
        '_omopify_completion omopify; echo "${COMPREPLY[*]}"; }\n'
    )
    asking = "try omopify sql per\ntry omopify quality --str\ntry omopify quality ''\n"
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["bash", "--norc", "-c", script + begin + asking],
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert done.stdout.splitlines() == ["person", "--strict", "compopt -o dirnames", ""], done.stderr
    loaded = {line.rpartition("|")[2].strip() for line in (project / "imports").read_text().splitlines()}
    assert "click" in loaded
    assert not HEAVY & loaded, "the shell waits for the answer"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_the_script_says_how_to_keep_it(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert result.output.startswith(f"# Type this once to complete words in {shell}, and open a new window:\n#   ")
    assert "_OMOPIFY_COMPLETE" in result.output
    assert "main" not in result.output.replace("_domain", ""), "the name of the program is omopify"
