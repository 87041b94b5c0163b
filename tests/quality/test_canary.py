"""No value of the data gets out: a marker stands wherever an export can hold a text, and no output may contain it.

Everything is run with it, also what fails and what ends in an error: conversion, checks of a steward's own, judging
again, lists of failing rows, signing, and the comparison of the next delivery with the signed one.
"""

from __future__ import annotations

import csv
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from omopify.quality.outputs.quality_json import read_document
from tests.cli.test_commands import omopify, write

MARKER = "ZQX-CANARY-7731"
A_DAY = "1931-07-17"
A_NUMBER = "7731773"
SEEN = re.compile(rf"zqx.?.?canary|{A_NUMBER}|{A_DAY}", re.IGNORECASE)
TERMS = 5
"""In how many rows a term must stand to be shown by name, where that is asked for."""

QUERIES = {
    "reads_as_number": "SELECT _file || ':' || _row AS row_id, CAST(term AS integer) > 3 AS violated FROM {t}",
    "reads_as_day": "SELECT _file || ':' || _row AS row_id, CAST(term AS date) > '2026-01-01' AS violated FROM {t}",
    "cries": "SELECT _file || ':' || _row AS row_id, error(term) IS NULL AS violated FROM {t}",
    "reads_as_json": "SELECT _file || ':' || _row AS row_id, CAST(term AS json) IS NULL AS violated FROM {t}",
    "reads_as_pattern": "SELECT _file || ':' || _row AS row_id, term ~ (term || '(') AS violated FROM {t}",
    "parts": "SELECT _file || ':' || _row AS row_id, term LIKE 'ZQX%' AS violated, term AS part FROM {t}",
    "keys": "SELECT term AS row_id, true AS violated, subject_id AS file_number, term AS source_row FROM {t}",
    "lists": "SELECT list(term) AS row_id, true AS violated FROM {t}",
    "columns": "SELECT 'a' AS row_id, nothing AS violated FROM (PIVOT {t} ON term USING count(*))",
}
BUILT_IN = """\
  - {type: expect_column_values_to_be_in_set, kwargs: {column: term, value_set: [a]}}
  - {type: expect_column_distinct_values_to_equal_set, kwargs: {column: term, value_set: [a]}}
  - {type: expect_column_most_common_value_to_be_in_set, kwargs: {column: term, value_set: [a]}}
  - {type: expect_column_max_to_be_between, kwargs: {column: term, max_value: 2}}
  - {type: expect_column_min_to_be_between, kwargs: {column: start_date, min_value: 2031-01-01}}
  - {type: expect_column_mean_to_be_between, kwargs: {column: term, max_value: 2}}
  - {type: expect_column_values_to_be_between, kwargs: {column: term, max_value: 2}}
  - {type: expect_column_values_to_not_match_regex, kwargs: {column: term, regex: "^Z"}}
  - {type: expect_column_values_to_be_unique, kwargs: {column: subject_id}}
  - type: unexpected_rows_expectation
    kwargs: {unexpected_rows_query: "SELECT * FROM {batch} WHERE term LIKE 'ZQX%'"}
  - type: unexpected_rows_expectation
    kwargs: {unexpected_rows_query: "SELECT CAST(term AS integer) FROM {batch}"}
"""
SUITE = "name: ours\nmeta: {table: dsp.adverse_event}\nexpectations:\n" + "".join(
    f"  - type: expect_few_violations\n    kwargs:\n      check: {name}\n"
    f'      rows: "{query.format(t="dsp.adverse_event")}"\n'
    for name, query in QUERIES.items()
)


ACCEPTED = """\
changes:
  - {check: "*", severity: info, reason: so that it can be signed, author: me, date: 2026-01-01}
"""


@dataclass
class Canary:
    """A project, and all that commands have said about it."""

    folder: Path
    said: list[str] = field(default_factory=list)

    def do(self, *arguments: str | Path, ends: int) -> None:
        result = omopify(*arguments)
        self.said += [result.stdout, result.stderr]
        assert result.exit_code == ends, result.output

    @property
    def outputs(self) -> Path:
        return self.folder / "out" / "quality"

    def leaks(self) -> list[tuple[str, str]]:
        """Where the marker is, with what stands around it: in what was said, the manifest and every output."""
        texts = [("said", text) for text in self.said]
        texts.append(("manifest", (self.folder / "out" / "manifest.json").read_text(encoding="utf-8")))
        for path in sorted(self.outputs.rglob("*")):
            if path.is_file():
                texts += [(path.name, path.name), (path.name, path.read_bytes().decode("utf-8", "replace"))]
            if path.suffix == ".duckdb":
                texts += [(path.name, text) for text in rows_of(path)]
        return [(name, text[max(0, at.start() - 60) :][:140]) for name, text in texts for at in SEEN.finditer(text)]


def rows_of(path: Path) -> Iterator[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        for (table,) in connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall():
            yield from map(repr, connection.execute(f"FROM {table}").fetchall())


def mark(folder: Path, seed: int) -> None:
    """Put the marker into cells of every column of the export, into some keys, and into a column nobody expects."""
    choose = random.Random(seed)
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            labels, names, *body = csv.reader(file)
        for row in body:
            for place, name in enumerate(names):
                if name == "SubjectId":
                    row[place] = f"{MARKER}-{row[place]}" if choose.random() < 0.03 else row[place]
                elif choose.random() < 0.15:
                    row[place] = choose.choice([f"{MARKER}-{name}-{seed}"] * 8 + [A_DAY, A_NUMBER])
            row.append(f"{MARKER} free text")
        # one more person, of whom all is in order but the number
        body += [[f"{MARKER}-9", *row[1:]] for row in body[:1] if names[0] == "SubjectId"]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([[*labels, "Remarks"], [*names, "REMARKS"], *body])


def list_some(canary: Canary) -> set[str]:
    """List the failing rows of our queries and of some other checks; return the types that could be listed."""
    document = read_document((canary.outputs / "quality.json").read_text(encoding="utf-8"))
    one_of_each = {
        result["check"]["type"]: result["check"]["id"]
        for result in document["results"]
        if result["check"].get("rows_sql") and result["measurement"].get("violated")
    }
    ours = ("ours.", "trial.rows", "trial.values", "trial.dates", "trial.choices")
    others = [check for check in one_of_each.values() if not check.startswith((*ours, "trial."))]
    for check in (*(check for check in one_of_each.values() if check.startswith(ours)), *others[:3]):
        result = omopify("quality", "rows", check, canary.folder)
        canary.said += [result.stdout, result.stderr]
        assert result.exit_code in (0, 1), result.output
    return set(one_of_each)


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Canary:
    """Two deliveries full of markers: the first one is signed, the second one is compared with it."""
    folder = tmp_path_factory.mktemp("canary") / "project"
    found = Canary(folder)
    for seed in (1, 2):
        shutil.rmtree(folder / "data", ignore_errors=True)
        omopify("synthetic", folder / "data", "--trial", "impress", "--patients", "16", "--seed", str(seed))
        mark(folder / "data", seed)
        project = "mappings: impress\ndata: data\nvocabulary: [starter, demo_restricted]\nout: out\n"
        suites = {"quality/ours.yaml": SUITE + BUILT_IN, "quality/changes.yaml": ACCEPTED}
        write(folder, {"omopify.yaml": project, **suites})
        found.do("run", "--untested", folder, ends=0)
        if seed == 2:
            assert {"parts", "keys", "lists", "rows_rejected"} <= list_some(found)
            found.do("quality", folder, "--rejudge", ends=0)
        found.do("sign-off", folder, "--by", "K. Berg", ends=0)
    return found


def test_the_marker_is_in_the_result(canary: Canary) -> None:
    """Else the other tests would prove nothing."""
    with duckdb.connect(str(canary.folder / "out" / "omop.duckdb"), read_only=True) as result:
        columns = result.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE data_type = 'VARCHAR'"
        ).fetchall()
        marked = {
            schema + "." + column
            for schema, table, column in columns
            if schema in ("cdm", "dsp", "audit")
            and result.execute(f"SELECT bool_or(\"{column}\" LIKE '%{MARKER}%') FROM {schema}.{table}").fetchone()
            == (True,)
        }
    texts = {"term", "event_name", "name", "specification", "subject_id"}
    assert {f"dsp.{column}" for column in texts} | {"audit.value", "audit.source_value"} <= marked
    assert {"cdm.condition_source_value", "cdm.drug_source_value", "cdm.value_as_string"} <= marked


def test_what_was_run_did_fail_and_did_end_in_errors(canary: Canary) -> None:
    document = read_document((canary.outputs / "quality.json").read_text(encoding="utf-8"))
    ours = {r["check"]["id"]: r["status"] for r in document["results"] if r["check"]["suite"] == "ours"}
    cannot = ("reads_as_number", "reads_as_day", "cries", "reads_as_json", "reads_as_pattern", "columns")
    assert [ours[f"ours.{name}"] for name in cannot] == ["error"] * len(cannot)
    assert [ours[f"ours.{name}"] for name in ("parts", "keys", "lists")] == ["fail"] * 3
    built_in = [status for name, status in ours.items() if name.removeprefix("ours.") not in QUERIES]
    assert len(built_in) == 11
    assert {"fail", "error"} <= set(built_in)
    lists = [r["status"] for r in document["results"] if r["check"]["id"] == "trial.choices_new"]
    assert lists == ["fail"]
    assert document["comparison"]["code_lists"]


def test_no_output_contains_the_marker(canary: Canary) -> None:
    assert canary.leaks() == []


def test_terms_are_shown_only_in_the_report_that_stays_and_only_if_they_are_frequent(canary: Canary) -> None:
    canary.do("quality", canary.folder, "--show-terms", ends=0)
    document = read_document((canary.outputs / "quality.json").read_text(encoding="utf-8"))
    shown = [one for one in document["findings"]["unmapped"] if SEEN.search(one.get("term") or "")]
    assert shown
    assert all(one["rows"] >= TERMS for one in document["findings"]["unmapped"] if one.get("term"))
    known = {one["term"] for one in shown}
    for one in document["findings"]["unmapped"]:
        one.pop("term", None)
    assert not SEEN.search(repr(document))
    where = {name for name, _ in canary.leaks()}
    assert where == {"quality.json", "report.html"}
    assert not any(SEEN.search(path.read_text("utf-8")) for path in (canary.outputs / "shareable").iterdir())
    page = (canary.outputs / "report.html").read_text(encoding="utf-8")
    assert {found[0] for found in re.finditer(rf"{MARKER}[\w-]+", page)} <= known


def test_a_database_of_somebody_else(canary: Canary, tmp_path: Path) -> None:
    """A bare CDM with the marker in every text, and in whole numbers, which are texts here."""
    source = canary.folder / "out" / "omop.duckdb"
    with duckdb.connect(str(tmp_path / "partner.duckdb")) as made:
        made.execute(f"ATTACH '{source}' AS source (READ_ONLY); CREATE SCHEMA cdm")
        columns = made.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns()"
            " WHERE database_name = 'source' AND schema_name = 'cdm' ORDER BY table_name, column_index"
        ).fetchall()
        for table in {name for name, _, _ in columns}:
            marked = [
                f'"{column}"' if table == "cdm_source" or (kind != "VARCHAR" and not column.endswith("_concept_id"))
                else f"CASE WHEN rowid % 2 = 0 THEN '{MARKER}' ELSE CAST(\"{column}\" AS varchar) END AS \"{column}\""
                for name, column, kind in columns
                if name == table
            ]  # fmt: skip
            made.execute(f"CREATE TABLE cdm.{table} AS SELECT {', '.join(marked)} FROM source.cdm.{table}")
        made.execute("DETACH source")
    partner = Canary(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").write_text("{}")
    partner.do("quality", tmp_path / "partner.duckdb", "--out", tmp_path / "out", ends=3)
    document = read_document((partner.outputs / "quality.json").read_text(encoding="utf-8"))
    assert {"fail", "error"} <= {result["status"] for result in document["results"]}
    failing = next(r["check"]["id"] for r in document["results"] if r["check"]["type"] == "cdmDatatype" and r["pct"])
    partner.do("quality", "rows", failing, tmp_path / "partner.duckdb", "--out", tmp_path / "out", ends=0)
    assert partner.leaks() == []
