"""IMPRESS to OMOP, checked by another way: the raw files read with csv and datetime, none of our SQL.

Every row of the result is led back to its line in the export by the lineage, and what it says is compared with
what that line says.  Two exports: a clean one of 200 patients, and the messy example that is shipped.
"""

from __future__ import annotations

import calendar
import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from omopify.conversion.run import Options, run
from omopify.conversion.vocabulary import find_vocabulary
from omopify.errors import Problems
from omopify.progress import silent
from omopify.specs.project import load_project
from omopify.synthetic import write_impress
from omopify.testing.run import Options as Chosen
from omopify.testing.run import run_tests
from tests.converted import example, made_up

ROOT = Path(__file__).parents[2]
MISSING = {"", "na", "n/a", "nk", "null", "unknown", "none"}
EVENTS = ("condition_occurrence", "measurement", "observation", "drug_exposure", "visit_occurrence")
DATES = {
    "condition_occurrence": "condition_start_date",
    "measurement": "measurement_date",
    "observation": "observation_date",
    "drug_exposure": "drug_exposure_start_date",
    "visit_occurrence": "visit_start_date",
}

Row = dict[str, Any]


@dataclass
class Case:
    """An export, what was made of it, and the raw rows by form."""

    forms: dict[str, list[Row]]
    database: duckdb.DuckDBPyConnection
    manifest: dict[str, Any]
    scope: set[str] = field(default_factory=set)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.database.execute(sql).fetchall()

    def dsp(self, table: str, fields: str, where: str = "true") -> Counter[tuple[Any, ...]]:
        """Return these fields of a shared table, each row as often as it is there."""
        return Counter(self.rows(f"SELECT {fields} FROM dsp.{table} WHERE {where}"))

    def traced(self, table: str, name: str, form: str) -> Iterator[tuple[Row, Row]]:
        """Yield the rows that a map wrote to a table from one form, each with its line in the export."""
        key = "person_id" if table in ("person", "death") else f"{table}_id"
        cursor = self.database.execute(
            f"SELECT t.*, l.row AS raw_row, l.file AS raw_file FROM cdm.{table} AS t JOIN audit.lineage AS l "
            f"ON l.table_name = '{table}' AND l.row_id = t.{key} AND l.map = '{name}'"
        )
        names = [d[0] for d in cursor.description]
        raw = {row["_row"]: row for row in self.forms[form]}
        for values in cursor.fetchall():
            row = dict(zip(names, values, strict=True))
            if row["raw_file"].endswith(f"_{form.upper()}.csv"):
                yield row, raw[row["raw_row"]]


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text)
        next(reader)
        names = next(reader)
        rows = []
        for number, cells in enumerate(reader, 3):
            row: Row = {n: (None if c.strip().lower() in MISSING else c.strip()) for n, c in zip(names, cells)}  # noqa: B905
            rows.append(row | {"_row": number})
        return rows


def convert(folder: Path, more: str, also: Sequence[str]) -> Case:
    """Run the maps to the shared tables, and some of those to OMOP."""
    project_file = "mappings: impress\ndata: data\nvocabulary: [starter, demo_restricted]\n" + more
    (folder / "omopify.yaml").write_text(project_file)
    problems = Problems()
    project = load_project(folder, problems)
    problems.stop_if_errors()
    assert project is not None
    maps = tuple(loaded for loaded in project.pack.maps if loaded.spec.to.startswith("dsp.") or loaded.spec.map in also)
    run(replace(project, pack=replace(project.pack, maps=maps)), Options(), problems, silent)
    return opened(folder)


def opened(folder: Path) -> Case:
    out = folder / "out"
    files = sorted((folder / "data").glob("*.csv"))
    forms = {path.stem.rpartition("_")[2].lower(): read(path) for path in files}
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    case = Case(forms, duckdb.connect(str(out / "omop.duckdb"), read_only=True), manifest)
    case.scope = {row["SubjectId"] for row in forms["coh"] if row["COHORTNAME"]}
    return case


@pytest.fixture(scope="module", params=["clean", "messy"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    clean = request.param == "clean"
    made = opened(made_up(tmp_path_factory, "impress", 200) if clean else example(tmp_path_factory, "impress"))
    yield made
    made.database.close()


def full(text: str | None) -> date | None:
    found = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?", text or "")
    try:
        return date(*map(int, found.groups())) if found and 1800 <= int(found[1]) < 2200 else None
    except ValueError:
        return None


def day(text: str | None, rule: str) -> date | None:
    """Read a date by the trial's format; fill a partial one by the rule."""
    known = full(text)
    unknown = r"(?:NK|UN|UNK|UK|ND|NA|XX|-+)"
    found = re.fullmatch(rf"(\d{{4}})(?:-(\d{{1,2}}|{unknown})(?:-(?:\d{{1,2}}|{unknown}))?)?", text or "", re.I)
    if known or not found or not 1800 <= int(found[1]) < 2200:
        return known
    year, month = int(found[1]), int(found[2]) if (found[2] or "").isdigit() else None
    if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", str(text)) or (month is not None and not 1 <= month <= 12):
        return None
    if rule == "earliest":
        return date(year, month or 1, 1)
    month = month or 12
    return date(year, month, calendar.monthrange(year, month)[1])


def whole(text: str | None) -> int | None:
    return int(float(text)) if text and re.fullmatch(r"-?\d+(\.0*)?", text) else None


def number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"[+-]?\d+(\.\d*)?", text) else None


def yes(code: str | None, text: str | None) -> bool | None:
    if whole(code) in (0, 1):
        return whole(code) == 1
    return {"yes": True, "no": False}.get((text or "").lower())


def deaths(case: Case) -> dict[str, date]:
    """Full dates before partial ones, then end of study, follow-up, fatal adverse event, then the file's order."""
    found: dict[str, list[tuple[int, int, int, date]]] = defaultdict(list)
    for rank, (form, column) in enumerate((("eos", "DEATHDTC"), ("fu", "FUPDEDAT"), ("ae", "AEENDAT"))):
        for row in case.forms[form]:
            known = day(row[column], "latest")
            fatal = form != "ae" or (row["AEOUT"] or "").lower() == "fatal"
            if known and fatal and row["SubjectId"] in case.scope:
                found[row["SubjectId"]].append((0 if full(row[column]) else 1, rank, row["_row"], known))
    return {subject: min(rows)[3] for subject, rows in found.items()}


def adverse_events(case: Case) -> tuple[dict[int, Row], Counter[str]]:
    """Return the events that must be there by line, and how many lines are not used, by reason."""
    used: dict[int, Row] = {}
    seen: dict[tuple[str, str], Row] = {}
    lost: Counter[str] = Counter()
    died = deaths(case)
    for row in case.forms["ae"]:
        if row["SubjectId"] not in case.scope:
            lost["filtered"] += 1
            continue
        start = day(row["AESTDAT"], "earliest")
        if not row["AECTCAET"] or not start or whole(row["AESPID"]) is None:
            lost["rejected"] += 1
            continue
        key = (row["SubjectId"], row["AESPID"])
        if key in seen:
            same = {k: v for k, v in row.items() if k != "_row"} == {k: v for k, v in seen[key].items() if k != "_row"}
            lost["deduplicated" if same else "rejected"] += 1
            continue
        seen[key] = row
        end = day(row["AEENDAT"], "latest")
        if end and not full(row["AEENDAT"]):
            end = max(end, start)
        death = died.get(row["SubjectId"])
        over = (row["AEOUT"] or "").lower().startswith("recovered")
        if not row["AEENDAT"] and whole(row["AESERCD"]) == 1 and death and start <= death and not over:
            end = death
        used[row["_row"]] = row | {"start": start, "end": end}
    return used, lost


def test_the_accounting_adds_up(case: Case) -> None:
    for name, read_, used, filtered, same, rejected, _ in case.rows("SELECT * FROM audit.map_accounting"):
        assert read_ == used + filtered + same + rejected, name
    counted = dict(case.rows("SELECT map, rows_read FROM audit.map_rows"))
    assert counted["impress_adverse_event"] == len(case.forms["ae"])
    assert counted["impress_adverse_event_relation"] == 2 * len(case.forms["ae"])
    assert counted["impress_treatment_cycle"] == len(case.forms["tr"])
    assert counted["impress_visit"] == sum(len(case.forms[form]) for form in ("vi", "ecog", "ra", "rnrsp"))
    rejects = dict(case.rows("SELECT map, count(*) FROM audit.rejects GROUP BY map"))
    for name, rejected in case.rows("SELECT map, rows_rejected FROM audit.map_rows"):
        assert rejects.get(name, 0) == rejected, name


def test_every_column_is_decided(case: Case) -> None:
    assert case.rows("SELECT source, \"column\" FROM audit.columns WHERE decision = 'undecided'") == []


def test_persons_are_the_subjects_in_scope(case: Case) -> None:
    expected = {
        row["SubjectId"]: int(row["BRTHDAT"][:4])
        for row in case.forms["dm"]
        if row["SubjectId"] in case.scope and row["BRTHDAT"]
    }
    found = {}
    for person, raw in case.traced("person", "person", "dm"):
        found[raw["SubjectId"]] = person["year_of_birth"]
        sex = {"m": 8507, "male": 8507, "f": 8532, "female": 8532}.get((raw["SEX"] or "").lower())
        sex = sex or {1: 8507, 2: 8532}.get(whole(raw["SEXCD"]) or 0, 0)
        assert person["gender_concept_id"] == sex
        known = full(raw["BRTHDAT"])
        assert (person["month_of_birth"], person["day_of_birth"]) == (
            (known.month, known.day) if known else (None, None)
        )
    assert found == expected
    assert len(found) > 25


def test_adverse_events_with_dates_and_grades(case: Case) -> None:
    expected, lost = adverse_events(case)
    grades, found = {}, {}
    for child, raw in case.traced("observation", "adverse_event", "ae"):
        if child["qualifier_source_value"] == "5.0":
            grades[raw["_row"]] = child["value_as_number"]
    for table, start, end in (
        ("condition_occurrence", "condition_start_date", "condition_end_date"),
        ("measurement", "measurement_date", None),
        ("procedure_occurrence", "procedure_date", "procedure_end_date"),
    ):
        for event, raw in case.traced(table, "adverse_event", "ae"):
            assert raw["_row"] not in found
            found[raw["_row"]] = (event[start], event[end] if end else None)
            source = event[f"{table.partition('_')[0]}_source_value"]
            assert source == raw["AECTCAET"][:50]
    assert found == {line: (row["start"], row["end"]) for line, row in expected.items()}
    graded = {n: whole(r["AETOXGRECD"]) for n, r in expected.items() if whole(r["AETOXGRECD"]) in range(1, 6)}
    assert grades == graded
    rows = case.rows("SELECT * FROM audit.map_rows WHERE map = 'impress_adverse_event'")[0]
    assert rows[2:] == (len(expected), lost["filtered"], lost["deduplicated"], lost["rejected"])


def test_relations_to_the_study_drugs(case: Case) -> None:
    expected = Counter()
    for row in adverse_events(case)[0].values():
        for n in "12":
            code = whole(row[f"AEREL{n}CD"]) or {"not related": 1, "related": 4}.get(
                (row[f"AEREL{n}"] or "").lower(), 2
            )
            if row[f"AEREL{n}"] or row[f"AEREL{n}CD"]:
                relation = {1: "not related", 4: "related"}.get(code, "unknown")
                expected[row["_row"], (row[f"AETRT{n}"] or "")[:50], relation] += 1
    found = Counter(
        (raw["_row"], row["qualifier_source_value"] or "", row["value_as_string"])
        for row, raw in case.traced("observation", "adverse_event_relation", "ae")
        if row["observation_source_value"] == "relation to study drug"
    )
    assert found == expected
    assert len(found) > 100


def test_ecog_grades(case: Case) -> None:
    answers = {0: 36309661, 1: 36310827, 2: 36309245, 3: 36308652, 4: 36308589, 5: 45880868}
    expected, seen = {}, set()
    for row in case.forms["ecog"]:
        when = day(row["ECOGDAT"], "earliest") or day(row["EventDate"], "earliest")
        key = (row["SubjectId"], row["EventId"], row["ECOGDAT"], row["EventDate"])
        if row["SubjectId"] in case.scope and when and (row["ECOGS"] or row["ECOGSCD"]) and key not in seen:
            seen.add(key)
            code = {1: 0, 2: 1, 3: 2}.get(whole(row["ECOGSCD"]) or 0)
            expected[row["_row"]] = (when, int(row["ECOGS"][0]) if row["ECOGS"] else code)
    found = {}
    for row, raw in case.traced("measurement", "ecog", "ecog"):
        found[raw["_row"]] = (row["measurement_date"], row["value_as_number"])
        assert row["measurement_concept_id"] == 36305384
        assert row["value_as_concept_id"] == answers.get(row["value_as_number"])
        assert row["visit_occurrence_id"] is not None
    assert found == expected
    by_subject = defaultdict(list)
    for row in case.forms["ecog"]:
        if row["_row"] in expected and row["EventId"] == "V00":
            by_subject[row["SubjectId"]].append((full(row["ECOGDAT"]) or date.min, expected[row["_row"]]))
    assert case.dsp("ecog", "subject_id, date, grade, eligible", "baseline") == Counter(
        (subject, *max(rows)[1], max(rows)[1][1] in (0, 1, 2)) for subject, rows in by_subject.items()
    )


RESPONSES = {
    "recist": {1: ("CR", 1634772), 2: ("PR", 1633368), 3: ("SD", 1634680), 4: ("PD", 1633597), 96: ("NE", 0)},
    "irecist": {
        1: ("iCR", 1633954), 2: ("iPR", 1635284), 3: ("iSD", 1635887),
        4: ("iUPD", 0), 5: ("iCPD", 1633423), 6: ("iNE", 0),
    },
    "rano": {1: ("CR", 1634853), 2: ("PR", 1634574), 3: ("SD", 1633447), 4: ("PD", 1634653), 96: ("NE", 0)},
}  # fmt: skip


@pytest.mark.parametrize(
    ("criterion", "form", "column"),
    [("recist", "ra", "RATIMRES"), ("irecist", "ra", "RAiMOD"), ("rano", "rnrsp", "RNRSPCL")],
)
def test_a_response_has_the_concept_of_its_criterion(case: Case, criterion: str, form: str, column: str) -> None:
    expected = {}
    for row in case.forms[form]:
        if row["SubjectId"] in case.scope and row[f"{column}CD"]:
            said, concept = RESPONSES[criterion][int(row[f"{column}CD"])]
            expected[row["_row"]] = (full(row["EventDate"]), f"{criterion} {said}", concept, row[column])
    found = {}
    for row, raw in case.traced("measurement", "tumour_response", form):
        source, concept = row["measurement_source_value"], row["measurement_concept_id"]
        if source.startswith(f"{criterion} "):
            found[raw["_row"]] = (row["measurement_date"], source, concept, row["value_source_value"])
    assert found == expected
    assert found


def cycles(case: Case) -> dict[int, tuple[date, date, str]]:
    """Return start, end and drug of every cycle that was received, by line."""
    kept: dict[tuple[str, str, str], Row] = {}
    for row in case.forms["tr"]:
        if row["SubjectId"] in case.scope and row["TRNAME"]:
            kept.setdefault((row["SubjectId"], row["TRTNO"], row["TRCNO1"]), row)
    found = {}
    for row in kept.values():
        start = day(row["TRC1_DT"], "earliest")
        if not start or not yes(row["TRCYNCD"], row["TRCYN"]):
            continue
        if any(row[c] for c in ("TRO_YN", "TRODSTOT", "TRO_STDT", "TROSTPDT")):
            end = day(row["TROSTPDT"], "latest")
            end = max(end, start) if end and not full(row["TROSTPDT"]) else end
        else:
            mine = full(row["TRC1_DT"])
            starts = sorted(
                d
                for k, other in kept.items()
                if k[:2] == (row["SubjectId"], row["TRTNO"]) and (d := full(other["TRC1_DT"]))
            )
            later = [d for d in starts if mine and d > mine]
            twice = mine is not None and starts.count(mine) > 1
            end = later[0] - timedelta(days=1) if later and not twice else None
        found[row["_row"]] = (start, end or start, row["TRNAME"])
    return found


def test_study_drugs_with_the_end_of_each_cycle(case: Case) -> None:
    expected = cycles(case)
    names = dict(case.rows("SELECT concept_id, lower(concept_name) FROM cdm.concept WHERE domain_id = 'Drug'"))
    found = {}
    for row, raw in case.traced("drug_exposure", "study_drug", "tr"):
        found[raw["_row"]] = (row["drug_exposure_start_date"], row["drug_exposure_end_date"], row["drug_source_value"])
        inn = re.search(r"\((.+)\)", raw["TRNAME"])
        assert names[row["drug_concept_id"]].removeprefix("ado-") == (inn[1] if inn else raw["TRNAME"]).lower()
        if row["route_source_value"] == "iv":
            assert row["quantity"] == next(
                (n for n in (number(raw["TRDSDEL1"]), number(raw["TRIVDS1"])) if n is not None), None
            )
    assert found == expected
    assert sum(end > start for start, end, _ in found.values()) > 100


def test_deaths(case: Case) -> None:
    expected = deaths(case)
    subjects = {person["person_id"]: raw["SubjectId"] for person, raw in case.traced("person", "person", "dm")}
    found = {subjects[person]: when for person, when in case.rows("SELECT person_id, death_date FROM cdm.death")}
    assert found == {subject: when for subject, when in expected.items() if subject in subjects.values()}


def test_no_event_without_person_and_visit_dates_agree(case: Case) -> None:
    for table in (*EVENTS, "death", "observation_period"):
        orphans = f"SELECT count(*) FROM cdm.{table} WHERE person_id NOT IN (SELECT person_id FROM cdm.person)"
        assert case.rows(orphans) == [(0,)], table
    visits = dict(case.rows("SELECT visit_occurrence_id, person_id FROM cdm.visit_occurrence"))
    expected = {
        (row["SubjectId"], row["EventId"])
        for form in ("vi", "ecog", "ra", "rnrsp")
        for row in case.forms[form]
        if row["SubjectId"] in case.scope and row["EventId"] and full(row["EventDate"])
    }
    assert len(visits) == len(expected)
    for table in ("measurement", "observation", "condition_occurrence"):
        used = case.rows(
            f"SELECT visit_occurrence_id, person_id FROM cdm.{table} WHERE visit_occurrence_id IS NOT NULL"
        )
        assert all(visits[visit] == person for visit, person in used)


def test_one_observation_period_that_covers_visits_doses_and_death(case: Case) -> None:
    rows = case.rows(
        "SELECT person_id, observation_period_start_date, observation_period_end_date FROM cdm.observation_period"
    )
    persons = {person for (person,) in case.rows("SELECT person_id FROM cdm.person")}
    assert {person for person, _, _ in rows} == persons
    assert len(rows) == len(persons)
    period = {person: (start, end) for person, start, end in rows}
    assert all(start <= end for start, end in period.values())
    doses = "JOIN audit.lineage ON row_id = drug_exposure_id AND table_name = 'drug_exposure' AND map = 'study_drug'"
    for table, join in (("visit_occurrence", ""), ("drug_exposure", doses)):
        for person, when in case.rows(f"SELECT person_id, {DATES[table]} FROM cdm.{table} {join}"):
            assert period[person][0] <= when <= period[person][1], table
    for person, when in case.rows("SELECT person_id, death_date FROM cdm.death"):
        assert period[person][0] <= when <= period[person][1]


def test_every_reject_is_explained_by_its_line(case: Case, request: pytest.FixtureRequest) -> None:
    dates = {
        ("impress_subject", "birth_year"): ("dm", "BRTHDAT"),
        ("impress_adverse_event", "start_date"): ("ae", "AESTDAT"),
        ("impress_treatment_cycle", "start_date"): ("tr", "TRC1_DT"),
    }
    numbered = {"adverse_event": "ae", "adverse_event_relation": "ae", "concomitant_medication": "cm",
                "medication_adverse_event": "cm", "medical_history": "mh", "previous_treatment": "ct"}  # fmt: skip
    same_number = {
        form: Counter((row["SubjectId"], row[NUMBERS[form]]) for row in case.forms[form]) for form in NUMBERS
    }
    bad_events = {row["_row"] for row in case.forms["ae"]} - set(adverse_events(case)[0])
    rejects = case.rows("SELECT map, field, reason, file, row FROM audit.rejects WHERE map LIKE 'impress%'")
    for name, field_, reason, file, line in rejects:
        form = file.removesuffix(".csv").rpartition("_")[2].lower()
        raw = next(row for row in case.forms[form] if row["_row"] == line)
        where, table = (name, field_, reason, line), name.removeprefix("impress_")
        if (name, field_) in dates:
            assert form == dates[name, field_][0], where
            assert day(raw[dates[name, field_][1]], "earliest") is None, where
        elif table in numbered and field_ in ("key", "join event", "join medication"):
            twice = same_number[form][raw["SubjectId"], raw[NUMBERS[form]]] > 1
            assert twice or line in bad_events, where
        elif table.startswith("quality_of_life"):
            assert any(text and not raw[f"{item}CD"] for item, text in raw.items() if f"{item}CD" in raw), where
        elif (table, field_) == ("study_drug", "drug"):
            assert any(raw[c] and not raw[c[:-2]] for c in raw if re.fullmatch(r"COHALLO.*CD", c)), where
        elif table == "study_drug":
            assert sum(raw[field_ + v] is not None for v in ("", "__2", "__3")) > 1, where
        else:
            pytest.fail(f"no reason is known for {where}")
    # What OMOP does not take is of subjects without a person, or leads to an event that is not there.
    nobody = {row["SubjectId"] for row in case.forms["dm"] if not day(row["BRTHDAT"], "earliest")} & case.scope
    others = dict(case.rows("SELECT map, count(*) FROM audit.rejects WHERE map NOT LIKE 'impress%' GROUP BY map"))
    links = {"adverse_event_reason_for_medication", "medication_due_to_adverse_event"}
    assert bool(set(others) - links) == bool(nobody)
    for table in ("biomarker", "cohort_membership", "milestone"):
        source = "cohort_allocation" if table == "cohort_membership" else table
        theirs = case.dsp(source, "subject_id", f"subject_id IN ({', '.join(map(repr, nobody)) or 'NULL'})")
        assert others.get(table, 0) == theirs.total(), table
    if "clean" in request.node.name:
        assert rejects == [] == list(others)
    else:
        assert len(rejects) >= 8


def test_a_lost_subject_and_the_end_of_treatment_are_observations(case: Case) -> None:
    lost = {
        row["_row"]: day(row["FUPALDAT"], "earliest")
        for row in case.forms["fu"]
        if row["SubjectId"] in case.scope
        and (whole(row["FUPSSTCD"]) == 3 or (row["FUPSST"] or "").lower() == "lost to follow-up")
    }
    found = {raw["_row"]: row["observation_date"] for row, raw in case.traced("observation", "lost_to_follow_up", "fu")}
    assert found == lost
    ended = {
        row["_row"]: day(row["EOTDAT"], "latest")
        for row in case.forms["eot"]
        if row["SubjectId"] in case.scope and row["EOTDAT"]
    }
    recorded = {
        (row["SubjectId"], ended[row["_row"]]): full(row["EventDate"])
        for row in case.forms["eot"] if row["_row"] in ended
    }  # fmt: skip
    assert case.dsp("end_of_treatment", "subject_id, last_dose_date, recorded_date") == Counter(
        (*key, when) for key, when in recorded.items()
    )


NUMBERS = {"ae": "AESPID", "cm": "CMSPID", "mh": "MHSPID", "ct": "CTSPID"}


def numbered_rows(case: Case, form: str, name: str) -> Iterator[Row]:
    """Yield the first row of each number, start and end filled in; *name* is the column that must be filled."""
    seen = set()
    start, end = {"cm": ("CMSTDAT", "CMENDAT"), "mh": ("MHSTDAT", "MHENDAT"), "ct": ("CTSTDAT", "CTENDAT")}[form]
    for row in case.forms[form]:
        key = (row["SubjectId"], row[NUMBERS[form]])
        if row["SubjectId"] in case.scope and row[name] and key not in seen:
            seen.add(key)
            begin, until = day(row[start], "earliest"), day(row[end], "latest")
            if begin and until and not full(row[end]) and until < begin:
                until = begin
            yield row | {"id": str(int(row[NUMBERS[form]])), "start": begin, "end": until}


def test_medication_history_and_previous_treatments(case: Case) -> None:
    assert case.dsp(
        "concomitant_medication",
        "subject_id, medication_id, name, start_date, end_date, ongoing, for_medical_history, for_adverse_event",
    ) == Counter(
        (
            *(row[c] for c in ("SubjectId", "id", "CMTRT", "start", "end")),
            *(yes(row[f"{c}CD"], row[c]) for c in ("CMONGO", "CMMHYN")),
            yes(None, row["CMAEYN"]),
        )
        for row in numbered_rows(case, "cm", "CMTRT")
    )
    states = {"past": "past", "present/dormant": "dormant", "current/active": "active"}
    assert case.dsp("medical_history", "subject_id, history_id, term, start_date, end_date, status") == Counter(
        (*(row[c] for c in ("SubjectId", "id", "MHTERM", "start", "end")), states.get((row["MHONGO"] or "").lower()))
        for row in numbered_rows(case, "mh", "MHTERM")
    )
    kinds = {"chemotherapy", "radiotherapy", "surgery", "immunotherapy", "other"}
    assert case.dsp(
        "previous_treatment", "subject_id, treatment_id, line, kind, specification, start_date, end_date"
    ) == Counter(
        (
            row["SubjectId"], row["id"], int(row["id"]),
            kind if (kind := (row["CTTYPE"] or "").lower()) in kinds else None,
            row["CTTYPESP"], row["start"], row["end"],
        )
        for row in numbered_rows(case, "ct", "CTSPID")
    )  # fmt: skip


def test_a_medication_leads_to_its_adverse_events(case: Case) -> None:
    links = Counter(
        (row["SubjectId"], row["id"], str(int(number)))
        for row in numbered_rows(case, "cm", "CMTRT")
        for number in (row["CMAENO"] or "").split(",")
        if number.strip()
    )
    assert case.dsp("medication_adverse_event", "subject_id, medication_id, adverse_event_id") == links
    assert links.total() > 20


def test_every_answer_of_both_questionnaires(case: Case) -> None:
    words = {"not at all": 1, "a little": 2, "quite a bit": 3, "very much": 4, "1 (very poor)": 1, "7 (excellent)": 7}
    expected: Counter[tuple[Any, ...]] = Counter()
    for form, items in (("c30", [f"C30_Q{n}" for n in range(1, 31)]), ("eq5d", [f"EQ5D{n}" for n in range(1, 6)])):
        for row in (r for r in case.forms[form] if r["SubjectId"] in case.scope):
            when = full(row[f"{form.upper()}DAT"]) or full(row["EventDate"])
            about = (row["SubjectId"], f"{row['EventName']} {row['EventDate']}", when)
            for n, item in enumerate(items, 1):
                label = (row[item] or "").lower()
                answer = whole(row[f"{item}CD"])
                if form == "c30" and answer is None:
                    answer = words.get(label) or whole(label)
                if answer is not None:
                    expected[(*about, str(n), answer, "QLQ-C30" if form == "c30" else "EQ-5D-5L")] += 1
            if form == "eq5d" and row["EQ5DVAS"]:
                expected[(*about, "VAS", whole(row["EQ5DVAS"]), "EQ-5D-5L")] += 1
    assert case.dsp("questionnaire_answer", "subject_id, occasion, date, item, answer, instrument") == expected
    assert expected.total() > 1000


def test_baseline_of_the_tumour(case: Case) -> None:
    """Criteria of V00, the sum that the assessments repeat, the lesions that are counted apart."""
    words = {"recist 1.1": "recist", "irecist 1.1": "irecist", "rano (for glioblastoma)": "rano"}
    parts: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for row in case.forms["vi"]:
        said = row["VITUMA"] or row["VITUMA__2"]
        if row["EventId"] == "V00" and said:
            unit = "mm2" if "rano" in said.lower() else "mm"
            parts[row["SubjectId"], unit].setdefault("criterion", words[said.lower()])
    for form, unit, column in (("ra", "mm", "RARECBAS"), ("rnrsp", "mm2", "TERNTBAS")):
        for row in sorted(case.forms[form], key=lambda r: (full(r["EventDate"]) or date.max, r["_row"])):
            if number(row[column]) is not None:
                parts[row["SubjectId"], unit].setdefault("sum", number(row[column]))
    for form, unit, columns in (("rcnt", "mm", ["RCNTNOB"]), ("rntmnt", "mm2", ["RNTMNTNOB", "RNTMNTNO"])):
        for row in case.forms[form]:
            found = next((whole(row[c]) for c in columns if row[c]), None)
            if row["EventId"] == "V00" and found is not None:
                parts[row["SubjectId"], unit].setdefault("lesions", found)
    baseline = dict(case.rows("SELECT subject_id, date FROM dsp.visit WHERE event_id = 'V00'"))
    assert case.dsp(
        "baseline_tumour_assessment", "subject_id, criterion, date, target_sum, sum_unit, non_target_lesions"
    ) == Counter(
        (
            subject, part.get("criterion", "rano" if unit == "mm2" else None), baseline.get(subject),
            part.get("sum"), unit if "sum" in part else None, part.get("lesions"),
        )
        for (subject, unit), part in parts.items()
        if subject in case.scope
    )  # fmt: skip


def test_entry_and_loss(case: Case) -> None:
    entered: dict[str, date] = {}
    for row in case.forms["coh"]:
        when = full(row["EventDate"])
        if row["COHORTNAME"] and when:
            entered[row["SubjectId"]] = min(when, entered.get(row["SubjectId"], when))
    lost: dict[str, date] = {}
    for row in case.forms["fu"]:
        gone = whole(row["FUPSSTCD"]) == 3 or (row["FUPSST"] or "").lower() == "lost to follow-up"
        when = day(row["FUPALDAT"], "earliest")
        if row["SubjectId"] in case.scope and gone and when:
            lost[row["SubjectId"]] = max(when, lost.get(row["SubjectId"], when))
    assert case.dsp("milestone", "subject_id, date", "milestone = 'entered'") == Counter(entered.items())
    assert case.dsp("milestone", "subject_id, date", "milestone = 'lost to follow-up'") == Counter(lost.items())
    assert case.dsp("milestone", "subject_id").keys() == {(subject,) for subject in case.scope}


def test_two_enrolments_are_one_person_when_the_steward_says_so(tmp_path: Path) -> None:
    write_impress(tmp_path / "data", 150, 7)
    case = convert(tmp_path, "facts: {enrolments: one person}\n", ["person", "care_site", "location"])
    subjects = {subject for (subject,) in case.dsp("subject", "subject_id")}
    humans = {subject.rpartition("_")[0] for subject in subjects}
    assert case.dsp("subject", "person_key").keys() == {(human,) for human in humans}
    assert len(humans) < len(subjects), "the export has nobody who was enrolled twice"
    assert case.rows("SELECT count(*) FROM cdm.person") == [(len(humans),)]
    letters = {(subject, subject[0], int(subject[-1])) for subject in subjects}
    assert case.dsp("subject", "subject_id, site, enrolment").keys() == letters
    case.database.close()


def test_the_tests_beside_the_maps_pass() -> None:
    problems = Problems()
    project = load_project(ROOT / "examples" / "impress", problems)
    problems.stop_if_errors()
    assert project is not None
    report = run_tests(project.pack, find_vocabulary(project, problems), problems)
    problems.stop_if_errors()
    assert [f"{o.map}: {o.name}: {o.differences}" for o in report.failed] == []
    assert report.untested == ()
    assert len(report.outcomes) == sum(len(loaded.spec.tests) for loaded in project.pack.maps)


def test_a_small_vocabulary_lets_no_test_fail(tmp_path: Path) -> None:
    (tmp_path / "omopify.yaml").write_text("mappings: impress\ndata: data\nvocabulary: starter\n", encoding="utf-8")
    problems = Problems()
    project = load_project(tmp_path, problems)
    assert project is not None
    # each of these maps has a test that expects a concept of the Athena download that is not in the starter set
    maps = ("adverse_event", "biomarker", "death", "study_drug", "tumour_type", "worst_grade", "person", "visit")
    report = run_tests(project.pack, find_vocabulary(project, problems), problems, Chosen(maps))
    problems.stop_if_errors()
    assert report.failed == []
    assert {outcome.map for outcome in report.skipped} == set(maps) - {"person", "visit"}
    assert {outcome.map for outcome in report.outcomes if outcome.passed} >= {"person", "visit"}
