"""DRUP's table: its columns, what is repeated and what is not, how cells are written, and its dirt."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from omopify.cli.main import main
from omopify.synthetic import draw_truth, write_export

# Typed from the consortium's list (primerose_variables.md, section 6), not from the generator.
HEADER = """
patient ID, CohortName, Trial, ID, TumourType, TumourTypeOther, ICD10Code, ICD10Description, TumourType2,
StudyTreatment, Biomarker, Biomarker_mutation, BiomarkerTargets, BiomarkerCategory, BiomarkerOther, Age, Sex,
WHO, PT_start_date, PT_end_date, PT_chemotherapy_YN, PT_chemo_end_date, PT_radiotherapy_YN,
PT_radiotherapy_end_date, PT_immunotherapy_YN, PT_immunotherapy_end_date, PT_hormonaltherapy_YN,
PT_hormonaltherapy_end_date, PT_targetedtherapy_YN, PT_targetedtherapy_end_date, Death, Lost_to_follow_up,
Days_treated, Evaluability, Treatment_type, Treatment_start, Number_of_cyles, Treatment_end,
Treatment_end_last_dose, Dose_delivered, Concominant_start_date, Concominant_end_date, Concominant_medication,
Concominant_indication, Concominant_ongoing, AE_event, AE_grade, CTCAE_term, AE_start_date, AE_end_date,
AE_total, SAE, AE_related_to_treatment1, AE_related_to_treatment2, Type_tumour_assessment, Baseline_evaluation,
Event_date_assessment, Change_from_baseline, Change_from_minimum, Response_assessment, Best_overall_response_BOR,
Best_overall_response_Ra, Clinical_benefit
"""
COLUMNS = re.sub(r"\s*,\s*", ",", HEADER.strip()).split(",")
GROUPS = {
    "AE": "AE_grade CTCAE_term AE_start_date AE_end_date SAE AE_related_to_treatment1 AE_related_to_treatment2".split(),
    "CM": [column for column in COLUMNS if column.startswith("Concominant_")],
    "TA": [c for c in COLUMNS if re.match("Type_|Event_|Change_|Response_", c)],
}
REPEATED = [column for column in COLUMNS if not any(column in group for group in GROUPS.values())]
DATES = [column for column in COLUMNS if re.search("date|^Death|^Lost|^Treatment_(start|end)", column)]
PATIENTS, SEED = 400, 7

Rows = list[dict[str, str]]


def read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";", strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drup")
    write_export("drup", path, PATIENTS, SEED)
    return path


@pytest.fixture(scope="module")
def rows(folder: Path) -> Rows:
    return read(folder / "SYNTHETIC_DRUP.csv")


@pytest.fixture(scope="module")
def patients(rows: Rows) -> dict[str, Rows]:
    by_id: dict[str, Rows] = defaultdict(list)
    for row in rows:
        if row["ID"] != "NA":
            by_id[row["ID"]].append(row)
    return by_id


def day(text: str) -> date | None:
    parts = [int(part) for part in text.split("-")] if text else []
    return date(parts[2], parts[1], parts[0]) if parts and all(parts) else None


def test_the_header_is_the_consortiums_list(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"SYNTHETIC_DRUP.csv", "README.txt"}
    with (folder / "SYNTHETIC_DRUP.csv").open(encoding="utf-8") as file:
        assert file.readline().rstrip("\n").split(";") == COLUMNS
    assert len(COLUMNS) == 63


def test_only_treated_subjects_and_cohorts_without_a_patient(rows: Rows, patients: dict[str, Rows]) -> None:
    started = draw_truth(PATIENTS, SEED).subjects["treatment_start"]
    assert set(patients) == {str(10001 + row) for row, start in enumerate(started) if start is not None}
    assert all(row["Treatment_start"] for found in patients.values() for row in found)
    nobody = [row for row in rows if row["ID"] == "NA"]
    assert len(nobody) == PATIENTS // 40
    assert all(row["CohortName"] and not row["Age"] + row["CTCAE_term"] for row in nobody)
    assert {row["CohortName"] for row in nobody}.isdisjoint(row["CohortName"] for row in rows if row["ID"] != "NA")


def test_a_patients_columns_are_repeated_and_groups_stand_side_by_side(patients: dict[str, Rows]) -> None:
    for found in patients.values():
        assert len({tuple(row[column] for column in REPEATED) for row in found}) == 1
        lengths = []
        for group in GROUPS.values():
            filled = [any(row[column] for column in group) for row in found]
            assert filled == sorted(filled, reverse=True)  # no hole
            lengths.append(sum(filled))
        assert len(found) == max(1, *lengths)
        assert int(found[0]["AE_total"]) == lengths[0]
        assert found[0]["AE_event"] == ("Yes" if lengths[0] else "No")


def test_each_column_has_content_in_its_own_spelling(rows: Rows) -> None:
    assert [column for column in COLUMNS if not any(row[column] for row in rows)] == []
    for column in DATES:
        assert all(re.fullmatch(r"(\d\d-\d\d-\d{4})?", row[column]) for row in rows), column
    for pattern in (r"00-(0[1-9]|1[0-2])-\d{4}", r"00-00-\d{4}"):
        assert any(re.fullmatch(pattern, row["Concominant_start_date"]) for row in rows)
    assert any("," in row["Change_from_baseline"] for row in rows)
    assert not any("." in row["Change_from_baseline"] for row in rows)
    words = {
        "Sex": "M F", "WHO": "0 1 2", "Evaluability": "Yes No", "Dose_delivered": "full reduced",
        "Type_tumour_assessment": "RECIST_1.1 iRECIST RANO", "Treatment_type": "oral IV",
        "BiomarkerCategory": "mutation amplification expression fusion signature", "Clinical_benefit": "Yes No",
        "AE_related_to_treatment1": "Unrelated Unlikely Possible Related",
        "Best_overall_response_BOR": "CR PR SD PD NE",
        "Response_assessment": "CR PR SD PD NE iCR iPR iSD iUPD iCPD iNE",
    }  # fmt: skip
    for column, expected in words.items():
        found = {row[column].replace(" ", "_") for row in rows} - {""}
        assert found <= set(expected.split()), column
        assert len(found) > 1, column
    assert all(re.fullmatch(r"[A-Z]\d\d\d*", row["ICD10Code"]) for row in rows if row["ICD10Code"])
    assert any(" + " in row["StudyTreatment"] for row in rows)
    assert {row["Trial"] for row in rows} == {"DRUP"}


def test_the_course_of_treatment_fits_together(patients: dict[str, Rows]) -> None:
    ended = 0
    for (first, *_), found in ((rows, rows) for rows in patients.values()):
        start, end, decided = (
            day(first[column]) for column in ("Treatment_start", "Treatment_end_last_dose", "Treatment_end")
        )
        assert start is not None
        assert (end is None) == (decided is None) == (first["Days_treated"] == "")
        if end is not None and decided is not None:
            ended += 1
            assert int(first["Days_treated"]) == (end - start).days + 1
            assert start <= end <= decided
        assert not (first["Death"] and first["Lost_to_follow_up"])
        for row in found:
            image = day(row["Event_date_assessment"])
            assert image is None or image > start
            assert (row["Response_assessment"] != "") == (image is not None)
        for kind in ("chemotherapy chemo", "radiotherapy", "immunotherapy", "hormonaltherapy", "targetedtherapy"):
            answer, _, short = kind.partition(" ")
            assert first[f"PT_{answer}_YN"] == "Yes" or not first[f"PT_{short or answer}_end_date"]
    assert 200 < ended < len(patients)


def test_the_workbook_has_the_same_cells(tmp_path: Path) -> None:
    write_export("drup", tmp_path / "csv", 25, 5)
    write_export("drup", tmp_path / "xlsx", 25, 5, format="xlsx")
    book = openpyxl.load_workbook(tmp_path / "xlsx" / "SYNTHETIC_DRUP.xlsx", read_only=True)
    assert book.sheetnames == ["DRUP"]
    with (tmp_path / "csv" / "SYNTHETIC_DRUP.csv").open(encoding="utf-8", newline="") as file:
        expected = [[cell or None for cell in row] for row in csv.reader(file, delimiter=";")]
    found = [list(row) + [None] * (63 - len(row)) for row in book["DRUP"].iter_rows(values_only=True)]
    assert found == expected
    book.close()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in {"one": 3, "again": 3, "other": 4}.items():
        write_export("drup", tmp_path / name, 60, seed, messy=True)
    one, again, other = ((tmp_path / name / "SYNTHETIC_DRUP.csv").read_bytes() for name in ("one", "again", "other"))
    assert one == again
    assert one != other


@pytest.mark.parametrize("patients", [1, 2, 19])
def test_few_patients_still_give_a_table(tmp_path: Path, patients: int) -> None:
    for seed in range(4):
        write_export("drup", tmp_path, patients, seed, messy=True)
        assert {row["Trial"] for row in read(tmp_path / "SYNTHETIC_DRUP.csv")} <= {"DRUP"}


def test_the_told_dirt_is_found(tmp_path: Path) -> None:
    write_export("drup", tmp_path, 300, SEED, messy=True)
    text = (tmp_path / "README.txt").read_text(encoding="utf-8")
    assert "all that stands in them is made up here" in text
    told = {kind: int(n) for n, kind in re.findall(r"^ *(\d+)  ([^:]+):", text.split("Dirt put in")[1], re.MULTILINE)}
    assert len(told) == 14
    assert all(told.values()), told
    rows = read(tmp_path / "SYNTHETIC_DRUP.csv")
    cells = [(column, value) for row in rows for column, value in row.items()]
    assert sum(bool(re.fullmatch(r"30-02-\d{4}", value)) for _, value in cells) == told["impossible date"]
    assert sum(bool(re.fullmatch(r"\d\d\.\d\d\.\d{4}", value)) for _, value in cells) == told["dotted date"]
    points = sum(column.startswith("Change_") and "." in value for column, value in cells)
    assert points == told["decimal point"]
    assert sum(row["AE_grade"] == "NA" for row in rows) == told["grade NA"]
    assert sum(row["AE_related_to_treatment1"] == "Probable" for row in rows) == told["unknown relation"]
    repeated = Counter(tuple(row.values()) for row in rows)
    assert sum(repeated.values()) - len(repeated) == told["duplicate row"]
    values = defaultdict(set)
    for row in rows:
        values[row["ID"]].update((column, row[column]) for column in ("Age", "Days_treated"))
    assert sum(len(found) - 2 for id_, found in values.items() if id_ != "NA") == told["contradiction"]
    content = (tmp_path / "SYNTHETIC_DRUP.csv").read_bytes()
    assert content.count(b"\r\n") == told["mixed line ends"]
    assert content.count(b'""') == told["quoted empty"]


def test_the_command_writes_either_trial(tmp_path: Path) -> None:
    for trial, name in {"impress": "SYNTHETIC_IMPRESS_AE.csv", "drup": "SYNTHETIC_DRUP.csv"}.items():
        folder = tmp_path / trial
        options = ["synthetic", str(folder), "--trial", trial, "--patients", "4"]
        assert CliRunner().invoke(main, options).exit_code == 0
        assert (folder / name).is_file()
    assert CliRunner().invoke(main, ["synthetic", str(tmp_path), "--trial", "other"]).exit_code == 2
