"""Visits, performance status and tumour assessments.

Sums of lesions are drawn so that the response criteria, applied to them, give what the course says: no
visit before progression breaks the progression rule, and the visit of progression breaks it or shows a new
lesion.  The response itself is never drawn; it is computed from the sums by :func:`respond`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from omopify.synthetic._course import VISIT_WEEKS, Course
from omopify.synthetic._draw import NEVER, Bools, Draw, Floats, Ints, by_parent, dates, masked, words

RECIST, IRECIST, RANO = 0, 1, 2
RESPONSES = ["CR", "PR", "SD", "PD", "NE"]
CR, PR, SD, PD, NE = range(5)

# Per cent of the reference sum: progression at or above, partial response at or below; and the least
# growth in mm (RECIST 1.1: 20 % and 5 mm, 30 %; RANO: 25 % and 50 % of the sum of products).
_PD_PERCENT = np.array([120, 120, 125])
_PD_LEAST = np.array([5, 5, 1])
_PR_PERCENT = np.array([70, 70, 50])


def draw_visits(draw: Draw, course: Course) -> pl.DataFrame:
    """Return a row for each visit that took place; V00 is the baseline, and some later ones are by telephone."""
    # A screen failure often fails before the baseline visit.
    came = ~course.screen_failed | (course.consent % 2 == 0)
    days = np.concatenate([np.where(came, course.baseline, NEVER)[:, None], course.visits], axis=1)
    days = np.where(days <= course.seen[:, None], days, NEVER)
    subject, visit = np.nonzero(days < NEVER)
    weeks = np.array([-1, *VISIT_WEEKS])
    return pl.DataFrame(
        {
            "subject": subject,
            "visit": visit,
            "week": masked(weeks[visit], visit > 0),
            "by_telephone": (visit > 1) & draw.chance(len(visit), 0.04),
            "date": dates(days[subject, visit]),
            "criteria": words(["RECIST", "iRECIST", "RANO"], course.criteria[subject]),
        }
    )


def draw_ecog(draw: Draw, course: Course, visits: pl.DataFrame) -> pl.DataFrame:
    """Draw the ECOG grade at each visit: 0-2 at baseline, worse for some later."""
    subject, visit = visits["subject"].to_numpy(), visits["visit"].to_numpy()
    n = len(subject)
    baseline = draw.pick(course.n, [36, 50, 14])[subject]
    drift = np.where(visit > 0, draw.pick(n, [8, 68, 20, 4]) - 1, 0)
    taken = visits["date"].to_physical().to_numpy().astype(np.int64) - draw.pick(n, [8, 1, 1])
    return visits.select("subject", "visit", "by_telephone", visit_date="date").with_columns(
        grade=pl.Series(np.clip(baseline + drift, 0, 4)),
        date=dates(np.maximum(taken, course.consent[subject])),
    ).filter(pl.Series(~draw.chance(n, 0.02)))  # fmt: skip


def draw_baseline_lesions(draw: Draw, course: Course) -> pl.DataFrame:
    """Draw the number of non-target lesions at baseline; the form is dated weeks after the image."""
    has = (course.start < NEVER) & ~draw.chance(course.n, 0.04)
    recorded = course.baseline + draw.whole(course.n, 14, 35)
    return pl.DataFrame(
        {
            "subject": np.arange(course.n),
            "criteria": words(["RECIST", "iRECIST", "RANO"], course.criteria),
            "recorded": dates(np.minimum(recorded, course.seen)),
            "count": draw.counts(course.n, 2.1),
            "old_item": draw.chance(course.n, 0.15),
        }
    ).filter(pl.Series(has))


def respond(criteria: Ints, base: Ints, nadir: Ints, current: Ints, new_lesion: Bools) -> Ints:
    """Return the response by the rules; ``current < 0`` stands for an image that cannot be evaluated.

    *nadir* is the smallest sum before this visit, the baseline included.
    """
    grown = (current * 100 >= nadir * _PD_PERCENT[criteria]) & (current - nadir >= _PD_LEAST[criteria])
    shrunk = current * 100 <= base * _PR_PERCENT[criteria]
    measured = np.where(current == 0, CR, np.where(grown, PD, np.where(shrunk, PR, SD)))
    return np.where(new_lesion, PD, np.where(current < 0, NE, measured))


def draw_assessments(draw: Draw, course: Course, took_place: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw the tumour before treatment, and the assessments at the visits that took place after it."""
    n, visits = course.n, course.visits.shape[1]
    criteria = course.criteria
    base = np.where(
        criteria == RANO, draw.whole(n, 250, 3200), np.round(18 + 45 * -np.log1p(-draw.unit(n))).astype(np.int64)
    )
    depth = _depth(draw, n)
    by_growth = draw.chance(n, 0.65)  # else progression is a new lesion
    nadir = base.copy()
    new_lesion = np.zeros(n, dtype=np.bool_)
    rows = []
    for visit in range(1, visits):
        here = course.visits[:, visit] < NEVER
        # -1 where the image shows no progression; 0 at progression, 1 at its confirmation.
        after = np.where(course.progressed_at < 0, -1, visit - course.progressed_at)
        unread = (after < 0) & draw.chance(n, 0.02)
        current = _sum(draw, criteria, base, nadir, depth, visit, (after >= 0) & by_growth)
        current = np.where(unread, -1, current)
        new_lesion = new_lesion | ((after >= 0) & (~by_growth | draw.chance(n, 0.15)))
        rows.append(
            {
                "visit": np.full(n, visit + 1),
                "base": base,
                "nadir": nadir,
                "current": current,
                "new_lesion": new_lesion,
                "response": respond(criteria, base, nadir, current, new_lesion),
                "after": after,
                "here": here,
            }
        )
        nadir = np.where(here & (current >= 0), np.minimum(nadir, current), nadir)
    # The list is visit by visit; the frame is subject by subject.
    order = by_parent(np.tile(np.arange(n), visits - 1))
    flat = {key: np.concatenate([row[key] for row in rows])[order] for key in rows[0]}
    kept = flat.pop("here").astype(np.bool_)
    subject = np.repeat(np.arange(n), visits - 1)[kept]
    frame = _assessment_frame(draw, course, subject, {key: values[kept] for key, values in flat.items()})
    by_telephone = took_place.select("subject", "visit", "by_telephone")
    frame = frame.join(by_telephone, on=["subject", "visit"], how="left", maintain_order="left")
    before = took_place.filter(visit=0).select("subject", "date", "criteria")
    return before.with_columns(sum=pl.Series(base[before["subject"].to_numpy()])), frame


def _depth(draw: Draw, n: int) -> Floats:
    """Draw how far the sum would fall (negative) or rise at best, as a share of the baseline."""
    group = draw.pick(n, [5, 20, 75])
    return np.choose(group, [np.full(n, -1.0), -0.35 - 0.5 * draw.unit(n), -0.28 + 0.45 * draw.unit(n)])


def _sum(draw: Draw, criteria: Ints, base: Ints, nadir: Ints, depth: Floats, visit: int, grows: Bools) -> Ints:
    """Draw the current sum: on the way to its depth, never progression, unless the lesions grow."""
    n = len(base)
    way = min(1.0, visit / 2)
    wanted = np.round(base * (1 + depth * way + 0.03 * draw.normal(n))).astype(np.int64)
    # The largest sum that is not yet progression; after a complete response that is none at all.
    limit = np.maximum(nadir + _PD_LEAST[criteria] - 1, -(-nadir * _PD_PERCENT[criteria] // 100) - 1)
    calm = np.where((nadir == 0) | ((depth <= -1) & (visit >= 2)), 0, np.clip(wanted, 0, limit))
    least = np.maximum(nadir + 6, -(-nadir * _PD_PERCENT[criteria] // 100))
    grown = least + np.floor(draw.unit(n) * base * 0.4).astype(np.int64)
    return np.where(grows, grown, calm)


def _assessment_frame(draw: Draw, course: Course, subject: Ints, rows: dict[str, Ints]) -> pl.DataFrame:
    criteria, after = course.criteria[subject], rows["after"]
    # Under iRECIST a first progression is unconfirmed, the next one confirmed.
    immune = np.where(rows["response"] == PD, np.where(after > 0, 6, 5), rows["response"])
    # With immunotherapy sites write down both, iRECIST only, or change from the one to the other at week
    # 26 or at progression, which must be unconfirmed before it can be confirmed.
    style = draw.pick(course.n, [45, 35, 20])[subject]
    late = (rows["visit"] >= 4) | (after >= 0)
    use_recist = (criteria == RECIST) | ((criteria == IRECIST) & ((style == 0) | ((style == 2) & ~late)))
    use_irecist = (criteria == IRECIST) & ((style != 2) | late)
    visit_day = course.visits[subject, rows["visit"] - 1]
    known = rows["current"] >= 0
    return pl.DataFrame(
        {
            "subject": subject,
            "visit": rows["visit"],
            "visit_date": dates(visit_day),
            "image_date": dates(visit_day - course.image_lag[subject]),
            "criteria": words(["RECIST", "iRECIST", "RANO"], criteria),
            "base": rows["base"],
            "nadir": rows["nadir"],
            "current": masked(rows["current"], known),
            "change_from_base": masked(_percent(rows["current"], rows["base"]), known),
            "change_from_nadir": masked(_percent(rows["current"], rows["nadir"]), known & (rows["nadir"] > 0)),
            "new_lesion": rows["new_lesion"],
            "recist": words(RESPONSES, np.where(use_recist, rows["response"], -1)),
            "irecist": words([*RESPONSES, "UPD", "CPD"], np.where(use_irecist, immune, -1)),
            "rano": words(RESPONSES, np.where(criteria == RANO, rows["response"], -1)),
            "progression_date": dates(course.progression[subject], after >= 0),
        }
    )


def _percent(current: Ints, reference: Ints) -> Floats:
    return np.round(100 * (current - reference) / np.maximum(reference, 1), 1)
