"""Excel workbooks, written by openpyxl (and by hand where it refuses)."""

from __future__ import annotations

import datetime as dt
import io
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from omopify.staging import ReadOptions, SourceRequest

N = None


def test_cell_types(lab):
    rows = [
        ["ID", "NUM", "DATE", "FLAG", "TXT"],
        ["0001", 1, dt.date(2021, 5, 7), True, " x\u00a0"],
        ["1e5", 1.5, dt.datetime(2021, 5, 7, 10, 30), False, "line\nbreak"],
        ["NA", 0, dt.datetime(2021, 5, 7, 10, 30, 5), True, "2021-05-NK"],
        ["01", -3, dt.datetime(1950, 1, 1), False, "1,5"],
        [7, 1e15, dt.time(10, 30), "true", 840.0],
        [N, 0.0001, dt.date(1900, 3, 1), N, "µg, “æøå” €"],
    ]
    lab.book("x.xlsx", {"AE": rows})
    got = lab.one("x.xlsx")
    assert got.rows == [
        (2, "0001", "1", "2021-05-07", "true", "x"),
        (3, "1e5", "1.5", "2021-05-07 10:30", "false", "line\nbreak"),
        (4, "NA", "0", "2021-05-07 10:30:05", "true", "2021-05-NK"),
        (5, "01", "-3", "1950-01-01", "false", "1,5"),
        (6, "7", "1000000000000000", "10:30", "true", "840"),
        (7, N, "0.0001", "1900-03-01", N, "µg, “æøå” €"),
    ]
    assert got.codes == []
    assert got.source.files[0].sheet == "AE"


def test_random_date_times_come_back_to_the_second(lab):
    draw = random.Random(5)
    start = dt.datetime(1905, 1, 1)
    times = [start + dt.timedelta(seconds=draw.randrange(4_000_000_000)) for _ in range(3000)]
    lab.book("x.xlsx", {"A": [["T"], *[[t] for t in times]]})
    found = [dt.datetime.fromisoformat(c) for (c,) in lab.one("x.xlsx").cells]
    assert found == times


def test_the_calendar_of_1904(lab):
    lab.book(
        "x.xlsx",
        {"A": [["D"], [dt.date(2021, 5, 7)]]},
        epoch=lambda book: setattr(book, "epoch", CALENDAR_MAC_1904),
    )
    assert lab.one("x.xlsx").cells == [("2021-05-07",)]


def test_row_numbers_are_excels(lab):
    lab.book("x.xlsx", {"A": [[N], ["Subject id", "Age"], ["SubjectId", "AGE"], [], ["1", 50], [], ["2", " "]]})
    got = lab.one("x.xlsx", header_row=3, label_row=2)
    assert got.rows == [(5, "1", "50"), (7, "2", N)]
    assert dict(got.source.labels) == {"SubjectId": "Subject id", "AGE": "Age"}
    assert "rows 4, 6" in got.only("OM432").message


def test_a_table_that_does_not_begin_in_column_a(lab):
    lab.book("x.xlsx", {"A": [[N], [N, N, "X", N, "Y"], [N, N, 1, N, "#N/A"]]})
    got = lab.one("x.xlsx", header_row=2)
    assert (got.source.columns, got.rows) == (("X", "Y"), [(3, "1", N)])
    assert "column 'Y' (E), row 3" in got.only("OM434").message


def test_errors_of_excel_are_empty_and_reported(lab):
    rows = [["A", "B"], [1, "#N/A"], ["#DIV/0!", 2], [3, "#N/A"]]
    lab.book("x.xlsx", {"S": rows})
    got = lab.one("x.xlsx")
    assert got.cells == [("1", N), (N, "2"), ("3", N)]
    messages = sorted(p.message for p in got.problems.warnings)
    assert "column 'A' (A), row 3" in messages[0]
    assert "column 'B' (B), rows 2, 4" in messages[1]
    assert set(got.codes) == {"OM434"}


def test_zeros_that_are_only_a_number_format(lab):
    def pad(book):
        book["S"]["A2"].number_format = "000000"
        book["S"]["A3"].number_format = "000000"
        book["S"]["B2"].number_format = "0.00"

    lab.book("x.xlsx", {"S": [["ID", "B"], [123, 1.5], ["000124", 2]]}, pad=pad)
    got = lab.one("x.xlsx")
    assert got.cells == [("123", "1.5"), ("000124", "2")]
    assert got.codes == ["OM435"]
    assert "column 'ID' (A), row 2:" in got.only("OM435").message
    assert "123" not in str(got.only("OM435"))


def test_formulas_that_nobody_calculated(lab):
    lab.book("x.xlsx", {"S": [["A", "B"], [1, "=A2+1"], [2, 3]]})
    got = lab.one("x.xlsx")
    assert got.cells == [("1", N), ("2", "3")]
    assert "column 'B' (B), row 2:" in got.only("OM437").message


def test_formulas_with_results(lab):
    path = lab.book("x.xlsx", {"S": [["A", "B", "C"], ["=1+1", '=""', "=1/8"]]})
    results = {"A2": ("", "2"), "B2": (' t="str"', ""), "C2": ("", "0.125")}
    patch(path, lambda xml: excel_results(xml, results))
    got = lab.one("x.xlsx")
    assert (got.cells, got.codes) == ([("2", N, "0.125")], [])


def excel_results(xml: bytes, results: dict[str, tuple[str, str]]) -> bytes:
    """Put results into formula cells, the way Excel stores them."""
    for place, (kind, value) in results.items():
        pattern = rf'<c r="{place}"><f>(.*?)</f><v\s*/?>(?:</v>)?</c>'.encode()
        new = rf'<c r="{place}"{kind}><f>\1</f><v>{value}</v></c>'.encode()
        xml = re.sub(pattern, new, xml)
    return xml


def patch(path: Path, change: Callable[[bytes], bytes]) -> None:
    source = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)))


def test_findings_in_a_large_worksheet(lab):
    rows = [["A", "B"], *[[i, "#N/A" if i % 1000 == 7 else f"some text {i}"] for i in range(20_000)]]
    lab.book("x.xlsx", {"S": rows})
    got = lab.one("x.xlsx")
    assert got.cells == [(str(i), N if i % 1000 == 7 else f"some text {i}") for i in range(20_000)]
    assert "column 'B' (B), rows 9, 1009, 2009, 3009, 4009 and 15 more" in got.only("OM434").message


def test_worksheets_are_found_whatever_their_case(lab):
    lab.book("x.xlsx", {"ae": [["A"], [1]], "Dm ": [["B"], [2]]})
    assert lab.one("x.xlsx", sheet="AE").cells == [("1",)]
    assert lab.one("X.XLSX", sheet="DM").source.files[0].sheet == "Dm "


def test_a_missing_worksheet(lab):
    lab.book("x.xlsx", {"ECOG": [["A"], [1]], "DM": [["B"], [2]]})
    got = lab.one("*.xlsx", sheet="ECGO")
    problem = got.only("OM404")
    assert "'ECOG', 'DM'" in problem.message
    assert problem.hint == "did you mean 'ECOG'?"
    assert problem.at.path == "x.xlsx"
    assert lab.one("*.xlsx", sheet="ECGO", optional=True).codes == []


def test_a_workbook_with_several_worksheets_needs_a_name(lab):
    lab.book("x.xlsx", {"A": [["A"], [1]], "B": [["B"], [2]]})
    assert lab.one("x.xlsx").codes == ["OM405"]


def test_an_empty_worksheet(lab):
    lab.book("x.xlsx", {"A": [], "B": [["H"]]})
    assert lab.one("x.xlsx", sheet="A").codes == ["OM410"]
    assert lab.one("x.xlsx", sheet="A", optional=True).problems.errors == []
    got = lab.one("x.xlsx", sheet="B")
    assert (got.source.columns, got.rows, got.codes) == (("H",), [], [])


def test_columns_of_a_worksheet_follow_the_same_rules(lab):
    lab.book("x.xlsx", {"A": [["a", N, "A", "B"], [1, N, 1, "x"], [2, 5, 2, "NA"]]})
    assert lab.one("x.xlsx").codes == ["OM420"]
    lab.book("y.xlsx", {"A": [["a", "A"], [1, 1], [2, 3]]})
    assert lab.one("y.xlsx").codes == ["OM421"]
    lab.book("z.xlsx", {"A": [["a", "B"], [1, "NA"], ["na", "Na"]]})
    got = lab.one("z.xlsx", missing=("NA",), columns=("A",))
    assert (got.source.columns, got.cells, got.codes) == (("A", "B"), [("1", N)], ["OM432"])


def test_control_characters_in_a_worksheet(lab):
    path = lab.book("x.xlsx", {"A": [["ID", "T"], ["1", "aQQb"], ["2", "c"]]})
    # No Excel library writes them; other programs do, as the escape that the standard has for them.
    patch(path, lambda xml: xml.replace(b"aQQb", b"a_x001F_b"))
    got = lab.one("x.xlsx")
    assert got.cells == [("1", "ab"), ("2", "c")]
    assert "column 'T', row 2" in got.only("OM433").message


@pytest.mark.parametrize(
    "content",
    [
        b"<html><table><tr><td>1</td></tr></table></html>",
        b"A,B\n1,2\n",
        b"PK\x03\x04 not a zip",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + b"\x00" * 600,
        b"\x00\x01\x02",
    ],
)
def test_files_that_are_no_workbook(lab, content):
    lab.write("x.xlsx", content)
    requests = [SourceRequest(name, ("x.xlsx",), sheet=name) for name in ("AE", "DM")]
    found, problems = lab.stage(*requests)
    assert [p.code for p in problems.found] == ["OM407"], "one error, however many sheets are wanted"
    assert [source.files for source in found.values()] == [(), ()]
    if b"E\x00n\x00c" in content:
        assert "password" in problems.found[0].message


def test_an_empty_file_with_the_name_of_a_workbook(lab):
    lab.write("x.xlsx", b"")
    assert lab.one("x.xlsx").codes == ["OM410"]


def test_damaged_workbooks_never_crash_and_never_pass_half(lab):
    rows = [["A", "B"], *[[i, f"text {i}"] for i in range(300)]]
    whole = lab.book("x.xlsx", {"A": rows}).read_bytes()
    draw = random.Random(9)
    for cut in (10, 100, 1000, len(whole) // 2, len(whole) - 30):
        lab.write("x.xlsx", whole[:cut])
        assert lab.one("x.xlsx").codes == ["OM407"]
    for _ in range(25):
        broken = bytearray(whole)
        for _ in range(8):
            broken[draw.randrange(len(broken))] ^= 1 << draw.randrange(8)
        lab.write("x.xlsx", bytes(broken))
        got = lab.one("x.xlsx")
        if not got.problems.errors:
            assert got.cells == [(str(i), f"text {i}") for i in range(300)]


def test_lock_files_and_hidden_files_are_ignored(lab):
    lab.book("x.xlsx", {"A": [["A"], [1]]})
    lab.write("~$x.xlsx", b"lock")
    lab.write("._x.xlsx", b"mac")
    assert lab.one("*.xlsx").cells == [("1",)]


def test_xlsxwriter_constant_memory_and_inline_strings(lab):
    import xlsxwriter

    with xlsxwriter.Workbook(lab.data / "x.xlsx", {"constant_memory": True}) as book:
        sheet = book.add_worksheet("S")
        for i, row in enumerate([["ID", "T"], ["007", "æ"], ["008", ""]]):
            sheet.write_row(i, 0, row)
    assert lab.one("x.xlsx").cells == [("007", "æ"), ("008", N)]


def test_one_workbook_is_opened_and_hashed_once_for_all_its_sheets(lab, monkeypatch):
    names = [f"S{i}" for i in range(18)]
    lab.book("x.xlsx", {name: [["A"], [name]] for name in names})
    import fastexcel

    opened = []
    real = fastexcel.read_excel
    monkeypatch.setattr(fastexcel, "read_excel", lambda data: opened.append(1) or real(data))
    requests = [SourceRequest(n, ("*_" + n + ".csv", "*.xlsx"), sheet=n, options=ReadOptions()) for n in names]
    found, problems = lab.stage(*requests)
    assert problems.found == []
    assert [found[n].files[0].rows for n in names] == [1] * 18
    assert opened == [1]
    lab.stage(*requests)
    assert opened == [1], "the second time everything comes from the cache"


def test_formats_are_told_by_openpyxl_the_same(lab):
    rows = [["A", "B", "C"], *[[i / 8, f"x{i}", None if i % 3 else i] for i in range(200)]]
    path = lab.book("x.xlsx", {"A": rows})
    sheet = openpyxl.load_workbook(path).active
    expected = [
        tuple(None if v is None else f"{v:g}" if isinstance(v, int | float) else v for v in row)
        for row in sheet.iter_rows(min_row=2, values_only=True)
    ]
    assert lab.one("x.xlsx").cells == expected
