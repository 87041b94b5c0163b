"""The vocabulary of a run: where it comes from makes no difference, and mappings that nobody checked are told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from omopify.cli.main import main
from tests.language.workbench import VOCABULARY

TERMS = """sourceCode,sourceName,sourceFrequency,mappingStatus,conceptId,conceptName,mappingType
,Hot,1,APPROVED,2000000001,Made-up fever,MAPS_TO
,Cough,1,UNCHECKED,2000000002,Made-up cough,MAPS_TO
,Odd,1,UNCHECKED,0,Unmapped,MAPS_TO
,Flagged,1,FLAGGED,2000000002,Made-up cough,MAPS_TO
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "omopify.yaml": f"mappings: maps\ndata: data\nvocabulary: ['{VOCABULARY}']\nrelease_date: 2026-01-31\n",
        "maps/trial.yaml": "trial: t\nname: T\nsources: {dm: {file: dm.csv}}\n",
        "maps/p.yaml": "map: p\nto: person\nfrom: dm\nkey: ID\nset: {year_of_birth: 1960}\n",
        "maps/c.yaml": (
            "map: c\nto: condition_occurrence\nfrom: dm\nkey: ID\nperson: ID\nstart: DAY\ntype: 32809\n"
            "concept:\n  - {value: TERM, via: terms.csv}\n  - {value: TERM, vocabulary: Trial Terms}\n"
        ),
        "maps/terms.csv": TERMS,
        "data/dm.csv": (
            "ID,DAY,TERM\n1,2020-01-01,hot\n2,2020-01-02,cough\n3,2020-01-03,10037660\n4,2020-01-04,flagged\n"
        ),
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def conditions(project: Path) -> list[int]:
    with duckdb.connect(str(project / "out" / "omop.duckdb"), read_only=True) as db:
        found = db.execute("SELECT condition_concept_id FROM cdm.condition_occurrence ORDER BY condition_start_date")
        return [concept_id for (concept_id,) in found.fetchall()]


def test_mappings_that_nobody_checked_count_in_a_draft_only(project: Path) -> None:
    run("run", "--no-quality", project)
    assert conditions(project) == [2000000001, 0, 2000000001, 0]
    manifest = json.loads((project / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["concept_files"] == {"maps/terms.csv": {"approved": 1, "unchecked": 0, "left": 3}}
    shown = run("run", "--no-quality", project, "--draft")
    assert conditions(project) == [2000000001, 2000000002, 2000000001, 0]
    assert "1 mapping that nobody has checked went into it" in " ".join(shown.split())
    manifest = json.loads((project / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["concept_files"] == {"maps/terms.csv": {"approved": 1, "unchecked": 1, "left": 2}}


def test_a_file_and_the_folder_that_it_was_loaded_from_give_the_same(project: Path) -> None:
    run("run", "--no-quality", project)
    by_folder = _tables(project)
    file = project / "vocabulary.duckdb"
    run("vocab", "load", VOCABULARY, "--out", file)
    before = file.read_bytes()
    run("run", "--no-quality", project, "--vocabulary", file)
    assert _tables(project) == by_folder
    assert file.read_bytes() == before
    manifest = json.loads((project / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert [part["path"] for part in manifest["vocabulary"]["parts"]] == ["vocabulary.duckdb"]
    assert manifest["vocabulary"]["release"] == "test 1"


def test_folders_are_loaded_once(project: Path) -> None:
    run("run", "--no-quality", project)
    made = {path: path.stat().st_mtime_ns for path in (project / "out" / ".vocabulary").iterdir()}
    assert sorted(path.name.partition("-")[0] for path in made) == ["terms", "vocabulary"]
    run("run", "--no-quality", project)
    assert {path: path.stat().st_mtime_ns for path in (project / "out" / ".vocabulary").iterdir()} == made


def test_values_are_listed_way_by_way(project: Path) -> None:
    run("run", "--no-quality", project)
    with duckdb.connect(str(project / "out" / "omop.duckdb"), read_only=True) as db:
        found = db.execute("SELECT * FROM audit.lookups ORDER BY way, source_value").fetchall()
    assert found == [
        ("c", "concept", 1, "maps/terms.csv", "maps/terms.csv", "10037660", 1, 0, 0, 0),
        ("c", "concept", 1, "maps/terms.csv", "maps/terms.csv", "cough", 1, 1, 0, 0),
        ("c", "concept", 1, "maps/terms.csv", "maps/terms.csv", "flagged", 1, 1, 0, 0),
        ("c", "concept", 1, "maps/terms.csv", "maps/terms.csv", "hot", 1, 0, 0, 2000000001),
        ("c", "concept", 2, "Trial Terms by code", None, "10037660", 1, 0, 2000000101, 2000000001),
        ("c", "concept", 2, "Trial Terms by code", None, "cough", 1, 1, 0, 0),
        ("c", "concept", 2, "Trial Terms by code", None, "flagged", 1, 1, 0, 0),
        ("c", "concept", 2, "Trial Terms by code", None, "hot", 1, 0, 0, 0),
    ]


def test_several_may_read_the_vocabulary_at_once(project: Path) -> None:
    file = project / "vocabulary.duckdb"
    run("vocab", "load", VOCABULARY, "--out", file)
    with duckdb.connect(str(file), read_only=True) as other:
        assert other.execute("SELECT count(*) FROM concept").fetchone() == (34,)
        command = [sys.executable, "-m", "omopify", "run", "--no-quality", str(project), "--vocabulary", str(file)]
        assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert conditions(project) == [2000000001, 0, 2000000001, 0]


def _tables(project: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(project / "out" / "omop.duckdb"), read_only=True) as db:
        names = [
            f"{schema}.{table}"
            for schema, table in db.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name IN ('cdm', 'audit')"
            ).fetchall()
        ]
        return {name: db.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}


def test_a_source_concept_that_the_vocabulary_lacks_is_left_out_and_told(project: Path) -> None:
    terms = (
        "sourceName,mappingStatus,conceptId,sourceConceptId\n"
        "Hot,APPROVED,2000000001,123456\nCough,APPROVED,2000000002,2000000101\n"
    )
    (project / "maps" / "terms.csv").write_text(terms, encoding="utf-8")
    done = CliRunner().invoke(main, ["run", "--no-quality", str(project)])
    assert done.exit_code == 0, done.output
    assert "terms.csv:2:1: 1 concept ids of this file are not in the vocabulary" in done.output
    with duckdb.connect(str(project / "out" / "omop.duckdb"), read_only=True) as db:
        found = db.execute(
            "SELECT condition_source_value, condition_concept_id, condition_source_concept_id "
            "FROM cdm.condition_occurrence WHERE condition_source_value IN ('hot', 'cough') ORDER BY ALL"
        )
        assert found.fetchall() == [("cough", 2000000002, 2000000101), ("hot", 2000000001, 0)]


def test_a_concept_of_the_trials_own_has_an_id_of_its_own(project: Path) -> None:
    local = (
        "concept_id,concept_code,concept_name,vocabulary_id,domain_id,maps_to\n2000000001,H,Hot,My Trial,Condition,\n"
    )
    (project / "maps" / "local.csv").write_text(local, encoding="utf-8")
    trial = project / "maps" / "trial.yaml"
    trial.write_text(trial.read_text(encoding="utf-8") + "local_vocabulary: local.csv\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["run", "--no-quality", str(project)])
    assert done.exit_code == 1
    assert "local.csv:2:1: the vocabulary has a concept 2000000001, too; choose a number that it does not have" in (
        done.output
    )
