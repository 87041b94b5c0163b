"""Loading downloads into a vocabulary file: what gets in, what is refused, and that nothing good is ever lost."""

from __future__ import annotations

import datetime
import gzip
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omopify.cdm import tables
from omopify.errors import Location, OmopifyError, Problems
from omopify.vocabulary.loading import load as module
from omopify.vocabulary.loading.athena import TABLES, find_athena, starter_path
from omopify.vocabulary.loading.load import Loaded, load_vocabulary, read_load
from tests.vocabulary.athena_zip import HEADERS, TINY, with_header, write_download, write_tiny, zip_download

ROW = TINY["CONCEPT.csv"].splitlines(keepends=True)[1]
RELATIONSHIP = TINY["CONCEPT_RELATIONSHIP.csv"]


def concept(number: int, name: str = "name") -> str:
    return ROW.replace("100000001", str(number)).replace("abemanib", name)


def load(path: Path, *more: Path, out: Path | None = None) -> Loaded:
    problems = Problems()
    loaded = load_vocabulary([path, *more], out or path.parent / "v.duckdb", problems)
    assert problems.found == []
    return loaded


def rows(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as con:
        return con.execute(sql).fetchall()


def refused(path: Path, *more: Path, out: Path | None = None) -> list[str]:
    """What is told when a download is refused; nothing may be left behind."""
    target = out or path.parent / "v.duckdb"
    before = sorted(target.parent.iterdir()) if target.parent.is_dir() else []
    problems = Problems()
    with pytest.raises(OmopifyError) as error:
        load_vocabulary([path, *more], target, problems)
    assert list(error.value.problems) == problems.errors
    assert (sorted(target.parent.iterdir()) if target.parent.is_dir() else []) == before
    return [str(problem).replace(f"{path}{os.sep}", "").replace(str(path), "PATH") for problem in problems.errors]


def warned(path: Path) -> list[str]:
    problems = Problems()
    load_vocabulary([path], path.parent / "v.duckdb", problems)
    assert problems.errors == []
    return [str(problem).replace(f"{path}{os.sep}", "") for problem in problems.warnings]


def shipped(name: str) -> Path:
    folder = starter_path(name)
    assert folder is not None
    return folder


# what gets in


@pytest.mark.parametrize("names", [("starter",), ("starter", "demo_restricted")])
def test_every_line_of_the_shipped_vocabulary_is_loaded(names: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "v.duckdb"
    loaded = load(*map(shipped, names), out=out)
    wanted = dict.fromkeys(TABLES, 0)
    for name in names:
        for path in shipped(name).glob("*.csv"):
            wanted[path.stem.casefold()] += path.read_bytes().count(b"\n") - 1
    problems = Problems()
    file = read_load(out, problems)
    assert file is not None
    assert problems.found == []
    assert file.tables == wanted
    assert file.release == loaded.release == "omopify starter v1"
    assert file.sha256 == loaded.sha256
    assert sum(file.vocabularies.values()) == wanted["concept"]
    assert file.vocabularies["RxNorm"] == 223
    assert list(tmp_path.iterdir()) == [out]
    for table in TABLES:
        described = rows(out, f"SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '{table}'")
        types = {"integer": "INTEGER", "varchar": "VARCHAR", "date": "DATE", "float": "DOUBLE"}
        assert described == [(field.name, types[field.type]) for field in tables()[table].fields]
    assert rows(out, "SELECT concept_name FROM concept WHERE concept_id = 0") == [("No matching concept",)]


def test_no_key_of_the_shipped_vocabulary_dangles_and_a_planted_one_is_found(
    con: duckdb.DuckDBPyConnection, render: Any, tmp_path: Path
) -> None:
    load(shipped("starter"), shipped("demo_restricted"), out=tmp_path / "v.duckdb")
    con.execute(f"ATTACH '{tmp_path / 'v.duckdb'}' AS v (READ_ONLY)")
    for table in TABLES:
        con.execute(f"INSERT INTO cdm.{table} FROM v.{table}")
    query = render("cdm/verify_keys.sql.jinja", schema="cdm", tables=tables().values())
    assert [row for row in con.execute(query).fetchall() if row[3]] == []
    con.execute("INSERT INTO cdm.person VALUES (1, 8507, 1960, 1, 1, NULL, 0, 0" + ", NULL" * 10 + ")")
    con.execute(
        "INSERT INTO cdm.death (person_id, death_date, death_type_concept_id) "
        "VALUES (1, DATE '2024-01-01', 32809), (2, DATE '2024-01-01', 32809)"
    )
    found = [row for row in con.execute(query).fetchall() if row[3]]
    assert found == [("death", "person_id", "person", 1)]


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "a")
    known = find_athena(folder, Problems())
    assert known is not None
    assert load(folder).sha256 == known.sha256
    archive = zip_download(folder, tmp_path / "a.zip")
    assert load(archive).sha256 == known.sha256
    other = write_tiny(tmp_path / "b", {"CONCEPT.csv": with_header("CONCEPT.csv", TINY["CONCEPT.csv"] + concept(7))})
    assert load(other).sha256 != known.sha256
    assert load(folder, other).sha256 not in (known.sha256, load(other).sha256, load(other, folder).sha256)


def test_a_zip_with_every_harmless_oddity(tmp_path: Path) -> None:
    folder = write_download(tmp_path / "download", 3000)
    wanted = {path.stem.casefold(): path.read_bytes().count(b"\n") - 1 for path in folder.iterdir()}
    (folder / "CONCEPT.csv").rename(folder / "Concept.CSV")
    header, _, body = (folder / "DOMAIN.csv").read_text().partition("\n")
    (folder / "DOMAIN.csv").write_bytes(f"\ufeff{header.upper()}\n{body}".replace("\n", "\r\n").encode())
    synonyms = (folder / "CONCEPT_SYNONYM.csv").read_bytes()
    (folder / "CONCEPT_SYNONYM.csv").write_bytes(synonyms.rstrip(b"\n") + b"\n\n\n")
    more = {
        "vocabulary_v5/cpt4.jar": b"PK", "readme.txt": b"unpack me", "CONCEPT_CPT4.csv": b"x",
        "__MACOSX/._CONCEPT.csv": b"\0\5\26\7", "vocabulary_v5/._DOMAIN.csv": b"\0\5\26\7",
    }  # fmt: skip
    archive = zip_download(folder, tmp_path / "vocabulary_download_v5.ZIP", "vocabulary_v5/", more)
    shutil.rmtree(folder)
    out = tmp_path / "vocabulary.duckdb"
    said: list[str] = []
    unpacked: list[int] = []
    shares: list[float] = []

    def say(text: str, done: float = 0, of: float = 0) -> None:
        said.append(text)
        shares.append(done / of)
        unpacked.append(len(list(tmp_path.glob(".vocabulary.duckdb.*/*.csv"))))

    loaded = load_vocabulary([archive], out, Problems(), say, "300MB", 1)
    file = read_load(out, Problems())
    assert file is not None
    assert file.tables == wanted
    assert file.release == "v5.0 made up"
    assert {one.table: one.rows_kept for one in loaded.files} == wanted
    assert {one.file for one in loaded.files} >= {"Concept.CSV", "DOMAIN.csv"}
    assert "checking what was loaded" in said
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert max(unpacked) == 2
    assert sorted(tmp_path.iterdir()) == [out, archive]
    # quotes are data, and so are the zeros of a code
    assert rows(out, "SELECT count(*) FROM concept WHERE concept_name LIKE '%\"%'") == [(2,)]
    assert rows(out, "SELECT min(length(concept_code)) FROM concept WHERE length(concept_code) > 17") == [(18,)]
    assert rows(out, "SELECT concept_id FROM concept") == rows(out, "SELECT concept_id FROM concept ORDER BY 1")


def test_quotes_are_data(tmp_path: Path) -> None:
    # one leading quote made rows disappear silently elsewhere (OHDSI/Vocabulary-v5.0#1239)
    names = [
        '"edoxaban',
        "plain",
        '12" tube',
        '"a" or "b"',
        "it's",
        "#1",
        "back\\slash",
        'end"',
        "comma, semi;",
        "NULL",
    ]
    lines = "".join(concept(number, name) for number, name in enumerate(names, 1))
    load(_dated(tmp_path / "a", lines))
    found = rows(tmp_path / "v.duckdb", "SELECT concept_name FROM concept ORDER BY concept_id")
    assert [row[0] for row in found] == names


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@settings(max_examples=25, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=20))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any")
    lines = "".join(concept(number, name) for number, name in enumerate(names, 1))
    problems = Problems()
    load_vocabulary(
        [write_tiny(folder / "a", {"CONCEPT.csv": with_header("CONCEPT.csv", lines)})], folder / "v.duckdb", problems
    )
    assert problems.errors == []
    found = rows(folder / "v.duckdb", "SELECT concept_name FROM concept ORDER BY concept_id")
    assert [row[0] for row in found] == names


def test_types_and_empty_cells(tmp_path: Path) -> None:
    strength = "1\t2\t0.5\t8576\t\t\t\t\t\t20200131\t20991231\t\n"
    lines = concept(1) + "2\t\tDrug\tdm+d\tAMP\t\t0012\t20200131\t20991231\tD\n"
    files = {
        "CONCEPT.csv": with_header("CONCEPT.csv", lines),
        "DRUG_STRENGTH.csv": with_header("DRUG_STRENGTH.csv", strength),
    }
    folder = write_tiny(tmp_path / "a", {**files, "CONCEPT_RELATIONSHIP.csv": HEADERS["concept_relationship"]})
    assert warned(folder) == ["1 concepts of dm+d have no name, such as 2 [OM623]"]
    first, last = datetime.date(2020, 1, 31), datetime.date(2099, 12, 31)
    assert rows(tmp_path / "v.duckdb", "FROM concept ORDER BY concept_id") == [
        (1, "name", "Drug", "RxNorm", "Ingredient", "S", "code1", first, last, None),
        (2, "", "Drug", "dm+d", "AMP", None, "0012", first, last, "D"),
    ]
    assert rows(tmp_path / "v.duckdb", "FROM drug_strength") == [
        (1, 2, 0.5, 8576, None, None, None, None, None, first, last, None)
    ]


def epoch(*day: int) -> str:
    return str(int(datetime.datetime(*day, tzinfo=datetime.UTC).timestamp()))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("first", "second", "last"),
    [
        ("19700101", "20200304", "20991231"),
        ("1970-01-01", "2020-03-04", "2099-12-31"),
        ("01/01/1970", "04/03/2020", "31/12/2099"),
        ("1/1/1970", "3/4/2020", "12/31/2099"),
        ("0", epoch(2020, 3, 4), epoch(2099, 12, 31)),
        # midnight in Helsinki, in New York
        (epoch(1969, 12, 31, 22), epoch(2020, 3, 3, 22), epoch(2099, 12, 30, 22)),
        (epoch(1970, 1, 1, 5), epoch(2020, 3, 4, 5), epoch(2099, 12, 31, 5)),
    ],
)
def test_all_forms_of_dates(tmp_path: Path, first: str, second: str, last: str) -> None:
    lines = concept(1).replace("20200131", first).replace("20991231", second)
    lines += "".join(concept(n).replace("20200131", first).replace("20991231", first) for n in range(2, 400))
    lines += concept(400).replace("20200131", second).replace("20991231", last)
    load(_dated(tmp_path / "a", lines))
    found = rows(tmp_path / "v.duckdb", "SELECT valid_start_date, valid_end_date FROM concept ORDER BY concept_id")
    start, middle, end = datetime.date(1970, 1, 1), datetime.date(2020, 3, 4), datetime.date(2099, 12, 31)
    assert found == [(start, middle), *[(start, start)] * 398, (middle, end)]


def _dated(folder: Path, lines: str) -> Path:
    return write_tiny(
        folder,
        {"CONCEPT.csv": with_header("CONCEPT.csv", lines), "CONCEPT_RELATIONSHIP.csv": HEADERS["concept_relationship"]},
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("CONCEPT.csv", f"{HEADERS['concept'].upper()}\n{ROW}"),
        ("CONCEPT.csv", f"{HEADERS['concept']}\n{ROW}".replace("\n", "\r\n")),
        ("CONCEPT.csv", f"\ufeff{HEADERS['concept']}\n{ROW}"),
        ("CONCEPT.csv", f"{HEADERS['concept']}\n{ROW.rstrip()}\t"),
        ("CONCEPT.csv", f"{HEADERS['concept']}\n{ROW}\n\n"),
        ("concept.tsv", f"{HEADERS['concept']}\n{ROW}"),
        ("Concept.csv.gz", gzip.compress(f"{HEADERS['concept']}\r\n{ROW}".replace("\n", "\r\n").encode())),
    ],
)
def test_other_ways_to_write_the_same(tmp_path: Path, name: str, content: str | bytes) -> None:
    empty = {"CONCEPT.csv": None, "CONCEPT_RELATIONSHIP.csv": HEADERS["concept_relationship"]}
    folder = tmp_path / "it's a [name]*"
    load(write_tiny(folder, {**empty, name: content}))
    found = rows(tmp_path / "v.duckdb", "SELECT concept_id, concept_name, concept_code, invalid_reason FROM concept")
    assert found == [(100000001, "abemanib", "code1", None)]


def test_columns_are_found_by_name_and_others_left_out(tmp_path: Path) -> None:
    header = "DOMAIN_NAME\textra\tDOMAIN_CONCEPT_ID\t\tDOMAIN_ID\n"
    folder = write_tiny(tmp_path / "a", {"DOMAIN.csv": f"{header}Long\tx\t19\ty\tShort\n"})
    assert warned(folder) == [
        "vocabulary file 'DOMAIN.csv' has columns that the CDM does not know: extra, ; they are left out [OM625]"
    ]
    assert rows(tmp_path / "v.duckdb", "FROM domain") == [("Short", "Long", 19)]


# several downloads


def test_a_later_download_adds_only_what_is_new(tmp_path: Path) -> None:
    first = write_tiny(tmp_path / "1")
    synonyms = "concept_id\tconcept_synonym_name\tlanguage_concept_id\n"
    (first / "CONCEPT_SYNONYM.csv").write_text(f"{synonyms}1\ta\t0\n1\tb\t0\n")
    changed = RELATIONSHIP.replace("20200131", "20210101")
    second = write_tiny(
        tmp_path / "2",
        {
            "CONCEPT.csv": with_header("CONCEPT.csv", concept(100000001, "other") + concept(5)),
            "CONCEPT_RELATIONSHIP.csv": with_header(
                "CONCEPT_RELATIONSHIP.csv", changed + changed.replace("Maps to", "Is a")
            ),
            "CONCEPT_SYNONYM.csv": f"{synonyms}1\tb\t0\n1\tc\t0\n",
            "VOCABULARY.csv": with_header("VOCABULARY.csv", "None\tlater\tx\tv6\t1\nX\tx\tx\t\t2\n"),
        },
    )
    out = tmp_path / "v.duckdb"
    loaded = load(first, second, out=out)
    assert loaded.release == "v5.0 made up"
    assert rows(out, "SELECT concept_id, concept_name FROM concept ORDER BY 1") == [
        (0, "No matching concept"), (5, "name"), (100000001, "abemanib"), (100000002, "abemanib 5 MG"),
    ]  # fmt: skip
    assert rows(out, "SELECT relationship_id, valid_start_date FROM concept_relationship ORDER BY 1") == [
        ("Is a", datetime.date(2021, 1, 1)), ("Maps to", datetime.date(2020, 1, 31)),
    ]  # fmt: skip
    assert rows(out, "SELECT concept_synonym_name FROM concept_synonym ORDER BY 1") == [("a",), ("b",), ("c",)]
    assert rows(out, "SELECT vocabulary_id FROM vocabulary ORDER BY 1") == [("None",), ("RxNorm",), ("X",)]
    counts = {(one.download, one.table): (one.rows, one.rows_kept) for one in loaded.files}
    assert counts["2", "concept"] == (2, 1)
    assert counts["1", "concept"] == (3, 3)
    assert rows(out, 'SELECT name, "rows", rows_kept FROM omopify_load_files WHERE "table" = \'concept\'') == [
        ("1", 3, 3), ("2", 2, 1),
    ]  # fmt: skip


def test_the_same_download_twice_adds_nothing(tmp_path: Path) -> None:
    folder = write_download(tmp_path / "a", 500)
    loaded = load(folder, folder)
    half = len(loaded.files) // 2
    assert all(file.rows_kept == 0 for file in loaded.files[half:])
    assert [file.rows for file in loaded.files[:half]] == [file.rows for file in loaded.files[half:]]


def test_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    first = write_tiny(tmp_path / "1", {"CONCEPT.csv": with_header("CONCEPT.csv", concept(1) + "2\tcut off\n")})
    second = write_tiny(tmp_path / "2", {"VOCABULARY.csv": with_header("VOCABULARY.csv", "X\tx\tx\tx\tone\n")})
    found = refused(first, second, out=tmp_path / "v.duckdb")
    assert [text[-7:] for text in found] == ["[OM606]", "[OM606]"]


# what is refused, with its line


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (ROW.replace("abemanib", "abema\tnib"),
         "CONCEPT.csv:22:1: more cells than columns (line 22); "
         "a name holds a tab: take it out in these lines and load again [OM606]"),
        ("1\tcut off\n",
         "CONCEPT.csv:22:1: fewer cells than columns (line 22); "
         "the file is cut off or was edited: download it again [OM606]"),
        ("1\tcut off",
         "CONCEPT.csv:22:1: fewer cells than columns (line 22); "
         "the file is cut off or was edited: download it again [OM606]"),
        (ROW.replace("100000001", "one"),
         "CONCEPT.csv:22:1: 'concept_id' is not a whole number below 2,147,483,647 (line 22); "
         "download it again; do not save it in Excel [OM606]"),
        (ROW.replace("100000001", "2147483648"),
         "CONCEPT.csv:22:1: 'concept_id' is not a whole number below 2,147,483,647 (line 22); "
         "download it again; do not save it in Excel [OM606]"),
        (ROW.replace("100000001", ""),
         "CONCEPT.csv:22:1: 'concept_id' is empty (line 22); download it again; do not save it in Excel [OM606]"),
        (ROW.replace("abemanib", "abe\rmanib"),
         "CONCEPT.csv:22:1: a line end inside a row (line 22); download it again; do not save it in Excel [OM606]"),
        (ROW.replace("\n", "D\r\n"),
         "CONCEPT.csv:22:1: another line end than in the first line (line 22); "
         "download it again; do not save it in Excel [OM606]"),
        (ROW.replace("abemanib", "abemanib\udce9"),
         "CONCEPT.csv:22:1: not UTF-8 text (line 22); save the file as UTF-8, or download it again [OM604]"),
        (ROW.replace("20200131", "31/01/2020"),
         "CONCEPT.csv:22:1: '31/01/2020' is not a date like 20240131, as in the rows before; one file writes all dates "
         "in one way, such as 20240131, 2024-01-31, 31/01/2024, 01/31/2024, 1706659200 [OM618]"),
        (ROW.replace("20200131", "yesterday"),
         "CONCEPT.csv:22:1: 'yesterday' is not a date like 20240131, as in the rows before; one file writes all dates "
         "in one way, such as 20240131, 2024-01-31, 31/01/2024, 01/31/2024, 1706659200 [OM618]"),
        (ROW.replace("20200131", "20200230"),
         "CONCEPT.csv:22:1: 'valid_start_date' is not a date like 20240131, as in the first rows (line 22); "
         "download it again; do not save it in Excel [OM606]"),
    ],
)  # fmt: skip
def test_a_broken_row_is_told_by_its_line(tmp_path: Path, broken: str, told: str) -> None:
    after = "" if broken.endswith("off") else concept(30)
    lines = with_header("CONCEPT.csv", "".join(concept(n) for n in range(2, 22))) + broken + after
    folder = write_tiny(tmp_path / "a", {"CONCEPT.csv": lines.encode(errors="surrogateescape")})
    assert refused(folder) == [told]


def test_many_broken_rows_are_counted_by_kind(tmp_path: Path) -> None:
    lines = [concept(n) for n in range(2, 500)]  # the first is line 2
    for number in (10, 300, 301, 302, 303, 304, 305):
        lines[number - 2] = concept(number, "a\tb")
    lines[400 - 2] = lines[400 - 2].replace("20991231", "2099-12-31")
    lines[410 - 2] = "\n"
    folder = write_tiny(tmp_path / "a", {"CONCEPT.csv": with_header("CONCEPT.csv", "".join(lines))})
    assert refused(folder) == [
        "CONCEPT.csv:10:1: more cells than columns (lines 10, 300, 301, 302, 303 and 2 more); "
        "a name holds a tab: take it out in these lines and load again [OM606]",
        "CONCEPT.csv:400:1: 'valid_end_date' is not a date like 20240131, as in the first rows (line 400); "
        "download it again; do not save it in Excel [OM606]",
        "CONCEPT.csv:410:1: an empty line between the rows (line 410); "
        "download it again; do not save it in Excel [OM606]",
    ]


def test_an_empty_line_between_rows_is_a_row_too_few(tmp_path: Path) -> None:
    lines = with_header("CONCEPT.csv", concept(2) + "\n" + concept(3))
    first, second = refused(write_tiny(tmp_path / "a", {"CONCEPT.csv": lines}))
    assert first == (
        "CONCEPT.csv:3:1: an empty line between the rows (line 3); download it again; do not save it in Excel [OM606]"
    )
    assert second == "of the 3 rows of vocabulary file 'CONCEPT.csv' 2 were loaded; download it again [OM619]"


def test_day_and_month_that_cannot_be_told_apart(tmp_path: Path) -> None:
    lines = "".join(concept(n).replace("20200131", "01/02/2020").replace("20991231", "1/1/2030") for n in range(1, 300))
    assert refused(_dated(tmp_path / "a", lines)) == [
        "CONCEPT.csv: day and month cannot be told apart in the dates of this file: none is after the 12th; "
        "write them as 20240131 or 2024-01-31, as Athena and databases do [OM618]"
    ]


def test_dates_that_nobody_knows(tmp_path: Path) -> None:
    lines = concept(1).replace("20200131", "31-JAN-20")
    (found,) = refused(_dated(tmp_path / "a", lines))
    assert found.startswith("CONCEPT.csv:2:1: '31-JAN-20' is not a date that omopify knows; one file writes all ")


@pytest.mark.parametrize("content", [HEADERS["concept"], HEADERS["concept"] + "\n", HEADERS["concept"] + "\r\n\r\n"])
def test_an_emptied_concept_file(tmp_path: Path, content: str) -> None:
    assert refused(write_tiny(tmp_path / "a", {"CONCEPT.csv": content})) == [
        "vocabulary file 'CONCEPT.csv' has no rows; "
        "a run of the CPT4 tool that failed empties it: unpack the download again [OM620]"
    ]


def test_the_same_concept_twice(tmp_path: Path) -> None:
    lines = with_header("CONCEPT.csv", TINY["CONCEPT.csv"] + ROW + concept(0))
    assert refused(write_tiny(tmp_path / "a", {"CONCEPT.csv": lines})) == [
        "2 ids are there twice in concept, such as 0; download it again [OM621]"
    ]


# what is only said


def test_cpt4_without_names(tmp_path: Path) -> None:
    lines = "".join(f"{n}\t\tProcedure\tCPT4\tCPT4\tS\t1234{n}\t19700101\t20991231\t\n" for n in (5, 6))
    folder = write_tiny(tmp_path / "a", {"CONCEPT.csv": with_header("CONCEPT.csv", TINY["CONCEPT.csv"] + lines)})
    assert warned(folder) == [
        "2 concepts of CPT4 have no name, such as 5; "
        "their names are not in the download: run the cpt4 tool that is in it, and load again [OM623]"
    ]


def test_long_names_and_relationships_that_lead_nowhere(tmp_path: Path) -> None:
    lines = TINY["CONCEPT.csv"] + concept(5, "å" * 255) + concept(6, "å" * 256) + concept(7, "x" * 300)
    links = RELATIONSHIP + RELATIONSHIP.replace("100000001", "77")
    files = {"CONCEPT.csv": lines, "CONCEPT_RELATIONSHIP.csv": links}
    folder = write_tiny(tmp_path / "a", {name: with_header(name, text) for name, text in files.items()})
    assert warned(folder) == [
        "2 names in concept.concept_name are longer than the CDM allows, up to 300 letters; "
        "they are kept as they are; other tools may cut them off [OM622]",
        "1 rows of concept_relationship lead to concepts that are not in the vocabulary, such as 77; "
        "a part of the download may be missing: compare the number of concepts with Athena's mail [OM624]",
    ]


# archives that are broken


def broken_zips(good: Path) -> dict[str, bytes]:
    whole = good.read_bytes()
    with zipfile.ZipFile(good) as archive:
        info = archive.getinfo("CONCEPT.csv")
        start = info.header_offset + 30 + len(info.filename)
    flipped = bytearray(whole)
    flipped[start + info.compress_size // 2] ^= 0xFF
    locked, strange = bytearray(whole), bytearray(whole)
    at = whole.index(b"PK\1\2")
    while at >= 0:
        struct.pack_into("<H", locked, at + 8, 1)
        struct.pack_into("<H", strange, at + 10, 9)  # Deflate64, as Windows packs large files
        at = whole.find(b"PK\1\2", at + 1)
    return {
        "cut": whole[: len(whole) * 2 // 3], "empty": b"", "flipped": bytes(flipped), "locked": bytes(locked),
        "strange": bytes(strange), "page": b"<html>please log in</html>",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("cut", "vocabulary archive 'PATH' is no zip file, or only a part of one; download it again, and wait until "
         "the download has ended [OM617]"),
        ("empty", "vocabulary archive 'PATH' is no zip file, or only a part of one; download it again, and wait until "
         "the download has ended [OM617]"),
        ("page", "vocabulary archive 'PATH' is no zip file, or only a part of one; download it again, and wait until "
         "the download has ended [OM617]"),
        ("flipped", "vocabulary file 'CONCEPT.csv' is damaged: "),
        ("locked", "'CONCEPT.csv' in the vocabulary archive 'PATH' is locked with a password; "
         "unpack it with the program that made it, and give the folder [OM617]"),
        ("strange", "'CONCEPT.csv' in the vocabulary archive 'PATH' is packed in a way that omopify does not know; "
         "unpack it with the program that made it, and give the folder [OM617]"),
    ],
)  # fmt: skip
def test_broken_archives_never_replace_a_good_vocabulary(tmp_path: Path, kind: str, told: str) -> None:
    folder = write_download(tmp_path / "download", 3000)
    good = zip_download(folder, tmp_path / "good.zip")
    out = tmp_path / "v.duckdb"
    load(good, out=out)
    before = out.read_bytes()
    bad = tmp_path / "bad.zip"
    bad.write_bytes(broken_zips(good)[kind])
    found = refused(bad, out=out)
    assert found[0].startswith(told)
    assert all(text.endswith("[OM617]") for text in found)
    assert out.read_bytes() == before


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_damage_of_an_archive_is_seen(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("zip")
    archive = zip_download(write_tiny(folder / "a"), folder / "a.zip")
    content = bytearray(archive.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    archive.write_bytes(content)
    out = folder / "v.duckdb"
    problems = Problems()
    try:
        load_vocabulary([archive], out, problems)
    except OmopifyError:
        assert {problem.code for problem in problems.errors} <= {"OM602", "OM617"}
        assert not out.exists()
        return
    assert rows(out, "SELECT concept_id, concept_name FROM concept ORDER BY 1") == [
        (0, "No matching concept"), (100000001, "abemanib"), (100000002, "abemanib 5 MG"),
    ]  # fmt: skip
    assert rows(out, "SELECT concept_id_2 FROM concept_relationship") == [(100000001,)]


def test_a_damaged_gzip_file(tmp_path: Path) -> None:
    packed = gzip.compress(with_header("CONCEPT.csv", concept(1) * 50_000).encode(), 1)
    for content in (packed[: len(packed) // 2], packed[:-8] + b"\0" * 8):
        folder = write_tiny(tmp_path / "a", {"CONCEPT.csv": None, "CONCEPT.csv.gz": content})
        (found,) = refused(folder)
        assert found.startswith("vocabulary file 'CONCEPT.csv.gz' is damaged: ")
        assert found.endswith("; download it again [OM604]")


# the file that is written


def test_a_file_that_is_no_vocabulary_is_never_written_over(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "a")
    for content in (b"my thesis", None):
        out = tmp_path / "omop.duckdb"
        out.unlink(missing_ok=True)
        if content is None:
            duckdb.connect(str(out)).execute("CREATE TABLE concept (x int)").close()
        else:
            out.write_bytes(content)
        before = out.read_bytes()
        (found,) = refused(folder, out=out)
        assert "is there already and is no vocabulary file" in found
        assert found.endswith("[OM629]")
        assert out.read_bytes() == before
    (found,) = refused(folder, out=tmp_path / "nowhere" / "v.duckdb")
    assert found == f"there is no folder '{tmp_path / 'nowhere'}' for the vocabulary file; make it first [OM629]"


def test_readers_keep_what_they_opened(tmp_path: Path) -> None:
    out = tmp_path / "v.duckdb"
    load(write_tiny(tmp_path / "a"), out=out)
    with duckdb.connect(str(out), read_only=True) as reader:
        load(write_download(tmp_path / "b", 500), out=out)
        assert reader.execute("SELECT count(*) FROM concept").fetchall() == [(3,)]
    assert rows(out, "SELECT count(*) > 500 FROM concept") == [(True,)]


def test_a_file_that_cannot_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:  # as Windows does when another program has the file open
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", denied)
    out = tmp_path / "v.duckdb"
    assert refused(write_tiny(tmp_path / "a"), out=out) == [
        f"vocabulary file '{out}' cannot be replaced: Permission denied; "
        "end the programs that have the old one open (a run, DBeaver, R), and load again [OM629]"
    ]


LOAD = """
import sys
from pathlib import Path
from omopify.errors import OmopifyError, Problems
from omopify.vocabulary.loading.load import load_vocabulary
def say(text, done=0, of=0):
    print(text, flush=True)
try:
    load_vocabulary([Path(sys.argv[1])], Path(sys.argv[2]), Problems(), say, *sys.argv[3:])
except OmopifyError as error:
    print(error)
    sys.exit(1)
"""


def start(download: Path, out: Path, *more: str, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", LOAD, str(download), str(out), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_load_that_is_killed_leaves_the_good_vocabulary(tmp_path: Path) -> None:
    archive = zip_download(write_download(tmp_path / "b", 40_000), tmp_path / "b.zip")
    out = tmp_path / "out" / "v.duckdb"
    out.parent.mkdir()
    load(write_tiny(tmp_path / "a"), out=out)
    before = out.read_bytes()
    for moment in ("unpacking CONCEPT_RELATIONSHIP", "unpacking CONCEPT_ANCESTOR", "checking what was loaded"):
        process = start(archive, out)
        assert process.stdout is not None
        assert any(moment in line for line in process.stdout)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        assert out.read_bytes() == before
        assert read_load(out, Problems()) is not None
    left = [path for path in out.parent.iterdir() if path != out]
    assert len(left) == 3
    yesterday = time.time() - 25 * 3600
    for folder in left[:2]:
        os.utime(folder, (yesterday, yesterday))
    load(archive, out=out)
    assert sorted(out.parent.iterdir()) == sorted([out, left[2]])
    file = read_load(out, Problems())
    assert file is not None
    assert file.tables["concept"] > 40_000


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process")
def test_ctrl_c(tmp_path: Path) -> None:
    archive = zip_download(write_download(tmp_path / "b", 100_000), tmp_path / "b.zip")
    out = tmp_path / "out" / "v.duckdb"
    out.parent.mkdir()
    command = [sys.executable, "-m", "omopify", "vocab", "load", str(archive), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while not list(out.parent.glob(".v.duckdb.*/v.duckdb")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[0]
    assert process.returncode == 130
    assert said == "stopped; nothing was changed\n"
    assert list(out.parent.iterdir()) == []


def test_two_loads_at_once(tmp_path: Path) -> None:
    archive = zip_download(write_download(tmp_path / "b", 5000), tmp_path / "b.zip")
    out = tmp_path / "out" / "v.duckdb"
    out.parent.mkdir()
    both = [start(archive, out) for _ in range(2)]
    assert [process.communicate()[0] and process.returncode for process in both] == [0, 0]
    assert list(out.parent.iterdir()) == [out]
    assert read_load(out, Problems()) is not None


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on the size of files")
@pytest.mark.parametrize("limit", [300_000, 2_500_000])
def test_a_full_disk(tmp_path: Path, limit: int) -> None:
    # a limit on the size of files gives what a full disk gives: a write that fails, first of the unpacked
    # files, then of the database
    archive = zip_download(write_download(tmp_path / "b", 10_000), tmp_path / "b.zip")
    out = tmp_path / "out" / "v.duckdb"
    out.parent.mkdir()
    load(write_tiny(tmp_path / "a"), out=out)
    before = out.read_bytes()
    process = start(archive, out, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    said = process.communicate()[0]
    assert process.returncode == 1, said
    assert "space" in said
    assert "Traceback" not in said
    assert out.read_bytes() == before
    assert list(out.parent.iterdir()) == [out]


# reading what a file holds


def test_what_is_no_vocabulary_file(tmp_path: Path) -> None:
    at = Location("omopify.yaml", 3, 5)
    (tmp_path / "text.duckdb").write_bytes(b"hello")
    load(write_download(tmp_path / "a", 2000), out=tmp_path / "cut.duckdb")
    whole = (tmp_path / "cut.duckdb").read_bytes()
    (tmp_path / "cut.duckdb").write_bytes(whole[: len(whole) // 4])
    duckdb.connect(str(tmp_path / "other.duckdb")).execute("CREATE TABLE concept (x int)").close()
    for name, message in (
        ("none.duckdb", "there is no vocabulary file 'none.duckdb'"),
        (".", "there is no vocabulary file '.'"),
        ("text.duckdb", "'text.duckdb' is no vocabulary file, or is damaged, or another program is writing it"),
        ("cut.duckdb", "'cut.duckdb' is no vocabulary file, or is damaged, or another program is writing it"),
        ("other.duckdb", "'other.duckdb' is no vocabulary file, or is damaged, or another program is writing it"),
    ):
        problems = Problems()
        assert read_load(tmp_path / name, problems, at) is None
        (problem,) = problems.found
        assert problem.code == "OM615"
        assert problem.at == at
        assert problem.message.replace(f"{tmp_path / name}", name) == message


def test_a_file_of_a_newer_omopify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    load(write_tiny(tmp_path / "a"))
    monkeypatch.undo()
    problems = Problems()
    assert read_load(tmp_path / "v.duckdb", problems) is None
    assert problems.found[0].code == "OM616"
    assert "which is newer than this" in problems.found[0].message


def test_a_file_that_may_only_be_read(tmp_path: Path) -> None:
    out = tmp_path / "v.duckdb"
    load(write_tiny(tmp_path / "a"), out=out)
    out.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        file = read_load(out, Problems())
    finally:
        tmp_path.chmod(0o755)
    assert file is not None
    assert file.tables["concept"] == 3
