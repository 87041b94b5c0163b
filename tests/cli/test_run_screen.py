"""What the screen of a run says: the trial's own maps first, what was rejected and why, and where to see more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.comparing.project import Trial


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Two of eight subjects have no year of birth, so their six events have no person; one more has no date."""
    trial = Trial(tmp_path_factory.mktemp("screen") / "small")
    trial.events[0] = (*trial.events[0][:3], "unknown", "recovered")  # of S1, who has a year of birth
    trial.export()
    form = trial.folder / "data" / "dm.csv"
    rows = form.read_text(encoding="utf-8").splitlines()
    without = ("S2,", "S5,")
    rows = [row.replace("1950", "") if row.startswith(without) else row for row in rows]
    form.write_text("\n".join(rows) + "\n", encoding="utf-8")
    trial.change(
        "shared/event.yaml", "start: start_date", "start: start_date\nvisit: [trial, subject_id, event_number]"
    )
    (trial.folder / "shared/visit.yaml").write_text(
        "map: visit\nto: visit_occurrence\nfrom: dsp.event\nkey: [trial, subject_id, event_number]\n"
        "person: [trial, subject_id]\nconcept: 9202 Outpatient Visit\nstart: start_date\nend: start_date\n"
        "type: 32809 Case Report Form\nwhere: {never: term = 'no such term'}\n",
        encoding="utf-8",
    )
    return trial


def lines(text: str, word: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.lstrip().startswith(word)]


def test_what_was_rejected_is_said_with_its_cause(trial: Trial) -> None:
    ran = trial.omopify("run", "--no-quality", "--untested")
    assert ran.exit_code == 0, ran.stderr
    # the trial's own maps by name, the shared ones in one line, and no zeros
    assert lines(ran.stdout, "small_event ")[0] == ["small_event", "24", "23", "1", "23"]
    assert lines(ran.stdout, "small_subject ")[0] == ["small_subject", "8", "6", "2", "6"]
    # person reads 6 subjects; event and visit read 23 events each, of which 6 have no person
    assert lines(ran.stdout, "3 maps of shared")[0][4:6] == ["52", "23"]
    assert "person  " not in ran.stdout.split("Rejected")[0]
    assert "Rejected: 9 rows" in ran.stdout
    assert lines(ran.stdout, "small_subject  ")[1] == ["small_subject", "birth_year", "missing", "2"]
    assert lines(ran.stdout, "1 map ")[0] == [*"1 map person 2 subjects have no row in person 6".split()]
    assert "after 'omopify quality', 'omopify quality rows trial.rows_rejected' lists them" in ran.stdout
    # nothing is said of each map that points to visits where there are none
    told = [line for line in ran.stderr.splitlines() if "[OM506]" in line]
    assert [line.split("; ")[0] for line in told] == [
        "warning: no row of visit_occurrence was written, so the rows of a map have no 'visit': event"
    ]
    with_all = trial.omopify("run", "--no-quality", "--untested", "--all")
    assert lines(with_all.stdout, "event ")[0][:3] == ["event", "23", "17"]
    as_data = json.loads(trial.omopify("run", "--no-quality", "--untested", "--json").stdout)
    assert as_data["run"]["subjects_without_person"] == 2


def test_the_parts_of_a_shipped_model_are_one_line_of_the_review(tmp_path: Path) -> None:
    (tmp_path / "omopify.yaml").write_text("mappings: impress\ndata: data\n", encoding="utf-8")
    trial = object.__new__(Trial)
    trial.folder = tmp_path
    said = trial.omopify("review").stdout
    shared = list(Path(__file__).parents[2].joinpath("mappings/prime_rose").glob("*.yaml"))
    listed = json.loads(trial.omopify("review", "--json").stdout)
    brought = [part for part in listed if part["pack"] == "prime_rose"]
    maps = [part for part in brought if part["part"].startswith("map:")]
    assert {part["part"][4:] for part in maps} >= {path.stem for path in shared} - {"model"}
    assert f"{len(brought)} parts of 'prime_rose', which came with omopify, are open, too: --all" in said
    names = [line.split()[0] for line in said.splitlines() if line.startswith(("map:", "trial", "concepts:"))]
    assert len(names) == len(listed) - len(brought)
    assert names[:2] == ["trial", "map:impress_adverse_event"]
    whole = trial.omopify("review", "--all").stdout
    assert len([line for line in whole.splitlines() if line.startswith(("map:", "trial", "concepts:"))]) == len(listed)
