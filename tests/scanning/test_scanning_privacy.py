"""Nothing of a scan tells of few rows or few subjects: not a value, not a count, not a difference of two counts."""

from __future__ import annotations

import dataclasses
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omopify.reports.scan import render_scan
from omopify.scanning.model import Scan
from omopify.scanning.storing import as_data, to_json
from omopify.scanning.whiterabbit import write_report
from tests.scanning.conftest import scan_folder, write_csv

Row = tuple[str, ...]
_HEADER = ["SUBJID", "SEV", "SEVCD", "WEIGHT", "STDAT", "BRTHDAT", "EMAIL", "AECOMMENT", "TERM"]

# words that stand nowhere else in a page
_TOKENS = [f"Zq{letter}wv{letter}" for letter in "abcdefghijkm"]


@st.composite
def exports(draw: st.DrawFn) -> tuple[list[Row], int]:
    small = draw(st.integers(2, 6))
    count = draw(st.integers(1, 40))
    subjects = draw(st.integers(1, 15))
    skewed = st.sampled_from([0] * 12 + [1] * 4 + [2, 3, 4, 5])
    rows: list[Row] = []
    for number in range(count):
        subject = draw(st.integers(0, subjects - 1))
        kind = draw(skewed)
        rows.append(
            (
                f"Subj{subject:04}",
                draw(st.sampled_from([_TOKENS[kind], _TOKENS[kind], f" {_TOKENS[kind]}", "", "NK"])),
                draw(st.sampled_from([f"77{kind}4", f"77{kind}4", ""])),
                draw(st.sampled_from([f"8{kind}.73{number:02}", f"6{kind}.5555", "NA", ""])),
                draw(st.sampled_from([f"20{10 + kind}-03-17", "", "2019-UN-UN"])),
                f"19{30 + kind}-11-23",
                f"kari{kind}@mail{kind}.example",
                f"she said {_TOKENS[kind + 6 if kind < 6 else 0]} and then went home again",
                draw(st.sampled_from(_TOKENS)),
            )
        )
    return rows, small


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(exports())
def test_nothing_is_told_of_few(tmp_path_factory: Any, made: tuple[list[Row], int]) -> None:
    rows, small = made
    folder: Path = tmp_path_factory.mktemp("export")
    write_csv(folder / "data" / "AE.csv", _HEADER, rows)

    scan = scan_folder(folder / "data", small_cell=small)

    texts = [to_json(scan), render_scan(as_data(scan))]
    write_report(scan, folder / "report.xlsx")
    with zipfile.ZipFile(folder / "report.xlsx") as book:
        texts += [book.read(name).decode() for name in book.namelist()]
    # four digits of a code may stand in a hash by chance
    texts = [text.replace(form.sha256, "") for text in texts for form in scan.forms]
    for cell in _secrets(rows, small):
        assert not any(cell in text for text in texts), cell
    for path, count in _counts(scan):
        assert count is None or count == 0 or count >= small, path
    for path, difference in _differences(scan):
        assert difference == 0 or difference >= small, path
    shutil.rmtree(folder)


def _secrets(rows: list[Row], small: int) -> set[str]:
    """Return the cells that may not be named: all of identifiers, days and free text, and what few have."""
    holders: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for row in rows:
        for place, cell in enumerate(row):
            holders[place, cell.strip()].append(row[0])
    secret, allowed = set(), set()
    for (place, cell), subjects in holders.items():
        few = len(subjects) < small or len(set(subjects)) < small
        if place in (0, 4, 5, 6, 7) or few:
            secret.add(cell)
        else:
            allowed.add(cell)
    # 'NK', an empty cell, and what another column may name; bounds of numbers are rounded, so that 6 may stand for 6.4
    return {cell for cell in secret - allowed if len(cell) > 3 and cell != "2019-UN-UN"}


_COUNTED = {"rows", "filled", "subjects", "duplicates", "comparators", "units"}


def _counts(thing: Any, path: str = "scan") -> Iterator[tuple[str, int | None]]:
    if dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            value = getattr(thing, field.name)
            if field.name in _COUNTED:
                yield f"{path}.{field.name}", value
            else:
                yield from _counts(value, f"{path}.{field.name}")
    elif isinstance(thing, tuple):
        for number, part in enumerate(thing):
            yield from _counts(part, f"{path}[{number}]")


def _differences(scan: Scan) -> Iterator[tuple[str, int]]:
    for column in (column for form in scan.forms for column in form.columns):
        rows, filled = column.rows, column.filled
        if rows is None or filled is None:
            continue
        yield f"{column.name}: rows - filled", rows - filled
        missing = sum(value.rows for value in column.missing)
        if missing:
            yield f"{column.name}: rows - filled - missing", rows - filled - missing
        if column.values:
            yield f"{column.name}: filled - values", filled - sum(value.rows for value in column.values)
        told = [d.rows for d in column.dates]
        if any(told):
            yield f"{column.name}: filled - dates", filled - sum(count or 0 for count in told)
        for value in column.values:
            pairs = [pair.rows for pair in column.pairs if pair.code == value.value and pair.rows is not None]
            if pairs:
                yield f"{column.name}: value - pairs", value.rows - sum(pairs)


def test_a_value_of_many_rows_of_one_subject_is_not_named(tmp_path: Path) -> None:
    rows = [("P1", "Rare"), *[(f"P{n}", "Usual") for n in range(2, 12)]] + [("P1", "Rare")] * 9
    write_csv(tmp_path / "LB.csv", ["SUBJID", "TERM"], rows)

    (form,) = scan_folder(tmp_path).forms

    assert [value.value for value in form.columns[1].values] == ["Usual"]


def test_the_edges_of_numbers_are_those_of_the_fifth_subject(tmp_path: Path) -> None:
    # P0 has the lowest ten numbers and the highest ten; of the others each has one from 100 to 119
    rows = [("P0", n) for n in (*range(10), *range(1000, 1010))] + [(f"P{n}", 99 + n) for n in range(1, 21)]
    write_csv(tmp_path / "VS.csv", ["SUBJID", "PULSE"], rows)

    (form,) = scan_folder(tmp_path).forms

    numbers = form.columns[1].numbers
    assert numbers is not None
    # from below: P0, P1 (100), P2, P3, P4 (103); from above: P0, P20 (119), P19, P18, P17 (116); rounded to twos
    assert (numbers.low, numbers.high) == (102, 116)


def test_all_but_a_few_is_told_as_the_least_it_can_be(tmp_path: Path) -> None:
    rows = [(f"P{n}", "M" if n % 2 else "F", "A" if n < 18 else "B") for n in range(40)]
    rows[0] = ("P0", "", "A")
    write_csv(tmp_path / "DM.csv", ["SUBJID", "SEX", "ARM"], rows)

    (form,) = scan_folder(tmp_path).forms
    sex, arm = form.columns[1:]

    # one of 40 is empty: told as 35, and the values add up to no more than that
    assert (sex.rows, sex.filled) == (40, 35)
    assert [(v.value, v.rows) for v in sex.values] == [("F", 19), ("M", 16)]
    assert [(v.value, v.rows) for v in arm.values] == [("B", 22), ("A", 18)]
