"""How commands show problems, progress and results: plain text in a pipe, colours and a moving line on a terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any

import click

from omopify.cli.terminal import colours, is_unicode, width
from omopify.errors import Problem
from omopify.progress import Progress, silent

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress as Line
    from rich.text import Text

PROGRESS_VARIABLE = "OMOPIFY_PROGRESS"
"""``plain`` writes lines instead of a moving one, also into a log; ``none`` writes nothing."""

_QUIET_SECONDS = 2.0
_PLAIN_SECONDS = 5.0
_ROOM_FOR_TIME = 12
_LEAST_ROOM = 8
_FEW = 3
_LARGEST_EXCERPT = 5_000_000
_EXCERPTS = (".yaml", ".yml", ".sql", ".jinja")
"""Files whose lines are shown; a line of a table may be a row of the export, or a term of it."""


def show_problems(problems: Sequence[Problem], *, everything: bool = True) -> None:
    """Write problems to standard error, each with the line it is about and a mark under the place.

    Without ``everything``, of more than four warnings of one code three are shown and the others counted.
    """
    files: dict[str, list[str]] = {}
    codes = Counter(problem.code for problem in problems if problem.severity != "error")
    shown: Counter[str] = Counter()
    for problem in sorted(problems, key=lambda p: p.severity == "error"):
        code = problem.code
        few = problem.severity != "error" and not everything and codes[code] > _FEW + 1
        shown[code] += 1
        if few and shown[code] > _FEW:
            continue
        click.echo(_headline(problem), err=True)
        excerpt = _excerpt(problem, files)
        if excerpt:
            click.echo(excerpt, err=True)
        if few and shown[code] == _FEW:
            click.echo(f"  and {codes[code] - _FEW} more of {code}: --all shows them", err=True)
    errors = sum(1 for p in problems if p.severity == "error")
    if errors:
        click.echo(click.style(f"{errors} problem{'s' if errors > 1 else ''}", fg="red", bold=True), err=True)


def _headline(problem: Problem) -> str:
    if problem.severity == "error":
        return str(problem)
    return click.style("warning: ", fg="yellow") + str(problem)


def _excerpt(problem: Problem, files: dict[str, list[str]]) -> str:
    """Return the line that a problem is about with a mark below; ``files`` keeps the lines of files once read."""
    at = problem.at
    if at is None or not at.line or not at.path.endswith(_EXCERPTS):
        return ""
    if at.path not in files:
        files[at.path] = _lines(Path(at.path))
    lines = files[at.path]
    if at.line > len(lines):
        return ""
    line = lines[at.line - 1].replace("\t", " ")
    start = min(max(at.column - 1, 0), len(line))
    end = start
    while end < len(line) and (line[end].isalnum() or line[end] in "_."):
        end += 1
    line, start, end = _cut(line, start, end)
    mark = click.style("^" * max(end - start, 1), fg="red" if problem.severity == "error" else "yellow")
    return f"{at.line:>6} | {line}\n{'':>6} | {'':>{start}}{mark}"


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _LARGEST_EXCERPT:
            return []
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _cut(line: str, start: int, end: int) -> tuple[str, int, int]:
    """Cut a line that is wider than the terminal around the place that is marked."""
    room = max((width(sys.stderr) or shutil.get_terminal_size().columns) - 10, 20)
    if len(line) <= room:
        return line, start, end
    first = max(min(start - room // 3, len(line) - room), 0)
    cut = line[first : first + room]
    if first:
        cut = "…" + cut[1:]
    if first + room < len(line):
        cut = cut[:-1] + "…"
    return cut, start - first, min(end - first, room)


def annotation(problem: Problem) -> str:
    """Return a problem as a GitHub workflow command, which puts it beside the line in a pull request."""
    place = ""
    if problem.at:
        place = f"file={_escaped(problem.at.path)},"
        if problem.at.line:
            place += f"line={problem.at.line},col={problem.at.column},"
    text = problem.message + (f"; {problem.hint}" if problem.hint else "")
    return f"::{problem.severity} {place}title={problem.code}::{_escaped(text, in_property=False)}"


def _escaped(text: str, *, in_property: bool = True) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if in_property else text


def emit_json(value: Any) -> None:
    """Write the result of a command for programs; nothing else may go to standard output then."""
    text = json.dumps(value, indent=2, ensure_ascii=not is_unicode(sys.stdout), default=str)
    click.echo(text)


def emit_text(text: str) -> None:
    """Write text that programs read (SQL, a schema, a script) letter by letter: into a pipe or file as UTF-8."""
    click.echo(text if sys.stdout.isatty() else text.encode("utf-8"), nl=False)


def number(value: int) -> str:
    """Write a number with its thousands set apart."""
    return f"{value:,}".replace(",", " ")


def counted(value: int, thing: str, things: str = "") -> str:
    """Write how many of a thing there are: ``1 map``, ``1 200 maps``."""
    return f"{number(value)} {thing if value == 1 else things or thing + 's'}"


def console(*, stderr: bool = False) -> Console:
    """Return a console of rich that takes text as it is: as wide as the terminal, 120 columns in a pipe."""
    from rich.console import Console

    return Console(
        stderr=stderr,
        width=width(sys.stderr if stderr else sys.stdout),
        color_system=None if colours() is False else "auto",
        # names of LOINC such as '[moles/volume]' would be read as styles, and ':m:' as a picture
        markup=False,
        emoji=False,
        highlight=False,
    )


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table to standard output; numbers are set to the right, fractions with one digit; a cell may be empty.

    A cell may be a text of rich. Where the table is too wide, its widest texts are broken, at the signs that names are
    made of if they can be.
    """
    from rich.box import SIMPLE_HEAD, Box
    from rich.table import Table

    lines = SIMPLE_HEAD if is_unicode(sys.stdout) else Box("    \n    \n -- \n" + "    \n" * 5, ascii=True)
    shown = Table(title=title or None, box=lines, title_justify="left", show_edge=False, padding=(0, 1, 0, 0))
    cells = [[_cell(value) for value in row] for row in rows]
    fixed = {place for place in range(len(columns)) if _are_numbers([row[place] for row in rows])}
    for place, name in enumerate(columns):
        right = place in fixed
        shown.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=right)
    _break_names(columns, cells, fixed, console().width)
    for row in cells:
        shown.add_row(*row)
    put(shown)
    click.echo()


def put(shown: RenderableType) -> None:
    """Write what rich has laid out to standard output, without the blanks that fill up its lines."""
    out = console()
    with out.capture() as caught:
        out.print(shown)
    click.echo("\n".join(line.rstrip(" ") for line in caught.get().splitlines()))


def _are_numbers(values: Sequence[Any]) -> bool:
    filled = [value for value in values if value not in ("", None)]
    return bool(filled) and all(isinstance(value, int | float) for value in filled)


def _cell(value: Any) -> Text:
    from rich.text import Text

    if isinstance(value, Text):
        return value
    if isinstance(value, float):
        return Text(f"{value:.1f}")
    return Text(number(value) if isinstance(value, int) else str(value or ""))


def _break_names(columns: Sequence[str], cells: list[list[Text]], fixed: set[int], width: int) -> None:
    """Break names where ``_``, ``.`` or ``/`` end a part, if they are longer than the table has room for."""
    widths = [max([len(name), *(row[place].cell_len for row in cells)]) for place, name in enumerate(columns)]
    loose = [place for place in range(len(columns)) if place not in fixed]
    room = width - 2 * len(widths) - sum(widths[place] for place in fixed)
    most = _share([widths[place] for place in loose], room)
    if most < _LEAST_ROOM:
        return
    for row in cells:
        for place in loose:
            text = row[place]
            if widths[place] > most and not text.spans and any(len(word) > most for word in text.plain.split(" ")):
                words = ("\n".join(_parts(word, most)) for word in text.plain.split(" "))
                row[place] = text.blank_copy(" ".join(words))


def _share(widths: Sequence[int], room: int) -> int:
    """Return how wide the widest columns may be, if the narrow ones get all that they need."""
    for place, needed in enumerate(sorted(widths)):
        share = room // (len(widths) - place)
        if needed > share:
            return share
        room -= needed
    return max(widths, default=0)


def _parts(name: str, room: int) -> Iterator[str]:
    while len(name) > room and (end := max(name.rfind(sign, 0, room) for sign in "_./-") + 1):
        yield name[:end]
        name = name[end:]
    yield name


@contextmanager
def progress(kept: str = "") -> Iterator[Progress]:
    """Give a function that tells what is being done, and for how long it will be.

    On a terminal that is one line, which comes after two seconds and goes when all is done; into a pipe nothing is
    written, unless OMOPIFY_PROGRESS asks for it. ``kept`` says what is as it was if the user stops the work.
    """
    try:
        wish = os.environ.get(PROGRESS_VARIABLE, "").lower()
        if wish == "plain":
            yield _lines_of_progress()
        elif wish == "none" or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            yield silent
        else:
            with _moving_line() as tell:
                yield tell
    except KeyboardInterrupt as stopped:
        if kept:
            stopped.add_note(kept)
        raise


def _lines_of_progress() -> Progress:
    begun = time.monotonic()
    following = begun + _QUIET_SECONDS

    def tell(text: str, done: float = 0, of: float = 0) -> None:
        nonlocal following
        now = time.monotonic()
        if text and now >= following:
            following = now + _PLAIN_SECONDS
            share = f" ({100 * done / of:.0f} %)" if of else ""
            click.echo(f"{duration(now - begun):>8}  {text}{share}", err=True)

    return tell


@contextmanager
def _moving_line() -> Iterator[Progress]:
    from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TextColumn
    from rich.progress import Progress as Line
    from rich.table import Column
    from rich.text import Text

    class Time(ProgressColumn):
        """The time that is left, or as long as nobody knows it the time that has passed."""

        def render(self, task: Task) -> Text:
            return Text(task.fields["left"] or duration(time.monotonic() - begun))

    begun = time.monotonic()

    parts = (
        SpinnerColumn("dots" if is_unicode(sys.stderr) else "line"),
        BarColumn(bar_width=20),
        Time(table_column=Column(no_wrap=True, min_width=_ROOM_FOR_TIME)),
        TextColumn("{task.description}", markup=False),
    )
    line = Line(*parts, console=console(stderr=True), transient=True, expand=False)
    tell = _told(line)
    timer = Timer(_QUIET_SECONDS, line.start)
    timer.daemon = True
    timer.start()
    try:
        yield tell
    finally:
        timer.cancel()
        timer.join()
        line.stop()


def _told(line: Line) -> Progress:
    """Return what brings a line up to date; the time left is that of the stretch of work with the same ``of``."""
    task = line.add_task("working", total=None, left="")
    stretch = (0.0, 0.0, time.monotonic())  # of what, how much was done at first, and when
    lock = Lock()

    def tell(text: str, done: float = 0, of: float = 0) -> None:
        nonlocal stretch
        now = time.monotonic()
        with lock:
            if of != stretch[0] or done < stretch[1]:
                stretch = (of, done, now)
            left = time_left(done - stretch[1], of - done, now - stretch[2]) if of else ""
        # a line that is wider than the terminal would leave rests of itself behind
        room = max(line.console.width - 28 - _ROOM_FOR_TIME, 10)
        said = text if len(text) <= room else text[: room - 1] + "…"
        line.update(task, description=said or "working", completed=done, total=of or None, left=left)

    return tell


def time_left(done: float, to_do: float, seconds: float) -> str:
    """Say how long the rest will take, as long as what is done took; nothing before that can be known."""
    if done <= 0 or seconds < 1:
        return ""
    return f"{duration(seconds * to_do / done)} left"


def duration(seconds: float) -> str:
    """Write a time as minutes and seconds (``1:05``), or with hours before."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
