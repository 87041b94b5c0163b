"""A small trial whose export a test writes row by row, so that what must differ between two results is known."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
from click.testing import CliRunner, Result

from omopify.cli.main import main
from omopify.comparing.diff import Difference, diff
from omopify.comparing.results import earlier, last
from omopify.conversion.run import Options, run
from omopify.errors import Problems
from omopify.progress import silent
from omopify.specs.project import Project, load_project

TERMS = {"Cough": 254761, "Diarrhea": 196523, "Colitis": 4272488, "Anemia": 439777, "Alopecia": 133280}
"""Terms and their concepts, as mappings/prime_rose/concepts/ctcae_terms.csv has them."""

FILES = {
    "omopify.yaml": "mappings: maps\ndata: data\nvocabulary: [starter, demo_restricted]\nrelease_date: 2026-10-31\n",
    "maps/trial.yaml": """\
trial: small
name: A small trial
model: shared
sources:
  defaults: {file: "{source}.csv"}
  dm: {}
  ae: {}
  qol: {optional: true}
identifiers: [SUBJ]
eras: {condition: 30}
""",
    "maps/subject.yaml": """\
map: small_subject
to: dsp.subject
from: dm
key: [SUBJ]
set: {subject_id: SUBJ, sex: SEX, birth_year: BORN}
""",
    "maps/event.yaml": """\
map: small_event
to: dsp.event
from: ae
where: {has_term: TERM is not null}
key: [SUBJ, NR]
set:
  subject_id: SUBJ
  event_number: NR
  term: TERM
  start_date: {value: START, partial: latest}
  outcome: {value: OUT, map: values/outcome.csv}
""",
    "maps/values/outcome.csv": "from,to,remark\nrecovered,recovered,\nstill there,ongoing,\n",
    "shared/model.yaml": "model: shared\nname: A shared model\n",
    "shared/dsp/subject.yaml": """\
table: subject
fields:
  subject_id: {required: true}
  sex: {values: [male, female]}
  birth_year: {type: integer, required: true}
""",
    "shared/dsp/event.yaml": """\
table: event
fields:
  subject_id: {required: true}
  event_number: {type: integer, required: true}
  term: {required: true}
  start_date: {type: date, required: true}
  outcome: {}
""",
    "shared/person.yaml": """\
map: person
to: person
from: dsp.subject
key: [trial, subject_id]
concepts:
  gender: {value: sex, map: {male: 8507 MALE, female: 8532 FEMALE}}
set: {year_of_birth: birth_year}
""",
    "shared/event.yaml": """\
map: event
to: condition_occurrence
from: dsp.event
key: [trial, subject_id, event_number]
person: [trial, subject_id]
concept: {value: term, via: concepts/terms.csv}
start: start_date
type: 32809 Case Report Form
""",
    "shared/concepts/terms.csv": "sourceName,conceptId,mappingStatus\n"
    + "".join(f"{term},{concept},APPROVED\n" for term, concept in TERMS.items()),
}

Event = tuple[str, int, str, str, str]
"""Subject, number, term, start and outcome: a row of the form ``ae``."""


class Trial:
    """A project of the small trial in a folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "data").mkdir()
        self.subjects = [f"S{number}" for number in range(1, 9)]
        self.events: list[Event] = [
            (subject, number, list(TERMS)[(place + number) % 5], f"2024-{number:02}-{place + 1:02}", "recovered")
            for place, subject in enumerate(self.subjects)
            for number in (1, 2, 3)
        ]
        self.export()

    def export(self) -> None:
        """Write the forms as they are now."""
        born = [(subject, "male" if int(subject[1:]) % 2 else "female", 1950) for subject in self.subjects]
        self._form("dm", ("SUBJ", "SEX", "BORN"), born)
        self._form("ae", ("SUBJ", "NR", "TERM", "START", "OUT"), self.events)

    def _form(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        with (self.folder / "data" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([columns, *rows])

    def change(self, name: str, old: str, new: str) -> None:
        """Replace a text in one of the project's files."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def project(self) -> Project:
        problems = Problems()
        project = load_project(self.folder, problems)
        problems.stop_if_errors()
        assert project is not None
        return project

    def run(self, **options: object) -> dict[str, object]:
        """Convert, and return the manifest."""
        return run(self.project, Options(**options), Problems(), silent).manifest  # type: ignore[arg-type]

    def diff(self, which: str | None = None, problems: Problems | None = None) -> Difference:
        now, before = last(self.project), earlier(self.project, which)
        assert now is not None
        assert before is not None
        return diff(self.project, before, now, problems or Problems(), silent)

    def rows(self, sql: str, folder: str = "out") -> list[tuple[object, ...]]:
        with duckdb.connect(self.folder / folder / "omop.duckdb", read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def omopify(self, *arguments: str, at: Callable[[Path], None] = os.chdir) -> Result:
        """Run a command in the folder of the project."""
        here = Path.cwd()
        at(self.folder)
        try:
            result = CliRunner().invoke(main, list(arguments))
        finally:
            os.chdir(here)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result
