"""What a run would do differently is said before it, and nothing is said when nothing would."""

from __future__ import annotations

import json
import shutil

from tests.comparing.project import Trial


def planned(trial: Trial) -> dict[str, object]:
    result = trial.omopify("plan", "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_nothing_would_change(trial: Trial) -> None:
    assert trial.omopify("plan").stdout.startswith("Nothing would change: all is as it was for the result of 20")
    trial.change("maps/event.yaml", "map: small_event", "# a remark\nmap: small_event")
    trial.change("maps/values/outcome.csv", "recovered,recovered,", "recovered,recovered,as it was agreed")
    assert planned(trial)["nothing"] is True


def test_without_a_result_everything_is_new(trial: Trial) -> None:
    shutil.rmtree(trial.folder / "out")
    assert trial.omopify("plan").stdout == "There is no result yet: 4 maps and 2 forms, all new.\n"
    found = planned(trial)
    assert found["since"] is None
    assert {one["map"]: one["kind"] for one in found["maps"]} == dict.fromkeys(
        ("event", "person", "small_event", "small_subject"), "new"
    )


def test_changes_are_said_in_words_with_what_they_reach(trial: Trial) -> None:
    trial.change("maps/event.yaml", "TERM is not null", "TERM is not null and NR < 5")
    trial.change("maps/values/outcome.csv", "still there,ongoing,", "still there,not recovered,\nimproved,recovering,")
    trial.change(
        "shared/dsp/event.yaml", "outcome: {}", "outcome: {values: [recovered, ongoing, recovering, not recovered]}"
    )
    trial.events.pop()
    trial.export()
    (trial.folder / "data" / "qol.csv").write_text("SUBJ,Q1\nS1,2\n", encoding="utf-8")
    found = planned(trial)
    assert [(one["form"], one["kind"]) for one in found["forms"]] == [("ae", "changed"), ("qol", "new")]
    (change,) = found["maps"]
    words = {word["place"]: (word["before"], word["now"]) for word in change["words"]}
    assert words["value list values/outcome.csv"][1] == (
        "1 value added (improved -> recovering); 1 value changed (still there -> not recovered, before ongoing)"
    )
    assert set(words) >= {"filter has_term", "value list values/outcome.csv"}
    assert "less than 5" in words["filter has_term"][1] or "NR < 5" in words["filter has_term"][1]
    assert any("table dsp.event outcome" in place for place in words)
    assert change["sql_changed"] is True
    assert found["affected"] == {
        "direct": ["dsp.event"],
        "through": ["cdm.condition_era", "cdm.condition_occurrence"],
        "linked": [],
    }
    screen = trial.omopify("plan", "--sql").stdout
    assert "Tables that may change" in screen
    assert "+++ small_event now" in screen


def test_maps_that_come_and_go(trial: Trial) -> None:
    (trial.folder / "shared" / "event.yaml").rename(trial.folder / "shared" / "event.yaml.off")
    other = (trial.folder / "maps" / "event.yaml").read_text(encoding="utf-8").replace("small_event", "another")
    (trial.folder / "maps" / "another.yaml").write_text(other, encoding="utf-8")
    kinds = {one["map"]: one["kind"] for one in planned(trial)["maps"]}
    assert kinds == {"another": "new", "event": "gone"}


def test_a_run_that_would_not_start_is_no_plan(trial: Trial) -> None:
    trial.change("maps/event.yaml", "term: TERM", "term: TRM")
    told = trial.omopify("plan")
    assert told.exit_code == 1
    assert "did you mean 'TERM'?" in told.stderr
