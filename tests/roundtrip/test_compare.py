"""The comparison sees what it should: a wrong value, a missing row, a row too many, an exception too many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from .compare import Comparison, Expectation, Loss, RowLoss, Tables, compare, drawn, exceptions, model
from .conftest import TRIALS
from .impress import TRIAL

PATIENTS, SEED = 150, 7


@pytest.fixture(scope="module")
def expected() -> Expectation:
    return Expectation(TRIAL, *drawn(PATIENTS, SEED))


def written(path: Path, tables: Tables) -> Path:
    """Write tables as a conversion would."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA dsp")
        for table, frame in tables.items():
            names = list(model()[table])
            kinds = {"integer": "INTEGER", "number": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN"}
            columns = ", ".join(
                f'"{name}" {kinds.get(says.get("type", ""), "VARCHAR")}' for name, says in model()[table].items()
            )
            connection.execute(f'CREATE TABLE dsp."{table}" ({columns})')
            rows = frame.select(names).rows()
            if rows:
                connection.executemany(f'INSERT INTO dsp."{table}" VALUES ({", ".join("?" * len(names))})', rows)
    return path


def compared(
    tmp_path: Path, expected: Expectation, change: Callable[[Tables], Tables] = lambda tables: tables
) -> Comparison:
    small = {table: frame.head(40) for table, frame in expected.tables.items()}
    truth = Expectation(TRIAL, *drawn(PATIENTS, SEED))
    truth.tables = small
    # The rows of other rules are not written here.
    trial = replace(TRIAL, other_rows={})
    return compare(trial, truth, written(tmp_path / "omop.duckdb", change(dict(small))))


def test_the_truth_is_equal_to_itself(tmp_path: Path, expected: Expectation) -> None:
    found = compared(tmp_path, expected)
    assert not found.kinds, found.report()
    assert found.rows["adverse_event"] == 40
    assert found.fields["adverse_event"] == 40 * len(model()["adverse_event"])


def test_a_wrong_value_a_missing_row_and_one_too_many_are_seen(tmp_path: Path, expected: Expectation) -> None:
    def change(tables: Tables) -> Tables:
        one = pl.int_range(pl.len()) == 3
        grade = pl.when(one).then(pl.col("grade") + 1).otherwise("grade").alias("grade")
        tables["adverse_event"] = tables["adverse_event"].with_columns(grade)
        tables["ecog"] = tables["ecog"].slice(1)
        other = tables["visit"].head(1).with_columns(event_id=pl.lit("V77"), date=pl.lit(date(2024, 1, 1)))
        tables["visit"] = pl.concat([tables["visit"], other])
        return tables

    found = compared(tmp_path, expected, change)
    assert found.kinds == {
        "adverse_event.grade": 1, "ecog: a true row is missing": 1, "visit: a row that is not true": 1,
    }  # fmt: skip


def test_a_table_that_is_not_filled_is_seen(tmp_path: Path, expected: Expectation) -> None:
    found = compared(tmp_path, expected, lambda tables: tables | {"death": tables["death"].clear()})
    assert found.kinds == {"death: a true row is missing": 40}


def problems(**changes: object) -> list[str]:
    return Expectation(replace(TRIAL, **changes), *drawn(PATIENTS, SEED)).problems  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TRIALS)
def test_the_lists_of_exceptions_are_honest(name: str) -> None:
    assert Expectation(TRIALS[name], *drawn(PATIENTS, SEED)).problems == []
    listed = list(exceptions(TRIALS[name]))
    assert all(why for _, _, why in listed)
    assert {table for table, _, _ in listed} <= {*model(), "(all tables)"}


def test_an_exception_that_is_not_needed_is_seen() -> None:
    needless = TRIAL.lost_fields | {("ecog", "grade"): Loss("no reason", pl.col("grade"))}
    assert problems(lost_fields=needless) == ["ecog.grade: listed as lost, but nothing is (no reason)"]
    every = RowLoss("no reason", pl.lit(True))
    assert problems(lost_rows=TRIAL.lost_rows | {"visit": every}) == ["visit: rows are listed as lost, but none is"]
    assert problems(in_scope=every) == ["nobody is out of scope"]


def test_a_field_or_table_that_nobody_speaks_of_is_seen() -> None:
    fewer = {of: loss for of, loss in TRIAL.lost_fields.items() if of != ("milestone", "reason")}
    assert problems(lost_fields=fewer) == ["milestone.reason: neither in the truth nor listed"]
    made = {table: make for table, make in TRIAL.made.items() if table != "worst_grade"}
    assert problems(made=made) == ["worst_grade: neither in the truth nor listed"]
