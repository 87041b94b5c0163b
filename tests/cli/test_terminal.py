"""What is shown anywhere: in a pipe, in a code page, without colours, while it lasts, and when it is stopped."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from omopify.cli import show, terminal
from omopify.cli.main import main
from omopify.errors import Location, Problem

SIGNS = "a → b · c… \u2013 ≥ 5 \u00d7 ┌─┐│ √ Å ø 中"


def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, env={**kept, **environment}, check=False)


SHOW = f"""
import click
from omopify.cli.terminal import make_streams_safe
from omopify.cli.show import emit_json, emit_text, table
make_streams_safe()
click.echo({SIGNS!r})
click.echo({SIGNS!r}, err=True)
table("Title →", ("näme", "n"), [({SIGNS!r}, 12345)])
"""


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", SIGNS),
        ("cp1252", "a -> b · c… \u2013 >= 5 \u00d7 +-+| ? Å ø ?"),
        ("cp850", "a -> b · c... - >= 5 \u00d7 ┌─┐│ ? Å ø ?"),
        ("cp437", "a -> b · c... - ≥ 5 x ┌─┐│ √ Å ? ?"),
    ],
)
def test_signs_that_a_code_page_lacks_are_spelt(encoding: str, shown: str) -> None:
    done = run(SHOW, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode(encoding).splitlines()
    assert lines[0] == done.stderr.decode(encoding).strip() == shown
    rule = "─" if encoding == "utf-8" else "-"
    assert lines[3] == rule * len(lines[3])
    assert lines[4].split("  ")[-1].strip() == "12 345"


def test_programs_read_every_sign_whatever_the_code_page() -> None:
    program = f"""
from omopify.cli.show import emit_json, emit_text
import sys
emit_json({{"name": {SIGNS!r}}})
emit_text({SIGNS!r})
"""
    for encoding in ("cp1252", "utf-8"):
        written = run(program, PYTHONIOENCODING=encoding).stdout.replace(b"\r\n", b"\n")
        text, _, rest = written.partition(b"\n}\n")
        assert json.loads(text + b"}") == {"name": SIGNS}
        assert rest.decode("utf-8") == SIGNS


def test_ascii_never_fails() -> None:
    assert run(SHOW, PYTHONIOENCODING="ascii").returncode == 0


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, None),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, None),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, None),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_are_the_users_wish(
    variables: dict[str, str], wanted: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert terminal.colours() is wanted


@pytest.mark.parametrize(("name", "escapes"), [("NO_COLOR", False), ("FORCE_COLOR", True)])
def test_colours_of_a_command(name: str, escapes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    result = CliRunner().invoke(main, ["sql", str(tmp_path)])
    assert result.exit_code == 1
    assert ("\x1b[" in result.stderr) is escapes


class Screen(io.StringIO):
    """A terminal of 80 columns."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_table_breaks_names_where_they_have_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    show.table("", ("map", "rows read"), [("impress_quality_of_life_c30_items_of_all", 38940), ("person", 5)])
    lines = [line.rstrip() for line in screen.getvalue().splitlines()]
    assert lines[2:5] == [
        "impress_quality_of_life_     38 940",
        "c30_items_of_all",
        "person                            5",
    ]


def test_a_long_name_among_words_is_broken_where_it_has_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    show.table("", ("form", "key"), [("conmeds", "record_id + redcap_repeat_instance (not quite)")])
    assert screen.getvalue().splitlines()[2:5] == [
        "conmeds  record_id +",
        "         redcap_repeat_",
        "         instance (not quite)",
    ]


def test_many_warnings_of_a_code_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    def warnings(number: int, severity: str = "warning") -> list[Problem]:
        return [Problem("OM611", f"thing {n}", severity=severity) for n in range(number)]

    show.show_problems([*warnings(20), *warnings(2, "error")], everything=False)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:4] == [*(f"warning: thing {n} [OM611]" for n in range(3)), "  and 17 more of OM611: --all shows them"]
    assert lines[4:] == ["thing 0 [OM611]", "thing 1 [OM611]", "2 problems"]
    show.show_problems(warnings(4), everything=False)
    assert len(capsys.readouterr().err.splitlines()) == 4
    show.show_problems(warnings(20))
    assert len(capsys.readouterr().err.splitlines()) == 20


def test_a_long_line_is_cut_around_its_mark(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    path = tmp_path / "a.sql"
    path.write_text("\ufeffone\n" + "x" * 300 + "\tHERE " + "y" * 300 + "\n", encoding="utf-8")
    show.show_problems([Problem("OM1", "m", Location(str(path), 2, 302))])
    line, mark = capsys.readouterr().err.splitlines()[1:3]
    assert len(line) <= 60
    assert line[:9] == "     2 | "
    assert (line[9], line[-1]) == ("…", "…")
    assert line[mark.index("^") : mark.rindex("^") + 1] == "HERE"


@pytest.mark.parametrize("name", ["ae.csv", "ae.tsv", "ae.txt"])
def test_a_line_of_a_table_is_never_shown(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("SUBJ,TERM\nS1,MARKER\n", encoding="utf-8")
    show.show_problems([Problem("OM1", "m", Location(name, 2, 1))])
    assert capsys.readouterr().err == f"{name}:2:1: m [OM1]\n1 problem\n"


def test_progress_is_silent_in_a_pipe_and_in_quick_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TERM", raising=False)
    with show.progress() as say:
        say("something", 1, 2)
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with show.progress() as say:
        say("something", 1, 2)
    assert "something" not in screen.getvalue()


def test_progress_comes_after_a_while_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "_QUIET_SECONDS", 0.01)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with show.progress() as say:
        for _ in range(20):
            say("reading lab.csv with a name that has no room here; 12 rows so far", 1, 4)
            __import__("time").sleep(0.02)
    shown = screen.getvalue()
    assert "reading lab" in shown
    assert "12 rows" not in shown
    assert shown.rstrip("\n").endswith("\x1b[2K"), "the line is taken away in the end"


def test_progress_for_a_log(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OMOPIFY_PROGRESS", "plain")
    now = [100.0]
    monkeypatch.setattr(show.time, "monotonic", lambda: now[0])
    with show.progress() as say:
        for second in range(11):
            now[0] = 100.0 + second
            say(f"map {second}", second, 20)
    assert capsys.readouterr().err.splitlines() == ["    0:02  map 2 (10 %)", "    0:07  map 7 (35 %)"]


@pytest.mark.parametrize(
    ("done", "to_do", "seconds", "said"),
    [(0, 10, 60, ""), (1, 3, 0.5, ""), (1, 3, 20, "1:00 left"), (10, 5, 10, "0:05 left"), (1, 719, 10, "1:59:50 left")],
)
def test_time_left(done: float, to_do: float, seconds: float, said: str) -> None:
    assert show.time_left(done, to_do, seconds) == said


STOPPED = """
import os, signal, sys, time
from omopify.cli.group import Program
import click
from omopify.cli.show import progress
@click.command(cls=Program, sections={"A": {"run": "x"}}, package="none")
def main(): pass
def invoke(*a):
    with progress("the last result is as it was") as say:
        say("working")
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        except KeyboardInterrupt as error:
            if sys.argv[1:] == ["while loading"]:
                raise ImportError("a library was stopped") from error
            raise
@click.command()
def work(): invoke()
Program.get_command = lambda self, ctx, name: work
main(["run"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT of oneself ends the process there")
@pytest.mark.parametrize(("moment", "kept"), [("", "; the last result is as it was"), ("while loading", "")])
def test_ctrl_c_says_what_is_as_it_was(moment: str, kept: str) -> None:
    done = run(STOPPED, moment)
    assert done.returncode == 130
    assert done.stderr.decode() == f"stopped{kept}\n"


def test_the_style_of_words_is_gone_in_a_pipe() -> None:
    @click.command()
    def command() -> None:
        click.echo(click.style("ready", fg="green"))

    assert CliRunner().invoke(command).output == "ready\n"


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_full_disk_and_a_closed_output_give_a_line_and_no_traceback(tmp_path: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m omopify doctor"
    closed = subprocess.run(f"{command} >&-", shell=True, capture_output=True, text=True, cwd=tmp_path)
    assert (closed.stdout, closed.stderr) == ("", "")
    if Path("/dev/full").exists():
        full = subprocess.run(f"{command} > /dev/full", shell=True, capture_output=True, text=True, cwd=tmp_path)
        assert full.returncode == 1
        assert full.stderr == "no space left on device [OM597]\n"
