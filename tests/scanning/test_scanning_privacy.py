"""Nothing of a scan tells of few rows or few subjects: not a value, not a count, not a difference of two counts."""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
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
                draw(st.sampled_from([f"20{10 + kind}-03-17", "", "2019-UN-UN", f"2019-0{kind + 1}-UN"])),
                f"19{30 + kind}-11-23",
                f"kari{kind}@mail{kind}.example",
                f"she said {_TOKENS[kind + 6 if kind < 6 else 0]} and then went home again",
                draw(st.sampled_from(_TOKENS)),
            )
        )
    return rows, small


@settings(max_examples=20, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
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
        for one in column.anomalies:
            if one.rows and one.code not in ("empty", "blank only", "missing spelt in several ways"):
                yield f"{column.name}: filled - {one.code}", filled - one.rows
                for way in (way for way in column.dates if way.rows and one.code == "partial date"):
                    if way.precision in ("year", "month"):
                        yield f"{column.name}: {one.code} - {way.format}", one.rows - (way.rows or 0)
        for count in re.findall(r"(\d+) of \d+ filled", column.evidence):
            yield f"{column.name}: filled - {column.evidence}", filled - int(count)
        for value in column.values:
            pairs = [pair.rows for pair in column.pairs if pair.code == value.value and pair.rows is not None]
            if pairs:
                yield f"{column.name}: value - pairs", value.rows - sum(pairs)


def _people(*columns: Sequence[str]) -> list[Row]:
    return [(f"P{n}", *cells) for n, cells in enumerate(zip(*columns, strict=True))]


def test_cells_of_a_kind_are_told_less_than_the_filled_ones_that_are_told(tmp_path: Path) -> None:
    # of 78 rows 2 are empty, which is told as 73 filled; 76 of them are numbers but for 2 that are words
    cells = [""] * 2 + ["few", "many"] + [str(n % 9) for n in range(74)]
    write_csv(tmp_path / "QS.csv", ["SUBJID", "Q29"], _people(cells))

    (form,) = scan_folder(tmp_path).forms
    column = form.columns[1]

    assert (column.rows, column.filled) == (78, 73)
    # 73 - 68 is no number of rows of the file
    assert column.evidence == "at least 68 of 73 filled cells are whole numbers"
    assert [(one.code, one.rows) for one in column.anomalies] == [("not a number", None)]


def test_the_rows_of_a_kind_and_of_others_are_not_all_rows(tmp_path: Path) -> None:
    # 76 of 78 filled, told as 73: 64 numbers and 12 words must not be told beside each other
    cells = [""] * 2 + ["few"] * 11 + ["many"] + [str(n % 9) for n in range(64)]
    write_csv(tmp_path / "QS.csv", ["SUBJID", "Q29"], _people(cells))

    (form,) = scan_folder(tmp_path).forms
    column = form.columns[1]
    (words,) = (one.rows for one in column.anomalies if one.code == "not a number")

    assert column.filled == 73
    told = int(re.findall(r"\d+", column.evidence)[0])
    assert told + (words or 0) <= 73


def test_a_rare_way_of_writing_dates_is_not_told_by_all_that_are_partial(tmp_path: Path) -> None:
    days = [f"{n % 28 + 1:02}-05-2021" for n in range(40)]
    partial = [f"UNK-0{n % 9 + 1}-2020" for n in range(8)] + ["UNK-UNK-2019"] * 2
    write_csv(tmp_path / "CM.csv", ["SUBJID", "STDAT"], _people(days + partial))

    (form,) = scan_folder(tmp_path).forms
    column = form.columns[1]

    # two are hidden, and so are three of those that are known
    assert {way.format: way.rows for way in column.dates} == {
        "%d-%m-%Y": 37,
        "UNK-%m-%Y": 8,
        "UNK-UNK-%Y": None,
    }
    assert [(one.code, one.rows) for one in column.anomalies] == [("partial date", 8)]


@settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from("AABBBC "), st.integers(0, 15)), min_size=8, max_size=60), st.integers(2, 6))
def test_codes_and_labels_are_told_alike(made: list[tuple[str, int]], small: int) -> None:
    # a code is that of its label, but for a few rows in which it is another or none; '1.0' stands for '1'
    labels = [letter.strip() for letter, _ in made]
    odd, usual = {0: "", 1: "2", 2: "1.0"}, {"A": "1", "B": "2", "C": "3", "": ""}
    codes = [odd.get(dice, usual[letter.strip()]) for letter, dice in made]
    with tempfile.TemporaryDirectory() as folder:
        write_csv(Path(folder) / "AE.csv", ["SUBJID", "SEV", "SEVCD"], _people(labels, codes))
        (form,) = scan_folder(Path(folder), small_cell=small).forms
    label, code = form.columns[1:]

    differences = _differences(Scan(1, "", "", small, (form,)))
    assert not [(path, gap) for path, gap in differences if gap < small and gap != 0]
    if code.code_of and code.filled is not None and label.filled is not None:
        assert not 0 < abs(code.filled - label.filled) < small
        told = {value.value: value.rows for value in code.values}
        named = {value.value: value.rows for value in label.values}
        for pair in code.pairs:
            others = {other.code for other in code.pairs if other.label == pair.label}
            mates = {other.label for other in code.pairs if other.code == pair.code}
            if len(others) == len(mates) == 1:
                assert not 0 < abs(told[pair.code] - named[pair.label]) < small
            if pair.rows is not None:
                assert told[pair.code] - pair.rows in (0, *range(small, 99))
                assert named[pair.label] - pair.rows in (0, *range(small, 99))


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


def test_an_address_inside_a_longer_text_is_not_shown(tmp_path: Path) -> None:
    cells = ["kari@ous.example (contact)", "Tel 22 33 44 55", "call +47 22334455", "no 010199 12345, Oslo", "Fever"]
    rows = [(f"P{n}", cells[n % 5]) for n in range(40)]
    write_csv(tmp_path / "DM.csv", ["SUBJID", "REF"], rows)

    (form,) = scan_folder(tmp_path).forms

    assert [value.value for value in form.columns[1].values] == ["Fever"]


@pytest.mark.parametrize("name", ["ID", "Study ID", "Pat.-Nr.", "StudySubjectID", "mnppid", "Deltagare", "X27"])
@pytest.mark.parametrize("form", ["NO-{:03}Q", "{}"])
def test_subjects_are_not_named_whatever_their_column_is_called(tmp_path: Path, name: str, form: str) -> None:
    subjects = [form.format(n) for n in range(1001, 1021)]
    rows = [(subject, "Fever", visit) for subject in subjects for visit in range(6)]
    write_csv(tmp_path / "AE.csv", [name, "TERM", "VISIT"], rows)

    text = to_json(scan_folder(tmp_path)).replace("sha256", "")

    assert not [subject for subject in subjects if f'"{subject}"' in text]
