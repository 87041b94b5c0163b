"""From suites to checks: one check for each entry of ``checks:``, with DataQualityDashboard's id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from omopify import cdm
from omopify.compiler.render import render
from omopify.errors import Problems, did_you_mean
from omopify.quality.cdm.ways import BIRTH, TYPES, row_id, way_of
from omopify.quality.cdm.wording import MOVING, NO_UNIT, check_types, say
from omopify.quality.model import Check, Context
from omopify.specs.quality import CDM_CHECKS, CheckTypeSpec, ExpectationSpec, SuiteFile
from omopify.specs.yamlfile import Step

_NOT_LISTED = ("catalogue",)
"""Ways to measure that leave no rows to list."""


def expand(suite: SuiteFile, spec: ExpectationSpec, context: Context) -> tuple[Check, ...]:
    """Return the checks of one expectation, in the order in which they are written.

    The suite must have passed :func:`check`.  The ids are those of DataQualityDashboard
    (``field_isrequired_person_person_id``).
    """
    kind, table = str(spec.kwargs["check_type"]), str(spec.kwargs["cdm_table"])
    common = check_types()[kind]
    told: Mapping[str, Mapping[str, Any]] = spec.kwargs["checks"]
    return tuple(_check(suite, spec, context, common, kind, table, key, words) for key, words in told.items())


def _check(
    suite: SuiteFile,
    spec: ExpectationSpec,
    context: Context,
    common: CheckTypeSpec,
    kind: str,
    table: str,
    key: str,
    words: Mapping[str, Any],
) -> Check:
    column = {"TABLE": None, "FIELD": key}.get(common.level, cdm.words(table).get("concept"))
    concept_id = key.replace(" ", "") if common.level == "CONCEPT" else None
    names = (common.level, kind, table, column, concept_id)
    asked = Check(
        id="_".join(name for name in names if name).lower(),
        suite=suite.name,
        type=kind,
        schema="cdm",
        table=table,
        column=column,
        level=common.level,
        category=common.category,
        severity=spec.severity,
        max_pct=float(words["max_pct"]) if "max_pct" in words else None,
        description="",
        causes=spec.notes or common.causes,
        subcategory=common.subcategory,
        context=common.context,
        concept_id=concept_id,
        unit=common.unit,
        parameters={
            name: list(value) if isinstance(value, list) else value
            for name, value in words.items()
            if name != "max_pct"
        },
    )
    way = way_of(asked)
    rows = ""
    if way not in _NOT_LISTED:
        rows = render("quality/cdm/rows.sql.jinja", check=asked, cdm=context.cdm, row_id=f"t.{row_id(table)}", way=way)
    return replace(asked, description=say(spec.description or common.description, asked), rows_sql=rows)


def check(suites: Iterable[SuiteFile], problems: Problems) -> None:
    """Note what is wrong with expectations about the CDM: OM845 an unknown name, OM846 a parameter."""
    for suite in suites:
        for place, spec in enumerate(suite.expectations):
            if spec.type == CDM_CHECKS:
                _check_names(suite, place, spec, problems)


def _check_names(suite: SuiteFile, place: int, spec: ExpectationSpec, problems: Problems) -> None:
    steps = ("expectations", place, "kwargs")
    kind, table = str(spec.kwargs["check_type"]), str(spec.kwargs["cdm_table"])
    if kind not in TYPES:
        at, hint = suite.at(*steps, "check_type"), did_you_mean(kind, TYPES)
        problems.add("OM845", f"there is no type of check '{kind}'", at, hint)
        return
    if table not in cdm.tables():
        at, hint = suite.at(*steps, "cdm_table"), did_you_mean(table, cdm.tables())
        problems.add("OM845", f"the CDM has no table '{table}'", at, hint)
        return
    common = check_types()[kind]
    for key, words in spec.kwargs["checks"].items():
        _check_key(suite, (*steps, "checks", key), common, table, key, problems)
        _check_words(suite, (*steps, "checks", key), common, table, words, problems)


def _check_key(
    suite: SuiteFile, steps: tuple[Step, ...], common: CheckTypeSpec, table: str, key: str, problems: Problems
) -> None:
    at = suite.at(*steps, key=True)
    if common.level == "TABLE" and key != table:
        problems.add("OM845", f"this type of check is about a whole table, not '{key}'", at, f"write '{table}:'")
    elif common.level == "FIELD":
        _check_field(f"{table}.{key}", problems, at)
    elif common.level == "CONCEPT":
        if not re.fullmatch(r"\d+( *, *\d+)*", key):
            hint = "write the concept's number, as 3013721; several with commas between them"
            problems.add("OM845", f"'{key}' is no concept", at, hint)
        if "concept" not in cdm.words(table):
            problems.add("OM845", f"'{table}' has no field for the concept of its rows", at)


def _check_field(name: str, problems: Problems, at: Any) -> None:
    table, _, field = name.partition(".")
    if table not in cdm.tables():
        problems.add("OM845", f"the CDM has no table '{table}'", at, did_you_mean(table, cdm.tables()))
        return
    fields = [known.name for known in cdm.tables()[table].fields]
    if field not in fields:
        problems.add("OM845", f"the table '{table}' has no field '{field}'", at, did_you_mean(field, fields))


def _check_words(
    suite: SuiteFile,
    steps: tuple[Step, ...],
    common: CheckTypeSpec,
    table: str,
    words: Mapping[str, Any],
    problems: Problems,
) -> None:
    known = ("max_pct", *common.needs, *common.allows)
    for word in common.needs:
        if word not in words:
            problems.add("OM846", f"'{word}' is missing in '{steps[-1]}'", suite.at(*steps, key=True))
    for word, value in words.items():
        if word not in known:
            hint = did_you_mean(word, known) or f"known here: {', '.join(known)}"
            problems.add("OM846", f"unknown word '{word}' in '{steps[-1]}'", suite.at(*steps, word, key=True), hint)
        elif wanted := _wanted(word, value):
            problems.add("OM846", f"'{word}' should be {wanted}", suite.at(*steps, word))
        elif word in ("end", "after", "concept", "source_value", "refers_to") and value != BIRTH:
            name = value if word == "refers_to" else f"{table}.{value}"
            _check_field(name, problems, suite.at(*steps, word))


def _wanted(word: str, value: object) -> str:
    """Say what the value of a parameter should be, or nothing if it is that."""
    match word:
        case "max_pct":
            fits = _is_number(value) and 0 <= float(str(value)) <= 100
            return "" if fits else "a number from 0 to 100"
        case "lowest" | "highest":
            fits = _is_number(value) or str(value) in MOVING or _is_day(value)
            return "" if fits else f"a number, a day such as 1950-01-01, {' or '.join(MOVING)}"
        case "domains":
            fits = isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
            return "" if fits else "a list such as [Drug]"
        case "units":
            fits = isinstance(value, list) and bool(value) and all(type(u) is int or u == NO_UNIT for u in value)
            return "" if fits else f"a list of concepts such as [8840, 9028]; '{NO_UNIT}' for no unit"
        case "gender":
            return "" if value in ("Male", "Female") else "Male or Female"
        case "refers_to":
            return "" if re.fullmatch(r"\w+\.\w+", str(value)) else "a table and its field, as concept.concept_id"
        case _:
            return "" if isinstance(value, str) else "a word"


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and bool(re.fullmatch(r"-?\d+(\.\d+)?", str(value)))


def _is_day(value: object) -> bool:
    try:
        return date.fromisoformat(str(value)).isoformat() == value
    except ValueError:
        return False
