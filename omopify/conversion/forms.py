"""What the audit says about the forms of the export: who reads them, how full they are, and their code lists.

The next delivery is compared with it: a form that has become shorter, a choice that nobody has seen before.
"""

from __future__ import annotations

from collections.abc import Mapping

from omopify.compiler.codelists import code_lists, inputs_of
from omopify.compiler.plan import Plan
from omopify.compiler.render import render
from omopify.conversion.session import insert_rows
from omopify.engines.duckdb import DuckDB
from omopify.specs.project import Pack
from omopify.staging import StagedSource

LONGEST_LIST = 50
"""A column with more values than this is not kept as a code list: every export of it brings new ones."""


def note_forms(db: DuckDB, pack: Pack, plan: Plan, sources: Mapping[str, StagedSource]) -> None:
    """Fill ``audit.forms``, ``audit.map_sources`` and ``audit.code_lists`` while the forms can still be read."""
    forms = [
        (name, not source.optional, len(sources[name].files), subject_column(pack, sources[name]))
        for name, source in pack.sources.items()
        if name in sources
    ]
    if forms:
        db.script(render("run/forms.sql.jinja", forms=forms), "counting rows and persons")
    inputs = {loaded.spec.map: inputs_of(loaded.spec) for loaded in pack.maps}
    reads = [(step.name, source, source not in inputs[step.name]) for step in plan.maps for source in step.reads]
    insert_rows(db, "audit.map_sources", ("map", "source", "joined"), reads)
    lists = code_lists(pack, plan, {name: found.columns for name, found in sources.items() if found.files})
    if lists:
        db.script(render("run/code_lists.sql.jinja", forms=list(lists.items()), most=LONGEST_LIST), "code lists")


def subject_column(pack: Pack, found: StagedSource) -> str | None:
    """Return the column that tells subjects apart: the first of the trial's identifiers that the form has."""
    folded = {column.casefold(): column for column in found.columns}
    return next((folded[name.casefold()] for name in pack.trial.identifiers if name.casefold() in folded), None)
