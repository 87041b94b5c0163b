"""The truth in the shared variables: what the trial works out is worked out once more, row by row."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from omopify.synthetic import draw_truth, dsp_truth
from omopify.synthetic.truth import Truth

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def truth() -> Truth:
    return draw_truth(400, 7)


@pytest.fixture(scope="module")
def dsp(truth: Truth) -> dict[str, pl.DataFrame]:
    return dsp_truth(truth)


def by_subject(frame: pl.DataFrame) -> dict[int, Rows]:
    found: dict[int, Rows] = defaultdict(list)
    for row in frame.iter_rows(named=True):
        found[row["subject"]].append(row)
    return found


def test_age_counts_birthdays(truth: Truth, dsp: dict[str, pl.DataFrame]) -> None:
    births = truth.subjects["birth_date"]
    months = set()
    for row in dsp["age"].iter_rows(named=True):
        birth, start = births[row["subject"]], row["at"]
        months.add(birth.month)
        expected = start.year - birth.year - ((start.month, start.day) < (birth.month, birth.day))
        assert row["age"] == expected
    assert months == set(range(1, 13))


def test_treatment_is_from_the_first_to_the_last_dose(truth: Truth, dsp: dict[str, pl.DataFrame]) -> None:
    cycles, ends = by_subject(truth.cycles), by_subject(truth.end_of_treatment)
    assert dsp["treatment"].height == sum(start is not None for start in truth.subjects["treatment_start"])
    for row in dsp["treatment"].iter_rows(named=True):
        given = [cycle for cycle in cycles[row["subject"]] if cycle["received"]]
        end = ends[row["subject"]][0]["last_dose"] if row["subject"] in ends else None
        assert row["start_date"] == min(cycle["start"] for cycle in given)
        assert row["last_cycle_start"] == max(cycle["start"] for cycle in given)
        assert row["number_of_cycles"] == len({cycle["cycle"] for cycle in given})
        assert row["end_date"] == end
        assert row["days_treated"] == (None if end is None else (end - row["start_date"]).days + 1)
        whole = all(cycle["delivered"] is not False and cycle["as_specified"] is not False for cycle in given)
        assert row["dose_delivered"] == ("full" if whole else "reduced")


def test_evaluability_by_exposure(truth: Truth, dsp: dict[str, pl.DataFrame]) -> None:
    answers = set()
    cycles = by_subject(truth.cycles)
    for row in dsp["evaluability"].iter_rows(named=True):
        enough, infusions = False, defaultdict(list)
        for cycle in cycles[row["subject"]]:
            if cycle["received"] and cycle["route"] == "IV":
                infusions[cycle["drug"]].append(cycle["start"])
            elif cycle["received"] and cycle["intake_end"] is not None:
                enough = enough or (cycle["intake_end"] - cycle["intake_start"]).days >= 28
        enough = enough or any((b - a).days >= 21 for days in infusions.values() for a, b in pairwise(days))
        assert row["evaluable"] == enough
        answers.add(enough)
    assert answers == {True, False}


def test_best_response_and_its_review(truth: Truth, dsp: dict[str, pl.DataFrame]) -> None:
    order = ["CR", "PR", "SD", "PD", "NE"]
    seen = by_subject(truth.assessments)
    assert dsp["best_overall_response"].height == len(seen)
    for row in dsp["best_overall_response"].iter_rows(named=True):
        responses = [
            a["recist"] or a["rano"] or {"CPD": "PD", "UPD": "NE"}.get(a["irecist"], a["irecist"])
            for a in seen[row["subject"]]
        ]
        assert row["response"] == min(responses, key=order.index)
    differ = (dsp["best_overall_response"]["response"] != dsp["best_overall_response"]["reviewed"]).mean()
    assert 0.01 < float(str(differ)) < 0.15


def test_disease_control_at_week_16(truth: Truth, dsp: dict[str, pl.DataFrame]) -> None:
    answers = {row["subject"]: row["disease_control"] for row in dsp["disease_control"].iter_rows(named=True)}
    for row in truth.assessments.filter(visit=3).iter_rows(named=True):
        response = row["recist"] or row["rano"] or row["irecist"]
        if response in ("CR", "PR", "SD"):
            assert answers[row["subject"]] is True
        elif response == "PD":
            assert answers[row["subject"]] is False
    assert set(answers.values()) == {True, False}


def test_death_is_taken_from_the_form_that_knows_most(truth: Truth, dsp: dict[str, pl.DataFrame]) -> None:
    died = truth.subjects["death_date"]
    known = {(row["recorded_in"], row["date_known"]) for row in dsp["death"].iter_rows(named=True)}
    assert {("end of study", "day"), ("follow-up", "day")} <= known
    for row in dsp["death"].iter_rows(named=True):
        assert row["date"] == died[row["subject"]]


def test_a_serious_event_of_the_dead_has_an_end(truth: Truth, dsp: dict[str, pl.DataFrame]) -> None:
    dead = set(dsp["death"]["subject"])
    at_death = dsp["adverse_event"].filter(end_basis="death")
    assert at_death.height > 0
    assert at_death["serious"].all()
    open_ended = dsp["adverse_event"].filter(pl.col("end_date").is_null() & pl.col("serious"))
    assert dead.isdisjoint(open_ended["subject"])


def test_keys_are_unique_also_for_trials_without_numbers(dsp: dict[str, pl.DataFrame]) -> None:
    month = pl.col("start_date").dt.truncate("1mo")
    events = dsp["adverse_event"].filter(pl.col("outcome") != "fatal")
    assert not events.select(pl.struct("subject", "term", "grade", month).is_duplicated()).to_series().any()
    told = pl.when(start_date_known="year").then(pl.col("start_date").dt.truncate("1y")).otherwise(month)
    medications = dsp["concomitant_medication"]
    assert not medications.select(pl.struct("subject", "name", told).is_duplicated()).to_series().any()


def test_each_shared_table_has_rows_and_real_dates(dsp: dict[str, pl.DataFrame]) -> None:
    for table, frame in dsp.items():
        assert frame.height > 0, table
        assert frame["subject"].null_count() == 0, table
        for column in frame.select(pl.selectors.date()).columns:
            days = frame[column].drop_nulls()
            assert days.is_empty() or date(1930, 1, 1) < days.min() <= days.max() <= date(2026, 1, 31), table  # type: ignore[operator]
