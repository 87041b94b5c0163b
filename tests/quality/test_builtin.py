"""Great Expectations' own expectations, asked inside DuckDB: each on a table whose answers are known by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import Problems
from omopify.quality import builtin, judging, suites
from omopify.quality.gx import quiet
from omopify.quality.model import Check, Context, Measurement
from omopify.specs.quality import SuiteFile, read_suite
from tests.quality.small_project import place, project_with

CANARY = "canary-7f3a"
CONTEXT = Context(schemas=frozenset({"cdm", "dsp"}))

# n: 1 .. 10, the tenth without sex; doubled: 2 .. 20; twice: 1, 1, 2, 2, 3, 3, 4, 4, 5, 5; seen: 2026-01-01 .. 10.
TABLE = f"""
    CREATE SCHEMA cdm; CREATE SCHEMA dsp;
    CREATE TABLE dsp.other (n integer);
    INSERT INTO dsp.other SELECT n FROM range(10) AS numbers (n);
    CREATE TABLE dsp.empty (n integer);
    CREATE TABLE dsp.subject AS
    SELECT
        CAST(n AS integer) AS n,
        CAST(2 * n AS integer) AS doubled,
        CAST((n + 1) // 2 AS integer) AS twice,
        CASE WHEN n < 5 THEN 'female' WHEN n < 10 THEN 'male' END AS sex,
        'S-' || lpad(CAST(n AS varchar), 2, '0') AS code,
        DATE '2025-12-31' + CAST(n AS integer) AS seen,
        CAST(NULL AS varchar) AS nothing,
        '{CANARY}' AS secret
    FROM range(1, 11) AS numbers (n)
"""


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDB]:
    folder = tmp_path_factory.mktemp("result")
    for name in ("omop", "last"):
        with duckdb.connect(str(folder / f"{name}.duckdb")) as connection:
            connection.execute(TABLE)
    earlier = Attached("last", folder / "last.duckdb", read_only=True)
    with DuckDB(folder / "omop.duckdb", [earlier], read_only=True, name="result") as opened:
        yield opened


def suite(folder: Path, *expectations: tuple[str, dict[str, Any]], table: str = "dsp.subject") -> SuiteFile:
    """A suite of these expectations about one table."""
    written = [{"type": name, "kwargs": kwargs} for name, kwargs in expectations]
    path = folder / "suite.yaml"
    path.write_text(json.dumps({"name": "own", "meta": {"table": table}, "expectations": written}), encoding="utf-8")
    problems = Problems()
    read = read_suite(path, problems)
    problems.stop_if_errors()
    assert read
    return read


def measured(
    db: DuckDB, folder: Path, *expectations: tuple[str, dict[str, Any]], table: str = "dsp.subject"
) -> list[tuple[Check, Measurement]]:
    checks = suites.expand_all([suite(folder, *expectations, table=table)], CONTEXT)
    found = {m.check_id: m for m in suites.measure_all(db, checks, CONTEXT)}
    return [(check, found[check.id]) for check in checks]


COLUMN: dict[str, Any] = {"column": "n"}
SEX: dict[str, Any] = {"column": "sex"}
CODE: dict[str, Any] = {"column": "code"}

# What is asked, what of it fails, and of how many. Nine of ten have a sex; empty values are not judged.
ASKED: list[tuple[str, dict[str, Any], int, int]] = [
    ("expect_column_values_to_be_between", COLUMN | {"min_value": 3, "max_value": 8}, 4, 10),
    ("expect_column_values_to_be_between", COLUMN | {"min_value": 3, "strict_min": True, "max_value": None}, 3, 10),
    ("expect_column_values_to_be_between", {"column": "seen", "min_value": "2026-01-03"}, 2, 10),
    ("expect_column_values_to_not_be_null", SEX, 1, 10),
    ("expect_column_values_to_be_null", SEX, 9, 10),
    ("expect_column_values_to_be_in_set", SEX | {"value_set": ["female"]}, 5, 9),
    ("expect_column_values_to_not_be_in_set", SEX | {"value_set": ["female"]}, 4, 9),
    ("expect_column_values_to_be_unique", COLUMN, 0, 10),
    ("expect_column_values_to_be_unique", {"column": "twice"}, 10, 10),
    ("expect_column_value_lengths_to_equal", SEX | {"value": 4}, 4, 9),
    ("expect_column_value_lengths_to_be_between", SEX | {"min_value": 5, "max_value": 9}, 5, 9),
    ("expect_column_value_z_scores_to_be_less_than", COLUMN | {"threshold": 1, "double_sided": True}, 4, 10),
    ("expect_column_values_to_match_regex", CODE | {"regex": "^S-0"}, 1, 10),
    ("expect_column_values_to_match_regex", CODE | {"regex": "0$"}, 9, 10),
    ("expect_column_values_to_not_match_regex", CODE | {"regex": "^S-0"}, 9, 10),
    ("expect_column_values_to_match_regex_list", CODE | {"regex_list": ["1$", "2$"]}, 8, 10),
    ("expect_column_values_to_not_match_regex_list", CODE | {"regex_list": ["1$", "2$"]}, 2, 10),
    ("expect_column_values_to_match_like_pattern", SEX | {"like_pattern": "f%"}, 5, 9),
    ("expect_column_values_to_not_match_like_pattern", SEX | {"like_pattern": "f%"}, 4, 9),
    ("expect_column_values_to_match_like_pattern_list", SEX | {"like_pattern_list": ["f%", "ma%"]}, 0, 9),
    ("expect_column_values_to_not_match_like_pattern_list", SEX | {"like_pattern_list": ["f%", "x%"]}, 4, 9),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "doubled", "column_B": "n"}, 0, 10),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "n", "column_B": "twice"}, 1, 10),
    ("expect_column_pair_values_to_be_equal", {"column_A": "n", "column_B": "twice"}, 9, 10),
    (
        "expect_column_pair_values_to_be_in_set",
        {"column_A": "n", "column_B": "twice", "value_pairs_set": [[1, 1], [2, 1]]},
        8,
        10,
    ),
    ("expect_compound_columns_to_be_unique", {"column_list": ["twice", "sex"]}, 8, 10),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["n", "doubled"], "sum_total": 9}, 9, 10),
    ("expect_multicolumn_values_to_be_equal", {"column_list": ["n", "twice"]}, 9, 10),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["n", "twice"]}, 1, 10),
    ("expect_table_row_count_to_be_between", {"min_value": 10, "max_value": 10}, 0, 1),
    ("expect_table_row_count_to_be_between", {"min_value": 11}, 1, 1),
    ("expect_table_row_count_to_equal", {"value": 10}, 0, 1),
    ("expect_table_row_count_to_equal_other_table", {"other_table_name": "other"}, 0, 1),
    ("expect_table_column_count_to_equal", {"value": 8}, 0, 1),
    ("expect_table_column_count_to_be_between", {"min_value": 9}, 1, 1),
    ("expect_table_columns_to_match_set", {"column_set": ["n", "sex"], "exact_match": False}, 0, 1),
    ("expect_table_columns_to_match_ordered_list", {"column_list": ["n", "sex"]}, 1, 1),
    ("expect_column_to_exist", SEX, 0, 1),
    ("expect_column_to_exist", {"column": "nosuch"}, 1, 1),
    ("expect_column_type_to_be", {"column": "seen", "type_": "DATE"}, 0, 1),
    ("expect_column_min_to_be_between", COLUMN | {"min_value": 1, "max_value": 1}, 0, 1),
    ("expect_column_max_to_be_between", COLUMN | {"max_value": 9}, 1, 1),
    ("expect_column_max_to_be_between", {"column": "seen", "max_value": "2026-01-10"}, 0, 1),
    ("expect_column_mean_to_be_between", COLUMN | {"min_value": 5.5, "max_value": 5.5}, 0, 1),
    ("expect_column_median_to_be_between", COLUMN | {"min_value": 5.4, "max_value": 5.6}, 0, 1),
    ("expect_column_stdev_to_be_between", COLUMN | {"min_value": 3.02, "max_value": 3.03}, 0, 1),
    ("expect_column_sum_to_be_between", COLUMN | {"min_value": 56}, 1, 1),
    (
        "expect_column_quantile_values_to_be_between",
        COLUMN | {"quantile_ranges": {"quantiles": [0.5], "value_ranges": [[5, 6]]}},
        0,
        1,
    ),
    ("expect_column_unique_value_count_to_be_between", {"column": "twice", "min_value": 5, "max_value": 5}, 0, 1),
    ("expect_column_proportion_of_unique_values_to_be_between", {"column": "twice", "max_value": 0.4}, 1, 1),
    ("expect_column_proportion_of_non_null_values_to_be_between", SEX | {"min_value": 0.9}, 0, 1),
    ("expect_column_distinct_values_to_be_in_set", SEX | {"value_set": ["female", "male", "other"]}, 0, 1),
    ("expect_column_distinct_values_to_contain_set", SEX | {"value_set": ["female", "other"]}, 1, 1),
    ("expect_column_distinct_values_to_equal_set", SEX | {"value_set": ["female", "male"]}, 0, 1),
    ("expect_column_most_common_value_to_be_in_set", SEX | {"value_set": ["male"]}, 0, 1),
    (
        "expect_column_kl_divergence_to_be_less_than",
        SEX | {"partition_object": {"values": ["female", "male"], "weights": [0.5, 0.5]}, "threshold": 0.1},
        0,
        1,
    ),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE n > 10"}, 0, 1),
    ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE n > 9"}, 1, 1),
]


def test_each_expectation_finds_what_stands_in_the_table(db: DuckDB, tmp_path: Path) -> None:
    """All together, as a suite is: also those that hold at once with others that do not."""
    found = measured(db, tmp_path, *((name, kwargs) for name, kwargs, *_ in ASKED))
    got = [(check.type, m.violated, m.denominator, m.error) for check, m in found]
    assert got == [(name, violated, judged, None) for name, _, violated, judged in ASKED]
    assert len({check.id for check, _ in found}) == len(ASKED)


def test_everything_that_great_expectations_has_is_offered_or_refused_with_a_reason() -> None:
    with quiet():
        from great_expectations.expectations.registry import list_registered_expectation_implementations

        import omopify.quality.expectations

        assert omopify.quality.expectations
        registered = set(list_registered_expectation_implementations())
    ours = {judging.BUILT_IN, *suites.OWN_TYPES, "__judged"}
    assert registered - ours == set(builtin.names())
    refused = set(builtin._REFUSED)
    assert {name for name, *_ in ASKED} == set(builtin.names()) - refused


def test_conditions_choose_the_rows_that_are_judged(db: DuckDB, tmp_path: Path) -> None:
    between = {"column": "n", "min_value": 5}
    dated = {"type": "comparison", "column": {"name": "sex"}, "operator": "==", "parameter": "female"}
    found = measured(
        db,
        tmp_path,
        (
            "expect_column_values_to_be_between",
            between | {"row_condition": 'col("sex") == "male"', "condition_parser": "great_expectations"},
        ),
        ("expect_column_values_to_be_between", between | {"row_condition": dated}),
    )
    assert [(m.violated, m.denominator, m.error) for _, m in found] == [(0, 5, None), (4, 4, None)]


def test_mostly_becomes_the_share_that_may_fail(db: DuckDB, tmp_path: Path) -> None:
    kwargs = {"column": "n", "min_value": 2}
    found = measured(
        db,
        tmp_path,
        *(("expect_column_values_to_be_between", kwargs | {"mostly": mostly}) for mostly in (0.9, 0.91)),
        ("expect_column_values_to_be_between", kwargs),
    )
    assert [(check.max_pct, m.violated, judging.status(check, m)) for check, m in found] == [
        (10, 1, "pass"),
        (9, 1, "fail"),
        (None, 1, "fail"),
    ]


def test_our_verdict_is_great_expectations_own(db: DuckDB, tmp_path: Path) -> None:
    """The counts that are judged later say what Great Expectations says when it is asked directly."""
    from omopify.engines.sqlalchemy import shared

    with quiet(), shared(db) as url:
        import great_expectations as gx

        context = builtin.ephemeral()
        asset = context.data_sources.add_sql("direct", connection_string=url).add_table_asset(
            "subject", table_name="subject", schema_name="dsp"
        )
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        for mostly in (0.4, 0.5, 0.6, 0.7):
            kwargs = {"column": "n", "min_value": 5, "mostly": mostly}
            (check, counted), *_ = measured(db, tmp_path, ("expect_column_values_to_be_between", kwargs))
            direct = batch.validate(gx.expectations.ExpectColumnValuesToBeBetween(**kwargs))
            assert (judging.status(check, counted) == "pass") == direct.success


def test_nothing_to_judge_does_not_apply(db: DuckDB, tmp_path: Path) -> None:
    ((_, found),) = measured(
        db, tmp_path, ("expect_column_values_to_be_in_set", {"column": "nothing", "value_set": [1]})
    )
    assert found.not_applicable == "no rows to judge"
    ((_, found),) = measured(db, tmp_path, ("expect_column_values_to_not_be_null", {"column": "n"}), table="dsp.empty")
    assert found.not_applicable == "no rows to judge"
    ((_, found),) = measured(db, tmp_path, ("expect_column_values_to_not_be_null", {"column": "n"}), table="dsp.gone")
    assert found.not_applicable == "the result has no table dsp.gone"


def test_what_cannot_be_asked_is_an_error_that_takes_nothing_else_with_it(db: DuckDB, tmp_path: Path) -> None:
    found = measured(
        db,
        tmp_path,
        ("expect_column_values_to_match_regex", {"column": "n", "regex": "1"}),  # a number has no letters
        ("expect_column_values_to_be_between", {"column": "secret", "min_value": 5}),
        ("expect_column_mean_to_be_between", {"column": "secret", "min_value": 5}),
        ("expect_column_values_to_be_in_set", {"column": "sexx", "value_set": ["male"]}),
        ("expect_column_values_to_be_between", {"column": "n", "min_value": 3}),
    )
    errors = [m.error for _, m in found]
    assert errors[3] == "dsp.subject has no column 'sexx'; did you mean 'sex'?"
    assert all(errors[:3])
    assert (found[4][1].violated, found[4][1].error) == (2, None)


def test_what_great_expectations_trips_over_is_an_error_of_its_own(db: DuckDB, tmp_path: Path) -> None:
    """Here it raises for the whole suite, because nobody gives the parameter."""
    found = measured(
        db,
        tmp_path,
        ("expect_column_values_to_be_in_set", SEX | {"value_set": {"$PARAMETER": CANARY}}),
        ("expect_column_values_to_be_between", COLUMN | {"min_value": 3}),
    )
    assert [(m.violated, m.error) for _, m in found] == [(None, "Great Expectations could not ask this"), (2, None)]


def test_no_value_of_the_data_leaves(db: DuckDB, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    own = suite(
        tmp_path,
        ("expect_column_values_to_be_in_set", {"column": "secret", "value_set": ["x"]}),
        ("expect_column_most_common_value_to_be_in_set", {"column": "secret", "value_set": ["x"]}),
        ("expect_column_distinct_values_to_be_in_set", {"column": "secret", "value_set": ["x"]}),
        ("expect_column_max_to_be_between", {"column": "secret", "max_value": 3}),
        ("expect_column_values_to_be_between", {"column": "secret", "max_value": 3}),
        ("expect_column_sum_to_be_between", {"column": "secret", "max_value": 3}),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT CAST(secret AS integer) FROM {batch}"}),
    )
    checks = suites.expand_all([own], CONTEXT)
    found = suites.measure_all(db, checks, CONTEXT)
    results, validation = judging.judge([own], checks, found)
    assert {result.status for result in results} == {"fail", "error"}
    written, said = json.dumps(validation), capfd.readouterr()
    assert CANARY not in repr(results) + written + said.out + said.err
    assert (said.out, said.err) == ("", "")


def test_anything_may_stand_in_the_meta_of_a_built_in_expectation(tmp_path: Path) -> None:
    text = """\
        name: own
        expectations:
          - type: expect_column_values_to_not_be_null
            kwargs: {column: subject_id}
            meta: {table: dsp.subject, owner: A. Steward, notes: {format: markdown, content: [as it is documented]}}
        """
    problems = Problems()
    project = project_with(tmp_path, own=text)
    (own,) = [suite for suite in suites.load_suites(project, problems) if suite.name == "own"]
    assert problems.found == []
    (check,) = suites.expand_all([own], CONTEXT)
    assert (check.schema, check.table) == ("dsp", "subject")


def test_mistakes_in_built_in_expectations_are_found_before_anything_is_asked(tmp_path: Path) -> None:
    project = project_with(
        tmp_path,
        own="""\
            name: own
            expectations:
              - type: expect_column_values_to_be_between
                kwargs: {column: n, min_valu: 3}
                meta: {table: dsp.subject}
              - type: expect_column_values_to_be_between
                kwargs: {min_value: 3}
                meta: {table: dsp.subject}
              - type: expect_column_values_to_be_between
                kwargs: {column: n, min_value: 3, mostly: 95}
                meta: {table: dsp.subject}
              - type: expect_column_values_to_not_be_null
                kwargs: {column: n}
              - type: expect_column_values_to_not_be_null
                kwargs: {column: n, row_condition: n > 3}
                meta: {table: dsp.subject}
              - type: expect_column_values_to_be_of_type
                kwargs: {column: n, type_: INTEGER}
                meta: {table: dsp.subject}
            """,
    )
    problems = Problems()
    suites.load_suites(project, problems)
    assert [place(problem) for problem in problems.errors] == [
        ("OM841", "own.yaml", 4, 25),
        ("OM841", "own.yaml", 7, 13),
        ("OM841", "own.yaml", 10, 47),
        ("OM807", "own.yaml", 12, 5),
        ("OM842", "own.yaml", 15, 40),
        ("OM840", "own.yaml", 17, 11),
    ]
    assert problems.errors[0].hint == "did you mean 'min_value'?"
    assert "'column'" in problems.errors[1].message


@pytest.mark.parametrize(
    ("kwargs", "column"),
    [
        ("{column: n, value_set: {$PARAMETER: x}}", 36),
        ("{column: n, value_set: [1, {$PARAMETER: x}]}", 40),
        ("{column: n, value_set: [1], mostly: {$PARAMETER: x}}", 49),
        ("{column: n, value_set: [1], mostly: true}", 49),
        ("{column: n, value_set: [1], mostly: []}", 49),
        ("{column: n, value_set: [1], mostly: often}", 49),
        ("{column: n, value_set: [1], mostly: -0.1}", 49),
        ("{column: [n], value_set: [1]}", 22),
        ("{column: {}, value_set: [1]}", 22),
        ("{column_list: [n, null]}", 31),
        ("{column_list: [[n, m]]}", 28),
        ("{column_list: {}}", 27),
        ("{column_list: n}", 27),
    ],
)
def test_arguments_that_great_expectations_lets_through(tmp_path: Path, kwargs: str, column: int) -> None:
    name = "table_columns_to_match_ordered_list" if "column_list" in kwargs else "column_values_to_be_in_set"
    own = f"name: own\nmeta: {{table: dsp.subject}}\nexpectations:\n  - type: expect_{name}\n    kwargs: {kwargs}\n"
    problems = Problems()
    suites.load_suites(project_with(tmp_path, own=own), problems)
    assert [place(problem) for problem in problems.errors] == [("OM841", "own.yaml", 5, column)]
    assert problems.errors[0].hint


@pytest.mark.parametrize(("written", "may_fail"), [("0.90", 10), ("0.9", 10), ("1", 0), ("0", 100), ("1e-1", 90)])
def test_mostly_may_be_written_in_any_way(tmp_path: Path, written: str, may_fail: float) -> None:
    kwargs = f"{{column: n, min_value: 1, mostly: {written}}}"
    own = "name: own\nexpectations:\n  - type: expect_column_values_to_be_between\n    meta: {table: dsp.subject}\n"
    problems = Problems()
    project = project_with(tmp_path, own=f"{own}    kwargs: {kwargs}\n")
    (read,) = [suite for suite in suites.load_suites(project, problems) if suite.name == "own"]
    assert problems.found == []
    (check,) = suites.expand_all([read], CONTEXT)
    assert check.max_pct == may_fail
