"""Drafts: what is proposed for the tutorial's export, and that a draft of any export passes the check and runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from omopify.cli.checking import Checker
from omopify.conversion.vocabulary import find_vocabulary
from omopify.drafting.precedents import Shipped, uses
from omopify.drafting.trialtext import Sources, date_format
from omopify.drafting.writing import Draft, draft, trial_name, write_drafts, write_files
from omopify.errors import OmopifyError, Problems
from omopify.scanning.discovering import ScanOptions
from omopify.scanning.model import DateFormat, Form, Scan
from omopify.scanning.scan import scan_export
from omopify.specs.project import load_pack, load_project
from omopify.specs.reading import Reader
from omopify.testing.run import Options, run_project_tests
from tests.drafting import heron as generator
from tests.drafting.conftest import EXAMPLES
from tests.drafting.odd import write_mutated, write_odd, write_sdtm

PROJECT = "mappings: maps\ndata: {data}\nvocabulary: [starter, demo_restricted]\n"

EXPECTED = {
    "adverse_event": {
        "term": "tox_term",
        "grade": "tox_grade",
        "start_date": "tox_onset",
        "end_date": "tox_resolved",
        "serious": "sae_yn",
        "serious_date": "sae_onset",
        "outcome": "tox_outcome",
    },
    "biomarker": {"target_name": "gene", "target_mutation": "alteration", "category": "biomarker_class"},
    "cohort_allocation": {"cohort_name": "cohort", "allocation_date": "alloc_dt"},
    "concomitant_medication": {
        "name": "med_name",
        "indication": "med_indication",
        "start_date": "med_start",
        "end_date": "med_stop",
        "ongoing": "med_ongoing",
    },
    "death": {"date": "dod"},
    "ecog": {"grade": "who_ps", "date": "ps_dt"},
    "end_of_treatment": {"last_dose_date": "last_dose_dt", "reason": "off_reason", "progression_date": "pd_dt"},
    "follow_up": {"status": "vital_status", "last_known_alive": "last_contact_dt"},
    "milestone": {"date": "consent_dt"},
    "previous_treatment": {"line": "therapy_line", "specification": "regimen", "start_date": "prior_start"},
    "subject": {"sex": "gender", "birth_date": "dob", "site": "redcap_data_access_group"},
    "treatment_cycle": {"cycle_number": "cycle_no", "start_date": "cycle_start", "dose": "dose", "type": "admin_route"},
    "tumour_assessment": {"date": "scan_dt", "response": "overall_response", "new_lesion": "new_lesions"},
    "tumour_type": {"icd10_code": "icd10", "icd10_text": "icd10_descr", "main_tumour_type": "primary_tumour"},
}
"""What a person who knows the form would write; the generator says what each column holds."""


@pytest.fixture(scope="module")
def drafted(heron: Scan, packs: Shipped) -> Draft:
    return draft(heron, "heron", name="HERON", edc="REDCap", packs=packs)


def test_the_example_is_what_its_generator_writes(tmp_path):
    generator.write(tmp_path)
    kept = EXAMPLES / "heron" / "data"
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        p.name: p.read_bytes() for p in kept.iterdir() if p.name != ".gitattributes"
    }
    assert "SYNTHETIC" in (kept / "README.txt").read_text()


def test_the_columns_of_the_example_become_the_right_variables(drafted: Draft, tmp_path: Path):
    write_files(tmp_path, drafted.files, Problems())
    pack = load_pack(tmp_path, Problems())
    assert pack
    found = {(use.table, use.field): use.column for use in uses(pack)}
    for table, fields in EXPECTED.items():
        assert {field: found.get((table, field)) for field in fields} == fields
    assert pack.trial.sources["defaults"].decimal == ","
    assert pack.sources["toxicity"].dates[0] == "%d-%m-%Y"
    assert {"record_id", "dob"} <= set(pack.trial.identifiers)


def test_every_line_has_its_reason_and_what_is_open_says_so(drafted: Draft):
    text = drafted.files["heron_adverse_event.yaml"]
    assert "# its name says 'start date'; it holds dates" in text
    assert "Resolved: recovered" in text
    assert "# ctcae_version: ???  # version of CTCAE" in text
    assert "#   tox_action___2: " in text
    assert "adverse_event_relation.action (0." in text  # the right one, but a box that is ticked is no text
    slots = drafted.files["heron_adverse_event_relation.yaml"]
    assert 'relation_n: "rel_drug_{n}"' in slots
    assert "drug_number: slot" in slots
    assert "# Assumed, look at these first: date, date_basis." in drafted.files["heron_tumour_type.yaml"]


def test_no_value_of_few_rows_and_none_of_an_identifier_is_told(drafted: Draft, heron: Scan):
    text = "\n".join(drafted.files.values())
    assert "Improved" not in text  # the outcome of one event
    assert "11-001" not in text
    assert "Afipran" not in text


def test_a_draft_is_the_same_twice(heron: Scan, packs: Shipped, drafted: Draft):
    assert draft(heron, "heron", name="HERON", edc="REDCap", packs=packs).files == drafted.files


def test_nothing_is_written_over_and_then_nothing_is_written(heron: Scan, tmp_path: Path):
    (tmp_path / "columns.csv").write_text("mine")
    with pytest.raises(OmopifyError) as stopped:
        write_drafts(heron, tmp_path, "heron", Problems())
    assert [p.code for p in stopped.value.problems] == ["OM910"]
    assert [p.name for p in tmp_path.iterdir()] == ["columns.csv"]


def test_a_table_that_lacks_something_is_written_apart(heron: Scan, packs: Shipped):
    forms = {form.name: form for form in heron.forms}
    kept = [c for c in forms["toxicity"].columns if c.name not in ("tox_onset", "tox_resolved", "sae_onset")]
    made = draft(replace(heron, forms=(replace(forms["toxicity"], columns=tuple(kept)),)), "heron", packs=packs)
    assert "heron_adverse_event" in made.not_yet
    text = made.files["not_yet/heron_adverse_event.txt"]
    assert "NOT IN USE: dsp.adverse_event cannot be filled without start_date." in text
    assert "# start_date: ???" in text


def test_a_table_in_which_rows_are_found_by_name_is_filled_by_one_form_only(heron: Scan, packs: Shipped):
    form = next(form for form in heron.forms if form.name == "enrolment")
    again = replace(form, name="again", file="again.csv", columns=form.columns[:4])
    made = draft(replace(heron, forms=(again, form)), "heron", packs=packs)
    text = made.files["not_yet/heron_subject.txt"]
    assert "from: again" in text
    assert "NOT IN USE: the form enrolment fills dsp.subject already." in text
    assert "from: enrolment" in made.files["heron_subject_enrolment.yaml"]


def test_a_row_that_other_maps_find_by_its_number_has_that_number_as_its_key(heron: Scan, packs: Shipped):
    form = next(form for form in heron.forms if form.name == "toxicity")
    bare = replace(form, keys=(), columns=tuple(c for c in form.columns if c.name != "redcap_repeat_instance"))
    text = draft(replace(heron, forms=(bare,)), "heron", packs=packs).files["heron_adverse_event.yaml"]
    number = "concat(tox_term, ' / ', coalesce(text(date(tox_onset)), tox_onset))"
    assert f'key: [record_id, "{number}"]' in text
    assert f'adverse_event_id: "{number}"' in text


def test_visits_come_from_the_forms_that_name_one_and_have_a_day(drafted: Draft):
    text = drafted.files["heron_visit.yaml"]
    assert "heron_visit" in drafted.in_use
    assert "union: [dsp.ecog, dsp.tumour_assessment]" in text
    assert "per: [subject_id, event_id]" in text
    assert "dsp.visit" not in drafted.files["heron_observation_window.yaml"]  # its days are those of the two above


def _form(form: Form, name: str, **names: str) -> Form:
    """Return a form under another name, some of its columns, too."""
    columns = tuple(replace(c, name=names.get(c.name, c.name), label="") for c in form.columns)
    return replace(form, name=name, file=f"{name}.csv", columns=columns, keys=())


def test_a_form_of_visits_is_used_and_names_of_visits_that_it_cannot_know_are_not(heron: Scan, packs: Shipped):
    forms = {form.name: form for form in heron.forms}
    visits = _form(forms["performance"], "visits", ps_dt="visit_date", who_ps="visit_mode")
    status = _form(forms["performance"], "performance", redcap_event_name="visit_label")
    made = draft(replace(heron, forms=(visits, status, forms["response"])), "heron", packs=packs)
    text = made.files["heron_visit.yaml"]
    assert "from: visits" in text
    assert "per: [record_id, redcap_event_name]" in text
    assert "order: [date(visit_date), _row]" in text
    assert "key: [record_id, redcap_event_name]" in text
    assert "# event_id: ???" in made.files["heron_ecog.yaml"]
    assert "event_id: redcap_event_name" in made.files["heron_tumour_assessment.yaml"]


def test_without_a_name_of_a_visit_there_are_no_visits(heron: Scan, packs: Shipped):
    form = next(form for form in heron.forms if form.name == "performance")
    bare = replace(form, keys=(), columns=tuple(c for c in form.columns if c.name != "redcap_event_name"))
    made = draft(replace(heron, forms=(bare,)), "heron", packs=packs)
    assert "heron_ecog" in made.in_use
    assert not any("dsp.visit" in text for text in made.files.values())


@pytest.mark.parametrize(
    ("seen", "read_as"),
    [
        ("UNK-UNK-%Y", "%d-%m-%Y"),
        ("00.00.%Y", "%d.%m.%Y"),
        ("%Y-NK-NK", "%Y-%m-%d"),
        ("UNK-%m-%Y", "%d-%m-%Y"),
        ("%Y-%m-%dT%H:%M", "%Y-%m-%d"),
        ("%Y", ""),
    ],
)
def test_a_date_of_unknown_parts_is_read_by_the_format_of_its_order(seen: str, read_as: str):
    assert date_format(seen) == read_as


def test_a_few_dates_of_another_order_bring_a_format(heron: Scan):
    """No subject is lost because its date of birth is UNK-UNK-1957 where all others are 1957-03-12."""
    form = next(form for form in heron.forms if form.name == "enrolment")
    few = (DateFormat("%Y-%m-%d", 25, "day"), DateFormat("UNK-UNK-%Y", None, "year"))
    months = (DateFormat("%d-%b-%Y", 25, "day"), DateFormat("UN-UNK-%Y", 6, "year"))

    def dates(written: tuple[DateFormat, ...]) -> tuple[str, ...]:
        columns = tuple(replace(c, dates=written) for c in form.columns if c.name == "dob")
        return Sources((form,)).dates(replace(form, columns=columns))

    assert dates(few) == ("%Y-%m-%d", "%d-%m-%Y")
    assert dates(months) == ("%d-%b-%Y",)


def test_a_made_up_row_has_another_day_and_another_number_in_each_column(drafted: Draft):
    text = drafted.files["heron_end_of_treatment.yaml"]
    assert "last_dose_dt: 17-05-2024" in text or "last_dose_dt: 18-05-2024" in text
    cycle = drafted.files["heron_treatment_cycle.yaml"]
    rows = [line.split(": ") for line in cycle[cycle.index("given:") : cycle.index("expect:")].splitlines()]
    cells = {row[0].strip(" -"): row[1] for row in rows if len(row) == 2}
    days = [cell for cell in cells.values() if cell.endswith("-05-2024")]
    numbers = [cell for cell in cells.values() if cell.isdigit()]
    assert len(days) == len(set(days)) == 2
    assert len(numbers) == len(set(numbers)) >= 2


def _tested(folder: Path, made: Draft, data: Path) -> tuple[int, list[str]]:
    """Run the drafted tests; return how many there are, and what is wrong."""
    write_files(folder / "maps", made.files, Problems())
    (folder / "omopify.yaml").write_text(PROJECT.format(data=data.as_posix()))
    problems = Problems()
    project = load_project(folder, problems)
    assert project
    report = run_project_tests(project, find_vocabulary(project, problems), problems, Options(made.in_use))
    return len(report.outcomes), [*map(str, report.failed), *map(str, problems.errors)]


def test_the_drafted_tests_pass(drafted: Draft, tmp_path: Path):
    assert _tested(tmp_path, drafted, EXAMPLES / "heron" / "data") == (15, [])


def test_the_drafted_tests_of_an_sdtm_export_pass(tmp_path: Path, packs: Shipped):
    """Numbers of rows (``MHSEQ``) are read as numbers, whatever the column holds."""
    write_sdtm(tmp_path / "data")
    made = draft(scan_export(tmp_path / "data", ScanOptions(), Problems()), "pilot", packs=packs)
    assert "text(number(MHSEQ))" in made.files["pilot_medical_history.yaml"]
    tests, wrong = _tested(tmp_path, made, tmp_path / "data")
    assert (tests >= 3, wrong) == (True, [])


def test_a_form_that_a_run_refuses_is_left_out_and_said(heron: Scan, packs: Shipped):
    form = heron.forms[0]
    columns = (*form.columns, replace(form.columns[1], name=f"{form.columns[1].name.upper()} (column 9)"))
    made = draft(replace(heron, forms=(replace(form, columns=columns), *heron.forms[1:])), "heron", packs=packs)
    assert [p.code for p in made.left_out] == ["OM913"]
    assert f"  {form.name}:" not in made.files["trial.yaml"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("HERON 2", "heron_2"), ("2024 export", "trial_2024_export"), ("Ærø/Å", "aero_a"), ("試験", "trial")],
)
def test_a_short_name_is_made_of_any_text(text, name):
    assert trial_name(text) == name


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.mark.parametrize("seed", range(4))
def test_the_draft_of_any_export_passes_the_check(seed: int, tmp_path: Path, packs: Shipped, reader: Reader):
    (write_mutated if seed else write_odd)(tmp_path / "data", 20261121 + seed)
    scan = scan_export(tmp_path / "data", ScanOptions(), Problems())
    write_files(tmp_path / "maps", draft(scan, "odd", packs=packs).files, Problems())
    (tmp_path / "omopify.yaml").write_text(PROJECT.format(data="data"))
    assert Checker(tmp_path, reader=reader).check().errors == ()


@pytest.mark.parametrize(("trial", "precision", "recall"), [("impress", 0.9, 0.65), ("drup", 0.9, 0.6)])
def test_proposals_for_a_trial_that_is_mapped_are_mostly_those_of_its_maps(
    trial: str, precision: float, recall: float, tmp_path: Path, packs: Shipped, reader: Reader
):
    """The floor below what benchmarks/draft.py measures, with the trial's own pack hidden."""
    scan = scan_export(EXAMPLES / trial / "data", ScanOptions(), Problems())
    write_files(tmp_path / "maps", draft(scan, "unknown", packs=packs, without=[trial]).files, Problems())
    pack, real = load_pack(tmp_path / "maps", Problems()), next(p for p in packs.packs if p.folder.name == trial)
    assert pack
    told, true = (
        {(u.column.casefold(), u.table, u.field) for u in uses(p) if u.field not in ("subject_id", "person_key")}
        for p in (pack, real)
    )
    assert len(told & true) / len(told) > precision
    assert len(told & true) / len(true) > recall
    if trial == "drup":  # the wide table, which is quicker
        (tmp_path / "omopify.yaml").write_text(PROJECT.format(data=(EXAMPLES / trial / "data").as_posix()))
        assert Checker(tmp_path, reader=reader).check().errors == ()
