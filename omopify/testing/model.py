"""What became of the tests of maps: plain data that commands show and files keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from omopify.errors import Location
from omopify.testing.coverage import MapCoverage

NO_ROWS = "none"
"""What ``expect`` says of a table that must have no row."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One row that is not as expected, with the columns that the test names.

    ``differs``: the nearest row has other values in ``wrong``; ``missing``: there is no row like it; ``extra``: there
    is a row that the test does not expect.
    """

    kind: Literal["differs", "missing", "extra"]
    at: Location
    expected: Row | None
    actual: Row | None
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """How one table (or list of the accounting) is not as a test expects it."""

    table: str
    columns: tuple[str, ...]
    """The columns that the test names, in their order; all that are filled if it expects no row."""
    mismatches: tuple[Mismatch, ...]
    rows: int
    """How many rows there are."""
    expected: int
    """How many rows the test expects."""
    at: Location
    """Where the table is named."""
    stopped: str = ""
    """Why a run would stop here, instead of a table."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test: without ``differences`` it passed."""

    map: str
    name: str
    at: Location
    differences: tuple[Difference, ...] = ()
    remembered: bool = False
    """It passed before, and nothing that it depends on has changed since."""
    skipped: str = ""
    """Why it was not run."""
    hint: str = ""
    """What may be behind its failure."""

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences and not self.skipped


@dataclass(frozen=True, slots=True)
class Report:
    """What became of the tests that were asked for."""

    outcomes: tuple[Outcome, ...]
    coverage: tuple[MapCoverage, ...] = ()
    untested: tuple[str, ...] = ()
    """Maps without a test."""

    @property
    def failed(self) -> Sequence[Outcome]:
        """The tests that failed."""
        return [outcome for outcome in self.outcomes if outcome.differences]

    @property
    def skipped(self) -> Sequence[Outcome]:
        """The tests that were not run, because the vocabulary lacks what they expect."""
        return [outcome for outcome in self.outcomes if outcome.skipped]

    @property
    def counts(self) -> dict[str, int]:
        """How many tests were judged (``run``, now or before), passed and failed, and how many skipped."""
        failed, skipped = len(self.failed), len(self.skipped)
        run = len(self.outcomes) - skipped
        return {"run": run, "passed": run - failed, "failed": failed, "skipped": skipped}
