"""A damaged file is either loaded whole or refused with the lines: tried with damage of every kind."""

from __future__ import annotations

import datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from omopify.cdm import tables
from omopify.errors import OmopifyError, Problems
from omopify.vocabulary.loading.load import load_vocabulary
from omopify.vocabulary.loading.rows import EPOCH, USUAL, date_form, note_faults
from tests.vocabulary.athena_zip import HEADERS, write_tiny

COLUMNS = HEADERS["concept_relationship"].split("\t")
LINES = [f"{n}\t{n + 1}\tMaps to\t20200131\t20991231\t" for n in range(100, 130)]
TOLD = {"OM604", "OM606", "OM618", "OM619"}

DAMAGE = st.lists(
    st.tuples(
        st.integers(0, len(LINES) * len(LINES[0])),
        st.integers(0, 3),
        st.sampled_from([b"\t", b"\n", b"\r", b"\r\n", b'"', b"\xe9", b"\0", b"x", b"9", b"", b" ", b"-", b"\xc3\xa5"]),
    ),
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(DAMAGE)
@example([(3, 0, b"\n\n")])
@example([(10**6, 0, b"\r")])
def test_damage_never_gets_in_unseen(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    body = ("\n".join(LINES) + "\n").encode()
    for place, length, new in damage:
        body = body[:place] + new + body[place + length :]
    header = HEADERS["concept_relationship"].encode() + b"\n"
    write_tiny(folder / "a", {"CONCEPT_RELATIONSHIP.csv": header + body})
    out = folder / "v.duckdb"
    problems = Problems()
    try:
        load_vocabulary([folder / "a"], out, problems)
    except OmopifyError:
        assert {problem.code for problem in problems.errors} <= TOLD
        assert any(problem.at for problem in problems.errors)
        assert not out.exists()
        return
    # an independent reading: cells between tabs, rows between line ends
    wanted = [line.split(b"\t") for line in body.rstrip(b"\r\n").split(b"\n")]
    assert all(len(cells) == len(COLUMNS) for cells in wanted)
    with duckdb.connect(str(out), read_only=True) as con:
        found = con.execute("SELECT concept_id_1, relationship_id FROM concept_relationship ORDER BY rowid").fetchall()
    names = [(int(cells[0]), cells[2].decode()) for cells in wanted]
    assert sorted(found) == sorted(names)


def form_of(tmp_path: Path, *dates: str) -> tuple[str, list[str]]:
    path = tmp_path / "CONCEPT_RELATIONSHIP.csv"
    rows = "".join(f"1\t2\tMaps to\t{day}\t{day}\t\n" for day in dates)
    path.write_text(f"{HEADERS['concept_relationship']}\n{rows}", encoding="utf-8")
    problems = Problems()
    return date_form(path, path.name, COLUMNS, tables()["concept_relationship"], problems), [
        problem.code for problem in problems.found
    ]


@pytest.mark.parametrize(
    ("dates", "form"),
    [
        ([], USUAL),
        ([""], USUAL),
        (["20240131"], USUAL),
        (["0", "-86400", "86400", "4102358400"], EPOCH),
        (["20241331", "4102358400"], EPOCH),  # the first is 1970-08-23: no month is the 13th
        (["2024-1-31"], "%Y-%m-%d"),
        (["1/2/2024", "13/2/2024"], "%d/%m/%Y"),
        (["1/2/2024", "2/13/2024"], "%m/%d/%Y"),
        # what tells comes late
        (["01/02/2024"] * 1000 + ["01/31/2024"], "%m/%d/%Y"),
    ],
)
def test_the_form_of_dates(tmp_path: Path, dates: list[str], form: str) -> None:
    assert form_of(tmp_path, *dates) == (form, [])


@pytest.mark.parametrize(
    "dates",
    [
        ["1/2/2024"],
        ["2024.01.31"],
        ["20240131", "2024-01-31"],
        ["13/1/2024", "1/13/2024"],
        ["31/31/2024"],
        # one slip, first or last, does not turn the other dates into seconds
        ["20240131", "202401311", "20240131"],
        ["202401311", "20240131"],
        ["202401311"],
        ["0"],
        ["0", "20240131"],
    ],
)
def test_dates_without_a_form(tmp_path: Path, dates: list[str]) -> None:
    assert form_of(tmp_path, *dates)[1] == ["OM618"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dates(min_value=datetime.date(1000, 1, 1)), min_size=1, max_size=20),
    st.sampled_from(["%Y%m%d", "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y"]),
)
def test_a_right_row_is_no_fault(
    tmp_path_factory: pytest.TempPathFactory, days: list[datetime.date], form: str
) -> None:
    path = tmp_path_factory.mktemp("rows") / "x.csv"
    rows = "".join(f"1\t2\t\u00e5\t{day:{form}}\t{day:{form}}\t\n" for day in days)
    path.write_text(f"{HEADERS['concept_relationship']}\n{rows}", encoding="utf-8")
    problems = Problems()
    note_faults(path, "x", COLUMNS, tables()["concept_relationship"], form, problems)
    assert problems.found == []
