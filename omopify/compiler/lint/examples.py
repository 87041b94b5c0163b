"""Maps without a test (OM928), and tests that name what is not there (OM929)."""

from __future__ import annotations

from collections.abc import Iterable

from omopify import cdm
from omopify.compiler.lint.look import Look
from omopify.compiler.plan import MapPlan
from omopify.errors import did_you_mean
from omopify.specs.maps import MapFile, Test

_AUDIT = ("rejects", "value_issues", "imputations", "unmapped", "lookups", "filters")
"""What a test may expect beside rows of the result."""


def examples(look: Look) -> None:
    """Note maps that nothing tests, and names in tests that nothing has."""
    for loaded, plan in look.maps():
        spec = loaded.spec
        if not spec.tests:
            hint = "write given and expected rows under 'tests:'; 'omopify test --freeze' makes a first one"
            look.warn("OM928", f"the map '{spec.map}' has no test", spec.at("map"), hint)
        for number, test in enumerate(spec.tests):
            _given(look, spec, plan, number, test)
            _expected(look, spec, number, test)


def _given(look: Look, spec: MapFile, plan: MapPlan, number: int, test: Test) -> None:
    for name, rows in test.given.items():
        relation = look.relation(name)
        if relation is None:
            hint = did_you_mean(name, look.context.relation_names()) or "a source of trial.yaml, or 'dsp.<table>'"
            at = spec.at("tests", number, "given", name, key=True)
            look.warn("OM929", f"the test gives rows of '{name}', which is no source or table", at, hint)
        elif relation.known:
            columns = {*relation.columns, *(c for source, c in plan.columns if source == name)}
            for place, row in enumerate(rows):
                _columns(look, spec, columns, row, f"'{name}'", ("tests", number, "given", name, place))


def _expected(look: Look, spec: MapFile, number: int, test: Test) -> None:
    for name, rows in test.expect.items():
        shared = look.pack.tables.get(name.removeprefix("dsp.")) if name.startswith("dsp.") else None
        table = cdm.tables().get(name.removeprefix("cdm."))
        if shared is None and table is None and name.removeprefix("audit.") not in _AUDIT:
            known = [*(f"dsp.{t}" for t in look.pack.tables), *cdm.tables(), *_AUDIT]
            at = spec.at("tests", number, "expect", name, key=True)
            hint = did_you_mean(name, known) or f"a table of OMOP, 'dsp.<table>' or one of: {', '.join(_AUDIT)}"
            look.warn("OM929", f"the test expects rows of '{name}', which is no table", at, hint)
        columns = {"trial", *shared.fields} if shared else {f.name for f in table.fields} if table else set()
        for place, row in enumerate(rows) if columns and isinstance(rows, list) else ():
            if isinstance(row, dict):
                _columns(look, spec, columns, row, f"'{name}'", ("tests", number, "expect", name, place))


def _columns(
    look: Look, spec: MapFile, known: Iterable[str], row: Iterable[str], owner: str, steps: tuple[str | int, ...]
) -> None:
    folded = {column.casefold() for column in known} | {"_file", "_row", "map"}
    for column in row:
        if str(column).casefold() not in folded:
            hint = did_you_mean(str(column), known) or "correct the name, or leave it out"
            look.warn(
                "OM929",
                f"the test names a column '{column}', which {owner} has not",
                spec.at(*steps, str(column), key=True),
                hint,
            )
