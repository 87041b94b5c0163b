"""The files: names, headers, columns, scale, determinism, what they say of themselves."""

from __future__ import annotations

import builtins
import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from omopify.errors import OmopifyError
from omopify.synthetic import columns, write_export, write_impress

# Typed from the data dictionary of the export, section 4, not from the generator.
WITH_CODE = """
COH COHTTYPE COHTTYPE__2 COHTTYPE__3 COHALLO1 COHALLO1__2 COHALLO1__3 COHALLO2 COHALLO2__2 COHALLO2__3 GENMUT1
ECOG ECOGS
DM SEX
CT CTTYPE
EOT EOTREOT
TR TRCYN TRO_YN TRODSU TROTAKE TROREA
FU FUPSST
CM CMMHYN CMONGO
AE AEOUT AEREL1 AEREL2 SAEREL1 SAEREL2 SAEEXP1 SAEEXP2
VI VITUMA VITUMA__2
RA RANLBASE RATIMRES RAiMOD
RNRSP RNRSPNL RNRSPCL
MH MHONGO
EQ5D EQ5D1 EQ5D2 EQ5D3 EQ5D4 EQ5D5
"""
ALONE = """
COH EventDate COHORTNAME ICD10COD ICD10DES COHTT COHTTOSP COHCTN COHTMN
ECOG EventId ECOGDAT
DM DMAGE BRTHDAT
CT CTTYPESP CTSPID CTSTDAT CTENDAT
EOT EventDate EOTDAT EOTPROGDTC
TR TRNAME TRTNO TRCNO1 TRC1_DT TRIVDS1 TRIVU1 TRIVDELYN1 TRDSDEL1 TRODSTOT TRODSUOT TRO_STDT TROSTPDT TROTABNO TROSPE TROOTH
EOS DEATHDTC
CM CMTRT CMAEYN CMAENO CMSTDAT CMENDAT CMSPID
AE AECTCAET AETOXGRECD AESTDAT AEENDAT AESPID AESERCD SAESTDAT AETRT1 AETRT2 AETRTMM1 AETRTMM2
FU FUPALDAT FUPDEDAT
VI EventId EventDate VIAMLTYP
RA EventId EventDate RAASSESS1 RAASSESS2 RARECBAS RARECNAD RARECCUR RABASECH RARECCH RAPROGDT RAiUNPDT
RNRSP EventId EventDate TERNTBAS TERNAD TERNTB TERNCFB TERNCFN
RCNT EventId EventDate RCNTNOB
RNTMNT EventId EventDate RNTMNTNOB RNTMNTNO
MH MHTERM MHSPID MHSTDAT MHENDAT
EQ5D EventName EventDate EQ5DDAT EQ5DVAS
C30 EventName EventDate C30DAT
"""  # noqa: E501
FORMS = [line.split()[0] for line in ALONE.strip().split("\n")]


assert len(FORMS) == 18


def expected_columns() -> dict[str, set[str]]:
    expected = {form: {"SubjectId"} for form in FORMS}
    for line in ALONE.split("\n")[1:-1]:
        form, *items = line.split()
        expected[form].update(items)
    for line in WITH_CODE.split("\n")[1:-1]:
        form, *items = line.split()
        expected[form].update(items, (item + "CD" for item in items))
    for question in range(1, 31):
        expected["C30"].update({f"C30_Q{question}", f"C30_Q{question}CD"})
    return expected


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_form_is_a_file_that_says_synthetic(clean_folder: Path) -> None:
    assert set(files(clean_folder)) == {f"SYNTHETIC_IMPRESS_{form}.csv" for form in FORMS} | {"README.txt"}


def test_two_header_rows_labels_then_ids(clean_folder: Path) -> None:
    for form, labels in columns().items():
        with (clean_folder / f"SYNTHETIC_IMPRESS_{form}.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            assert next(reader) == list(labels.values())
            assert next(reader) == list(labels)
            assert next(reader)[0].count("_") == 2


def test_all_columns_of_the_data_dictionary(clean: dict[str, list[dict[str, str]]]) -> None:
    for form, expected in expected_columns().items():
        assert expected <= set(clean[form][0]), form
        # Beyond the dictionary's section 4 only Viedoc's own columns of the event stand there.
        assert set(clean[form][0]) - expected <= {"EventId", "EventName", "EventDate", "ActivityId"}, form


def test_every_column_has_content_but_those_that_never_have(clean: dict[str, list[dict[str, str]]]) -> None:
    empty = {c for rows in clean.values() for c in rows[0] if not any(row[c] for row in rows)}
    assert empty == {"COHTTYPE__3", "COHTTYPE__3CD", "VIAMLTYP"}


def test_about_35_rows_a_patient(clean: dict[str, list[dict[str, str]]]) -> None:
    rows = sum(len(rows) for rows in clean.values())
    assert 0.7 * 35 <= rows / len(clean["DM"]) <= 1.3 * 35


@pytest.mark.parametrize("messy", [False, True])
def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path: Path, messy: bool) -> None:
    for name, seed in {"one": 3, "again": 3, "other": 4}.items():
        write_impress(tmp_path / name, 60, seed, messy=messy)
    assert files(tmp_path / "one") == files(tmp_path / "again")
    other = files(tmp_path / "other")
    assert all(other[name] != content for name, content in files(tmp_path / "one").items())


@pytest.mark.parametrize(("trial", "patients", "seed"), [("impress", 40, 20261121), ("drup", 25, 20261122)])
def test_the_shipped_examples_are_what_the_generator_writes(
    tmp_path: Path, trial: str, patients: int, seed: int
) -> None:
    shipped = Path(__file__).parents[2] / "examples" / trial / "data"
    write_export(trial, tmp_path, patients, seed, messy=True)
    written = files(tmp_path)
    assert {name: files(shipped)[name] for name in written} == written
    assert sum(map(len, written.values())) < 400_000
    # Their line ends are dirt on purpose: Git must not mend them.
    assert (shipped / ".gitattributes").read_text(encoding="utf-8") == "*.csv -text\n"


@pytest.mark.parametrize("patients", [1, 2, 19, 20])
def test_few_patients_still_give_all_forms(tmp_path: Path, patients: int) -> None:
    for seed in range(5):
        write_impress(tmp_path, patients, seed, messy=True)
        with (tmp_path / "SYNTHETIC_IMPRESS_DM.csv").open(encoding="utf-8", newline="") as file:
            assert len({row[0] for row in csv.reader(file)}) == patients + 2


def test_workbook_has_the_same_cells(tmp_path: Path) -> None:
    for folder in ("one", "again"):
        write_impress(tmp_path / folder, 25, 5, messy=True, format="xlsx")
    assert files(tmp_path / "one") == files(tmp_path / "again")
    assert set(files(tmp_path / "one")) == {"SYNTHETIC_IMPRESS.xlsx", "README.txt"}
    write_impress(tmp_path / "csv", 25, 5, messy=True)
    book = openpyxl.load_workbook(tmp_path / "one" / "SYNTHETIC_IMPRESS.xlsx", read_only=True)
    assert book.sheetnames == FORMS
    for form in FORMS:
        with (tmp_path / "csv" / f"SYNTHETIC_IMPRESS_{form}.csv").open(encoding="utf-8", newline="") as file:
            expected = [[cell or None for cell in row] for row in csv.reader(file)]
        width = len(expected[0])
        found = [list(row) + [None] * (width - len(row)) for row in book[form].iter_rows(values_only=True)]
        assert found == expected, form
    book.close()


def test_readme_says_synthetic_seed_patients_and_version(clean_folder: Path) -> None:
    text = (clean_folder / "README.txt").read_text(encoding="utf-8")
    assert text.startswith("SYNTHETIC DATA. No real patient")
    assert "patients: 400 " in text
    assert "seed: 7\n" in text
    assert "messy: no" in text
    assert "generator version" in text


@pytest.mark.parametrize(("patients", "seed", "format"), [(0, 1, "csv"), (5, -1, "csv"), (5, 1, "parquet")])
def test_nonsense_is_refused(tmp_path: Path, patients: int, seed: int, format: Any) -> None:
    with pytest.raises(OmopifyError):
        write_impress(tmp_path / "out", patients, seed, format=format)
    assert not (tmp_path / "out").exists()


def test_missing_xlsxwriter_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "xlsxwriter":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(OmopifyError, match="'xlsxwriter' is not installed"):
        write_impress(tmp_path, 5, format="xlsx")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, omopify.synthetic as s; s.columns(); print({'polars', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
