"""Break a made-up CDM at random, in the ways in which real ones are broken; the same seed breaks it in the same way.

Every damage is a statement against the tables, so it says nothing about what a check should find.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import duckdb

from omopify.cdm import Field, Table, tables
from tests.quality.asked import judged
from tests.quality.made_up import BAD, DOMAINS, FIRST, MadeUp, write
from tests.quality.oracle import Asked

UNKNOWN = 987_654_321
"""An id that no table has."""
DAYS = (
    "DATE '1899-12-31'", "DATE '1949-12-31'", "DATE '1950-01-01'", "DATE '1962-06-01'", "DATE '2019-05-05'",
    "DATE '2020-03-05'", "DATE '2023-07-01'", "DATE '2093-01-01'", "NULL",
)  # fmt: skip
"""Around the limits of the checks, but none near today, which moves on."""
READ_OFTEN = (
    "person", "death", "concept", "concept_ancestor", "visit_occurrence", "observation_period",
    "condition_occurrence", "condition_era",
)  # fmt: skip
"""What checks of other tables read."""
BIRTHS = (
    ("year_of_birth", ("NULL", "0", "99999", "19850101", "1850", "1849", "2093", "-1", "2018")),
    ("month_of_birth", ("NULL", "0", "13", "2", "-1", "12")),
    ("day_of_birth", ("NULL", "0", "30", "31", "32")),
    ("birth_datetime", ("NULL", "TIMESTAMP '2018-06-01 13:00'", "TIMESTAMP '1849-01-01'", "TIMESTAMP '2093-01-01'")),
)


def damaged(connection: duckdb.DuckDBPyConnection, checks: Sequence[Asked], seed: int, schema: str = "cdm") -> None:
    """Write a made-up CDM into *schema* and break it."""
    write(MadeUp(judged(checks), seed, persons=24, events=60), connection, schema)
    _Damage(connection, schema, seed).all()


class _Damage:
    def __init__(self, connection: duckdb.DuckDBPyConnection, schema: str, seed: int):
        self._run = connection.execute
        self._schema = schema
        self._chance = random.Random(seed)
        self._gone: set[str] = set()

    def all(self) -> None:
        """Break it in every way a few times, then take whole columns and tables away (in some CDMs only)."""
        often: list[tuple[Callable[[], None], int]] = [
            (self._empty_cells, 50),
            (self._doubled_keys, 6),
            (self._unknown_references, 50),
            (self._other_concepts, 90),
            (self._no_concept, 40),
            (self._other_days, 90),
            (self._swapped_days, 8),
            (self._other_numbers, 30),
            (self._births, 4),
            (self._sexes, 2),
            (self._periods, 3),
            (self._units, 3),
            (self._doubled_rows, 4),
            (self._lost_rows, 3),
            (self._vocabulary, 3),
        ]
        rarely: list[tuple[Callable[[], None], int]] = [
            (self._text_for_numbers, 4),
            (self._wider_types, 5),
            (self._text_for_days, 4),
            (self._empty_columns, 8),
            (self._no_column, 5),
            (self._no_rows, 2),
            (self._no_table, 2),
            (self._views, 2),
            (self._names, 2),
        ]
        for break_it, times in often:
            for _ in range(self._chance.randrange(times // 2, times + 1)):
                break_it()
        whole = self._chance.random() < 0.4
        for break_it, most in rarely:
            if not whole and self._chance.random() < 0.6:
                for _ in range(self._chance.randrange(most + 1)):
                    break_it()

    # what the damages have in common

    def _table(self) -> Table:
        """Pick a table that is still there, mostly one with data of persons."""
        there = [table for table in tables().values() if table.name not in self._gone]
        clinical = [table for table in there if any(field.name == "person_id" for field in table.fields)]
        read_often = [table for table in there if table.name in READ_OFTEN]
        return self._chance.choice(self._chance.choices((clinical, there, read_often or there), (6, 3, 1))[0])

    def _column(self, fits: Callable[[Field], bool]) -> tuple[str, str] | None:
        """Pick a table that is still as it was made, and one of its columns, as they are written in SQL."""
        for _ in range(50):
            table = self._table()
            fields = [field for field in table.fields if fits(field)]
            if fields:
                return f"{self._schema}.{table.name}", f'"{self._chance.choice(fields).name}"'
        return None

    def _some(self) -> str:
        """Return a condition that some rows meet: one in a hundred up to all, the same rows for the same seed."""
        share = self._chance.choice((1, 2, 4, 4, 8, 8, 15, 30, 60, 100))
        return f"hash(rowid * 7919 + {self._chance.randrange(10**6)}) % 100 < {share}"

    def _set(self, fits: Callable[[Field], bool], values: Sequence[object]) -> None:
        if place := self._column(fits):
            value = self._chance.choice(values)
            self._run(f"UPDATE {place[0]} SET {place[1]} = {value} WHERE {self._some()}")

    def _changed(self, place: tuple[str, str]) -> None:
        """Remember that the columns of a table are no longer those of the CDM, so that it is left alone."""
        self._gone.add(place[0].split(".")[1])

    # in cells

    def _empty_cells(self) -> None:
        self._set(lambda field: self._chance.random() < 0.3, ["NULL"])

    def _doubled_keys(self) -> None:
        self._set(lambda field: field.primary_key and field.type == "integer", [1, 2, "NULL"])

    def _unknown_references(self) -> None:
        self._set(lambda field: bool(field.references_table) and field.type == "integer", [UNKNOWN, -5])

    def _other_concepts(self) -> None:
        good = [FIRST + 10 * number for number in range(len(DOMAINS))]
        values = [*(concept.id for concept in BAD), *self._chance.sample(good, 6)]
        self._set(lambda field: field.references_table == "concept", values)

    def _no_concept(self) -> None:
        self._set(lambda field: field.name.endswith("_concept_id"), [0, 0, "NULL"])

    def _other_days(self) -> None:
        self._set(lambda field: field.type in ("date", "datetime"), DAYS)

    def _swapped_days(self) -> None:
        def is_end(field: Field) -> bool:
            return field.type in ("date", "datetime") and "end_date" in field.name

        if place := self._column(is_end):
            self._run(f"UPDATE {place[0]} SET {place[1]} = {place[1]} - INTERVAL 40 DAY WHERE {self._some()}")

    def _other_numbers(self) -> None:
        values = [0, 1, -1, 2, 13, 32, 366, 25, 365]
        self._set(lambda field: field.type in ("integer", "float") and not field.name.endswith("_id"), values)

    def _births(self) -> None:
        column, values = self._chance.choice(BIRTHS)
        self._run(f"UPDATE {self._schema}.person SET {column} = {self._chance.choice(values)} WHERE {self._some()}")

    def _sexes(self) -> None:
        sex = self._chance.choice((0, "NULL", 8507, 8532, BAD[0].id))
        self._run(f"UPDATE {self._schema}.person SET gender_concept_id = {sex} WHERE {self._some()}")

    def _periods(self) -> None:
        day = self._chance.choice(("2015-07-01", "2015-06-30", "2015-07-02", "2014-03-01"))
        self._run(
            f"UPDATE {self._schema}.observation_period SET observation_period_start_date = DATE '{day}'"
            f" WHERE {self._some()}"
        )

    def _units(self) -> None:
        unit = self._chance.choice((0, "NULL", 8840, 8554, BAD[6].id))
        self._run(f"UPDATE {self._schema}.measurement SET unit_concept_id = {unit} WHERE {self._some()}")

    # in rows

    def _doubled_rows(self) -> None:
        name = self._chance.choice(("person", "death", "visit_occurrence", self._table().name))
        if name not in ("concept", *self._gone):
            self._run(f"INSERT INTO {self._schema}.{name} SELECT * FROM {self._schema}.{name} WHERE {self._some()}")

    def _lost_rows(self) -> None:
        name = self._table().name
        self._run(f"DELETE FROM {self._schema}.{name} WHERE {self._some()}")

    def _vocabulary(self) -> None:
        s, some = self._schema, self._some()
        self._run(
            self._chance.choice(
                (
                    f"UPDATE {s}.concept SET domain_id = NULL WHERE {some}",
                    f"UPDATE {s}.concept SET concept_class_id = NULL WHERE {some}",
                    f"UPDATE {s}.concept SET standard_concept = NULL WHERE {some}",
                    f"UPDATE {s}.concept SET invalid_reason = 'D' WHERE {some}",
                    f"DELETE FROM {s}.concept_ancestor WHERE {some}",
                    f"INSERT INTO {s}.concept_ancestor SELECT 4090861, concept_id, 1, 1 FROM {s}.concept WHERE {some}",
                )
            )
        )

    # in columns and tables

    def _text_for_numbers(self) -> None:
        value = self._chance.choice(("abc", "1.5", "", "12", "-3", "1e3", "2.0"))
        if place := self._column(lambda field: field.type == "integer"):
            self._run(f"ALTER TABLE {place[0]} ALTER {place[1]} TYPE VARCHAR")
            self._run(f"UPDATE {place[0]} SET {place[1]} = '{value}' WHERE {self._some()}")
            self._changed(place)

    def _wider_types(self) -> None:
        kind = self._chance.choice(("BIGINT", "DOUBLE", "HUGEINT", "DECIMAL(18, 2)", "VARCHAR"))
        if place := self._column(lambda field: field.type == "integer" and not field.name.endswith("_id")):
            self._run(f"ALTER TABLE {place[0]} ALTER {place[1]} TYPE {kind}")
            self._changed(place)

    def _text_for_days(self) -> None:
        kind, value = self._chance.choice((("VARCHAR", "'2093-01-01'"), ("VARCHAR", "'soon'"), ("TIMESTAMP", "NULL")))
        if place := self._column(lambda field: field.type in ("date", "datetime")):
            self._run(f"ALTER TABLE {place[0]} ALTER {place[1]} TYPE {kind}")
            self._run(f"UPDATE {place[0]} SET {place[1]} = {value} WHERE {self._some()}")
            self._changed(place)

    def _empty_columns(self) -> None:
        if place := self._column(lambda field: True):
            self._run(f"UPDATE {place[0]} SET {place[1]} = NULL")

    def _no_column(self) -> None:
        if place := self._column(lambda field: True):
            self._run(f"ALTER TABLE {place[0]} DROP {place[1]}")
            self._changed(place)

    def _no_rows(self) -> None:
        self._run(f"DELETE FROM {self._schema}.{self._table().name}")

    def _no_table(self) -> None:
        name = self._table().name
        self._run(f"DROP TABLE {self._schema}.{name}")
        self._gone.add(name)

    def _views(self) -> None:
        name = self._table().name
        self._run(f"ALTER TABLE {self._schema}.{name} RENAME TO {name}_behind")
        self._run(f"CREATE VIEW {self._schema}.{name} AS SELECT * FROM {self._schema}.{name}_behind")
        self._gone.add(name)

    def _names(self) -> None:
        """Write a table and its columns in capitals, and give it a column and the schema a table that nobody knows."""
        table = self._table()
        for field in table.fields:
            self._run(f'ALTER TABLE {self._schema}.{table.name} RENAME "{field.name}" TO o_')
            self._run(f'ALTER TABLE {self._schema}.{table.name} RENAME o_ TO "{field.name.upper()}"')
        self._run(f'ALTER TABLE {self._schema}.{table.name} ADD "select" VARCHAR')
        self._run(f"ALTER TABLE {self._schema}.{table.name} RENAME TO o_")
        self._run(f'ALTER TABLE {self._schema}.o_ RENAME TO "{table.name.upper()}"')
        self._run(f'CREATE OR REPLACE TABLE {self._schema}."Order" ("from" INTEGER)')
        self._gone.add(table.name)
