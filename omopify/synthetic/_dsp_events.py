"""The truth in the shared variables: diseases, medication, adverse events and death (see ``dsp``)."""

from __future__ import annotations

import polars as pl

from omopify.synthetic.truth import Truth

_SHARED = {"related": "related", "not related": "not related", "unlikely": "unknown", "possibly": "unknown"}
_OUTCOMES = {"sequelae": "recovered with sequelae"}


def medical_history(truth: Truth) -> pl.DataFrame:
    """Return diseases and procedures before the trial."""
    return truth.history.select(
        "subject",
        "term",
        "status",
        history_id="sequence",
        start_date="start",
        start_date_known="start_known",
        end_date="end",
        end_date_known="end_known",
    )


def previous_treatment(truth: Truth) -> pl.DataFrame:
    """Return the lines of treatment before the trial."""
    return truth.previous_treatments.select(
        "subject",
        "line",
        "kind",
        treatment_id="line",
        kind_recorded="kind",
        specification="name",
        start_date="start",
        start_date_known="start_known",
        end_date="end",
        end_date_known="end_known",
    )


def concomitant_medication(truth: Truth) -> pl.DataFrame:
    """Return what was taken beside the study drugs."""
    return truth.medications.select(
        "subject",
        "name",
        "ongoing",
        "indication",
        medication_id="sequence",
        start_date="start",
        start_date_known="start_known",
        end_date="end",
        end_date_known="end_known",
        for_medical_history="for_history",
        for_adverse_event="for_event",
    )


def medication_adverse_event(truth: Truth) -> pl.DataFrame:
    """Return the events that medications were taken for."""
    links = [
        truth.medications.select("subject", medication_id="sequence", adverse_event_id=column)
        for column in ("event", "second_event")
    ]
    return pl.concat(links).drop_nulls("adverse_event_id")


def adverse_event(truth: Truth) -> pl.DataFrame:
    """Return the events; a serious one that had not ended when the subject died ends then."""
    dead = death(truth).select("subject", died="date", died_known="date_known")
    at_death = pl.col("end").is_null() & pl.col("serious") & pl.col("died").is_not_null()
    end = pl.when(at_death).then("died").otherwise("end")
    return truth.adverse_events.join(dead, on="subject", how="left", maintain_order="left").select(
        "subject",
        "term",
        "grade",
        "serious",
        adverse_event_id="sequence",
        start_date="start",
        start_date_known="start_known",
        end_date=end,
        end_date_known=pl.when(at_death).then("died_known"),
        end_basis=pl.when(end.is_not_null()).then(
            pl.when(at_death).then(pl.lit("death")).otherwise(pl.lit("recorded"))
        ),
        serious_date="turned_serious",
        outcome=pl.col("outcome").replace(_OUTCOMES),
    )  # fmt: skip


def adverse_event_relation(truth: Truth) -> pl.DataFrame:
    """Return a row for each event and study drug."""
    slots = [
        truth.adverse_events.select(
            "subject",
            adverse_event_id="sequence",
            drug_number=pl.lit(slot),
            drug=f"drug_{slot}",
            relation=pl.col(f"relation_{slot}").replace_strict(_SHARED, default=None),
            relation_recorded=f"relation_{slot}",
            serious_relation=pl.col(f"serious_relation_{slot}").replace_strict(_SHARED, default=None),
            serious_relation_recorded=f"serious_relation_{slot}",
            expected=f"expected_{slot}",
            action=f"action_{slot}",
        )
        for slot in (1, 2)
    ]
    return pl.concat(slots).drop_nulls("drug")


def death(truth: Truth) -> pl.DataFrame:
    """Take the date of death from the form that knows most of it: end of study, follow-up, fatal adverse event."""
    fatal = truth.adverse_events.filter(pl.col("outcome") == "fatal")
    forms = {
        "end of study": truth.end_of_study.select("subject", date="death_date", date_known="death_known"),
        "follow-up": truth.follow_up.select("subject", date="death_date", date_known="death_known"),
        "adverse event": fatal.select("subject", date="end", date_known=pl.lit("day")),
    }
    told = pl.concat(frame.with_columns(recorded_in=pl.lit(form)) for form, frame in forms.items())
    return (
        told.drop_nulls("date")
        .sort("subject", pl.col("date_known") != "day", maintain_order=True)
        .unique("subject", keep="first", maintain_order=True)
    )
