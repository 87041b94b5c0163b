"""A messy export: each kind of dirt is really there, as often as its README says."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

Forms = dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def told(messy_folder: Path) -> dict[str, int]:
    """Return the counts of the README."""
    text = (messy_folder / "README.txt").read_text(encoding="utf-8").split("Dirt put in on purpose")[1]
    return {kind: int(n) for n, kind in re.findall(r"^ *(\d+)  ([^:]+):", text, re.MULTILINE)}


def count(forms: Forms, pattern: str) -> int:
    return sum(bool(re.search(pattern, v)) for rows in forms.values() for row in rows for v in row.values())


def pairs(forms: Forms) -> list[tuple[str, str]]:
    return [
        (row[item], row[item + "CD"]) for rows in forms.values() for row in rows for item in row if item + "CD" in row
    ]


def test_every_kind_occurs(told: dict[str, int]) -> None:
    assert len(told) == 19
    assert all(n > 0 for n in told.values()), told


def test_most_rows_stay_clean(messy: Forms, told: dict[str, int]) -> None:
    rows = sum(len(rows) for rows in messy.values())
    assert sum(told.values()) - told["mixed line ends"] < 0.1 * rows


def test_told_dirt_is_found(messy: Forms, clean: Forms, told: dict[str, int]) -> None:
    assert count(messy, r"^\d{4}-02-30$") == told["impossible date"]
    assert count(messy, r"^\d{2}\.\d{2}\.\d{4}$") == told["dotted date"]
    assert count(messy, r"^-?\d+,\d+$") == told["decimal comma"]
    numbers = {"1.0", "2.0", "3.0", "4.0"}
    assert sum(code in numbers or code.endswith(".0") for _, code in pairs(messy)) == told["decimal code"]
    assert sum(bool(label) and not code for label, code in pairs(messy)) == told["missing code"]
    assert sum(bool(code) and not label for label, code in pairs(messy)) == told["missing label"]
    assert sum(row["AETOXGRECD"] == "NA" for row in messy["AE"]) == told["grade NA"]
    assert sum(not row["AESTDAT"] for row in messy["AE"]) == told["AE without start date"]
    assert sum(row["AEOUT"] == "Improved, ongoing" for row in messy["AE"]) == told["unknown outcome"]
    assert sum(row["AESTDAT"] == "" for row in clean["AE"]) == 0


def test_version_collisions(messy: Forms, told: dict[str, int]) -> None:
    found = 0
    for form, items in {"COH": ["COHTTYPE", "COHALLO1", "COHALLO2"], "VI": ["VITUMA"]}.items():
        for item in items:
            versions = [[row.get(item + v, "") for v in ("", "__2", "__3")] for row in messy[form]]
            here = sum(sum(map(bool, filled)) > 1 for filled in versions)
            assert here, item
            found += here
    assert found == told["version collision"]


def test_repeated_rows_and_numbers(messy: Forms, told: dict[str, int]) -> None:
    repeated = 0
    for form in ("DM", "ECOG", "TR", "CM", "AE", "MH"):
        rows = Counter(tuple(row.values()) for row in messy[form])
        repeated += sum(rows.values()) - len(rows)
    assert repeated == told["duplicate row"]
    shared = 0
    for form, column in (("AE", "AESPID"), ("CM", "CMSPID"), ("MH", "MHSPID"), ("CT", "CTSPID")):
        distinct = {tuple(row.values()): (row["SubjectId"], row[column]) for row in messy[form]}
        keys = [key for key in distinct.values() if not key[0].startswith("Q")]
        shared += len(keys) - len(set(keys))
    assert shared == told["duplicate sequence number"]


def test_orphans_are_in_no_other_form(messy: Forms, told: dict[str, int]) -> None:
    orphans = {row["SubjectId"] for row in messy["AE"]} - {row["SubjectId"] for row in messy["DM"]}
    assert len(orphans) == told["orphan subject"]
    for form in set(messy) - {"AE"}:
        assert not orphans & {row["SubjectId"] for row in messy[form]}


def test_bytes_hold_quoted_empties_and_both_line_ends(messy_folder: Path, told: dict[str, int]) -> None:
    contents = [path.read_bytes() for path in messy_folder.glob("*.csv")]
    assert sum(content.count(b'""') for content in contents) == told["quoted empty"]
    assert sum(content.count(b"\r\n") for content in contents) == told["mixed line ends"]
    assert all(content.count(b"\r") == content.count(b"\r\n") for content in contents)


def test_clean_files_hold_neither(clean_folder: Path) -> None:
    for path in clean_folder.glob("*.csv"):
        content = path.read_bytes()
        assert b"\r" not in content
        assert b'""' not in content
        assert content.endswith(b"\n")


def test_words_blanks_case_and_odd_dates_differ_from_the_clean_export(messy: Forms) -> None:
    assert {row["SEX"] for row in messy["DM"]} & {"male", "female", "MALE", "FEMALE"}
    assert any(row["AECTCAET"].endswith("  ") for row in messy["AE"] + messy["CM"] if "AECTCAET" in row)
    assert count(messy, r"^(N/A|nk|null|unknown|None)$")
    assert count(messy, r"^\d{4}(/\d{2}/\d{2}|\d{4}|-UK-UK|-NK)$|^\d{4}-\d{2}-\d{2} (00:00)?$")
