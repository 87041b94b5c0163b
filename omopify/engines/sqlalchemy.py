"""Let SQLAlchemy, and with it Great Expectations, ask through a connection that is open already.

Great Expectations reads rows after the connection went back to the pool, which the drivers for DuckDB do not survive
(GX issue 10738), and asks PostgreSQL's catalogue, which DuckDB has in part only.  So rows are fetched when a statement
is executed, and columns are asked of DuckDB's own catalogue.  One process cannot open a file under two configurations:
all connections made here are one cursor of the one that is open, with all its limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import duckdb
from sqlalchemy import pool, types
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import URL

from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB

_open: dict[str, duckdb.DuckDBPyConnection] = {}


@contextmanager
def shared(db: DuckDB) -> Iterator[str]:
    """Give the URL under which SQLAlchemy finds an open database, for as long as the block runs."""
    registry.register("duckdb.omopify", __name__, "BufferedDialect")
    name = uuid4().hex
    connection = db._connection.cursor()
    if db.name:
        connection.execute(render("engine/use.sql.jinja", name=db.name))
    _open[name] = connection
    try:
        yield f"duckdb+omopify:///{name}"
    finally:
        _open.pop(name).close()


class _Cursor:
    """A cursor that has all its rows as soon as a statement has run."""

    rowcount = -1

    def __init__(self, connection: duckdb.DuckDBPyConnection):
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []
        self.description: Any = None

    def execute(self, statement: str, parameters: Any = None) -> None:
        self._connection.execute(statement, parameters)
        self.description = self._connection.description
        self._rows = self._connection.fetchall() if self.description else []

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        self._rows = []


class _Connection:
    """What SQLAlchemy takes for a connection of its own; there is nothing to commit, as nothing is written."""

    def __init__(self, connection: duckdb.DuckDBPyConnection):
        self._connection = connection

    def cursor(self) -> _Cursor:
        return _Cursor(self._connection)

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...


class _Driver:
    """What SQLAlchemy asks of a driver."""

    paramstyle = "qmark"
    Error = duckdb.Error


class BufferedDialect(PGDialect):
    """DuckDB for SQLAlchemy, over a connection that is open already. DuckDB's SQL is near to PostgreSQL's."""

    name = "duckdb"
    driver = "omopify"
    default_paramstyle = "qmark"
    supports_statement_cache = False

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return the driver."""
        return _Driver

    @classmethod
    def get_pool_class(cls, url: URL) -> type[pool.Pool]:
        """Keep no connections: there is only one."""
        return pool.NullPool

    def create_connect_args(self, url: URL) -> tuple[list[Any], dict[str, Any]]:
        """Return what ``connect`` is called with: the name of the open database."""
        return [url.database], {}

    def connect(self, *names: Any, **options: Any) -> Any:
        """Return the open database."""
        return _Connection(_open[names[0]])

    def initialize(self, connection: Any) -> None:
        """Ask nothing of the server: there is none."""

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **words: Any) -> list[Any]:
        """Return the columns of a table, from DuckDB's catalogue."""
        found = connection.exec_driver_sql(render("engine/columns.sql"), (table_name, schema or "main"))
        return [
            {"name": name, "type": _type(kind), "nullable": nullable, "default": None} for name, kind, nullable in found
        ]

    def get_pk_constraint(self, connection: Any, table_name: str, schema: str | None = None, **words: Any) -> Any:
        """Return no primary key: Great Expectations only shows it."""
        return {"constrained_columns": [], "name": None}


def _type(kind: str) -> types.TypeEngine[Any]:
    found = getattr(types, kind.partition("(")[0].upper(), types.NullType)
    return found()
