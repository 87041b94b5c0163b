"""Whatever a steward types, the answer is a plan or a list of problems, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omopify.compiler.expressions import Names, Over, compile_expression
from omopify.compiler.functions import FUNCTIONS, SAME_TYPE
from omopify.compiler.typed import BOOLEAN, DATE, INTEGER, NUMBER, TEXT, Typed
from omopify.errors import Location, OmopifyError, Problems
from omopify.resources import data
from omopify.specs.maps import MapFile
from omopify.specs.model import build
from omopify.specs.packs import ModelFile, ProjectFile, TableFile, TrialFile
from omopify.specs.project import load_project
from omopify.specs.yamlfile import parse_yaml

many = settings(
    max_examples=400, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

PIECES = st.sampled_from(
    [
        *FUNCTIONS,
        *SAME_TYPE,
        *"( ) , . ; ' \" = <> < > + - * / || :: [ ] { } $ ? @ % # ~ ! & ^ \\ -- /*".split(),
        "T",
        "N",
        "D",
        "B",
        '"a b"',
        "v.T",
        "trial.id",
        "'x'",
        "''",
        "1",
        "1.5",
        "'2020-01-01'",
        "null",
        "true",
        "case",
        "when",
        "then",
        "else",
        "end",
        "is",
        "not",
        "and",
        "or",
        "in",
        "between",
        "like",
        "cast",
        "as",
        "select",
        "from",
        "interval",
        "date",
        "distinct",
        "exists",
        "over",
        "é",
        "\u0000",
        "\n",
        "filter",
        "current_date",
        "if",
        "lambda",
    ]
)
expressions = st.one_of(
    st.text(max_size=40), st.lists(PIECES, max_size=12).map(" ".join), st.lists(PIECES, max_size=8).map("".join)
)


def some_names() -> Names:
    columns = {"T": TEXT, "N": NUMBER, "I": INTEGER, "D": DATE, "B": BOOLEAN, "a b": TEXT, "v.T": TEXT}
    return Names({name: Typed(f'"{name}"', kind) for name, kind in columns.items()}, "source 'v'")


@many
@given(expressions, st.sampled_from([None, Over("T"), Over("T", "N", "window")]))
def test_any_text_as_an_expression(text: str, over: Over | None) -> None:
    problems = Problems()
    found = compile_expression(text, some_names(), Location("map.yaml", 3, 5), problems, over)
    assert (found is None) == bool(problems.errors)
    for problem in problems.errors:
        assert problem.at is not None
        assert problem.at.line == 3
        assert "\n" not in str(problem)


atoms = st.sampled_from(
    [
        "T",
        "N",
        "I",
        "D",
        "B",
        '"a b"',
        "v.T",
        "trial.id",
        "'x'",
        "'5'",
        "'2020-01-01'",
        "0",
        "1",
        "2",
        "-1",
        "1.5",
        "null",
    ]
)


def calls(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from([*FUNCTIONS, *SAME_TYPE])
    call = st.tuples(names, st.lists(inner, max_size=3)).map(lambda x: f"{x[0]}({', '.join(x[1])})")
    signs = st.sampled_from("+ - * / || = <> < >= and or like".split())
    pair = st.tuples(inner, signs, inner).map(" ".join)
    other = st.sampled_from(
        [
            "- {0}",
            "not {0}",
            "({0})",
            "{0} is null",
            "{0} is not null",
            "{0} in ({1}, {2})",
            "{0} between {1} and {2}",
            "case when {0} then {1} else {2} end",
            "case {0} when {1} then {2} end",
            "{0} is true",
            "{0} not in ({1})",
        ]
    )
    return st.one_of(call, pair, st.tuples(other, inner, inner, inner).map(lambda x: x[0].format(*x[1:])))


@settings(max_examples=1500, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.recursive(atoms, calls, max_leaves=6), st.sampled_from([None, None, Over("T"), Over("T", "N", "window")]))
def test_what_compiles_also_runs(rows_of_all_kinds: Any, text: str, over: Over | None) -> None:
    """An expression that is accepted runs on any data: no cell may stop a conversion."""
    found = compile_expression(text, some_names(), Location("map.yaml", 3, 5), Problems(), over)
    if found:
        try:
            rows_of_all_kinds.execute(f"SELECT {found.sql} AS made FROM given").fetchall()
        except duckdb.Error as error:
            raise AssertionError(f"{text}  ->  {found.sql}: {error}") from None


@pytest.fixture(scope="module")
def rows_of_all_kinds() -> Iterator[Any]:
    with duckdb.connect() as connection:
        connection.execute(data("sql", "functions", "duckdb.sql").read_text(encoding="utf-8"))
        connection.execute(
            """
            CREATE TABLE given AS
            SELECT * FROM (VALUES
                ('5', 1.5, 3, DATE '2020-02-29', TRUE, 'x', '-1'),
                ('abc', 0.0, 0, DATE '1900-01-01', FALSE, NULL, '99999999999'),
                (NULL, NULL, NULL, NULL, NULL, NULL, NULL),
                ('2020-01-01', -1e300, -2147483648, DATE '2199-12-31', NULL, '(', ''),
                ('9e99', 1e300, 2147483647, DATE '1800-01-01', TRUE, '0', '2020-13-45')
            ) AS rows(T, N, I, D, B, "a b", "v.T")
            """
        )
        yield connection


def test_deep_expressions() -> None:
    for text in ("(" * 3000 + "T" + ")" * 3000, " || ".join(["T"] * 5000), "not " * 3000 + "B", "lower(" * 2000):
        problems = Problems()
        found = compile_expression(text, some_names(), Location("map.yaml", 3, 5), problems)
        assert (found is None) == bool(problems.errors)


WORDS = sorted(
    {name for model in (MapFile, TrialFile, ProjectFile, TableFile, ModelFile) for name in model.model_fields}
    | {"from", "value", "constant", "file", "per", "order", "by", "columns", "n", "code", "vocabulary", "via", "type"}
)
scalars = st.one_of(
    st.sampled_from(["1", "true", "~", "NO", "[]", "{}", "'x'", '"y"', "a: b", "[a, b]", "{a: b}", "{a: {b: c}}", "|"]),
    st.text(max_size=12),
    st.integers().map(str),
)
lines = st.tuples(st.integers(0, 3), st.sampled_from(WORDS), scalars).map(lambda x: f"{'  ' * x[0]}{x[1]}: {x[2]}")
yaml_texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.one_of(lines, lines, st.text(max_size=20), st.just("- a")), max_size=8).map("\n".join),
)


@many
@given(yaml_texts, st.sampled_from([MapFile, TrialFile, ProjectFile, TableFile, ModelFile]))
def test_any_text_as_a_file(text: str, model: type) -> None:
    problems = Problems()
    try:
        tree = parse_yaml(text, "some.yaml")
    except OmopifyError as error:
        problems.extend(error.problems)
    else:
        built = build(model, tree, problems)
        assert (built is None) == bool(problems.errors)
    for problem in problems.errors:
        assert "\n" not in str(problem)
        assert "pydantic" not in str(problem)


@settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=80), st.sampled_from(["omopify.yaml", "maps/t/trial.yaml", "maps/t/x.yaml", "maps/t/c.csv"]))
def test_any_bytes_in_a_project(tmp_path: Path, content: bytes, broken: str) -> None:
    files = {
        "omopify.yaml": b"mappings: maps/t\ndata: data\n",
        "maps/t/trial.yaml": b"trial: t\nname: T\ncolumns: c.csv\nsources: {v: {file: v.csv}}\n",
        "maps/t/x.yaml": b"map: x\nto: person\nfrom: v\nkey: ID\nset: {year_of_birth: Y}\n",
        "maps/t/c.csv": b"source,column\nv,ID\nv,Y\n",
    }
    files[broken] = content
    for name, written in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written)
    problems = Problems()
    found = load_project(tmp_path, problems)
    assert found is not None or problems.errors
