"""How IMPRESS spells the truth, and what its eCRF export cannot carry."""

from __future__ import annotations

import polars as pl

from omopify.synthetic import _options as opt
from omopify.synthetic._catalogue import DRUGS
from omopify.synthetic.forms import EQ5D_TOPICS
from omopify.synthetic.impress import DRUGS_REVISED
from omopify.synthetic.truth import Truth

from . import rules
from .compare import Loss, RowLoss, Tables, Trial
from .rules import derived

Frame = pl.DataFrame
BRAND_AND_INN = {drug.inn: f"{drug.brand} ({drug.inn})" for drug in DRUGS}


def subject_id(truth: Truth) -> pl.Series:
    """X_0001_1: hospital, number, enrolment."""
    number = pl.col("site_number").cast(pl.String).str.zfill(4)
    return truth.subjects.select(pl.format("{}_{}_{}", "site", number, "enrolment")).to_series()


def words(column: str, options: dict[str, tuple[int, str]]) -> pl.Expr:
    return pl.col(column).replace_strict({word: text for word, (_, text) in options.items()}, default=None)


def recorded(column: str, known: str = "") -> pl.Expr:
    text = pl.col(column).dt.to_string("%Y-%m-%d")
    return pl.when(pl.col(known) == "month").then(text.str.head(7) + "-NK").otherwise(text) if known else text


def number(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String)


def in_subject(truth: Truth, column: str) -> pl.Expr:
    values = dict(enumerate(truth.subjects[column]))
    return pl.col("subject").replace_strict(values, return_dtype=truth.subjects.schema[column])


def subject(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(person_key=pl.col("subject_id").str.head(6))


def cohort(frame: Frame, _truth: Truth) -> Frame:
    """The cohorts' own spelling."""
    return frame.with_columns(pl.col("cohort_name").str.replace("+Trastuzumab", "+Traztuzumab", literal=True))


def study_drug(frame: Frame, truth: Truth) -> Frame:
    """Each revision of the form names the drugs in another way: INN, both, brand."""
    brands = {drug.inn: drug.brand for drug in DRUGS}
    consent, drug = in_subject(truth, "consent_date"), pl.col("drug")
    name = pl.when(consent < DRUGS_REVISED[0]).then(drug).when(consent < DRUGS_REVISED[1]).then(
        drug.replace(BRAND_AND_INN)
    ).otherwise(drug.replace(brands))  # fmt: skip
    return cohort(frame, truth).with_columns(drug=name)


def treatment_cycle(frame: Frame, _truth: Truth) -> Frame:
    why = pl.col("reason_not_as_specified")
    return frame.with_columns(
        pl.col("drug").replace(BRAND_AND_INN),
        reason_not_as_specified=words("reason_not_as_specified", opt.MISSED_REASONS),
        reason_not_as_specified_other=pl.when(why == "other").then(pl.lit("Reise, uten medisin")),
    )


def ecog(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(description=pl.col("grade").replace_strict(dict(enumerate(opt.ECOG_GRADES))))


def numbered(*columns: str):
    """Spell the numbers of entries as text."""
    return lambda frame, _truth: frame.with_columns(number(column) for column in columns)


def previous_treatment(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(number("treatment_id"), kind_recorded=words("kind", opt.PREVIOUS_KINDS))


def adverse_event(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(number("adverse_event_id"), ctcae_version=pl.lit("5.0"))


def relation(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(
        number("adverse_event_id"),
        pl.col("drug").replace(BRAND_AND_INN),
        pl.col("action").replace(opt.ACTIONS),
        words("relation_recorded", opt.RELATIONS),
        words("serious_relation_recorded", opt.RELATIONS),
    )


def baseline(frame: Frame, truth: Truth) -> Frame:
    labels = {name.lower(): label for name, (_, label) in opt.CRITERIA.items()}
    return frame.with_columns(
        criterion_recorded=pl.col("criterion").replace(labels),
        assessed=pl.col("subject").is_in(truth.assessments["subject"].implode()),
    )


def assessment(frame: Frame, _truth: Truth) -> Frame:
    plain = {word: text for word, (_, text) in opt.RESPONSES.items()}
    immune = {f"i{word}": text for word, (_, text) in opt.IMMUNE_RESPONSES.items()}
    return frame.with_columns(pl.col("response_recorded").replace(plain | immune))


def end_of_treatment(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(reason_recorded=words("reason_recorded", opt.END_REASONS))


def follow_up(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(contact_id=recorded("contact_id", "contact_id_known"))


def visit(frame: Frame, _truth: Truth) -> Frame:
    """The name of the first visit changed in 2023; a visit by telephone is called so."""
    name = pl.col("event_name").replace_strict(dict(enumerate(opt.VISIT_NAMES)))
    old = (pl.col("event_id") == "V01") & (pl.col("date").dt.year() < 2023)
    name = pl.when(old).then(pl.lit("Visit 1,Day 1")).otherwise(name)
    return frame.with_columns(event_name=pl.when(mode="telephone").then(pl.lit("Telephone")).otherwise(name))


def answer(frame: Frame, _truth: Truth) -> Frame:
    name = (
        pl.when("by_telephone").then(pl.lit("Telephone"))
        .when(pl.col("month").is_null()).then(pl.lit("End of treatment"))
        .when(month=0).then(pl.lit(opt.VISIT_NAMES[1]))
        .otherwise(pl.format("Month {}", "month"))
    )  # fmt: skip
    amounts = {str(number): text for number, text in opt.AMOUNTS.items()}
    overall = {str(number): text for number, text in opt.OVERALL.items()}
    problems = {str(number): text for number, text in enumerate(opt.PROBLEMS, 1)}
    topics = {str(number): topic for number, topic in enumerate(EQ5D_TOPICS, 1)}
    given = number("answer")
    health = pl.col("instrument") == "EQ-5D-5L"
    said = (
        pl.when(item="VAS").then(None)
        .when(health).then(pl.format("{} with {}", given.replace(problems), pl.col("item").replace(topics)))
        .when(pl.col("item").is_in(["29", "30"])).then(given.replace(overall))
        .otherwise(given.replace(amounts))
    )  # fmt: skip
    occasion = pl.format("{} {}", name, recorded("visit_date"))
    return frame.with_columns(event_name=name, occasion=occasion, answer_recorded=said)


def window(tables: Tables) -> Frame:
    """From the first visit, ECOG or allocation to the last day of anything that the export tells of."""
    opens = [("visit", "date"), ("ecog", "date"), ("cohort_allocation", "allocation_date")]
    seen = [
        ("questionnaire_answer", "date"), ("treatment_cycle", "start_date"), ("treatment_cycle", "end_date"),
        ("adverse_event", "start_date"), ("tumour_assessment", "date"), ("end_of_treatment", "last_dose_date"),
        ("concomitant_medication", "start_date"), ("follow_up", "last_known_alive"), ("death", "date"),
    ]  # fmt: skip
    return window_of(tables, opens, seen)


def window_of(tables: Tables, opens: list[tuple[str, str]], seen: list[tuple[str, str]]) -> Frame:
    days = pl.concat(
        tables[table].select("subject_id", day=column, opens=pl.lit((table, column) in opens))
        for table, column in [*opens, *seen]
    )
    first = pl.col("day").filter(pl.col("opens")).min()
    return days.group_by("subject_id").agg(
        start_date=first, start_basis=pl.lit("first event").first(), end_date=pl.col("day").max()
    )


def treatment(frame: Frame, truth: Truth) -> Frame:
    """Without the form of its end a treatment ends, so far, with the last dose that is known."""
    given = truth.cycles.filter("received").group_by("subject").agg(
        tablets=pl.col("intake_end").max(), begun=pl.col("start").max()
    )  # fmt: skip
    source = (
        pl.when(pl.col("end_date").is_not_null()).then(pl.lit("end of treatment"))
        .when(pl.col("tablets") >= pl.col("begun")).then(pl.lit("last intake"))
        .otherwise(pl.lit("last cycle start"))
    )  # fmt: skip
    end = pl.coalesce("end_date", pl.max_horizontal("tablets", "begun"))
    days = (end - pl.col("start_date")).dt.total_days() + 1
    frame = frame.join(given, on="subject", how="left", maintain_order="left")
    return derived("treatment-span")(frame.with_columns(end_source=source, end_date=end, days_treated=days), truth)


SOURCES = {
    "subject": "DM",
    "milestone": "COH FU",
    "cohort_allocation": "COH",
    "tumour_type": "COH",
    "biomarker": "COH",
    "study_drug": "COH",
    "treatment_cycle": "TR",
    "ecog": "ECOG",
    "medical_history": "MH",
    "previous_treatment": "CT",
    "concomitant_medication": "CM",
    "medication_adverse_event": "CM",
    "adverse_event": "AE EOS FU",
    "adverse_event_relation": "AE",
    "baseline_tumour_assessment": "VI RA RNRSP RCNT RNTMNT",
    "tumour_assessment": "RA RNRSP",
    "end_of_treatment": "EOT",
    "follow_up": "FU",
    "death": "EOS FU AE",
    "visit": "VI ECOG RA RNRSP",
    "questionnaire_answer": "C30 EQ5D",
    "observation_window": "COH ECOG EOT TR EOS CM AE FU VI RA RNRSP EQ5D C30",
    "age": "DM TR",
    "treatment": "TR EOT",
    "best_overall_response": "RA RNRSP TR",
    "disease_control": "RA RNRSP TR EOT EOS FU AE",
    "evaluability": "TR",
    "adverse_event_summary": "DM AE",
    "worst_grade": "AE",
    "questionnaire_score": "C30 EQ5D",
}

TRIAL = Trial(
    pack="impress",
    in_scope=RowLoss(
        "only subjects with a cohort are in scope",
        lambda frame, tables: frame.join(tables["cohort_allocation"], on="subject", how="semi"),
    ),
    subject_id=subject_id,
    spelled={
        "subject": subject,
        "cohort_allocation": cohort,
        "study_drug": study_drug,
        "treatment_cycle": treatment_cycle,
        "ecog": ecog,
        "medical_history": numbered("history_id"),
        "previous_treatment": previous_treatment,
        "concomitant_medication": numbered("medication_id"),
        "medication_adverse_event": numbered("medication_id", "adverse_event_id"),
        "adverse_event": adverse_event,
        "adverse_event_relation": relation,
        "baseline_tumour_assessment": baseline,
        "tumour_assessment": assessment,
        "end_of_treatment": end_of_treatment,
        "follow_up": follow_up,
        "visit": visit,
        "questionnaire_answer": answer,
        "age": derived("age-at-treatment-start"),
        "treatment": treatment,
        "disease_control": derived("disease-control-at-week"),
        "evaluability": derived("evaluable-exposure"),
        "adverse_event_summary": derived("ae-count"),
    },
    lost_rows={
        "milestone": RowLoss("no form tells of consent", pl.col("milestone") != "consented"),
        "disease_control": RowLoss(
            "without a response at the visit of week 16, and for an unconfirmed progression, a rule decides",
            pl.col("at_week").is_in(["CR", "PR", "SD"]) | pl.col("at_week").eq("PD") & pl.col("under").ne("iRECIST"),
        ),
        "age": RowLoss(
            "without a full date of birth the age is an estimate by another rule",
            lambda frame, tables: frame.join(tables["subject"].drop_nulls("birth_date"), on="subject", how="semi"),
        ),
    },
    lost_fields={
        ("subject", "person_key"): Loss(
            "enrolments of a person are joined only if the project says so", pl.col("subject_id")
        ),
        ("milestone", "kind"): Loss("no form tells of the kind of a step"),
        ("milestone", "reason"): Loss("no form tells of reasons"),
        ("biomarker", "category"): Loss("no item"),
        ("biomarker", "other"): Loss("no item; the target's name says it"),
        ("treatment_cycle", "type"): Loss(
            "inferred from the items of tablets and infusions, which a cycle that was not received lacks",
            pl.when("received").then("type"),
        ),
        ("previous_treatment", "kind"): Loss(
            "the drop-down has no hormonal and targeted therapy: they are 'Other'",
            pl.col("kind").replace({"hormonal therapy": "other", "targeted therapy": "other"}),
        ),
        ("concomitant_medication", "indication"): Loss("no item"),
        ("tumour_assessment", "date"): Loss("the image has no date, its visit has", pl.col("visit_date")),
        ("tumour_assessment", "progression_date"): Loss(
            "RANO's form has no date of progression: the visit's is taken",
            pl.when(criterion="rano", response="PD").then("visit_date").otherwise("progression_date"),
        ),
        ("baseline_tumour_assessment", "target_sum"): Loss(
            "the sum at baseline stands on the forms of later visits", pl.when("assessed").then("target_sum")
        ),
        ("baseline_tumour_assessment", "sum_unit"): Loss("as the sum", pl.when("assessed").then("sum_unit")),
        ("treatment", "dose_delivered"): Loss("each cycle has its own; no sum is made"),
        ("best_overall_response", "response_recorded"): Loss("made by a rule"),
    },
    sources={table: tuple(forms.split()) for table, forms in SOURCES.items()},
    made={
        "observation_window": window,
        "best_overall_response": rules.best_overall_response,
        "worst_grade": rules.worst_grade,
        "questionnaire_score": rules.questionnaire_score,
    },
    fallbacks=dict.fromkeys(
        (("ecog", "date"), ("ecog", "date_basis")), "the visit's date, and date_basis says so"
    ),
    other_rows={
        "age": (lambda row: row["rule"] != "age-at-treatment-start", rules.TESTED),
        "evaluability": (lambda row: row["rule"] != "evaluable-exposure", rules.TESTED),
        "best_overall_response": (lambda row: row["rule"] != "bor-unconfirmed", rules.TESTED),
        "disease_control": (
            lambda row: row["timepoint_source"] != "in window" or row["response"] in ("iUPD", "iCPD"),
            "decided by another assessment than that of the visit in week 16",
        ),
    },
    other_fields=dict.fromkeys(
        (
            ("disease_control", name)
            for name in (
                "response", "criterion", "assessment_date", "days_from_start", "week_used", "window_days",
                "timepoint_source",
            )
        ),
        rules.TESTED,
    ),
)  # fmt: skip
