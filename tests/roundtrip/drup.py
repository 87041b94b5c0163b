"""How DRUP spells the truth, and what its one table cannot carry.

What stands in DRUP's columns is assumed (see ``omopify/synthetic/drup.py``), and so is what is said of it here.
"""

from __future__ import annotations

import polars as pl

from omopify.synthetic.drup import COLUMNS, FIRST_ID, KINDS, RELATIONS
from omopify.synthetic.truth import Truth

from . import rules
from .compare import Loss, RowLoss, Tables, Trial, model
from .impress import window_of

Frame = pl.DataFrame
START = pl.col("treatment_start")


def subject_id(truth: Truth) -> pl.Series:
    return pl.Series([str(FIRST_ID + row) for row in range(truth.subjects.height)])


def started(frame: Frame, truth: Truth) -> Frame:
    """Add the first day of treatment, which stands for all days that the table does not have."""
    starts = dict(enumerate(truth.subjects["treatment_start"]))
    return frame.with_columns(treatment_start=pl.col("subject").replace_strict(starts, return_dtype=pl.Date))


def told(column: str, known: str) -> pl.Expr:
    """A date as it is used in an identifier: in full, or as the table writes a part of one."""
    text = pl.col(column).dt.to_string("%Y-%m-%d")
    month, year = pl.col(column).dt.to_string("00-%m-%Y"), pl.col(column).dt.to_string("00-00-%Y")
    return pl.when(pl.col(known) == "month").then(month).when(pl.col(known) == "year").then(year).otherwise(text)


def subject(frame: Frame, truth: Truth) -> Frame:
    """The age and half a year before the start of treatment is a day in the year of birth, or next to it."""
    births = dict(enumerate(truth.subjects["birth_date"]))
    birth = pl.col("subject").replace_strict(births, return_dtype=pl.Date)
    frame = started(frame, truth)
    months = (
        (START.dt.year() - birth.dt.year()).cast(pl.Int64) * 12 + START.dt.month().cast(pl.Int64) - birth.dt.month()
    )
    age = (months - (START.dt.day() < birth.dt.day()).cast(pl.Int64)) // 12
    reckoned = START.dt.offset_by(pl.format("-{}mo", age * 12 + 6)).dt.year()
    return frame.with_columns(person_key=pl.col("subject_id"), reckoned=reckoned)


def milestone(frame: Frame, truth: Truth) -> Frame:
    kind = pl.when(milestone="entered").then(pl.lit("treatment start"))
    return started(frame, truth).with_columns(kind=kind)


def cohort_name(truth: Truth) -> pl.Expr:
    drugs = pl.concat_str("drug_1", "drug_2", separator="+", ignore_nulls=True)
    names = truth.allocations.select("subject", pl.concat_str("tumour_cohort", "target", drugs, separator="_"))
    return pl.col("subject").replace_strict(dict(names.iter_rows()), default=None, return_dtype=pl.String)


def cohort(frame: Frame, truth: Truth) -> Frame:
    """The table has the cohort's target (BRAF V600mut) and not, apart from it, the patient's gene."""
    targets = dict(truth.allocations.select("subject", "target").iter_rows())
    target = pl.col("subject").replace_strict(targets, default=None, return_dtype=pl.String)
    return started(frame, truth).with_columns(cohort_name=cohort_name(truth), target_name=target)


def tumour_type(frame: Frame, truth: Truth) -> Frame:
    return started(frame, truth).with_columns(pl.col("icd10_code").str.replace(".", "", literal=True))


def biomarker(frame: Frame, truth: Truth) -> Frame:
    """DRUP's list is that of the cohorts' targets."""
    own = frame["target_name"]
    return cohort(frame, truth).with_columns(gene_mutation="target_name", target_name=own)


def study_drug(frame: Frame, truth: Truth) -> Frame:
    return frame.with_columns(cohort_name=cohort_name(truth))


def ecog(frame: Frame, truth: Truth) -> Frame:
    return started(frame, truth).with_columns(pl.col("description").cast(pl.String))


def previous_treatment(frame: Frame, _truth: Truth) -> Frame:
    """One row a kind with the end of the last one; of a patient with none of the five kinds, all as one."""
    known = "end_date_known"
    last = frame.sort("end_date", nulls_last=False, maintain_order=True)
    of_kind = last.filter(pl.col("kind").is_in(list(KINDS))).group_by("subject_id", "kind").agg(
        pl.col("end_date", known).last()
    )  # fmt: skip
    names = {kind: columns[0].removeprefix("PT_").removesuffix("_YN") for kind, columns in KINDS.items()}
    name = pl.col("kind").replace(names)
    of_kind = of_kind.with_columns(treatment_id=name, kind_recorded=name)
    rest = last.join(of_kind, on="subject_id", how="anti")
    rest = rest.group_by("subject_id").agg(
        pl.col("start_date", "start_date_known").sort_by("start_date").first(), pl.col("end_date", known).last()
    )
    rest = rest.with_columns(kind=pl.lit("other"), treatment_id=pl.lit("other"))
    return pl.concat([of_kind, rest], how="diagonal_relaxed")


def medication(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(
        medication_id=pl.format("{} / {}", pl.col("name").str.strip_chars(), told("start_date", "start_date_known"))
    )


def event_id() -> pl.Expr:
    return pl.format("{} / {} / {}", "term", told("start_date", "start_date_known"), "grade")


def adverse_event(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(adverse_event_id=event_id(), ctcae_version=pl.lit("4.03"))


def relation(frame: Frame, truth: Truth) -> Frame:
    ids = truth.adverse_events.select(
        "subject", "term", "grade", adverse_event_id="sequence", start_date="start", start_date_known="start_known"
    ).select("subject", "adverse_event_id", own_id=event_id())
    frame = frame.join(ids, on=["subject", "adverse_event_id"], how="left", maintain_order="left")
    return frame.with_columns(
        adverse_event_id="own_id", relation_recorded=pl.col("relation_recorded").replace(RELATIONS)
    )


CRITERIA = {"recist": "RECIST 1.1", "irecist": "iRECIST", "rano": "RANO"}


def baseline(frame: Frame, truth: Truth) -> Frame:
    """The sum belongs to the criteria of the assessments, of which there may be two, or none."""
    used = truth.assessments.unpivot(
        ["recist", "irecist", "rano"], index="subject", variable_name="used", value_name="response"
    )
    used = used.drop_nulls("response").select("subject", "used").unique()
    return frame.join(used, on="subject", how="left", maintain_order="left").with_columns(
        criterion="used", criterion_recorded=pl.col("used").replace(CRITERIA)
    )


def assessment(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(assessment_id=pl.col("date").dt.to_string("%Y-%m-%d"))


def end_of_treatment(frame: Frame, truth: Truth) -> Frame:
    """The day of the decision stands where other trials have the day of the form."""
    stops = dict(enumerate(truth.subjects["treatment_stop"]))
    return frame.with_columns(recorded_date=pl.col("subject").replace_strict(stops, return_dtype=pl.Date))


def follow_up(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(contact_id=pl.lit("lost to follow-up"))


def said(frame: Frame, _truth: Truth) -> Frame:
    return frame.with_columns(basis=pl.lit("recorded"), rule=pl.lit("trial"))


def treatment(frame: Frame, truth: Truth) -> Frame:
    source = pl.when(pl.col("end_date").is_not_null()).then(pl.lit("recorded"))
    return said(frame, truth).with_columns(end_source=source)


def best_overall_response(frame: Frame, truth: Truth) -> Frame:
    """As the trial has it, and after radiological review; by the criteria of the patient's first assessment."""
    first = pl.coalesce(
        pl.when(pl.col(name).is_not_null()).then(pl.lit(name)) for name in ("recist", "rano", "irecist")
    )
    used = truth.assessments.unique("subject", keep="first", maintain_order=True).select("subject", used=first)
    frame = said(frame, truth).join(used, on="subject", how="left", maintain_order="left")
    reviewed = frame.with_columns(response="reviewed", rule=pl.lit("trial-radiology"))
    both = pl.concat([frame, reviewed])
    return both.with_columns(criterion="used", response_recorded="response")


def best_overall_responses(tables: Tables) -> Frame:
    return pl.concat([tables["best_overall_response"], rules.best_overall_response(tables)], how="diagonal_relaxed")


def adverse_event_summary(frame: Frame, truth: Truth) -> Frame:
    """As the trial counts; and as the rule does, which counts serious events and grades, too."""
    counted = rules.derived("ae-count")(frame, truth)
    nothing = [pl.lit(None, pl.Int64).alias(name) for name in ("number_of_serious_events", "worst_grade")]
    return pl.concat([said(frame, truth).with_columns(nothing), counted], how="diagonal_relaxed")


def window(tables: Tables) -> Frame:
    """From the start of treatment to the last day of anything that the table tells of."""
    opens = [("cohort_allocation", "allocation_date")]
    seen = [
        ("treatment", "end_date"), ("adverse_event", "start_date"), ("tumour_assessment", "date"),
        ("end_of_treatment", "last_dose_date"), ("follow_up", "last_known_alive"), ("death", "date"),
    ]  # fmt: skip
    return window_of(tables, opens, seen)


START_STANDS = "the table has no such day: the start of treatment stands for it"
NO_COLUMN = "no column"
PD = pl.col("response") == "PD"
OF_RULE = pl.col("rule") == "bor-unconfirmed"

EVENTS = ("DRUP.AE_", "DRUP.CTCAE_term", "DRUP.SAE")
ASSESSMENTS = ("DRUP.Type_", "DRUP.Event_", "DRUP.Change_", "DRUP.Response_")
MEDICATIONS = ("DRUP.Concominant_",)
PATIENT = tuple(f"DRUP.{name}" for name in COLUMNS if not f"DRUP.{name}".startswith(EVENTS + ASSESSMENTS + MEDICATIONS))
SOURCES = {
    "concomitant_medication": MEDICATIONS,
    "adverse_event": EVENTS,
    "adverse_event_relation": EVENTS,
    "adverse_event_summary": EVENTS,
    "worst_grade": EVENTS,
    "tumour_assessment": ASSESSMENTS,
    "baseline_tumour_assessment": ASSESSMENTS,
    "best_overall_response": ASSESSMENTS,
    "observation_window": ("DRUP",),
}

TRIAL = Trial(
    pack="drup",
    in_scope=RowLoss("only treated subjects are in the table", pl.col("treatment_start").is_not_null()),
    subject_id=subject_id,
    spelled={
        "subject": subject,
        "milestone": milestone,
        "cohort_allocation": cohort,
        "tumour_type": tumour_type,
        "biomarker": biomarker,
        "study_drug": study_drug,
        "ecog": ecog,
        "previous_treatment": previous_treatment,
        "concomitant_medication": medication,
        "adverse_event": adverse_event,
        "adverse_event_relation": relation,
        "baseline_tumour_assessment": baseline,
        "tumour_assessment": assessment,
        "end_of_treatment": end_of_treatment,
        "follow_up": follow_up,
        "age": said,
        "treatment": treatment,
        "best_overall_response": best_overall_response,
        "disease_control": said,
        "evaluability": said,
        "adverse_event_summary": adverse_event_summary,
    },
    lost_tables={
        "treatment_cycle": "cycles are only counted",
        "medical_history": NO_COLUMN,
        "visit": NO_COLUMN,
        "medication_adverse_event": "what a medication is for is free text",
        "questionnaire_answer": "the table has no questionnaires",
        "questionnaire_score": "the table has no questionnaires",
    },
    lost_rows={
        "milestone": RowLoss("nothing tells of consent", pl.col("milestone") != "consented"),
        "ecog": RowLoss("only the status before treatment has a column", pl.col("baseline")),
        "follow_up": RowLoss("only the loss has a column", pl.col("status") == "lost to follow-up"),
    },
    lost_fields={
        ("subject", "enrolment"): Loss("numbers do not tell who was enrolled before"),
        ("subject", "site"): Loss(NO_COLUMN),
        ("subject", "birth_date"): Loss("only the age has a column"),
        ("subject", "birth_year_basis"): Loss("only the age has a column", pl.lit("age")),
        ("subject", "birth_year"): Loss("reckoned from the age, and may be wrong by one", pl.col("reckoned")),
        ("milestone", "date"): Loss(
            START_STANDS, pl.when(milestone="entered").then("treatment_start").otherwise("date")
        ),
        ("milestone", "reason"): Loss(NO_COLUMN),
        ("cohort_allocation", "allocation_date"): Loss(START_STANDS, START),
        ("cohort_allocation", "target_mutation"): Loss("the alteration stands with the biomarker only"),
        ("tumour_type", "date"): Loss(START_STANDS, START),
        ("tumour_type", "date_basis"): Loss(START_STANDS, pl.lit("treatment start")),
        ("tumour_type", "main_tumour_type_code"): Loss("names only"),
        ("biomarker", "date"): Loss(START_STANDS, START),
        ("biomarker", "gene_mutation_code"): Loss("names only"),
        ("study_drug", "drug_code"): Loss("names only"),
        ("ecog", "event_id"): Loss("no visits"),
        ("ecog", "date"): Loss(START_STANDS, START),
        ("ecog", "date_basis"): Loss(START_STANDS, pl.lit("treatment start")),
        ("previous_treatment", "line"): Loss("kinds, not lines"),
        ("previous_treatment", "specification"): Loss(NO_COLUMN),
        ("concomitant_medication", "for_medical_history"): Loss("what a medication is for is free text"),
        ("concomitant_medication", "for_adverse_event"): Loss("what a medication is for is free text"),
        ("adverse_event", "serious_date"): Loss(NO_COLUMN),
        ("adverse_event", "outcome"): Loss(NO_COLUMN),
        ("adverse_event_relation", "serious_relation"): Loss(NO_COLUMN),
        ("adverse_event_relation", "serious_relation_recorded"): Loss(NO_COLUMN),
        ("adverse_event_relation", "expected"): Loss(NO_COLUMN),
        ("adverse_event_relation", "action"): Loss(NO_COLUMN),
        ("baseline_tumour_assessment", "event_id"): Loss("no visits"),
        ("baseline_tumour_assessment", "date"): Loss(NO_COLUMN),
        ("baseline_tumour_assessment", "sum_unit"): Loss(
            "read from the criteria, which only assessments have",
            pl.when(pl.col("used").is_not_null()).then("sum_unit"),
        ),
        ("baseline_tumour_assessment", "non_target_lesions"): Loss(NO_COLUMN),
        ("baseline_tumour_assessment", "non_target_recorded"): Loss(NO_COLUMN),
        ("tumour_assessment", "event_id"): Loss("no visits"),
        ("tumour_assessment", "nadir_sum"): Loss("changes only"),
        ("tumour_assessment", "current_sum"): Loss("changes only"),
        ("tumour_assessment", "new_lesion"): Loss(NO_COLUMN),
        ("tumour_assessment", "progression_date"): Loss(
            "no column: the day of the assessment that found it, each time", pl.when(PD).then("date")
        ),
        ("tumour_assessment", "unconfirmed_progression_date"): Loss(NO_COLUMN),
        ("end_of_treatment", "reason"): Loss(NO_COLUMN),
        ("end_of_treatment", "reason_recorded"): Loss(NO_COLUMN),
        ("end_of_treatment", "progression_date"): Loss(NO_COLUMN),
        ("death", "recorded_in"): Loss("one column for all forms", pl.lit("patient table")),
        ("treatment", "last_cycle_start"): Loss(NO_COLUMN),
        ("best_overall_response", "date"): Loss("no column", pl.when(OF_RULE).then("date")),
        ("best_overall_response", "confirmed"): Loss("not said", pl.when(OF_RULE).then("confirmed")),
    },
    sources={table: SOURCES.get(table, PATIENT) for table in model()},
    made={
        "observation_window": window,
        "best_overall_response": best_overall_responses,
        "worst_grade": rules.worst_grade,
        "questionnaire_score": rules.questionnaire_score,
    },
    other_rows={
        "disease_control": (lambda row: row["rule"] != "trial", "the shared rule, compared for IMPRESS"),
        "best_overall_response": (
            lambda row: row["rule"].startswith("bor-") and row["rule"] != "bor-unconfirmed", rules.TESTED
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
        "the trial gives the answer only",
    ),
)  # fmt: skip
