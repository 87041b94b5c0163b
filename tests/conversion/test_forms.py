"""What the audit says about forms: which are code lists, who reads them, how many rows and persons they have."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from omopify.conversion.run import Options, run
from omopify.errors import Problems
from omopify.progress import silent
from omopify.specs.project import load_project
from tests.cli.test_commands import write

from .conftest import Workplace

SMALL = {
    "omopify.yaml": "mappings: maps/small\ndata: data\nvocabulary: [starter]\nrelease_date: 2026-01-31\n",
    "maps/small/trial.yaml": """\
trial: small
name: A small trial
model: shared
sources:
  defaults: {file: "{source}.csv"}
  dm: {}
  ae: {}
  old: {}
  qol: {}
  late: {optional: true}
pairs: "{}CD"
versions: "{}__{n}"
identifiers: [SUBJ]
""",
    "maps/shared/model.yaml": "model: shared\nname: Shared\n",
    "maps/shared/dsp/subject.yaml": """\
table: subject
fields:
  subject_id: {required: true}
  sex: {values: [male, female]}
  born_known: {values: ["yes", "no"]}
  arm: {}
  note: {}
""",
    "maps/shared/dsp/event.yaml": """\
table: event
fields:
  subject_id: {required: true}
  term: {}
  grade: {type: integer, values: [1, 2, 3]}
  action: {}
  sex: {}
""",
    "maps/shared/dsp/answer.yaml": "table: answer\nfields: {subject_id: {required: true}, item: {}, answer: {}}\n",
    "maps/small/subject.yaml": """\
map: small_subject
to: dsp.subject
from: dm
key: [SUBJ]
set:
  subject_id: SUBJ
  sex: {value: SEX, map: {m: male, f: female}}
  born_known: "if(date(BORN) is null, 'no', 'yes')"
  arm: ARM
  note: NOTE
""",
    "maps/small/event.yaml": """\
map: small_event
to: dsp.event
union:
  ae: {}
  old: {GRADE: TOXGR}
join: {who: {from: dm, on: SUBJ, take: {order: [_row]}}}
slots: {n: [1, 2], act: "ACT{n}"}
key: [SUBJ, TERM]
set:
  subject_id: SUBJ
  term: TERM
  grade: number(GRADE)
  action: {value: act, map: {stopped: stopped, reduced: reduced}}
  sex: {value: who.SEX2, map: {m: male, f: female}}
""",
    "maps/small/answer.yaml": """\
map: small_answer
to: dsp.answer
from: qol
unpivot: {columns: "Q{item:1..2}", value: said}
key: [SUBJ]
set: {subject_id: SUBJ, item: item, answer: {value: [said], map: {"a little": little, "much": much}}}
""",
    "data/dm.csv": """\
SUBJ,SEX,SEX2,BORN,ARM,ARMCD,NOTE,SITECD
S1,m,m,1970-01-02,A,1,ill,9
S2,f,f,1971-02-03,A,1,well,9
S2,f,f,1971-02-03,A,1,well,9
""",
    "data/ae.csv": """\
SUBJ,TERM,GRADE,ACT1,ACT2,ACT11
S1,Fever,1,stopped,,x
S1,Rash,2,,reduced,y
S2,Fever,,stopped,,z
""",
    "data/old.csv": "SUBJ,TERM,TOXGR,GRADE,ACT1,ACT2\nS3,Fever,3,7,stopped,stopped\n",
    "data/qol.csv": "SUBJ,Q1,Q2,Q1__2,Q3\nS1,a little,,much,a\nS2,much,much,,b\n",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return converted(write(tmp_path_factory.mktemp("small"), SMALL))


def converted(folder: Path) -> Path:
    problems = Problems()
    project = load_project(folder, problems)
    problems.stop_if_errors()
    assert project
    return run(project, Options(), problems, silent).out / "omop.duckdb"


def rows(database: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_columns_are_code_lists_where_the_maps_say_so(small: Path) -> None:
    """Not TERM and NOTE (free text), not BORN (a choice is derived from it), not SITECD and Q3 (no map uses them)."""
    found = dict(rows(small, 'SELECT source, list_sort(list(DISTINCT "column")) FROM audit.code_lists GROUP BY source'))
    assert found == {
        "dm": ["ARM", "SEX", "SEX2"],  # ARM is paired with ARMCD, which no map uses
        "ae": ["ACT1", "ACT2", "GRADE"],  # not ACT11
        "old": ["ACT1", "ACT2", "TOXGR"],  # not GRADE, as TOXGR is called so here
        "qol": ["Q1", "Q1__2", "Q2"],
    }


def test_values_of_code_lists_are_counted(small: Path) -> None:
    found = rows(
        small, "SELECT source, \"column\", value, rows FROM audit.code_lists WHERE source IN ('ae', 'qol') ORDER BY ALL"
    )
    assert found == [
        ("ae", "ACT1", "stopped", 2),
        ("ae", "ACT2", "reduced", 1),
        ("ae", "GRADE", "1", 1),
        ("ae", "GRADE", "2", 1),
        ("qol", "Q1", "a little", 1),
        ("qol", "Q1", "much", 1),
        ("qol", "Q1__2", "much", 1),
        ("qol", "Q2", "much", 1),
    ]


def test_forms_are_counted_with_their_persons(small: Path) -> None:
    assert rows(small, "FROM audit.forms ORDER BY source") == [
        ("ae", True, 1, 3, 2),
        ("dm", True, 1, 3, 2),
        ("late", False, 0, 0, None),
        ("old", True, 1, 1, 1),
        ("qol", True, 1, 2, 2),
    ]


def test_what_a_map_reads_is_told_from_what_it_only_looks_up(small: Path) -> None:
    assert rows(small, "FROM audit.map_sources ORDER BY map, source") == [
        ("small_answer", "qol", False),
        ("small_event", "ae", False),
        ("small_event", "dm", True),
        ("small_event", "old", False),
        ("small_subject", "dm", False),
    ]


def test_a_long_list_is_no_code_list(tmp_path: Path) -> None:
    folder = write(tmp_path, SMALL)
    for number in (50, 51):
        lines = [f"S{n},m,m,1970-01-02,A{n},1,ill,9" for n in range(number)]
        text = "SUBJ,SEX,SEX2,BORN,ARM,ARMCD,NOTE,SITECD\n" + "\n".join(lines) + "\n"
        (folder / "data" / "dm.csv").write_text(text, encoding="utf-8")
        found = rows(converted(folder), "SELECT count(*) FROM audit.code_lists WHERE \"column\" = 'ARM'")
        assert found == [(50 if number == 50 else 0,)]


def test_a_messy_export_agrees_with_its_files(workplace: Workplace) -> None:
    """Counted from the file with Python alone: two columns of the form AE; no identifier and no text anywhere."""
    workplace.run()
    form = next(workplace.data.glob("*_AE.csv"))
    with form.open(encoding="utf-8-sig", newline="") as file:
        records = [record for record in list(csv.reader(file))[1:] if any(cell.strip() for cell in record)]
    header, records = records[0], records[1:]
    missing = {"", "na", "n/a", "nk", "null", "unknown", "none"}
    for column in ("AEREL1", "AESERCD"):
        cells = [record[header.index(column)].strip() for record in records]
        expected = Counter(cell for cell in cells if cell.casefold() not in missing)
        listed = rows(
            workplace.database,
            f"SELECT value, rows FROM audit.code_lists WHERE source = 'ae' AND \"column\" = '{column}'",
        )
        assert dict(listed) == dict(expected)
    persons = {record[header.index("SubjectId")].strip() for record in records}
    assert rows(workplace.database, "SELECT rows, persons FROM audit.forms WHERE source = 'ae'") == [
        (len(records), len(persons))
    ]
    columns = {name for (name,) in rows(workplace.database, 'SELECT DISTINCT "column" FROM audit.code_lists')}
    assert not columns & {"SubjectId", "BRTHDAT", "AESTDAT", "AECTCAET"}
    assert {"SEX", "SEXCD", "AEOUT"} <= columns
