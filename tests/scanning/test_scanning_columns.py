"""What a column is taken for, and what is said of it: expected by hand, cell by cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from omopify.scanning.model import Slot
from tests.scanning.conftest import anomaly, column_of, scan_folder, write_csv


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["2021-05-03", "2021-06-14", "2021-NK-NK"], "date"),
        (["2021-05-03 10:20", "2021-06-14 08:00"], "date and time"),
        (["10:20", "08:00", "23:59"], "time"),
        (["12", "7", "-3"], "whole number"),
        (["1.5", "2", "3.25"], "number"),
        (["<5", "12", "7"], "number"),
        (["Yes", "No", "yes"], "yes/no"),
        (["0", "1", "1", "0"], "yes/no"),
        (["mild", "severe", "mild", "mild", "severe", "mild"], "code list"),
        (["alpha", "beta", "gamma"], "text"),
        (["0012", "0450", "0007"], "text"),
        ([None, "NA", " "], "empty"),
        (["Paracet 500 mg", "5-FU", "12 tablets of it"], "text"),
    ],
)
def test_the_kind_of_a_column(tmp_path: Path, cells: list[str | None], kind: str) -> None:
    assert column_of(tmp_path, cells).kind == kind


def test_codes_are_told_by_the_name(tmp_path: Path) -> None:
    assert column_of(tmp_path, ["1", "2", "1", "2", "1", "3"], "SEVCD").kind == "code list"
    assert column_of(tmp_path, ["1", "2", "1", "2", "1", "3"], "SEV").kind == "whole number"


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["2021-05-03", "2021-06-14"], [("%Y-%m-%d", 2, "day", False)]),
        (["14.05.2021", "03.06.2021"], [("%d.%m.%Y", 2, "day", False)]),
        (["05/14/2021", "06/03/2021"], [("%m/%d/%Y", 2, "day", False)]),
        (["04/05/2021", "06/03/2021"], [("%d/%m/%Y", 2, "day", True)]),
        (["12-MAY-2021", "UNK-MAY-2021"], [("%d-%b-%Y", 1, "day", False), ("UNK-%b-%Y", 1, "month", False)]),
        (["03MAY2021", "31DEC2020"], [("%d%b%Y", 2, "day", False)]),
        (
            ["2021-05-03", "2021-05-04", "UN-UNK-2021", "2021-03", "2021"],
            [
                ("%Y-%m-%d", 2, "day", False),
                ("%Y", 1, "year", False),
                ("%Y-%m", 1, "month", False),
                ("UN-UNK-%Y", 1, "year", False),
            ],
        ),
        (
            ["2021-05-03T10:20:30", "2021-05-03T10:20"],
            [("%Y-%m-%dT%H:%M", 1, "minute", False), ("%Y-%m-%dT%H:%M:%S", 1, "second", False)],
        ),
        (["20210503", "20201231"], [("%Y%m%d", 2, "day", False)]),
        (
            ["2021-00-00", "2021-05-00", "2021-05-07"],
            [("%Y-%m-%d", 1, "day", False), ("%Y-%m-00", 1, "month", False), ("%Y-00-00", 1, "year", False)],
        ),
    ],
)
def test_the_formats_of_dates(tmp_path: Path, cells: list[str], formats: list[tuple[object, ...]]) -> None:
    column = column_of(tmp_path, cells, "STDAT")

    assert column.kind in ("date", "date and time")
    assert [(d.format, d.rows, d.precision, d.ambiguous) for d in column.dates] == formats
    assert column.values == ()


def test_numbers(tmp_path: Path) -> None:
    column = column_of(tmp_path, ["1,5", "<2,25", "10 mg", "1.234,5", "7"], small_cell=1)

    assert column.kind == "number"
    assert column.numbers is not None
    assert (column.numbers.decimal, column.numbers.decimals) == (",", 2)
    assert (column.numbers.comparators, column.numbers.units) == (1, 1)
    # from 1.5 to 1234.5: rounded outwards to fifties
    assert (column.numbers.low, column.numbers.high) == (0, 1250)


@pytest.mark.parametrize(
    ("name", "cells", "code", "rows"),
    [
        ("TERM", ["Fever ", "Fever", " Cough", "Cough"], "blank around", 2),
        ("TERM", ["Fever", "fever", "Fever", "Cough", "Cough"], "mixed case", 1),
        ("TERM", ["Not done at all", "Not-done at all"] * 2 + ["x y"], "near spelling", 2),
        ("TERM", ["Headache"] * 20 + ["Headahe"], "one letter off", 1),
        ("TERM", ["Fe\u00a0ver", "Cough", "Cough"], "odd character", 1),
        ("TERM", ["SmertÃ¦", "Cough", "Cough"], "wrong encoding", 1),
        ("STDAT", ["2021-05-03", "14.05.2021", "2021-05-05", "2021-05-06"], "mixed date formats", 1),
        ("STDAT", ["2021-05-03", "2023-02-30", "2021-05-05", "2021-05-06"], "impossible date", 1),
        ("STDAT", ["2021-05-03", "1821-02-03", "2021-05-05", "2021-05-06"], "date before 1900", 1),
        ("STDAT", ["2021-05-03", "2025-07-01", "2025-06-30", "2021-05-06"], "date in the future", 1),
        ("STDAT", ["14/05/2021", "05/14/2021", "04/05/2021"], "day and month swapped", 3),
        ("STDAT", ["2021-05-03", "2021-05-03", "2021-05-03", "2021-05-03", "44197"], "spreadsheet date", 1),
        ("STDAT", ["2021-05-03", "2021-05-03", "2021-05-03", "2021-05-03", "soon"], "not a date", 1),
        ("WEIGHT", ["71", "65", "80", "93", "unclear"], "not a number", 1),
        ("RESULT", ["positive", "weak", "strong", "12"], "number among text", 1),
        ("WEIGHT", ["71.5", "65,5", "80.5"], "point and comma", 1),
        ("KIT", ["1E+10", "1200000001", "1200000002"], "scientific notation", 1),
        ("SITE", ["007", "008", "9", "010"], "leading zeros", 1),
        ("TERM", ["same"] * 4, "constant", 4),
        ("TERM", [None, "NA"], "empty", 2),
        ("TERM", ["a", "NK", "unknown", "b"], "missing spelt in several ways", 2),
        ("GRADECD", ["1", "2.0", "1", "2", "1", "2", "1"], "decimal code", 1),
    ],
)
def test_dirt(tmp_path: Path, name: str, cells: list[str | None], code: str, rows: int) -> None:
    column = column_of(tmp_path, cells, name)

    found = anomaly(column, code)
    assert (found.rows if found else 0) == rows


def test_clean_columns_have_no_dirt(tmp_path: Path) -> None:
    for name, cells in (
        ("STDAT", ["2021-05-03", "2021-06-14", None]),
        ("TERM", ["Fever", "Cough", "Fever", None]),
        ("WEIGHT", ["71.5", "65.0", "80"]),
        ("GRADECD", ["1", "2", "3", "1", "2", "3"]),
    ):
        assert column_of(tmp_path, cells, name).anomalies == ()


def test_missing_words_are_no_values(tmp_path: Path) -> None:
    column = column_of(tmp_path, ["mild", "NA", "mild", "severe", "NK", None, "NA"])

    assert (column.rows, column.filled, column.distinct) == (7, 3, 2)
    assert [(v.value, v.rows) for v in column.missing] == [("NA", 2), ("NK", 1)]
    assert [(v.value, v.rows) for v in column.values] == [("mild", 2), ("severe", 1)]
    assert (column.shortest, column.longest) == (4, 6)


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        ("BRTHDAT", ["1961-05-03", "1955-06-14"], "a birth date"),
        ("Fødselsdato", ["1961-05-03", "1955-06-14"], "a birth date"),
        ("Geburtsdatum", ["03.05.1961", "14.06.1955"], "a birth date"),
        ("LAST_NAME", ["Hansen", "Olsen"], "a name"),
        ("PatientInitials", ["AB", "CD"], "a name"),
        ("Vorname", ["Anna", "Kai"], "a name"),
        ("personnummer", ["x1", "x2"], "a national or hospital number"),
        ("ITEM", ["01019912345", "31128554321"], "a national or hospital number"),
        ("ITEM", ["010199-1234", "311285-4321"], "a national or hospital number"),
        ("ITEM", ["kari@example.org", "ola@example.org"], "an e-mail address"),
        ("ITEM", ["+47 912 34 567", "+4798765432"], "a telephone number"),
        ("postal_code", ["0450", "1234"], "an address"),
    ],
)
def test_identifiers_are_flagged_and_not_shown(tmp_path: Path, name: str, cells: list[str], reason: str) -> None:
    column = column_of(tmp_path, cells * 5, name)

    assert reason in column.identifier
    assert (column.values, column.numbers, column.shortest, column.longest) == ((), None, None, None)


@pytest.mark.parametrize(
    "name", ["DRUGNAME", "EventName", "SITENAME", "Trade name", "AEDAT", "COHORTNAME", "STUDYID", "Gene name"]
)
def test_things_have_names_too(tmp_path: Path, name: str) -> None:
    assert column_of(tmp_path, ["Alpha", "Beta", "Alpha"], name).identifier == ""


def test_free_text(tmp_path: Path) -> None:
    told = ["the patient felt dizzy after lunch", "was seen by the doctor on call", "nothing to add to last visit"]

    assert "words in a cell" in column_of(tmp_path, told).free_text
    assert column_of(tmp_path, told).values == ()
    assert column_of(tmp_path, ["much better", "no change", "a bit worse"], "AECOMMENT").free_text
    assert column_of(tmp_path, ["Not related", "Possibly related"] * 9).free_text == ""


def test_codes_and_labels_versions_and_slots(tmp_path: Path) -> None:
    rows = [(f"P{n}", "12"[n % 2], ("Mild", "Severe")[n % 2], "", "12"[n % 2], n % 3, n % 5) for n in range(12)]
    write_csv(tmp_path / "AE.csv", ["SUBJID", "SEVCD", "SEV", "SEV__2", "SEV__2CD", "DRUG1", "DRUG2"], rows)

    (form,) = scan_folder(tmp_path, small_cell=1).forms
    columns = {column.name: column for column in form.columns}

    assert (columns["SEVCD"].code_of, columns["SEV"].code_of) == ("SEV", "")
    assert [(p.code, p.label, p.rows) for p in columns["SEVCD"].pairs] == [("1", "Mild", 6), ("2", "Severe", 6)]
    assert (columns["SEV__2"].version_of, columns["SEV__2CD"].version_of) == ("SEV", "SEVCD")
    assert columns["DRUG2"].slot == Slot("DRUG{n}", "2")
