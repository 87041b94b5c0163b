"""The functions that a map's expressions may use; the reference in docs/ is made from this table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from omopify.compiler.typed import BOOLEAN, DATE, INTEGER, NUMBER, TEXT


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language: what it takes and gives, its SQL, and where it may stand."""

    arguments: tuple[str, ...]
    result: str
    sql: str
    optional: int = 0
    kind: str = "scalar"


def _f(signature: str, result: str, sql: str, optional: int = 0, kind: str = "scalar") -> Function:
    return Function(tuple(signature.split()), result, sql, optional, kind)


ANY = "any"
FUNCTIONS: Mapping[str, Function] = {
    "lower": _f("text", TEXT, "lower({0})"),
    "upper": _f("text", TEXT, "upper({0})"),
    "trim": _f("text", TEXT, "trim({0})"),
    "length": _f("text", INTEGER, "length({0})"),
    "left": _f("text integer", TEXT, "left({0}, {1})"),
    "right": _f("text integer", TEXT, "right({0}, {1})"),
    "substr": _f("text integer integer", TEXT, "substr({0}, {1}, {2})", optional=1),
    "replace": _f("text text text", TEXT, "replace({0}, {1}, {2})"),
    "starts_with": _f("text text", BOOLEAN, "(substr({0}, 1, length({1})) = {1})"),
    "contains": _f("text text", BOOLEAN, "(strpos({0}, {1}) > 0)"),
    "matches": _f("text text", BOOLEAN, "o_matches({0}, {1})"),
    "capture": _f("text text integer", TEXT, "o_rx({0}, {1}, {2})", optional=1),
    "part": _f("text text integer", TEXT, "o_part({0}, {1}, {2})"),
    "fold": _f("text", TEXT, "o_fold({0})"),
    "number": _f("text", NUMBER, ""),
    "date": _f("text", DATE, ""),
    "text": _f("any", TEXT, ""),
    "year": _f("any", INTEGER, ""),
    "month": _f("any", INTEGER, ""),
    "day": _f("date", INTEGER, "CAST(extract(day FROM {0}) AS integer)"),
    "days_between": _f("date date", INTEGER, "o_days({0}, {1})"),
    "years_between": _f("date date", INTEGER, "o_years({0}, {1})"),
    "add_days": _f("date integer", DATE, "o_add({0}, {1})"),
    "make_date": _f("integer integer integer", DATE, "o_ymd({0}, {1}, {2})"),
    "abs": _f("number", NUMBER, "abs(CAST({0} AS double))"),
    "round": _f("number integer", NUMBER, "round(CAST({0} AS double), {1})", optional=1),
    "floor": _f("number", NUMBER, "floor(CAST({0} AS double))"),
    "ceil": _f("number", NUMBER, "ceil(CAST({0} AS double))"),
    "min": _f("any", "same", "min({0})", kind="aggregate"),
    "max": _f("any", "same", "max({0})", kind="aggregate"),
    "sum": _f("number", NUMBER, "sum(CAST({0} AS double))", kind="aggregate"),
    "avg": _f("number", NUMBER, "avg({0})", kind="aggregate"),
    "count": _f("any", INTEGER, "count({0})", kind="aggregate"),
    "any_true": _f("boolean", BOOLEAN, "(max(CASE WHEN {0} THEN 1 ELSE 0 END) = 1)", kind="aggregate"),
    "lead": _f("any", "same", "lead({0})", kind="window"),
    "lag": _f("any", "same", "lag({0})", kind="window"),
    "first": _f("any", "same", "first_value({0})", kind="window"),
    "row_number": _f("", INTEGER, "row_number()", kind="window"),
}
"""Every function of the language: the types it takes, the type it gives, its SQL, and where it may stand."""

SAME_TYPE = ("coalesce", "nullif", "greatest", "least", "if", "concat")
"""Functions that take several values of one type; they are written out below."""
