"""Checks that are queries: what is counted, listed, and said when a query cannot be asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems
from omopify.quality import sqlchecks, suites
from omopify.quality.judging import status
from omopify.quality.model import Check, Context, Measurement, Part
from omopify.specs.quality import read_suite

CANARY = "canary-7f3a"
CONTEXT = Context(schemas=frozenset({"cdm", "dsp"}), facts={"ecog_eligible": ("0", "1"), "ctcae": ()})


@pytest.fixture
def db(tmp_path: Path) -> Iterator[DuckDB]:
    """Ten visits: of site A five, of which one is late and one has no date; of B five, of which three are late."""
    path = tmp_path / "omop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA dsp; CREATE SCHEMA cdm; CREATE TABLE cdm.person (person_id integer)")
        connection.execute(
            "CREATE TABLE dsp.visit (_file varchar, _row integer, site varchar, late boolean, note varchar)"
        )
        connection.execute(
            "INSERT INTO dsp.visit SELECT 'f', n, CASE WHEN n <= 5 THEN 'A' ELSE 'B' END, "
            f"CASE WHEN n = 5 THEN NULL ELSE n IN (1, 6, 7, 8) END, '{CANARY}' FROM range(1, 11) AS numbers (n)"
        )
    with DuckDB(path, read_only=True, name="result") as opened:
        yield opened


def checks(folder: Path, *expectations: dict[str, Any], context: Context = CONTEXT) -> tuple[Check, ...]:
    """The checks of a suite with these queries, about dsp.visit unless they say otherwise."""
    lines = ["name: own", "expectations:"]
    for number, words in enumerate(expectations):
        meta = {"table": "dsp.visit"} | words.pop("meta", {})
        lines += ["  - type: expect_few_violations", f"    meta: {meta}", "    kwargs:"]
        words = {"check": f"c{number}"} | words
        rows = words.pop("rows")
        lines += [f"      {name}: {value}" for name, value in words.items()]
        lines += ["      rows: |", *(f"        {line}" for line in rows.splitlines())]
    path = folder / "suite.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    problems = Problems()
    suite = read_suite(path, problems)
    problems.stop_if_errors()
    assert suite
    return suites.expand_all([suite], context)


def measured(db: DuckDB, folder: Path, rows: str, **words: Any) -> tuple[Check, Measurement]:
    """A check with this query, and what was measured."""
    (check,) = checks(folder, {"rows": rows, **words})
    (found,) = suites.measure_all(db, [check], CONTEXT)
    return check, found


LATE = "SELECT _file || ':' || _row AS row_id, late AS violated FROM dsp.visit"


def test_rows_that_violate_are_counted_of_those_that_are_judged(db: DuckDB, tmp_path: Path) -> None:
    _, found = measured(db, tmp_path, LATE)
    assert (found.violated, found.denominator, found.parts) == (4, 9, ())  # the fifth has no date: it is not judged
    assert found.error is None
    assert found.not_applicable is None


def test_the_listing_gives_keys_of_violating_rows_and_no_other_column(db: DuckDB, tmp_path: Path) -> None:
    rows = "SELECT _row AS row_id, late AS violated, site AS part, note, _row AS source_row FROM dsp.visit"
    check, _ = measured(db, tmp_path, rows)
    assert sorted(db.rows(check.rows_sql)) == [("1", "A", 1), ("6", "B", 6), ("7", "B", 7), ("8", "B", 8)]


def test_parts_are_judged_each_by_its_own_limit(db: DuckDB, tmp_path: Path) -> None:
    part = "CASE site WHEN 'A' THEN 'north' ELSE 'south' END AS part"
    rows = f"SELECT _row AS row_id, late AS violated, {part} FROM dsp.visit"
    check, found = measured(db, tmp_path, rows, max_pct=25)
    assert found.parts == (Part("north", 1, 4), Part("south", 3, 5))
    assert (found.violated, found.denominator) == (4, 9)
    assert status(check, found) == "fail"
    check, found = measured(db, tmp_path, rows, max_pct=25, parts="{south: 60}")
    assert status(check, found) == "pass"


def test_names_of_parts_that_are_values_of_the_data_do_not_leave(db: DuckDB, tmp_path: Path) -> None:
    rows = "SELECT _row AS row_id, late AS violated, site || note AS part FROM dsp.visit"
    _, found = measured(db, tmp_path, rows)
    assert [part.name for part in found.parts] == ["part 1", "part 2"]
    assert CANARY not in repr(found)


def test_a_line_may_stand_for_many_rows(db: DuckDB, tmp_path: Path) -> None:
    lines = "VALUES ('a', true, 1, 'x'), ('b', false, 7, 'x'), ('c', NULL, 90, 'x'), ('d', false, 12, 'y')"
    _, found = measured(db, tmp_path, f"SELECT * FROM ({lines}) AS lines (row_id, violated, times, part)")
    assert found.parts == (Part("x", 1, 8), Part("y", 0, 12))
    assert (found.violated, found.denominator) == (1, 20)
    _, found = measured(db, tmp_path, "SELECT 'a' AS row_id, false AS violated, 0 AS times")
    assert found.not_applicable == "no rows to judge"


def test_nothing_to_judge_does_not_apply(db: DuckDB, tmp_path: Path) -> None:
    for rows in (
        f"{LATE} WHERE _row = 5",
        f"{LATE} WHERE _row > 50",
        f"SELECT *, 'x' AS part FROM ({LATE}) WHERE false",
    ):
        check, found = measured(db, tmp_path, rows)
        assert (found.violated, found.denominator, found.not_applicable) == (0, 0, "no rows to judge")
        assert status(check, found) == "not applicable"


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        (["audit"], "the result has no account of its rows"),
        (["last"], "there is no earlier delivery to compare with"),
        (["trial.ctcae"], "the trial does not say 'ctcae'"),
        (["trial.nowhere"], "the trial does not say 'nowhere'"),
        (["dsp.death"], "the result has no table dsp.death"),
        (["dsp", "trial.ecog_eligible", "dsp.visit", "cdm.person"], None),
    ],
)
def test_what_is_missing_is_said_in_words(db: DuckDB, tmp_path: Path, needs: list[str], reason: str | None) -> None:
    _, found = measured(db, tmp_path, LATE, meta={"needs": needs})
    assert found.not_applicable == reason


def test_a_table_that_the_result_does_not_have_does_not_apply(db: DuckDB, tmp_path: Path) -> None:
    _, found = measured(
        db, tmp_path, "SELECT 1 AS row_id, true AS violated FROM dsp.death", meta={"table": "dsp.death"}
    )
    assert found.not_applicable == "the result has no table dsp.death"
    _, found = measured(db, tmp_path, LATE, meta={"table": "audit.map_rows"})
    assert found.not_applicable == "the result has no account of its rows"


def test_a_query_knows_the_trial_its_parameters_and_the_schema(db: DuckDB, tmp_path: Path) -> None:
    rows = (
        "SELECT row_id, violated FROM (\n"
        "  SELECT unnest([{{ trial.ecog_eligible | join(', ') }}, {{ parameters.more }}]) AS row_id,\n"
        "  {{ parameters.word | literal }} = 'it''s' AS violated) CROSS JOIN (SELECT count(*) FROM {{ cdm }}.person)"
    )
    check, found = measured(db, tmp_path, rows, parameters='{more: 7, word: "it\'s"}')
    assert (found.violated, found.denominator) == (3, 3)
    assert sorted(db.rows(check.rows_sql)) == [("0",), ("1",), ("7",)]


def test_a_comment_or_a_semicolon_at_the_end_does_no_harm(db: DuckDB, tmp_path: Path) -> None:
    for rows in (f"{LATE};", f"{LATE} -- all of them", f"-- first\n{LATE};\n"):
        check, found = measured(db, tmp_path, rows)
        assert (found.violated, found.denominator) == (4, 9)
        assert len(db.rows(check.rows_sql)) == 4


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("SELECT _row AS row_id FROM dsp.visit", "the query gives no column 'violated'"),
        ("SELECT late AS violated FROM dsp.visit", "the query gives no column 'row_id'"),
        (
            "SELECT 1 AS row_id, 1 AS violated",
            "the query's column 'violated' is INTEGER, and should be BOOLEAN",
        ),
        ("SELECT nosuch AS row_id, true AS violated FROM dsp.visit", "puts together what does not fit: 'nosuch'"),
        ("SELECT 1 AS row_id, true AS violated FROM dsp.nosuch", "a function that does not exist: 'nosuch'"),
        ("SELECT 1 AS row_id,, true AS violated", "is no SQL, or more than one SELECT: ','"),
        ("SELECT 1 AS row_id, true AS violated; DROP TABLE dsp.visit", "is no SQL, or more than one SELECT"),
        (
            "SELECT 1 AS row_id, true AS violated) AS x; DROP TABLE dsp.visit; SELECT * FROM (SELECT 1 AS row_id",
            "is no SQL, or more than one SELECT",
        ),
        ("DROP TABLE dsp.visit", "is no SQL, or more than one SELECT"),
        ("SELECT _row AS row_id, CAST(note AS integer) > 1 AS violated FROM dsp.visit", "cannot be read as the type"),
        ("SELECT column0 AS row_id, true AS violated FROM read_csv('/etc/passwd')", "reads a file, and may not"),
        ("SELECT {{ nosuch }} AS row_id, true AS violated", "the template is wrong"),
    ],
)
def test_a_query_that_cannot_be_asked_is_an_error_in_words_of_ours(
    db: DuckDB, tmp_path: Path, rows: str, words: str
) -> None:
    check, found = measured(db, tmp_path, rows)
    assert found.error
    assert words in found.error
    assert CANARY not in found.error
    assert status(check, found) == "error"


def test_one_query_that_fails_takes_no_other_with_it(db: DuckDB, tmp_path: Path) -> None:
    wrong = "SELECT _row AS row_id, CAST(note AS integer) > 1 AS violated FROM dsp.visit"
    missing = "SELECT nosuch AS row_id, true AS violated FROM dsp.visit"
    some = checks(tmp_path, {"rows": LATE}, {"rows": wrong}, {"rows": missing}, {"rows": f"{LATE} WHERE _row > 5"})
    found = {m.check_id: m for m in suites.measure_all(db, some, CONTEXT)}
    assert [found[c.id].violated for c in some] == [4, None, None, 3]
    assert [bool(found[c.id].error) for c in some] == [False, True, True, False]
    assert CANARY not in repr(found)


def test_many_checks_are_asked_together_and_each_has_its_own_counts(db: DuckDB, tmp_path: Path) -> None:
    some = checks(tmp_path, *({"rows": f"{LATE} WHERE _row <= {n}"} for n in range(1, 11)))
    found = sqlchecks.measure(db, some, CONTEXT)
    assert [m.violated for m in found] == [1, 1, 1, 1, 1, 2, 3, 4, 4, 4]
    assert [m.denominator for m in found] == [1, 2, 3, 4, 4, 5, 6, 7, 8, 9]


def test_only_queries_of_checks_are_offered() -> None:
    names = sqlchecks.shipped_queries()
    assert {"oncology/progression_shown", "trial/nobody"} <= set(names)
    assert {name.split("/")[0] for name in names} == {"oncology", "trial"}
