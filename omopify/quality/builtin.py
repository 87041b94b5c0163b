"""Great Expectations' own expectations on a table of the result, written as in its documentation.

They run inside DuckDB: Great Expectations asks through the connection that is open already.  Only counts and whether an
expectation holds are taken from its answer; observed values (a greatest date is one patient's) and the words of errors
never leave this module.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_args

from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems, did_you_mean
from omopify.quality.gx import ephemeral, quiet
from omopify.quality.model import Check, Context, Measurement
from omopify.quality.sqlchecks import NO_ROWS, REASONS, missing, tables_of
from omopify.specs.quality import OWN_TYPES, ExpectationSpec, Schema, SuiteFile

if TYPE_CHECKING:
    from great_expectations.datasource.fluent.interfaces import Batch

_ROW_BY_ROW = (
    "expect_column_pair_values_a_to_be_greater_than_b", "expect_column_pair_values_to_be_equal",
    "expect_column_pair_values_to_be_in_set", "expect_column_value_lengths_to_be_between",
    "expect_column_value_lengths_to_equal", "expect_column_value_z_scores_to_be_less_than",
    "expect_column_values_to_be_between", "expect_column_values_to_be_in_set", "expect_column_values_to_be_null",
    "expect_column_values_to_be_unique", "expect_column_values_to_match_like_pattern",
    "expect_column_values_to_match_like_pattern_list", "expect_column_values_to_match_regex",
    "expect_column_values_to_match_regex_list", "expect_column_values_to_not_be_in_set",
    "expect_column_values_to_not_be_null", "expect_column_values_to_not_match_like_pattern",
    "expect_column_values_to_not_match_like_pattern_list", "expect_column_values_to_not_match_regex",
    "expect_column_values_to_not_match_regex_list", "expect_compound_columns_to_be_unique",
    "expect_multicolumn_sum_to_equal", "expect_multicolumn_values_to_be_equal",
    "expect_select_column_values_to_be_unique_within_record",
)  # fmt: skip
"""Expectations that judge rows: Great Expectations counts those that fail."""

_AS_A_WHOLE = (
    "expect_column_distinct_values_to_be_in_set", "expect_column_distinct_values_to_contain_set",
    "expect_column_distinct_values_to_equal_set", "expect_column_kl_divergence_to_be_less_than",
    "expect_column_max_to_be_between", "expect_column_mean_to_be_between", "expect_column_median_to_be_between",
    "expect_column_min_to_be_between", "expect_column_most_common_value_to_be_in_set",
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_proportion_of_unique_values_to_be_between", "expect_column_quantile_values_to_be_between",
    "expect_column_stdev_to_be_between", "expect_column_sum_to_be_between", "expect_column_to_exist",
    "expect_column_type_to_be", "expect_column_unique_value_count_to_be_between",
    "expect_table_column_count_to_be_between", "expect_table_column_count_to_equal",
    "expect_table_columns_to_match_ordered_list", "expect_table_columns_to_match_set",
    "expect_table_row_count_to_be_between", "expect_table_row_count_to_equal",
    "expect_table_row_count_to_equal_other_table", "unexpected_rows_expectation",
)  # fmt: skip
"""Expectations about a column or a table as a whole, which hold or do not."""

_REFUSED = {
    "expect_column_values_to_be_in_type_list": "'expect_column_type_to_be' asks for the type of a column",
    "expect_column_values_to_be_of_type": "'expect_column_type_to_be' asks for the type of a column",
    "expect_query_results_to_match_comparison": "'expect_few_violations' takes any query",
} | dict.fromkeys(
    (
        "expect_column_values_to_be_dateutil_parseable", "expect_column_values_to_be_decreasing",
        "expect_column_values_to_be_increasing", "expect_column_values_to_be_json_parseable",
        "expect_column_values_to_match_json_schema", "expect_column_values_to_match_strftime_format",
        "expect_column_values_to_not_be_outliers",
    ),
    "Great Expectations cannot ask it of this database; write it as a query, with 'expect_few_violations'",
)  # fmt: skip
"""Expectations that Great Expectations has, and why they are not offered."""

_COLUMNS = ("column", "column_A", "column_B", "column_list")
"""Arguments that name columns which must be there."""


def names() -> tuple[str, ...]:
    """Return the names of Great Expectations' own expectations, without importing it: also those not offered."""
    return (*_ROW_BY_ROW, *_AS_A_WHOLE, *_REFUSED)


def check(suites: Sequence[SuiteFile], problems: Problems) -> None:
    """Note what is wrong with built-in expectations; Great Expectations is imported only if there are any."""
    used = [
        (suite, place, spec)
        for suite in suites
        for place, spec in enumerate(suite.expectations)
        if spec.type not in OWN_TYPES and spec.type in names()
    ]
    if not used:
        return
    with quiet():
        from great_expectations.expectations.registry import get_expectation_impl

        for suite, place, spec in used:
            if spec.type in _REFUSED:
                at = suite.at("expectations", place, "type")
                problems.add("OM840", f"'{spec.type}' is not offered here", at, _REFUSED[spec.type])
                continue
            if suite.meta_of(spec).table is None:
                hint = "say under 'meta:' which table it asks about, as 'table: cdm.person'"
                problems.add("OM807", f"'{spec.type}' has no table", suite.at("expectations", place), hint)
            _check_arguments(get_expectation_impl(spec.type), suite, place, problems)


def _check_arguments(implementation: Any, suite: SuiteFile, place: int, problems: Problems) -> None:
    spec = suite.expectations[place]
    steps: tuple[str | int, ...] = ("expectations", place, "kwargs")
    wrong = next(chain(_parameters(spec.kwargs), _ill_shaped(spec.kwargs)), None)
    if wrong:
        where, message, hint = wrong
        problems.add("OM841", f"{message} of '{spec.type}'", suite.at(*steps, *where), hint)
        return
    condition = spec.kwargs.get("row_condition")
    if isinstance(condition, str) and spec.kwargs.get("condition_parser") not in _PARSERS:
        hint = """write it as row_condition: 'col("age") >= 18' with condition_parser: great_expectations"""
        problems.add("OM842", "this row_condition is not one for a database", suite.at(*steps, "row_condition"), hint)
    try:
        implementation(**spec.kwargs)
    except Exception as error:  # it is built on another pydantic than ours, and raises errors of its own too
        found = error.errors() if hasattr(error, "errors") else [{"loc": (), "msg": "they cannot be read", "type": ""}]
        for one in found[:1]:  # what follows is often about the other types that an argument may have
            where = tuple(step for step in one["loc"] if step != "__root__")
            name = where[0] if where else ""
            if one["type"] == "value_error.extra":
                known = [*implementation.domain_keys, *implementation.success_keys]
                at = suite.at(*steps, *where, key=True)
                problems.add("OM841", f"'{spec.type}' has no argument '{name}'", at, did_you_mean(str(name), known))
            elif one["type"] == "value_error.missing":
                problems.add("OM841", f"'{spec.type}' needs '{name}'", suite.at(*steps))
            else:
                of = f" '{name}'" if name else "s"
                problems.add(
                    "OM841", f"the argument{of} of '{spec.type}' cannot be used: {one['msg']}", suite.at(*steps, *where)
                )


def _parameters(said: Any, where: tuple[str | int, ...] = ()) -> Iterator[_Wrong]:
    """Yield each place where a value is to come from outside: there is nobody who could give it."""
    if isinstance(said, Mapping):
        if "$PARAMETER" in said:
            yield where, "'$PARAMETER' cannot stand in the arguments", "write the value itself"
        for name, value in said.items():
            yield from _parameters(value, (*where, name))
    elif isinstance(said, list):
        for number, value in enumerate(said):
            yield from _parameters(value, (*where, number))


def _ill_shaped(kwargs: Mapping[str, Any]) -> Iterator[_Wrong]:
    """Yield what Great Expectations lets through and we cannot use."""
    mostly = kwargs.get("mostly")
    if mostly is not None and not _is_share(mostly):
        yield ("mostly",), "this is no 'mostly'", "it is a number from 0 to 1; 0.95 says that 95 in 100 must be right"
    for name in _COLUMNS:
        said = kwargs.get(name)
        several = name == "column_list"
        if said is not None and (not isinstance(said, list) if several else not isinstance(said, str)):
            shape = "a list of names, as [start_date, end_date]" if several else "the name of one column"
            yield (name,), f"this is no '{name}'", f"it is {shape}"
        elif several:
            for number, column in enumerate(said or ()):
                if not isinstance(column, str):
                    yield (name, number), f"this is no name of a column in '{name}'", "write names, as [start_date]"


def _is_share(said: Any) -> bool:
    if isinstance(said, bool) or not isinstance(said, (int, float, str)):
        return False
    try:
        return 0 <= float(said) <= 1  # a number that is written in an unusual way, as 0.90, is read as a text
    except ValueError:
        return False


_Wrong = tuple[tuple[str | int, ...], str, str]
"""The steps to what is wrong, what it is, and what to write instead."""

_PARSERS = ("great_expectations", "great_expectations__experimental__")


def expand(suite: SuiteFile, spec: ExpectationSpec, context: Context) -> tuple[Check, ...]:
    """Return the one check of a built-in expectation; ``mostly`` becomes the share that may fail."""
    meta = suite.meta_of(spec)
    assert meta.table is not None
    schema, _, table = meta.table.partition(".")
    columns = _columns(spec.kwargs)
    base = ".".join([suite.name, spec.type.removeprefix("expect_"), table, *columns])
    alike = [other for other in suite.expectations if _same(other, spec, suite)]
    number = next(n for n, other in enumerate(alike, 1) if other is spec)
    by_row = spec.type in _ROW_BY_ROW
    mostly = spec.kwargs.get("mostly") if by_row else None
    asked = ", ".join(f"{name} {value}" for name, value in spec.kwargs.items() if name not in ("column", "mostly"))
    words = spec.type.replace("_", " ").removeprefix("expect ")
    about = ", ".join(columns) or "the table"
    return (
        Check(
            id=base if number == 1 else f"{base}.{number}",
            suite=suite.name,
            type=spec.type,
            schema=next(known for known in get_args(Schema) if known == schema),
            table=table,
            column=columns[0] if columns else None,
            level="FIELD" if columns else "TABLE",
            category=meta.category or _category(spec.type),
            subcategory=meta.subcategory,
            context=meta.context or "Verification",
            severity=spec.severity,
            max_pct=float(100 * (1 - Fraction(str(mostly)))) if mostly is not None else None,
            description=spec.description.strip() or f"Of {about} is expected: {words}{f' ({asked})' if asked else ''}.",
            causes=spec.notes.strip(),
            unit=meta.unit or ("rows" if by_row else "expectations"),
            parameters={"needs": list(meta.needs), "arguments": dict(spec.kwargs)},
        ),
    )


def _same(one: ExpectationSpec, other: ExpectationSpec, suite: SuiteFile) -> bool:
    return (one.type, suite.meta_of(one).table, _columns(one.kwargs)) == (
        other.type, suite.meta_of(other).table, _columns(other.kwargs),
    )  # fmt: skip


def _columns(kwargs: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for name in _COLUMNS:
        said = kwargs.get(name)
        found += said if isinstance(said, list) else [said] if said is not None else []
    return found


def _category(name: str) -> str:
    if "null" in name or "row_count" in name:
        return "Completeness"
    formal = ("_in_set", "_regex", "_pattern", "_unique", "_type", "_to_exist", "_columns_", "column_count")
    return "Conformance" if any(word in name for word in formal) else "Plausibility"


def measure(db: DuckDB, checks: Sequence[Check], context: Context) -> list[Measurement]:
    """Ask Great Expectations about each table that the checks name, all its checks together.

    What asks row by row gives the failing rows of the judged ones (empty values are not judged, except where emptiness
    is what is asked); anything else 1 of 1 if it does not hold, and 0 of 1 if it does.
    """
    present = tables_of(db)
    found: dict[str, Measurement] = {}
    by_table: dict[tuple[str, str], list[Check]] = {}
    for asked in checks:
        reason = missing(asked, context, present)
        wrong = None if reason else _unknown_column(asked, context, present)
        if reason or wrong:
            found[asked.id] = Measurement(asked.id, not_applicable=reason, error=wrong)
        else:
            schema = context.cdm if asked.schema == "cdm" else asked.schema
            by_table.setdefault((schema, asked.table), []).append(asked)
    if by_table:
        with quiet(), _batches(db) as batch_of:
            for (schema, table), some in by_table.items():
                for measurement in _measured(batch_of(schema, table), some):
                    found[measurement.check_id] = measurement
    return [found[asked.id] for asked in checks]


def _unknown_column(asked: Check, context: Context, present: Mapping[str, Sequence[str]]) -> str | None:
    arguments = asked.parameters["arguments"]
    assert isinstance(arguments, Mapping)
    if asked.type == "expect_column_to_exist" or asked.type.startswith("expect_table_"):
        return None
    known = present[f"{context.cdm if asked.schema == 'cdm' else asked.schema}.{asked.table}"]
    for column in _columns(arguments):
        if column.lower() not in {name.lower() for name in known}:
            near = did_you_mean(column, known)
            return f"{asked.schema}.{asked.table} has no column '{column}'{f'; {near}' if near else ''}"
    return None


@contextmanager
def _batches(db: DuckDB) -> Iterator[Any]:
    """Give a function that returns a table as Great Expectations looks at it."""
    from omopify.engines.sqlalchemy import shared

    with shared(db) as url:
        source = ephemeral().data_sources.add_sql("omopify", connection_string=url, create_temp_table=False)

        def batch_of(schema: str, table: str) -> Batch:
            asset = source.add_table_asset(f"{schema}.{table}", table_name=table, schema_name=schema)
            batch = asset.add_batch_definition_whole_table("all").get_batch()
            # Great Expectations knows no regular expressions for DuckDB; those that it writes for Dremio are DuckDB's.
            batch.data.execution_engine.dialect_module = SimpleNamespace(DremioDialect=True)
            return batch

        yield batch_of


def _measured(batch: Batch, checks: Sequence[Check]) -> list[Measurement]:
    started = time.perf_counter()
    try:
        answers = _answers(batch, checks)
    except Exception:  # an argument that Great Expectations trips over; its own words may quote values
        answers = None
    seconds = (time.perf_counter() - started) / len(checks)
    if len(checks) > 1 and (answers is None or any(_raised(answer) for answer in answers.values())):
        # One statement asks for several expectations, so that one which fails takes others with it.
        return [found for one in checks for found in _measured(batch, [one])]
    if answers is None:
        return [Measurement(one.id, error=_NOT_ASKED, seconds=seconds) for one in checks]
    return [_measurement(one, answers.get(one.id), seconds) for one in checks]


def _answers(batch: Batch, checks: Sequence[Check]) -> dict[str, Any]:
    """Return what Great Expectations says of each check: counts only, without a value of the data."""
    import great_expectations as gx

    expectations = [
        {"type": one.type, "kwargs": one.parameters["arguments"], "meta": {"check": one.id}} for one in checks
    ]
    suite = gx.ExpectationSuite("omopify", expectations=expectations)
    how = {"result_format": "BASIC", "partial_unexpected_count": 0, "exclude_unexpected_values": True}
    return {
        answer.expectation_config.meta["check"]: answer
        for answer in batch.validate(suite, result_format=how).results
        if answer.expectation_config and answer.expectation_config.meta
    }


def _measurement(asked: Check, answer: Any, seconds: float) -> Measurement:
    if answer is None:
        return Measurement(asked.id, error="Great Expectations does not take its arguments")
    raised = _raised(answer)
    if raised:
        return Measurement(asked.id, error=raised)
    counts = answer.result
    if asked.type not in _ROW_BY_ROW:
        return Measurement(asked.id, 0 if answer.success else 1, 1, seconds=seconds)
    judged = int(counts["element_count"]) - int(counts.get("missing_count") or 0)
    if judged == 0:
        return Measurement(asked.id, 0, 0, not_applicable=NO_ROWS, seconds=seconds)
    return Measurement(asked.id, int(counts["unexpected_count"]), judged, seconds=seconds)


_NOT_ASKED = "Great Expectations could not ask this"

_KINDS_OF_ERRORS = {
    **REASONS,
    "InvalidColumnTypeError": "the column is of a type that this expectation cannot judge",
    "ConditionParserError": "the row_condition cannot be read",
}


def _raised(answer: Any) -> str | None:
    """Return in words of our own why Great Expectations could not ask; its own words may quote values."""
    info = answer.exception_info
    for one in [info] if "raised_exception" in info else info.values():
        if one["raised_exception"]:
            kinds = re.findall(r"\b\w+(?:Error|Exception)\b", str(one["exception_traceback"]))
            known = [_KINDS_OF_ERRORS[kind] for kind in kinds if kind in _KINDS_OF_ERRORS]
            return known[0] if known else _NOT_ASKED
    return None
