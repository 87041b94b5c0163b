"""Every construct of the language means what its case says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .workbench import CASES, Workbench, cases

ALL = dict(cases(CASES))


@pytest.mark.parametrize("name", ALL)
def test_construct(name: str, tmp_path: Path) -> None:
    case: dict[str, Any] = ALL[name]
    bench = Workbench(tmp_path).write(case).run()
    if "refused" in case:
        assert bench.told == case["refused"]
        return
    assert bench.told == []
    assert bench.differences(case["expect"]) == []
    sums = "SELECT map FROM audit.map_accounting WHERE rows_read <> rows_used + rows_filtered + rows_deduplicated + rows_rejected"
    assert bench.rows(sums) == []


def test_titles_are_unique() -> None:
    assert len(ALL) == sum(1 for _ in cases(CASES))
