"""METADATA: the trial's facts travel with the result, so that who gets it need not have the trial's files.

The CTCAE version, the weeks of disease control and the decisions of a project explain the rows of all other tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from omopify import __version__
from omopify.compiler.plan import Statement
from omopify.compiler.render import render
from omopify.specs.project import Pack

STATED = "trial.yaml"
"""What the accounting calls the writer of these rows: no map can be called so."""


def metadata_statement(pack: Pack, released: str) -> Statement:
    """Return the statement that writes METADATA: a row for each value of each fact, in the order of ``trial.yaml``.

    No concept and no type concept of OMOP means 'fact of a trial's protocol', so both are 0.
    """
    facts = [(name, value, _number(value)) for name, value in _facts(pack)]
    sql = render("run/metadata.sql.jinja", facts=facts, day=released)
    return Statement(STATED, "write", sql, table="cdm.metadata")


def _facts(pack: Pack) -> Iterator[tuple[str, str]]:
    for name, values in pack.trial.stated().items():
        yield from ((f"trial.{name}", value) for value in values)
    if pack.model:
        model = {"model.id": pack.model.model, "model.name": pack.model.name, "model.version": pack.model.version}
        yield from ((name, value) for name, value in model.items() if value)
    yield "omopify.version", __version__


def _number(text: str) -> str | None:
    return text if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", text) else None
