"""Writes the export of the tutorial: the made-up trial HERON, in a shape (REDCap) that no shipped map knows.

The patients are those of ``omopify.synthetic``; only the spelling is another trial's: small-letter names, ``;``,
17-05-2024, UNK-05-2024, decimal commas, ticked boxes as ``___1``.  ``python -m tests.drafting.heron`` writes it anew.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import polars as pl

from omopify.synthetic import draw_truth, dsp_truth
from omopify.synthetic.dirt import Recipe, soil
from omopify.synthetic.truth import Truth

PATIENTS, SEED = 28, 20261121
ACTIONS = {1: "none", 2: "reduced", 3: "interrupted", 4: "withdrawn"}
SITES = ("eastbay", "northtown", "southfield", "westhill")
KINDS = ("chemotherapy", "radiotherapy", "surgery", "immunotherapy", "hormonal therapy", "targeted therapy", "other")
OUTCOMES = {
    "recovered": "Resolved",
    "recovering": "Resolving",
    "not recovered": "Not resolved",
    "sequelae": "Resolved with sequelae",
    "fatal": "Fatal",
}
RELATIONS = {
    "related": "Definitely related",
    "possibly": "Possibly related",
    "unlikely": "Unlikely related",
    "not related": "Not related",
}
REASONS = {
    "adverse event": "Toxicity",
    "progression": "Disease progression",
    "refusal": "Patient's wish",
    "investigator": "Physician's decision",
    "deterioration": "Clinical deterioration",
    "completed": "Treatment completed",
    "other": "Other",
}
EVENTS = ("screening", "week_1", "week_8", "week_16", "week_26", "week_39", "week_52")
README = f"""\
SYNTHETIC DATA. No real patient, and no real trial's data, stands behind any row. There is no trial HERON.

Shape: one file a form, as the EDC REDCap exports them: a header row, ';', 17-05-2024, decimal commas, unknown
parts of a date as UNK, and a column for each box that may be ticked (tox_action___1).
Made by tests/drafting/heron.py: {PATIENTS} subjects, seed {SEED}. The same seed gives the same bytes.

Codes that the export does not explain (REDCap's codebook would):
  therapy_type   1 chemotherapy, 2 radiotherapy, 3 surgery, 4 immunotherapy, 5 hormonal therapy,
                 6 targeted therapy, 7 other
  yes/no         1 yes, 0 no
  tox_action___N 1 dose not changed, 2 dose reduced, 3 drug interrupted, 4 drug withdrawn (ticked = 1)

Dirt put in on purpose: words for 'missing' (NA, nk, unknown ...), texts in other capitals or with blanks behind,
30 February, dates as 06.05.2021 or 2021-05-06, decimal points, rows that stand there twice, an adverse event
without a start, a grade NA, and an outcome that is in no list.
"""


def _day(column: str, known: str = "") -> pl.Expr:
    text = pl.col(column).dt.to_string("%d-%m-%Y")
    if not known:
        return text
    month = pl.when(pl.col(known) == "month").then("UNK-" + text.str.tail(7))
    return month.when(pl.col(known) == "year").then("UNK-UNK-" + text.str.tail(4)).otherwise(text)


def _comma(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.strip_suffix(".0").str.replace(".", ",", literal=True)


def _bit(value: pl.Expr | str) -> pl.Expr:
    return (pl.col(value) if isinstance(value, str) else value).cast(pl.Int8)


def _record(truth: Truth) -> pl.Expr:
    site = truth.subjects["site_number"]
    names = {n: f"{10 + site[n]}-{n + 1:03}" for n in range(truth.subjects.height)}
    return pl.col("subject").replace_strict(names, return_dtype=pl.String).alias("record_id")


def forms(seed: int = SEED, patients: int = PATIENTS) -> dict[str, pl.DataFrame]:
    """Return all forms as frames of text, clean."""
    truth = draw_truth(patients, seed)
    dsp = dsp_truth(truth)
    made = {
        "enrolment": _enrolment(truth),
        "diagnosis": _diagnosis(truth, dsp),
        "allocation": _allocation(dsp),
        "prior_therapy": _prior(truth),
        "performance": dsp["ecog"].select(
            "subject", redcap_event_name=_event("event_id"), ps_dt=_day("date"), who_ps="grade"
        ),
        "dosing": _dosing(truth),
        "toxicity": _toxicity(truth),
        "conmeds": _conmeds(truth),
        "target_lesions": _lesions(dsp),
        "response": _response(dsp),
        "off_treatment": truth.end_of_treatment.select(
            "subject",
            form_dt=_day("recorded"),
            last_dose_dt=_day("last_dose"),
            off_reason=pl.col("reason").replace_strict(REASONS),
            pd_dt=_day("progression_date"),
        ),
        "survival": _survival(truth),
    }
    named = {form: frame.with_columns(_record(truth)).drop("subject") for form, frame in made.items()}
    return {
        form: frame.select("record_id", pl.exclude("record_id")).cast(pl.String).filter(pl.col("record_id") != "")
        for form, frame in named.items()
    }


def _event(column: str) -> pl.Expr:
    names = {f"V{n:02}": f"{name}_arm_1" for n, name in enumerate(EVENTS)}
    return pl.col(column).replace_strict(names, default=None)


def _repeat() -> pl.Expr:
    return pl.int_range(1, pl.len() + 1).over("subject").alias("redcap_repeat_instance")


def _enrolment(truth: Truth) -> pl.DataFrame:
    return truth.subjects.with_row_index("subject").select(
        "subject",
        redcap_data_access_group=(pl.col("site_number") % 4).replace_strict(dict(enumerate(SITES))),
        dob=_day("birth_date", "birth_known"),
        gender=pl.col("sex").str.to_titlecase(),
        consent_dt=_day("consent_date"),
        eligible_yn=_bit(~pl.col("screen_failed")),
    )


def _diagnosis(truth: Truth, dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    found = dsp["biomarker"].select("subject", "category")
    return truth.allocations.filter("allocated").join(found, on="subject", maintain_order="left").select(
        "subject",
        registration_dt=_day("date"),
        icd10="icd10",
        icd10_descr="icd10_text",
        primary_tumour="tumour",
        tumour_other="tumour_other",
        gene="gene",
        alteration="mutation",
        biomarker_class="category",
    )  # fmt: skip


def _allocation(dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    drugs = dsp["study_drug"].pivot(
        "drug_number", on_columns=[1, 2], index="subject", values="drug", maintain_order=True
    )
    return (
        dsp["cohort_allocation"]
        .join(drugs, on="subject", how="left", maintain_order="left")
        .select("subject", cohort="cohort_name", alloc_dt=_day("allocation_date"), study_drug_1="1", study_drug_2="2")
    )


def _prior(truth: Truth) -> pl.DataFrame:
    codes = {kind: str(code) for code, kind in enumerate(KINDS, 1)}
    return truth.previous_treatments.select(
        "subject",
        _repeat(),
        therapy_line="line",
        therapy_type=pl.col("kind").replace_strict(codes),
        regimen="name",
        prior_start=_day("start", "start_known"),
        prior_stop=_day("end", "end_known"),
    )


def _dosing(truth: Truth) -> pl.DataFrame:
    return truth.cycles.select(
        "subject",
        _repeat(),
        cycle_no="cycle",
        drug="drug",
        drug_no="drug_number",
        admin_route=pl.col("route").str.to_uppercase(),
        cycle_given=_bit("received"),
        cycle_start=_day("start"),
        last_intake=_day("intake_end"),
        dose=_comma("dose"),
        dose_unit=pl.when(pl.col("dose").is_not_null()).then(pl.lit("mg")),
    )


def _toxicity(truth: Truth) -> pl.DataFrame:
    ticks = {f"tox_action___{code}": _bit(pl.col("action_1") == action) for code, action in ACTIONS.items()}
    return truth.adverse_events.select(
        "subject",
        redcap_repeat_instance="sequence",
        tox_term="term",
        tox_grade="grade",
        tox_onset=_day("start", "start_known"),
        tox_resolved=_day("end"),
        tox_outcome=pl.col("outcome").replace_strict(OUTCOMES),
        sae_yn=_bit("serious"),
        sae_onset=_day("turned_serious"),
        rel_drug_1=pl.col("relation_1").replace_strict(RELATIONS, default=None),
        rel_drug_2=pl.col("relation_2").replace_strict(RELATIONS, default=None),
        **ticks,
    )


def _conmeds(truth: Truth) -> pl.DataFrame:
    return truth.medications.select(
        "subject",
        redcap_repeat_instance="sequence",
        med_name="name",
        med_indication="indication",
        med_start=_day("start", "start_known"),
        med_stop=_day("end", "end_known"),
        med_ongoing=_bit("ongoing"),
    )


def _lesions(dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return dsp["baseline_tumour_assessment"].select(
        "subject",
        bl_scan_dt=_day("date"),
        criteria=_criteria(),
        bl_sum="target_sum",
        nontarget_count="non_target_lesions",
    )


def _criteria() -> pl.Expr:
    return pl.col("criterion").replace({"recist": "RECIST 1.1", "irecist": "iRECIST", "rano": "RANO"})


def _response(dsp: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return dsp["tumour_assessment"].select(
        "subject",
        redcap_event_name=_event("event_id"),
        scan_dt=_day("date"),
        criteria=_criteria(),
        sum_diameters="current_sum",
        pct_change_bl=_comma("change_from_baseline"),
        pct_change_nadir=_comma("change_from_nadir"),
        new_lesions=_bit("new_lesion"),
        overall_response="response",
    )


def _survival(truth: Truth) -> pl.DataFrame:
    words = {"alive": "Alive", "dead": "Deceased", "lost": "Lost to follow-up"}
    return truth.follow_up.select(
        "subject",
        _repeat(),
        vital_status=pl.col("status").replace_strict(words),
        last_contact_dt=_day("alive_date"),
        dod=_day("death_date", "death_known"),
    )


RECIPE = Recipe(
    subject="record_id",
    always={
        "AE without start date": "toxicity",
        "grade NA": "toxicity",
        "unknown outcome": "toxicity",
        "missing word": "toxicity conmeds",
        "case variant": "toxicity enrolment",
        "trailing blank": "conmeds",
        "impossible date": "toxicity",
        "dotted date": "conmeds",
        "duplicate row": "performance conmeds",
        "decimal point": "response",
    },
    full_date=r"^(?<day>0[1-9]|[12]\d|3[01])-(?<month>0[1-9]|1[0-2])-(?<year>\d{4})$",
    odd_dates=lambda year, month, day: [pl.concat_str(year, month, day, separator="-")],
    impossible=lambda year: "30-02-" + year,
    other_decimal=("decimal point", ",", "."),
    dates={"toxicity": ["tox_resolved"], "conmeds": ["med_start"]},
    words={"toxicity": ["tox_resolved"], "conmeds": ["med_stop"]},
    texts={"enrolment": ["gender"], "toxicity": ["tox_term", "tox_outcome"], "conmeds": ["med_name"]},
    numbers={"response": ["pct_change_bl", "pct_change_nadir"]},
    replaced={
        "toxicity": [
            ("AE without start date", "tox_onset", pl.lit(None, pl.String)),
            ("grade NA", "tox_grade", pl.lit("NA")),
            ("unknown outcome", "tox_outcome", pl.lit("Improved")),
        ]
    },
    duplicated=["performance", "conmeds"],
)


def write(folder: Path, seed: int = SEED, patients: int = PATIENTS) -> None:
    """Write the export and its README.txt into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    for form, clean in forms(seed, patients).items():
        frame, _ = soil(clean, form, seed, RECIPE)
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
        writer.writerow(frame.columns)
        writer.writerows(frame.iter_rows())
        (folder / f"HERON_{form}.csv").write_bytes(text.getvalue().encode())
    (folder / "README.txt").write_bytes(README.encode())


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "examples/heron/data"))
