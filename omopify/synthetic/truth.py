"""The true courses of made-up trial patients, in harmonised (DSP) terms and before any trial's spelling.

:func:`draw_truth` decides what happened; a renderer such as ``omopify.synthetic.impress`` decides how one
trial's eCRF writes it down.  Frames hold words and dates (``progression``, ``2024-03-05``), never a trial's
codes, column names or partial-date text; how much of a date the site knows is a column of its own
(``..._known``: ``day``, ``month`` or ``year``).  ``subject`` is the row number in ``subjects``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from omopify.synthetic import _events, _followup, _response, _treatment
from omopify.synthetic._catalogue import INNS, PROGRAMMES, TUMOURS
from omopify.synthetic._course import SITES, Course, draw_course, drugs_of
from omopify.synthetic._draw import Draw, Ints, dates, known_part, words


@dataclass(frozen=True)
class Truth:
    """What really happened to a set of subjects, a Polars frame a topic.

    A *subject* is one enrolment; a person who is enrolled again is two subjects with one ``person``.
    """

    seed: int
    subjects: pl.DataFrame
    allocations: pl.DataFrame
    visits: pl.DataFrame
    ecog: pl.DataFrame
    cycles: pl.DataFrame
    end_of_treatment: pl.DataFrame
    baseline_sums: pl.DataFrame
    baseline_lesions: pl.DataFrame
    assessments: pl.DataFrame
    adverse_events: pl.DataFrame
    medications: pl.DataFrame
    history: pl.DataFrame
    previous_treatments: pl.DataFrame
    follow_up: pl.DataFrame
    end_of_study: pl.DataFrame
    eq5d: pl.DataFrame
    c30: pl.DataFrame

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return all frames by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "seed"}


def draw_truth(patients: int, seed: int = 1) -> Truth:
    """Draw the true courses of *patients* subjects (enrolments; persons are slightly fewer).

    The same two numbers give the same frames.  Another number of patients gives other patients: the
    first ones of a larger draw are not those of a smaller one.
    """
    course = draw_course(seed, patients)
    drugs = drugs_of(course.programme)
    given = _treatment.draw_cycles(Draw(seed, "treatment"), course, drugs)
    events = _events.draw_adverse_events(Draw(seed, "adverse events"), course, drugs, given.last_dose)
    visits = _response.draw_visits(Draw(seed, "visits"), course)
    sums, assessments = _response.draw_assessments(Draw(seed, "assessments"), course, visits)
    eq5d, c30 = _followup.draw_questionnaires(Draw(seed, "questionnaires"), course)
    return Truth(
        seed=seed,
        subjects=_subjects(seed, course, given.last_dose),
        allocations=_allocations(seed, course),
        visits=visits,
        ecog=_response.draw_ecog(Draw(seed, "ecog"), course, visits),
        cycles=given.cycles,
        end_of_treatment=_treatment.end_of_treatment(Draw(seed, "end of treatment"), course, given.last_dose),
        baseline_sums=sums,
        baseline_lesions=_response.draw_baseline_lesions(Draw(seed, "baseline lesions"), course),
        assessments=assessments,
        adverse_events=events,
        medications=_events.draw_medications(Draw(seed, "medications"), course, events),
        history=_events.draw_history(Draw(seed, "history"), course),
        previous_treatments=_events.draw_previous_treatments(Draw(seed, "previous treatments"), course),
        follow_up=_followup.draw_follow_up(Draw(seed, "follow-up"), course, given.last_dose),
        end_of_study=_followup.draw_end_of_study(Draw(seed, "end of study"), course, given.last_dose),
        eq5d=eq5d,
        c30=c30,
    )


def _subjects(seed: int, course: Course, last_dose: Ints) -> pl.DataFrame:
    draw = Draw(seed, "birth dates")
    return pl.DataFrame(
        {
            "person": course.person,
            "enrolment": course.enrolment,
            "site": words(list(SITES), course.site),
            "site_number": course.site_number,
            "sex": words(["female", "male"], course.male.astype(np.int64)),
            "birth_date": dates(course.birth),
            # Decided by the person, so that both enrolments of one know the same.
            "birth_known": known_part(draw, course.n, 0, 0.12).gather(course.person),
            "consent_date": dates(course.consent),
            "screen_failed": course.screen_failed,
            "treatment_start": dates(course.start),
            "last_dose": dates(last_dose),
            "treatment_stop": dates(course.stop),
            "progression_date": dates(course.progression),
            "death_date": dates(course.death),
            "lost_date": dates(course.lost),
            "last_seen": dates(course.seen),
            "criteria": words(["RECIST", "iRECIST", "RANO"], course.criteria),
        }
    )


def _allocations(seed: int, course: Course) -> pl.DataFrame:
    """Return a row a subject that has an allocation form; a screen failure has none, or one without cohort."""
    draw = Draw(seed, "allocation")
    has_form = ~course.screen_failed | draw.chance(course.n, 0.5)
    variant = draw.whole(course.n, 0, 1)
    drugs = drugs_of(course.programme)
    tumour, programme, allocated = course.tumour, course.programme, ~course.screen_failed
    spellings = [spelling for t in TUMOURS for spelling in t.spellings]
    mutations = [mutation for p in PROGRAMMES for mutation in p.mutations]
    return pl.DataFrame(
        {
            "subject": np.arange(course.n),
            "date": dates(np.where(allocated, course.allocation, course.consent + 7)),
            "allocated": allocated,
            "target": words([p.target for p in PROGRAMMES], np.where(allocated, programme, -1)),
            "tumour": words([t.main for t in TUMOURS], tumour),
            "tumour_cohort": words([t.cohort for t in TUMOURS], tumour),
            "tumour_text": words(spellings, tumour * 2 + variant),
            "tumour_other": words([t.other for t in TUMOURS], tumour).replace("", None),
            "icd10": words([t.icd10 for t in TUMOURS], tumour),
            "icd10_text": words([t.icd10_text for t in TUMOURS], tumour),
            "drug_1": words(INNS, np.where(allocated, drugs[:, 0], -1)),
            "drug_2": words(INNS, np.where(allocated, drugs[:, 1], -1)),
            "alteration": words([p.alteration for p in PROGRAMMES], np.where(allocated, programme, -1)),
            "gene": words([p.gene for p in PROGRAMMES], np.where(allocated, programme, -1)),
            "mutation": words(mutations, np.where(allocated, programme * 2 + variant, -1)),
        }
    ).filter(pl.Series(has_form))
