from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest

from omopify.errors import Problems
from omopify.specs.project import Project, load_project
from omopify.tracing.model import Forward, Outcome, Row, Use, Written
from omopify.tracing.trace import Tracer, tracing
from tests.converted import example


@dataclass
class Case:
    """The converted example IMPRESS, read by others' means: the export by the csv module, the result by plain SQL."""

    folder: Path
    tracer: Tracer | None = None

    @cached_property
    def project(self) -> Project:
        problems = Problems()
        project = load_project(self.folder, problems)
        assert project is not None
        assert problems.errors == []
        return project

    @property
    def database(self) -> Path:
        return self.folder / "out" / "omop.duckdb"

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values).fetchall()

    @cached_property
    def connection(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.database), read_only=True)

    def form(self, name: str) -> dict[int, dict[str, str]]:
        """The rows of a form by the number that a spreadsheet shows."""
        path = self.folder / "data" / f"SYNTHETIC_IMPRESS_{name.upper()}.csv"
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            _, names, *body = list(reader)
        return {
            n: dict(zip(names, cells, strict=True)) for n, cells in enumerate(body, 3) if any(map(str.strip, cells))
        }

    def back(self, table: str, number: int, *, values: bool = False, limit: int = 5) -> Row:
        assert self.tracer
        return self.tracer.back(table, number, show_values=values, limit=limit)

    def forward(self, form: str, row: int, *, values: bool = False) -> Forward:
        assert self.tracer
        return self.tracer.forward(form, row, show_values=values)


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    case = Case(example(tmp_path_factory, "impress"))
    with tracing(case.project, None, Problems()) as case.tracer, case.connection:
        yield case


def uses(found: Forward | Written) -> Iterator[Use]:
    """Every use in a trace, at any depth."""
    for use in found.uses:
        yield use
        for outcome in use.outcomes:
            for written in outcome.rows:
                yield from uses(written)


def outcomes(found: Forward) -> Iterator[tuple[Use, Outcome]]:
    for use in uses(found):
        for outcome in use.outcomes:
            yield use, outcome


def written(found: Forward) -> set[tuple[str, int]]:
    """Every row of the result that a trace names, with its table."""
    return {(rows.table, number) for _, outcome in outcomes(found) for rows in outcome.rows for number in rows.ids}


def bottom(row: Row) -> set[tuple[str, int]]:
    """The rows of the export that a trace ends in, with their form."""
    below = {place for one in row.rows for place in bottom(one)}
    return below | {(place.source, place.row) for place in row.places}
