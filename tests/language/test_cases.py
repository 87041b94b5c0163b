"""Every construct of the language means what its case says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .workbench import CASES, Workbench, cases, parameters

ALL = dict(cases(CASES))


PARAMETERS = parameters(ALL)


@pytest.mark.parametrize("name", PARAMETERS)
def test_construct(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # messages show paths from here
    case: dict[str, Any] = ALL[name]
    bench = Workbench(tmp_path).write(case).run()
    if "refused" in case:
        assert bench.told == case["refused"]
        return
    assert bench.told == []
    assert bench.differences(case["expect"]) == []
    added = "rows_used + rows_filtered + rows_deduplicated + rows_rejected"
    assert bench.rows(f"SELECT map FROM audit.map_accounting WHERE rows_read <> {added}") == []


def test_titles_are_unique() -> None:
    assert len(ALL) == sum(1 for _ in cases(CASES))
