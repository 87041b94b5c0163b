"""Changes are planted in an export, a map or a concept file, and a comparison must report exactly them."""

from __future__ import annotations

import json
import random
from collections import Counter

import duckdb
import pytest

from omopify.comparing.diff import Difference
from omopify.errors import OmopifyError, Problems
from tests.comparing.project import TERMS, Event, Trial

SEEDS = (3, 20261121)


def counted(found: Difference) -> dict[str, tuple[int, int, int, dict[str, int]]]:
    return {one.table: (one.added, one.removed, one.changed, one.columns) for one in found.differing}


def causes(found: Difference) -> dict[str, set[str]]:
    return {one.map: {cause.text for cause in one.causes} for one in found.why}


def edited(events: list[Event], draw: random.Random) -> list[Event]:
    """Leave some events out, change the term or the day of some, add some, and put all into another order."""
    rows = list(events)
    draw.shuffle(rows)
    kept = rows[draw.randint(1, 4) :]
    now = []
    for subject, number, term, start, outcome in kept:
        if draw.random() < 0.2:
            term = draw.choice([other for other in TERMS if other != term])
        if draw.random() < 0.2:
            start = start.replace("2024", "2025")
        now.append((subject, number, term, start, outcome))
    now += [
        (f"S{draw.randint(1, 8)}", 10 + n, draw.choice(list(TERMS)), "2024-06-01", "")
        for n in range(draw.randint(0, 5))
    ]
    return now


@pytest.mark.parametrize("seed", SEEDS)
def test_random_edits_are_reported_exactly(trial: Trial, seed: int) -> None:
    before = {event[:2]: event for event in trial.events}
    trial.events = edited(trial.events, random.Random(seed))
    now = {event[:2]: event for event in trial.events}
    trial.export()
    trial.run()
    added, removed = len(now.keys() - before.keys()), len(before.keys() - now.keys())
    both = [(before[key], now[key]) for key in before.keys() & now.keys()]
    terms = sum(a[2] != b[2] for a, b in both)
    starts = sum(a[3] != b[3] for a, b in both)
    changed = sum(a != b for a, b in both)
    assert 0 not in (terms, starts, removed)
    found = counted(trial.diff())
    assert found["dsp.event"] == (added, removed, changed, {"term": terms, "start_date": starts})
    assert found["condition_occurrence"] == (
        added,
        removed,
        changed,
        {
            "condition_concept_id": terms,
            "condition_source_value": terms,
            "condition_start_date": starts,
        },
    )
    assert set(found) == {"dsp.event", "condition_occurrence", "condition_era"}
    eras = [Counter(trial.rows("SELECT * EXCLUDE condition_era_id FROM cdm.condition_era", f)) for f in FOLDERS]
    assert found["condition_era"] == ((eras[0] - eras[1]).total(), (eras[1] - eras[0]).total(), 0, {})


FOLDERS = ("out", "out/earlier/last")


def test_rows_that_only_move_are_no_change(trial: Trial) -> None:
    trial.events.reverse()
    trial.export()
    trial.run()
    found = trial.diff()
    assert found.is_same
    assert [form.form for form in found.changes.forms] == ["ae"]


def test_the_first_lines_answer_what_is_asked_of_a_delivery(trial: Trial) -> None:
    trial.subjects = [*trial.subjects[1:], "S9", "S10", "S11"]
    trial.events = [event for event in trial.events if event[0] != "S1"]
    trial.events += [("S9", 1, "Cough", "2025-01-01", "recovered")]
    trial.export()
    trial.change("maps/event.yaml", "start_date: {value: START", "start_date: {value: lower(START)")
    trial.run()
    day = json.loads((trial.folder / "out/earlier/last/manifest.json").read_bytes())["run"]["started"][:10]
    said = " ".join(trial.omopify("diff").stdout.split())  # a line may be broken
    assert said.startswith(
        f"Since the result of {day}: 3 people more (10 now), 1 person vanished. "
        "New rows: 3 in person, 1 in condition_era and 1 in condition_occurrence. "
        "Rows that are gone: 3 in condition_era, 3 in condition_occurrence and 1 in person. "
        "Because the map small_event changed and the forms ae and dm changed. "
    )


def test_why_names_what_each_map_takes_something_from(trial: Trial) -> None:
    trial.events[0] = ("S1", 1, "Cough", "2024-05", "still there")
    trial.export()
    trial.run()
    assert causes(trial.diff()) == {
        "small_event": {"the form ae changed"},
        "event": {"rows of dsp.event differ"},
        "eras.condition": {"rows of condition_occurrence differ"},
    }
    trial.change("maps/event.yaml", "partial: latest", "partial: earliest")
    trial.run()
    found = trial.diff()
    assert counted(found)["dsp.event"] == (0, 0, 1, {"start_date": 1})
    assert causes(found)["small_event"] == {"the map changed"}
    (change,) = found.changes.maps
    assert [word.text for word in change.words] == [
        "field start_date: A partial date is filled with the earliest day that it can be, and counted; before: "
        "A partial date is filled with the last day that it can be, and counted"
    ]


def test_another_way_to_read_a_form_is_a_cause(trial: Trial) -> None:
    trial.events[0] = ("S1", 1, "Cough", "05.03.2024", "recovered")
    trial.export()
    trial.run()
    trial.change("maps/trial.yaml", "  ae: {}", '  ae: {dates: ["%Y-%m-%d", "%d.%m.%Y"]}')
    trial.run()
    assert causes(trial.diff())["small_event"] == {"how ae is read changed (dates)"}
    assert "Because how ae is read changed (dates)." in " ".join(trial.omopify("diff").stdout.split())


def test_a_term_that_is_mapped_elsewhere_is_a_cause(trial: Trial) -> None:
    coughs = sum(event[2] == "Cough" for event in trial.events)
    trial.change("shared/concepts/terms.csv", "Cough,254761", "Cough,4272488")
    planned = trial.omopify("plan").stdout
    assert "shared/concepts/terms.csv: 1 mapped to something else" in planned
    assert "mapped to something else: Cough" in planned
    trial.run()
    found = trial.diff()
    assert counted(found)["condition_occurrence"] == (0, 0, coughs, {"condition_concept_id": coughs})
    assert causes(found)["event"] == {"the concept file shared/concepts/terms.csv changed"}
    assert "dsp.event" not in counted(found)


def test_another_vocabulary_is_a_cause_where_something_leads_elsewhere(trial: Trial) -> None:
    trial.change("omopify.yaml", "[starter, demo_restricted]", "[starter]")
    trial.run()
    found = trial.diff()
    assert len(found.changes.vocabulary) == 1
    assert counted(found)["condition_occurrence"] == (0, 0, 24, {"condition_concept_id": 24})
    assert causes(found) == {
        "event": {"the vocabulary changed: 5 values lead to other concepts"},
        "eras.condition": {"rows of condition_occurrence differ", "the vocabulary changed"},
    }


def test_rows_that_differ_for_no_reason_are_a_fault_of_ours(trial: Trial) -> None:
    trial.events[0] = ("S1", 1, "Anemia", "2024-05-01", "")
    trial.export()
    trial.run()
    with duckdb.connect(trial.folder / "out" / "omop.duckdb") as connection:
        connection.execute("UPDATE cdm.person SET year_of_birth = 1951 WHERE person_id = 1")
    problems = Problems()
    found = trial.diff(problems=problems)
    assert counted(found)["person"] == (0, 0, 1, {"year_of_birth": 1})
    assert [problem.code for problem in problems.errors] == ["OM954"]
    assert "'person'" in problems.errors[0].message
    assert trial.omopify("diff").exit_code == 1


def test_rows_are_shown_only_when_they_are_asked_for(trial: Trial) -> None:
    trial.events = trial.events[1:]
    trial.events[0] = ("S1", 2, "Alopecia", "1999-09-09", "")
    trial.export()
    trial.run()
    quiet = trial.omopify("diff").stdout + trial.omopify("diff", "--json").stdout
    quiet += trial.omopify("diff", "--table", "dsp.event").stdout + trial.omopify("plan").stdout
    assert "1999" not in quiet
    assert "S1" not in quiet
    shown = json.loads(trial.omopify("diff", "--show-rows", "dsp.event", "--json").stdout)["rows"]
    assert [(row["kind"], row["map"], row["key"]) for row in shown] == [
        ("gone", "small_event", "small, S1, 1"),
        ("changed", "small_event", "small, S1, 2"),
    ]
    assert "start_date: 2024-02-01 -> 1999-09-09" in shown[1]["said"]
    assert "1999-09-09" in trial.omopify("diff", "--show-rows", "condition_era").stdout


def test_a_table_that_is_not_there_is_said_with_the_nearest(trial: Trial) -> None:
    trial.events.pop()
    trial.export()
    trial.run()
    told = trial.omopify("diff", "--table", "condition_ocurrence")
    assert told.exit_code == 1
    assert "did you mean 'condition_occurrence'? [OM959]" in told.stderr
    by_map = trial.omopify("diff", "--table", "CDM.CONDITION_OCCURRENCE").stdout
    assert by_map.startswith("condition_occurrence: 24 rows before, 23 now")


def test_what_cannot_be_compared_is_said(trial: Trial) -> None:
    first = trial.omopify("diff")
    assert first.exit_code == 0
    assert "no earlier result" in first.stdout
    missing = {"signed": "no signed delivery", "last": "no earlier result was kept", "no/where": "there is no result"}
    for which, word in missing.items():
        told = trial.omopify("diff", "--with", which)
        assert told.exit_code == 1
        assert word in told.stderr
        assert "[OM953]" in told.stderr
    ready = trial.folder / "out" / ".ready"
    ready.mkdir()
    assert "[OM955]" in trial.omopify("diff").stderr
    ready.rmdir()
    (trial.folder / "out" / "definitions.json").unlink()
    with pytest.raises(OmopifyError, match="OM956"):
        trial.diff()
    assert "[OM956]" in trial.omopify("plan").stderr


def test_a_result_of_another_folder_can_be_compared_with(trial: Trial) -> None:
    trial.run(out=trial.folder / "other")
    trial.events.pop()
    trial.export()
    trial.run()
    assert counted(trial.diff(str(trial.folder / "other")))["dsp.event"] == (0, 1, 0, {})
