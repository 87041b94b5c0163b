"""Set up a database for maps to run in: functions, tables and working tables."""

from __future__ import annotations

from collections.abc import Sequence

from omopify import cdm
from omopify.compiler.events import REFERENCED_TABLES
from omopify.compiler.render import render
from omopify.compiler.typed import SQL_TYPES
from omopify.engines.duckdb import DuckDB
from omopify.resources import data
from omopify.specs.project import Pack


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
            types=SQL_TYPES,
            referenced=REFERENCED_TABLES,
        )
    )


def insert_rows(db: DuckDB, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Append rows of plain values to a table (named as in SQL); nothing is done without rows."""
    if rows:
        db.script(render("run/rows.sql.jinja", table=table, columns=columns, rows=rows))
