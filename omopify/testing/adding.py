"""Put a test into a map's file; everything else in the file stays as it is, to the byte.

Problems:

* OM949  a test cannot be put into this file
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from omopify.errors import Location, OmopifyError, Problem, Problems
from omopify.specs.maps import MapFile
from omopify.specs.model import build
from omopify.specs.project import Project, shown
from omopify.specs.yamlfile import parse_yaml
from omopify.testing.freezing import Frozen

_TESTS = re.compile(r"^tests:[ \t]*(\[\])?[ \t]*(#.*)?$")
_TOP = re.compile(r"^[^\s#-]")
_BEHIND = ("review:", "note:", "accept:")
"""Words that stand behind the tests of a map, as a rule."""


def add_test(project: Project, made: Frozen) -> Location:
    """Add a frozen test behind the other tests of its map, and return its place.

    Raises:
        OmopifyError: OM949 the file belongs to a shipped pack, or is written in a way that leaves no place for it.
    """
    spec = next(loaded.spec for loaded in project.pack.maps if loaded.spec.map == made.map)
    path = Path(spec.at().path)
    own = (project.folder.resolve(), Path.cwd().resolve())
    if not any(path.resolve().is_relative_to(folder) for folder in own):
        raise _no_place(path, "it belongs to a pack that was shipped with omopify", "copy the pack into your project")
    before = path.read_bytes()
    text = before.decode("utf-8")
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(newline)
    line = _insert(lines, made, path)
    after = newline.join(lines).encode("utf-8")
    _verify(after.decode("utf-8-sig"), spec, path)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(after)
        new.replace(path)
    except OSError as error:
        why = (error.strerror or "it cannot be written").lower()
        raise _no_place(path, why, "look at the rights of the file, or leave '--write' out") from None
    finally:
        new.unlink(missing_ok=True)
    return Location(shown(path), line, 1)


def _insert(lines: list[str], made: Frozen, path: Path) -> int:
    """Insert the test into the lines of a file and return the line where it begins."""
    start = next((n for n, line in enumerate(lines) if line.startswith("tests:")), None)
    if start is None:
        end = next((n for n, line in enumerate(lines) if line.startswith(_BEHIND)), _end(lines, len(lines)))
        lines[end:end] = ["tests:", *made.lines("  ")]
        return end + 2
    found = _TESTS.match(lines[start])
    if not found:
        hint = "write each test on lines of its own, '  - name: ...', or take the text without '--write'"
        raise _no_place(path, "its 'tests:' are written in one line", hint, start + 1)
    lines[start] = lines[start].replace(found[1], "").rstrip() if found[1] else lines[start]
    top = next((n for n in range(start + 1, len(lines)) if _TOP.match(lines[n])), len(lines))
    items = [line for line in lines[start + 1 : top] if line.lstrip().startswith("- ")]
    indent = items[0][: len(items[0]) - len(items[0].lstrip())] if items else "  "
    end = _end(lines, top)
    lines[end:end] = made.lines(indent)
    return end + 1


def _end(lines: list[str], end: int) -> int:
    """Return where the text before a line ends: comments and empty lines belong to what follows them."""
    while end and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return end


def _verify(text: str, spec: MapFile, path: Path) -> None:
    """Make sure that the file says what it said before, and one test more."""
    read = None
    with suppress(OmopifyError):
        read = build(MapFile, parse_yaml(text, shown(path)), Problems())
    same = read and read.model_dump(exclude={"tests"}) == spec.model_dump(exclude={"tests"})
    if not read or not same or read.tests[:-1] != spec.tests:
        raise _no_place(path, "the test would not be read back as it was written", "take the text without '--write'")


def _no_place(path: Path, why: str, hint: str, line: int = 0) -> OmopifyError:
    at = Location(shown(path), line, 1 if line else 0)
    return OmopifyError(Problem("OM949", f"a test cannot be put into this file: {why}", at, hint))
