"""What a trial works out for itself and shares as a result: age, treatment as a whole, response, evaluability.

The definitions are as simple as they can be, and stand here in words.  They are those of a made-up trial
office; the rules of the maps are written elsewhere, by others, and may differ where a definition is open.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from omopify.synthetic._draw import Draw
from omopify.synthetic.truth import Truth

WEEK_16 = 3
"""The number of the visit in week 16."""

_BEST_FIRST = ["CR", "PR", "SD", "PD", "NE"]


def outcomes(truth: Truth) -> dict[str, pl.DataFrame]:
    """Return the shared tables that hold results; all but the summary of events have treated subjects only."""
    return {
        "age": _age(truth),
        "treatment": _treatment(truth),
        "best_overall_response": _best_overall_response(truth),
        "disease_control": _disease_control(truth),
        "evaluability": _evaluability(truth),
        "adverse_event_summary": _adverse_event_summary(truth),
    }


def _treated(truth: Truth) -> pl.DataFrame:
    subjects = truth.subjects.with_row_index("subject").with_columns(pl.col("subject").cast(pl.Int64))
    return subjects.filter(pl.col("treatment_start").is_not_null())


def _age(truth: Truth) -> pl.DataFrame:
    """Count the birthdays up to the first day of treatment."""
    birth, start = pl.col("birth_date"), pl.col("treatment_start")
    before_birthday = start.dt.to_string("%m-%d") < birth.dt.to_string("%m-%d")
    age = start.dt.year() - birth.dt.year() - before_birthday.cast(pl.Int32)
    return _treated(truth).select("subject", age=age, at="treatment_start")


def _treatment(truth: Truth) -> pl.DataFrame:
    """From the first day to the last dose of those whose end is recorded.

    A cycle counts if some drug was received in it.  The dose is ``full`` if every infusion was delivered whole
    and all tablets were taken as specified, else ``reduced``.
    """
    given = truth.cycles.filter("received")
    reduced = ~pl.coalesce("delivered", "as_specified")
    oral = pl.col("route") == "oral"
    cycles = given.group_by("subject").agg(
        number_of_cycles=pl.col("cycle").n_unique(),
        last_cycle_start=pl.col("start").max(),
        type=pl.when(oral.all()).then(pl.lit("oral")).when(oral.any()).then(pl.lit("oral and iv")).otherwise(
            pl.lit("iv")
        ),
        dose_delivered=pl.when(reduced.any()).then(pl.lit("reduced")).otherwise(pl.lit("full")),
    )  # fmt: skip
    ends = truth.end_of_treatment.select("subject", end_date="last_dose")
    frame = _treated(truth).select("subject", start_date="treatment_start", stop="treatment_stop")
    frame = frame.join(cycles, on="subject", how="left", maintain_order="left")
    frame = frame.join(ends, on="subject", how="left", maintain_order="left")
    days = (pl.col("end_date") - pl.col("start_date")).dt.total_days() + 1
    return frame.with_columns(
        days_treated=days, decided=pl.when(pl.col("end_date").is_not_null()).then("stop")
    ).drop("stop")  # fmt: skip


def _time_points(truth: Truth) -> pl.DataFrame:
    """Return a response a visit on the scale of RECIST; an unconfirmed progression of iRECIST is none."""
    immune = pl.col("irecist").replace({"CPD": "PD", "UPD": "NE"})
    return truth.assessments.with_columns(response=pl.coalesce("recist", "rano", immune))


def _best_overall_response(truth: Truth) -> pl.DataFrame:
    """Take the best response of any visit, unconfirmed: CR before PR, SD, PD and NE.

    The radiologist who looks at the images again comes to another response for one in twenty.
    """
    rank = pl.col("response").replace_strict({word: i for i, word in enumerate(_BEST_FIRST)})
    best = (
        _time_points(truth)
        .with_columns(rank=rank)
        .sort("subject", "rank", "visit", maintain_order=True)
        .unique("subject", keep="first", maintain_order=True)
    )
    n = best.height
    draw = Draw(truth.seed, "radiological review")
    at = best["rank"].to_numpy().astype(np.int64)
    other = np.where(at == 0, 1, np.minimum(at - 1 + 2 * draw.whole(n, 0, 1), 3))
    reviewed = np.where(draw.chance(n, 0.05), other, at)
    return best.select(
        "subject",
        criterion=pl.col("criteria").str.to_lowercase(),
        response="response",
        date="image_date",
        confirmed=pl.lit(False),
        reviewed=pl.Series(reviewed).replace_strict(dict(enumerate(_BEST_FIRST)), return_dtype=pl.String),
    )


def _disease_control(truth: Truth) -> pl.DataFrame:
    """Yes for CR, PR or SD at the visit of week 16; no for PD there, or after progression or death before it."""
    at_16 = _time_points(truth).filter(visit=WEEK_16).select("subject", "response")
    week_16 = pl.col("treatment_start").dt.offset_by("16w")
    over = pl.min_horizontal("progression_date", "death_date") < week_16
    control = (
        pl.when(pl.col("response").is_in(["CR", "PR", "SD"])).then(True)
        .when((pl.col("response") == "PD") | over.fill_null(False)).then(False)
    )  # fmt: skip
    frame = _treated(truth).join(at_16, on="subject", how="left", maintain_order="left")
    frame = frame.select("subject", week=pl.lit(16), disease_control=control, at_week="response", under="criteria")
    return frame.drop_nulls("disease_control")


def _evaluability(truth: Truth) -> pl.DataFrame:
    """Yes after 28 days of tablets in one cycle, or after two infusions of a drug that lie 21 days apart."""
    given = truth.cycles.filter("received")
    long_enough = (pl.col("intake_end") - pl.col("intake_start")).dt.total_days() >= 28
    infused = pl.col("route") == "IV"
    gap = pl.col("start") - pl.col("start").shift(1).over("subject", "drug_number", order_by="cycle")
    seen = given.select("subject", enough=long_enough | (infused & (gap.dt.total_days() >= 21)))
    enough = seen.group_by("subject").agg(evaluable=pl.col("enough").fill_null(False).any())
    return _treated(truth).select("subject").join(enough, on="subject", how="left", maintain_order="left")


def _adverse_event_summary(truth: Truth) -> pl.DataFrame:
    counts = truth.adverse_events.group_by("subject").agg(
        number_of_events=pl.len().cast(pl.Int64),
        number_of_serious_events=pl.col("serious").sum().cast(pl.Int64),
        worst_grade=pl.col("grade").max(),
    )
    everyone = pl.DataFrame({"subject": pl.int_range(truth.subjects.height, eager=True)})
    frame = everyone.join(counts, on="subject", how="left", maintain_order="left")
    filled = pl.col("number_of_events", "number_of_serious_events").fill_null(0)
    return frame.with_columns(filled).with_columns(any_event=pl.col("number_of_events") > 0)
