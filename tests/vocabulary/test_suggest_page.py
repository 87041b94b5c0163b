"""The page on suggestions shows what really happens.

``pytest tests/vocabulary/test_suggest_page.py --update-golden`` brings its outputs up to date.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.page import commands, follow, matches

PAGE = Path(__file__).parents[2] / "docs" / "howto-suggest.md"


def test_the_page_shows_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("OMOPIFY_CACHE", str(tmp_path / "cache"))
    page = PAGE.read_text(encoding="utf-8")
    done = list(follow(page, tmp_path))
    assert len(done) == 4
    if request.config.getoption("--update-golden"):
        outputs = iter([c.shown if c.shown and matches(c.shown, c.given) else c.given for c in done])

        def block(found: re.Match[str]) -> str:
            lines = [line for typed, _ in commands(found[1]) for line in (f"$ {typed}", *next(outputs))]
            return "```console\n" + "".join(f"{line}\n" for line in lines) + "```"

        PAGE.write_text(re.sub(r"^```console\n(.*?)^```$", block, page, flags=re.M | re.S), encoding="utf-8")
        return
    for command in done:
        said = "\n".join(command.given)
        assert command.status == command.expected_status, f"$ {command.typed}\n{said}"
        assert "Traceback" not in said
        assert matches(command.shown, command.given), f"$ {command.typed}\n{said}"
