"""What was there before a result is kept for comparison, and no moment of a replacement leaves less than one result."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from omopify.conversion.replacement import finish_replacement, replace_result
from omopify.errors import OmopifyError

NAMES = ("omop.duckdb", "manifest.json", "definitions.json")


class Place:
    """An output folder into which results are put that are only told apart by a word."""

    def __init__(self, folder: Path):
        self.out, self.register = folder / "out", folder / "register"
        self.out.mkdir()

    def build(self, word: str, made_of: str) -> Path:
        build = self.out / ".building-1"
        build.mkdir()
        for name in (*NAMES, "keys.duckdb"):
            (build / name).write_text(word, encoding="utf-8")
        (build / "manifest.json").write_text(json.dumps({"word": word, "made_of": made_of}), encoding="utf-8")
        return build

    def put(self, word: str, made_of: str | None = None) -> None:
        replace_result(self.build(word, made_of or word), self.out, self.register)

    def sign(self, *, draft: bool = False, of: str | None = None) -> None:
        data = hashlib.sha256((of or self.word()).encode()).hexdigest()
        (self.out / "quality").mkdir(exist_ok=True)
        record = {"at": "2026-11-01", "data_sha256": data} | ({"draft": True} if draft else {})
        (self.out / "quality" / "sign-off.json").write_text(json.dumps(record), encoding="utf-8")

    def word(self, folder: str = ".") -> str:
        """Which result is in a folder: all its files must agree."""
        texts = [(self.out / folder / name).read_text(encoding="utf-8") for name in ("omop.duckdb", "definitions.json")]
        texts.append(json.loads((self.out / folder / "manifest.json").read_bytes())["word"])
        assert len(set(texts)) == 1, texts
        return texts[0]

    def kept(self) -> dict[str, str]:
        return {path.name: self.word(f"earlier/{path.name}") for path in sorted((self.out / "earlier").glob("*"))}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_last_different_result_is_kept(place: Place) -> None:
    place.put("a")
    assert place.kept() == {}
    place.put("b")
    assert (place.word(), place.kept()) == ("b", {"last": "a"})
    place.put("b again", made_of="b")
    assert (place.word(), place.kept()) == ("b again", {"last": "a"})
    place.put("c")
    assert (place.word(), place.kept()) == ("c", {"last": "b again"})


def test_the_last_signed_result_is_kept_until_another_is_signed(place: Place) -> None:
    place.put("a")
    place.sign()
    place.put("b")
    place.put("c")
    assert place.kept() == {"last": "b", "signed": "a"}
    assert (place.out / "earlier" / "signed" / "sign-off.json").is_file()
    place.sign()
    place.put("c again", made_of="c")
    assert place.kept() == {"last": "b", "signed": "c"}
    place.put("d")
    place.put("e")
    place.sign(of="something else")
    place.put("f")
    assert place.kept() == {"last": "e", "signed": "c"}


def test_a_signed_draft_does_not_displace_a_delivery(place: Place) -> None:
    place.put("a")
    place.sign(draft=True)
    place.put("b")
    assert place.kept()["signed"] == "a"
    place.sign()
    place.put("c")
    assert place.kept()["signed"] == "b"
    place.sign(draft=True)
    place.put("d")
    assert place.kept()["signed"] == "b"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_what_is_kept_is_for_the_owner_alone_and_no_copy(place: Place) -> None:
    place.put("a")
    first = (place.out / "omop.duckdb").stat().st_ino
    place.put("b")
    assert (place.out / "earlier" / "last" / "omop.duckdb").stat().st_ino == first
    assert stat.S_IMODE((place.out / "earlier").stat().st_mode) == 0o700


def test_without_links_it_is_a_copy(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_paths: Path) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", none)
    place.put("a")
    place.put("b")
    assert (place.word(), place.kept()) == ("b", {"last": "a"})


class Killed(BaseException):
    """What no code of ours catches: the process ends here."""


def stop_at(moment: int, patched: pytest.MonkeyPatch) -> None:
    """Let a number of changes of the file system happen, and no more."""
    left = [moment]

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **words: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return real(*arguments, **words)

        return call

    for owner, name in ((os, "link"), (Path, "mkdir"), (Path, "replace"), (shutil, "rmtree"), (shutil, "copyfile")):
        patched.setattr(owner, name, counted(getattr(owner, name)))


def test_a_replacement_that_is_killed_anywhere_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop at the first, the second, ... change of the file system; each time the next run completes it."""
    stopped = 0
    for moment in range(40):
        folder = tmp_path / str(moment)
        folder.mkdir()
        place = Place(folder)
        place.put("a")
        place.sign()
        place.put("b")
        place.sign()
        build = place.build("c", "c")
        with monkeypatch.context() as patched:
            stop_at(moment, patched)
            try:
                replace_result(build, place.out, place.register)
            except Killed:
                stopped += 1
        assert (place.out / "omop.duckdb").read_text(encoding="utf-8") in ("b", "c")
        was_ready = (place.out / ".ready").is_dir()
        finish_replacement(place.out)
        if was_ready or place.word() == "c":
            assert (place.word(), place.kept()) == ("c", {"last": "b", "signed": "b"}), moment
        else:
            assert (place.word(), place.kept()) == ("b", {"last": "a", "signed": "a"}), moment
    assert 15 <= stopped < 40


def test_a_place_that_is_held_is_said_and_nothing_is_lost(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.put("a")
    place.put("b")
    real = Path.replace

    def held(path: Path, target: Path) -> Path:
        if path.name == "last":
            raise PermissionError("open in another program")
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", held)
        with pytest.raises(OmopifyError, match=r"waits in .*OM596"):
            place.put("c")
    assert (place.word(), place.kept()["last"]) == ("b", "a")
    finish_replacement(place.out)
    assert (place.word(), place.kept()) == ("c", {"last": "b"})
