"""What leads through a new trial is followed word by word; docs/recording.md holds all that the tutorial shows."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.docs.page import Command, Edit, walk

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RECORDING = DOCS / "recording.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a newcomer has of HERON: its export."""
    shutil.copytree(ROOT / "examples" / "heron", tmp_path / "examples" / "heron")
    return tmp_path


def test_a_newcomer_gets_to_a_signed_report(folder: Path, request: pytest.FixtureRequest) -> None:
    """All in one walk, as each step stands on the one before; about a minute of one processor core."""
    page = DOCS / "tutorial-new-trial.md"
    update = request.config.getoption("--update-golden")
    done = walk(page, folder, update)
    signed = json.loads((folder / "heron" / "out" / "quality" / "sign-off.json").read_text(encoding="utf-8"))
    assert (signed["verdict"], signed.get("draft", False), signed["by"]) == ("ready", False, "M. Dahl")
    shown = re.search(r"^```\n(HERON_.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    assert shown is not None, "README.md shows what a trace looks like"
    assert any(isinstance(step, Command) and shown[1].splitlines() == step.given[:5] for step in done)
    made = recording(page.read_text(encoding="utf-8"), done)
    if update:
        RECORDING.write_text(made, encoding="utf-8")
    assert RECORDING.read_text(encoding="utf-8") == made, "run: pytest tests/docs --update-golden"


@pytest.mark.parametrize("page", ["howto-new-form-version.md", "howto-test-a-map.md"])
def test_a_howto_shows_what_happens(page: str, folder: Path, request: pytest.FixtureRequest) -> None:
    assert len(walk(DOCS / page, folder, request.config.getoption("--update-golden"))) > 5


def recording(page: str, done: list[Command | Edit]) -> str:
    """Return all that stood on the screen, below the page's own headings."""
    headings = [(found.start(), found[0]) for found in re.finditer(r"^## .+$", page, re.MULTILINE)]
    text, last = INTRODUCTION, ""
    for step in done:
        heading = next(words for at, words in reversed(headings) if at < step.at)
        if heading != last:
            text, last = f"{text}\n{heading}\n", heading
        if isinstance(step, Edit):
            text += f"\n*(By hand: `{step.path}`)*\n"
        else:
            of_the_computer = step.typed == "omopify doctor"
            screen = "\n".join([f"$ {step.typed}", *(step.shown if of_the_computer else step.given)])
            text += f"\n```text\n{_the_same_everywhere(screen)}\n```\n"
    return text


def _the_same_everywhere(screen: str) -> str:
    """Leave out what differs from computer to computer and from day to day."""
    screen = screen.replace(f"{ROOT.as_posix()}/", "")
    for day in (date.today(), date.today() - timedelta(days=1)):
        screen = screen.replace(day.isoformat(), "2026-11-30")
    screen = re.sub(r"; version [0-9a-f]{12}$", "; version ...", screen, flags=re.MULTILINE)
    return re.sub(r"\(\d+\.\d s\)$", "(... s)", screen, flags=re.MULTILINE)


INTRODUCTION = """\
# What the whole path looks like

All that stands on the screen while one follows [the tutorial](tutorial-new-trial.md) from an unknown export to a
signed report: the commands, and what they said, with nothing left out. The test that follows the tutorial writes
this page. What differs from computer to computer stands as `...`, and the day is 30 November 2026.
"""
