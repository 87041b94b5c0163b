"""Every command that lists something writes it as JSON for programs, and nothing else to standard output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import FILES_OF_A_PROJECT, FILES_OF_AN_EXPORT, omopify, write


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("json") / "project", {**FILES_OF_A_PROJECT, **FILES_OF_AN_EXPORT})


def told(*arguments: str | Path) -> Any:
    result = omopify(*arguments, "--json")
    assert result.stdout.strip(), result.stderr
    return json.loads(result.stdout)


def test_sql(project: Path) -> None:
    maps = told("sql", project)
    assert [one["map"] for one in maps] == ["small_event", "small_subject", "person"]
    assert told("sql", project, "person") == [maps[2]]
    assert maps[2]["sql"] == omopify("sql", project, "person").stdout


def test_vocab_info_search_and_show() -> None:
    info = told("vocab", "info", "starter")
    assert info["release"] == "omopify starter v1"
    assert info["tables"]["concept"] == sum(part["concepts"] for part in info["vocabularies"])
    found = told("vocab", "search", "male", "--vocabulary", "starter", "--domain", "Gender")
    assert found["hits"][0]["concept_id"] == 8507
    assert told("vocab", "show", "8507", "--vocabulary", "starter")["concept_name"] == "MALE"


def test_vocab_check(project: Path) -> None:
    assert told("vocab", "check", project) == json.loads(omopify("vocab", "check", project, "--format", "json").stdout)
    assert told("vocab", "check", project)["concepts"] == 2, "the concepts of the two sexes"


def test_vocab_diff_and_load(tmp_path: Path) -> None:
    loaded = told("vocab", "load", "starter", "--out", tmp_path / "v.duckdb")
    assert {one["table"] for one in loaded["files"]} >= {"concept", "concept_relationship"}
    same = told("vocab", "diff", tmp_path / "v.duckdb", "starter")
    assert same["old"] == same["new"]
    assert [total for total in same["totals"] if total["added"] or total["removed"]] == []


def test_vocab_variant() -> None:
    (braf,) = told("vocab", "variant", "BRAF V600E")
    assert (braf["gene"], braf["change"]) == ("BRAF", "p.Val600Glu")


def test_a_mistake_leaves_standard_output_empty(tmp_path: Path) -> None:
    result = omopify("sql", tmp_path, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "[OM110]" in result.stderr
