"""From the result to the signature, as a steward goes: run, quality, rows and sign-off."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from omopify.quality.outputs.quality_json import from_json
from tests.cli.test_commands import FILES_OF_A_PROJECT, FILES_OF_AN_EXPORT, omopify, write

OWN_SUITE = """\
name: ours
meta: {table: cdm.person, category: Plausibility}
expectations:
  - type: expect_few_violations
    severity: critical
    description: Nobody is born in 1970.
    notes: A made-up rule.
    kwargs:
      check: born
      rows: SELECT person_id AS row_id, year_of_birth = 1970 AS violated FROM cdm.person
"""
CHECK = "ours.born"
WAIVER = """\
waivers:
  - check: {check}
    reason: This one is right
    author: M. Dahl
    date: 2026-01-01
    expires: {expires}
"""
NEXT_MONTH = (date.today() + timedelta(days=30)).isoformat()


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after 'omopify run': one critical check, of its own suite, fails."""
    folder = write(tmp_path_factory.mktemp("assessed") / "project", {**FILES_OF_A_PROJECT, **FILES_OF_AN_EXPORT})
    write(folder, {"quality/ours.yaml": OWN_SUITE})
    assert omopify("review", folder, "--approve", "all", "--by", "K. Berg").exit_code == 0
    result = omopify("run", folder)
    assert result.exit_code == 3, result.output
    assert "DRAFT" not in result.stdout
    assert "Where the rows went" in result.stdout
    assert "Quality: NOT READY. 1 critical check fails." in result.stdout
    assert result.stdout.endswith(f"{folder / 'out' / 'quality' / 'report.html'}\n")
    return folder


@pytest.fixture
def project(assessed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(assessed, tmp_path / "project"))


@pytest.fixture(scope="module")
def signed_off(assessed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with the failure waived and the report signed."""
    folder = Path(shutil.copytree(assessed, tmp_path_factory.mktemp("signed") / "project"))
    waive(folder)
    result = omopify("quality", folder, "--rejudge")
    assert result.exit_code == 0
    assert "Quality: READY WITH WAIVERS." in result.stdout
    assert f"ours.born, waived until {NEXT_MONTH}\n" in result.stdout
    assert omopify("sign-off", folder, "--by", "K. Berg").exit_code == 0
    return folder


@pytest.fixture
def signed(signed_off: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(signed_off, tmp_path / "signed"))


def waive(project: Path, check: str = CHECK, expires: str = NEXT_MONTH) -> None:
    write(project, {"quality/waivers.yaml": WAIVER.format(check=check, expires=expires)})


def report(project: Path) -> str:
    return (project / "out" / "quality" / "report.html").read_text(encoding="utf-8")


def test_judging_again_needs_no_data(project: Path) -> None:
    (project / "out" / "omop.duckdb").unlink()
    result = omopify("quality", project, "--rejudge")
    assert result.exit_code == 3
    assert "  critical        100 % fail,    0 % may  ours.born\n" in result.stdout


def test_the_terminal_has_failing_checks_in_the_order_of_the_report(project: Path) -> None:
    lines = omopify("quality", project, "--rejudge").stdout.partition("in the order of the report\n")[2].splitlines()
    shown = [line.split()[-1] for line in lines if " may  " in line]
    assert shown[0] == CHECK
    assert len(shown) > 2
    page = report(project).replace("<wbr>", "")
    places = [page.index(f"<dt>Check</dt><dd><code>{check}</code>") for check in shown]
    assert places == sorted(places)


def test_a_check_that_is_new_has_no_counts_yet(project: Path) -> None:
    write(project, {"quality/more.yaml": OWN_SUITE.replace("name: ours", "name: more")})
    result = omopify("quality", project, "--rejudge")
    assert result.exit_code == 1
    assert "the check 'more.born' was not measured as the suites ask it now" in result.stderr
    assert "[OM822]" in result.stderr


def test_a_change_is_taken_and_shown(project: Path) -> None:
    change = "changes:\n  - check: ours.b*\n    severity: info\n    reason: right\n    author: M. Dahl\n"
    write(project, {"quality/changes.yaml": change + "    date: 2026-01-01\n"})
    assert omopify("quality", project, "--rejudge").exit_code == 0
    found = from_json((project / "out" / "quality" / "quality.json").read_text(encoding="utf-8"))
    (changed,) = [result.check for result in found.results if result.check.id == CHECK]
    assert changed.severity == "info"
    assert changed.change is not None
    assert changed.change.default_severity == "critical"
    assert "M. Dahl" in report(project)


def test_strict_counts_warnings(signed: Path) -> None:
    assert omopify("quality", signed, "--rejudge", "--strict").exit_code == 3  # a trial of one fills few tables


def test_a_waiver_that_is_wrong_stops_before_anything_is_written(project: Path) -> None:
    before = report(project)
    waive(project, expires="2026-01-02")
    result = omopify("quality", project, "--rejudge")
    assert result.exit_code == 1
    assert "waivers.yaml:6:14: the waiver of 'ours.born' expired on 2026-01-02" in result.stderr
    assert "[OM813]" in result.stderr
    waive(project, check="ours.bron")
    result = omopify("quality", project, "--rejudge")
    assert result.exit_code == 1
    assert "there is no check 'ours.bron'; did you mean 'ours.born'? [OM815]" in result.stderr
    assert report(project) == before


def test_a_waiver_too_many_is_a_warning(project: Path) -> None:
    waive(project, check="field_isprimarykey_person_person_id")
    result = omopify("quality", project, "--rejudge")
    assert result.exit_code == 3
    assert "[OM814]" in result.stderr


def test_the_result_is_assessed_anew(project: Path) -> None:
    with duckdb.connect(project / "out" / "omop.duckdb") as database:
        database.execute("UPDATE cdm.person SET year_of_birth = 1971")
    result = omopify("quality", project)
    assert result.exit_code == 0
    assert "Quality: READY. No critical check fails without a waiver." in result.stdout


def test_a_result_that_is_being_changed_is_not_assessed(project: Path) -> None:
    (project / "out" / "omop.duckdb.wal").write_bytes(b"rows that are on their way")
    result = omopify("quality", project)
    assert result.exit_code == 1
    assert "another program is changing this result, or has not closed it" in result.stderr
    assert "[OM828]" in result.stderr


def test_failing_rows_are_listed_in_a_file_and_not_on_the_terminal(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    result = omopify("quality", "rows", CHECK)
    assert result.exit_code == 0
    assert result.stdout == (
        "1 row fails; this file must not leave your site:\nout/quality/do-not-share/ours.born.csv\n"
    )
    with (project / "out/quality/do-not-share/ours.born.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["table", "row_id", "part", "file", "sheet", "row"],
            ["cdm.person", "1", "", "dm.csv", "", "2"],
        ]
    other = omopify("quality", "rows", "ours.brn", ".")
    assert other.exit_code == 1
    assert "there is no check 'ours.brn'; did you mean 'ours.born'? [OM823]" in other.stderr


def test_what_is_not_ready_cannot_be_signed(project: Path) -> None:
    result = omopify("sign-off", project, "--by", "K. Berg")
    assert result.exit_code == 1
    assert "[OM833]" in result.stderr
    check = omopify("sign-off", project, "--check")
    assert (check.exit_code, check.stdout) == (3, "nobody has signed this result off\n")


def test_a_signature_stands_in_the_report_and_can_be_checked(signed: Path) -> None:
    record = json.loads((signed / "out" / "quality" / "sign-off.json").read_text(encoding="utf-8"))
    assert record["by"] == "K. Berg"
    assert [waiver["check"] for waiver in record["waivers"]] == [CHECK]
    assert "K. Berg" in report(signed)
    assert "K. Berg" in (signed / "out" / "quality" / "shareable" / "report.html").read_text(encoding="utf-8")
    check = omopify("sign-off", signed, "--check")
    assert check.exit_code == 0
    assert check.stdout.startswith("signed off by K. Berg on ")
    assert "[OM834]" in omopify("sign-off", signed, "--by", "L. Moe").stderr


def test_a_new_run_makes_it_void_and_everybody_says_so(signed: Path) -> None:
    write(signed, {"data/ae.csv": "SUBJ,TERM,START\nS1,Fever,2021-02-04\n"})
    shutil.rmtree(signed / "out" / "quality" / "shareable")  # it went to the platform
    result = omopify("run", signed, "--no-quality")
    assert result.exit_code == 0
    assert "Quality" not in result.stdout
    void = "VOID: the sign-off by K. Berg on "
    assert void in result.stdout
    assert "no longer holds: the data have changed" in result.stdout
    assert "the data have changed" in report(signed)
    check = omopify("sign-off", signed, "--check")
    assert check.exit_code == 3
    assert void in check.stdout
    assert "[OM830]" in omopify("sign-off", signed, "--by", "L. Moe").stderr
    again = omopify("quality", signed)
    assert void in again.stdout
    assert "the data have changed" in report(signed)
    new = omopify("sign-off", signed, "--by", "L. Moe")
    assert new.exit_code == 0
    assert new.stdout.startswith("signed off by L. Moe on ")


def test_a_report_that_was_edited_is_void(signed: Path) -> None:
    path = signed / "out" / "quality" / "report.html"
    path.write_text(report(signed).replace("K. Berg", "L. Moe"), encoding="utf-8")
    assert "report.html was changed" in omopify("sign-off", signed, "--check").stdout


def test_a_database_of_somebody_else(project: Path, tmp_path: Path) -> None:
    database = tmp_path / "cdm.duckdb"  # a likely name, and also that of a schema in it
    shutil.copy(project / "out" / "omop.duckdb", database)
    with duckdb.connect(database) as connection:
        connection.execute("DROP SCHEMA audit CASCADE; DROP SCHEMA dsp CASCADE")
    before = database.read_bytes()
    result = omopify("quality", database, "--out", tmp_path / "report")
    assert result.exit_code == 0, result.output
    assert database.read_bytes() == before
    assert (tmp_path / "report" / "quality" / "report.html").is_file()
    found = from_json((tmp_path / "report" / "quality" / "quality.json").read_text(encoding="utf-8"))
    assert {result.check.id for result in found.results} >= {"field_isprimarykey_person_person_id"}
    rows = omopify("quality", "rows", "table_measurepersoncompleteness_death", database, "--out", tmp_path / "report")
    assert rows.exit_code == 0, rows.output
    other = omopify("quality", database, "--out", tmp_path / "report", "--schema", "cmd")
    assert other.exit_code == 1
    assert "there is no schema 'cmd' in this database; did you mean 'cdm'? [OM826]" in other.stderr
    assert omopify("quality", database).exit_code == 2
    assert omopify("sign-off", database, "--out", tmp_path / "report", "--by", "K. Berg").exit_code == 2


def test_without_a_result_there_is_nothing_to_look_at(project: Path) -> None:
    shutil.rmtree(project / "out")
    for arguments, code in (
        (("quality", project), "OM820"),
        (("quality", project, "--rejudge"), "OM821"),
        (("quality", "rows", CHECK, project), "OM821"),
        (("sign-off", project, "--by", "K. Berg"), "OM830"),
    ):
        result = omopify(*arguments)
        assert result.exit_code == 1
        assert f"[{code}]" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("quality", "project", "--rejudge", "--show-terms"),
        ("quality", "project", "--schema", "cdm"),
        ("quality", "rows"),
        ("sign-off", "project"),
        ("sign-off", "project", "--by", " "),
        ("sign-off", "project", "--by", "K. Berg", "--check"),
    ],
)
def test_mistakes_of_usage(arguments: tuple[str, ...]) -> None:
    assert omopify(*arguments).exit_code == 2


def test_a_verb_is_known_by_its_name(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.parent)
    assert "Usage: main quality rows [OPTIONS] CHECK_ID [PROJECT]" in omopify("quality", "rows", "--help").stdout
    assert "  rows  Write the keys" in omopify("quality", "--help").stdout
    project.rename("rows")
    assert omopify("quality", "./rows", "--rejudge").exit_code == 3


def test_programs_get_json_and_nothing_else(project: Path) -> None:
    judged = json.loads(omopify("quality", project, "--rejudge", "--json").stdout)["quality"]
    assert judged["verdict"] == "not ready"
    assert judged["counts"]["critical"]["fail"] == 1
    failing = [found for found in judged["failing"] if found["severity"] == "critical"]
    assert failing == [{"check": CHECK, "severity": "critical", "status": "fail", "waived": False}]
    assert json.loads(Path(judged["details"]).read_text(encoding="utf-8"))["verdict"]
    listed = json.loads(omopify("quality", "rows", CHECK, project, "--json").stdout)
    assert (listed["check"], listed["rows"], listed["stale"]) == (CHECK, 1, False)
    assert len(Path(listed["file"]).read_text(encoding="utf-8").splitlines()) == 2
    held = omopify("sign-off", project, "--check", "--json")
    assert held.exit_code == 3
    signature = json.loads(held.stdout)
    assert (signature["status"], signature["by"], signature["why"]) == ("unsigned", None, [])


def test_a_signature_for_programs(signed: Path) -> None:
    held = omopify("sign-off", signed, "--check", "--json")
    assert held.exit_code == 0
    assert {**json.loads(held.stdout), "at": "", "file": ""} == {
        "status": "signed", "by": "K. Berg", "at": "", "draft": False, "why": [], "file": ""
    }  # fmt: skip
