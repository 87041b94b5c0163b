"""Set up a database for maps to run in: functions, tables and working tables."""

from __future__ import annotations

from omopify import cdm
from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.resources import data
from omopify.specs.project import Pack

REFERENCED = ("person", "visit_occurrence", "provider", "care_site", "location")
"""Tables whose rows other maps refer to by key."""

_TYPES = {
    "text": "varchar",
    "integer": "integer",
    "number": "double precision",
    "date": "date",
    "datetime": "timestamp",
    "boolean": "boolean",
}


def load_functions(db: DuckDB) -> None:
    """Define the functions that maps call, for this connection only: the output file stays free of them."""
    sql = data("sql", "functions", "duckdb.sql").read_text(encoding="utf-8")
    db.script(sql.replace("CREATE MACRO", "CREATE TEMP MACRO"))


def prepare_tables(db: DuckDB, pack: Pack) -> None:
    """Create the CDM's tables, the shared model's, the audit tables and the working tables."""
    tables = list(cdm.tables().values())
    db.script(
        render(
            "run/setup.sql.jinja",
            tables=tables,
            cdm_tables=tables,
            schema="cdm",
            dsp=list(pack.tables.values()),
            types=_TYPES,
            referenced=REFERENCED,
        )
    )
