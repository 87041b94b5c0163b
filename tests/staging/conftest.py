"""A small laboratory: write a file byte by byte, stage it, read the result back with DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from omopify.errors import Problem, Problems
from omopify.staging import ReadOptions, SourceRequest, StagedFile, StagedSource, stage


@dataclass
class Result:
    source: StagedSource
    problems: Problems

    @property
    def codes(self) -> list[str]:
        return [p.code for p in self.problems.found]

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """All rows as (_row, cell, ...), in the order of the file."""
        (file,) = self.source.files
        return rows_of(file)

    @property
    def cells(self) -> list[tuple[Any, ...]]:
        return [row[1:] for row in self.rows]

    def only(self, code: str) -> Problem:
        (problem,) = [p for p in self.problems.found if p.code == code]
        return problem


def rows_of(file: StagedFile) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        found = con.execute("select * from read_parquet(?) order by _row", [str(file.parquet)]).fetchall()
        names = [d[0] for d in con.description or []]
        kinds = {str(d[1]) for d in (con.description or [])[1:]}
    assert names == ["_row", *file.columns]
    assert kinds <= {"VARCHAR"}
    assert file.rows == len(found)
    assert dict(file.filled) == {
        name: sum(row[i + 1] is not None for row in found) for i, name in enumerate(file.columns)
    }
    return found


class Lab:
    def __init__(self, root: Path):
        self.data = root / "data"
        self.cache = root / "cache"
        self.data.mkdir()
        self.progress: list[tuple[str, float, float]] = []

    def write(self, name: str, content: bytes) -> Path:
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def book(self, name: str, sheets: dict[str, list[list[Any]]], **setup: Callable[[Any], None]) -> Path:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for i, row in enumerate(rows, 1):
                for j, value in enumerate(row, 1):
                    if value is not None:
                        sheet.cell(i, j, value)
        for change in setup.values():
            change(book)
        book.save(self.data / name)
        return self.data / name

    def stage(self, *requests: SourceRequest) -> tuple[dict[str, StagedSource], Problems]:
        problems = Problems()

        def note(text: str, done: float = 0, of: float = 0) -> None:
            self.progress.append((text, done, of))

        found = stage(requests, self.data, self.cache, problems, note)
        assert not list(self.cache.glob(".*")), "a temporary file is left"
        return found, problems

    def one(self, pattern: str, sheet: str | None = None, **options: Any) -> Result:
        """Stage one source whose files fit a pattern."""
        columns = options.pop("columns", ())
        flags = {k: options.pop(k) for k in ("optional", "several") if k in options}
        request = SourceRequest(
            "src", (pattern,), sheet=sheet, columns=columns, options=ReadOptions(**options), **flags
        )
        found, problems = self.stage(request)
        return Result(found["src"], problems)

    def csv(self, content: bytes, name: str = "x.csv", **options: Any) -> Result:
        """Write a file and stage it."""
        self.write(name, content)
        return self.one(name, **options)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)
