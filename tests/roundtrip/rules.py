"""What rules make of the shared tables, worked out once more, apart from the maps and their SQL.

The definitions are those of ``docs/derived-values.md``.
"""

from __future__ import annotations

import polars as pl

from .compare import Tables

Frame = pl.DataFrame

TESTED = "rules of docs/derived-values.md that are tested beside their maps"

SCALES = {
    "QL2": [29, 30],
    "PF2": [1, 2, 3, 4, 5],
    "RF2": [6, 7],
    "EF": [21, 22, 23, 24],
    "CF": [20, 25],
    "SF": [26, 27],
    "FA": [10, 12, 18],
    "NV": [14, 15],
    "PA": [9, 19],
    "DY": [8],
    "SL": [11],
    "AP": [13],
    "CO": [16],
    "DI": [17],
    "FI": [28],
}
FUNCTIONAL = ("PF2", "RF2", "EF", "CF", "SF")
BEST_FIRST = {
    "CR": 1, "iCR": 1, "PR": 2, "iPR": 2, "SD": 3, "iSD": 3, "PD": 4, "iCPD": 4, "iUPD": 5, "NE": 6, "iNE": 6,
}  # fmt: skip


def derived(rule: str):
    """Mark the rows of a rule."""
    return lambda frame, _truth: frame.with_columns(basis=pl.lit("derived"), rule=pl.lit(rule))


def best_overall_response(tables: Tables) -> Frame:
    """The best response under each set of criteria until the first progression under it (rule bor-unconfirmed)."""
    frame = tables["tumour_assessment"].select("subject_id", "criterion", "date", "response")
    progression = pl.col("date").filter(pl.col("response").is_in(["PD", "iCPD"])).min()
    until = progression.over("subject_id", "criterion")
    counted = frame.filter((pl.col("date") <= until).fill_null(True))
    rank = pl.col("response").replace_strict(BEST_FIRST)
    best = counted.sort(rank, "date").unique(["subject_id", "criterion"], keep="first")
    return best.with_columns(confirmed=pl.lit(False), basis=pl.lit("derived"), rule=pl.lit("bor-unconfirmed"))


def worst_grade(tables: Tables) -> Frame:
    """The worst grade of each term, and the first day of the first event that had it (rule worst-grade)."""
    relations = tables["adverse_event_relation"].filter(relation="related").select("subject_id", "adverse_event_id")
    related = relations.unique().with_columns(related=pl.lit(True))
    events = tables["adverse_event"].join(related, on=["subject_id", "adverse_event_id"], how="left")
    grade = pl.col("grade")
    worst = events.group_by("subject_id", "term", "ctcae_version").agg(
        worst_grade=grade.max(),
        related_worst_grade=grade.filter(pl.col("related")).max(),
        date=pl.col("start_date").filter(grade == grade.max()).min(),
        number_of_events=pl.len(),
        serious=pl.col("serious").any(),
    )
    return worst.with_columns(basis=pl.lit("derived"), rule=pl.lit("worst-grade"))


def questionnaire_score(tables: Tables) -> Frame:
    """The scales of QLQ-C30 (mean of the answered items, stretched to 0-100), and the profile of EQ-5D-5L."""
    answers = tables["questionnaire_answer"].select("subject_id", "instrument", "occasion", "date", "item", "answer")
    cancer = answers.filter(instrument="QLQ-C30").with_columns(pl.col("item").cast(pl.Int64))
    by = ["subject_id", "instrument", "occasion"]
    occasions = cancer.group_by(by).agg(pl.col("date").min())
    scores = []
    for scale, items in SCALES.items():
        given = pl.col("answer").filter(pl.col("item").is_in(items))
        raw, span = given.mean(), 6 if scale == "QL2" else 3
        stretched = (raw - 1) / span * 100
        score = 100 - stretched if scale in FUNCTIONAL else stretched
        enough = given.count() * 2 >= len(items)
        scores.append(
            cancer.group_by(by).agg(items_answered=given.count(), score=pl.when(enough).then(score)).with_columns(
                scale=pl.lit(scale), items=pl.lit(len(items)), rule=pl.lit("qlq-c30-v3")
            )
        )  # fmt: skip
    health = answers.filter(pl.col("instrument") == "EQ-5D-5L", pl.col("item") != "VAS")
    level = [pl.col("answer").filter(item=str(i)).first().cast(pl.String).fill_null("9") for i in range(1, 6)]
    profiles = health.group_by(by).agg(
        pl.col("date").min(), profile=pl.concat_str(level), items_answered=pl.len(), scale=pl.lit("profile").first(),
        items=pl.lit(5).first(), rule=pl.lit("eq-5d-5l-profile").first(),
    )  # fmt: skip
    both = [pl.concat(scores).join(occasions, on=by), profiles]
    return pl.concat(both, how="diagonal_relaxed").with_columns(basis=pl.lit("derived"))
