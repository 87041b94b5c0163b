"""Whatever stands in the cells: a run ends well, every row is accounted for, and ids stay what they are."""

from __future__ import annotations

import csv
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .workbench import Workbench

CASE = {
    "trial": """
sources: {v: {file: v.csv, delimiter: ",", encoding: utf-8, dates: ["%Y-%m-%d", "%d.%m.%Y"]}}
identifiers: [ID]
""",
    "tables": {
        "t": "id: {required: true}\nnr: {}\nday: {type: date, partial: earliest}\nlast: {type: date}\n"
        "number: {type: number}\nwhole: {type: integer}\nyes: {type: boolean}\ncode: {}\nword: {values: [a, b]}\n"
    },
    "maps": {
        "t": """
to: dsp.t
from: v
key: [ID, NR]
where: {not_x: "CODE <> 'x' or CODE is null"}
set:
  id: ID
  nr: NR
  day: DAY
  last: {value: DAY, partial: latest, not_before: day}
  number: NUM
  whole: NUM
  yes: CODE
  code: CODE
  word: {value: CODE, map: {fever: a, "ÆØÅ": b, none: ~}, otherwise: a}
""".lstrip()
    },
    "shared": {
        "p": """
to: person
from: dsp.t
key: id
keep: {per: id, order: [_row]}
too_long: truncate
set: {year_of_birth: 1960, person_source_value: id}
""".lstrip(),
        "e": """
to: by_domain
from: dsp.t
key: [id, nr]
person: id
too_long: truncate
concept: {value: code, vocabulary: [Trial Terms, Other Terms]}
start: day
end: last
number: {value: code, comparator: true}
type: 32809
attributes:
  size: {concept: 2000000008 Made-up severity, number: number, text: {value: code, too_long: truncate}}
""".lstrip(),
    },
}
HEADER = ("ID", "NR", "DAY", "NUM", "CODE")

cells = st.one_of(
    st.sampled_from(
        [
            "",
            "1",
            "01",
            "1.0",
            "a",
            "A",
            "-",
            "NULL",
            "null",
            "NaN",
            "inf",
            "-0",
            "9" * 30,
            "1e5",
            "<5",
            ">= 7",
            "10037660",
            "20000001",
            "50000001",
            "pyrexia",
            "x",
            "none",
            "2020-01-01",
            "2020-02-30",
            "2020",
            "2020-05",
            "31.12.2019",
            "00.05.2021",
            "2020-01-01T10:00",
            "0000-00-00",
            "99.99.9999",
            "'; DROP TABLE cdm.person; --",
            '"',
            '""',
            "a\nb",
            "a\r\nb",
            "a,b",
            "{{ 1 }}",
            "\u200b",
            "\ufeff",
            "\u00a0",
            "é",
            "e\u0301",
            "İ",
            "ΟΔΟΣ",
            "🤒",
            "\u202egnirts",
            "\x0b",
            "\x1b[31m",
            "\x7f",
            "\\",
            "%",
            "_",
            "NA",
            "N/A",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x1c\x1d\x1e\x1f"), max_size=20),
)
keys = st.sampled_from(["A", "B", "a", "É", "E\u0301", "1", "01", "", " ", "'", '"', "\u00a0", "a\nb", "🤒"])
rows = st.lists(st.tuples(keys, st.one_of(keys, cells), cells, cells, cells), min_size=60, max_size=150)


def write(folder: Path, lines: Sequence[Sequence[str]]) -> None:
    (folder / "data").mkdir(exist_ok=True)
    with (folder / "data" / "v.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([HEADER, *lines])


@settings(max_examples=8, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(rows)
def test_any_cells_are_accounted_for(lines: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        bench = Workbench(Path(name)).write(CASE)
        write(bench.folder, lines)
        bench.run()
        assert bench.told == []
        staged = bench.rows("SELECT coalesce(sum(rows), 0) FROM audit.files")[0][0]
        filled = [line for line in lines if any(cell.strip() for cell in line)]
        assert staged <= len(lines)
        assert staged >= sum(any(cell.isalnum() and cell.isascii() for cell in line) for line in filled)
        accounts = {row["map"]: row for row in bench.table("audit.map_accounting")}
        for row in accounts.values():
            parts = ("rows_used", "rows_filtered", "rows_deduplicated", "rows_rejected")
            assert row["rows_read"] == sum(row[part] for part in parts)
        assert accounts["t"]["rows_read"] == staged
        assert accounts["t"]["rows_used"] == accounts["p"]["rows_read"] == accounts["e"]["rows_read"]
        for step in accounts:
            told = bench.rows(f"SELECT count(*) FROM audit.rejects WHERE map = '{step}'")[0][0]
            assert told == accounts[step]["rows_rejected"]
        written = sum(
            bench.rows(f"SELECT count(*) FROM cdm.{table}")[0][0]
            for table in (
                "condition_occurrence",
                "measurement",
                "drug_exposure",
                "observation",
                "procedure_occurrence",
                "device_exposure",
            )
        )
        assert written == accounts["e"]["rows_written"]
        lineage = "SELECT count(*) FROM audit.lineage WHERE file IS NULL OR row IS NULL OR row < 2"
        assert bench.rows(lineage) == [(0,)]


def people(bench: Workbench) -> dict[str, int]:
    return dict(bench.rows("SELECT person_source_value, person_id FROM cdm.person"))


def events(bench: Workbench) -> dict[tuple[str, str], int]:
    found = bench.rows(
        "SELECT p.person_source_value, e.observation_date, e.observation_id FROM cdm.observation AS e "
        "JOIN cdm.person AS p ON p.person_id = e.person_id WHERE e.observation_event_id IS NULL"
    )
    return {(subject, str(day)): number for subject, day, number in found}


def everything(bench: Workbench) -> dict[str, list[str]]:
    names = bench.rows(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE schema_name IN ('cdm', 'dsp', 'audit')"
    )
    return {name: sorted(map(repr, bench.rows(f"SELECT * FROM {name}"))) for (name,) in names}


def test_ids_do_not_depend_on_the_order_of_rows_and_never_move(tmp_path: Path) -> None:
    chance = random.Random(5)
    lines = [(f"S{s:02}", str(n), f"2020-{n:02}-{s + 1:02}", "1", "walk") for s in range(20) for n in range(1, 5)]
    bench = Workbench(tmp_path / "one").write(CASE)
    write(bench.folder, lines)
    bench.run()
    assert bench.told == []
    first, persons, observed = everything(bench), people(bench), events(bench)
    assert len(persons) == 20
    assert len(observed) == 80

    bench.run()
    assert everything(bench) == first

    shuffled = lines.copy()
    chance.shuffle(shuffled)
    other = Workbench(tmp_path / "two").write(CASE)
    write(other.folder, shuffled)
    other.run()
    assert (people(other), events(other)) == (persons, observed)

    more = [(f"R{s:02}", "1", f"2021-01-{s + 1:02}", "", "walk") for s in range(20)] + lines
    chance.shuffle(more)
    write(bench.folder, more)
    bench.run()
    assert len(people(bench)) == 40
    assert {name: people(bench)[name] for name in persons} == persons
    assert {key: events(bench)[key] for key in observed} == observed

    write(bench.folder, lines[40:])
    bench.run()
    write(bench.folder, lines)
    bench.run()
    assert (people(bench), events(bench)) == (persons, observed)
