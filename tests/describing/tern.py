"""A small trial with a shared model: files for tests to describe, run and show."""

from __future__ import annotations

from pathlib import Path

TRIAL = """
trial: tern
name: The tern trial
model: shared
ctcae: "5.0"
pairs: "{}CD"
versions: "{}__{n}"
identifiers: [ID]
sources:
  defaults: {file: "{source}.csv", dates: "%d.%m.%Y"}
  ae: {}
  dm: {}
  fu: {}
columns: columns.csv
"""
COLUMNS = """source,column,label,presence
ae,ID,Subject,required
ae,TERM,Adverse event,required
ae,GRADE,Grade,required
ae,START,First day,required
ae,STOP,Last day,required
ae,OUT,Outcome,required
ae,OUTCD,Outcome (code),required
ae,OUT__2,Outcome (revised),optional
ae,DRUG1,Drug 1,required
ae,DRUG2,Drug 2,required
ae,Q1,Question 1,required
ae,Q2,Question 2,required
ae,Q1CD,Question 1 (code),required
ae,Q2CD,Question 2 (code),required
dm,ID,Subject,required
dm,SEX,Sex,required
dm,BORN,Date of birth,required
fu,ID,Subject,required
fu,LAST,Last seen,required
"""
EVENT = """
table: event
definition: One row for each event.
fields:
  subject_id: {required: true}
  term: {required: true, definition: what happened}
  grade: {type: integer, values: [1, 2, 3]}
  start_date: {type: date, required: true, partial: earliest}
  end_date: {type: date, partial: latest}
  serious: {type: boolean}
  weight: {type: number, unit: kg}
  outcome: {values: [recovered, fatal]}
"""
MAPS = {
    "tern/tern_event.yaml": """
map: tern_event
to: dsp.event
from: ae
join: {dm: {on: ID}}
where: {told: "TERM is not null and (GRADE is null or GRADE <= 3)"}
key: [ID, TERM]
set:
  subject_id: ID
  term: TERM
  grade: GRADE
  start_date: START
  end_date: {value: STOP, not_before: start_date, note: "<b>agreed</b> & noted"}
  serious: {value: dm.SEX, map: {m: true, f: false}}
  outcome: {value: OUT, map: values/out.csv}
note: What <script>alert(1)</script> a note says stays a text; a|b is no cell.
tests:
  - name: a term that nobody knows is left out
    given: {ae: [{ID: T1, TERM: Fever, START: 01.02.2022, OUT: Odd}], dm: [{ID: T1}]}
    expect:
      dsp.event: [{term: Fever, start_date: 2022-02-01, outcome: null}]
      rejects: none
review: {status: reviewed, by: Kari Nordmann, on: "2026-11-01"}
""",
    "shared/person.yaml": """
map: person
to: person
from: dsp.event
keep: {per: [trial, subject_id], order: [_row]}
key: [trial, subject_id]
concepts:
  gender: {value: "'x'", map: {x: 8507 MALE}}
set: {year_of_birth: year(start_date)}
""",
    "shared/event.yaml": """
map: event
to: by_domain
otherwise: condition_occurrence
from: dsp.event
key: [trial, subject_id, term]
person: [trial, subject_id]
concept:
  - {value: term, via: concepts/terms.csv}
  - {value: term, vocabulary: SNOMED, by: name}
start: start_date
end: end_date
type: 32809 Case Report Form
attributes:
  grade: {when: grade is not null, concept: 4077563 Severity, number: grade}
""",
}
TERMS = """sourceName,conceptId,conceptName,mappingStatus,comment
Fever,437663,Fever,APPROVED,
Rash,0,Unmapped,UNCHECKED,ask <the> PI
"""
AE = """ID,TERM,GRADE,START,STOP,OUT,OUTCD,OUT__2,DRUG1,DRUG2,Q1,Q2,Q1CD,Q2CD,EXTRA
T{n},Fever,2,0{n}.02.2022,00.02.2022,{out},1,,A,,1,2,1,2,x
"""
PROJECT = "mappings: ../tern\ndata: data\nvocabulary: starter\nout: out\n"


def write(root: Path, *, maps: bool = False) -> Path:
    """Write the trial and its shared model below a folder, with maps or without; return the trial's folder."""
    texts = {
        "tern/trial.yaml": TRIAL,
        "tern/columns.csv": COLUMNS,
        "tern/values/out.csv": "from,to,note\nBetter,recovered,as agreed\nDead,fatal,\nUnknown,,\n",
        "tern/query.sql.jinja": "SELECT ID, LAST, _file, _row FROM fu",
        "shared/model.yaml": 'model: shared\nname: The shared variables\nversion: "1"\n',
        "shared/dsp/event.yaml": EVENT,
        **({**MAPS, "shared/concepts/terms.csv": TERMS} if maps else {}),
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.lstrip(), encoding="utf-8")
    return root / "tern"


def project(root: Path, *, export: bool = True) -> Path:
    """Write the trial with its maps, and a project with an export of nine events; return the project's folder."""
    write(root, maps=True)
    folder = root / "project"
    folder.mkdir()
    (folder / "omopify.yaml").write_text(PROJECT, encoding="utf-8")
    if export:
        head, row = AE.splitlines()
        rows = [row.format(n=n, out="Dead" if n < 3 else "Better") for n in range(1, 10)]
        forms = {
            "ae": "\n".join([head, *rows]),
            "dm": "\n".join(["ID,SEX,BORN", *(f"T{n},m,01.01.1960" for n in range(1, 10))]),
            "fu": "ID,LAST",
        }
        for name, text in forms.items():
            (folder / "data").mkdir(exist_ok=True)
            (folder / "data" / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
    return folder
