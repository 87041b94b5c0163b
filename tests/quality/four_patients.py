"""Four patients of a made-up trial of whom everything is in order, in the real tables of the shared model and of OMOP.

A: colon, RECIST, tablets, progression and death.  B: glioblastoma, RANO, two infusions.  C: melanoma without a code,
iRECIST with a confirmed progression.  D: colon, dies under treatment.  Every row is of file 1; the numbers of rows are
the keys that the tests name (``1:3`` is the third row of its table).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from omopify.conversion.session import prepare_tables
from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import Problems
from omopify.quality.model import Context
from omopify.specs.packs import TableFile
from omopify.specs.project import load_project

FACTS = {
    "ctcae": ("5.0",),
    "disease_control_weeks": ("16",),
    "assessment_window_days": ("7",),
    "ecog_eligible": ("0", "1", "2"),
    "response_criteria": ("recist", "irecist", "rano"),
}

_DSP = {
    "subject(subject_id, person_key, birth_year, birth_date)": """
        A A 1960 1960-05-05 | B B 1970 1970-01-01 | C C 1955 - | D D 1981 -""",
    "milestone(subject_id, milestone, date)": """
        A consented 2022-01-01 | B consented 2022-01-02 | C consented 2022-01-03 | D consented 2022-01-04""",
    "tumour_type(subject_id, date, date_basis, icd10_code, main_tumour_type)": """
        A 2022-01-05 allocation C18.9 Colon | B 2022-01-06 allocation c719 Brain
        | C 2022-01-07 allocation - Malignant_Melanoma | D 2022-01-08 allocation C18 Colon""",
    "cohort_allocation(subject_id, allocation_date, cohort_name, target_name)": """
        A 2022-01-05 BRAF_V600mut/Colon/X BRAF | B 2022-01-06 HER2exp/Glioblastoma/Y+Z ERBB2
        | C 2022-01-07 TMB_high/Melanoma/W TMB | D 2022-01-08 MSI-H/Colon/V -""",
    "biomarker(subject_id, date, gene_mutation, target_name)": """
        A 2022-01-05 BRAF_activating_mutations BRAF | B 2022-01-06 ERBB2_amplification ERBB2
        | C 2022-01-07 - TMB | D 2022-01-08 Microsatellite_instability_high -""",
    "study_drug(subject_id, cohort_name, drug_number, drug)": """
        A a 1 X | B b 1 Y | B b 2 Z | C c 1 W | D d 1 V""",
    "treatment(subject_id, start_date, end_date, basis, rule)": """
        A 2022-01-10 2022-08-01 derived r | B 2022-01-11 2022-06-30 derived r | C 2022-01-12 - derived r
        | D 2022-01-13 2022-03-20 derived r""",
    "treatment_cycle(subject_id, drug, drug_number, cycle_number, received, start_date, end_date, end_basis, dose)": """
        A X 1 1 true 2022-01-10 2022-02-06 recorded 300 | A X 1 2 true 2022-02-07 2022-03-07 recorded 300
        | A X 1 3 true 2022-03-07 2022-08-01 recorded 300 | B Y 1 1 true 2022-01-11 2022-01-31 derived 400
        | B Y 1 2 true 2022-02-01 - - - | B Z 2 1 true 2022-01-11 - - - | C W 1 1 true 2022-01-12 - - -
        | D V 1 1 true 2022-01-13 - - -""",
    "end_of_treatment(subject_id, last_dose_date, reason, reason_recorded, progression_date)": """
        A 2022-08-01 progression Disease_progression 2022-08-02 | B 2022-06-30 completed Normal_completion -
        | D 2022-03-20 other Other:_death_of_the_patient -""",
    "death(subject_id, date)": "A 2022-09-01 | D 2022-04-01",
    "follow_up(subject_id, contact_id, status, last_known_alive)": """
        A a alive 2022-08-20 | A b dead - | B a alive 2022-12-01""",
    "ecog(subject_id, date, baseline, grade)": """
        A 2022-01-04 true 1 | B 2022-01-04 true 0 | C 2022-01-04 true 2 | D 2022-01-04 true 1
        | A 2022-05-01 false 3""",
    "age(subject_id, age, at, basis, rule)": """
        A 61 2022-01-10 derived r | B 52 2022-01-11 derived r | C 66 2022-01-12 derived r
        | D 18 2022-01-13 derived r""",
    "visit(subject_id, event_id, event_name, date)": """
        A V00 Screening 2022-01-03 | A V02 Week8 2022-03-07 | A V03 Week_16 2022-05-02 | C V02 Week8 2022-03-09""",
    "baseline_tumour_assessment(subject_id, criterion, date, target_sum)": """
        A recist 2022-01-03 50 | B rano 2022-01-04 1000 | C irecist 2022-01-05 40 | D recist 2022-01-06 30""",
    "tumour_assessment(subject_id, assessment_id, event_id, criterion, date, sum_unit, baseline_sum, nadir_sum, "
    "current_sum, change_from_baseline, change_from_nadir, new_lesion, response, progression_date)": """
        A V02 V02 recist 2022-03-07 mm 50 50 30 -40 -40 false PR -
        | A V03 V03 recist 2022-05-02 mm 50 30 32 -36 6.7 false PR -
        | A V04 V04 recist 2022-08-02 mm 50 30 40 -20 33.3 false PD 2022-08-02
        | B V02 V02 rano 2022-03-08 mm2 1000 1000 900 -10 -10 false SD -
        | B V03 V03 rano 2022-05-03 mm2 1000 900 400 -60 -55.6 false PR -
        | C V02 V02 irecist 2022-03-09 mm 40 40 42 5 5 false iSD -
        | C V03 V03 irecist 2022-05-04 mm 40 40 52 30 30 false iUPD -
        | C V04 V04 irecist 2022-06-01 mm 40 40 60 50 50 false iCPD -
        | D V02 V02 recist 2022-03-10 mm 30 30 0 -100 -100 false CR -
        | C V02 V02 recist 2022-03-09 mm 40 40 42 5 5 false SD -""",
    "observation_window(subject_id, start_date, end_date)": """
        A 2022-01-01 2022-09-01 | B 2022-01-02 2022-12-01 | C 2022-01-03 2022-12-01 | D 2022-01-04 2022-04-01""",
    "adverse_event(subject_id, adverse_event_id, term, grade, ctcae_version, start_date, end_date, serious, "
    "serious_date, outcome)": """
        A 1 Fatigue 2 5.0 2022-02-01 2022-02-10 false - recovered
        | A 2 Sepsis 5 5.0 2022-08-25 2022-09-01 true 2022-08-26 fatal
        | B 1 Rash 3 5.0 2022-03-01 2022-03-20 true 2022-03-02 recovered
        | C 1 Nausea 1 5.0 2022-02-02 - false - -""",
    "adverse_event_relation(subject_id, adverse_event_id, drug_number, relation)": """
        A 1 1 related | B 1 1 not_related | B 1 2 related | C 1 2 not_related""",
    "concomitant_medication(subject_id, medication_id, name, start_date)": "A 1 x 2022-02-02 | D 1 x 2022-02-01",
    "questionnaire_answer(subject_id, instrument, occasion, date, item, answer)": """
        A QLQ-C30 o 2022-03-07 1 4 | A QLQ-C30 o 2022-03-07 29 7 | A EQ-5D-5L o 2022-03-07 1 5
        | A EQ-5D-5L o 2022-03-07 VAS 80""",
    "questionnaire_score(subject_id, instrument, occasion, date, scale, score, profile, basis, rule)": """
        A QLQ-C30 o 2022-03-07 QL2 50 - derived r | A EQ-5D-5L o 2022-03-07 profile - 11231 derived r""",
}

_CDM = """
INSERT INTO cdm.person (person_id, gender_concept_id, year_of_birth, race_concept_id, ethnicity_concept_id)
    VALUES (1, 8507, 1960, 0, 0), (2, 8507, 2004, 0, 0);
INSERT INTO cdm.observation_period
    VALUES (1, 1, '2022-01-01', '2022-09-01', 32809), (2, 2, '2022-01-02', '2022-12-01', 32809);
INSERT INTO cdm.death (person_id, death_date) VALUES (1, '2022-09-01');
INSERT INTO cdm.visit_occurrence
    (visit_occurrence_id, person_id, visit_concept_id, visit_start_date, visit_end_date, visit_type_concept_id)
    VALUES (51, 1, 9202, '2022-09-01', '2022-09-01', 32809), (52, 2, 9202, '2023-03-07', '2023-03-07', 32809);
INSERT INTO cdm.procedure_occurrence
    (procedure_occurrence_id, person_id, procedure_concept_id, procedure_date, procedure_type_concept_id)
    VALUES (61, 1, 0, '2022-02-01', 32809);
INSERT INTO cdm.condition_occurrence
    (condition_occurrence_id, person_id, condition_concept_id, condition_start_date, condition_type_concept_id)
    VALUES (11, 1, 0, '2022-08-25', 32809), (12, 2, 0, '2022-03-01', 32809), (13, 1, 0, '2010-03-01', 32809);
INSERT INTO cdm.drug_exposure
    (drug_exposure_id, person_id, drug_concept_id, drug_exposure_start_date, drug_exposure_end_date,
     drug_type_concept_id)
    VALUES (21, 1, 0, '2022-01-10', '2022-02-06', 32809), (22, 1, 0, '2015-01-10', '2015-02-06', 32809);
INSERT INTO cdm.episode
    (episode_id, person_id, episode_concept_id, episode_start_date, episode_object_concept_id, episode_type_concept_id)
    VALUES (31, 1, 32532, '2022-01-10', 0, 32809);
INSERT INTO cdm.episode_event VALUES (31, 21, 1147094);
INSERT INTO cdm.observation
    (observation_id, person_id, observation_concept_id, observation_date, observation_type_concept_id, value_as_number,
     observation_event_id, obs_event_field_concept_id)
    VALUES (71, 1, 4163733, '2022-01-01', 32809, NULL, NULL, NULL),
        (72, 2, 4163733, '2022-01-02', 32809, NULL, NULL, NULL),
        (73, 1, 765766, '2022-08-25', 32809, 5, 11, 1147127), (74, 2, 763791, '2022-03-01', 32809, 3, 12, 1147127);
INSERT INTO cdm.measurement
    (measurement_id, person_id, measurement_concept_id, measurement_date, measurement_type_concept_id, value_as_number)
    VALUES (41, 1, 1633368, '2022-03-07', 32809, NULL), (42, 1, 1633597, '2022-08-02', 32809, NULL),
        (43, 1, 36305384, '2022-01-04', 32809, 1), (44, 1, 701340, '2022-03-07', 32809, 4),
        (45, 1, 701367, '2022-03-07', 32809, 7), (46, 1, 42537274, '2022-03-07', 32809, 80);
INSERT INTO audit.files VALUES (1, 'form', 'form.csv', NULL, 10, 'x');
"""


@cache
def tables() -> dict[str, TableFile]:
    """Return the tables of the shared model PRIME-ROSE."""
    problems = Problems()
    project = load_project(Path(__file__).parents[2] / "examples" / "drup", problems)
    assert project
    return dict(project.pack.tables)


def context(**changes: object) -> Context:
    """Return what the trial of the four patients states, and what their result has."""
    said = {"schemas": frozenset({"cdm", "dsp", "audit"}), "facts": FACTS, "tables": tables(), **changes}
    return Context(**said)  # type: ignore[arg-type]


def open_result(scratch: Path) -> DuckDB:
    """Return a database in memory with the four patients."""
    db = DuckDB(None, [Attached("work"), Attached("register")], scratch=scratch)
    project = load_project(Path(__file__).parents[2] / "examples" / "drup", Problems())
    assert project
    prepare_tables(db, project.pack)
    for head, rows in _DSP.items():
        table, named = head.rstrip(")").split("(")
        columns = ", ".join(f'"{column}"' for column in named.split(", "))
        for number, row in enumerate(rows.split("|"), 1):
            cells = ["NULL" if cell == "-" else "'" + cell.replace("_", " ") + "'" for cell in row.split()]
            values = ", ".join(["1", str(number), "'t'", *cells])
            db.script(f"INSERT INTO dsp.{table} (_file, _row, trial, {columns}) VALUES ({values})")
    db.script(_CDM)
    return db
