"""Our own types of expectation, as Great Expectations knows them.

Importing this module imports Great Expectations, which costs seconds: only ``judging`` does, when it judges.

What they look at is not the data but the counts that were measured: a batch of one row per check.  Each expectation
knows its checks by ``meta.checks`` and judges them by its own arguments, which are those of the suite.  Arguments are
not called ``table`` or ``column``, which Great Expectations takes for parts of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import parse_result_format
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies

from omopify.quality.judging import CHECKS, counts_in, decide

_COUNTS = "omopify.counts"


class Counts(TableMetricProvider):
    """What was measured, by check; Great Expectations works it out once for all expectations."""

    metric_name = _COUNTS

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> Any:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type="table")
        return counts_in(frame)


class _Judged(BatchExpectation):
    """An expectation about counts: it holds when none of its checks fails or has an error."""

    metric_dependencies: ClassVar[tuple[str, ...]] = (_COUNTS,)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)

    def get_validation_dependencies(
        self, execution_engine: Any = None, runtime_configuration: dict[str, Any] | None = None
    ) -> ValidationDependencies:
        """Say that the counts are needed. What is inherited works out the same in 60 % of all the time."""
        counts = MetricConfiguration(_COUNTS, {"batch_id": self.batch_id}, {})
        result_format = parse_result_format((runtime_configuration or {}).get("result_format", {}))
        return ValidationDependencies({_COUNTS: counts}, result_format)

    def _limits(self, number: int) -> tuple[float | None, Mapping[str, float]]:
        """Return the share that may fail, and that of parts which have one of their own."""
        raise NotImplementedError

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        counts = metrics[_COUNTS]
        judged = {}
        for number, check_id in enumerate((self.meta or {})[CHECKS]):
            max_pct, parts = self._limits(number)
            measured = counts[check_id]
            judged[check_id] = {
                "status": decide(measured, max_pct, parts),
                "violated": measured.violated,
                "denominator": measured.denominator,
            }
        failing = [check_id for check_id, found in judged.items() if found["status"] in ("fail", "error")]
        result = {"observed_value": len(judged) - len(failing), "details": {CHECKS: judged}}
        return {"success": not failing, "result": result}


class ExpectCdmChecksToPass(_Judged):
    """Checks of one type on one table of the CDM."""

    check_type: str
    cdm_table: str
    checks: dict[str, dict[str, Any]]
    success_keys: ClassVar[tuple[str, ...]] = ("check_type", "cdm_table", "checks")
    args_keys: ClassVar[tuple[str, ...]] = success_keys

    def _limits(self, number: int) -> tuple[float | None, Mapping[str, float]]:
        return list(self.checks.values())[number].get("max_pct"), {}


class ExpectFewViolations(_Judged):
    """A query that says of each row whether it violates a rule."""

    check: str
    max_pct: float = 0
    sql: str | None = None
    rows: str | None = None
    parameters: dict[str, Any] | None = None
    parts: dict[str, float] | None = None
    success_keys: ClassVar[tuple[str, ...]] = ("check", "max_pct", "sql", "rows", "parameters", "parts")
    args_keys: ClassVar[tuple[str, ...]] = success_keys

    def _limits(self, number: int) -> tuple[float | None, Mapping[str, float]]:
        return self.max_pct, self.parts or {}


class ExpectDspTablesToConform(_Judged):
    """One check for each field of the shared model."""

    check_type: str
    max_pct: float = 0
    success_keys: ClassVar[tuple[str, ...]] = ("check_type", "max_pct")
    args_keys: ClassVar[tuple[str, ...]] = success_keys

    def _limits(self, number: int) -> tuple[float | None, Mapping[str, float]]:
        return self.max_pct, {}


class ExpectBuiltInToPass(_Judged):
    """One of Great Expectations' own expectations, which has looked at the table and left counts."""

    expectation: str
    cdm_table: str
    arguments: dict[str, Any]
    max_pct: float | None = None
    success_keys: ClassVar[tuple[str, ...]] = ("expectation", "cdm_table", "arguments", "max_pct")
    args_keys: ClassVar[tuple[str, ...]] = success_keys

    def _limits(self, number: int) -> tuple[float | None, Mapping[str, float]]:
        return self.max_pct, {}
