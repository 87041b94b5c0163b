"""Set up a database for maps to run in: functions, tables and working tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omopify import cdm
from omopify.compiler.references import REFERENCED_TABLES
from omopify.compiler.render import render
from omopify.compiler.typed import SQL_TYPES
from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import Location, Problem
from omopify.specs.project import Pack

REGISTER = "keys.duckdb"
"""The file of the key register, which gives rows the ids that they had before."""


@dataclass(frozen=True, slots=True)
class VocabularyFiles:
    """The two database files that a run reads: the vocabulary, and what its maps look up in it."""

    athena: Path
    terms: Path


def open_database(
    path: Path,
    register: Path,
    scratch: Path,
    readable: Sequence[Path],
    vocabulary: VocabularyFiles,
    memory_limit: str | None = None,
    threads: int | None = None,
    kept_as: str = "",
) -> DuckDB:
    """Open the database of a run, with its working tables, sources, key register and vocabulary beside it.

    ``kept_as`` is what the register is called in messages: a run works on a copy of it.
    """
    message = "the key register cannot be opened: it is damaged, or open in another program"
    hint = "restore it from your backup: without it the same rows would get other ids"
    damaged = Problem("OM595", message, Location(kept_as or str(register)), hint)
    db = DuckDB(
        path,
        [
            Attached("work"),
            Attached("source"),
            Attached("vocabulary"),
            Attached("register", register, problem=damaged),
            Attached("athena", vocabulary.athena, read_only=True),
            Attached("terms", vocabulary.terms, read_only=True),
        ],
        readable,
        scratch,
        memory_limit,
        threads,
    )
    db.define_functions()
    return db


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
