"""DRUP to the shared variables and OMOP, checked by another way: the raw table read with csv and datetime.

Two exports: a clean one of 80 patients, as text and as a workbook, and the messy example that is shipped.
"""

from __future__ import annotations

import calendar
import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from omopify.conversion.run import Options, run
from omopify.conversion.vocabulary import find_vocabulary
from omopify.errors import Problems
from omopify.progress import silent
from omopify.specs.project import load_project
from omopify.synthetic import write_export
from omopify.testing.run import run_tests
from tests.converted import example, made_up

ROOT = Path(__file__).parents[2]
MISSING = {"", "na", "n/a", "nk", "null", "unknown", "none"}
CRITERIA = {"recist 1.1": "recist", "irecist": "irecist", "rano": "rano"}
RESPONSES = ("CR", "PR", "SD", "PD", "NE", "iCR", "iPR", "iSD", "iUPD", "iCPD", "iNE")
KINDS = {
    "chemotherapy": ("PT_chemotherapy_YN", "PT_chemo_end_date"),
    "radiotherapy": ("PT_radiotherapy_YN", "PT_radiotherapy_end_date"),
    "immunotherapy": ("PT_immunotherapy_YN", "PT_immunotherapy_end_date"),
    "hormonal therapy": ("PT_hormonaltherapy_YN", "PT_hormonaltherapy_end_date"),
    "targeted therapy": ("PT_targetedtherapy_YN", "PT_targetedtherapy_end_date"),
}

# What belongs to the rows of one list: an event, a medication, an assessment. All else is the patient's.
LISTED = ("AE_grade", "CTCAE_term", "AE_start_date", "AE_end_date", "SAE", "AE_related", "Concominant_")
ASSESSED = ("Type_tumour_assessment", "Baseline_evaluation", "Event_date_", "Change_from_", "Response_assessment")

Row = dict[str, Any]


@dataclass
class Case:
    """An export, what was made of it, and the raw rows by subject."""

    rows: list[Row]
    database: duckdb.DuckDBPyConnection
    subjects: dict[str, list[Row]] = field(default_factory=dict)

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        return self.database.execute(text).fetchall()

    def recorded(self, table: str, *columns: str) -> Counter[tuple[Any, ...]]:
        """Return rows of a shared table that maps of DRUP wrote, without those that shared rules derived."""
        named = ", ".join(f'"{column}"' for column in columns)
        has_basis = self.sql(f"SELECT 1 FROM duckdb_columns() WHERE table_name = '{table}' AND column_name = 'basis'")
        where = " WHERE basis = 'recorded'" if has_basis else ""
        return Counter(self.sql(f"SELECT {named} FROM dsp.{table}{where}"))


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=";")
        names = next(reader)
        return [
            {n: (None if c.strip().lower() in MISSING else c.strip()) for n, c in zip(names, cells, strict=True)}
            for cells in reader
        ]


def convert(folder: Path, data: str = "data", *, to_omop: bool = True) -> duckdb.DuckDBPyConnection:
    (folder / "omopify.yaml").write_text(
        f"mappings: drup\ndata: {data}\nout: out_{data}\nvocabulary: [starter, demo_restricted]\n"
    )
    problems = Problems()
    project = load_project(folder, problems)
    problems.stop_if_errors()
    assert project is not None
    if not to_omop:
        own = tuple(loaded for loaded in project.pack.maps if loaded.spec.map.startswith("drup_"))
        project = replace(project, pack=replace(project.pack, maps=own))
    result = run(project, Options(), problems, silent)
    return duckdb.connect(str(result.out / "omop.duckdb"), read_only=True)


@pytest.fixture(scope="module", params=["clean", "messy"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    clean = request.param == "clean"
    folder = made_up(tmp_path_factory, "drup", 80) if clean else example(tmp_path_factory, "drup")
    database = duckdb.connect(str(folder / "out" / "omop.duckdb"), read_only=True)
    made = Case(read(folder / "data" / "SYNTHETIC_DRUP.csv"), database)
    for row in made.rows:
        if row["ID"]:
            made.subjects.setdefault(row["ID"], []).append(row)
    yield made
    made.database.close()


def full(text: str | None) -> date | None:
    """Read 31-12-2021 or 2021-12-31, with or without a time behind it."""
    found = re.fullmatch(
        r"(?:(\d{1,2})-(\d{1,2})-(\d{4})|(\d{4})-(\d{1,2})-(\d{1,2}))(?:[T ]\d{1,2}:\d{2}.*)?", text or ""
    )
    if not found:
        return None
    d, m, y = found.group(1, 2, 3) if found[3] else found.group(6, 5, 4)
    try:
        return date(int(y), int(m), int(d)) if 1800 <= int(y) < 2200 else None
    except ValueError:
        return None


def day(text: str | None, rule: str) -> date | None:
    """Read a date; fill one whose day, or day and month, is 00 by the rule."""
    known = full(text)
    unknown = r"(?:00|NK|UN|UNK|UK|ND|NA|XX|-+)"
    found = re.fullmatch(rf"(?:{unknown}-)?(?:(\d{{1,2}}|{unknown})-)?(\d{{4}})", text or "", re.I)
    other = re.fullmatch(rf"(\d{{4}})-(\d{{1,2}}|{unknown})(?:-{unknown})?", text or "", re.I)
    if known or not (found or other):
        return known
    year, named = (int(found[2]), found[1]) if found else (int(other[1]), other[2])  # type: ignore[index]
    month = int(named) if (named or "").isdigit() and int(named or 0) else None
    if not 1800 <= year < 2200 or (month and month > 12):
        return None
    if rule == "earliest":
        return date(year, month or 1, 1)
    month = month or 12
    return date(year, month, calendar.monthrange(year, month)[1])


def number(text: str | None) -> float | None:
    """Read a number with a decimal comma; one with a point is not read, since nobody can say what it means."""
    return float(text.replace(",", ".")) if text and re.fullmatch(r"[+-]?\d+(,\d*)?", text) else None


def yes(text: str | None) -> bool | None:
    return {"yes": True, "no": False}.get((text or "").lower())


def first(rows: list[Row], column: str, read: Callable[[str | None], Any] = lambda text: text) -> Any:
    """Return what the first of a patient's rows that has it says."""
    return next((value for row in rows if (value := read(row[column])) is not None), None)


def one_each(case: Case, *columns: Callable[[list[Row]], Any]) -> Counter[tuple[Any, ...]]:
    """Return a row for each subject of which not all values are empty."""
    made = {subject: tuple(column(rows) for column in columns) for subject, rows in case.subjects.items()}
    return Counter((subject, *values) for subject, values in made.items() if any(v is not None for v in values))


def start(rows: list[Row]) -> date | None:
    return first(rows, "Treatment_start", full)


def death(rows: list[Row]) -> date | None:
    return first(rows, "Death", full) or first(rows, "Death", lambda text: day(text, "latest"))


def distinct(case: Case, columns: tuple[str, ...]) -> Iterator[tuple[str, list[Row], Row]]:
    """Yield the rows of a group of columns, those that stand there twice once."""
    for subject, rows in case.subjects.items():
        seen = set()
        for row in rows:
            cells = tuple(row[column] for column in columns)
            if any(cells) and cells not in seen:
                seen.add(cells)
                yield subject, rows, row


def shared_tables(database: duckdb.DuckDBPyConnection) -> dict[str, Counter[str]]:
    """Return the rows of all shared tables, without where they stand in the export."""
    tables = database.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'dsp'").fetchall()
    return {
        table: Counter(map(str, database.execute(f"SELECT * EXCLUDE (_file, _row) FROM dsp.{table}").fetchall()))
        for (table,) in tables
    }


def test_every_patient_is_a_subject_with_a_year_of_birth_from_the_age(case: Case) -> None:
    def birth_year(rows: list[Row]) -> int | None:
        begun, age = start(rows), first(rows, "Age", number)
        assert begun
        # A year and a half of months before the start: age + 1/2 years.
        months = begun.year * 12 + begun.month - 1 - int(age) * 12 - 6
        return months // 12

    def sex(rows: list[Row]) -> str | None:
        return {"m": "male", "f": "female"}.get((first(rows, "Sex") or "").lower())

    assert case.recorded("subject", "subject_id", "sex", "birth_year") == one_each(case, sex, birth_year)
    assert set(case.sql("SELECT birth_year_basis, birth_date FROM dsp.subject")) == {("age", None)}
    ages = one_each(case, lambda rows: int(first(rows, "Age", number)), start)
    assert case.recorded("age", "subject_id", "age", "at") == ages
    (persons,) = case.sql("SELECT count(*), min(year_of_birth) > 1900 FROM cdm.person")
    assert persons == (len(case.subjects), True)


def test_what_is_repeated_on_all_rows_of_a_patient_is_one_row(case: Case) -> None:
    last_dose = lambda rows: first(rows, "Treatment_end_last_dose", full)  # noqa: E731
    types = {"oral": "oral", "iv": "iv", "oral + iv": "oral and iv"}
    assert case.recorded(
        "treatment",
        "subject_id",
        "start_date",
        "end_date",
        "days_treated",
        "number_of_cycles",
        "type",
        "dose_delivered",
    ) == one_each(
        case,
        start,
        last_dose,
        lambda rows: first(rows, "Days_treated", number),
        lambda rows: first(rows, "Number_of_cyles", number),
        lambda rows: types.get((first(rows, "Treatment_type") or "").lower()),
        lambda rows: first(rows, "Dose_delivered"),
    )
    decided = lambda rows: first(rows, "Treatment_end", full)  # noqa: E731
    ended = case.recorded("end_of_treatment", "subject_id", "last_dose_date", "recorded_date")
    assert ended == one_each(case, last_dose, decided)
    assert case.recorded("death", "subject_id", "date") == one_each(case, death)
    lost = one_each(case, lambda rows: first(rows, "Lost_to_follow_up", lambda text: day(text, "earliest")))
    assert case.recorded("follow_up", "subject_id", "last_known_alive") == lost
    entered = case.sql("SELECT subject_id, date FROM dsp.milestone WHERE milestone = 'entered'")
    assert Counter(entered) == one_each(case, start)
    benefit = one_each(case, lambda rows: yes(first(rows, "Clinical_benefit")))
    assert case.recorded("disease_control", "subject_id", "disease_control") == benefit
    assert set(case.sql("SELECT week FROM dsp.disease_control WHERE rule = 'trial'")) == {(16,)}
    assert case.recorded("evaluability", "subject_id", "evaluable") == one_each(
        case, lambda rows: yes(first(rows, "Evaluability"))
    )
    assert case.recorded("adverse_event_summary", "subject_id", "any_event", "number_of_events") == one_each(
        case, lambda rows: yes(first(rows, "AE_event")), lambda rows: first(rows, "AE_total", number)
    )


def test_ecog_has_the_day_of_the_start_and_says_who_is_eligible(case: Case) -> None:
    expected = Counter(
        (subject, int(grade), grade <= 2, start(rows))
        for subject, rows in case.subjects.items()
        if (grade := first(rows, "WHO", number)) is not None
    )
    assert case.recorded("ecog", "subject_id", "grade", "eligible", "date") == expected
    assert {grade for _, grade, _, _ in expected} >= {0, 1, 2}


def test_drugs_of_a_combination_are_numbered_by_their_place(case: Case) -> None:
    expected: Counter[tuple[Any, ...]] = Counter()
    for subject, rows in case.subjects.items():
        for place, drug in enumerate(first(rows, "StudyTreatment").split("+"), 1):
            expected[subject, first(rows, "CohortName"), place, drug.strip()] += 1
    assert case.recorded("study_drug", "subject_id", "cohort_name", "drug_number", "drug") == expected
    assert {place for _, _, place, _ in expected} == {1, 2}


def test_each_kind_of_previous_treatment_is_a_row(case: Case) -> None:
    expected: Counter[tuple[Any, ...]] = Counter()
    for subject, rows in case.subjects.items():
        marked = False
        for kind, (given, end) in KINDS.items():
            if yes(first(rows, given)):
                expected[subject, kind, None, first(rows, end, lambda text: day(text, "latest"))] += 1
                marked = True
        begun, ended = first(rows, "PT_start_date"), first(rows, "PT_end_date")
        if not marked and (begun or ended):
            expected[subject, "other", day(begun, "earliest"), day(ended, "latest")] += 1
    assert case.recorded("previous_treatment", "subject_id", "kind", "start_date", "end_date") == expected
    assert {kind for _, kind, _, _ in expected} >= {"chemotherapy", "radiotherapy", "other"}


def test_each_adverse_event_is_a_row_of_ctcae_4_03(case: Case) -> None:
    columns = ("CTCAE_term", "AE_grade", "AE_start_date", "AE_end_date", "SAE")
    expected: Counter[tuple[Any, ...]] = Counter()
    rejected = 0
    for subject, rows, row in distinct(case, columns):
        begun, end = day(row["AE_start_date"], "earliest"), day(row["AE_end_date"], "latest")
        died, serious = death(rows), yes(row["SAE"])
        if not begun or not row["CTCAE_term"]:
            rejected += 1
            continue
        at_death = not row["AE_end_date"] and serious and died and begun <= died
        if end and not full(row["AE_end_date"]) and end < begun:
            end = begun
        expected[
            subject, row["CTCAE_term"], number(row["AE_grade"]), begun, died if at_death else end, serious, "4.03"
        ] += 1
    fields = ("subject_id", "term", "grade", "start_date", "end_date", "serious", "ctcae_version")
    assert case.recorded("adverse_event", *fields) == expected
    found = case.sql("SELECT count(*) FROM audit.rejects WHERE map = 'drup_adverse_event'")
    assert found == [(rejected,)]


def test_a_relation_belongs_to_the_drug_of_its_place(case: Case) -> None:
    shared = {"unrelated": "not related", "unlikely": "unknown", "possible": "unknown", "related": "related"}
    expected: Counter[tuple[Any, ...]] = Counter()
    columns = ("CTCAE_term", "AE_grade", "AE_start_date", "AE_related_to_treatment1", "AE_related_to_treatment2")
    for subject, rows, row in distinct(case, columns):
        drugs = [drug.strip() for drug in first(rows, "StudyTreatment").split("+")]
        if row["CTCAE_term"] and day(row["AE_start_date"], "earliest"):
            for place in (1, 2):
                if relation := row[f"AE_related_to_treatment{place}"]:
                    drug = drugs[place - 1] if place <= len(drugs) else None
                    expected[subject, row["CTCAE_term"], place, drug, shared.get(relation.lower()), relation] += 1
    found = case.sql(
        "SELECT r.subject_id, e.term, r.drug_number, r.drug, r.relation, r.relation_recorded "
        "FROM dsp.adverse_event_relation AS r JOIN dsp.adverse_event AS e USING (subject_id, adverse_event_id)"
    )
    assert Counter(found) == expected


def test_each_medication_is_a_row(case: Case) -> None:
    columns = ("Concominant_medication", "Concominant_start_date", "Concominant_end_date", "Concominant_indication")
    expected: Counter[tuple[Any, ...]] = Counter()
    for subject, _, row in distinct(case, (*columns, "Concominant_ongoing")):
        begun, end = day(row[columns[1]], "earliest"), day(row[columns[2]], "latest")
        if row[columns[0]]:
            ongoing = yes(row["Concominant_ongoing"])
            expected[subject, row[columns[0]], begun, end, row[columns[3]], ongoing] += 1
    fields = ("subject_id", "name", "start_date", "end_date", "indication", "ongoing")
    assert case.recorded("concomitant_medication", *fields) == expected


def test_each_assessment_is_a_row_of_its_criteria(case: Case) -> None:
    columns = ("Type_tumour_assessment", "Event_date_assessment", "Change_from_baseline", "Change_from_minimum")
    expected: Counter[tuple[Any, ...]] = Counter()
    for subject, _, row in distinct(case, (*columns, "Response_assessment")):
        when = day(row["Event_date_assessment"], "earliest")
        if when and row["Type_tumour_assessment"]:
            criterion = CRITERIA[row["Type_tumour_assessment"].lower()]
            response = next((r for r in RESPONSES if r.lower() == (row["Response_assessment"] or "").lower()), None)
            progression = when if response == "PD" and criterion != "irecist" else None
            changes = number(row["Change_from_baseline"]), number(row["Change_from_minimum"])
            expected[subject, criterion, when, number(row["Baseline_evaluation"]), *changes, response, progression] += 1
    fields = ("criterion", "date", "baseline_sum", "change_from_baseline", "change_from_nadir", "response")
    assert case.recorded("tumour_assessment", "subject_id", *fields, "progression_date") == expected
    sums: Counter[tuple[Any, ...]] = Counter()
    for subject, rows in case.subjects.items():
        for name in {row["Type_tumour_assessment"] for row in rows} - {None}:
            of_name = [row for row in rows if row["Type_tumour_assessment"] == name]
            sums[subject, CRITERIA[name.lower()], first(of_name, "Baseline_evaluation", number)] += 1
        total = first(rows, "Baseline_evaluation", number)
        if first(rows, "Type_tumour_assessment") is None and total:
            sums[subject, None, total] += 1
    assert case.recorded("baseline_tumour_assessment", "subject_id", "criterion", "target_sum") == sums


def test_both_best_responses_are_kept_apart(case: Case) -> None:
    expected: Counter[tuple[Any, ...]] = Counter()
    for subject, rows in case.subjects.items():
        for column, rule in (("Best_overall_response_BOR", "trial"), ("Best_overall_response_Ra", "trial-radiology")):
            if best := first(rows, column):
                expected[subject, rule, best] += 1
    assert case.recorded("best_overall_response", "subject_id", "rule", "response") == expected
    assert {rule for _, rule, _ in expected} == {"trial", "trial-radiology"}


def test_every_column_is_decided_and_every_row_is_accounted_for(case: Case) -> None:
    (columns,) = case.sql("SELECT count(*), count(*) FILTER (decision = 'undecided') FROM audit.columns")
    assert columns == (63, 0)
    without = sum(1 for row in case.rows if not row["ID"])
    filtered = case.sql("SELECT rows FROM audit.filters WHERE map = 'drup_subject' AND filter = 'has_patient'")
    assert filtered == [(without,)]
    assert without


def test_nothing_is_left_out_without_a_reason(case: Case, request: pytest.FixtureRequest) -> None:
    where = "WHERE map LIKE 'drup%'"
    rejects = case.sql(f"SELECT map, field, reason FROM audit.rejects {where}")
    issues = case.sql(f"SELECT map, field, reason FROM audit.value_issues {where}")
    if "clean" in request.node.name:
        assert rejects == []
        assert issues == []
    else:
        assert rejects
        assert {name for name, _, _ in rejects} <= {
            "drup_adverse_event",
            "drup_adverse_event_relation",
            "drup_concomitant_medication",
            "drup_tumour_assessment",
        }
        assert any(reason == "differs from the row that is kept" for _, _, reason in issues)


def test_omop_has_the_events_of_the_table(case: Case) -> None:
    """What the shared maps make of these rows is tested beside them; here, that nothing of DRUP stays behind."""
    grades = case.sql(
        "SELECT value_as_number, qualifier_source_value, count(*) FROM cdm.observation "
        "WHERE observation_concept_id IN (763790, 765927, 763791, 765765, 765766) GROUP BY ALL"
    )
    known = case.sql(
        "SELECT grade, ctcae_version, count(*) FROM dsp.adverse_event WHERE grade IS NOT NULL GROUP BY ALL"
    )
    assert Counter(grades) == Counter(known)
    statuses = "SELECT count(*) FROM cdm.measurement WHERE measurement_concept_id = 36305384"
    assert case.sql(statuses) == case.sql("SELECT count(*) FROM dsp.ecog")
    tumours = case.sql(
        "SELECT count(*) FROM cdm.condition_occurrence "
        "WHERE condition_source_value IN (SELECT icd10_code FROM dsp.tumour_type)"
    )
    assert tumours == case.sql("SELECT count(*) FROM dsp.tumour_type WHERE icd10_code IS NOT NULL")
    assert case.sql("SELECT count(*) FROM cdm.death") == case.sql("SELECT count(*) FROM dsp.death")
    assert case.sql("SELECT count(*) FROM cdm.observation_period") == [(len(case.subjects),)]


def test_terms_of_ctcae_4_03_have_the_concepts_of_5_0(case: Case) -> None:
    """The version stands with the grade; the term alone leads to the concept, by the list that all trials share."""
    path = ROOT / "mappings" / "prime_rose" / "concepts" / "ctcae_terms.csv"
    with path.open(encoding="utf-8") as text:
        decided = {
            row["sourceName"].lower(): int(row["conceptId"])
            for row in csv.DictReader(text)
            if row["mappingStatus"] == "APPROVED" and row["conceptId"] != "0"
        }
    found = dict(case.sql("SELECT DISTINCT condition_source_value, condition_concept_id FROM cdm.condition_occurrence"))
    terms = {row["CTCAE_term"] for row in case.rows if row["CTCAE_term"] and row["CTCAE_term"] in found}
    known = {term for term in terms if term.lower() in decided}
    assert {term: found[term] for term in known} == {term: decided[term.lower()] for term in known}
    assert len(known) >= 20


def test_a_workbook_gives_the_same_as_a_text_file(tmp_path: Path) -> None:
    write_export("drup", tmp_path / "text", 40, 11)
    write_export("drup", tmp_path / "book", 40, 11, format="xlsx")
    with convert(tmp_path, "text", to_omop=False) as text, convert(tmp_path, "book", to_omop=False) as book:
        expected = shared_tables(text)
        assert shared_tables(book) == expected
        assert sum(map(bool, expected.values())) >= 20


def test_what_is_repeated_may_stand_on_any_one_of_a_patients_rows(tmp_path: Path) -> None:
    """Each of the patient's values is left on one row alone, on another row for each column: nothing changes."""
    write_export("drup", tmp_path / "all", 60, 5)
    with (tmp_path / "all" / "SYNTHETIC_DRUP.csv").open(encoding="utf-8-sig", newline="") as text:
        names, *rows = csv.reader(text, delimiter=";")
    subjects: dict[str, list[list[str]]] = {}
    for cells in rows:
        if cells[names.index("ID")].lower() not in MISSING:
            subjects.setdefault(cells[names.index("ID")], []).append(cells)
    emptied = 0
    for of_subject in subjects.values():
        for place, name in enumerate(names):
            if name not in ("ID", "Trial") and not name.startswith((*LISTED, *ASSESSED)):
                for nth, cells in enumerate(of_subject):
                    if nth != place % len(of_subject):
                        cells[place] = ""
                        emptied += 1
    (tmp_path / "once").mkdir()
    with (tmp_path / "once" / "SYNTHETIC_DRUP.csv").open("w", encoding="utf-8", newline="") as text:
        csv.writer(text, delimiter=";").writerows([names, *rows])
    assert emptied > 5000
    with convert(tmp_path, "all", to_omop=False) as one, convert(tmp_path, "once", to_omop=False) as other:
        expected, found = shared_tables(one), shared_tables(other)
        assert found == expected
        assert sum(map(bool, expected.values())) >= 20
        assert other.execute("SELECT count(*) FROM audit.rejects").fetchall() == [(0,)]


def test_the_list_of_columns_is_that_of_the_consortium() -> None:
    with (ROOT / "mappings" / "drup" / "columns.csv").open(encoding="utf-8") as text:
        columns = [row["column"] for row in csv.DictReader(text)]
    assert len(columns) == len(set(columns)) == 63
    # Their spelling, which is not ours to mend.
    assert {"patient ID", "Number_of_cyles", "Concominant_medication", "PT_chemo_end_date"} <= set(columns)


def test_the_tests_beside_the_maps_pass() -> None:
    problems = Problems()
    project = load_project(ROOT / "examples" / "drup", problems)
    problems.stop_if_errors()
    assert project is not None
    maps = tuple(loaded for loaded in project.pack.maps if loaded.spec.map.startswith("drup_"))
    report = run_tests(replace(project.pack, maps=maps), find_vocabulary(project, problems), problems)
    problems.stop_if_errors()
    assert [f"{o.map}: {o.name}: {o.differences}" for o in report.failed] == []
    assert report.untested == ()
    assert len(report.outcomes) == sum(len(loaded.spec.tests) for loaded in maps)
