"""Adverse events, concomitant medication, medical history and previous treatments."""

from __future__ import annotations

import numpy as np
import polars as pl

from omopify.synthetic._catalogue import (
    AE_FAVOURED,
    AE_TERMS,
    DISEASES,
    INNS,
    MEDICATIONS,
    PREVIOUS,
    PREVIOUS_KINDS,
    PROGRAMMES,
)
from omopify.synthetic._course import CUT, Course
from omopify.synthetic._draw import (
    NEVER,
    Bools,
    Draw,
    Ints,
    by_parent,
    dates,
    expand,
    known_part,
    masked,
    running_number,
    words,
)

RELATIONS = ["not related", "unlikely", "possibly", "related"]
ACTIONS = ["none", "reduced", "interrupted", "withdrawn", "not applicable"]


def draw_adverse_events(draw: Draw, course: Course, drugs: Ints, last_dose: Ints) -> pl.DataFrame:
    """Draw the adverse events from consent until 30 days after the last dose, in order of their start."""
    # Nothing starts after the last contact, nor on the day of death itself (a fatal event needs a day).
    until = np.minimum(np.minimum(last_dose + 30, course.seen), np.where(course.death < NEVER, course.death - 1, CUT))
    treated = course.treated & (until > course.start)
    counts = np.where(treated, draw.counts(course.n, 4.3), 0)
    fatal_for = treated & (course.death <= last_dose + 30) & draw.chance(course.n, 0.2)
    counts = np.where(fatal_for, np.maximum(counts, 1), counts)
    subject, _ = expand(counts)
    n = len(subject)
    early = draw.chance(n, 0.05)  # before treatment, from consent on
    begin = np.where(early, course.consent[subject], course.start[subject])
    end_of_window = np.where(early, course.start[subject], until[subject])
    start = begin + np.floor(draw.unit(n) ** 1.6 * (end_of_window - begin + 1)).astype(np.int64)
    order = by_parent(subject, start)
    start, early = start[order], early[order]

    last = np.append(subject[1:] != subject[:-1], True)[:n]
    fatal = last & fatal_for[subject]
    grade = np.where(fatal, 5, draw.pick(n, [50, 31, 16, 3]) + 1)
    seen, death = course.seen[subject], course.death[subject]
    end = start + draw.waiting(n, 18) + 1
    open_end = (draw.chance(n, 0.15) | (end > seen)) & ~fatal
    # For some fatal events the site leaves the end empty; it is the day of death.
    end = np.where(fatal, np.where(draw.chance(n, 0.4), NEVER, death), np.where(open_end, NEVER, end))
    serious = draw.chance(n, np.array([0, 0.01, 0.04, 0.35, 0.8, 1])[grade])
    turned = np.minimum.reduce([start + draw.pick(n, [6, 2, 1, 1]), end, seen])
    recovered = np.where(draw.chance(n, 0.06), 1, 0)
    outcome = np.where(fatal, 4, np.where(open_end, np.where(draw.chance(n, 0.4), 2, 3), recovered))
    frame = pl.DataFrame(
        {
            "subject": subject,
            "term": _terms(draw, course.programme[subject]),
            "grade": grade,
            "start": dates(start),
            "start_known": known_part(draw, n, 0.02, 0),
            "end": dates(end),
            "outcome": words(["recovered", "sequelae", "recovering", "not recovered", "fatal"], outcome),
            "serious": serious,
            "turned_serious": dates(turned, serious),
        }
    )
    frame = frame.with_columns(
        column
        for slot in (1, 2)
        for column in _drug_columns(draw, slot, drugs[subject, slot - 1], early, serious, grade)
    )
    # The same term with the same grade twice in a month is one event that was written down twice.
    month = pl.col("start").dt.truncate("1mo")
    return _numbered(frame.filter(pl.struct("subject", "term", "grade", month).is_first_distinct() | pl.Series(fatal)))


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Number the rows of each subject from 1."""
    return frame.with_columns(sequence=pl.Series(running_number(frame["subject"].to_numpy())))


def _terms(draw: Draw, programme: Ints) -> pl.Series:
    """Draw terms; each class of drugs has its favourites."""
    classes = list(AE_FAVOURED)
    kind = np.array([classes.index(p.toxicity) for p in PROGRAMMES])[programme]
    at = np.zeros(len(kind), dtype=np.int64)
    for number, name in enumerate(classes):
        rows = np.flatnonzero(kind == number)
        weights = [w + 4 * (term in AE_FAVOURED[name]) for term, w in AE_TERMS.items()]
        at[rows] = draw.pick(len(rows), weights)
    return words(list(AE_TERMS), at)


def _drug_columns(draw: Draw, slot: int, drug: Ints, early: Bools, serious: Bools, grade: Ints) -> list[pl.Series]:
    """Return what the site says on one of the two study drugs; nothing where there is no such drug."""
    n = len(drug)
    given = drug >= 0
    relation = np.where(early, 0, draw.pick(n, [38, 18, 24, 20]))
    harsh = draw.pick(n, [40, 20, 30, 10])
    action = np.where(early, 4, np.where(grade >= 3, harsh, np.where(draw.chance(n, 0.9), 0, harsh)))
    expected = draw.chance(n, 0.55)
    columns = {
        "drug": words(INNS, drug),
        "relation": words(RELATIONS, np.where(given, relation, -1)),
        "serious_relation": words(RELATIONS, np.where(given & serious, relation, -1)),
        "expected": masked(expected, given & serious),
        "action": words(ACTIONS, np.where(given, action, -1)),
    }
    return [series.alias(f"{name}_{slot}") for name, series in columns.items()]


def draw_medications(draw: Draw, course: Course, events: pl.DataFrame) -> pl.DataFrame:
    """Draw the concomitant medication; a part is taken for an adverse event and names it."""
    counts = np.where(course.screen_failed, draw.counts(course.n, 0.6), draw.counts(course.n, 4.2))
    subject, _ = expand(counts)
    n = len(subject)
    event_subject = events["subject"].to_numpy()
    event_count = np.bincount(event_subject, minlength=course.n)
    first_event = np.cumsum(event_count) - event_count
    # 0 for a disease of the history, 1 for an adverse event, 2 neither
    why = np.where((event_count[subject] > 0) & draw.chance(n, 0.3), 1, draw.pick(n, [60, 0, 40]))
    for_event = why == 1
    number = np.floor(draw.unit(n) * event_count[subject]).astype(np.int64)
    event_start = np.append(events["start"].to_physical().to_numpy().astype(np.int64), NEVER)
    event_at = np.where(for_event, first_event[subject] + number, len(event_start) - 1)

    old = draw.chance(n, np.array([0.85, 0, 0.5])[why])
    seen = course.seen[subject]
    recent = course.consent[subject] + np.floor(draw.unit(n) * (seen - course.consent[subject] + 1)).astype(np.int64)
    start = np.where(old, course.consent[subject] - 1 - draw.waiting(n, 700), recent)
    start = np.where(for_event, np.minimum(event_start[event_at] + draw.pick(n, [6, 2, 1]), seen), start)
    end = start + draw.waiting(n, np.where(old, 1200, 20)) + 1
    ongoing = end > seen
    order = by_parent(subject, start)
    second = for_event & draw.chance(n, 0.05) & (event_count[subject] > number + 1)
    frame = pl.DataFrame(
        {
            "subject": subject,
            "name": words(list(MEDICATIONS), draw.whole(n, 0, len(MEDICATIONS) - 1)),
            "for_history": why == 0,
            "for_event": for_event,
            "event": masked(number + 1, for_event),
            "second_event": masked(number + 2, second),
            "start": dates(start),
            "start_known": known_part(draw, n, np.where(old, 0.2, 0.03), np.where(old, 0.25, 0)),
            "end": dates(np.where(ongoing, NEVER, end)),
            "end_known": known_part(draw, n, np.where(old, 0.1, 0.02), 0),
            "ongoing": ongoing,
        }
    )
    frame = frame[order].with_columns(_indications(draw, events, frame[order]))
    # What is said to have begun in the same year is told apart by its name.
    begin = pl.when(pl.col("start_known") == "year").then(pl.col("start").dt.truncate("1y")).otherwise(
        pl.col("start").dt.truncate("1mo")
    )  # fmt: skip
    return _numbered(frame.filter(pl.struct("subject", "name", begin).is_first_distinct()))


def _indications(draw: Draw, events: pl.DataFrame, medications: pl.DataFrame) -> pl.Series:
    """Say what each medication is for: the event's term, a disease, or a word; some forms leave it open."""
    n = medications.height
    term = medications.select("subject", sequence="event").join(
        events, on=["subject", "sequence"], how="left", maintain_order="left"
    )["term"]
    disease = words(list(DISEASES), draw.whole(n, 0, len(DISEASES) - 1))
    other = words(["Prophylaxis", "Pain", "Supplement"], draw.pick(n, [3, 2, 1]))
    told = pl.Series(~draw.chance(n, 0.1))
    return pl.select(
        pl.when(told).then(
            pl.coalesce(term, pl.when(medications["for_history"]).then(disease).otherwise(other))
        ).alias("indication")
    ).to_series()  # fmt: skip


def draw_history(draw: Draw, course: Course) -> pl.DataFrame:
    """Draw the medical history: past, dormant and active diseases, mostly with a vague start."""
    subject, _ = expand(draw.counts(course.n, 2.3))
    n = len(subject)
    years = draw.waiting(n, 3600)
    birth, consent = course.birth[subject], course.consent[subject]
    start = np.maximum(consent - 30 - years, birth + 1)
    status = draw.pick(n, [30, 15, 55])
    end = start + np.floor(draw.unit(n) * (consent - start)).astype(np.int64)
    return pl.DataFrame(
        {
            "subject": subject,
            "sequence": running_number(subject),
            "term": words(list(DISEASES), draw.whole(n, 0, len(DISEASES) - 1)),
            "start": dates(start, ~draw.chance(n, 0.08)),
            "start_known": known_part(draw, n, 0.2, 0.5),
            "end": dates(end, (status == 0) & ~draw.chance(n, 0.1)),
            "end_known": known_part(draw, n, 0.2, 0.4),
            "status": words(["past", "dormant", "active"], status),
        }
    )


def draw_previous_treatments(draw: Draw, course: Course) -> pl.DataFrame:
    """Draw the lines of treatment before consent, oldest first."""
    subject, k = expand(draw.counts(course.n, 2.1))
    n = len(subject)
    consent = course.consent[subject]
    lines = np.bincount(subject, minlength=course.n)[subject]
    span = (200 + draw.waiting(course.n, 600))[subject] // np.maximum(lines, 1)
    start = consent - (lines - k) * span - 14
    kind = draw.pick(n, [46, 18, 18, 9, 9])
    lasts = np.where(kind == 2, 0, np.floor(draw.unit(n) * np.minimum(span - 1, 240)).astype(np.int64))
    names = [name for names in PREVIOUS.values() for name in names]
    sizes = np.array([len(names) for names in PREVIOUS.values()])
    name = (np.cumsum(sizes) - sizes)[kind] + np.floor(draw.unit(n) * sizes[kind]).astype(np.int64)
    specified = (kind == 4) | draw.chance(n, 0.3)
    return pl.DataFrame(
        {
            "subject": subject,
            "line": k + 1,
            "kind": words([PREVIOUS_KINDS.get(name, kind) for kind, names in PREVIOUS.items() for name in names], name),
            "name": words(names, np.where(specified, name, -1)),
            "start": dates(start),
            "start_known": known_part(draw, n, 0.2, 0.08),
            "end": dates(start + lasts, ~draw.chance(n, 0.05)),
            "end_known": known_part(draw, n, 0.2, 0.08),
        }
    )
