"""Write the truth down as IMPRESS-Norway's eCRF does: 18 forms of text, in Viedoc's ways.

The rendering is clean, yet has the export's natural quirks: partial dates with ``NK``, item versions
``__2`` and ``__3`` (never two on one row), zero-padded sequence numbers, free text in two languages,
subjects without allocation.  Codes that the trial has not published are ours; see ``_options.OWN_CODES``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl

from omopify.synthetic import _options as opt
from omopify.synthetic import _viedoc as viedoc
from omopify.synthetic._catalogue import DRUGS, PROGRAMMES, TUMOURS
from omopify.synthetic._impress_dirt import RECIPE
from omopify.synthetic._viedoc import Columns
from omopify.synthetic.dialect import Dialect
from omopify.synthetic.forms import EQ5D_TOPICS, FORMS
from omopify.synthetic.truth import Truth

# The CRF was revised: a later form has the next version of the item.
TUMOUR_TYPE_REVISED = date(2023, 7, 1)
DRUGS_REVISED = (date(2023, 1, 1), date(2024, 7, 1))
CRITERIA_REVISED = date(2024, 3, 1)

_NOTHING = pl.lit(None, pl.String)


def render_impress(truth: Truth) -> dict[str, pl.DataFrame]:
    """Return the 18 forms, all columns text, by form name; column ids and order as in ``forms.FORMS``."""
    return {form: render_form(truth, form) for form in FORMS}


def render_form(truth: Truth, form: str) -> pl.DataFrame:
    """Return one form; large data sets are written form by form to save memory."""
    frame, columns = _RENDERERS[form](truth)
    if "subject" in frame.columns:
        frame = frame.with_columns(_subject_ids(truth).gather(frame["subject"]).alias("SubjectId"))
    else:
        frame = frame.with_columns(_subject_ids(truth).alias("SubjectId"))
    columns["SubjectId"] = pl.col("SubjectId")
    return frame.select(columns[column].cast(pl.String).alias(column) for column in FORMS[form])


def _subject_ids(truth: Truth) -> pl.Series:
    """Write ``X_1234_1``: site, number within the site, enrolment."""
    number = pl.col("site_number").cast(pl.String).str.zfill(4)
    return truth.subjects.select(pl.concat_str("site", number, "enrolment", separator="_")).to_series()


def _visit(day: str) -> Columns:
    """Write the visit's id, name and date; the name of the first one has changed in the meantime."""
    name = pl.col("visit").replace_strict(dict(enumerate(opt.VISIT_NAMES)), return_dtype=pl.String)
    old = (pl.col("visit") == 1) & (pl.col(day) < date(2023, 1, 1))
    name = pl.when(old).then(pl.lit("Visit 1,Day 1")).otherwise(name)
    return {
        "EventId": pl.format("V{}", viedoc.padded("visit")),
        "EventName": pl.when("by_telephone").then(pl.lit("Telephone")).otherwise(name),
        "EventDate": viedoc.date(day),
    }


def _versions(columns: Columns, when: list[pl.Expr]) -> Columns:
    """Spread items over their versions: version k is filled where ``when[k]`` holds."""
    spread: Columns = {}
    for suffix, here in zip(("", "__2", "__3"), when, strict=False):
        for item, value in columns.items():
            stem, code = (item[:-2], "CD") if item.endswith("CD") else (item, "")
            spread[stem + suffix + code] = pl.when(here).then(value)
    return spread


def _named(label: Callable[[str, str], str]) -> dict[str, str]:
    return {drug.inn: label(drug.brand, drug.inn) for drug in DRUGS}


_BRAND_AND_INN = _named(lambda brand, inn: f"{brand} ({inn})")


def _coh(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    frame = truth.allocations.with_columns(
        truth.subjects["consent_date"].gather(truth.allocations["subject"]).alias("consent")
    )
    drugs = pl.concat_str("drug_1", "drug_2", separator="+", ignore_nulls=True)
    # The cohort's own spelling.
    drugs = drugs.str.replace("Pertuzumab+Trastuzumab", "Pertuzumab+Traztuzumab", literal=True)
    nowhere = pl.when(pl.col("subject") % 3 == 0).then(pl.lit("NA"))
    new_type = pl.col("consent") >= TUMOUR_TYPE_REVISED
    second, third = (pl.col("consent") >= day for day in DRUGS_REVISED)
    drug_versions = [~second, second & ~third, third]
    columns: Columns = {
        "EventDate": viedoc.date("date"),
        "COHORTNAME": pl.when("allocated")
        .then(pl.concat_str("target", "tumour_cohort", drugs, separator="/"))
        .otherwise(nowhere),
        "ICD10COD": pl.col("icd10"),
        "ICD10DES": pl.col("icd10_text"),
        "COHTT": pl.col("tumour_text"),
        "COHTTOSP": pl.col("tumour_other"),
        "COHTTYPE__3": _NOTHING,
        "COHTTYPE__3CD": _NOTHING,
        "COHCTN": pl.col("gene"),
        "COHTMN": pl.col("mutation"),
    }
    columns |= _versions(
        viedoc.pair("COHTTYPE", "tumour", {t.main: (t.code, t.main) for t in TUMOURS}), [~new_type, new_type]
    )
    # Each revision of the CRF names the drugs in another way.
    styles = (_named(lambda _, inn: inn), _BRAND_AND_INN, _named(lambda brand, _: brand))
    codes = {drug.inn: number for number, drug in enumerate(DRUGS, 1)}
    for slot in (1, 2):
        for suffix, here, style in zip(("", "__2", "__3"), drug_versions, styles, strict=True):
            options = {inn: (codes[inn], label) for inn, label in style.items()}
            pair = viedoc.pair("drug", f"drug_{slot}", options)
            columns[f"COHALLO{slot}{suffix}"] = pl.when(here).then(pair["drug"])
            columns[f"COHALLO{slot}{suffix}CD"] = pl.when(here).then(pair["drugCD"])
    return frame, columns | viedoc.pair(
        "GENMUT1", "alteration", {p.alteration: (p.code, p.alteration) for p in PROGRAMMES}
    )


def _ecog(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    texts = dict(enumerate(opt.ECOG_GRADES))
    return truth.ecog, _visit("visit_date") | {
        "ECOGS": pl.col("grade").replace_strict(texts, return_dtype=pl.String),
        "ECOGSCD": pl.col("grade") + 1,  # the drop-down counts from 1
        "ECOGDAT": viedoc.date("date"),
    }


def _dm(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    birth = pl.col("birth_date")
    return truth.subjects, {
        "DMAGE": ((pl.col("consent_date") - birth).dt.total_days() / 365.25).floor().cast(pl.Int64),
        "BRTHDAT": pl.when(pl.col("birth_known") == "year").then(birth.dt.to_string("%Y")).otherwise(
            viedoc.date("birth_date")
        ),
    } | viedoc.pair("SEX", "sex", {"male": (1, "Male"), "female": (2, "Female")})  # fmt: skip


def _ct(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    return truth.previous_treatments, {
        "CTSPID": viedoc.padded("line"),
        "CTTYPESP": pl.col("name"),
        "CTSTDAT": viedoc.date("start", "start_known"),
        "CTENDAT": viedoc.date("end", "end_known"),
    } | viedoc.pair("CTTYPE", "kind", opt.PREVIOUS_KINDS)


def _eot(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    return truth.end_of_treatment, {
        "EventDate": viedoc.date("recorded"),
        "EOTDAT": viedoc.date("last_dose"),
        "EOTPROGDTC": viedoc.date("progression_date"),
    } | viedoc.pair("EOTREOT", "reason", opt.END_REASONS)


def _tr(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    tablets = pl.col("received") & (pl.col("route") == "oral")
    infusion = pl.col("received") & (pl.col("route") == "IV")
    usual, odd = tablets & ~pl.col("odd_unit"), tablets & pl.col("odd_unit")
    columns: Columns = {
        "TRNAME": viedoc.text("drug", _BRAND_AND_INN),
        "TRTNO": pl.col("drug_number"),
        "TRCNO1": pl.col("cycle"),
        "TRC1_DT": viedoc.date("start"),
        "TRIVDS1": pl.when("dose_per_kg").then(viedoc.number("dose") + " mg (by weight)").when(infusion).then(
            viedoc.number("dose")
        ),
        "TRIVU1": pl.when(infusion).then(pl.lit("mg (milligram)")),
        "TRIVDELYN1": viedoc.yes("delivered"),
        "TRDSDEL1": viedoc.number("dose_delivered"),
        # Now and then a site counts tablets.
        "TRODSTOT": pl.when(odd).then(pl.lit("2")).when(usual).then(viedoc.number("dose")),
        "TRODSU": pl.when(odd).then(pl.lit("Other")).when(usual).then(pl.lit("mg (milligram)")),
        "TRODSUCD": pl.when(odd).then(99).when(usual).then(1),
        "TRODSUOT": pl.when(odd).then(pl.lit("tablets")),
        "TRO_STDT": viedoc.date("intake_start"),
        "TROSTPDT": viedoc.date("intake_end"),
        "TROTABNO": pl.col("days_missed"),
        "TROSPE": pl.col("why_missed"),
        "TROOTH": pl.when(pl.col("why_not_specified") == "other").then(pl.lit("Reise, uten medisin")),
    }  # fmt: skip
    columns |= viedoc.yes_pair("TRCYN", "received") | viedoc.yes_pair("TRO_YN", "as_specified")
    columns |= viedoc.yes_pair("TROTAKE", "previous_taken")
    return truth.cycles, columns | viedoc.pair("TROREA", "why_not_specified", opt.MISSED_REASONS)


def _eos(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    return truth.end_of_study, {"DEATHDTC": viedoc.date("death_date", "death_known")}


def _cm(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    numbers = pl.concat_str(viedoc.padded("event"), viedoc.padded("second_event"), separator=", ", ignore_nulls=True)
    return truth.medications, {
        "CMSPID": viedoc.padded("sequence"),
        "CMTRT": pl.col("name"),
        "CMAEYN": viedoc.yes("for_event"),
        "CMAENO": pl.when("for_event").then(numbers),
        "CMSTDAT": viedoc.date("start", "start_known"),
        "CMENDAT": viedoc.date("end", "end_known"),
    } | viedoc.yes_pair("CMMHYN", "for_history") | viedoc.yes_pair("CMONGO", "ongoing")  # fmt: skip


def _ae(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    columns: Columns = {
        "AESPID": viedoc.padded("sequence"),
        "AECTCAET": pl.col("term"),
        "AETOXGRECD": pl.col("grade"),
        "AESTDAT": viedoc.date("start", "start_known"),
        "AEENDAT": viedoc.date("end"),
        "AESERCD": pl.col("serious").cast(pl.Int8),
        "SAESTDAT": viedoc.date("turned_serious"),
    } | viedoc.pair("AEOUT", "outcome", opt.OUTCOMES)
    for slot in (1, 2):
        expected = pl.col(f"expected_{slot}")
        columns |= {
            f"AETRT{slot}": viedoc.text(f"drug_{slot}", _BRAND_AND_INN),
            f"SAEEXP{slot}": pl.when(expected).then(pl.lit("Expected")).when(~expected).then(
                pl.lit("Not expected")
            ),
            f"SAEEXP{slot}CD": pl.when(expected).then(1).when(~expected).then(2),
            f"AETRTMM{slot}": viedoc.text(f"action_{slot}", opt.ACTIONS),
        }  # fmt: skip
        columns |= viedoc.pair(f"AEREL{slot}", f"relation_{slot}", opt.RELATIONS)
        columns |= viedoc.pair(f"SAEREL{slot}", f"serious_relation_{slot}", opt.RELATIONS)
    return truth.adverse_events, columns


def _fu(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    return truth.follow_up, {
        "FUPALDAT": viedoc.date("alive_date"),
        "FUPDEDAT": viedoc.date("death_date", "death_known"),
    } | viedoc.pair("FUPSST", "status", opt.SURVIVAL)


def _vi(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    revised = pl.col("date") >= CRITERIA_REVISED
    columns = _visit("date") | _versions(viedoc.pair("VITUMA", "criteria", opt.CRITERIA), [~revised, revised])
    return truth.visits, columns | {"VIAMLTYP": _NOTHING}


def _ra(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    frame = truth.assessments.filter(pl.col("criteria") != "RANO")
    recist, irecist = pl.col("recist").is_not_null(), pl.col("irecist").is_not_null()
    columns: Columns = {
        "RAASSESS1": pl.when(recist).then(pl.lit("RECIST 1.1")),
        "RAASSESS2": pl.when(irecist).then(pl.lit("iRECIST")),
        "RARECBAS": pl.col("base"),
        "RARECNAD": pl.col("nadir"),
        "RARECCUR": pl.col("current"),
        "RABASECH": viedoc.number("change_from_base"),
        "RARECCH": viedoc.number("change_from_nadir"),
        "RAPROGDT": pl.when(recist).then(viedoc.date("progression_date")),
        "RAiUNPDT": pl.when(irecist).then(viedoc.date("progression_date")),
    }
    return frame, columns | _visit("visit_date") | viedoc.yes_pair("RANLBASE", "new_lesion") | viedoc.pair(
        "RATIMRES", "recist", opt.RESPONSES
    ) | viedoc.pair("RAiMOD", "irecist", opt.IMMUNE_RESPONSES)  # fmt: skip


def _rnrsp(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    columns: Columns = {
        "TERNTBAS": pl.col("base"),
        "TERNAD": pl.col("nadir"),
        "TERNTB": pl.col("current"),
        "TERNCFB": viedoc.number("change_from_base"),
        "TERNCFN": viedoc.number("change_from_nadir"),
    }
    columns |= (
        _visit("visit_date") | viedoc.yes_pair("RNRSPNL", "new_lesion") | viedoc.pair("RNRSPCL", "rano", opt.RESPONSES)
    )
    return truth.assessments.filter(pl.col("criteria") == "RANO"), columns


def _lesions(truth: Truth, rano: bool) -> tuple[pl.DataFrame, Columns]:
    """Render the baseline forms of non-target lesions; RANO's has an older item for the same number."""
    frame = truth.baseline_lesions.filter((pl.col("criteria") == "RANO") == rano)
    frame = frame.with_columns(visit=pl.lit(0), by_telephone=pl.lit(False))
    old = pl.col("old_item")
    columns = _visit("recorded") | {"ActivityId": pl.lit("V00TA4" if rano else "V00TA1")}
    if rano:
        return frame, columns | {
            "RNTMNTNOB": pl.when(~old).then("count"),
            "RNTMNTNO": pl.when(old).then("count"),
        }
    return frame, columns | {"RCNTNOB": pl.col("count")}


def _mh(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    return truth.history, {
        "MHSPID": viedoc.padded("sequence"),
        "MHTERM": pl.col("term"),
        "MHSTDAT": viedoc.date("start", "start_known"),
        "MHENDAT": viedoc.date("end", "end_known"),
    } | viedoc.pair("MHONGO", "status", opt.HISTORY_STATES)


def _occasion(date_column: str) -> Columns:
    name = (
        pl.when("by_telephone").then(pl.lit("Telephone"))
        .when(pl.col("month").is_null()).then(pl.lit("End of treatment"))
        .when(pl.col("month") == 0).then(pl.lit(opt.VISIT_NAMES[1]))
        .otherwise(pl.format("Month {}", "month"))
    )  # fmt: skip
    return {"EventName": name, "EventDate": viedoc.date("event_date"), date_column: viedoc.date("date")}


def _eq5d(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    columns = _occasion("EQ5DDAT") | {"EQ5DVAS": pl.col("scale")}
    for i, topic in enumerate(EQ5D_TOPICS, 1):
        labels = {level: f"{text} with {topic}" for level, text in enumerate(opt.PROBLEMS, 1)}
        columns |= viedoc.numbers(f"EQ5D{i}", f"q{i}", labels)
    return truth.eq5d, columns


def _c30(truth: Truth) -> tuple[pl.DataFrame, Columns]:
    columns = _occasion("C30DAT")
    for i in range(1, 31):
        columns |= viedoc.numbers(f"C30_Q{i}", f"q{i}", opt.AMOUNTS if i <= 28 else opt.OVERALL)
    return truth.c30, columns


_RENDERERS: dict[str, Callable[[Truth], tuple[pl.DataFrame, Columns]]] = {
    "COH": _coh,
    "ECOG": _ecog,
    "DM": _dm,
    "CT": _ct,
    "EOT": _eot,
    "TR": _tr,
    "EOS": _eos,
    "CM": _cm,
    "AE": _ae,
    "FU": _fu,
    "VI": _vi,
    "RA": _ra,
    "RNRSP": _rnrsp,
    "RCNT": lambda truth: _lesions(truth, rano=False),
    "RNTMNT": lambda truth: _lesions(truth, rano=True),
    "MH": _mh,
    "EQ5D": _eq5d,
    "C30": _c30,
}

DIALECT = Dialect(
    shape="eCRF export of the trial IMPRESS-Norway (Viedoc style): two header rows, labels and column ids",
    workbook="SYNTHETIC_IMPRESS",
    file="SYNTHETIC_IMPRESS_{form}",
    headers={form: [list(labels.values()), list(labels)] for form, labels in FORMS.items()},
    render=render_form,
    made_up="Not published by the trial, and therefore made up here: most codes of "
    + ", ".join(opt.OWN_CODES)
    + ";\nEQ-5D answers are paraphrased, and the cohorts are invented.",
    dirt=RECIPE,
)
