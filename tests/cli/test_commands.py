"""What a steward sees: the commands' output and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from omopify.cli.main import COMMANDS, main
from omopify.resources import data
from omopify.specs.schema import FILES


def omopify(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


FILES_OF_A_PROJECT = {
    "omopify.yaml": """\
mappings: maps
data: data
vocabulary: [starter, demo_restricted]
""",
    "maps/trial.yaml": """\
trial: small
name: A small trial
model: shared
sources:
  defaults: {file: "{source}.csv"}
  dm: {}
  ae: {}
columns: columns.csv
identifiers: [SUBJ]
""",
    "maps/columns.csv": """\
source,column,label
dm,SUBJ,Subject
dm,SEX,Sex
dm,BORN,Year of birth
ae,SUBJ,Subject
ae,TERM,Term
ae,START,Start date
""",
    "maps/subject.yaml": """\
map: small_subject
to: dsp.subject
from: dm
key: [SUBJ]
set: {subject_id: SUBJ, sex: SEX, birth_year: BORN}
""",
    "maps/event.yaml": """\
map: small_event
to: dsp.event
from: ae
key: [SUBJ, TERM]
set:
  subject_id: SUBJ
  term: TERM
  start_date: START
""",
    "shared/model.yaml": "model: shared\nname: A shared model\n",
    "shared/dsp/subject.yaml": """\
table: subject
fields:
  subject_id: {required: true}
  sex: {values: [male, female]}
  birth_year: {type: integer, required: true}
""",
    "shared/dsp/event.yaml": """\
table: event
fields:
  subject_id: {required: true}
  term: {required: true}
  start_date: {type: date}
""",
    "shared/person.yaml": """\
map: person
to: person
from: dsp.subject
key: [trial, subject_id]
concepts:
  gender: {value: sex, map: {male: 8507 MALE, female: 8532 FEMALE}}
set: {year_of_birth: birth_year}
""",
}
FILES_OF_AN_EXPORT = {
    "data/dm.csv": "SUBJ,SEX,BORN\nS1,male,1970\n",
    "data/ae.csv": "SUBJ,TERM,START\nS1,Fever,2021-02-03\n",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path / "project", FILES_OF_A_PROJECT)


@pytest.fixture
def with_data(project: Path) -> Path:
    return write(project, FILES_OF_AN_EXPORT)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_begins_like_the_list(name: str) -> None:
    result = omopify(name, "--help")
    assert result.exit_code == 0
    assert name in omopify("--help").stdout


def test_an_unknown_command_is_a_mistake_of_usage() -> None:
    result = omopify("chek")
    assert result.exit_code == 2
    assert "did you mean 'check'?" in result.stderr


def test_check_counts_maps_and_sources(with_data: Path) -> None:
    result = omopify("check", with_data)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("3 maps, 2 sources, 0 tests, 4 warnings (")
    assert result.stderr.count("has no test") == 3
    assert "nothing reads 'dsp.event', which this map fills" in result.stderr


def test_check_without_data_says_what_it_could_not_check(project: Path) -> None:
    result = omopify("check", project)
    assert result.exit_code == 0
    assert "columns are checked against the pack's list only" in result.stderr
    assert "[OM118]" in result.stderr
    assert result.stdout.startswith("3 maps, 2 sources, 0 tests, 5 warnings (")


def test_check_shows_the_mistakes_of_all_files_at_once(with_data: Path) -> None:
    change(with_data / "maps" / "event.yaml", "term: TERM", "term: TRM")
    change(with_data / "maps" / "subject.yaml", "subject_id: SUBJ", "subjectid: SUBJ")
    change(with_data / "shared" / "person.yaml", "from: dsp.subject", "form: dsp.subject")
    change(with_data / "omopify.yaml", "demo_restricted", "demo_restrict")
    (with_data / "data" / "ae.csv").unlink()
    change(with_data / "data" / "dm.csv", "BORN", "BIRTH")
    result = omopify("check", with_data)
    assert result.exit_code == 1
    assert result.stdout.startswith("2 maps, 2 sources, 0 tests (")
    for words in (
        "event.yaml:7:9: unknown column 'TRM' in source 'ae'; did you mean 'TERM' (\"Term\")? [OM301]",
        "there is no field 'subjectid' in dsp.subject; did you mean 'subject_id'?",
        "person.yaml:3:1: unknown word 'form'; did you mean 'from'? [OM201]",
        "there is no vocabulary folder",
        "source 'ae'",
        "the column 'BORN' of source 'dm' is missing in dm.csv",
    ):
        assert words in result.stderr, result.stderr


def test_check_compares_concepts_with_the_vocabulary(with_data: Path) -> None:
    change(with_data / "shared" / "person.yaml", "8507 MALE", "8507 FEMALE")
    change(with_data / "shared" / "person.yaml", "8532 FEMALE}", "8532 FEMALE, other: 999999999 Other}")
    result = omopify("check", with_data)
    assert result.exit_code == 1
    assert "concept 8507 is called 'MALE', not 'FEMALE'" in result.stderr
    assert "warning" in result.stderr
    assert "concept 999999999 (Other) is not in the vocabulary" in result.stderr


def test_check_for_programs(with_data: Path) -> None:
    change(with_data / "maps" / "event.yaml", "term: TERM", "term: TRM")
    result = omopify("check", with_data, "--format", "json")
    assert result.exit_code == 1
    assert result.stderr == ""
    report = json.loads(result.stdout)
    (found,) = report["problems"]
    assert found["code"] == "OM301"
    assert found["severity"] == "error"
    assert found["file"].endswith("event.yaml")
    assert (found["line"], found["column"]) == (7, 9)
    assert (report["maps"], report["sources"]) == (3, 2)


def test_check_for_a_github_workflow(with_data: Path) -> None:
    change(with_data / "maps" / "event.yaml", "term: TERM", "term: TRM")
    result = omopify("check", with_data, "--format", "github")
    assert result.exit_code == 1
    (line,) = result.stdout.splitlines()
    assert line.startswith("::error file=")
    assert "event.yaml,line=7,col=9,title=OM301::unknown column 'TRM' in source 'ae'; did you mean" in line


def test_check_of_a_folder_without_a_project(tmp_path: Path) -> None:
    result = omopify("check", tmp_path)
    assert result.exit_code == 1
    assert "[OM110]" in result.stderr
    assert json.loads(omopify("check", tmp_path, "--format", "json").stdout)["problems"][0]["code"] == "OM110"


def test_check_reads_no_row_and_writes_nothing(with_data: Path) -> None:
    before = sorted(path for path in with_data.rglob("*"))
    assert omopify("check", with_data).exit_code == 0
    assert sorted(path for path in with_data.rglob("*")) == before


def test_sql_shows_one_map_or_all_and_needs_no_data(project: Path) -> None:
    one = omopify("sql", project, "person")
    assert one.exit_code == 0
    assert one.stderr == ""
    assert one.stdout.startswith("-- map person\n")
    assert one.stdout.count("-- map ") == 1
    everything = omopify("sql", project)
    assert everything.exit_code == 0
    assert one.stdout in everything.stdout


def test_sql_of_an_unknown_map_names_the_nearest(project: Path) -> None:
    result = omopify("sql", project, "persn")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "the project has no map 'persn'; did you mean 'person'? [OM119]" in result.stderr


def test_sql_is_shown_although_the_export_is_broken(with_data: Path) -> None:
    (with_data / "data" / "ae.csv").write_bytes(b"\x00\x01\x02")
    assert omopify("sql", with_data, "person").exit_code == 0


def test_schema_goes_to_standard_output_or_into_a_folder(tmp_path: Path) -> None:
    assert json.loads(omopify("schema").stdout)["required"] == ["map", "to"]
    assert json.loads(omopify("schema", "project").stdout)["required"] == ["mappings", "data"]
    result = omopify("schema", "--out", tmp_path / "schemas")
    assert result.exit_code == 0
    assert {path.name for path in (tmp_path / "schemas").iterdir()} == {f"{kind}.schema.json" for kind in FILES}
    for path in (tmp_path / "schemas").iterdir():
        shipped = next(home for home in (data("mappings", path.name), data("quality", path.name)) if home.is_file())
        assert path.read_text(encoding="utf-8") == shipped.read_text(encoding="utf-8")
    assert omopify("schema", "maps").exit_code == 2


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_synthetic_writes_an_export_that_fits_the_shipped_maps(tmp_path: Path, format: str) -> None:
    options = ["--patients", "4", "--seed", "7", "--messy", "--format", format]
    result = omopify("synthetic", tmp_path / "data", *options)
    assert result.exit_code == 0
    assert "4 synthetic patients" in result.stdout
    assert "SYNTHETIC DATA" in (tmp_path / "data" / "README.txt").read_text(encoding="utf-8")
    write(tmp_path, {"omopify.yaml": "mappings: impress\ndata: data\n"})
    assert omopify("check", tmp_path).exit_code == 0


def test_synthetic_of_nobody_is_a_mistake_of_usage(tmp_path: Path) -> None:
    assert omopify("synthetic", tmp_path / "data", "--patients", "0").exit_code == 2


def test_a_closed_pipe_is_no_error(project: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "omopify", "sql", str(project)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert "Traceback" not in done.stderr
