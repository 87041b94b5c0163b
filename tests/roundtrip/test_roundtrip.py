"""Each export, made from the truth, is converted back into it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from .compare import Expectation, compare, drawn, model
from .conftest import PATIENTS, SEED, TRIALS, convert
from .messy import compare_messy, find_dirt


@pytest.mark.parametrize("format", ["csv", "xlsx"])
@pytest.mark.parametrize("name", TRIALS)
def test_a_clean_export_gives_the_truth_back(
    tmp_path: Path, name: str, format: Literal["csv", "xlsx"], record_property: pytest.RecordProperty
) -> None:
    trial, (truth, tables) = TRIALS[name], drawn(PATIENTS, SEED)
    database = convert(tmp_path, name, format=format)
    found = compare(trial, Expectation(trial, truth, tables), database)
    record_property("rows", found.rows.total())
    record_property("fields", found.fields.total())
    assert not found.kinds, found.report()
    compared = {table for table, rows in found.rows.items() if rows}
    assert compared | set(trial.lost_tables) == set(model())


@pytest.mark.parametrize("name", TRIALS)
def test_dirt_does_harm_only_where_it_lies_and_never_in_silence(tmp_path: Path, name: str) -> None:
    """Of subjects whose cells are clean everything is true; what a dirty cell changes is told in the audit.

    A true row is missing, or a value differs, only where a dirty cell feeds the table, and only if the audit names
    a row of the subject in that form (a reject, a value issue or an imputation), or the cell is now empty.
    """
    trial, (truth, tables) = TRIALS[name], drawn(PATIENTS, SEED)
    database = convert(tmp_path, name, messy=True)
    dirt = find_dirt(name, truth, SEED)
    found, done = compare_messy(trial, Expectation(trial, truth, tables), database, dirt)
    assert not found.kinds, found.report()
    # The dirt is felt, and by far the most rows survive it.
    assert dirt.cells > 50
    assert {"values lost, and told", "texts in another case", "true rows that are missing"} <= set(done)
    assert done["true rows that are missing"] < 0.01 * found.rows.total()
