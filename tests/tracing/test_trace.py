"""Traces lead where the files say: what they tell is compared with the export and the maps, read by other means."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from omopify.cli.main import main
from omopify.cli.show import console
from omopify.errors import OmopifyError, Problems
from omopify.resources import data
from omopify.tracing.model import Field, Row
from omopify.tracing.trace import Tracer, tracing
from tests.language.workbench import Workbench
from tests.tracing.conftest import Case, bottom, outcomes, written


def trace(*words: str | Path, width: int = 80) -> Result:
    return CliRunner().invoke(main, ["trace", *map(str, words)], env={"COLUMNS": str(width), "NO_COLOR": "1"})


def field(row: Row, name: str) -> Field:
    return next(one for one in row.fields if name in one.name.split(", "))


def parts(row: Row) -> list[Row]:
    return [row, *(part for one in row.rows for part in parts(one))]


def test_an_event_leads_back_to_its_line_in_the_form(case: Case) -> None:
    # Given the serious adverse events of the form, in their own words
    form = case.form("AE")
    events = [(n, row) for n, row in form.items() if row["AESERCD"] == "1" and row["AECTCAET"]][:6]
    assert len(events) == 6
    for number, cells in events:
        # When a row of the form is followed, and one of its observations back again
        ids = [i for table, i in written(case.forward("AE", number)) if table == "condition_occurrence"]
        if not ids:
            own = {o.fate for use, o in outcomes(case.forward("AE", number)) if use.map == "impress_adverse_event"}
            assert own & {"filtered", "rejected", "duplicate"}
            continue
        found = case.back("condition_occurrence", ids[0], values=True)
        # Then both ends are the same row, and what stands in between is what the form says
        assert bottom(found) == {("ae", number)}
        harmonised = found.rows[0]
        assert [row.map for row in parts(found)] == ["adverse_event", "impress_adverse_event"]
        assert field(harmonised, "term").value == cells["AECTCAET"]
        assert field(harmonised, "term").columns == ("ae.AECTCAET (CTCAE term)",)
        assert field(harmonised, "grade").value == cells["AETOXGRECD"]
        if re.fullmatch(r"\d{4}-\d\d-\d\d", cells["AESTDAT"]):
            assert field(found, "condition_start_date").value == cells["AESTDAT"]
        shown = {cell.column: cell.value for cell in harmonised.places[0].cells}
        assert shown["AECTCAET"] == cells["AECTCAET"]
        assert shown.keys() <= cells.keys()


def test_each_line_of_a_field_is_where_the_map_says_it(case: Case) -> None:
    found = case.back("condition_occurrence", 1)
    for row in parts(found):
        for one in row.fields:
            assert one.at is not None
            line = Path(one.at.path).read_text(encoding="utf-8").splitlines()[one.at.line - 1]
            for text in one.written[:1]:
                assert text.split("(")[0].split()[0] in line or one.at.path.endswith("adverse_event.yaml")
    term = field(found.rows[0], "term")
    assert Path(str(term.at.path if term.at else "")).name == "adverse_event.yaml"
    text = Path(term.at.path).read_text(encoding="utf-8").splitlines()[term.at.line - 1] if term.at else ""
    assert text == "  term: AECTCAET"


def test_a_date_that_was_filled_in_says_by_which_rule(case: Case) -> None:
    # Given the rows of CM whose start is a year and a month only
    partial = [n for n, row in case.form("CM").items() if re.fullmatch(r"\d{4}-\d\d(-NK)?", row["CMSTDAT"])]
    seen = 0
    for number in partial[:10]:
        for table, row_id in written(case.forward("CM", number)):
            if table == "dsp.concomitant_medication":
                assert field(case.back(table, row_id), "start_date").notes == ("date filled in: earliest",)
                seen += 1
    assert seen


def test_the_concept_is_the_one_of_the_row_in_the_concept_file(case: Case) -> None:
    with data("mappings", "prime_rose", "concepts", "ctcae_terms.csv").open(encoding="utf-8", newline="") as file:
        approved = [(n, row) for n, row in enumerate(csv.DictReader(file), 2) if row["mappingStatus"] == "APPROVED"]
    decided = {row["sourceName"].casefold(): (n, int(row["conceptId"])) for n, row in approved}
    checked = 0
    for row_id, term, concept in case.rows(
        "SELECT condition_occurrence_id, condition_source_value, condition_concept_id FROM cdm.condition_occurrence "
        "WHERE condition_occurrence_id IN (SELECT row_id FROM audit.row_origins WHERE map = 'adverse_event') LIMIT 12"
    ):
        ways = field(case.back("condition_occurrence", row_id, values=True), "condition_concept_id").ways
        assert [way.looked_in for way in ways] == ["concepts/ctcae_terms.csv", "MedDRA by name", "SNOMED by name"]
        if term.casefold() in decided:
            line, wanted = decided[term.casefold()]
            assert wanted == concept
            assert (ways[0].result, ways[0].at.line if ways[0].at else 0) == ("found", line)
            assert ways[0].concept is not None
            assert ways[0].concept.id == concept
            assert ways[0].review.startswith("APPROVED by")
            assert [way.result for way in ways[1:]] == ["not needed", "not needed"]
            checked += 1
    assert checked > 5


def test_a_term_with_several_concepts_names_that_of_the_row(case: Case) -> None:
    rows = case.rows(
        "SELECT drug_exposure_id, drug_concept_id FROM cdm.drug_exposure "
        "JOIN audit.row_origins ON row_id = drug_exposure_id "
        "WHERE table_name = 'drug_exposure' AND map = 'previous_treatment' AND drug_concept_id <> 0 LIMIT 8"
    )
    for row_id, concept in rows:
        ways = field(case.back("drug_exposure", row_id, values=True), "drug_concept_id").ways
        assert [way.concept.id for way in ways if way.result == "found" and way.concept] == [concept]


def test_an_attribute_leads_to_its_event_and_the_event_to_it(case: Case) -> None:
    event, grade = case.rows(
        "SELECT observation_event_id, observation_id FROM cdm.observation JOIN audit.row_origins "
        "ON row_id = observation_id WHERE table_name = 'observation' AND map = 'adverse_event' AND part = 'grade'"
    )[0]
    found = case.back("observation", grade)
    assert found.part == "grade"
    assert [link.ids for link in found.links if link.word == "about"] == [(event,)]
    assert "That of the event." in field(found, "person_id").words
    beside = case.back("condition_occurrence", event).links
    assert (grade,) in [link.ids for link in beside if link.word == "its grade"]


def test_rows_made_of_many_name_them(case: Case) -> None:
    # An observation period: of one window, which is made of rows of eleven harmonised tables
    found = case.back("observation_period", 1, limit=3)
    window = found.rows[0]
    assert window.table == "dsp.observation_window"
    many = case.rows(
        "SELECT count(DISTINCT (file_number, row, made_of)) FROM audit.row_origins "
        "WHERE table_name = 'dsp.observation_window' AND row_id = ?",
        [window.id],
    )[0][0]
    assert len(window.rows) == 3
    assert window.more >= many - 3 - 11  # one number may stand for rows of two tables
    assert window.how.startswith("Made of ")
    # An era: of its drug exposures, which start and end within it
    era = case.back("drug_era", 1, limit=50)
    start, end, count = case.rows(
        "SELECT drug_era_start_date, drug_era_end_date, drug_exposure_count FROM cdm.drug_era WHERE drug_era_id = 1"
    )[0]
    assert len(era.rows) == count
    for event in era.rows:
        begins = case.rows(
            "SELECT drug_exposure_start_date FROM cdm.drug_exposure WHERE drug_exposure_id = ?", [event.id]
        )
        assert start <= begins[0][0] <= end


def test_a_row_of_a_hand_written_select_says_so(case: Case) -> None:
    found = case.back("cohort", 1)
    assert "cohort.sql.jinja" in found.how
    reads = ("cohort_allocation", "treatment_cycle", "treatment", "observation_window")
    assert {row.table for row in found.rows} <= {f"dsp.{name}" for name in reads}
    assert {form for form, _ in bottom(found)} & {"coh"}


def test_rows_of_every_kind_are_explained_forward(case: Case) -> None:
    """Of each form the first row, and every row that a map rejected: nothing ends without a reason."""
    rejected = case.rows("SELECT DISTINCT f.source, r.row FROM audit.rejects AS r JOIN audit.files AS f USING (file)")
    first = [(form, next(iter(case.form(form)))) for (form,) in case.rows("SELECT source FROM audit.files")]
    wanted = dict.fromkeys([*first, *rejected])
    fates: Counter[str] = Counter()
    for form, row in wanted:
        found = case.forward(form, row)
        readers = case.rows("SELECT DISTINCT map FROM audit.map_sources WHERE source = ? AND NOT joined", [form])
        assert {use.map for use in found.uses} == {name for (name,) in readers}
        assert found.uses or found.unread
        for use, outcome in outcomes(found):
            fates[outcome.fate] += 1
            assert outcome.fate != "unexplained", (form, row, use.map)
            if outcome.fate != "used":
                assert outcome.words, (form, row, use.map)
            if outcome.fate in ("filtered", "rejected") and not use.map.startswith("eras."):
                assert outcome.reason
                assert outcome.at is not None, (form, row, use.map, outcome.reason)
    assert fates.keys() == {"used", "filtered", "rejected", "read as a whole"}


def test_a_subject_out_of_scope_is_filtered_by_the_scope(case: Case) -> None:
    cohorts = {row["SubjectId"] for row in case.form("COH").values() if row["COHORTNAME"].strip()}
    outside = next(n for n, row in case.form("MH").items() if row["SubjectId"] not in cohorts)
    (use,) = case.forward("mh", outside).uses
    (outcome,) = use.outcomes
    assert (outcome.fate, outcome.reason) == ("filtered", "allocated")
    assert outcome.at is not None
    assert outcome.at.path.endswith("trial.yaml")


def test_a_duplicate_says_so(case: Case) -> None:
    (row,) = case.rows("SELECT row FROM audit.left_out WHERE reason = 'duplicate' AND map = 'impress_adverse_event'")[0]
    use = next(use for use in case.forward("ae", row).uses if use.map == "impress_adverse_event")
    assert [outcome.fate for outcome in use.outcomes] == ["duplicate"]


def test_one_row_gives_one_row_for_each_of_its_pieces(case: Case) -> None:
    # Given a row of C30 with all thirty answers
    number, _ = next((n, row) for n, row in case.form("C30").items() if all(row[f"C30_Q{q}"] for q in range(1, 31)))
    (use,) = case.forward("c30", number).uses
    (outcome,) = use.outcomes
    assert (outcome.fate, outcome.many) == ("used", 30)
    assert list(outcome.pieces) == [f"column C30_Q{q}" for q in range(1, 31)]
    answers = next(use for use in outcome.rows[0].uses if use.map == "questionnaire_answer")
    assert answers.outcomes[0].rows[0].many == 30


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (lambda t: t.back("conditon_occurrence", 1), "OM961", "did you mean 'condition_occurrence'?"),
        (lambda t: t.back("dsp.adverse_events", 1), "OM961", "did you mean 'dsp.adverse_event'?"),
        (lambda t: t.back("dsp.subject", 99), "OM962", "its rows run from 1 to 32"),
        (lambda t: t.forward("AEX", 3), "OM963", "did you mean 'ae'?"),
        (lambda t: t.forward("impress", 3), "OM968", "say which: 'SYNTHETIC_IMPRESS_"),
        (lambda t: t.forward("ae", 4000), "OM964", "its rows are numbered 3 to"),
        (lambda t: t.forward("ae", 2), "OM964", "above the data"),
        (lambda t: t.forward("ae", 3, sheet="Adverse"), "OM963", "with a worksheet 'Adverse'"),
    ],
)
def test_what_is_not_there_is_said(case: Case, asked: Callable[[Tracer], object], code: str, said: str) -> None:
    assert case.tracer
    with pytest.raises(OmopifyError) as stopped:
        asked(case.tracer)
    (problem,) = stopped.value.problems
    assert problem.code == code
    assert said in str(problem)


def test_the_command_says_what_is_not_there(case: Case) -> None:
    result = trace(case.folder, "person", "999")
    assert result.exit_code == 1
    assert "its ids run from 1 to 32 [OM962]" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("words", [(), ("person",), ("person", "x"), ("person", "1", "--source", "ae", "3")])
def test_what_cannot_be_meant_is_a_usage_error(case: Case, words: Sequence[str]) -> None:
    result = trace(case.folder, *words)
    assert result.exit_code == 2
    assert "write TABLE ID" in result.stderr


def test_without_a_result_the_command_for_it_is_named(case: Case, tmp_path: Path) -> None:
    result = trace(case.folder, "person", "1", "--out", tmp_path)
    assert result.exit_code == 1
    assert "'omopify run' makes it [OM960]" in result.stderr


@pytest.mark.parametrize("definitions", [True, False])
def test_a_map_that_has_changed_since_is_named(case: Case, tmp_path: Path, definitions: bool) -> None:
    (tmp_path / "omop.duckdb").hardlink_to(case.database)
    out = case.folder / "out"
    if definitions:
        said = json.loads((out / "definitions.json").read_text("utf-8"))
        said["maps"]["adverse_event"]["sha256"] = "another"
        (tmp_path / "definitions.json").write_text(json.dumps(said), "utf-8")
    else:
        said = json.loads((out / "manifest.json").read_text("utf-8"))
        said["specs"]["prime_rose/adverse_event.yaml"] = "another"
        (tmp_path / "manifest.json").write_text(json.dumps(said), "utf-8")
    problems = Problems()
    with tracing(case.project, tmp_path, problems):
        pass
    (warning,) = problems.warnings
    assert warning.code == "OM965"
    assert "'adverse_event" in warning.message


def test_a_file_that_has_changed_since_is_not_read(case: Case, tmp_path: Path) -> None:
    (tmp_path / "omop.duckdb").hardlink_to(case.database)  # its folder has no staged forms
    problems = Problems()
    with tracing(case.project, tmp_path, problems) as tracer:
        found = tracer.back("person", 1, show_values=True)
    assert [warning.code for warning in problems.warnings] == ["OM966"]
    assert found.rows[0].places[0].cells == ()


def test_the_tree_fits_a_narrow_terminal_and_is_plain_in_a_pipe(case: Case) -> None:
    for words in (("condition_occurrence", "1"), ("--source", "COH", "4")):
        result = trace(case.folder, *words)
        assert result.exit_code == 0, result.stderr
        assert max(map(len, result.stdout.splitlines())) <= 80
        assert "\x1b" not in result.stdout
    assert console() is not None


def test_json_says_the_same_as_the_tree(case: Case) -> None:
    result = trace(case.folder, "condition_occurrence", "1", "--json")
    read = json.loads(result.stdout)
    assert (read["table"], read["id"], read["map"]) == (
        "condition_occurrence",
        1,
        case.back("condition_occurrence", 1).map,
    )
    assert read["rows"][0]["places"][0].keys() == {"source", "file", "sheet", "row", "cells"}
    assert read["at"].keys() == {"file", "line", "column"}
    forward = json.loads(trace(case.folder, "--source", "SYNTHETIC_IMPRESS_AE.csv", "3", "--json").stdout)
    assert forward["place"]["source"] == "ae"
    assert case.forward("Impress_AE", 3).place.file == "SYNTHETIC_IMPRESS_AE.csv"
    assert {use["map"] for use in forward["uses"]} >= {"impress_adverse_event", "impress_adverse_event_relation"}


def test_a_result_of_an_earlier_version_is_refused(case: Case, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "omop.duckdb")) as old:
        old.execute("CREATE SCHEMA audit; CREATE TABLE audit.row_origins (table_name varchar, row_id integer)")
    result = trace(case.folder, "person", "1", "--out", tmp_path)
    assert result.exit_code == 1
    assert "'omopify run' makes it anew [OM967]" in result.stderr


def test_a_form_of_several_files_is_asked_for_by_file(tmp_path: Path) -> None:
    """A trial of one map straight to OMOP, its form in two files: the file says which row is meant."""
    bench = Workbench(tmp_path).write(
        {
            "trial": 'sources: {v: {file: "v_*.csv", several: true}}\n',
            "maps": {"person": "to: person\nfrom: v\nkey: ID\nset: {year_of_birth: YEAR, person_source_value: ID}\n"},
            "data": {"v_1.csv": "ID,YEAR\nA,1960\n", "v_2.csv": "ID,YEAR\nB,x\n,1970\n"},
        }
    )
    bench.run()
    assert bench.told == []
    result = trace(bench.folder, "--source", "v", "2")
    assert "say which: 'v_1.csv', 'v_2.csv' [OM968]" in result.stderr
    fates = {}
    for file, row in (("v_1.csv", 2), ("v_2.csv", 2), ("v_2.csv", 3)):
        read = json.loads(trace(bench.folder, "--source", file, str(row), "--json").stdout)
        fates[file, row] = [
            (use["map"], outcome["fate"], outcome["reason"]) for use in read["uses"] for outcome in use["outcomes"]
        ]
    assert fates == {
        ("v_1.csv", 2): [("person", "used", "")],
        ("v_2.csv", 2): [("person", "rejected", "year_of_birth: not a whole number")],
        ("v_2.csv", 3): [("person", "rejected", "key: missing")],
    }
