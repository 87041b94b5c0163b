"""Forms: their names, headers, keys and links, and what of a folder is no form."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest

from omopify.errors import OmopifyError, Problems
from omopify.scanning.layout import Layout, layout
from omopify.scanning.storing import from_json, read_scan, to_json
from tests.scanning.conftest import scan_folder, write_csv

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["SUBJID,AESTDT", "P1,2021-05-03"], Layout(1)),
        (["Subject,Start date", "SUBJID,AESTDT", "P1,2021-05-03", "P2,2021-05-04"], Layout(2, 1)),
        (["SUBJID,AESTDT", "Subject,Start date", "P1,2021-05-03", "P2,2021-05-04"], Layout(1, 2)),
        (["Export of today,", ",", "SUBJID,AESTDT", "P1,2021-05-03"], Layout(3)),
        (["Subject Id,Sex", "N_0001,Male", "N_0002,Female", "N_0003,Male"], Layout(1)),
        (["Subject Id,Sex", "N-1,Male"], Layout(1)),
        (["SUBJID,TERM"], Layout(1)),
        (["Subject Id,Term of it", "SUBJID,TERM"], Layout(2, 1)),
        (["P1,2021-05-03,Male", "P2,2021-05-04,Female"], None),
        (["P1,Male,Fever", "P1,Male,Cough", "P2,Female,Fever"], None),
        (["17,4", "18,5"], None),
        (["P-17,Fever,Oslo", "P-18,Cough,Bergen", "P-19,Rash,Oslo"], None),
        (["11-009,Kari"], None),
        ([f"Kari N{n},Town{n}w,Cough" for n in range(7, 20)], None),
        (["VISIT,Subj001,Subj002,Subj003,Subj004,Subj005", "V1,a,b,c,d,e"], None),
        (["Kari,kari@home.example"], None),
        (["Subject,Kari Nordmann fnr 01019912345", "P1,a", "P2,b"], None),
        (["Kari,seen on 3 May 2021"], None),
        (["Kari,C80.9;Malignant neoplasm;2"], None),
        # a stray separator makes a row longer than the header
        (["SUBJID,TERM,GRADE", "P1,Fever,2,,,x,y,z", "P2,Cough,1"], Layout(1)),
        # a row of data in which a day is told in words is no row of labels
        (["SUBJID,STDAT,TERM", "P1,not sure of it,Big pain", "P2,2021-05-03,Rash", "P3,2021-05-04,Cough"], Layout(1)),
    ],
)
def test_where_the_header_is(rows: list[str], expected: Layout | None) -> None:
    assert layout([row.split(",") for row in rows]) == expected


def test_names_of_forms_and_files_that_are_none(tmp_path: Path) -> None:
    rows = [(f"P{n}", n) for n in range(6)]
    for name in ("STUDY_2024_AE.csv", "STUDY_2024_CM.csv", "STUDY_2024_1LAB.csv"):
        write_csv(tmp_path / name, ["SUBJID", "NR"], rows)
    book = openpyxl.Workbook()
    book.active.title = "Vital signs"
    book.active.append(["SUBJID", "NR"])
    for row in rows:
        book.active.append(row)
    book.create_sheet("Nothing")
    book.save(tmp_path / "STUDY_2024_MORE.xlsx")
    (tmp_path / "STUDY_2024_X.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "STUDY_2024_Y.xpt").write_bytes(b"nothing")
    (tmp_path / "README.txt").write_text("An export made for a test.\n")
    problems = Problems()

    scan = scan_folder(tmp_path, problems, small_cell=1)

    assert [(form.name, form.file, form.sheet) for form in scan.forms] == [
        ("form_1lab", "STUDY_2024_1LAB.csv", None),
        ("ae", "STUDY_2024_AE.csv", None),
        ("cm", "STUDY_2024_CM.csv", None),
        ("vital_signs", "STUDY_2024_MORE.xlsx", "Vital signs"),
    ]
    assert [anomaly.code for anomaly in scan.anomalies] == ["other file", "not read", "other file", "not read"]
    assert [problem.code for problem in problems.found] == ["OM407"]


def test_a_form_without_a_header_is_not_looked_into(tmp_path: Path) -> None:
    write_csv(tmp_path / "AE.csv", ["Kari Nordmann", "2021-05-03"], [("Ola Nordmann", "2021-05-04")] * 3)
    write_csv(tmp_path / "CM.csv", ["SUBJID", "NR"], [("P1", 1)])
    problems = Problems()

    scan = scan_folder(tmp_path, problems)

    assert [problem.code for problem in problems.found] == ["OM904"]
    assert "Nordmann" not in to_json(scan) + str(problems.found)


@pytest.mark.parametrize("glue", [";", "\t", "|"])
def test_cells_in_one_are_not_looked_into(tmp_path: Path, glue: str) -> None:
    lines = ["SUBJID;TERM;DOSE;STDAT", *(f"P-{n};Zqwv{n};{n},5;03-07-2022" for n in range(9))]
    book = openpyxl.Workbook()
    for line in lines:
        # as Excel cuts it where the comma is the list separator
        book.active.append(line.replace(";", glue).split(","))
    book.save(tmp_path / "AE.xlsx")
    write_csv(tmp_path / "LB.csv", ["line"], [[glue.join(("P-1", "Zqwv", str(n)))] for n in range(9)])
    write_csv(tmp_path / "DM.csv", ["SUBJID", "SEX"], [(f"P{n}", "F") for n in range(9)])
    problems = Problems()

    scan = scan_folder(tmp_path, problems)

    assert [form.name for form in scan.forms] == ["dm"]
    assert [problem.code for problem in problems.found] == ["OM904", "OM904"]
    told = to_json(scan) + "".join(map(str, problems.found))
    assert "Zqwv" not in told
    assert "P-" not in told
    assert told.count({";": "semicolons", "\t": "tabs", "|": "upright strokes"}[glue]) >= 2


@pytest.mark.parametrize("export", sorted((EXAMPLES).glob("*/data")), ids=lambda folder: folder.parent.name)
def test_no_row_of_the_examples_is_taken_for_a_header(export: Path) -> None:
    for path in sorted(export.glob("*.csv")):
        lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
        sign = max(",;\t", key=lines[0].count)
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=sign)]
        found = layout(rows[:40])
        assert found is not None, path.name
        for start in range(max(found.header_row, found.label_row or 0), min(len(rows) - 3, 12)):
            assert layout(rows[start : start + 40]) is None, (path.name, start)


def test_texts_beside_the_data_are_said_in_a_line(tmp_path: Path) -> None:
    write_csv(tmp_path / "data" / "DM.csv", ["SUBJID", "SEX"], [(f"P{n}", "F") for n in range(9)])
    texts = {
        "README.txt": "An export, made for a test.\nOf 9 patients, or so; all women.\n",
        "codebook.txt": "Codebook\nSEX: 1 = man, 2 = woman\nSUBJID: the patient\n",
        "notes.txt": 'sex, "M" or "F\nage\n',
    }
    for name, text in texts.items():
        (tmp_path / "data" / name).write_text(text, encoding="utf-8")
    problems = Problems()

    scan = scan_folder(tmp_path / "data", problems)

    assert not problems.found
    assert [form.name for form in scan.forms] == ["dm"]
    assert sorted(one.text for one in scan.anomalies) == [
        f"{name}: it is a text and no table" for name in sorted(texts)
    ]
    assert scan.folder == f"{tmp_path.name}/data"


def test_links_that_go_round_are_no_trouble(tmp_path: Path) -> None:
    write_csv(tmp_path / "DM.csv", ["SUBJID", "SEX"], [(f"P{n}", "F") for n in range(9)])
    for name in ("loop", "loop.csv"):
        (tmp_path / name).symlink_to(name)

    assert [form.name for form in scan_folder(tmp_path).forms] == ["dm"]


def test_no_folder_and_no_table(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for folder, code in ((tmp_path / "nowhere", "OM900"), (tmp_path / "data", "OM901")):
        with pytest.raises(OmopifyError) as caught:
            scan_folder(folder)
        assert [problem.code for problem in caught.value.problems] == [code]


def test_keys_and_links(tmp_path: Path) -> None:
    write_csv(tmp_path / "DM.csv", ["SUBJID", "AGE"], [(f"P{n}", 40 + n % 7) for n in range(20)])
    write_csv(tmp_path / "AE.csv", ["SUBJID", "SEQ", "TERM"], [(f"P{n % 10}", n // 10, "Fever") for n in range(40)])
    write_csv(tmp_path / "VI.csv", ["SUBJID", "VISIT"], [(f"P{n % 20}", n // 20) for n in range(60)])
    write_csv(tmp_path / "VS.csv", ["SUBJID", "VISIT", "T"], [(f"P{n % 20}", n // 20 % 3, n) for n in range(120)])

    scan = scan_folder(tmp_path)
    forms = {form.name: form for form in scan.forms}
    links = {(link.form, link.columns, link.to_form, link.found, link.many) for link in scan.links}

    assert [key.columns for key in forms["dm"].keys] == [("SUBJID",)]
    assert [(key.columns, key.duplicates) for key in forms["ae"].keys] == [(("SUBJID", "SEQ"), 0)]
    assert ("ae", ("SUBJID",), "dm", 1.0, True) in links
    assert ("vs", ("SUBJID", "VISIT"), "vi", 1.0, True) in links


def test_dirt_of_a_form(tmp_path: Path) -> None:
    rows = [(f"P{n}", n, "x") for n in range(20)]
    lines = ["SUBJID,NR,NR", *(",".join(map(str, row)) for row in [*rows, *rows[:6]]), ",,", "P99", "Total,26,"]
    (tmp_path / "AE.csv").write_text("\n".join(lines), encoding="utf-8")

    (form,) = scan_folder(tmp_path, small_cell=1).forms

    assert {(anomaly.code, anomaly.rows) for anomaly in form.anomalies} == {
        ("duplicate rows", 6),
        ("empty rows", 1),
        ("short rows", 1),
        ("total row", 1),
        ("header twice", 0),
    }
    assert [column.name for column in form.columns] == ["SUBJID", "NR", "NR (column 3)"]


def test_a_scan_is_read_back_or_doubted(tmp_path: Path) -> None:
    write_csv(tmp_path / "data" / "AE.csv", ["SUBJID", "TERM"], [(f"P{n}", "Fever") for n in range(9)])
    scan = scan_folder(tmp_path / "data")
    text = to_json(scan)
    (tmp_path / "scan.json").write_text(text, encoding="utf-8")

    assert from_json(text) == scan
    assert to_json(scan_folder(tmp_path / "data")) == text
    assert read_scan(tmp_path, Problems()) == scan
    for wrong, code in (
        ("{", "OM903"),
        ("[]", "OM903"),
        ("[" * 100_000, "OM903"),
        (text.replace('"schema_version": 1', '"schema_version": 9'), "OM903"),
        (text.replace('"rows": 9', '"rows": "9"'), "OM903"),
        (text.replace('"file": "AE.csv",', ""), "OM903"),
    ):
        (tmp_path / "scan.json").write_text(wrong, encoding="utf-8")
        problems = Problems()
        assert read_scan(tmp_path / "scan.json", problems) is None
        assert [problem.code for problem in problems.found] == [code]
    problems = Problems()
    assert read_scan(tmp_path / "other.json", problems) is None
    assert problems.found[0].code == "OM902"
