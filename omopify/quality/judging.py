"""Judge what was measured: through Great Expectations, and by a rule of its own that must say the same.

The rule is DQD's (evaluateThresholds.R): without a threshold, or with 0, one violation is a failure; else the share of
violations must be above the threshold.  Great Expectations drops expectations that it does not understand and catches
what goes wrong, both in silence; so that a green result means something, it is counted that every check was judged
exactly once, and that both say the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from fractions import Fraction
from typing import Any

from omopify.errors import OmopifyError, Problem
from omopify.quality.gx import ephemeral, quiet
from omopify.quality.model import Check, Measurement, Part, Result, Status
from omopify.specs.quality import CDM_CHECKS, OWN_TYPES, ExpectationSpec, SuiteFile

CHECKS = "checks"
"""The word of ``meta`` under which an expectation names its checks."""

BUILT_IN = "expect_built_in_to_pass"
"""The type under which the counts of Great Expectations' own expectations are judged."""

_NOT_MEASURED = "it was not measured; run 'omopify quality' without --rejudge"

_FRAME = ("check_id", "violated", "denominator", "not_applicable", "error", "parts")


def status(check: Check, measurement: Measurement) -> Status:
    """Say what became of a check, by its own threshold and what was measured."""
    if check.change and check.change.off:
        return "off"
    limits = check.parameters.get("parts", {})
    assert isinstance(limits, Mapping)
    return decide(measurement, check.max_pct, limits)


def decide(measurement: Measurement, max_pct: float | None, parts: Mapping[str, float]) -> Status:
    """Say what became of a check of which at most *max_pct* may fail, and of some parts another share.

    A check with parts fails when one of them is above its limit.  As in DQD, a share of no rows is 0.
    """
    m = measurement
    if m.error is not None or (m.not_applicable is None and (m.violated is None or m.denominator is None)):
        return "error"
    if m.not_applicable is not None:
        return "not applicable"
    judged = m.parts or (Part("", m.violated or 0, m.denominator or 0),)
    return "fail" if any(_is_above(part, parts.get(part.name, max_pct)) for part in judged) else "pass"


def _is_above(part: Part, max_pct: float | None) -> bool:
    if not max_pct:
        return part.violated > 0
    # As fractions: 7 of 100 is not more than 7 %, whatever binary numbers make of it.
    return part.denominator > 0 and 100 * part.violated > Fraction(str(max_pct)) * part.denominator


def judge(
    suites: Sequence[SuiteFile], checks: Sequence[Check], measurements: Sequence[Measurement]
) -> tuple[tuple[Result, ...], dict[str, Any]]:
    """Judge all checks through Great Expectations.

    Returns the results, in the order of the checks, and Great Expectations' own validation result without what
    tells something about the machine.

    Raises:
        OmopifyError: OM809 Great Expectations has not judged every check once, or says something else than we do.
    """
    measured = {m.check_id: m for m in measurements}
    results = []
    for check in checks:
        m = measured.get(check.id, Measurement(check.id))
        state = status(check, m)
        if state == "error" and m.error is None:
            m = replace(m, error=_NOT_MEASURED)
        results.append(Result(check, m, state))
    expected = {result.check.id: result.status for result in results if result.status != "off"}
    validation = _validated(_expectations(suites, checks), results)
    _prove(validation, expected)
    return tuple(results), validation


def _expectations(suites: Sequence[SuiteFile], checks: Sequence[Check]) -> list[dict[str, Any]]:
    """Return the expectations as Great Expectations reads them: those of the suites, as the project changed them.

    Great Expectations knows one severity for each, and some types know one threshold: checks that the project has set
    apart make an expectation of their own.
    """
    of: dict[tuple[str, int], list[Check]] = {}
    for check in checks:
        of.setdefault((check.suite, check.place), []).append(check)
    made = []
    for suite in suites:
        for place, spec in enumerate(suite.expectations):
            asked = of.pop((suite.name, place), [])
            if spec.type == CDM_CHECKS:
                pairs = list(zip(spec.kwargs["checks"], asked, strict=True))
            else:
                pairs = [("", check) for check in asked]
            groups: dict[tuple[object, ...], list[tuple[str, Check]]] = {}
            for key, check in pairs:
                if not (check.change and check.change.off):
                    alike = (check.severity,) if spec.type == CDM_CHECKS else (check.severity, check.max_pct)
                    groups.setdefault(alike, []).append((key, check))
            made += [_expectation(suite, spec, group) for group in groups.values()]
    return made


def _expectation(suite: SuiteFile, spec: ExpectationSpec, pairs: Sequence[tuple[str, Check]]) -> dict[str, Any]:
    first = pairs[0][1]
    name, kwargs = spec.type, dict(spec.kwargs)
    if spec.type == CDM_CHECKS:
        kwargs["checks"] = {key: {**spec.kwargs["checks"][key], "max_pct": check.max_pct} for key, check in pairs}
    elif spec.type in OWN_TYPES:
        kwargs["max_pct"] = first.max_pct
    else:
        table = f"{first.schema}.{first.table}"
        kwargs = {"expectation": spec.type, "cdm_table": table, "arguments": kwargs, "max_pct": first.max_pct}
        name = BUILT_IN
    return {
        "type": name,
        "kwargs": kwargs,
        "severity": first.severity,
        "description": spec.description or None,
        "notes": spec.notes or None,
        "meta": {**spec.meta, "suite": suite.name, CHECKS: [check.id for _, check in pairs]},
    }


def _validated(expectations: Sequence[Mapping[str, Any]], results: Sequence[Result]) -> dict[str, Any]:
    """Have Great Expectations judge the counts, and return its result without what tells about the machine."""
    with quiet():
        import great_expectations as gx
        import pandas as pd  # type: ignore[import-untyped]

        import omopify.quality.expectations as registered

        assert registered  # importing it makes our types known
        rows = [
            (
                m.check_id,
                m.violated,
                m.denominator,
                m.not_applicable,
                m.error,
                json.dumps([astuple(p) for p in m.parts]),
            )
            for m in (result.measurement for result in results)
        ]
        frame = pd.DataFrame(rows, columns=list(_FRAME), dtype=object)
        asset = ephemeral().data_sources.add_pandas("omopify").add_dataframe_asset("counts")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        suite = gx.ExpectationSuite("omopify", expectations=[dict(written) for written in expectations])
        if len(suite.expectations) != len(expectations):
            lost = len(expectations) - len(suite.expectations)
            raise _fault(f"Great Expectations has dropped {lost} of {len(expectations)} expectations")
        return _scrubbed(batch.validate(suite))


def _scrubbed(found: Any) -> dict[str, Any]:
    results = []
    for one in found.results:
        config = one.expectation_config
        raised = any(info.get("raised_exception") for info in _infos(one.exception_info))
        results.append(
            {
                "success": bool(one.success),
                "expectation_config": {
                    "type": config.type,
                    "kwargs": {name: value for name, value in config.kwargs.items() if name != "batch_id"},
                    "meta": {name: value for name, value in config.meta.items() if name != CHECKS},
                    "severity": config.severity.value,
                    "description": config.description,
                    "notes": config.notes,
                },
                "result": one.result,
                "exception_info": {"raised_exception": raised},
            }
        )
    return {
        "success": bool(found.success),
        "suite_name": found.suite_name,
        "statistics": found.statistics,
        "meta": {"great_expectations_version": found.meta["great_expectations_version"]},
        "results": results,
    }


def _infos(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    # Either one description of what was raised, or one for each metric.
    return [info] if "raised_exception" in info else list(info.values())


def _prove(validation: Mapping[str, Any], expected: Mapping[str, Status]) -> None:
    seen: Counter[str] = Counter()
    for one in validation["results"]:
        name = f"{one['expectation_config']['type']}' of suite '{one['expectation_config']['meta']['suite']}"
        if one["exception_info"]["raised_exception"]:
            raise _fault(f"Great Expectations could not judge '{name}'")
        judged = {check_id: found["status"] for check_id, found in one["result"]["details"][CHECKS].items()}
        seen.update(judged.keys())
        for check_id, said in judged.items():
            if said != expected.get(check_id):
                raise _fault(
                    f"Great Expectations says '{said}' of '{check_id}', and omopify '{expected.get(check_id)}'"
                )
        if one["success"] != all(said not in ("fail", "error") for said in judged.values()):
            raise _fault(f"Great Expectations' verdict on '{name}' is not that of its checks")
    wrong = [check_id for check_id in expected if seen[check_id] != 1]
    if wrong:
        raise _fault(f"Great Expectations has judged '{wrong[0]}' {seen[wrong[0]]} times")


def _fault(message: str) -> OmopifyError:
    hint = "this is a fault of omopify, or of the version of Great Expectations that is installed; please report it"
    return OmopifyError(Problem("OM809", message, hint=hint))


def counts_in(frame: Any) -> dict[str, Measurement]:
    """Read measurements back from the frame that Great Expectations was given."""
    found = {}
    for check_id, violated, denominator, not_applicable, error, parts in frame.itertuples(index=False, name=None):
        named = tuple(Part(*part) for part in json.loads(parts))
        found[check_id] = Measurement(check_id, violated, denominator, not_applicable, error, named)
    return found
