"""METADATA holds the trial's facts, and a project may decide about some of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from omopify import __version__
from tests.language.workbench import Workbench, same

TRIAL = """trial: t
name: Trial T
country: "NO"
registry: [NCT00000001, 2020-000001-01]
edc: Viedoc
model: shared
ctcae: "5.0"
disease_control_weeks: [16, "24"]
assessment_window_days: 7
facts: {site: Oslo, share: -0.5, arms: 3 or more}
sources: {v: {file: v.csv}}
"""
TABLE = "id: {required: true}\nsite: {}\nweeks: {}\nnumber: {type: integer}\n"
MAP = "to: dsp.t\nfrom: v\nkey: ID\nset: {id: ID, site: trial.site, weeks: trial.disease_control_weeks}\n"
CASE: dict[str, Any] = {
    "trial": TRIAL,
    "model": 'model: shared\nname: Shared variables\nversion: "0.2"\n',
    "tables": {"t": TABLE},
    "maps": {"t": MAP},
    "data": {"v.csv": "ID\n1\n"},
}


def facts(bench: Workbench) -> list[tuple[Any, ...]]:
    return bench.rows("SELECT name, value_as_string, value_as_number FROM cdm.metadata ORDER BY metadata_id")


def test_one_row_for_each_value_of_each_fact(tmp_path: Path) -> None:
    bench = Workbench(tmp_path).write(CASE).run()
    assert bench.told == []
    assert facts(bench) == [
        ("trial.id", "t", None),
        ("trial.name", "Trial T", None),
        ("trial.country", "NO", None),
        ("trial.registry", "NCT00000001", None),
        ("trial.registry", "2020-000001-01", None),
        ("trial.edc", "Viedoc", None),
        ("trial.ctcae", "5.0", 5),
        ("trial.disease_control_weeks", "16", 16),
        ("trial.disease_control_weeks", "24", 24),
        ("trial.assessment_window_days", "7", 7),
        ("trial.site", "Oslo", None),
        ("trial.share", "-0.5", -0.5),
        ("trial.arms", "3 or more", None),
        ("model.id", "shared", None),
        ("model.name", "Shared variables", None),
        ("model.version", "0.2", 0.2),
        ("omopify.version", __version__, None),
    ]
    others = "SELECT DISTINCT metadata_concept_id, metadata_type_concept_id, metadata_date FROM cdm.metadata"
    assert bench.rows(others) == [(0, 0, date(2026, 1, 31))]
    assert bench.rows("SELECT metadata_id FROM cdm.metadata ORDER BY ALL") == [(n,) for n in range(1, 18)]
    assert bench.rows("SELECT * FROM audit.written WHERE table_name = 'metadata'") == [("trial.yaml", "metadata", 17)]
    assert bench.table("dsp.t") == [
        {"_file": 1, "_row": 2, "trial": "t", "id": "1", "site": "Oslo", "weeks": "16, 24", "number": None}
    ]
    before = bench.table("cdm.metadata")
    assert bench.run().table("cdm.metadata") == before


def test_a_trial_that_says_little_and_has_no_model(tmp_path: Path) -> None:
    case = {"trial": "trial: t\nname: T's own\nsources: {v: {file: v.csv}}\n", "data": {"v.csv": "ID\n1\n"}}
    bench = Workbench(tmp_path).write(case).run()
    assert facts(bench) == [
        ("trial.id", "t", None),
        ("trial.name", "T's own", None),
        ("omopify.version", __version__, None),
    ]


def test_facts_stand_below_the_rows_of_maps(tmp_path: Path) -> None:
    row = "to: metadata\nfrom: v\nkey: ID\nconcepts: {metadata: 0, metadata_type: 32809}\nset: {name: ID}\n"
    case = CASE | {"maps": {"m": row}, "data": {"v.csv": "ID\nfirst\nsecond\n"}}
    bench = Workbench(tmp_path).write(case).run()
    assert bench.told == []
    assert {name for name, _, _ in facts(bench)[:2]} == {"first", "second"}
    assert facts(bench)[2] == ("trial.id", "t", None)
    assert bench.rows("SELECT metadata_id FROM cdm.metadata ORDER BY ALL") == [(n,) for n in range(1, 20)]


def test_a_project_decides_about_facts(tmp_path: Path) -> None:
    case = CASE | {"project": "facts: {site: Bergen, share: 2}\n"}
    bench = Workbench(tmp_path).write(case).run()
    assert bench.told == []
    assert {row[:2] for row in facts(bench)} >= {
        ("trial.site", "Bergen"),
        ("trial.share", "2"),
        ("trial.arms", "3 or more"),
    }
    assert ("trial.site", "Oslo", None) not in facts(bench)
    assert bench.table("dsp.t")[0]["site"] == "Bergen"


def test_handwritten_files_go_through_the_weeks(tmp_path: Path) -> None:
    select = (
        "{% for week in trial.disease_control_weeks %}\n"
        "{{ 'UNION ALL' if not loop.first }}\n"
        "SELECT _file, _row, ID || '-{{ week }}' AS ID, {{ week * 7 }} AS DAYS FROM v\n"
        "{% endfor %}"
    )
    handwritten = (
        "to: dsp.t\nsql: w.sql\nreads: v\ngives: {ID: text, DAYS: number}\nkey: ID\nset: {id: ID, number: DAYS}\n"
    )
    case = CASE | {"maps": {"t": handwritten}, "files": {"trial/w.sql": select}}
    bench = Workbench(tmp_path).write(case).run()
    assert bench.told == []
    assert bench.rows("SELECT id, number FROM dsp.t ORDER BY id") == [("1-16", 112), ("1-24", 168)]


@pytest.mark.parametrize("weeks", ["[16, x]", "16.5", "-16", "0", "[true]"])
def test_weeks_are_whole_numbers(tmp_path: Path, weeks: str) -> None:
    case = CASE | {"trial": TRIAL.replace('[16, "24"]', weeks)}
    told = Workbench(tmp_path).write(case).run().told
    assert len(told) == 1
    assert "trial.yaml:8:24: 'disease_control_weeks' should be whole numbers of weeks, such as [16] [OM204]" in told[0]


@pytest.mark.parametrize(
    ("said", "place"),
    [("facts: {site: LONG}\n", "2:15"), ("edc: LONG\n", "2:6"), ("registry: [a, LONG]\n", "2:11")],
)
def test_a_fact_that_is_too_long_is_refused(tmp_path: Path, said: str, place: str) -> None:
    rest = "name: T\nsources: {v: {file: v.csv}}\n"
    case = {"trial": f"trial: t\n{said}{rest}".replace("LONG", "x" * 250), "data": {"v.csv": "ID\n1\n"}}
    bench = Workbench(tmp_path).write(case).run()
    assert bench.told == []
    assert bench.rows("SELECT max(length(value_as_string)) FROM cdm.metadata") == [(250,)]
    case["trial"] = f"trial: t\n{said}{rest}".replace("LONG", "x" * 251)
    told = bench.write(case).run().told
    assert len(told) == 1
    assert f"trial.yaml:{place}: a fact has at most 250 characters [OM204]" in told[0]


def test_nothing_but_a_number_is_a_number(tmp_path: Path) -> None:
    written = {"a": "1e5", "b": "1_000", "c": "nan", "d": "007", "e": "1,5", "f": "12.", "g": "0.10"}
    lines = "".join(f'  {name}: "{value}"\n' for name, value in written.items())
    case = {
        "trial": f"trial: t\nname: T\nfacts:\n{lines}sources: {{v: {{file: v.csv}}}}\n",
        "data": {"v.csv": "ID\n1\n"},
    }
    found = {
        name.removeprefix("trial."): (text, value) for name, text, value in facts(Workbench(tmp_path).write(case).run())
    }
    assert {name: found[name][0] for name in written} == written
    assert {name for name in written if found[name][1] is not None} == {"d", "g"}
    assert same(found["d"][1], "7")
    assert same(found["g"][1], "0.1")
