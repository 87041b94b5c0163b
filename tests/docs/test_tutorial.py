"""The pages show what really happens; ``pytest tests/docs --update-golden`` brings their outputs up to date."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import pytest

from tests.docs.page import Command, follow, matches, refreshed, walk

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
README = ROOT / "README.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a newcomer has: the examples as they are downloaded, without results."""
    left_out = shutil.ignore_patterns("out", "register")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=left_out)
    return tmp_path


def test_the_tutorial_and_the_readme_show_what_happens(folder: Path, request: pytest.FixtureRequest) -> None:
    update = request.config.getoption("--update-golden")
    done = [step for step in walk(TUTORIAL, folder, update) if isinstance(step, Command)]
    assert len(done) >= 15

    readme = README.read_text(encoding="utf-8")
    shown = re.search(r"^```\n(Where the rows went\n.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert shown, "README.md shows the output of the main job"
    given = done[0].given[done[0].given.index("Where the rows went") :]
    lines = [line.rstrip() for line in shown[1].splitlines()]
    if update:
        new = "".join(line + "\n" for line in refreshed(lines, given))
        README.write_text(readme.replace(shown[1], new), encoding="utf-8")
    else:
        assert matches(lines, given), "README.md is out of date: pytest tests/docs --update-golden"


def test_three_dots_stand_for_anything() -> None:
    given = ["one", "two", "", "three 3"]
    assert matches(["one", "...", "three 3"], given)
    assert matches(["one", "two", "", "three..."], given)
    assert not matches(["one", "...", "three 4"], given)
    assert not matches(["one"], given)
    assert refreshed(["one", "...", "three 4"], given) == ["one", "...", "three 3"]


def test_the_page_is_followed_to_the_letter(tmp_path: Path) -> None:
    page = textwrap.dedent("""\
        File `a.txt`:

        ```text
        one
          - two
        ```

        In `a.txt` write `1` instead of `one`, and in
        `a.txt`, above the line `- two`, put the line `- between`.

        ```bat
        not run
        ```

        ```console
        $ python -c "import pathlib; print(pathlib.Path('a.txt').read_text())"
        1
          - between
          - two
        ```
        """)
    (command,) = follow(page, tmp_path)
    assert command.given == command.shown
