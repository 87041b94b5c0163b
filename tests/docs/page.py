"""Read a page as a reader would follow it: files to write, lines to change, commands to type and their output.

- "File `a/b.yaml`:" and a code block: write this file.
- "In `a/b.yaml` write `new` instead of `old`": change the line.
- "In `a/b.yaml`, above the line `old`, put the line `new`": add a line.
- "In `a/b.yaml` stands:" and a code block: the file has these lines (how sure a draft is may differ).
- "Copy the folder `a` to `b`": do so.
- "In row 7 of `a/b.csv`, set `column` to `value`, and `other` to `value`": change cells, as in a spreadsheet.
- a block marked ``console``: each line that begins with "$ " is typed, what follows it is the output. Three dots at
  the end of a line, or in a line of their own, stand for anything.
"""

from __future__ import annotations

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from click.testing import CliRunner

from omopify.cli.main import main

_TERMINAL = ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS")
_STEP = re.compile(
    r"^File `(?P<file>[^`]+)`:\n\n```\w+\n(?P<text>.*?)^```$"
    r"|^In `(?P<shown>[^`]+)` stands:\n\n```\w+\n(?P<lines>.*?)^```$"
    r"|^```console\n(?P<console>.*?)^```$"
    r"|^```.*?^```$"
    r"|\bcopy\s+the\s+folder\s+`(?P<folder>[^`]+)`\s+to\s+`(?P<copy>[^`]+)`"
    r"|\bin\s+row\s+(?P<row>\d+)\s+of\s+`(?P<sheet>[^`]+)`,?\s+set\s+(?P<cells>`[^`]+`\s+to\s+`[^`]+`"
    r"(?:,?\s+(?:and\s+)?`[^`]+`\s+to\s+`[^`]+`)*)"
    r"|\bin\s+`(?P<changed>[^`]+)`,?\s+write\s+`(?P<new>[^`]+)`\s+instead\s+of\s+`(?P<old>[^`]+)`"
    r"|\bin\s+`(?P<added>[^`]+)`,\s+above\s+the\s+line\s+`(?P<below>[^`]+)`,\s+put\s+the\s+line\s+`(?P<line>[^`]+)`",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_CELL = re.compile(r"`([^`]+)`\s+to\s+`([^`]+)`")
_SURE = re.compile(r" \(\d\.\d\d\)")
_PROBLEMS = re.compile(r"^\d+ problems?$", re.MULTILINE)
_HELD_UP = re.compile(
    # the draft: all that 'sign-off --check' says of it
    r"^Quality: NOT READY\b|\AVOID: |^\d+ tests?: .*\d+ failed|\Asigned off by .* as a DRAFT: it cannot be uploaded\Z",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Command:
    """A command of the page, the output shown for it, and the output it gave."""

    typed: str
    shown: list[str]
    given: list[str]
    status: int
    at: int = 0
    """Where its block stands in the page."""

    @property
    def expected_status(self) -> int:
        """A page that shows problems, or a result that is not ready, says how the command ends."""
        said = "\n".join(self.given)
        return 1 if _PROBLEMS.search(said) else 3 if _HELD_UP.search(said) else 0

    def refreshed(self) -> list[str]:
        """The output as the page should show it: as given, except for what the page leaves out."""
        return refreshed(self.shown, self.given)


@dataclass(frozen=True)
class Edit:
    """A file that the page has written or changed."""

    path: str
    at: int


def follow(page: str, folder: Path) -> Iterator[Command]:
    """Do what the page says, in this folder, step by step."""
    return (step for step in steps(page, folder) if isinstance(step, Command))


def steps(page: str, folder: Path) -> Iterator[Command | Edit]:
    """Do what the page says, and tell of files that were changed, too."""
    for step in _STEP.finditer(page):
        if path := step["file"] or step["changed"] or step["added"] or step["sheet"] or step["copy"]:
            yield Edit(path, step.start())
        if step["file"]:
            path = folder / step["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step["text"], encoding="utf-8")
        elif step["changed"]:
            _replace(folder / step["changed"], step["old"], step["new"])
        elif step["added"]:
            path = folder / step["added"]
            indent = re.search(rf"^( *){re.escape(step['below'])}", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert indent, f"{path} has no line {step['below']!r}"
            _replace(path, step["below"], step["line"] + "\n" + indent[1] + step["below"])
        elif step["shown"]:
            lines, there = step["lines"], (folder / step["shown"]).read_text(encoding="utf-8")
            assert _SURE.sub("", lines) in _SURE.sub("", there), (
                f"{step['shown']} should hold:\n{lines}but is:\n{there}"
            )
        elif step["folder"]:
            # Copied as new files: what says of its day only when it was written is of today.
            shutil.copytree(folder / step["folder"], folder / step["copy"], copy_function=shutil.copy)
        elif step["sheet"]:
            set_cells(folder / step["sheet"], int(step["row"]), dict(_CELL.findall(step["cells"])))
        elif step["console"]:
            for typed, shown in commands(step["console"]):
                status, given = _run(typed, folder)
                yield Command(typed, shown, given, status, step.start())


def walk(page: Path, folder: Path, update: bool) -> list[Command | Edit]:
    """Do all that the page says; each command must say what the page shows, or the page is brought up to date."""
    text = page.read_text(encoding="utf-8")
    done = list(steps(text, folder))
    typed = [step for step in done if isinstance(step, Command)]
    if update:
        page.write_text(with_outputs(text, [command.refreshed() for command in typed]), encoding="utf-8")
    for command in typed:
        said = "\n".join(command.given)
        assert command.status == command.expected_status, f"$ {command.typed}\n{said}"
        assert "Traceback" not in said, f"$ {command.typed}\n{said}"
        if not update:
            expected = "\n".join(command.shown)
            assert matches(command.shown, command.given), (
                f"$ {command.typed}\n{said}\n\nbut the page shows:\n\n{expected}\n\n"
                "if the page should change: pytest tests/docs --update-golden, and read it again"
            )
    return done


def commands(console: str) -> list[tuple[str, list[str]]]:
    """Split a console block into commands and the output shown for each."""
    found: list[tuple[str, list[str]]] = []
    for line in console.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def with_outputs(page: str, outputs: list[list[str]]) -> str:
    """Return the page with these outputs in place of those that it shows."""
    left = iter(outputs)

    def block(found: re.Match[str]) -> str:
        lines = [line for typed, _ in commands(found[1]) for line in (f"$ {typed}", *next(left))]
        return "```console\n" + "".join(line + "\n" for line in lines) + "```"

    return re.sub(r"^```console\n(.*?)^```$", block, page, flags=re.MULTILINE | re.DOTALL)


def refreshed(shown: list[str], given: list[str]) -> list[str]:
    """Bring the lines shown up to date; lines with three dots at their end stay if something stands for them."""
    if not any(line.rstrip().endswith("...") for line in shown):
        return given
    if matches(shown, given):
        return shown
    new, at = [], 0
    for line in shown:
        if line.strip() and not line.rstrip().endswith("..."):
            like = [n for n in range(at, len(given)) if _first_word(given[n]) == _first_word(line)]
            if like:
                at = max(like, key=lambda n: SequenceMatcher(None, given[n], line).ratio())
                line = given[at]
                at += 1
        new.append(line)
    return new


def matches(shown: list[str], given: list[str]) -> bool:
    """Whether the output is what the page shows, three dots standing for anything."""
    pattern = ""
    for line in shown:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        elif line.endswith("..."):
            pattern += re.escape(line[:-3]) + r".*\n(?: {3,}\S*.*\n)*?"  # a warning brings the line it is about
        else:
            pattern += re.escape(line) + r"\n"
    return re.fullmatch(pattern, "".join(line + "\n" for line in given)) is not None


def _first_word(line: str) -> str:
    """Return what tells a line from others: its first word, whatever number it is."""
    return re.sub(r"\d+", "0", line.split()[0]) if line.split() else ""


def set_cells(path: Path, row: int, cells: dict[str, str]) -> None:
    """Change cells of a delimited file; the row is counted as a spreadsheet does, the header being row 1."""
    with path.open(encoding="utf-8", newline="") as lines:
        text = lines.read()
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    rows = list(csv.reader(text.splitlines(), delimiter=delimiter))
    for column, value in cells.items():
        rows[row - 1][rows[0].index(column)] = value
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, delimiter=delimiter, lineterminator="\r\n" if "\r\n" in text else "\n").writerows(rows)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} should have {old!r} once"
    path.write_text(text.replace(old, new), encoding="utf-8")


def _run(typed: str, folder: Path) -> tuple[int, list[str]]:
    name, *arguments = shlex.split(typed)
    status, output = _omopify(arguments, folder) if name == "omopify" else _python(arguments, folder)
    # Paths below the folder are shown relative to it, and no output of these commands holds a time.
    lines = [line.rstrip().replace(os.sep, "/") if os.sep != "/" else line.rstrip() for line in output.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return status, lines


def _omopify(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Run a command in this process, as its libraries take longer to load than most commands to run.

    That the program starts by itself is proved in tests/packaging and tests/cli/test_startup.py.
    """
    with chdir(folder):
        done = CliRunner().invoke(main, arguments, prog_name="omopify", env=dict.fromkeys(_TERMINAL))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def _python(arguments: list[str], folder: Path) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if name not in _TERMINAL}
    environment["PYTHONIOENCODING"] = "utf-8"
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=120,
    )
    return done.returncode, done.stdout
