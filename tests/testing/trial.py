"""A small trial whose maps have tests: what each of them comes to is worked out by hand beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omopify.conversion.vocabulary import find_vocabulary
from omopify.errors import Problem, Problems
from omopify.specs.project import Project, load_project
from omopify.testing.model import Outcome, Report
from omopify.testing.run import Options, run_project_tests, run_tests
from tests.language.workbench import Workbench

SUBJECT = """\
to: dsp.subject
from: dm
key: [ID]
set: {subject_id: ID, sex: {value: SEX, map: {f: female, m: male, "?": null}, otherwise: other}}
"""

EVENT = """\
to: dsp.event
from: ae
where: {named: TERM is not null, real: fold(TERM) <> 'test'}
key: [ID, number(NR)]
set:
  subject_id: ID
  number: NR
  term: TERM
  grade: {value: GRADE, map: values/grade.csv}
  start: {value: START, partial: earliest}
  end: END
"""

PERSON = """\
to: person
from: dsp.subject
key: subject_id
concepts: {gender: {value: sex, map: {female: 8532 FEMALE, male: 8507 MALE}}}
set: {year_of_birth: "'1960'", person_source_value: subject_id}
"""

CONDITION = """\
to: condition_occurrence
from: dsp.event
key: [subject_id, number]
person: subject_id
concept: {value: term, vocabulary: Trial Terms}
date: start
type: 32809
"""

TABLES = {
    "subject": "subject_id: {required: true}\nsex: {}\n",
    "event": (
        "subject_id: {required: true}\nnumber: {type: integer}\nterm: {required: true}\ngrade: {type: integer}\n"
        "start: {type: date, partial: earliest}\nend: {type: date}\n"
    ),
}
GRADES = "from,to\nmild,1\nsevere,3\n"


def write(folder: Path, **tests: str) -> Workbench:
    """Write the trial with tests (the text of ``tests:``) for some of its maps."""

    def text(name: str, body: str) -> str:
        return body + (f"tests:\n{tests[name]}" if name in tests else "")

    case: dict[str, Any] = {
        "project": "data_is: synthetic\n",
        "trial": 'versions: "{}__{n}"\nidentifiers: [ID]\n'
        "sources: {dm: {file: dm.csv, missing: [na]}, ae: {file: ae.csv}}\ncolumns: columns.csv\n",
        "tables": TABLES,
        "maps": {"subject": text("subject", SUBJECT), "event": text("event", EVENT)},
        "shared": {"person": text("person", PERSON), "condition": text("condition", CONDITION)},
        "files": {
            "trial/values/grade.csv": GRADES,
            "trial/columns.csv": "source,column,label,presence\n"
            + "".join(f"dm,{name},,required\n" for name in ("ID", "SEX"))
            + "".join(f"ae,{name},,required\n" for name in ("ID", "NR", "TERM", "GRADE", "START", "END")),
        },
        "data": {
            "dm.csv": "ID,SEX\nN_0412_1,f\nN_0498_1,m\nN_0498_2,m\n",
            "ae.csv": "ID,NR,TERM,GRADE,START,END\n"
            "N_0412_1,1,Fever,mild,2021-03-04,\nN_0412_1,2,Cough,severe,2021-03,2021-04-01\n"
            "N_0498_1,1,Rash,grave,2021-05-06,\nN_0498_2,1,,mild,2021-05-07,\nN_0498_2,2,TEST,mild,2021-05-08,\n",
        },
    }
    return Workbench(folder).write(case)


def load(folder: Path) -> Project:
    """Read the project."""
    problems = Problems()
    project = load_project(folder, problems)
    problems.stop_if_errors()
    assert project is not None
    return project


def outcomes(folder: Path, *maps: str, coverage: bool = False) -> tuple[dict[str, Outcome], list[Problem], Report]:
    """Run tests without keeping anything: outcomes by name, what is wrong with tests, and the report."""
    project, problems = load(folder), Problems()
    report = run_tests(project.pack, find_vocabulary(project, problems), problems, Options(maps, coverage=coverage))
    return {outcome.name: outcome for outcome in report.outcomes}, problems.errors, report


def again(folder: Path, options: Options = Options()) -> Report:  # noqa: B008 - frozen
    """Run the tests of a project, keeping what passed in its output folder."""
    project, problems = load(folder), Problems()
    report = run_project_tests(project, find_vocabulary(project, problems), problems, options)
    problems.stop_if_errors()
    return report
