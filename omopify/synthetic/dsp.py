"""The truth in the shared variables of the trials: rows of the tables of ``mappings/prime_rose/dsp``.

This is what a perfect conversion of a perfect export would give.  It is made from the drawn truth and the
definitions of the shared model alone; no map is looked at, so that it can tell whether the maps are right.

Values are neutral: drugs by their INN, words of the shared value sets, and our own words where the model asks
for what was recorded (a trial spells these in its own way).  ``subject`` (the row in ``truth.subjects``) stands
for the subject's identifier.  Dates are the true ones; ``<field>_known`` beside a date says how much of it the
site knows (``day``, ``month`` or ``year``), and what becomes of that is the model's rule for partial dates.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from omopify.synthetic import _dsp_events as events
from omopify.synthetic import _outcomes
from omopify.synthetic._catalogue import DRUGS, PROGRAMMES, TUMOURS
from omopify.synthetic.truth import Truth

ECOG_ELIGIBLE = 2
"""The worst grade that both trials include."""

_REASONS = {"investigator": "withdrawn by investigator"}
_IMMUNE = {"CR": "iCR", "PR": "iPR", "SD": "iSD", "UPD": "iUPD", "CPD": "iCPD", "NE": "iNE"}


def dsp_truth(truth: Truth) -> dict[str, pl.DataFrame]:
    """Return the shared tables by name, without those that only rules make (scores, worst grades)."""
    return {table: make(truth) for table, make in _TABLES.items()} | _outcomes.outcomes(truth)


def _event_id(visit: str = "visit") -> pl.Expr:
    return pl.format("V{}", pl.col(visit).cast(pl.String).str.zfill(2))


def _of_subject(truth: Truth, column: str) -> pl.Expr:
    """Return a column of ``truth.subjects`` for the rows of another frame."""
    return pl.col("subject").replace_strict(
        dict(enumerate(truth.subjects[column])), return_dtype=truth.subjects.schema[column]
    )


def _subject(truth: Truth) -> pl.DataFrame:
    full = pl.col("birth_known") == "day"
    return truth.subjects.with_row_index("subject").select(
        pl.col("subject").cast(pl.Int64),
        "person",
        "enrolment",
        "site",
        "sex",
        birth_year=pl.col("birth_date").dt.year(),
        birth_year_basis=pl.lit("date of birth"),
        birth_date=pl.when(full).then("birth_date"),
    )


def _milestone(truth: Truth) -> pl.DataFrame:
    subjects = _subject(truth).select("subject").with_columns(truth.subjects["consent_date", "lost_date"])
    steps = [
        subjects.select("subject", milestone=pl.lit("consented"), date="consent_date"),
        _allocated(truth).select("subject", milestone=pl.lit("entered"), date="date"),
        subjects.select("subject", milestone=pl.lit("lost to follow-up"), date="lost_date"),
    ]
    return pl.concat(steps).drop_nulls("date")


def _allocated(truth: Truth) -> pl.DataFrame:
    drugs = pl.concat_str("drug_1", "drug_2", separator="+", ignore_nulls=True)
    return truth.allocations.filter("allocated").with_columns(
        cohort_name=pl.concat_str("target", "tumour_cohort", drugs, separator="/")
    )


def _cohort_allocation(truth: Truth) -> pl.DataFrame:
    return _allocated(truth).select(
        "subject",
        "cohort_name",
        allocation_date="date",
        target_name="gene",
        target_mutation="mutation",
        cohort_tumour_type="tumour_text",
    )


def _tumour_type(truth: Truth) -> pl.DataFrame:
    codes = {tumour.main: tumour.code for tumour in TUMOURS}
    return _allocated(truth).select(
        "subject",
        "date",
        date_basis=pl.lit("allocation"),
        icd10_code="icd10",
        icd10_text="icd10_text",
        main_tumour_type="tumour",
        main_tumour_type_code=pl.col("tumour").replace_strict(codes),
        cohort_tumour_type="tumour_text",
        other_tumour_type="tumour_other",
    )


def _biomarker(truth: Truth) -> pl.DataFrame:
    listed = pl.col("alteration") != "Other"
    return _allocated(truth).select(
        "subject",
        "date",
        gene_mutation="alteration",
        gene_mutation_code=pl.col("alteration").replace_strict({p.alteration: p.code for p in PROGRAMMES}),
        target_name="gene",
        target_mutation="mutation",
        category=pl.col("target").replace_strict({p.target: p.category for p in PROGRAMMES}),
        other=pl.when(~listed).then(pl.format("{} {}", "gene", "mutation")),
    )


def _study_drug(truth: Truth) -> pl.DataFrame:
    codes = {drug.inn: number for number, drug in enumerate(DRUGS, 1)}
    slots = [
        _allocated(truth).select("subject", "cohort_name", drug_number=pl.lit(slot), drug=f"drug_{slot}")
        for slot in (1, 2)
    ]
    return pl.concat(slots).drop_nulls("drug").with_columns(drug_code=pl.col("drug").replace_strict(codes))


def _treatment_cycle(truth: Truth) -> pl.DataFrame:
    oral, received = pl.col("route") == "oral", pl.col("received")
    infused, counted = received & ~oral, pl.col("odd_unit")
    following = pl.col("start").shift(-1).over("subject", "drug_number", order_by="cycle")
    end = pl.when(oral).then("intake_end").when(infused).then(following.dt.offset_by("-1d"))
    return truth.cycles.select(
        "subject",
        "drug",
        "drug_number",
        cycle_number="cycle",
        type=pl.col("route").str.to_lowercase(),
        received="received",
        start_date="start",
        end_date=end,
        end_basis=pl.when(end.is_not_null()).then(
            pl.when(oral).then(pl.lit("recorded")).otherwise(pl.lit("derived"))
        ),
        intake_start_date="intake_start",
        # Now and then a site counts tablets.
        dose=pl.when(counted).then(2.0).otherwise("dose"),
        dose_unit=pl.when(received).then(pl.when(counted).then(pl.lit("other")).otherwise(pl.lit("mg"))),
        dose_basis=pl.when(received).then(pl.when(oral).then(pl.lit("per day")).otherwise(pl.lit("per cycle"))),
        other_dose_unit=pl.when(counted).then(pl.lit("tablets")),
        dose_delivered="dose_delivered",
        total_dose_delivered="delivered",
        given_as_specified="as_specified",
        reason_not_as_specified="why_not_specified",
        days_not_taken="days_missed",
        reason_not_taken="why_missed",
        previous_cycle_as_prescribed="previous_taken",
        dose_per_kg="dose_per_kg",
    )  # fmt: skip


def _ecog(truth: Truth) -> pl.DataFrame:
    baseline = pl.col("visit") == 0
    return truth.ecog.select(
        "subject",
        "visit_date",
        event_id=_event_id(),
        date="date",
        date_basis=pl.lit("assessment"),
        baseline=baseline,
        grade="grade",
        description="grade",
        eligible=pl.when(baseline).then(pl.col("grade") <= ECOG_ELIGIBLE),
    )


def _sum_unit() -> pl.Expr:
    return pl.when(pl.col("criterion") == "rano").then(pl.lit("mm2")).otherwise(pl.lit("mm"))


def _baseline_tumour_assessment(truth: Truth) -> pl.DataFrame:
    lesions = truth.baseline_lesions.select("subject", "count", "recorded")
    return (
        truth.baseline_sums.join(lesions, on="subject", how="left", maintain_order="left")
        .with_columns(criterion=pl.col("criteria").str.to_lowercase())
        .select(
            "subject",
            "criterion",
            event_id=pl.lit("V00"),
            date="date",
            target_sum="sum",
            sum_unit=_sum_unit(),
            non_target_lesions="count",
            non_target_recorded="recorded",
        )
    )


def _tumour_assessment(truth: Truth) -> pl.DataFrame:
    immune = pl.col("irecist").replace_strict(_IMMUNE, default=None)
    found = []
    for criterion, response in (("recist", pl.col("recist")), ("irecist", immune), ("rano", pl.col("rano"))):
        first = pl.col("progression_date")
        frame = truth.assessments.with_columns(criterion=pl.lit(criterion), response=response)
        found.append(
            frame.drop_nulls("response").select(
                "subject",
                "criterion",
                "response",
                "visit_date",
                assessment_id=_event_id(),
                event_id=_event_id(),
                date="image_date",
                baseline_sum="base",
                nadir_sum="nadir",
                current_sum="current",
                sum_unit=_sum_unit(),
                change_from_baseline="change_from_base",
                change_from_nadir="change_from_nadir",
                new_lesion="new_lesion",
                response_recorded="response",
                progression_date=pl.lit(None, pl.Date) if criterion == "irecist" else first,
                unconfirmed_progression_date=first if criterion == "irecist" else pl.lit(None, pl.Date),
            )
        )
    return pl.concat(found).sort("subject", "assessment_id", maintain_order=True)


def _end_of_treatment(truth: Truth) -> pl.DataFrame:
    return truth.end_of_treatment.select(
        "subject",
        last_dose_date="last_dose",
        recorded_date="recorded",
        reason=pl.col("reason").replace(_REASONS),
        reason_recorded="reason",
        progression_date="progression_date",
    )


def _follow_up(truth: Truth) -> pl.DataFrame:
    known = pl.when(pl.col("alive_date").is_null()).then("death_known")
    return truth.follow_up.select(
        "subject",
        contact_id=pl.coalesce("alive_date", "death_date"),
        contact_id_known=known,
        status=pl.col("status").replace({"lost": "lost to follow-up"}),
        last_known_alive="alive_date",
    )


def _visit(truth: Truth) -> pl.DataFrame:
    mode = pl.when("by_telephone").then(pl.lit("telephone")).otherwise(pl.lit("clinic"))
    return truth.visits.select("subject", "date", event_id=_event_id(), event_name="visit", mode=mode)


def _questionnaire_answer(truth: Truth) -> pl.DataFrame:
    frames = {"QLQ-C30": truth.c30, "EQ-5D-5L": truth.eq5d}
    return pl.concat(
        frame.rename({"scale": "qVAS"}, strict=False)
        .unpivot(
            pl.selectors.starts_with("q"),
            index=["subject", "month", "by_telephone", "event_date", "date"],
            variable_name="item",
            value_name="answer",
        )
        .select(
            "subject",
            "month",
            "by_telephone",
            "date",
            instrument=pl.lit(instrument),
            visit_date="event_date",
            item=pl.col("item").str.strip_prefix("q"),
            answer=pl.col("answer").cast(pl.Int64),
        )
        .drop_nulls("answer")
        for instrument, frame in frames.items()
    )


def _observation_window(truth: Truth) -> pl.DataFrame:
    """From consent to the last visit, dose, adverse event, contact or death."""
    contacts = [
        truth.visits.select("subject", "date"),
        truth.ecog.select("subject", "date"),
        truth.allocations.select("subject", "date"),
        truth.cycles.select("subject", date="start"),
        truth.cycles.select("subject", date="intake_end"),
        truth.adverse_events.select("subject", date="start"),
        truth.follow_up.select("subject", date="alive_date"),
        events.death(truth).select("subject", "date"),
    ]
    last = pl.concat(contacts).group_by("subject", maintain_order=True).agg(end_date=pl.col("date").max())
    consent = _of_subject(truth, "consent_date")
    return last.with_columns(start_date=consent, start_basis=pl.lit("consent"))


_TABLES: dict[str, Callable[[Truth], pl.DataFrame]] = {
    "subject": _subject,
    "milestone": _milestone,
    "cohort_allocation": _cohort_allocation,
    "tumour_type": _tumour_type,
    "biomarker": _biomarker,
    "study_drug": _study_drug,
    "treatment_cycle": _treatment_cycle,
    "ecog": _ecog,
    "medical_history": events.medical_history,
    "previous_treatment": events.previous_treatment,
    "concomitant_medication": events.concomitant_medication,
    "medication_adverse_event": events.medication_adverse_event,
    "adverse_event": events.adverse_event,
    "adverse_event_relation": events.adverse_event_relation,
    "baseline_tumour_assessment": _baseline_tumour_assessment,
    "tumour_assessment": _tumour_assessment,
    "end_of_treatment": _end_of_treatment,
    "follow_up": _follow_up,
    "death": events.death,
    "observation_window": _observation_window,
    "visit": _visit,
    "questionnaire_answer": _questionnaire_answer,
}
