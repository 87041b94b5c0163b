"""A second reading of docs/omop-conventions.md: plain Python says which OMOP rows the shared variables must become.

The maps are not read here.  Each test converts a synthetic export and compares multisets of rows, person by person:
dates, source values, numbers, texts, types, and what a row points to (told by the date and source value of its target,
never by an id).  A row that is lost, doubled, misdated, or linked to the wrong event, drug, episode or person shows up.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pytest

from omopify.conversion.run import Options, run
from omopify.errors import Problems
from omopify.progress import silent
from omopify.specs.project import load_project
from omopify.synthetic import write_export

Row = dict[str, Any]
Rows = defaultdict[str, Counter[tuple[Any, ...]]]

CRF, RULE = 32809, 32880
TYPE = {"recorded": CRF, "derived": RULE}
RULED_END = ("end of treatment", "recorded", None)
CONTROL = ("iCR", "iPR", "iSD")
PARTS = {"condition_occurrence": "condition", "drug_exposure": "drug", "procedure_occurrence": "procedure"}
PARTS |= {"measurement": "measurement", "observation": "observation"}
FIELDS = {1147127: "condition_occurrence", 1147094: "drug_exposure", 1147082: "procedure_occurrence"}
FIELDS |= {1147138: "measurement", 1147165: "observation", 756290: "episode", 798885: "episode"}
DOMAINS = {19: "condition_occurrence", 13: "drug_exposure", 21: "measurement", 27: "observation"}


def cut(text: str | None, length: int) -> str | None:
    return None if text is None else text[:length]


def number(value: Any) -> float | None:
    return None if value is None else float(value)


class Prediction:
    """The rows that must come of the shared variables, by kind."""

    def __init__(self, dsp: dict[str, list[Row]]) -> None:
        self.dsp = dsp
        self.rows: Rows = defaultdict(Counter)
        self.person = {row["subject_id"]: row["person_key"] for row in dsp["subject"]}
        self.birth: dict[str, dt.date] = {}
        self.window = {row["subject_id"]: row for row in dsp["observation_window"]}
        self.started: dict[str, Row] = {}
        for row in sorted(dsp["treatment"], key=lambda row: row["start_date"]):
            self.started.setdefault(row["subject_id"], row)
        self.people()
        self.tumours()
        self.events()
        self.medications()
        self.treatments()
        self.cohorts()
        self.responses()

    def add(self, kind: str, subject: str, day: dt.date | None, source: str, **more: Any) -> tuple[Any, ...] | None:
        """Add a row of an event table if it has a person and a possible day; return how others name it."""
        person = self.person.get(subject)
        if person is None or day is None:
            return None
        born = self.birth[person]
        if day < born:
            if day.year < born.year:
                return None
            day = born
        values = (number(more.get("number")), cut(more.get("text"), 60), cut(more.get("qualifier"), 50))
        self.rows[kind][(person, day, cut(source, 50), *values, more.get("type", CRF), more.get("link"))] += 1
        if "end" in more:
            end = more["end"]
            self.rows[f"{kind} end"][(person, day, cut(source, 50), None if end and end < day else end)] += 1
        return day, cut(source, 50)

    def people(self) -> None:
        families: dict[str, list[Row]] = defaultdict(list)
        for row in self.dsp["subject"]:
            families[row["person_key"]].append(row)
        for person, family in families.items():
            first = min(family, key=lambda row: (row["sex"] is None, row["enrolment"] or 0, row["_row"]))
            born = first["birth_date"]
            self.birth[person] = born or dt.date(first["birth_year"], 1, 1)
            gender = {"male": 8507, "female": 8532, None: 0}[first["sex"]]
            parts = (first["birth_year"], born and born.month, born and born.day)
            self.rows["person"][(person, *parts, gender)] += 1
            seen = [self.window[row["subject_id"]] for row in family if row["subject_id"] in self.window]
            if seen:
                days = (min(row["start_date"] for row in seen), max(row["end_date"] for row in seen))
                self.rows["observation_period"][(person, *days)] += 1
            deaths = [row for row in self.dsp["death"] if self.person.get(row["subject_id"]) == person]
            if deaths:
                day = min(row["date"] for row in deaths)
                told = {row["subject_id"] for row in deaths if row["date"] == day}
                fatal = [
                    row for row in self.dsp["adverse_event"] if row["subject_id"] in told and row["outcome"] == "fatal"
                ]
                cause = max(fatal, key=lambda row: row["start_date"])["term"] if fatal else None
                self.rows["death"][(person, day, cut(cause, 50))] += 1
        for row in self.dsp["visit"]:
            if row["subject_id"] in self.person:
                name = " ".join(word for word in (row["event_id"], row["event_name"]) if word)
                self.rows["visit"][(self.person[row["subject_id"]], row["date"], cut(name, 50))] += 1

    def tumours(self) -> None:
        self.disease: dict[str, dt.date] = {}
        self.tumour: dict[str, tuple[Any, ...] | None] = {}
        named: dict[tuple[str, str], tuple[Any, ...] | None] = {}
        first: dict[str, tuple[str, dt.date]] = {}
        for row in sorted(self.dsp["tumour_type"], key=lambda row: (row["date"], row["_file"], row["_row"])):
            words = ("icd10_code", "main_tumour_type", "other_tumour_type", "cohort_tumour_type")
            name = next((row[word] for word in words if row[word]), None)
            person = self.person.get(row["subject_id"])
            if name is None or person is None:
                continue
            if (person, name) not in named:
                named[person, name] = self.add("tumour_type", row["subject_id"], row["date"], name)
                source, day = first.setdefault(person, (name, row["date"]))
                self.belongs(person, "disease", source, day, named[person, name])
            self.tumour.setdefault(row["subject_id"], named[person, name])
        for person, (name, day) in first.items():
            self.disease[person] = day
            self.rows["episode"][(person, "disease", cut(name, 50), day, None, None, None, CRF)] += 1

    def belongs(self, person: str, kind: str, source: str | None, day: dt.date, event: tuple[Any, ...] | None) -> None:
        if event is not None:
            self.rows["episode_event"][(person, kind, source, day, *event)] += 1

    def events(self) -> None:
        self.event: dict[tuple[str, str], tuple[Any, ...]] = {}
        events = {(row["subject_id"], row["adverse_event_id"]): row for row in self.dsp["adverse_event"]}
        for (subject, name), row in events.items():
            link = self.add("adverse_event", subject, row["start_date"], row["term"])
            if link is None:
                continue
            self.event[subject, name] = link
            if row["grade"] is not None:
                grade = {"number": row["grade"], "qualifier": row["ctcae_version"], "link": link}
                self.add("adverse_event", subject, row["start_date"], str(row["grade"]), **grade)
            if row["serious"]:
                self.add(
                    "adverse_event",
                    subject,
                    row["serious_date"] or row["start_date"],
                    "serious adverse event",
                    link=link,
                )
            if row["outcome"]:
                over = row["outcome"] in ("recovered", "recovered with sequelae", "fatal")
                self.add(
                    "adverse_event", subject, (over and row["end_date"]) or row["start_date"], row["outcome"], link=link
                )
            if row["end_basis"] == "death":
                words = "end date of the event is the date of death"
                self.add(
                    "adverse_event", subject, row["end_date"], words, type=RULE, qualifier="sae-end-at-death", link=link
                )
        for row in self.dsp["adverse_event_relation"]:
            subject, link = row["subject_id"], self.event.get((row["subject_id"], row["adverse_event_id"]))
            about = events.get((subject, row["adverse_event_id"]))
            if about is None:
                continue
            drug = {"qualifier": row["drug"] or f"drug {row['drug_number']}", "link": link}
            began, serious = about["start_date"], about["serious_date"] or about["start_date"]
            if row["relation_recorded"]:
                self.add(
                    "adverse_event_relation", subject, began, "relation to study drug", text=row["relation"], **drug
                )
            if row["serious_relation_recorded"]:
                words = "relation of the serious event to study drug"
                self.add("adverse_event_relation", subject, serious, words, text=row["serious_relation"], **drug)

    def medications(self) -> None:
        taken: dict[tuple[str, str], tuple[Any, ...]] = {}
        for row in self.dsp["concomitant_medication"]:
            if row["start_date"] is None:
                continue
            link = self.add("concomitant_medication", row["subject_id"], row["start_date"], row["name"])
            if link:
                taken[row["subject_id"], row["medication_id"]] = link
        for row in self.dsp["medication_adverse_event"]:
            drug = taken.get((row["subject_id"], row["medication_id"]))
            event = self.event.get((row["subject_id"], row["adverse_event_id"]))
            if drug and event:
                person = self.person[row["subject_id"]]
                self.rows["fact_relationship"][(person, 44818780, *drug, *event)] += 1
                self.rows["fact_relationship"][(person, 44818878, *event, *drug)] += 1

    def treatments(self) -> None:
        self.spells: dict[str, list[tuple[dt.date, dt.date]]] = defaultdict(list)
        whole: dict[str, Row] = {}
        for row in sorted(self.dsp["treatment"], key=lambda row: (row["basis"] != "recorded", row["_row"])):
            whole.setdefault(row["subject_id"], row)
        for subject, row in whole.items():
            if (person := self.person.get(subject)) is None:
                continue
            end = row["end_date"] if row["end_source"] in RULED_END else None
            end = None if end and end < row["start_date"] else end
            parent = ("disease", self.disease[person]) if person in self.disease else None
            self.rows["episode"][
                (person, "regimen", None, row["start_date"], end, None, parent, TYPE[row["basis"]])
            ] += 1
        cycles: dict[tuple[str, int], list[tuple[Row, tuple[Any, ...] | None]]] = defaultdict(list)
        for row in self.dsp["treatment_cycle"]:
            if not row["received"] or (person := self.person.get(row["subject_id"])) is None:
                continue
            end = max(row["end_date"] or row["start_date"], row["start_date"])
            link = self.add("study_drug", row["subject_id"], row["start_date"], row["drug"], end=end)
            self.belongs(person, "regimen", None, whole[row["subject_id"]]["start_date"], link)
            cycles[row["subject_id"], row["cycle_number"]].append((row, link))
            self.spells[row["subject_id"]].append((row["start_date"], row["end_date"] or row["start_date"]))
        for (subject, place), rows in cycles.items():
            start = min(row["start_date"] for row, _ in rows)
            ends = [row["end_date"] for row, _ in rows if row["end_date"]]
            parent = ("regimen", whole[subject]["start_date"])
            self.rows["episode"][
                (self.person[subject], "cycle", f"cycle {place}", start, max(ends, default=None), place, parent, CRF)
            ] += 1
            for _, link in rows:
                self.belongs(self.person[subject], "cycle", f"cycle {place}", start, link)
        with_cycles = {row["subject_id"] for row in self.dsp["treatment_cycle"]}
        for subject in set(whole) - with_cycles:
            last = whole[subject]["end_date"] or self.window[subject]["end_date"]
            self.spells[subject].append((whole[subject]["start_date"], last))
        for row in self.dsp["study_drug"]:
            subject = row["subject_id"]
            if subject in with_cycles or subject not in whole or subject not in self.person:
                continue
            start, last = self.spells[subject][0]
            link = self.add("study_drug_whole", subject, start, row["drug"], end=max(last, start))
            self.belongs(self.person[subject], "regimen", None, start, link)
        self.last_dose = {subject: row["end_date"] for subject, row in whole.items() if row["end_date"]}

    def cohorts(self) -> None:
        stays: dict[str, dict[str, tuple[dt.date, int]]] = defaultdict(dict)
        for row in self.dsp["cohort_allocation"]:
            here = stays[row["subject_id"]]
            here[row["cohort_name"]] = min(
                (row["allocation_date"], row["_row"]), here.get(row["cohort_name"], (dt.date.max, 0))
            )
        for subject, here in stays.items():
            if subject not in self.person:
                continue
            order = sorted(here.items(), key=lambda stay: stay[1])
            for place, (name, (day, _)) in enumerate(order):
                until = order[place + 1][1][0] if place + 1 < len(order) else dt.date.max
                mine = [spell for spell in self.spells[subject] if (place == 0 or spell[0] >= day) and spell[0] < until]
                if not mine:
                    continue
                start, end = min(mine)[0], max(last for _, last in mine)
                end = (
                    self.last_dose.get(subject, end) if until == dt.date.max else min(end, until - dt.timedelta(days=1))
                )
                self.rows["cohort"][(self.person[subject], name, start, max(end, start))] += 1

    def responses(self) -> None:
        shown: dict[tuple[str, str], None] = {}
        unconfirmed: dict[str, list[dt.date]] = defaultdict(list)
        for row in sorted(self.dsp["tumour_assessment"], key=lambda row: (row["date"], row["_file"], row["_row"])):
            subject, criterion, response = row["subject_id"], row["criterion"], row["response"]
            if (person := self.person.get(subject)) is None:
                continue
            link = None
            if said := response or row["response_recorded"]:
                link = self.add(
                    "tumour_response", subject, row["date"], f"{criterion} {said}", link=self.tumour.get(subject)
                )
            if response == "iUPD":
                unconfirmed[subject].append(row["unconfirmed_progression_date"] or row["date"])
            elif response in CONTROL:
                unconfirmed[subject] = []
            if response in ("PD", "iCPD") and (subject, criterion) not in shown:
                shown[subject, criterion] = None
                earlier = unconfirmed[subject][:1] if response == "iCPD" else []
                day = row["progression_date"] or next(iter(earlier), row["unconfirmed_progression_date"]) or row["date"]
                parent = ("disease", self.disease[person]) if person in self.disease else None
                source = f"{criterion} {response}"
                self.rows["episode"][(person, "progression", source, day, None, None, parent, CRF)] += 1
                self.belongs(person, "progression", source, day, link)


def fetch(database: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    found = database.execute(query)
    columns = [column[0] for column in found.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def actual(database: duckdb.DuckDBPyConnection) -> Rows:
    """Return the rows of the CDM in the terms of the prediction."""
    origins = fetch(database, "FROM audit.row_origins")
    subjects = {(row["_file"], row["_row"]): row["person_key"] for row in fetch(database, "FROM dsp.subject")}
    who = {o["row_id"]: subjects[o["file_number"], o["row"]] for o in origins if o["table_name"] == "person"}
    made_by = {(origin["table_name"], origin["row_id"]): origin["map"] for origin in origins}
    rows: Rows = defaultdict(Counter)
    named: dict[tuple[str, int], tuple[Any, ...]] = {}  # table and id: person, start, source value
    events: list[tuple[str, str, Row]] = []
    for table, part in PARTS.items():
        for row in fetch(database, f"FROM cdm.{table}"):
            start = next(
                row[name] for name in (f"{table}_start_date", f"{part}_start_date", f"{part}_date") if name in row
            )
            named[table, row[f"{table}_id"]] = (row["person_id"], start, row[f"{part}_source_value"])
            events.append((table, part, row))
    episodes = {row["episode_id"]: row for row in fetch(database, "FROM cdm.episode")}

    def points_to(person: int, field: int | None, key: int | None) -> tuple[Any, ...] | None:
        if key is None:
            return None
        if FIELDS[field or 0] == "episode":
            return episodes[key]["episode_start_date"], episodes[key]["episode_source_value"]
        assert named[FIELDS[field or 0], key][0] == person, "a row points to a row of another person"
        return named[FIELDS[field or 0], key][1:]

    for table, part, row in events:
        person, *name = named[table, row[f"{table}_id"]]
        kind = made_by[table, row[f"{table}_id"]]
        field = row.get("meas_event_field_concept_id") or row.get("obs_event_field_concept_id")
        link = points_to(person, field, row.get("measurement_event_id") or row.get("observation_event_id"))
        values = (number(row.get("value_as_number")), row.get("value_as_string"), row.get("qualifier_source_value"))
        rows[kind][(who[person], *name, *values, row[f"{part}_type_concept_id"], link)] += 1
        if table == "drug_exposure":
            rows[f"{kind} end"][(who[person], *name, row["drug_exposure_end_date"])] += 1

    def episode(key: int) -> tuple[Any, ...]:
        """Return the kind, source value and start of an episode; a regimen is known by its start alone."""
        kind = made_by["episode", key].removesuffix("_episode")
        source = None if kind == "regimen" else episodes[key]["episode_source_value"]
        return kind, source, episodes[key]["episode_start_date"]

    for key, row in episodes.items():
        parent = row["episode_parent_id"]
        assert parent is None or episodes[parent]["person_id"] == row["person_id"]
        above = (episode(parent)[0], episode(parent)[2]) if parent is not None else None
        more = (row["episode_end_date"], row["episode_number"], above, row["episode_type_concept_id"])
        rows["episode"][(who[row["person_id"]], *episode(key), *more)] += 1
    for row in fetch(database, "FROM cdm.episode_event"):
        person = episodes[row["episode_id"]]["person_id"]
        event = points_to(person, row["episode_event_field_concept_id"], row["event_id"]) or ()
        rows["episode_event"][(who[person], *episode(row["episode_id"]), *event)] += 1
    for row in fetch(database, "FROM cdm.fact_relationship"):
        one, two = (named[DOMAINS[row[f"domain_concept_id_{n}"]], row[f"fact_id_{n}"]] for n in (1, 2))
        assert one[0] == two[0], "a fact relates rows of two persons"
        rows["fact_relationship"][(who[one[0]], row["relationship_concept_id"], *one[1:], *two[1:])] += 1
    for kind, query in SIMPLE.items():
        for row in database.execute(query).fetchall():
            rows[kind][(who[row[0]], *row[1:])] += 1
    return rows


SIMPLE = {
    "person": "SELECT person_id, year_of_birth, month_of_birth, day_of_birth, gender_concept_id FROM cdm.person",
    "observation_period": "SELECT person_id, observation_period_start_date, observation_period_end_date"
    " FROM cdm.observation_period",
    "visit": "SELECT person_id, visit_start_date, visit_source_value FROM cdm.visit_occurrence",
    "death": "SELECT person_id, death_date, cause_source_value FROM cdm.death",
    "cohort": "SELECT subject_id, cohort_definition_name, cohort_start_date, cohort_end_date"
    " FROM cdm.cohort JOIN cdm.cohort_definition USING (cohort_definition_id)",
}
WITH_NOTES = ("tumour_type", "study_drug", "study_drug_whole", "concomitant_medication")
"""Maps whose observations that point to their rows are not predicted here."""


@pytest.mark.parametrize(("trial", "more"), [("impress", "facts: {enrolments: one person}\n"), ("drup", "")])
def test_omop_rows_are_those_that_the_conventions_ask_for(trial: str, more: str, tmp_path: Path) -> None:
    write_export(trial, tmp_path / "data", 60, 11, messy=True)
    (tmp_path / "omopify.yaml").write_text(
        f"mappings: {trial}\ndata: data\nvocabulary: starter\nrelease_date: 2026-01-31\n{more}"
    )
    problems = Problems()
    project = load_project(tmp_path, problems)
    problems.stop_if_errors()
    assert project is not None
    result = run(project, Options(threads=2), problems, silent)
    with duckdb.connect(str(result.out / "omop.duckdb"), read_only=True) as database:
        tables = fetch(database, "SELECT table_name AS t FROM information_schema.tables WHERE table_schema = 'dsp'")
        expected = Prediction({row["t"]: fetch(database, f"FROM dsp.{row['t']}") for row in tables}).rows
        there = actual(database)
    assert len(expected) > 12
    differences = []
    for kind, rows in expected.items():
        found = there[kind]
        if kind in WITH_NOTES:
            found = Counter({row: count for row, count in found.items() if row[-1] is None})
        if kind.startswith("concomitant_medication"):  # a mixture gives one exposure for each of its drugs
            found = Counter({row: min(count, rows[row]) if row in rows else count for row, count in found.items()})
        differences += [f"{kind} lost: {row}" for row in rows - found] + [f"{kind} more: {row}" for row in found - rows]
    assert differences == []
