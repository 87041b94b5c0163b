"""The pages on checking mappings and on new releases show what really happens.

``pytest tests/vocabulary/test_check_pages.py --update-golden`` brings their outputs up to date.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.docs.page import commands, follow, matches

ROOT = Path(__file__).parents[2]
PAGES = {"howto-check-mappings.md": 5, "howto-new-release.md": 5}
"""Each page, and how many commands it has."""


@pytest.mark.parametrize("name", PAGES)
def test_the_page_shows_what_happens(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("OMOPIFY_CACHE", str(tmp_path / "cache"))
    shutil.copytree(
        ROOT / "examples",
        tmp_path / "examples",
        ignore=shutil.ignore_patterns("out", "register", "concepts"),
    )
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    done = list(follow(page, tmp_path))
    assert len(done) == PAGES[name]
    if request.config.getoption("--update-golden"):
        outputs = iter([c.shown if c.shown and matches(c.shown, c.given) else c.given for c in done])

        def block(found: re.Match[str]) -> str:
            lines = [line for typed, _ in commands(found[1]) for line in (f"$ {typed}", *next(outputs))]
            return "```console\n" + "".join(f"{line}\n" for line in lines) + "```"

        new = re.sub(r"^```console\n(.*?)^```$", block, page, flags=re.MULTILINE | re.DOTALL)
        (ROOT / "docs" / name).write_text(new, encoding="utf-8")
        return
    for file in tmp_path.glob("examples/impress/concepts/**/*.csv"):
        (row,) = re.findall(r"^mCRPC,.*omopify vocab check.*$", page, re.MULTILINE)
        assert _undated(row) in [_undated(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for command in done:
        said = "\n".join(command.given)
        assert command.status == command.expected_status, f"$ {command.typed}\n{said}"
        assert "Traceback" not in said
        assert matches(command.shown, command.given), f"$ {command.typed}\n{said}"


def _undated(row: str) -> str:
    """A row of a concept file without the moment of its repair."""
    return re.sub(r"\d{13}|\d{4}-\d\d-\d\d", "", row)
