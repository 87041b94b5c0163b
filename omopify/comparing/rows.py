"""Which rows of a result are not the rows of another one: new, gone or changed, by table and by map.

Rows with ids are told apart by them: the key register gives the same row the same id in every run.  Rows of harmonised
tables are told apart by what the maps that read them call the key, if that holds in both results.  All others (links,
eras) are compared as they are: how often the same row is there.  Where a row stood in the export is no part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omopify import cdm
from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB
from omopify.errors import OmopifyError, Problem, did_you_mean
from omopify.progress import Progress

_PLACE = ("_file", "_row")
"""Where a harmonised row stood in the export: rows move without becoming others."""

_WORD = re.compile(r"[A-Za-z_]\w*")
_ERAS = {"drug_era": "eras.drug", "condition_era": "eras.condition"}
OF_THE_RUN = "the run itself"
"""What stands for a map with tables that no map writes."""


@dataclass(frozen=True, slots=True)
class Compared:
    """How the rows of one table are compared."""

    schema: str
    table: str
    key: tuple[str, ...]
    """The columns that tell rows apart; none if only whole rows can be compared."""
    columns: tuple[str, ...]
    """The columns that are compared, the key aside."""
    only_now: tuple[str, ...] = ()
    only_before: tuple[str, ...] = ()
    writer: str | None = None
    """The one map that writes it; None if several do."""
    row_id: str | None = None
    """The column by which the origins of rows know them; None for their number in the table."""
    exists: bool = True
    """Whether both results have the table."""

    @property
    def several(self) -> bool:
        """Whether the map of each row must be looked up."""
        return self.writer is None

    @property
    def name(self) -> str:
        """What the accounting and people call the table."""
        return self.table if self.schema == "cdm" else f"{self.schema}.{self.table}"

    @property
    def origin(self) -> str:
        """What the origins of rows call the table."""
        return self.name


@dataclass(frozen=True, slots=True)
class MapRows:
    """Rows that one map writes to one table, and that differ."""

    map: str
    added: int
    removed: int
    changed: int
    columns: Mapping[str, int] = field(default_factory=dict)
    """In how many of the changed rows each column differs."""


@dataclass(frozen=True, slots=True)
class TableRows:
    """One table in which rows differ, or only their number was taken."""

    table: str
    before: int
    now: int
    told_apart: str
    """By what rows are told apart: ``id``, ``key`` or ``content``."""
    maps: tuple[MapRows, ...] = ()

    @property
    def added(self) -> int:
        """Rows that are new."""
        return sum(one.added for one in self.maps)

    @property
    def removed(self) -> int:
        """Rows that are gone."""
        return sum(one.removed for one in self.maps)

    @property
    def changed(self) -> int:
        """Rows that hold something else."""
        return sum(one.changed for one in self.maps)

    @property
    def columns(self) -> dict[str, int]:
        """In how many rows each column differs, the most frequent first."""
        found: dict[str, int] = {}
        for one in self.maps:
            for column, number in one.columns.items():
                found[column] = found.get(column, 0) + number
        return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


@dataclass(frozen=True, slots=True)
class Shown:
    """One row that differs, with what it holds: values of patients, shown only when somebody asks for them."""

    kind: str
    map: str
    key: str
    said: tuple[str, ...]


def compare_rows(db: DuckDB, definitions: Sequence[Mapping[str, Any]], progress: Progress) -> list[TableRows]:
    """Compare all tables of two results, which ``db`` has attached as ``now`` and ``before``.

    Args:
        db: the connection.
        definitions: what maps said in the later and in the earlier result.
        progress: is told which table is compared.
    """
    tables = _columns(db)
    counts = _counts(db, tables)
    found = []
    for schema, table in sorted(tables, key=_order):
        name = f"{schema}.{table}"
        before, now = counts.get(("before", name), 0), counts.get(("now", name), 0)
        how = _compared(db, schema, table, tables[schema, table], definitions)
        rows: tuple[MapRows, ...] = ()
        if before or now:
            progress(f"comparing {how.name}")
            rows = tuple(_rows(db, how, before, now))
        found.append(TableRows(how.name, before, now, _apart(how), rows))
    return found


def show_rows(db: DuckDB, definitions: Sequence[Mapping[str, Any]], table: str, most: int) -> list[Shown]:
    """Return the first rows of a table that differ, with their values.

    Raises:
        OmopifyError: OM959 there is no such table.
    """
    tables = _columns(db)
    names = {(name if schema == "cdm" else f"{schema}.{name}"): (schema, name) for schema, name in tables}
    schema, name = names[named(table, names)]
    how = _compared(db, schema, name, tables[schema, name], definitions)
    if not how.exists:
        return []
    template = f"comparing/show_{'keyed' if how.key else 'bag'}.sql.jinja"
    rows = db.rows(render(template, table=how, most=most))
    return [Shown(kind, writer or "?", key, tuple(said)) for kind, writer, key, said in rows]


_Tables = Mapping[tuple[str, str], Mapping[str, Sequence[str]]]
"""By schema and table: the columns in each result that has it."""


def _columns(db: DuckDB) -> _Tables:
    found: dict[tuple[str, str], dict[str, Sequence[str]]] = {}
    for result, schema, table, columns in db.rows(render("comparing/columns.sql")):
        found.setdefault((schema, table), {})[result] = columns
    return found


def _counts(db: DuckDB, tables: _Tables) -> dict[tuple[str, str], int]:
    names = [(result, schema, table) for (schema, table), sides in tables.items() for result in sides]
    rows = db.rows(render("comparing/counts.sql.jinja", tables=names))
    return {(result, name): number for result, name, number in rows}


def named(table: str, names: Iterable[str]) -> str:
    """Return the table that somebody means, whatever its case and with or without the schema of the CDM.

    Raises:
        OmopifyError: OM959 there is no such table.
    """
    wanted = table.casefold().removeprefix("cdm.")
    known = {name.casefold(): name for name in names}
    if wanted not in known:
        hint = did_you_mean(wanted, known) or "such as measurement, or dsp.adverse_event"
        raise OmopifyError(Problem("OM959", f"the results have no table '{table}'", None, hint))
    return known[wanted]


def _order(name: tuple[str, str]) -> tuple[int, int, str]:
    """Put tables in the order of the CDM, the harmonised ones behind them, and the vocabulary last."""
    schema, table = name
    known = cdm.tables()
    if schema == "cdm" and table in known:
        return (2 if known[table].schema == "vocab" else 0), list(known).index(table), ""
    return 1, 0, table


def _compared(
    db: DuckDB, schema: str, table: str, sides: Mapping[str, Sequence[str]], definitions: Sequence[Mapping[str, Any]]
) -> Compared:
    columns = {side: [name for name in sides.get(side, ()) if name not in _PLACE] for side in ("now", "before")}
    union = list(dict.fromkeys([*columns["now"], *columns["before"]]))
    both = set(columns["now"]) & set(columns["before"])
    key = _key(db, schema, table, both, definitions) if len(sides) == 2 else ()
    own = cdm.tables()[table].id_field if schema == "cdm" and table in cdm.tables() else None
    unstable = {own} if table in _ERAS else set()
    return Compared(
        schema,
        table,
        key,
        tuple(name for name in union if name not in key and name not in unstable),
        tuple(name for name in columns["now"] if name not in both),
        tuple(name for name in columns["before"] if name not in both),
        _writer(schema, table, definitions),
        "person_id" if table == "death" else own,
        len(sides) == 2,
    )


def _key(
    db: DuckDB, schema: str, table: str, both: set[str], definitions: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    if schema == "cdm":
        known = cdm.tables()[table]
        wanted = [known.primary_key or ((known.id_field,) if known.id_field else ())] if table not in _ERAS else []
        wanted += [("person_id",)] if table == "death" else []
        candidates: Iterable[tuple[str, ...]] = [key for key in wanted if key]
    else:
        candidates = sorted(set(_natural(f"dsp.{table}", both, definitions)), key=lambda key: (len(key), key))
    for key in candidates:
        if db.rows(render("comparing/unique.sql.jinja", schema=schema, table=table, columns=key))[0][0]:
            return key
    return ()


def _natural(name: str, columns: set[str], definitions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield what the maps that read a harmonised table call its key, as columns of it."""
    for one in (one for defined in definitions for one in defined["maps"].values()):
        said = one["tree"].get("key")
        if one["tree"].get("from") == name and said:
            words = _WORD.findall(" ".join([said] if isinstance(said, str) else map(str, said)))
            key = tuple(dict.fromkeys(word for word in words if word in columns))
            if len(key) > 1:
                yield key


def _writer(schema: str, table: str, definitions: Sequence[Mapping[str, Any]]) -> str | None:
    if table in _ERAS:
        return _ERAS[table]
    name = f"{schema}.{table}"
    found = {writer for defined in definitions for writer, one in defined["maps"].items() if name in one["writes"]}
    return OF_THE_RUN if not found else found.pop() if len(found) == 1 else None


def _rows(db: DuckDB, how: Compared, before: int, now: int) -> Iterator[MapRows]:
    if not how.exists:
        yield MapRows(how.writer or "?", now, before, 0)
        return
    template = f"comparing/{'keyed' if how.key else 'bag'}.sql.jinja"
    for writer, added, removed, changed, numbers in db.rows(render(template, table=how)):
        differing = {name: number for name, number in zip(how.columns, numbers, strict=False) if number}
        yield MapRows(writer or "?", added, removed, changed, differing)


def _apart(how: Compared) -> str:
    return "content" if not how.key else "id" if how.schema == "cdm" else "key"
