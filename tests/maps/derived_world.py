"""Runs of the derived maps, and shared tables drawn at random for them, without any medicine.

The synthetic patients of ``omopify.synthetic`` behave; these do not, so that each branch of a rule is taken often:
every order of responses, cycles and answers that can be.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb

from omopify.conversion.run import Options, run
from omopify.errors import Problems
from omopify.progress import silent
from omopify.specs.project import load_project

Row = dict[str, Any]

INPUTS = {
    "subject": ["subject_id", "person_key", "birth_year", "birth_year_basis", "birth_date"],
    "treatment_cycle": [
        "subject_id", "drug", "drug_number", "cycle_number", "type", "received", "start_date", "end_date", "end_basis",
        "intake_start_date",
    ],
    "end_of_treatment": ["subject_id", "last_dose_date", "reason", "progression_date"],
    "tumour_assessment": ["subject_id", "assessment_id", "criterion", "date", "response"],
    "death": ["subject_id", "date"],
    "adverse_event": ["subject_id", "adverse_event_id", "term", "grade", "start_date", "serious"],
    "adverse_event_relation": ["subject_id", "adverse_event_id", "drug_number", "relation"],
    "questionnaire_answer": ["subject_id", "instrument", "occasion", "date", "item", "answer"],
}  # fmt: skip
"""The tables that the rules start from, with the fields that are drawn."""

RECIST = ["CR", "PR", "PR", "SD", "SD", "NON-CR/NON-PD", "PD", "NE"]
IRECIST = ["iCR", "iPR", "iPR", "iSD", "iSD", "iUPD", "iUPD", "iUPD", "iCPD", "iNE"]


@dataclass(frozen=True)
class Facts:
    """What the trial has fixed, as the rules read it."""

    weeks: tuple[int, ...] = (16,)
    window: int = 7
    order: tuple[str, ...] = ("irecist", "recist", "rano")
    sd_minimum: int = 0
    confirmation: int = 28

    def text(self) -> str:
        lines = [f"disease_control_weeks: [{', '.join(map(str, self.weeks))}]"]
        if self != Facts(weeks=self.weeks):  # else the rules' own defaults are tried
            lines += [f"assessment_window_days: {self.window}", f'facts: {{sd_minimum_days: "{self.sd_minimum}",']
            lines += [f'  confirmation_days: "{self.confirmation}", criterion_order: "{", ".join(self.order)}"}}']
        return "\n".join(lines)


@dataclass
class Case:
    """The shared tables of one run, the given and the derived ones."""

    tables: dict[str, list[Row]]
    facts: Facts

    def of(self, table: str, basis: str = "derived") -> list[Row]:
        return [row for row in self.tables[table] if row["basis"] == basis]

    def by_subject(self, table: str) -> dict[str, list[Row]]:
        found = defaultdict(list)
        for row in self.tables[table]:
            found[row["subject_id"]].append(row)
        return found

    @property
    def is_recorded(self) -> bool:
        """Whether the trial gives treatment, age and evaluability itself, so that there is nothing to derive."""
        return any(row["basis"] == "recorded" for row in self.tables["treatment"])

    @property
    def starts(self) -> dict[str, date]:
        return {row["subject_id"]: row["start_date"] for row in self.tables["treatment"]}


def convert(folder: Path, facts: Facts) -> Case:
    """Run the maps that write shared tables, and read all of these."""
    problems = Problems()
    project = load_project(folder, problems)
    problems.stop_if_errors()
    assert project is not None
    shared = tuple(loaded for loaded in project.pack.maps if loaded.spec.to.startswith("dsp."))
    result = run(replace(project, pack=replace(project.pack, maps=shared)), Options(), problems, silent)
    with duckdb.connect(str(result.out / "omop.duckdb"), read_only=True) as database:
        tables = {}
        for name in project.pack.tables:
            found = database.execute(f"SELECT * FROM dsp.{name}")
            names = [column[0] for column in found.description]
            tables[name] = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return Case(tables, facts)


def convert_tables(folder: Path, given: Mapping[str, list[Row]], facts: Facts) -> Case:
    """Run the derived maps on shared tables that are given: a trial whose forms are these tables."""
    pack, data = folder / "maps" / "made", folder / "data"
    pack.mkdir(parents=True)
    data.mkdir()
    sources = "".join(f"  {name}: {{file: {name}.csv}}\n" for name in INPUTS)
    trial = f"trial: made\nname: Made up\nmodel: prime_rose\n{facts.text()}\nsources:\n{sources}"
    (pack / "trial.yaml").write_text(trial)
    for name, fields in INPUTS.items():
        fill = "".join(f"  {field}: {field}\n" for field in fields)
        (pack / f"{name}.yaml").write_text(f"map: {name}_given\nto: dsp.{name}\nfrom: {name}\nkey: n\nset:\n{fill}")
        with (data / f"{name}.csv").open("w", newline="") as text:
            writer = csv.DictWriter(text, ["n", *fields])
            writer.writeheader()
            writer.writerows({"n": n, **row} for n, row in enumerate(given.get(name, [])))
    (folder / "omopify.yaml").write_text("mappings: maps/made\ndata: data\nvocabulary: starter\n")
    return convert(folder, facts)


def draw_world(rng: Random, subjects: int) -> dict[str, list[Row]]:
    """Draw the shared tables of so many subjects; the same generator draws the same."""
    tables: dict[str, list[Row]] = {name: [] for name in INPUTS}
    for n in range(subjects):
        subject = f"S{n:04d}"
        start = date(2021, 1, 1) + timedelta(days=rng.randrange(700))
        _person(rng, tables, subject)
        _cycles(rng, tables, subject, start)
        _course(rng, tables, subject, start)
        _events(rng, tables, subject, start)
        _answers(rng, tables, subject, start)
    return tables


def _later(rng: Random, start: date, least: int, most: int) -> date:
    return start + timedelta(days=rng.randint(least, most))


def _person(rng: Random, tables: dict[str, list[Row]], subject: str) -> None:
    birth = date(1930, 1, 1) + timedelta(days=rng.randrange(33000))
    basis = rng.choice(["date of birth", "date of birth", "age"])
    row: Row = {"subject_id": subject, "person_key": subject, "birth_year": birth.year, "birth_year_basis": basis}
    if basis == "date of birth" and rng.random() < 0.7:
        row["birth_date"] = rng.choice([birth, date(1960, 2, 29), date(2022, 6, 1), date(birth.year, 1, 1)])
        row["birth_year"] = row["birth_date"].year
    tables["subject"].append(row)


def _cycles(rng: Random, tables: dict[str, list[Row]], subject: str, start: date) -> None:
    for drug in range(1, rng.choice([0, 1, 1, 1, 2, 2]) + 1):
        kind = rng.choice(["oral", "iv", "iv", None])
        day = start + timedelta(days=rng.choice([0, 0, 1, 8]))
        for cycle in range(1, rng.randint(1, 5) + 1):
            received = rng.choice(["true", "true", "true", "true", "false", None])
            row: Row = {"subject_id": subject, "drug": f"drug {drug}", "drug_number": drug, "cycle_number": cycle}
            row |= {"type": kind, "received": received, "start_date": day}
            length = rng.choice([7, 10, 14, 20, 21, 28])
            if kind == "oral":
                row["intake_start_date"] = rng.choice([day, day, None])
                row["end_date"] = rng.choice([_later(rng, day, 15, 31), day + timedelta(days=length - 1), day, None])
                row["end_basis"] = "recorded" if row["end_date"] else None
            elif kind == "iv":
                row |= {"end_date": day + timedelta(days=length - 1), "end_basis": "derived"}
            tables["treatment_cycle"].append(row)
            day += timedelta(days=length)


def _course(rng: Random, tables: dict[str, list[Row]], subject: str, start: date) -> None:
    criteria = rng.choice([["recist"], ["irecist"], ["rano"], ["recist", "irecist"], ["recist", "irecist", "lugano"]])
    day = start + timedelta(days=rng.choice([-10, 0, 20, 28, 29, 50, 56]))
    for visit in range(rng.randint(0, 6)):
        for criterion in criteria:
            if rng.random() < 0.15:
                continue
            pool = IRECIST if criterion == "irecist" else ["CMR", "PMD"] if criterion == "lugano" else RECIST
            row: Row = {"subject_id": subject, "assessment_id": f"V{visit:02d}", "criterion": criterion, "date": day}
            tables["tumour_assessment"].append(row | {"response": rng.choice([*pool, None])})
        day += timedelta(days=rng.choice([0, 7, 14, 27, 28, 42, 56, 56, 63]))
    if rng.random() < 0.35:
        row = {"subject_id": subject, "last_dose_date": _later(rng, start, -3, 200)}
        row["reason"] = rng.choice(["progression", "adverse event", "completed", None])
        row["progression_date"] = rng.choice([_later(rng, start, 20, 150), _later(rng, start, 111, 113), None])
        tables["end_of_treatment"].append(row)
        if rng.random() < 0.1:
            tables["end_of_treatment"].append(row | {"last_dose_date": _later(rng, start, 0, 250)})
    if rng.random() < 0.25:
        tables["death"].append({"subject_id": subject, "date": _later(rng, start, 20, 200)})


def _events(rng: Random, tables: dict[str, list[Row]], subject: str, start: date) -> None:
    for event in range(rng.randint(0, 6)):
        own = {"subject_id": subject, "adverse_event_id": str(event + 1)}
        row: Row = own | {"term": rng.choice(["Fatigue", "fatigue", "Rash", "Anaemia "]), "start_date": start}
        row |= {"grade": rng.choice([1, 2, 3, 4, 5, None]), "serious": rng.choice(["true", "false", "false", None])}
        row["start_date"] = _later(rng, start, -5, 60)
        tables["adverse_event"].append(row)
        for drug in (1, 2):
            relation = rng.choice(["related", "not related", "unknown", None])
            tables["adverse_event_relation"].append(own | {"drug_number": drug, "relation": relation})


def _answers(rng: Random, tables: dict[str, list[Row]], subject: str, start: date) -> None:
    for occasion in range(rng.randint(0, 3)):
        own = {"subject_id": subject, "occasion": f"V{occasion:02d}", "date": start + timedelta(days=90 * occasion)}
        answered = rng.choice([1.0, 0.9, 0.5, 0.1])
        for item in range(1, 31):
            if rng.random() < answered:
                answer = rng.choice([1, 2, 3, 4, 4, rng.randint(0, 8)])
                row = own | {"instrument": "QLQ-C30", "item": str(item), "answer": answer}
                tables["questionnaire_answer"].append(row)
        for item in ["1", "2", "3", "4", "5", "VAS"]:
            if rng.random() < answered:
                answer = rng.choice([1, 2, 3, 4, 5, 9]) if item != "VAS" else rng.randint(0, 100)
                row = own | {"instrument": "EQ-5D-5L", "item": item, "answer": answer}
                tables["questionnaire_answer"].append(row)
