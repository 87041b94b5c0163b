"""Documents of made-up quality runs: one with everything in it, one with nothing, and one full of nasty texts."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from omopify.quality.model import (
    Assessment,
    Change,
    Check,
    Comparison,
    Counted,
    Coverage,
    Findings,
    Link,
    Loss,
    MapRows,
    Measurement,
    Part,
    Picture,
    Result,
    Subject,
    Unmapped,
    Verdict,
    Waiver,
)

FIELDS = Path(__file__).parents[2] / "sql" / "cdm" / "fields.csv"
KINDS = (
    ("isRequired", "Conformance", "critical", "{f} of {t} is filled in every row."),
    ("cdmDatatype", "Conformance", "critical", "{f} of {t} holds whole numbers only."),
    ("measureValueCompleteness", "Completeness", "info", "How many rows of {t} have no {f}."),
    ("standardConceptRecordCompleteness", "Completeness", "warning", "{f} of {t} is not 0: every term has a concept."),
    ("plausibleValueHigh", "Plausibility", "info", "{f} of {t} is not above the highest plausible value."),
    ("plausibleAfterBirth", "Plausibility", "info", "{f} of {t} is not before the person's birth."),
)
HOSTILE = "<script>alert(1)</script>"
BREAKOUT = '</script><img src="http://example.invalid/x.png" onerror="alert(2)">'
RTL = "מחקר קליני \u202eevil\u202c بيانات"
LONG = "questionnaire_answer_of_the_third_visit_" * 8
DEED = "{{ 7 * 7 }} {% raw %} ${7*7} 'single' \"double\" & &amp; \x0b\x1b[31m"


def document(assessment: Assessment) -> dict[str, Any]:
    """Return an assessment as its JSON reads."""
    return json.loads(json.dumps(asdict(assessment), default=dict))


def empty() -> Assessment:
    """A run that found nothing to look at."""
    subject = Subject("none", "none", "2026-11-20T14:05:00+00:00", None, "", 5)
    return Assessment(subject, Verdict("not ready", ("No check could be judged.",), {}), ())


def full() -> Assessment:
    """A run on a trial with 18 forms, 30 harmonised and 15 OMOP tables, and about 2,500 checks."""
    results = (*_own_results(), *_cdm_results())
    counts = {
        severity: {
            state: sum(_state(r) == state for r in results if r.check.severity == severity)
            for state in ("pass", "fail", "waived", "error", "not applicable", "off")
        }
        for severity in ("critical", "warning", "info")
    }
    reasons = (
        "2 critical checks fail: oncology.progression_needs_growth, trial.accounting_sums.",
        "1 critical check could not be measured: dsp.values_in_set.visit.name.",
        "1 failing check is waived.",
    )
    return Assessment(
        subject=Subject(
            trial="IMPRESS-Norway",
            name="Improving public cancer care by implementing precision medicine in Norway",
            generated_at="2026-11-20T14:05:31+00:00",
            release_date="2026-11-15",
            data_sha256="ab12" * 16,
            small_cell=5,
            transfer="PRIME-ROSE 2026-12",
            versions={
                "DuckDB": "2.0.0",
                "Great Expectations": "1.24.1",
                "Vocabulary": "v5.0 31-AUG-26",
                "omopify": "0.5.0",
            },
            cdm_source={
                "cdm_holder": None,
                "cdm_source_name": "IMPRESS",
                "cdm_version": "v5.4",
                "cdm_version_concept_id": 756265,
            },
            synthetic=True,
        ),
        verdict=Verdict("not ready", reasons, counts),
        results=results,
        findings=Findings(*_flow(), _unmapped(), _losses(), _coverage(), _pictures()),
        comparison=_comparison(),
        timings={"judge": 0.61, "measure": 1.42, "statements": 301},
    )


def brief() -> Assessment:
    """The full run with little of everything: for what takes long on a long page."""
    whole = full()
    found = whole.findings
    findings = replace(
        found, flow=found.flow[:20], unmapped=found.unmapped[:5], coverage=found.coverage[:24], maps=found.maps[:6]
    )
    return replace(whole, results=whole.results[:40], findings=findings)


def ready() -> Assessment:
    """A run in which nothing fails."""
    results = tuple(r for r in full().results if r.status == "pass")
    return replace(
        full(),
        verdict=Verdict("ready", ("No critical check fails without a waiver.",), {"critical": {"pass": len(results)}}),
        results=results,
        subject=replace(full().subject, synthetic=False),
    )


def nasty() -> dict[str, Any]:
    """The full run with every free text of it replaced by what wants to be markup, script or a mess."""
    texts = (HOSTILE, BREAKOUT, RTL, LONG, DEED)
    turn = iter(range(10**9))

    def spoil(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: spoil(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [spoil(v, key) for v in value]
        free = key in {
            "name",
            "trial",
            "description",
            "causes",
            "reason",
            "author",
            "map",
            "field",
            "form",
            "label",
            "column",
            "from_name",
            "to_name",
            "term",
            "concept_name",
            "title",
            "note",
            "reasons",
            "sources",
            "targets",
            "changed",
            "rows_sql",
            "error",
            "not_applicable",
            "by",
            "unit",
            "subcategory",
            "versions",
            "transfer",
            "rows",
        }
        return texts[next(turn) % len(texts)] if free and isinstance(value, str) else value

    return spoil(document(brief()))  # type: ignore[no-any-return]


def _state(result: Result) -> str:
    return "waived" if result.waiver else result.status


def _own(name: str, severity: Any, table: str, text: str, causes: str, **more: Any) -> Check:
    suite = name.split(".")[0]
    return Check(
        id=name,
        suite=suite,
        type=name.split(".")[1],
        schema=table.split(".")[0],
        table=table.split(".")[1],  # type: ignore[arg-type]
        column=more.pop("column", None),
        level="TABLE",
        category=more.pop("category", "Plausibility"),
        severity=severity,
        max_pct=more.pop("max_pct", None),
        description=text,
        causes=causes,
        rows_sql=f"SELECT row_id, part, file_number, source_row\nFROM {table}\nWHERE violated",
        **more,
    )


def _own_results() -> tuple[Result, ...]:
    growth = _own(
        "oncology.progression_needs_growth",
        "critical",
        "dsp.tumour_assessment",
        "Progression is called only where the sum of diameters has grown by at least 20 % and 5 mm over the smallest "
        "sum before, or where there is a new lesion.",
        "Most often the smallest sum before is missing or the sum was entered in centimetres. Look at the form 'Tumour "
        "assessment' of these patients; if the unit is wrong, mend it in the map impress_tumour_assessment.",
        max_pct=1.0,
        subcategory="Atemporal",
        unit="assessments",
        change=Change(
            "Two readers at our site measure in cm; agreed with the sponsor.",
            "Kari Nordmann",
            "2026-10-02",
            0.0,
            "warning",
        ),
    )
    sums = _own(
        "trial.accounting_sums",
        "critical",
        "audit.map_rows",
        "Every row that a map read is used, filtered, a duplicate or rejected.",
        "A defect of omopify, or a result that was changed by hand.",
        category="Conformance",
        unit="maps",
    )
    visit = _own(
        "dsp.values_in_set.visit.name",
        "critical",
        "dsp.visit",
        "The name of a visit is one of the shared model's.",
        "A visit that the map does not know.",
        category="Conformance",
        column="name",
    )
    consent = _own(
        "oncology.event_before_consent",
        "warning",
        "dsp.adverse_event",
        "No adverse event begins before consent.",
        "Dates of consent that were entered again after an amendment.",
        category="Plausibility",
        unit="events",
    )
    rejects = _own(
        "trial.rejected_rows",
        "warning",
        "audit.map_rows",
        "Few rows of each form are rejected.",
        "Dates in another format than the map expects, or subjects that are not on the list.",
        category="Completeness",
        max_pct=2.0,
    )
    off = _own(
        "trial.row_counts",
        "warning",
        "audit.map_rows",
        "Forms have at least the rows of the last delivery.",
        "",
        category="Completeness",
        change=Change(
            "First delivery after the data base was closed.", "Ola Nordmann", "2026-11-01", 0.0, "warning", off=True
        ),
    )
    waiver = Waiver(
        "oncology.event_before_consent",
        "Reconsent after amendment 4; checked by hand for all.",
        "Kari Nordmann",
        "2026-11-02",
        "2027-02-01",
    )
    parts = (Part("Adverse events", 14, 149), Part("Concomitant medication", 2, 152), Part("Death", 0, 221))
    return (
        Result(growth, Measurement(growth.id, 12, 340), "fail"),
        Result(sums, Measurement(sums.id, 1, 95), "fail"),
        Result(visit, Measurement(visit.id, error="the column 'name' cannot be read as text"), "error"),
        Result(consent, Measurement(consent.id, 3, 145), "fail", waiver),
        Result(rejects, Measurement(rejects.id, 16, 522, parts=parts), "fail"),
        Result(off, Measurement(off.id), "off"),
    )


def _cdm_results() -> tuple[Result, ...]:
    made = []
    with FIELDS.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            table, column = row["table"], row["field"]
            for place, (kind, category, severity, text) in enumerate(KINDS):
                check = Check(
                    id=f"field_{kind.lower()}_{table}_{column}",
                    suite=f"omop54.{table}",
                    type=kind,
                    schema="cdm",
                    table=table,
                    column=column,
                    level="FIELD",
                    category=category,
                    severity=severity,  # type: ignore[arg-type]
                    max_pct=5.0 if severity == "warning" else 100.0 if kind == "measureValueCompleteness" else None,
                    description=text.format(f=column, t=table),
                    subcategory="Relational",
                    context="Verification",
                    expectation="expect_cdm_checks_to_pass",
                    causes="A term that no map knows, or a column that is empty. Look at the map of this table.",
                    rows_sql=f"SELECT {table}_id AS row_id\nFROM cdm.{table}\nWHERE {column} IS NULL",
                )
                idle = table in ("cost", "note_nlp", "payer_plan_period", "specimen", "note")
                fails = not idle and severity != "critical" and (number * 7 + place * 3) % 41 == 0
                if idle:
                    made.append(
                        Result(check, Measurement(check.id, 0, 0, f"the table {table} is empty"), "not applicable")
                    )
                else:
                    measured = Measurement(check.id, (number % 9 + 1) * 13 if fails else 0, 1000 + number * 37)
                    made.append(Result(check, measured, "fail" if fails else "pass"))
    return tuple(made)


FORMS = (
    "AE",
    "BASE",
    "BIOM",
    "CM",
    "COH",
    "CT",
    "DTH",
    "ECOG",
    "EQ5D",
    "FU",
    "IC",
    "LAB",
    "MH",
    "QLQC30",
    "RECIST",
    "TRT",
    "VIS",
    "VS",
)
HARMONISED = """
    adverse_event adverse_event_relation adverse_event_summary age baseline_tumour_assessment best_overall_response
    biomarker cohort_allocation concomitant_medication death disease_control ecog end_of_treatment evaluability
    follow_up medical_history medication_adverse_event milestone observation_window previous_treatment
    questionnaire_answer questionnaire_score study_drug subject treatment treatment_cycle tumour_assessment tumour_type
    visit worst_grade
""".split()
OMOP = """
    person observation_period visit_occurrence condition_occurrence drug_exposure procedure_occurrence measurement
    observation death episode episode_event condition_era drug_era fact_relationship cdm_source
""".split()


def _flow() -> tuple[tuple[Link, ...], tuple[MapRows, ...]]:
    links, maps = [], []
    for number, table in enumerate(HARMONISED):
        form = FORMS[number * 7 % len(FORMS)]
        rows = (30, 145, 236, 32, 2796, 71, 330)[number % 7]
        filtered, duplicate, rejected = number % 4 * 9, number % 3, (number % 5 == 0) * 3
        links.append(Link("form", form, "harmonised", table, rows))
        for what, lost in (("filtered", filtered), ("duplicate", duplicate), ("rejected", rejected)):
            if lost:
                links.append(Link("form", form, "left out", what, lost))
        read = rows + filtered + duplicate + rejected
        maps.append(
            MapRows(f"impress_{table}", (form,), (f"dsp.{table}",), read, rows, filtered, duplicate, rejected, rows)
        )
        for step in range(1 + number % 2):
            links.append(Link("harmonised", table, "omop", OMOP[(number * 4 + step * 5) % len(OMOP)], rows))
        if number % 6 == 0:
            links.append(Link("harmonised", table, "left out", "filtered", 7))
    links.append(Link("form", "VIS", "omop", "visit_occurrence", 130))
    return tuple(links), tuple(maps)


def _unmapped() -> tuple[Unmapped, ...]:
    return tuple(
        Unmapped(
            "adverse_event",
            "concept",
            n,
            max(1, 40 - n),
            concept_id=None if n % 3 else 4000000 + n,
            concept_name=None if n % 3 else "Aspartate aminotransferase level raised",
            vocabulary=None if n % 3 else "SNOMED",
            score=None if n % 3 else 0.93,
        )
        for n in range(1, 61)
    )


def _losses() -> tuple[Loss, ...]:
    return tuple(
        Loss(kind, form, f"impress_{form.lower()}", field, reason, rows, 149)  # type: ignore[arg-type]
        for form in ("AE", "CM", "LAB")
        for kind, field, reason, rows in (
            ("rejected row", "start_date", "the date is required and cannot be read", 2),
            ("value left out", "outcome", "not one of the values of the code list", 4),
            ("date filled in", "end_date", "the day is unknown: the 15th is taken", 31),
        )
    )


def _coverage() -> tuple[Coverage, ...]:
    decisions = (("used", ""), ("used", ""), ("identifier", ""), ("not needed", "Administrative."), ("undecided", ""))
    return tuple(
        Coverage(form, f"{form}{n:02}", f"Question {n} of the form", *decisions[(n + len(form)) % 5], 120 - n * 7, 149)
        for form in FORMS
        for n in range(1, 13)
    )


def _pictures() -> tuple[Picture, ...]:
    def table(rows: int, cells: Callable[[int], tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
        return tuple(cells(n) for n in range(rows))

    return (
        Picture(
            "persons_by_month",
            "Persons over time",
            "Persons by the month in which they come under observation.",
            "bars",
            ("month", "persons"),
            table(24, lambda n: (f"{2024 + n // 12}-{n % 12 + 1:02}", (n * 5) % 11)),
            "month",
            "persons",
            None,
            ("persons",),
        ),
        Picture(
            "age_sex",
            "Age and sex",
            "Persons by age in years, and by sex.",
            "stacked bars",
            ("age", "sex", "persons"),
            table(14, lambda n: (f"{n // 2 * 10 + 20}-{n // 2 * 10 + 29}", ("female", "male")[n % 2], 2 + n * 3 % 13)),
            "age",
            "persons",
            "sex",
            ("persons",),
        ),
        Picture(
            "visits",
            "Visits against the schedule",
            "Treated persons with a visit of this name.",
            "bars",
            ("visit", "week", "persons", "of"),
            table(12, lambda n: (f"Cycle {n + 1} day 1" if n else "Screening visit", n * 4, 60 - n * 5, 64 - n * 4)),
            "visit",
            "persons",
            None,
            ("persons", "of"),
        ),
        Picture(
            "ae_grades",
            "Adverse events by grade",
            "Adverse events by CTCAE grade, serious or not.",
            "stacked bars",
            ("grade", "serious", "events"),
            table(10, lambda n: (f"grade {n // 2 + 1}", ("no", "yes")[n % 2], (60 - n * 5) // (1 + n % 2))),
            "grade",
            "events",
            "serious",
            ("events",),
        ),
        Picture(
            "response",
            "Response by week",
            "Assessments by week and response.",
            "stacked bars",
            ("week", "response", "assessments"),
            table(24, lambda n: (n // 4 * 8, ("CR", "PR", "SD", "PD")[n % 4], 14 - n // 4 * 2 + n % 3)),
            "week",
            "assessments",
            "response",
            ("assessments",),
        ),
        Picture(
            "line",
            "Persons in follow-up",
            "A line, two series.",
            "line",
            ("week", "arm", "persons"),
            table(20, lambda n: (n // 2 * 8, ("treated", "all")[n % 2], 40 - n * 2 + 8 * (n % 2))),
            "week",
            "persons",
            "arm",
            ("persons",),
        ),
    )


def _comparison() -> Comparison:
    return Comparison(
        at="2026-06-01T09:00:00+00:00",
        by="Kari Nordmann",
        counts=(
            Counted("persons", "persons", 28, 32),
            Counted("sites", "sites", 6, 6),
            Counted("form", "AE", 132, 149),
            Counted("form", "LAB", 800, 760),
            Counted("table", "cdm.measurement", 3900, 4047),
            Counted("table", "cdm.death", 23, 23),
            Counted("map", "impress_eq5d", None, 12),
            Counted("column", "AE.AESER2", 40, None),
        ),
        persons_appeared=4,
        persons_vanished=1,
        code_lists=(Counted("column", "AE.AETERM", 2, 11), Counted("column", "CM.CMROUTE", 0, 1)),
        checks_failing=("oncology.progression_needs_growth",),
        checks_mended=("field_isrequired_person_person_id",),
        changed=(
            "The vocabulary was v5.0 28-FEB-26 and is v5.0 31-AUG-26.",
            "3 maps have changed: impress_death, impress_ecog, visit.",
        ),
    )
