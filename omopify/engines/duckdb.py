"""Run statements in DuckDB: the one place that touches a database.

Databases are built in files of storage version v1.2.0, which every DuckDB since 1.2 opens (so also the one in
R).  A connection may read the folders it is given and nothing else, installs no extension and asks no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any

import duckdb

from omopify.compiler.plan import Statement
from omopify.compiler.render import render
from omopify.errors import Location, OmopifyError, Problem
from omopify.resources import data

STORAGE_VERSION = "v1.2.0"
DATABASE_REFUSED = "OM590"
"""The code of a statement that the database does not take."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A database that a connection opens beside its main one, under a name of its own."""

    name: str
    path: Path | None = None
    """The file; None for a database in memory, which spills to the scratch folder."""
    read_only: bool = False
    problem: Problem | None = None
    """What to say if the file cannot be opened, where the reader knows it by another name than its path."""


class DuckDB:
    """A connection to one database file, and to those that are attached to it.

    ``path`` is the file that unqualified names are in, None for one in memory; ``readable`` are folders whose
    files statements may read; ``scratch`` is where large intermediate results go (the file's own folder if
    None); ``memory_limit`` is as DuckDB writes sizes (``2GB``); ``keep_order`` False lets statements write rows in
    another order than they read them, which is quicker; ``name`` is what the file is called as a catalogue, which
    otherwise has the name of the file, so that a file ``cdm.duckdb`` with a schema ``cdm`` could not be asked;
    ``optimise`` False plans statements as they are written, which is quicker where there are a few rows only.

    Raises:
        OmopifyError: OM592 or OM595 a file cannot be opened.
    """

    def __init__(
        self,
        path: Path | None,
        attached: Sequence[Attached] = (),
        readable: Sequence[Path] = (),
        scratch: Path | None = None,
        memory_limit: str | None = None,
        threads: int | None = None,
        read_only: bool = False,
        keep_order: bool = True,
        name: str | None = None,
        optimise: bool = True,
    ):
        self.name = name
        try:
            if path is None or name:
                self._connection = duckdb.connect(":memory:")
            else:
                config: dict[str, Any] = {} if read_only else {"storage_compatibility_version": STORAGE_VERSION}
                self._connection = duckdb.connect(path.as_posix(), read_only=read_only, config=config)
        except duckdb.Error as error:
            raise _unopened(path, error) from error
        files = [path, *(other.path for other in attached)]
        folders = [*readable, *([scratch] if scratch else []), *(file.parent for file in files if file)]
        try:
            self.script(
                render(
                    "engine/session.sql.jinja",
                    scratch=(scratch or (path.parent if path else None)),
                    memory_limit=memory_limit,
                    threads=threads,
                    keep_order=keep_order,
                    optimise=optimise,
                )
            )
            if path and name:
                self._attach(Attached(name, path, read_only))
                self.script(render("engine/use.sql.jinja", name=name))
            for other in attached:
                self._attach(other)
            allowed = list(dict.fromkeys(folder.resolve().as_posix() for folder in folders))
            self.script(render("engine/lock.sql.jinja", folders=allowed))
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> DuckDB:
        """Return the open database."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the database; what was built stays as a file."""
        self._connection.close()

    def define_functions(self) -> None:
        """Define the functions that maps call (``o_fold`` ...) for this connection only: files stay free of them."""
        self.script(_functions())

    def script(self, sql: str, what: str = "setting up", parameters: Mapping[str, object] | None = None) -> None:
        """Run several statements, separated by ``;`` (only one if there are parameters, ``$name`` in the text)."""
        self._execute(sql, parameters, what)

    def run(self, statement: Statement) -> int:
        """Run one statement of a plan and return the number of rows that it wrote (0 if it writes none).

        Raises:
            OmopifyError: OM590 the database refused it, OM591 memory or disk did not suffice.
        """
        first = self._first(statement)
        return first[0] if first and isinstance(first[0], int) else 0

    def counts(self, statement: Statement) -> tuple[int, ...]:
        """Run one statement of a plan that counts, and return its numbers."""
        return self._first(statement)

    def _first(self, statement: Statement) -> tuple[Any, ...]:
        what = f"the step '{statement.kind}' of map '{statement.map}'"
        rows = self._execute(statement.sql, None, what, statement.at)
        return rows[0] if rows else ()

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Return all rows of a query; ``$name`` in its text stands for a parameter (a list is a DuckDB list)."""
        return self._execute(sql, parameters, "a query")

    def _execute(
        self, sql: str, parameters: Mapping[str, object] | None, what: str, at: Location | None = None
    ) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except (RuntimeError, duckdb.InterruptException) as error:
            raise KeyboardInterrupt from error  # what DuckDB makes of Ctrl-C
        except duckdb.Error as error:
            raise _problem(error, what, at) from error

    def is_one_query(self, sql: str) -> bool:
        """Say whether a text is exactly one SELECT; it is not run.

        Raises:
            OmopifyError: OM590 it is no SQL.
        """
        try:
            found = self._connection.extract_statements(sql)
        except duckdb.Error as error:
            raise _problem(error, "a query") from error
        return [statement.type for statement in found] == [duckdb.StatementType.SELECT]

    @contextmanager
    def watched(self, progress: Callable[[float], None]) -> Iterator[None]:
        """Tell *progress* twice a second how much of the statement that runs inside is done, in percent."""
        done = Event()

        def look() -> None:
            while not done.wait(0.5):
                percent = self._connection.query_progress()
                if percent >= 0:
                    progress(percent)

        watcher = Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def _attach(self, other: Attached) -> None:
        try:
            self.script(render("engine/attach.sql.jinja", attached=other))
        except OmopifyError as error:
            if other.problem is None:
                raise _unopened(other.path, error) from error
            if other.path and other.path.exists() and not _opens(other.path, other.read_only):
                raise OmopifyError(other.problem) from None
            raise


@cache
def _functions() -> str:
    sql = data("sql", "functions", "duckdb.sql").read_text(encoding="utf-8")
    return sql.replace("CREATE MACRO", "CREATE TEMP MACRO")


def _opens(path: Path, read_only: bool) -> bool:
    try:
        duckdb.connect(path.as_posix(), read_only=read_only).close()
    except duckdb.Error:
        return False
    return True


def _unopened(path: Path | None, error: Exception) -> OmopifyError:
    if isinstance(error, duckdb.Error) and (path is None or not path.exists()):
        return _problem(error, "opening the database")
    hint = "it may be damaged, no DuckDB file, open in another program, or you have no right to it"
    return OmopifyError(Problem("OM592", "this database cannot be opened", Location(str(path)), hint))


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
