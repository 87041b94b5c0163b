"""What the tests of the vocabulary share: rendering as the house does, and an empty CDM."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import pytest
from jinja2 import Environment, StrictUndefined

from omopify.cdm import tables
from omopify.resources import data

Render = Callable[..., str]


@pytest.fixture(scope="session")
def render() -> Render:
    """Render a template of ``sql/``: ``render("cdm/tables.sql.jinja", schema="cdm", ...)``."""
    with duckdb.connect() as con:
        found = con.execute("FROM duckdb_keywords() WHERE keyword_category = 'reserved'").fetchall()
    reserved = {row[0] for row in found}
    jinja = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    jinja.filters["identifier"] = lambda name: f'"{name}"' if name in reserved else name

    def rendered(template: str, **values: object) -> str:
        return jinja.from_string(data("sql", template).read_text("utf-8")).render(**values)

    return rendered


@pytest.fixture
def con(render: Render) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with an empty CDM in the schema ``cdm``."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA cdm")
        connection.execute(render("cdm/tables.sql.jinja", schema="cdm", tables=tables().values()))
        yield connection
