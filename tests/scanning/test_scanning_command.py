"""``omopify scan``: what it writes and shows, what differs from an earlier scan, and White Rabbit's report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

from omopify.cli.main import main
from omopify.scanning.differences import differences
from tests.docs.page import walk
from tests.scanning.conftest import scan_folder, write_csv

EXAMPLE = Path(__file__).parents[2] / "examples" / "impress"


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["scan", *map(str, words)], catch_exceptions=False)


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [(f"P{n}", n % 4, ("Mild", "Severe")[n % 2], f"2021-05-{n % 28 + 1:02}", "01019912345") for n in range(40)]
    write_csv(tmp_path / "export" / "T_AE.csv", ["SUBJID", "SEQ", "SEV", "STDAT", "FNR"], rows)
    write_csv(tmp_path / "export" / "T_DM.csv", ["SUBJID", "SEX"], [(f"P{n}", "FM"[n % 2]) for n in range(40)])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_written_and_shown(export: Path) -> None:
    done = run("export", "--whiterabbit")

    assert done.exit_code == 0
    assert "2 forms, 80 rows" in done.stdout
    assert "May identify a person, so never shown: ae.FNR" in done.stdout
    assert "0101991" not in done.stdout
    assert {path.name for path in (export / "scan").iterdir()} == {"scan.json", "scan.html", "ScanReport.xlsx"}
    # its own output is no data
    assert run("export", "--out", "export/scan").exit_code == 0
    again = json.loads(run("export", "--out", "export/scan", "--json").stdout)
    assert [form["name"] for form in again["forms"]] == ["ae", "dm"]
    assert again == json.loads((export / "export" / "scan" / "scan.json").read_text(encoding="utf-8"))


def test_a_project_is_scanned_with_its_own_words(tmp_path: Path) -> None:
    done = run(EXAMPLE, "--out", tmp_path, "--json")

    assert done.exit_code == 0
    forms = {form["name"]: form for form in json.loads(done.stdout)["forms"]}
    ae = next(form for form in forms.values() if form["file"].endswith("_AE.csv"))
    assert (ae["rows"], ae["header_row"], ae["label_row"], ae["subject"]) == (149, 2, 1, "SubjectId")
    columns = {column["name"]: column for column in ae["columns"]}
    assert columns["AEOUTCD"]["code_of"] == "AEOUT"
    assert columns["AEOUT"]["label"] == "Outcome"
    assert (columns["AEENDAT"]["kind"], columns["AEENDAT"]["values"]) == ("date", [])


def test_the_page_about_it_is_true(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE.parent / "heron", tmp_path / "examples" / "heron")

    walk(EXAMPLE.parents[1] / "docs" / "howto-scan.md", tmp_path, update=False)

    assert {path.name for path in (tmp_path / "scan").iterdir()} == {"scan.json", "scan.html", "ScanReport.xlsx", "new"}


def test_wrong_words(export: Path) -> None:
    assert (run("nowhere").exit_code, run("export", "--diff", "none.json").exit_code) == (1, 1)
    assert "OM900" in run("nowhere").stderr
    assert "OM902" in run("export", "--diff", "none.json").stderr


def test_what_differs_from_an_earlier_scan(export: Path) -> None:
    run("export", "--out", "old")
    assert "Nothing differs" in run("export", "--diff", "old").stdout
    rows = [(f"P{n}", "a" if n < 20 else "Mild", f"{n % 28 + 1:02}.05.2021", n % 2) for n in range(40)]
    write_csv(export / "export" / "T_AE.csv", ["SUBJID", "SEV", "STDAT", "EXTRA"], rows)
    write_csv(export / "export" / "T_CM.csv", ["SUBJID", "NR"], [(f"P{n}", n) for n in range(9)])
    (export / "export" / "T_DM.csv").rename(export / "export" / "T_DEMO.csv")

    done = run("export", "--diff", "old/scan.json", "--json")

    assert done.exit_code == 0
    found = {(one["what"], one["form"], one["column"], one["was"], one["now"]) for one in json.loads(done.stdout)}
    assert found == {
        ("form new", "cm", "", "", "T_CM.csv"),
        ("form renamed", "demo", "", "dm", "demo"),
        ("column gone", "ae", "SEQ", "whole number", ""),
        ("column gone", "ae", "FNR", "text", ""),
        ("column new", "ae", "EXTRA", "", "yes/no"),
        ("date format new", "ae", "STDAT", "", "%d.%m.%Y"),
        ("date format gone", "ae", "STDAT", "%Y-%m-%d", ""),
        ("value new", "ae", "SEV", "", "a"),
        ("value gone", "ae", "SEV", "Severe", ""),
    }
    shown = run("export", "--diff", "old/scan.json").stdout
    assert "9 differences from the earlier scan" in shown
    assert "ae.SEV" in shown


def test_changes_of_kind_and_of_what_is_filled(tmp_path: Path) -> None:
    write_csv(tmp_path / "old" / "AE.csv", ["SUBJID", "A", "B"], [(f"P{n}", n, n) for n in range(20)])
    write_csv(
        tmp_path / "new" / "AE.csv", ["SUBJID", "A", "B"], [(f"P{n}", f"x{n}", n if n < 9 else "") for n in range(20)]
    )

    found = differences(scan_folder(tmp_path / "old"), scan_folder(tmp_path / "new"))

    assert [(one.what, one.column, one.was, one.now) for one in found] == [
        ("kind changed", "A", "whole number", "text"),
        ("filled changed", "B", "100%", "45%"),
    ]


def test_white_rabbits_report_as_its_readers_read_it(export: Path) -> None:
    run("export", "--whiterabbit")

    book = openpyxl.load_workbook(export / "scan" / "ScanReport.xlsx")
    overview = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]

    assert book.sheetnames == ["Field Overview", "Table Overview", "ae", "dm", "_"]
    assert overview[0][:6] == ["Table", "Field", "Description", "Type", "Max length", "N rows"]
    assert overview[0][6:] == ["N rows checked", "Fraction empty", "N unique values", "Fraction unique"]
    # an empty row stands behind each table
    assert [row[0] for row in overview[1:]] == ["ae"] * 5 + [None] + ["dm"] * 2
    fields = {(row[0], row[1]): row for row in overview[1:] if row[0]}
    assert fields["ae", "SEV"][3:] == ["VARCHAR", 6, 40, 40, 0, 2, 0.05]
    assert (fields["ae", "STDAT"][3], fields["ae", "SEQ"][3]) == ("DATE", "INT")
    assert all(isinstance(row[place], int | float) for row in fields.values() for place in (4, 5, 6, 7, 8, 9))
    assert _carrot(book["dm"]) == {"SEX": [("F", 20), ("M", 20)]}
    assert _carrot(book["ae"])["SEV"] == [("Mild", 20), ("Severe", 20)]


def _carrot(sheet: Any) -> dict[str, list[tuple[str, int]]]:
    """Read a table's sheet in pairs of columns down to the first empty row, as Carrot says it does."""
    titles = [cell.value for cell in sheet[1]][::2]
    found: dict[str, list[tuple[str, int]]] = {}
    for row in sheet.iter_rows(min_row=2, max_col=2 * len(titles), values_only=True):
        if not any(cell not in ("", None) for cell in row):
            break
        for title, value, rows in zip(titles, row[::2], row[1::2], strict=True):
            if value not in ("", None):
                found.setdefault(title, []).append((str(value), int(rows)))
    return found


@pytest.mark.parametrize(("name", "what"), [("st_dat", "column renamed"), ("BEGAN", "column renamed")])
def test_a_column_of_another_name(tmp_path: Path, name: str, what: str) -> None:
    rows = [(f"P{n}", "2021-05-03", "x") for n in range(20)]
    write_csv(tmp_path / "old" / "AE.csv", ["SUBJID", "STDAT", "TERM"], rows)
    write_csv(tmp_path / "new" / "AE.csv", ["SUBJID", name, "TERM"], rows)

    found = differences(scan_folder(tmp_path / "old"), scan_folder(tmp_path / "new"))

    assert [(one.what, one.was, one.now) for one in found] == [(what, "STDAT", name)]
