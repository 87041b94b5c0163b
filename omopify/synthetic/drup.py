"""Write the truth down as DRUP's one wide table.

The names of the columns are facts (the consortium lists them); what stands in them is assumed, because nothing
of it is published: a row holds what is known of the patient, repeated, and the k-th adverse event, medication
and assessment side by side, which have nothing to do with one another.  Only treated subjects are in the table,
and cohorts without a patient (``ID`` is ``NA``).  What has no column is lost: visits, cycles, medical history,
questionnaires, reasons.
"""

from __future__ import annotations

import polars as pl

from omopify.synthetic._catalogue import PROGRAMMES, TUMOURS
from omopify.synthetic.dialect import Dialect
from omopify.synthetic.dirt import Recipe
from omopify.synthetic.dsp import dsp_truth
from omopify.synthetic.truth import Truth

COLUMNS = (
    "patient ID", "CohortName", "Trial", "ID", "TumourType", "TumourTypeOther", "ICD10Code", "ICD10Description",
    "TumourType2", "StudyTreatment", "Biomarker", "Biomarker_mutation", "BiomarkerTargets", "BiomarkerCategory",
    "BiomarkerOther", "Age", "Sex", "WHO", "PT_start_date", "PT_end_date", "PT_chemotherapy_YN", "PT_chemo_end_date",
    "PT_radiotherapy_YN", "PT_radiotherapy_end_date", "PT_immunotherapy_YN", "PT_immunotherapy_end_date",
    "PT_hormonaltherapy_YN", "PT_hormonaltherapy_end_date", "PT_targetedtherapy_YN", "PT_targetedtherapy_end_date",
    "Death", "Lost_to_follow_up", "Days_treated", "Evaluability", "Treatment_type", "Treatment_start",
    "Number_of_cyles", "Treatment_end", "Treatment_end_last_dose", "Dose_delivered", "Concominant_start_date",
    "Concominant_end_date", "Concominant_medication", "Concominant_indication", "Concominant_ongoing", "AE_event",
    "AE_grade", "CTCAE_term", "AE_start_date", "AE_end_date", "AE_total", "SAE", "AE_related_to_treatment1",
    "AE_related_to_treatment2", "Type_tumour_assessment", "Baseline_evaluation", "Event_date_assessment",
    "Change_from_baseline", "Change_from_minimum", "Response_assessment", "Best_overall_response_BOR",
    "Best_overall_response_Ra", "Clinical_benefit",
)  # fmt: skip
"""The header, in the spelling and order of the consortium's list."""

KINDS = {
    "chemotherapy": ("PT_chemotherapy_YN", "PT_chemo_end_date"),
    "radiotherapy": ("PT_radiotherapy_YN", "PT_radiotherapy_end_date"),
    "immunotherapy": ("PT_immunotherapy_YN", "PT_immunotherapy_end_date"),
    "hormonal therapy": ("PT_hormonaltherapy_YN", "PT_hormonaltherapy_end_date"),
    "targeted therapy": ("PT_targetedtherapy_YN", "PT_targetedtherapy_end_date"),
}
"""Kinds of previous treatment that have columns; surgery and others have none."""

CRITERIA = {"recist": "RECIST 1.1", "irecist": "iRECIST", "rano": "RANO"}
RELATIONS = {"not related": "Unrelated", "unlikely": "Unlikely", "possibly": "Possible", "related": "Related"}
FIRST_ID = 10001
EMPTY_COHORTS = 40
"""There is a cohort without a patient for each so many subjects, and one at least."""


def render_drup(truth: Truth) -> pl.DataFrame:
    """Return the table, all columns text, in the order of ``COLUMNS``."""
    dsp = dsp_truth(truth)
    treated = dsp["treatment"].select("subject")
    repeated = treated
    for part in (_allocation(truth, dsp), _patient(dsp), _previous(dsp), _course(dsp), _results(dsp)):
        repeated = repeated.join(part, on="subject", how="left", maintain_order="left")
    groups = [_numbered(group, treated) for group in (_medications(dsp), _events(dsp), _assessments(dsp))]
    first = treated.with_columns(row=pl.lit(0, pl.Int64))
    rows = pl.concat([first, *(group.select("subject", "row") for group in groups)]).unique().sort("subject", "row")
    table = rows.join(repeated, on="subject", how="left", maintain_order="left")
    for group in groups:
        table = table.join(group, on=["subject", "row"], how="left", maintain_order="left")
    table = table.with_columns(ID=pl.col("subject") + FIRST_ID, Trial=pl.lit("DRUP"))
    table = pl.concat([_text(table), _text(_empty_cohorts(truth))])
    number = pl.struct("ID", "CohortName").rle_id() + 1
    return table.with_columns(number.cast(pl.String).alias("patient ID"))


def _text(table: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None, pl.String).alias(column) for column in COLUMNS if column not in table.columns]
    return table.with_columns(missing).select(pl.col(column).cast(pl.String) for column in COLUMNS)


def _date(column: str, known: str = "") -> pl.Expr:
    """Write ``dd-mm-yyyy``, with zeros for what is not known."""
    text = pl.col(column).dt.to_string("%d-%m-%Y")
    if not known:
        return text
    return (
        pl.when(pl.col(known) == "month")
        .then("00-" + text.str.tail(7))
        .when(pl.col(known) == "year")
        .then("00-00-" + text.str.tail(4))
        .otherwise(text)
    )


def _yes(value: pl.Expr) -> pl.Expr:
    return pl.when(value).then(pl.lit("Yes")).when(~value).then(pl.lit("No"))


def _comma(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.strip_suffix(".0").str.replace(".", ",", literal=True)


def _numbered(group: pl.DataFrame, treated: pl.DataFrame) -> pl.DataFrame:
    """Number the rows of each treated subject from 0."""
    kept = group.join(treated, on="subject", how="semi", maintain_order="left")
    return kept.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64).over("subject"))


def _allocation(truth: Truth, dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    frame = truth.allocations.join(dsp["biomarker"].select("subject", "category", "other"), on="subject")
    drugs = [pl.concat_str("drug_1", "drug_2", separator=between, ignore_nulls=True) for between in ("+", " + ")]
    return frame.select(
        "subject",
        CohortName=pl.concat_str("tumour_cohort", "target", drugs[0], separator="_"),
        TumourType="tumour",
        TumourTypeOther="tumour_other",
        ICD10Code=pl.col("icd10").str.replace(".", "", literal=True),
        ICD10Description="icd10_text",
        TumourType2="tumour_text",
        StudyTreatment=drugs[1],
        Biomarker="gene",
        Biomarker_mutation="mutation",
        BiomarkerTargets="target",
        BiomarkerCategory="category",
        BiomarkerOther="other",
    )


def _patient(dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    frame = dsp["subject"].join(dsp["age"], on="subject").join(
        dsp["ecog"].filter("baseline"), on="subject", how="left", maintain_order="left"
    )  # fmt: skip
    sex = pl.col("sex").replace({"male": "M", "female": "F"})
    return frame.select("subject", Age="age", Sex=sex, WHO="grade")


def _previous(dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Say whether there was a treatment of each kind and when the last one of it ended."""
    lines = dsp["previous_treatment"].with_columns(
        begin=_date("start_date", "start_date_known"), end=_date("end_date", "end_date_known")
    )
    last = pl.col("end").sort_by("end_date", nulls_last=False).last()
    frame = lines.group_by("subject", maintain_order=True).agg(
        PT_start_date=pl.col("begin").sort_by("start_date").first(), PT_end_date=last
    )
    for kind, (_, end) in KINDS.items():
        of_kind = lines.filter(kind=kind).group_by("subject").agg(last.alias(end), pl.lit("Yes").first().alias(kind))
        frame = frame.join(of_kind, on="subject", how="left", maintain_order="left")
    everyone = dsp["subject"].select("subject").join(frame, on="subject", how="left", maintain_order="left")
    answers = [pl.col(kind).fill_null("No").alias(answer) for kind, (answer, _) in KINDS.items()]
    return everyone.with_columns(answers).drop(KINDS)


def _course(dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    lost = dsp["follow_up"].filter(status="lost to follow-up").select("subject", lost="last_known_alive")
    frame = dsp["treatment"].join(lost, on="subject", how="left", maintain_order="left")
    frame = frame.join(dsp["death"], on="subject", how="left", maintain_order="left")
    return frame.select(
        "subject",
        Death=_date("date", "date_known"),
        Lost_to_follow_up=_date("lost"),
        Days_treated="days_treated",
        Treatment_type=pl.col("type").replace({"iv": "IV", "oral and iv": "oral + IV"}),
        Treatment_start=_date("start_date"),
        Number_of_cyles="number_of_cycles",
        Treatment_end=_date("decided"),
        Treatment_end_last_dose=_date("end_date"),
        Dose_delivered="dose_delivered",
    )


def _results(dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    frame = dsp["evaluability"].join(dsp["adverse_event_summary"], on="subject", maintain_order="left")
    for table in ("disease_control", "best_overall_response", "baseline_tumour_assessment"):
        frame = frame.join(dsp[table], on="subject", how="left", maintain_order="left", suffix=f"_{table}")
    return frame.select(
        "subject",
        Evaluability=_yes(pl.col("evaluable")),
        AE_event=_yes(pl.col("any_event")),
        AE_total="number_of_events",
        Baseline_evaluation="target_sum",
        Best_overall_response_BOR="response",
        Best_overall_response_Ra="reviewed",
        Clinical_benefit=_yes(pl.col("disease_control")),
    )


def _medications(dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return dsp["concomitant_medication"].select(
        "subject",
        Concominant_start_date=_date("start_date", "start_date_known"),
        Concominant_end_date=_date("end_date", "end_date_known"),
        Concominant_medication="name",
        Concominant_indication="indication",
        Concominant_ongoing=_yes(pl.col("ongoing")),
    )


def _events(dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    frame, key = dsp["adverse_event"], ["subject", "adverse_event_id"]
    for slot in (1, 2):
        related = dsp["adverse_event_relation"].filter(drug_number=slot)
        relation = pl.col("relation_recorded").replace_strict(RELATIONS, default=None)
        named = related.select(*key, relation.alias(f"AE_related_to_treatment{slot}"))
        frame = frame.join(named, on=key, how="left", maintain_order="left")
    recorded = pl.col("end_basis") == "recorded"
    return frame.select(
        "subject",
        "AE_related_to_treatment1",
        "AE_related_to_treatment2",
        AE_grade="grade",
        CTCAE_term="term",
        AE_start_date=_date("start_date", "start_date_known"),
        AE_end_date=pl.when(recorded).then(_date("end_date", "end_date_known")),
        SAE=_yes(pl.col("serious")),
    )


def _assessments(dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """An image that was read by two sets of criteria stands there twice."""
    return dsp["tumour_assessment"].select(
        "subject",
        Type_tumour_assessment=pl.col("criterion").replace(CRITERIA),
        Event_date_assessment=_date("date"),
        Change_from_baseline=_comma("change_from_baseline"),
        Change_from_minimum=_comma("change_from_nadir"),
        Response_assessment="response",
    )


def _empty_cohorts(truth: Truth) -> pl.DataFrame:
    """Name cohorts that are open and have nobody yet."""
    taken = set(truth.allocations.select(pl.concat_str("tumour_cohort", "target")).to_series())
    free = [(t, p) for t in TUMOURS for p in PROGRAMMES if t.cohort + p.target not in taken]
    wanted = free[: max(1, truth.subjects.height // EMPTY_COHORTS)]
    return pl.DataFrame(
        {
            "ID": "NA",
            "Trial": "DRUP",
            "CohortName": f"{tumour.cohort}_{programme.target}_{'+'.join(programme.drugs)}",
            "TumourType2": tumour.cohort,
            "StudyTreatment": " + ".join(programme.drugs),
            "BiomarkerTargets": programme.target,
        }
        for tumour, programme in wanted
    )


def _odd_dates(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> list[pl.Expr]:
    text = pl.concat_str(day, month, year, separator="-")
    return [
        pl.concat_str(year, month, day, separator="-"),
        pl.concat_str(day, month, year, separator="/"),
        pl.concat_str(day.str.strip_prefix("0"), month.str.strip_prefix("0"), year, separator="-"),
        text + " 00:00",
        text + " ",
        "UK-UK-" + year,
        pl.concat_str(day, month, year.str.slice(2), separator="-"),
        pl.lit("00-00-0000"),
    ]


DIALECT = Dialect(
    shape="one wide table of the trial DRUP, as we assume it: a header row, ';', dd-mm-yyyy, decimal commas",
    workbook="SYNTHETIC_DRUP",
    file="SYNTHETIC_DRUP",
    headers={"DRUP": [list(COLUMNS)]},
    render=lambda truth, _form: render_drup(truth),
    made_up="Published by the consortium are the names of the columns; all that stands in them is made up here, its\n"
    "words, codes and formats included.",
    separator=";",
    dirt=Recipe(
        subject="ID",
        always=dict.fromkeys(
            (
                "missing word", "trailing blank", "case variant", "impossible date", "dotted date", "odd date",
                "duplicate row", "AE without start date", "grade NA", "unknown relation", "contradiction",
                "decimal point", "quoted empty",
            ),
            "DRUP",
        ),
        full_date=r"^(?<day>0[1-9]|[12]\d|3[01])-(?<month>0[1-9]|1[0-2])-(?<year>\d{4})$",
        odd_dates=_odd_dates,
        impossible=lambda year: "30-02-" + year,
        other_decimal=("decimal point", ",", "."),
        dates={"DRUP": ["AE_end_date", "Concominant_start_date", "Event_date_assessment"]},
        words={"DRUP": ["Concominant_end_date", "AE_end_date"]},
        texts={"DRUP": ["CTCAE_term", "Concominant_medication", "TumourType", "Sex", "SAE"]},
        numbers={"DRUP": ["Change_from_baseline", "Change_from_minimum"]},
        replaced={
            "DRUP": [
                ("AE without start date", "AE_start_date", pl.lit(None, pl.String)),
                ("grade NA", "AE_grade", pl.lit("NA")),
                ("unknown relation", "AE_related_to_treatment1", pl.lit("Probable")),
            ]
        },
        repeated={"DRUP": ["Age", "Days_treated"]},
        duplicated=["DRUP"],
        mixed_line_ends=["DRUP"],
    ),
)  # fmt: skip
