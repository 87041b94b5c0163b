"""Run statements in DuckDB: the one place that touches a database.

The output is built in a file of storage version v1.2.0, which every DuckDB since 1.2 opens (so also the one in
R); step tables live in memory and spill to a scratch folder.  The connection may read the folders it is given
and nothing else, installs no extension and asks no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from omopify.compiler.plan import Statement
from omopify.compiler.render import render
from omopify.errors import Location, OmopifyError, Problem

STORAGE_VERSION = "v1.2.0"
DATABASE_REFUSED = "OM590"
"""The code of a statement that the database does not take."""


class DuckDB:
    """A database file that is being built."""

    def __init__(
        self,
        output: Path,
        register: Path,
        scratch: Path,
        readable: Sequence[Path],
        memory_limit: str | None = None,
        threads: int | None = None,
        kept_as: str = "",
    ):
        try:
            self._connection = duckdb.connect(
                output.as_posix(), config={"storage_compatibility_version": STORAGE_VERSION}
            )
            folders = [*readable, output.parent, register.parent, scratch]
            self.script(
                render(
                    "run/session.sql.jinja",
                    scratch=scratch.as_posix(),
                    register=register.as_posix(),
                    folders=[folder.resolve().as_posix() for folder in folders],
                    memory_limit=memory_limit,
                    threads=threads,
                )
            )
        except duckdb.Error as error:
            raise _problem(error, "opening the database") from error
        except OmopifyError:
            if not register.exists() or _opens(register):
                raise
            message = "the key register cannot be opened: it is damaged, or open in another program"
            hint = "restore it from your backup: without it the same rows would get other ids"
            raise OmopifyError(Problem("OM595", message, Location(kept_as or str(register)), hint)) from None

    def __enter__(self) -> DuckDB:
        """Return the open database."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the database; what was built stays as a file."""
        self._connection.close()

    def script(self, sql: str, what: str = "setting up") -> None:
        """Run several statements, separated by ``;``."""
        try:
            self._connection.execute(sql)
        except duckdb.Error as error:
            raise _problem(error, what) from error

    def run(self, statement: Statement) -> int:
        """Run one statement of a plan and return the number of rows that it wrote (0 if it writes none).

        Raises:
            OmopifyError: OM590 the database refused it, OM591 memory or disk did not suffice.
        """
        what = f"the step '{statement.kind}' of map '{statement.map}'"
        try:
            rows = self._connection.execute(statement.sql).fetchall()
        except duckdb.Error as error:
            raise _problem(error, what, statement.at) from error
        first = rows[0][0] if rows and rows[0] else 0
        return first if isinstance(first, int) else 0

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        try:
            return self._connection.execute(sql).fetchall()
        except duckdb.Error as error:
            raise _problem(error, "a query") from error


def _opens(path: Path) -> bool:
    try:
        duckdb.connect(path.as_posix(), read_only=True).close()
    except duckdb.Error:
        return False
    return True


def _problem(error: duckdb.Error, what: str, at: Location | None = None) -> OmopifyError:
    # DuckDB's own words may quote values of patients, so only their kind is shown.
    if isinstance(error, duckdb.OutOfMemoryException):
        hint = "give more with --memory-limit, or free disk space in the output folder"
        return OmopifyError(Problem("OM591", f"memory did not suffice for {what}", at, hint))
    if isinstance(error, duckdb.IOException):
        hint = "look for space and write rights in the output folder, and for a program that has the file open"
        return OmopifyError(Problem("OM592", f"a file could not be read or written in {what}", at, hint))
    hint = "this is a fault of omopify; 'omopify --debug' shows the database's words, which may contain data"
    return OmopifyError(Problem(DATABASE_REFUSED, f"the database refused {what} ({type(error).__name__})", at, hint))
