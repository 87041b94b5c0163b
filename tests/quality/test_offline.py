"""Nothing asks the network, and nothing is written beside the result and the register.

Everything runs in a process of its own that ends at the first attempt: whatever Python is asked to do with sockets or
other programs is refused, and where the kernel allows it there is no network device at all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_commands import omopify, write

PROGRAM = """\
import os, sys

REFUSED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg",
           "subprocess.Popen", "os.system", "os.posix_spawn", "webbrowser.open", "urllib.Request")

def refuse(event, arguments):
    if event in REFUSED:
        os.write(2, f"REFUSED {event} {arguments}".encode())
        os._exit(99)

sys.addaudithook(refuse)
from omopify.cli.main import main

project = sys.argv[1]
for arguments in (
    ["test", project, "death", "person"],
    ["run", "--untested", project],
    ["quality", "--rejudge", project],
    ["quality", "rows", "trial.rows_rejected", project],
    ["sign-off", "--by", "K. Berg", project],
):
    try:
        main(arguments)
    except SystemExit as end:
        print("ENDED", arguments[0], end.code, flush=True)
"""
OWN = """\
name: ours
meta: {table: cdm.person}
expectations:
  - {type: expect_column_values_to_not_be_null, kwargs: {column: person_id}}
  - type: expect_few_violations
    kwargs: {check: one, rows: "SELECT person_id AS row_id, FALSE AS violated FROM cdm.person"}
"""
ALONE = ["unshare", "--net"]


def alone() -> list[str]:
    """What runs a program without any network device, where that is allowed."""
    allowed = shutil.which("unshare") and subprocess.run([*ALONE, "true"], capture_output=True).returncode == 0
    return ALONE if allowed else []


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    omopify("synthetic", folder / "data", "--trial", "impress", "--patients", "6", "--seed", "2", "--messy")
    text = "mappings: impress\ndata: data\nvocabulary: [starter, demo_restricted]\nout: out\n"
    severity = 'changes:\n  - {check: "*", severity: info, reason: a test, author: me, date: 2026-01-01}\n'
    files = {"omopify.yaml": text, "quality/ours.yaml": OWN, "quality/changes.yaml": severity}
    return write(folder, files)


def test_everything_runs_without_a_network_and_writes_nowhere_else(project: Path, tmp_path: Path) -> None:
    # Given folders of its own for all that programs use to write to without being asked
    own = {name: tmp_path / name for name in ("home", "temporary", "here")}
    for folder in own.values():
        folder.mkdir()
    before = files(project)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(own["home"]),
        "TMPDIR": str(own["temporary"]),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    # When everything is run
    ran = subprocess.run(
        [*alone(), sys.executable, "-c", PROGRAM, str(project)],
        env=environment,
        cwd=own["here"],
        capture_output=True,
        text=True,
    )
    # Then all of it worked, nothing was asked, and nothing lies where it does not belong
    assert "REFUSED" not in ran.stderr
    assert ran.returncode == 0, ran.stderr
    ended = [line for line in ran.stdout.splitlines() if line.startswith("ENDED")]
    assert ended == [f"ENDED {word} 0" for word in ("test", "run", "quality", "quality", "sign-off")], ran.stderr
    new = files(project) - before
    assert {path.partition("/")[0] for path in new} == {"out", "register"}
    assert not [path for path in new if "gx" in path.split("/") or path.endswith((".tmp", ".new"))]
    assert {name: files(folder) for name, folder in own.items()} == {name: set() for name in own}
