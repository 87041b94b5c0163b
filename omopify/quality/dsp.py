"""Checks that follow from the project's shared model: agreed values, and what a transfer must bring.

The suite says two expectations; each becomes one check for each field that it is about, so that a new field or a new
value of the model is asked about without another word.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.errors import OmopifyError
from omopify.quality.model import Check, Context, Measurement
from omopify.quality.sqlchecks import NO_ROWS, tables_of
from omopify.specs.packs import ModelField, TableFile
from omopify.specs.quality import DspConformsKwargs, ExpectationSpec, SuiteFile

_MOST_NAMED = 12
"""How many values of a set a description names."""


def expand(suite: SuiteFile, spec: ExpectationSpec, context: Context) -> tuple[Check, ...]:
    """Return one check for each field that an expectation of type ``expect_dsp_tables_to_conform`` is about.

    ``values_in_set`` is about every field of the model with a value set; ``required_present`` about the required fields
    of the tables that travel with the context's transfer (of all tables if there is none), and then also asks
    whether each of these tables has rows, which is never more than a warning.
    """
    kwargs = DspConformsKwargs.model_validate(spec.kwargs)
    build = _value_sets if kwargs.check_type == "values_in_set" else _required
    return tuple(build(suite, spec, kwargs.max_pct, context))


def measure(db: DuckDB, checks: Sequence[Check], context: Context) -> list[Measurement]:
    """Count judged and violating rows of all checks, in one statement.

    If the database refuses it each table is asked alone, so that one of them hides nothing of the others.
    """
    there = tables_of(db)
    found: dict[str, Measurement] = {}
    by_table: dict[str, list[Check]] = {}
    for check in checks:
        unasked = _unasked(check, there, context)
        if unasked:
            found[check.id] = unasked
        else:
            by_table.setdefault(check.table, []).append(check)
    for measurement in _counted(db, by_table):
        found[measurement.check_id] = measurement
    return [found[check.id] for check in checks]


def _value_sets(suite: SuiteFile, spec: ExpectationSpec, most: float, context: Context) -> Iterator[Check]:
    for table, field, model in _fields(context.tables.values()):
        if model.values:
            named = ", ".join(model.values[:_MOST_NAMED]) + (" ..." if len(model.values) > _MOST_NAMED else "")
            asked = f"Does '{field}' of {table.table} hold agreed values only: {named}?{_meant(model)}"
            check = _check(suite, spec, most, "values_in_set", table, field, asked, tuple(model.values), model.type)
            yield replace(check, category="Conformance", subcategory="Value", unit="values")


def _required(suite: SuiteFile, spec: ExpectationSpec, most: float, context: Context) -> Iterator[Check]:
    travelling = [table for table in context.tables.values() if context.transfer in (None, *table.transfer)]
    if context.transfer:
        for table in travelling:
            asked = f"Does {table.table} have any rows? It travels with the transfer '{context.transfer}'."
            check = _check(suite, spec, most, "required_present", table, None, asked)
            yield replace(check, severity="warning", unit="tables")
    for table, field, model in _fields(travelling):
        if model.required:
            asked = f"Is '{field}' filled in each row of {table.table}?{_meant(model)}"
            yield _check(suite, spec, most, "required_present", table, field, asked)


def _fields(tables: Iterable[TableFile]) -> Iterator[tuple[TableFile, str, ModelField]]:
    for table in tables:
        for field, model in table.fields.items():
            yield table, field, model


def _meant(model: ModelField) -> str:
    return f" ({model.definition})" if model.definition else ""


def _check(
    suite: SuiteFile,
    spec: ExpectationSpec,
    most: float,
    kind: str,
    table: TableFile,
    field: str | None,
    asked: str,
    values: Sequence[str] = (),
    field_type: str = "text",
) -> Check:
    asks: dict[str, object] = {"values": list(values), "type": field_type}
    violating = {"table": table.table, "check": {"column": field, **asks}}
    return Check(
        id=".".join(filter(None, (suite.name, kind, table.table, field))),
        suite=suite.name,
        type=kind,
        schema="dsp",
        table=table.table,
        column=field,
        level="FIELD" if field else "TABLE",
        category="Completeness",
        context="Verification",
        severity=spec.severity,
        max_pct=most,
        description=asked,
        causes=spec.notes.strip(),
        parameters=asks,
        rows_sql=render("quality/dsp/rows.sql.jinja", **violating) if field else "",
    )


def _unasked(check: Check, there: Mapping[str, Sequence[str]], context: Context) -> Measurement | None:
    """Return why a check cannot be counted, or None if it can."""
    if "dsp" not in context.schemas:
        return Measurement(check.id, not_applicable="the result has no harmonised tables")
    columns = there.get(f"dsp.{check.table}")
    if columns is None:
        return Measurement(check.id, not_applicable=f"the result has no table dsp.{check.table}")
    if check.column and check.column not in columns:
        return Measurement(check.id, error=f"the table dsp.{check.table} has no field '{check.column}'")
    return None


def _counted(db: DuckDB, by_table: Mapping[str, Sequence[Check]]) -> Iterator[Measurement]:
    if not by_table:
        return
    asked = [(name, [{"column": c.column, **c.parameters} for c in checks]) for name, checks in by_table.items()]
    started = time.perf_counter()
    try:
        counts = db.rows(render("quality/dsp/counts.sql.jinja", tables=asked))
    except OmopifyError as error:
        if len(by_table) > 1:
            for name, checks in by_table.items():
                yield from _counted(db, {name: checks})
            return
        message = error.problems[0].message  # says the kind of the database's error, never its words
        yield from (Measurement(check.id, error=message) for checks in by_table.values() for check in checks)
        return
    number = sum(len(checks) for checks in by_table.values())
    seconds = (time.perf_counter() - started) / number
    for name, judged, violated in counts:
        for check, of, failing in zip(by_table[name], judged, violated, strict=True):
            yield _measurement(check, failing, of, seconds)


def _measurement(check: Check, violated: int, judged: int, seconds: float) -> Measurement:
    if check.column is None:  # one table is judged: has it any row?
        return Measurement(check.id, int(judged == 0), 1, seconds=seconds)
    if not judged:
        return Measurement(check.id, 0, 0, not_applicable=NO_ROWS, seconds=seconds)
    return Measurement(check.id, violated, judged, seconds=seconds)
