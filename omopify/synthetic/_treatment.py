"""The treatment: one row for each drug and cycle, and the end of treatment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from omopify.synthetic._catalogue import DRUGS, INNS, REASONS_MISSED
from omopify.synthetic._course import CUT, REASONS, Course
from omopify.synthetic._draw import NEVER, Draw, Floats, Ints, dates, expand, masked, words


@dataclass(frozen=True)
class Given:
    """The cycles, and the day of each subject's last dose (NEVER if none or still treated)."""

    cycles: pl.DataFrame
    last_dose: Ints


def draw_cycles(draw: Draw, course: Course, drugs: Ints) -> Given:
    """Draw the cycles of both study drugs until the stop or the day of the export."""
    until = np.minimum(np.minimum(course.stop, course.seen + 1), CUT + 1)
    slots = np.stack([np.arange(course.n)] * 2, axis=1).ravel()
    drug = drugs.ravel()
    length = np.array([d.cycle_days for d in DRUGS])[np.maximum(drug, 0)]
    wanted = (drug >= 0) & course.treated[slots]
    counts = np.where(wanted, np.maximum((until[slots] - course.start[slots] - 1) // length + 1, 1), 0)
    slot, k = expand(counts)
    subject, drug, number = slots[slot], drug[slot], slot % 2 + 1

    # A late cycle moves all later ones of the same drug.
    late = np.where(draw.chance(len(k), 0.06) & (k > 0), draw.whole(len(k), 2, 10), 0)
    total = np.cumsum(late)
    before = (total - late)[k == 0]  # what earlier patients were late is not this one's
    start = course.start[subject] + k * length[slot] + total - np.repeat(before, counts[counts > 0])
    kept = start < until[subject]
    slot, k, subject, drug, number, start = (a[kept] for a in (slot, k, subject, drug, number, start))

    n = len(k)
    received = (k == 0) | ~draw.chance(n, 0.03)
    oral = np.array([d.route == "oral" for d in DRUGS])[drug]
    ongoing = course.stop[subject] >= NEVER
    is_last = np.append(slot[1:] != slot[:-1], True)[:n]
    following = np.where(is_last, NEVER, np.append(start[1:], NEVER)[:n])
    # The last tablet of a cycle is often taken on the morning of the next visit.
    span = np.array([d.on_days for d in DRUGS])[drug] - draw.whole(n, 0, 1)
    intake_end = np.minimum.reduce([start + span, following, until[subject]])
    intake_end = np.where(oral & received & ~(ongoing & is_last), intake_end, NEVER)
    dosed = np.where(received, np.where(oral, intake_end, start), -1)
    last_dose = np.full(course.n, -1)
    np.maximum.at(last_dose, subject, dosed)
    last_dose = np.where((last_dose >= 0) & (course.stop < NEVER), last_dose, NEVER)

    prescribed = _doses(draw, course, drug, subject)
    by_tablets, by_infusion = oral & received, ~oral & received
    as_told = ~draw.chance(n, 0.07)
    previous_taken = ~draw.chance(n, 0.06)
    delivered = ~draw.chance(n, 0.03)
    missed = by_tablets & ~previous_taken & (k > 0)
    cycles = pl.DataFrame(
        {
            "subject": subject,
            "drug": words(INNS, drug),
            "drug_number": number,
            "cycle": k + 1,
            "route": words(["IV", "oral"], oral.astype(np.int64)),
            "start": dates(start),
            "received": received,
            "dose": masked(prescribed, received),
            "dose_per_kg": by_infusion & np.array([d.per_kg for d in DRUGS])[drug] & draw.chance(n, 0.01),
            "delivered": masked(delivered, by_infusion),
            "dose_delivered": masked(np.where(delivered, prescribed, np.round(prescribed * 0.6)), by_infusion),
            "intake_start": dates(start, by_tablets),
            "intake_end": dates(intake_end, by_tablets),
            "as_specified": masked(as_told, by_tablets),
            "why_not_specified": words(
                ["adverse event", "forgotten", "other"],
                np.where(by_tablets & ~as_told, draw.pick(n, [5, 3, 2]), -1),
            ),
            "previous_taken": masked(previous_taken, by_tablets & (k > 0)),
            "days_missed": masked(draw.whole(n, 1, 9), missed),
            "why_missed": words(list(REASONS_MISSED), np.where(missed, draw.whole(n, 0, len(REASONS_MISSED) - 1), -1)),
            "odd_unit": by_tablets & draw.chance(n, 0.01),
        }
    )
    return Given(cycles, last_dose)


def _doses(draw: Draw, course: Course, drug: Ints, subject: Ints) -> Floats:
    """Return the prescribed dose in mg: by weight where the drug asks for it, reduced for some subjects."""
    weight = np.round(np.clip(74 + 13 * draw.normal(course.n), 42, 130) * 2) / 2
    reduced = draw.chance(course.n, 0.12)
    dose = np.array([d.dose for d in DRUGS])[drug]
    dose = np.where(np.array([d.per_kg for d in DRUGS])[drug], dose * weight[subject], dose)
    return np.round(np.where(reduced[subject], dose * 0.75, dose), 1).astype(np.float64)


def end_of_treatment(draw: Draw, course: Course, last_dose: Ints) -> pl.DataFrame:
    """Return one row for each subject that has stopped; the form is written some days after the decision."""
    frame = pl.DataFrame(
        {
            "subject": np.arange(course.n),
            "recorded": dates(np.minimum(course.stop + draw.whole(course.n, 0, 30), course.seen)),
            "last_dose": dates(last_dose),
            "progression_date": dates(course.progression, course.progression <= course.stop),
            "reason": words(list(REASONS), course.reason),
        }
    )
    # Trial in progress: a few forms are not yet there.
    return frame.filter(pl.Series((course.stop < NEVER) & ~draw.chance(course.n, 0.03)))
