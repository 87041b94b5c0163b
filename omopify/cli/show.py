"""How commands show problems, progress and results: plain text in a pipe, colours and a spinner on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from omopify.errors import Problem


def show_problems(problems: Sequence[Problem]) -> None:
    """Write problems to standard error, each with the line it is about and a mark under the place."""
    for problem in sorted(problems, key=lambda p: p.severity == "error"):
        colour = "red" if problem.severity == "error" else "yellow"
        word = "" if problem.severity == "error" else "warning: "
        click.echo(click.style(word, fg=colour) + str(problem), err=True)
        excerpt = _excerpt(problem)
        if excerpt:
            click.echo(excerpt, err=True)
    errors = sum(1 for p in problems if p.severity == "error")
    if errors:
        click.echo(click.style(f"{errors} problem{'s' if errors > 1 else ''}", fg="red", bold=True), err=True)


def _excerpt(problem: Problem) -> str:
    at = problem.at
    if at is None or not at.line or not at.path.endswith((".yaml", ".yml")):
        return ""
    try:
        lines = Path(at.path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    if at.line > len(lines):
        return ""
    line = lines[at.line - 1]
    start = at.column - 1
    end = start
    while end < len(line) and (line[end].isalnum() or line[end] in "_."):
        end += 1
    return f"{at.line:>6} | {line}\n{'':>6} | {'':>{start}}{'^' * max(end - start, 1)}"


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


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Give a function that shows what is being done: one line that changes on a terminal, silent in a pipe."""
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("starting") as status:
        yield lambda text: status.update(text)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table to standard output; numbers are set to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for number, name in enumerate(columns):
        right = bool(rows) and all(isinstance(row[number], int) for row in rows)
        shown.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        shown.add_row(
            # names of LOINC such as '[moles/volume]' would be read as styles
            *(Text(f"{value:,}".replace(",", " ") if isinstance(value, int) else str(value or "")) for value in row)
        )
    width = None if sys.stdout.isatty() else 120
    Console(width=width).print(shown)
