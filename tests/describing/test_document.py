"""The document about a mapping against a run of it: it says what the run did, and nothing of a patient."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from omopify.cli.main import main
from omopify.describing.counted import Counts
from omopify.describing.mapping import as_data, document
from omopify.errors import Problems
from omopify.reports.mapping import render_html, render_markdown
from omopify.specs.project import load_project
from tests.converted import example
from tests.describing import tern

LARGEST = 3_000_000


def told(folder: Path) -> dict[str, Any]:
    problems = Problems()
    project = load_project(folder, problems)
    assert project is not None
    found = as_data(document(project, problems))
    assert not problems.found
    return found


@pytest.fixture(scope="module")
def impress(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example(tmp_path_factory, "impress")


@pytest.fixture(scope="module")
def said(impress: Path) -> dict[str, Any]:
    return told(impress)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tern.project(tmp_path_factory.mktemp("tern"), export=False)


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder / "out" / "omop.duckdb"), read_only=True) as db:
        return db.execute(query).fetchall()


def test_parts_of_the_trial_are_told_from_shared_ones(said: dict[str, Any]) -> None:
    shared = {state["part"]: state["shared"] for state in said["states"]}
    assert (shared["trial"], shared["map:impress_death"], shared["map:death"]) == (False, False, True)
    own, brought = render_html(said).split("parts that all trials share are not approved</summary>")
    assert 'href="#map-impress_death">impress_death</a></th><td>' in own
    assert 'href="#map-death">death</a></th><td>' not in own
    assert 'href="#map-death">death</a></th><td>' in brought


def test_columns_are_decided_as_the_run_decided_them(impress: Path, said: dict[str, Any]) -> None:
    here = {
        (source["name"], column["name"]): (column["decision"], column["reason"] or None)
        for source in said["sources"]
        for column in source["columns"]
    }
    ran = rows(
        impress, "SELECT source, \"column\", decision, CASE decision WHEN 'ignored' THEN reason END FROM audit.columns"
    )
    assert len(ran) > 200
    assert {pair: here[pair][0] for pair in here if pair in {r[:2] for r in ran}} == {r[:2]: r[2] for r in ran}
    assert all(here[r[:2]][1] == r[3] for r in ran)


def test_every_column_that_the_run_fills_has_somebody_who_fills_it(impress: Path, said: dict[str, Any]) -> None:
    lost = []
    for table in (*said["harmonised"], *said["omop"]):
        open_ones = [c["name"] for c in table["columns"] if not c["filled"] and "omopify gives" not in c["definition"]]
        counts = (
            f"count(nullif({name}, 0))" if name.endswith("concept_id") else f'count("{name}")' for name in open_ones
        )
        name = table["name"] if table["name"].startswith("dsp.") else f"cdm.{table['name']}"
        filled = rows(impress, f"SELECT {', '.join(counts)} FROM {name}")[0] if open_ones else ()
        lost += [f"{name}.{one}" for one, count in zip(open_ones, filled, strict=True) if count]
    assert lost == []


def test_no_small_count_is_told(said: dict[str, Any]) -> None:
    small = [
        (source["name"], column["name"])
        for source in said["sources"]
        for column in source["columns"]
        for count in (column["filled"], column["rows"], source["rows"])
        if isinstance(count, int) and 0 < count < 5
    ]
    rules = [rule for one in said["maps"] for rule in one["fields"] if rule["answers"]]
    small += [
        (rule["anchor"], "")
        for rule in rules
        for count in (*(row["cells"] for row in rule["answers"]["rows"]), rule["answers"]["other"])
        if isinstance(count, int) and 0 < count < 5
    ]
    assert small == []
    assert any(row["cells"] == "<5" for rule in rules for row in rule["answers"]["rows"])


def test_answers_are_counted_as_the_export_holds_them(impress: Path, said: dict[str, Any]) -> None:
    events = next(one for one in said["maps"] if one["name"] == "impress_adverse_event")
    outcome = next(rule for rule in events["fields"] if rule["part"]["name"] == "outcome")
    ran = dict(rows(impress, "SELECT value, rows FROM audit.code_lists WHERE source = 'ae' AND \"column\" = 'AEOUT'"))
    for row in outcome["answers"]["rows"]:
        held = ran.get(row["value"], 0)
        assert row["cells"] in ((held,) if held == 0 or held >= 5 else ("<5",)) or row["cells"] == "≥5"


def test_nothing_of_a_subject_is_on_the_page(impress: Path, said: dict[str, Any]) -> None:
    page = render_html(said)
    subjects = {value for (value,) in rows(impress, "SELECT subject_id FROM dsp.subject")}
    in_tests = {value for value in subjects if any(value in json.dumps(one["examples"]) for one in said["maps"])}
    assert len(subjects - in_tests) > 10
    assert not [subject for subject in subjects - in_tests if subject in page]
    assert len(page.encode()) < LARGEST
    assert all(f'id="map-{one["name"]}"' in page for one in said["maps"])


def test_the_same_mapping_gives_the_same_bytes(small: Path) -> None:
    assert render_html(told(small)) == render_html(told(small))
    assert render_markdown(told(small)) == render_markdown(told(small))


def test_without_export_and_result_the_pack_says_what_there_is(small: Path) -> None:
    found = told(small)
    assert found["result"] is None
    ae = next(source for source in found["sources"] if source["name"] == "ae")
    assert [(c["name"], c["label"], c["decision"]) for c in ae["columns"][:2]] == [
        ("ID", "Subject", "identifier"),
        ("TERM", "Adverse event", "used"),
    ]
    assert {c["filled"] for source in found["sources"] for c in source["columns"]} == {None}
    assert [(s["part"], s["status"]) for s in found["states"] if s["part"] == "map:tern_event"] == [
        ("map:tern_event", "reviewed")
    ]
    assert found["approved"] is False


def test_a_result_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = tern.project(tmp_path, export=False)
    (folder / "out").mkdir()
    (folder / "out" / "omop.duckdb").write_text("no database", encoding="utf-8")
    problems = Problems()
    project = load_project(folder, problems)
    assert project is not None
    assert document(project, problems).result is None
    assert [problem.code for problem in problems.warnings] == ["OM970"]


def test_hidden_counts_cannot_be_reckoned() -> None:
    # 98 of 100 cells are filled: 95 'a', 3 'b'. Told 95 and 98, everybody would know the 3; told 98 of 100, the 2.
    counts = Counts(5, {("ae", "out"): (98, 100)}, {("ae", "out"): {"a": 95, "b": 3}})
    assert counts.ask("table", [("ae", "out")], ["A", "B"])
    counts.mask()
    assert counts.told(("table", "B")) == "<5"
    assert counts.rows("ae") == 100
    assert "95" not in str(counts.told(("table", "A"))) or "98" not in str(counts.filled("ae", "OUT"))
    assert counts.filled("ae", "OUT") != 98
    assert counts.told(("table", None)) == 0


def test_a_column_that_is_nearly_full_says_the_least_that_it_can_be() -> None:
    counts = Counts(5, {("ae", "day"): (98, 100), ("ae", "id"): (100, 100), ("ae", "few"): (2, 100)}, {})
    counts.mask()
    assert [counts.filled("ae", name) for name in ("day", "ID", "few")] == ["≥96", 100, "<5"]


def test_codes_are_counted_however_they_are_written() -> None:
    counts = Counts(5, {}, {("ae", "cd"): {"1.0": 6, "1": 7, "2": 8}})
    assert counts.ask("codes", [("ae", "cd")], ["1", "3"])
    assert not counts.ask("texts", [("ae", "unknown")], ["1"])
    counts.mask()
    assert (counts.told(("codes", "1")), counts.told(("codes", "3")), counts.told(("codes", None))) == (13, 0, 8)


def test_the_command_writes_what_it_says(tmp_path: Path) -> None:
    folder = tern.project(tmp_path, export=False)
    done = CliRunner().invoke(main, ["docs", str(folder), "--format", "both"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "The tern trial: 3 forms, 3 maps, 7 OMOP tables; version " in done.output
    assert "DRAFT: 5 of 5 parts are not approved" in done.output
    page = (folder / "docs" / "mapping.html").read_text(encoding="utf-8")
    assert "alert(1)" in page
    assert "<script>alert" not in page
    (folder / "docs" / "mapping" / "map-gone.md").write_text("old", encoding="utf-8")
    (folder / "docs" / "mapping" / "mine.md").write_text("notes", encoding="utf-8")
    out = CliRunner().invoke(main, ["docs", str(folder), "--format", "markdown"], catch_exceptions=False)
    assert out.exit_code == 0
    names = {path.name for path in (folder / "docs" / "mapping").iterdir()}
    assert "map-gone.md" not in names
    assert {"mine.md", "README.md", "map-tern_event.md", "dsp-event.md", "form-ae.md"} <= names
    text = (folder / "docs" / "mapping" / "map-tern_event.md").read_text(encoding="utf-8")
    assert "| `outcome` text | `OUT` Outcome of ae | Taken from OUT." in text
    assert "a\\|b is no cell" in text
    assert "&lt;script>" in text


def test_the_command_gives_data(small: Path) -> None:
    done = CliRunner().invoke(main, ["docs", str(small), "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["maps"][2]["name"] == "tern_event"
    assert not (small / "docs").exists()


def test_an_approved_mapping_says_so(tmp_path: Path) -> None:
    folder = tern.project(tmp_path, export=False)
    done = CliRunner().invoke(main, ["review", str(folder), "--approve", "all", "--by", "Kari Nordmann"])
    assert done.exit_code == 0, done.output
    found = told(folder)
    assert found["approved"] is True
    page = render_html(found)
    assert 'class="watermark"' not in page
    assert ": approved" in page
    (tmp_path / "tern" / "values" / "out.csv").write_text("from,to\nBetter,fatal\n", encoding="utf-8")
    after = told(folder)
    assert [s["part"] for s in after["states"] if s["status"] == "changed"] == ["map:tern_event"]
    assert after["fingerprint"] != found["fingerprint"]
    assert 'class="watermark"' in render_html(after)
