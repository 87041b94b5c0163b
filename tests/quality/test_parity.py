"""Our few statements find what one plain query for each check finds, on made-up CDMs that are broken at random."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems
from omopify.quality import cdm
from omopify.quality.judging import status
from omopify.quality.model import Check, Context, Measurement
from omopify.resources import data
from omopify.specs.quality import read_suite
from tests.quality.asked import DQD, from_dqd, from_suites
from tests.quality.damage import damaged
from tests.quality.oracle import Asked
from tests.quality.verdicts import Found, answer

SEEDS = (0, 4, 5, 7, 8, 20, 1077)


@pytest.fixture(scope="session")
def asked() -> Sequence[Asked]:
    return from_dqd() if DQD.is_dir() else from_suites()


@pytest.fixture(scope="session")
def checks() -> tuple[Check, ...]:
    return shipped_checks()


def shipped_checks(context: Context = Context()) -> tuple[Check, ...]:  # noqa: B008
    """Expand the shipped suites of the CDM."""
    problems = Problems()
    files = sorted(path for path in data("quality", "omop54").glob("*.yaml") if path.name != "check_types.yaml")
    suites = [suite for path in files if (suite := read_suite(path, problems))]
    problems.stop_if_errors()
    return tuple(check for suite in suites for spec in suite.expectations for check in cdm.expand(suite, spec, context))


def measured(path: Path, checks: Sequence[Check], schema: str = "cdm") -> dict[str, Measurement]:
    with DuckDB(path, read_only=True, name="result") as db:
        return {m.check_id: m for m in cdm.measure(db, checks, Context(cdm=schema))}


def differences(checks: Sequence[Check], found: dict[str, Found], ours: dict[str, Measurement]) -> list[str]:
    """Return a line for each check on which the two do not agree.

    A check that reads a column of another type than the CDM's may be an error to one of them: whether the database
    meets a text that is no number depends on how it is asked.  Where both count, they must agree there too.
    """
    lines = []
    for check in checks:
        theirs, mine = found[check.id], ours[check.id]
        judged = status(check, mine)
        if theirs.odd and "error" in (theirs.status, judged):
            continue
        same = theirs.status == judged and theirs.reason == _reason(mine.not_applicable)
        if same and judged in ("pass", "fail"):
            same = (theirs.violated, theirs.denominator) == (mine.violated, mine.denominator)
        if not same:
            lines.append(f"{check.id}: the oracle says {theirs}, we say {mine}")
    return lines


def _reason(said: str | None) -> str:
    """Return in a word why a check does not apply; the sentences are DQD's."""
    ends = {"does not exist.": "missing", "is empty.": "empty", "is not populated.": "empty"}
    if said is None:
        return ""
    if said.endswith(" table."):
        return "concept missing"
    return f"{said.split()[0].lower()} {next(word for end, word in ends.items() if said.endswith(end))}"


def test_the_shipped_suites_ask_what_dqd_asks(asked: Sequence[Asked], checks: Sequence[Check]) -> None:
    if not DQD.is_dir():
        pytest.skip("OHDSI's control files are not on this machine")
    assert sorted(from_suites(), key=_id) == sorted(asked, key=_id)
    thresholds = {check.id: (check.max_pct, check.type, check.table, check.column) for check in checks}
    assert thresholds == {a.id: (a.threshold, a.type, a.table, a.column) for a in asked}


@pytest.mark.parametrize("seed", SEEDS)
def test_all_checks_find_what_plain_queries_find(
    seed: int, asked: Sequence[Asked], checks: Sequence[Check], tmp_path: Path
) -> None:
    path, schema = tmp_path / "omop.duckdb", ("cdm", "partner_cdm")[seed % 2]
    with duckdb.connect(path, config={"threads": 1}) as connection:
        damaged(connection, asked, seed, schema)
        found = answer(connection, asked, schema)
    assert sum(1 for f in found.values() if f.violated) > 300, "too little is broken to say anything"
    assert differences(checks, found, measured(path, checks, schema)) == []


def _id(asked: Asked) -> str:
    return asked.id
