"""What people and accidents do to it: queries that do more than ask, files that are damaged, words that mean nothing.

Whatever happens, there is a message and no trace of an error, the data stay as they are, and no counts that are hidden
in the copy that leaves can be reckoned from it.
"""

from __future__ import annotations

import hashlib
import random
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from omopify.errors import OmopifyError, Problems
from omopify.quality import builtin, cdm, gate, suites
from omopify.quality.model import Context
from omopify.quality.outputs.quality_json import read_document
from omopify.specs.quality import ChangesFile, WaiversFile, read_quality_file, read_suite
from tests.cli.test_commands import FILES_OF_A_PROJECT, FILES_OF_AN_EXPORT, omopify, write
from tests.quality.small_project import project_with

ASK = "SELECT 1 AS row_id, true AS violated"
QUERIES = {
    "writes_behind": f"{ASK}) AS x; COPY (SELECT 1) TO '{{out}}/leak.csv'; SELECT * FROM ({ASK}",
    "opens_register": f"{ASK}) AS x; ATTACH '{{out}}/../register/keys.duckdb' AS k; SELECT * FROM ({ASK}",
    "deletes_behind": f"{ASK}) AS x; DELETE FROM cdm.person; SELECT * FROM ({ASK}",
    "reads_a_file": "SELECT content AS row_id, true AS violated FROM read_text('/etc/passwd')",
    "lists_files": "SELECT file AS row_id, true AS violated FROM glob('/etc/*')",
    "writes": "COPY (SELECT 1) TO '{out}/leak.csv'",
    "attaches": "ATTACH '{out}/leak.duckdb'",
    "installs": "INSTALL httpfs",
    "sets": "SET lock_configuration = false",
    "asks_twice": f"{ASK}; SELECT 2",
    "changes": "UPDATE cdm.person SET year_of_birth = 1900 RETURNING 1 AS row_id, true AS violated",
    "no_columns": "VALUES (1, true)",
    "no_boolean": "SELECT 1 AS row_id, 1 AS violated",
    "no_table": "SELECT 1 AS row_id, true AS violated FROM cdm.nothing",
    "unbound": "SELECT $1 AS row_id, true AS violated",
    "empty": "-- nothing",
}
HARMLESS = {
    "ends_in_a_comment": f"{ASK} -- a comment",
    "ends_in_a_semicolon": f"{ASK};",
    "begins_with": "WITH a AS (SELECT 1 AS row_id, true AS violated) FROM a",
    "in_capitals": "SELECT 1 AS ROW_ID, true AS VIOLATED",
}


def suite(queries: dict[str, str], out: Path) -> str:
    checks = "".join(
        f"  - type: expect_few_violations\n    kwargs:\n      check: {name}\n      rows: |\n        {query}\n"
        for name, query in queries.items()
    )
    return f"name: ours\nmeta: {{table: cdm.person}}\nexpectations:\n{checks}".replace("{out}", out.as_posix())


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write(tmp_path_factory.mktemp("abuse") / "project", {**FILES_OF_A_PROJECT, **FILES_OF_AN_EXPORT})
    assert omopify("run", folder).exit_code == 0
    return folder


@pytest.fixture
def project(assessed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(assessed, tmp_path / "project"))


def test_a_query_can_ask_and_nothing_else(project: Path) -> None:
    out = project / "out"
    write(project, {"quality/ours.yaml": suite(QUERIES | HARMLESS, out)})
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in project.rglob("*.duckdb")}
    # When such queries are measured, and their rows are listed
    assert omopify("quality", project).exit_code == 0
    listed = {name: omopify("quality", "rows", f"ours.{name}", project) for name in QUERIES}
    # Then each is an error in words of ours, and nothing has been written or changed
    document = read_document((out / "quality" / "quality.json").read_text(encoding="utf-8"))
    found = {r["check"]["type"]: r for r in document["results"] if r["check"]["suite"] == "ours"}
    assert {name: found[name]["status"] for name in QUERIES} == dict.fromkeys(QUERIES, "error")
    assert {name: found[name]["status"] for name in HARMLESS} == dict.fromkeys(HARMLESS, "fail")
    assert not [name for name in QUERIES if "Error" in found[name]["measurement"]["error"]]
    assert {name: result.exit_code for name, result in listed.items()} == dict.fromkeys(QUERIES, 1)
    assert not list(project.rglob("leak*"))
    after = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in before}
    assert {p.name for p in before if before[p] != after[p]} <= {"results.duckdb"}


def texts(name: str, content: bytes) -> Callable[[Path], None]:
    def damage(project: Path) -> None:
        (project / "out" / name).write_bytes(content)

    return damage


def sql(statement: str) -> Callable[[Path], None]:
    def damage(project: Path) -> None:
        with duckdb.connect(str(project / "out" / "omop.duckdb")) as connection:
            connection.execute(statement)

    return damage


@pytest.mark.parametrize(
    ("damage", "command", "code"),
    [
        (texts("quality/quality.json", b'{"schema_version": 1, "subj'), ["quality", "--rejudge"], "OM827"),
        (texts("quality/quality.json", b"\xff\xfe\x00"), ["quality", "--rejudge"], "OM827"),
        (texts("quality/quality.json", b"[]"), ["sign-off", "--by", "x"], "OM827"),
        (texts("quality/quality.json", b"\xff\xfe\x00"), ["sign-off", "--by", "x"], "OM827"),
        (texts("omop.duckdb", b""), ["quality"], "OM592"),
        (texts("omop.duckdb", b"no database"), ["quality"], "OM592"),
        (texts("manifest.json", b"{"), ["quality"], "OM"),
        (texts("manifest.json", b"[]"), ["quality"], "OM"),
        (texts("manifest.json", b"\xff"), ["quality"], "OM"),
        (sql("DROP SCHEMA audit CASCADE"), ["quality"], "OM838"),
        (sql("DROP TABLE audit.code_lists"), ["quality"], "OM838"),
    ],
    ids=range(11),
)
def test_damaged_files_are_said_with_a_code(
    project: Path, damage: Callable[[Path], None], command: list[str], code: str
) -> None:
    damage(project)
    result = omopify(*command, project)
    assert result.exit_code == 1
    assert f"[{code}" in result.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE cdm.cdm_source",
        "DELETE FROM cdm.cdm_source",
        "INSERT INTO cdm.cdm_source FROM cdm.cdm_source",
        "DELETE FROM cdm.person; DELETE FROM dsp.subject",
        "DROP TABLE cdm.person",
        "ALTER TABLE cdm.observation_period ALTER observation_period_start_date TYPE varchar",
    ],
)
def test_a_damaged_result_is_assessed_and_not_ready_or_at_least_shown(project: Path, statement: str) -> None:
    sql(statement)(project)
    assert omopify("quality", project).exit_code in (0, 3)
    assert (project / "out/quality/report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")


OWN = """\
name: ours
meta: {table: dsp.adverse_event, needs: [dsp, trial.ctcae]}
expectations:
  - type: expect_few_violations
    severity: critical
    description: d
    kwargs: {check: a, max_pct: 3, parameters: {x: 1}, parts: {a: 5}, rows: "SELECT 1 AS row_id, true AS violated"}
    meta: {category: Conformance, unit: rows}
  - type: expect_column_values_to_be_in_set
    kwargs: {column: term, value_set: [a, b], mostly: 0.9}
  - type: expect_cdm_checks_to_pass
    kwargs: {check_type: isRequired, cdm_table: person, checks: {location_id: {max_pct: 5}}}
"""
CHANGES = """\
changes:
  - {check: ours.a, max_pct: 5, severity: info, reason: r, author: a, date: 2026-11-01}
  - {check: "ours.*", off: true, reason: r, author: a, date: 2026-11-01}
"""
WAIVERS = "waivers:\n  - {check: ours.a, reason: r, author: a, date: 2026-11-01, expires: 2026-12-01}\n"
NONSENSE = [
    "null", "[]", "{}", "[a]", "{a: b}", "''", "-1", "1e400", ".nan", ".inf", "2026-13-45", "!!binary aGk=", "&a b",
    "*a", '"\\0"', "ü😀", "a" * 3000, "{? [a]: b}", "[[[[]]]]", "{<<: {a: 1}}", "101", "12:30:45", "'*'", "{1: 2}",
    "{null: 3}", "true", "{$PARAMETER: x}", "\t", "%", "\x07", "\ufeff",
]  # fmt: skip
VALUE = re.compile(r"(?<=: )[^\n{}\[\],]+|\{[^{}]*\}|\[[^\[\]]*\]")
WORD = re.compile(r"[a-z_]+(?=:)")


def spoilt(text: str, choose: random.Random) -> str:
    """A text with one thing wrong: a value, a word, a line too few or too many, a sign, or its end cut off."""
    lines = text.splitlines(keepends=True)
    place = choose.randrange(len(lines))
    what = choose.randrange(6)
    if what < 2:
        at = choose.choice(list(VALUE.finditer(text)))
        return text[: at.start()] + choose.choice(NONSENSE) + text[at.end() :]
    if what == 2:
        at = choose.choice(list(WORD.finditer(text)))
        return text[: at.start()] + choose.choice(["x", "", "1", "null", "type", "é"]) + text[at.end() :]
    if what == 3:
        return "".join(lines[:place] + lines[place + 1 :] + choose.choice([[], [lines[place]]]))
    cut = choose.randrange(1, len(text))
    return text[:cut] if what == 4 else text[:cut] + choose.choice(":{}[]\"'#\n-&*!%@\x00") + text[cut:]


def test_whatever_is_written_a_mistake_is_said_and_never_a_trace(tmp_path: Path) -> None:
    choose = random.Random(5)
    codes: list[list[str]] = []
    context = Context("cdm", frozenset({"cdm", "dsp", "audit"}))
    project_with(tmp_path, own=OWN)
    whole = read_suite(tmp_path / "quality" / "own.yaml", Problems())
    assert whole
    checks = suites.expand_all([whole], context)
    for number in range(300):
        problems = Problems()
        name, text = (("own", OWN), ("changes", CHANGES), ("waivers", WAIVERS))[number % 3]
        path = tmp_path / "quality" / f"{name}.yaml"
        path.write_text(spoilt(text, choose), encoding="utf-8")
        try:
            read: Any
            if name == "own":
                read = read_suite(path, problems)
                problems.stop_if_errors()
                builtin.check([read], problems)
                cdm.check([read], problems)
                problems.stop_if_errors()
                suites.expand_all([read], context)
            elif name == "changes":
                read = read_quality_file(ChangesFile, path, problems)
                problems.stop_if_errors()
                suites.apply_changes(checks, read, problems)
            else:
                read = read_quality_file(WaiversFile, path, problems)
                problems.stop_if_errors()
                gate.apply_waivers([], read, date(2026, 11, 21), problems)
        except OmopifyError as error:
            codes.append([problem.code for problem in error.problems])
    assert len(codes) > 100
    assert all(said and all(re.fullmatch(r"OM\d{3}", code) for code in said) for said in codes)


@pytest.mark.parametrize("mostly", ["[]", "{}", "true", "{$PARAMETER: x}", "[[a]]", "'0.x'", "2", ".nan", "{a: 1}"])
def test_a_share_that_is_none_is_a_mistake_of_the_suite(tmp_path: Path, mostly: str) -> None:
    own = OWN.replace("mostly: 0.9", f"mostly: {mostly}")
    project_with(tmp_path, own=own)
    problems = Problems()
    read = read_suite(tmp_path / "quality" / "own.yaml", problems)
    if read:
        builtin.check([read], problems)
    assert problems.errors
