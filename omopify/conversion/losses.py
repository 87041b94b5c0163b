"""What a run says aloud since it is mostly a mistake: nobody in scope, an empty form, a field that loses its values."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from omopify.compiler.plan import MapPlan, Plan
from omopify.compiler.render import render
from omopify.conversion.forms import subject_column
from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems
from omopify.specs.project import Pack
from omopify.staging import StagedSource


def warn_of_nothing(
    db: DuckDB, pack: Pack, plan: Plan, sources: Mapping[str, StagedSource], problems: Problems
) -> None:
    """Note OM507 if nobody is in scope, and OM508 for each form that is empty: mostly an export that went wrong."""
    for scope in plan.scopes:
        if db.rows(render("run/scope_size.sql.jinja", name=scope.name))[0][0] == 0:
            message = f"nobody is in the scope '{scope.name}': the result holds no patient"
            hint = f"look at the form '{pack.trial.scope[scope.name].source}' of the export, and at the condition"
            problems.add("OM507", message, pack.trial.at("scope", scope.name, "where"), hint, "warning")
    for name, source in pack.sources.items():
        found = sources.get(name)
        if found and not source.optional and not sum(file.rows for file in found.files):
            files = ", ".join(file.file for file in found.files)
            hint = "was it exported as a whole? Say 'optional: true' if it may be empty"
            problems.add("OM508", f"the form '{name}' has no rows in {files}", source.at, hint, "warning")


def warn_of_losses(db: DuckDB, plan: Plan, filled: Collection[str], problems: Problems) -> None:
    """Note OM506 for each field that loses most of what it should hold: mostly a format that does not fit.

    Where no row at all is written that a field points to, its maps are named together: the trial may have no visits.

    Args:
        db: the result, all maps done.
        plan: what was done.
        filled: the tables that got rows, as ``cdm.person``.
        problems: gets the warnings.
    """
    steps = {step.name: step for step in plan.maps}
    pointing: dict[tuple[str, str], list[str]] = {}
    for name, word, reason, lost, rows, listed_by in db.rows(render("run/losses.sql")):
        empty = _empty_table(steps[name], word, filled)
        if empty and reason == "not found" and lost == rows:
            pointing.setdefault((empty, word), []).append(name)
            continue
        message = f"{lost} of {rows} rows of map '{name}' have a '{word}' that is of no use: {reason}"
        hint = f"look at some of them ('omopify quality rows {listed_by}'), and at the field's formats and value maps"
        problems.add("OM506", message, steps[name].at, hint, severity="warning")
    for (table, word), names in pointing.items():
        maps = f"{len(names)} maps" if len(names) > 1 else "a map"
        message = f"no row of {table} was written, so the rows of {maps} have no '{word}': {', '.join(names)}"
        problems.add("OM506", message, None, "that is as it should be if the export has none", severity="warning")


def _empty_table(step: MapPlan, word: str, filled: Collection[str]) -> str | None:
    """Return the table that a map points to with ``word`` if it has no rows."""
    tables = {table for table, *_ in step.reference_keys if table not in filled}
    return next((name for table in sorted(tables) if (name := table.partition(".")[2]).startswith(word)), None)


def lost_subjects(db: DuckDB, pack: Pack, sources: Mapping[str, StagedSource]) -> int:
    """Return how many subjects have rows that were rejected because they are no person of the result."""
    found = [(name, subject_column(pack, source)) for name, source in sources.items() if source.files]
    forms = [(name, subject) for name, subject in found if subject]
    return int(db.rows(render("run/lost_subjects.sql.jinja", forms=forms))[0][0]) if forms else 0
