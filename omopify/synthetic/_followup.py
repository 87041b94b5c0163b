"""After treatment: survival follow-up and end of study; and the questionnaires all along."""

from __future__ import annotations

import numpy as np
import polars as pl

from omopify.synthetic._course import Course
from omopify.synthetic._draw import NEVER, Draw, Floats, Ints, dates, expand, known_part, masked, words

HALF_YEAR, QUARTER = 182, 91
FOLLOWED = 730  # survival is followed for two years after the end of treatment
C30_QUESTIONS, EQ5D_QUESTIONS = 30, 5


def _followed_from(course: Course, last_dose: Ints) -> Ints:
    """Return the day from which survival is followed; untreated subjects are followed from allocation."""
    return np.where(course.treated, last_dose, course.allocation)


def draw_follow_up(draw: Draw, course: Course, last_dose: Ints) -> pl.DataFrame:
    """Draw a contact each half year, and a last one that tells of death or loss."""
    begin = _followed_from(course, last_dose)
    followed = begin < NEVER
    contacts = np.where(followed, np.clip((course.seen - begin) // HALF_YEAR, 0, 4), 0)
    status = np.where(course.death < NEVER, 1, np.where(course.lost < NEVER, 2, 0))
    final = followed & (status > 0)
    subject, k = expand(contacts + final)
    n = len(subject)
    is_last = final[subject] & (k == contacts[subject])
    contact = begin[subject] + (k + 1) * HALF_YEAR - draw.whole(n, 0, 20)
    state = np.where(is_last, status[subject], 0)
    alive = np.where(is_last, np.where(state == 2, course.lost[subject], NEVER), contact)
    return pl.DataFrame(
        {
            "subject": subject,
            "status": words(["alive", "dead", "lost"], state),
            "alive_date": dates(alive),
            "death_date": dates(np.where(state == 1, course.death[subject], NEVER)),
            "death_known": known_part(draw, n, 0.04, 0),
        }
    )


def draw_end_of_study(draw: Draw, course: Course, last_dose: Ints) -> pl.DataFrame:
    """Draw the end-of-study form: the dead, the lost, the failed and those followed for two years."""
    done = _followed_from(course, last_dose) + FOLLOWED <= course.seen
    gone = (course.death < NEVER) | (course.lost < NEVER)
    has = (gone | course.screen_failed | done) & ~draw.chance(course.n, 0.08)
    return pl.DataFrame(
        {
            "subject": np.arange(course.n),
            "death_date": dates(course.death),
            "death_known": known_part(draw, course.n, 0.04, 0),
        }
    ).filter(pl.Series(has))


def draw_questionnaires(draw: Draw, course: Course) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw EQ-5D-5L and QLQ-C30, filled on the same occasions; now and then one of the two is missing."""
    occasions, burden = _occasions(draw, course)
    frames = []
    for answers in (_eq5d_answers(draw, burden), _c30_answers(draw, burden)):
        back = pl.Series(~draw.chance(len(burden), 0.02))
        frames.append(occasions.with_columns(answers).filter(back))
    return frames[0], frames[1]


def _eq5d_answers(draw: Draw, burden: Floats) -> list[pl.Series]:
    """Draw five answers from 1 (good) to 5 and the 0-100 scale."""
    n = len(burden)
    answers = [
        pl.Series(f"q{i}", np.clip(np.round(1.7 + 0.8 * burden + 0.7 * draw.normal(n)), 1, 5).astype(np.int8))
        for i in range(1, EQ5D_QUESTIONS + 1)
    ]
    scale = np.clip(np.round(66 - 14 * burden + 8 * draw.normal(n)), 0, 100).astype(np.int64)
    return [*answers, masked(scale, ~draw.chance(n, 0.02)).alias("scale")]


def _c30_answers(draw: Draw, burden: Floats) -> list[pl.Series]:
    """Draw 28 answers from 1 (good) to 4 and two from 1 (bad) to 7; some are left out."""
    n = len(burden)
    answers = []
    for i in range(1, C30_QUESTIONS + 1):
        if i <= 28:
            value = np.clip(np.round(1.6 + 0.6 * burden + 0.6 * draw.normal(n)), 1, 4)
        else:
            value = np.clip(np.round(4.8 - burden + 0.7 * draw.normal(n)), 1, 7)
        answers.append(masked(value.astype(np.int8), ~draw.chance(n, 0.01)).alias(f"q{i}"))
    return answers


def _occasions(draw: Draw, course: Course) -> tuple[pl.DataFrame, Floats]:
    """Return when questionnaires were filled, and how ill the patient then felt.

    Filled at baseline, every three months on treatment and at its end; one in nine never comes back.
    """
    begin = np.where(course.treated, course.baseline, NEVER)
    quarters = np.where(course.treated, np.clip((np.minimum(course.stop, course.seen) - begin) // QUARTER, 0, 8), 0)
    at_end = course.treated & (course.stop < NEVER) & draw.chance(course.n, 0.5)
    subject, k = expand(np.where(course.treated, quarters + 1 + at_end, 0))
    n = len(subject)
    ends = at_end[subject] & (k == quarters[subject] + 1)
    month = np.where(ends, -1, 3 * k)
    planned = np.where(ends, course.stop[subject], begin[subject] + k * QUARTER)
    # The event is dated by the nurse, the form by the patient: up to three days earlier.
    filled = np.maximum(planned - draw.pick(n, [7, 1, 1, 1]), course.consent[subject])
    frame = pl.DataFrame(
        {
            "subject": subject,
            "month": masked(month, month >= 0),  # missing at the end of treatment
            "by_telephone": (k > 0) & draw.chance(n, 0.05),
            "event_date": dates(planned),
            "date": dates(filled),
        }
    )
    kept = ~draw.chance(n, np.where(k == 0, 0.02, 0.12))
    burden = draw.normal(course.n)[subject] + 0.15 * np.minimum(k, 4) + 0.3 * draw.normal(n)
    return frame.filter(pl.Series(kept)), burden[kept]
