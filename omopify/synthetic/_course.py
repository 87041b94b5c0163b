"""Who the patients are and what becomes of each of them: one array a fact, one element a subject.

Days are whole numbers from 1970-01-01; :data:`NEVER` stands for what does not happen.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date

import numpy as np

from omopify.synthetic._catalogue import DRUGS, PROGRAMMES, TUMOURS
from omopify.synthetic._draw import NEVER, Bools, Draw, Ints

EPOCH = date(1970, 1, 1)
FIRST_CONSENT = (date(2021, 4, 1) - EPOCH).days
CUT = (date(2026, 1, 31) - EPOCH).days  # the day of the export: nothing is known after it
SITES = "ABCDEFGHIJKLMNOPRSTUVWXYZ"  # no Q: it is kept for subjects who are made up by messy data
VISIT_WEEKS = (0, 8, 16, 26, 39, 52)  # V01 to V06; V03 is the week-16 visit
REASONS = (
    "progression", "deterioration", "adverse event", "refusal", "investigator", "completed", "other",
)  # fmt: skip
"""Why treatment ended, in the order of the competing dates of :func:`draw_course`."""


@dataclass(frozen=True)
class Course:
    """The course of many subjects, an array a fact."""

    person: Ints
    enrolment: Ints  # 1, or 2 for a person who is enrolled again
    site: Ints
    site_number: Ints
    male: Bools
    birth: Ints
    consent: Ints
    screen_failed: Bools
    allocation: Ints
    baseline: Ints
    programme: Ints
    tumour: Ints
    criteria: Ints  # 0 RECIST, 1 iRECIST, 2 RANO
    start: Ints  # first treatment day
    visits: Ints  # a row a subject, a column a visit V01..V06
    image_lag: Ints  # days by which an image is older than its visit
    progressed_at: Ints  # column of the visit whose image shows progression, or -1
    beyond: Bools  # treated on beyond an unconfirmed progression
    progression: Ints
    stop: Ints  # the day on which it was decided to stop
    reason: Ints
    death: Ints
    lost: Ints
    seen: Ints  # last day of observation

    @property
    def n(self) -> int:
        """How many subjects there are."""
        return len(self.person)

    @property
    def treated(self) -> Bools:
        """Who got at least one dose."""
        return np.asarray(self.start < NEVER)

    def take(self, rows: Ints) -> Course:
        """Keep only these subjects."""
        return Course(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def then(self, later: Course) -> Course:
        """Append another group of subjects."""
        return Course(**{f.name: np.concatenate([getattr(self, f.name), getattr(later, f.name)]) for f in fields(self)})


def draw_course(seed: int, n: int) -> Course:
    """Draw *n* subjects; about one in sixty is the second enrolment of an earlier one."""
    draw = Draw(seed, "people")
    site = draw.pick(n, np.linspace(3, 1, len(SITES)))
    male = draw.chance(n, 0.5)
    # Numbered in the order of consent within the site, as an EDC system does.
    consent = np.sort(draw.whole(n, FIRST_CONSENT, CUT - 30))
    order = np.argsort(site, kind="stable")
    number = np.empty(n, dtype=np.int64)
    site_starts = np.searchsorted(site[order], np.arange(len(SITES)))
    number[order] = np.arange(n) - site_starts[site[order]] + 1
    age = 61 + 12 * draw.normal(n)
    age = np.where((age > 18.5) & (age < 89), age, 45 + 30 * draw.unit(n))
    birth = consent - np.floor(age * 365.25).astype(np.int64)
    enrolment = np.ones(n, dtype=np.int64)
    course = _follow(Draw(seed, "course"), np.arange(n), enrolment, site, number, male, birth, consent)
    return _enrol_again(Draw(seed, "re-enrolment"), course, n // 60 if n >= 60 else int(n >= 20))


def _enrol_again(draw: Draw, course: Course, wanted: int) -> Course:
    """Let *wanted* subjects who stopped treatment enter another cohort, in the place of the last-comers."""
    last = course.n - wanted
    # A person's death or loss is told by the last enrolment only, so the earlier one must have neither.
    able = course.treated & (course.stop < CUT - 150) & (np.minimum(course.death, course.lost) >= NEVER)
    shuffled = np.argsort(draw.unit(last), kind="stable")
    parents = np.sort(shuffled[able[shuffled]][:wanted])
    again = len(parents)
    if not again:
        return course
    consent = course.stop[parents] + draw.whole(again, 45, 110)
    seen = course.seen.copy()
    seen[parents] = consent - 1
    first = replace(course, seen=seen).take(np.arange(course.n - again))
    who = course.take(parents)
    second = _follow(draw, parents, np.full(again, 2), who.site, who.site_number, who.male, who.birth, consent)
    return first.then(second)


def _follow(
    draw: Draw, person: Ints, enrolment: Ints, site: Ints, number: Ints, male: Bools, birth: Ints, consent: Ints
) -> Course:
    """Draw the course of the disease and of the trial from consent on."""
    n = len(person)
    tumour = np.where(male, _tumours(draw, n, "male"), _tumours(draw, n, "female"))
    programme = draw.pick(n, [p.weight for p in PROGRAMMES])
    brain = np.array([t.brain for t in TUMOURS])[tumour]
    immune = np.array([p.toxicity == "immune" for p in PROGRAMMES])[programme]
    criteria = np.where(brain, 2, np.where(immune, 1, 0))

    screen_failed = draw.chance(n, 0.13)
    allocation = consent + draw.whole(n, 1, 10)
    baseline = allocation + draw.whole(n, 0, 5)
    treated = ~screen_failed & ~draw.chance(n, 0.02)
    start = baseline + draw.whole(n, 1, 7)
    visits = start[:, None] + 7 * np.array(VISIT_WEEKS)[None, :]
    visits[:, 1:] += draw.whole(n * (len(VISIT_WEEKS) - 1), -7, 7).reshape(n, -1)

    # Half of the patients have little benefit; the other half stays on treatment for months.
    grows = start + 20 + draw.waiting(n, np.where(draw.chance(n, 0.42), 260, 75))
    image_lag = draw.pick(n, [7, 1, 1, 1])
    shown = visits - image_lag[:, None] >= grows[:, None]
    shown[:, 0] = False  # there is no image on day 1
    progressed_at = np.where(shown.any(axis=1), shown.argmax(axis=1), -1)
    found = np.where(progressed_at < 0, grows, visits[np.arange(n), progressed_at])
    beyond = (criteria == 1) & (progressed_at > 0) & (progressed_at < 5) & draw.chance(n, 0.4)
    confirmed = visits[np.arange(n), np.minimum(progressed_at + 1, 5)]
    ends = np.stack(
        [
            np.where(beyond, confirmed, found) + draw.whole(n, 0, 7),
            np.where(draw.chance(n, 0.10), grows + draw.whole(n, 0, 10), NEVER),
            np.where(draw.chance(n, 0.10), start + 10 + draw.waiting(n, 60), NEVER),
            np.where(draw.chance(n, 0.05), start + 10 + draw.waiting(n, 80), NEVER),
            np.where(draw.chance(n, 0.02), start + 10 + draw.waiting(n, 80), NEVER),
            start + np.where(draw.chance(n, 0.15), 364, 728),
            start + 12 + np.where(draw.chance(n, 0.12), draw.waiting(n, 120), grows - start + draw.waiting(n, 260)),
        ]
    )
    death = np.where(treated, ends[-1], consent + 20 + draw.waiting(n, 300))
    # A screen failure is seldom followed until death.
    death = np.where(screen_failed & ~draw.chance(n, 0.3), NEVER, death)
    ends[-1] = np.minimum(death, np.where(draw.chance(n, 0.02), start + 12 + draw.waiting(n, 90), NEVER))
    stop = np.where(treated, ends.min(axis=0), NEVER)
    lost = np.where(draw.chance(n, 0.05), np.where(treated, stop, consent) + 5 + draw.waiting(n, 150), NEVER)
    seen = np.minimum(np.minimum(death, lost), CUT)
    known_stop = stop <= seen
    # An image counts if it was taken while on treatment.
    imaged = (progressed_at > 0) & (found <= np.minimum(stop, seen)) & treated
    clinical = treated & known_stop & (ends.argmin(axis=0) == 0) & (progressed_at < 0)
    start = np.where(treated, start, NEVER)
    visits = np.where((visits <= np.minimum(stop, seen)[:, None]) & treated[:, None], visits, NEVER)
    return Course(
        person=person,
        enrolment=enrolment,
        site=site,
        site_number=number,
        male=male,
        birth=birth,
        consent=consent,
        screen_failed=screen_failed,
        allocation=np.where(screen_failed, NEVER, allocation),
        baseline=baseline,
        programme=programme,
        tumour=tumour,
        criteria=criteria,
        start=start,
        visits=visits,
        image_lag=image_lag,
        progressed_at=np.where(imaged, progressed_at, -1),
        beyond=beyond & imaged,
        progression=np.where(imaged, found - image_lag, np.where(clinical, found, NEVER)),
        stop=np.where(known_stop, stop, NEVER),
        reason=ends.argmin(axis=0),
        death=np.where(death <= seen, death, NEVER),
        lost=np.where((lost <= seen) & (death > lost), lost, NEVER),
        seen=seen,
    )


def _tumours(draw: Draw, n: int, sex: str) -> Ints:
    return draw.pick(n, [0 if t.sex not in ("", sex) else t.weight for t in TUMOURS])


def drugs_of(programme: Ints) -> Ints:
    """Return the positions of both study drugs, a row a subject; -1 where there is no second one."""
    at = {drug.inn: i for i, drug in enumerate(DRUGS)}
    pairs = [[at[inn] for inn in p.drugs] + [-1] * (2 - len(p.drugs)) for p in PROGRAMMES]
    return np.array(pairs)[programme]
