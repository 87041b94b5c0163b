"""A small made-up CDM in which nothing is wrong: all 39 tables, every field filled, every check of the CDM content.

It has no keys and no NOT NULL, so that tests can damage it.  Ids above two billion are made up; the others are the
concepts that DQD's control files judge by sex and unit, which the caller names.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import duckdb

from omopify.cdm import Field, Table, tables

FIRST = 2_000_000_000
MALE, FEMALE = 8507, 8532
DOMAINS = (
    "Condition", "Condition Status", "Device", "Drug", "Episode", "Ethnicity", "Geography", "Meas Value Operator",
    "Measurement", "Metadata", "Observation", "Procedure", "Race", "Route", "Type Concept", "Unit", "Visit",
)  # fmt: skip
_TYPES = {"integer": "INTEGER", "float": "DOUBLE", "date": "DATE", "datetime": "TIMESTAMP", "text": "VARCHAR"}
_START, _END = date(1970, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True, slots=True)
class Judged:
    """The concepts that are judged one by one, as the checks name them."""

    of_one_sex: Sequence[tuple[str, int, int]] = ()
    """Table, concept, the sex it belongs to."""
    with_descendants: Sequence[tuple[str, int, int]] = ()
    """Table, ancestor, the sex its descendants belong to."""
    units: Mapping[int, Sequence[int | None]] = field(default_factory=dict)
    """Concept of a measurement and the units it may have, None for no unit."""


@dataclass(frozen=True, slots=True)
class Concept:
    id: int
    domain: str | None
    kind: str | None = "Made up"
    standard: str | None = "S"
    invalid: str | None = None


BAD = (
    Concept(FIRST + 900, None),
    Concept(FIRST + 901, "Drug", None),
    Concept(FIRST + 902, "Condition", standard=None),
    Concept(FIRST + 903, "Measurement", standard="C"),
    Concept(FIRST + 904, "Drug", "Ingredient", invalid="D"),
    Concept(FIRST + 905, "Unit", standard=None, invalid="U"),
    Concept(FIRST + 906, "Unit", "Ingredient"),
    Concept(FIRST + 907, "Spec Anatomic Site"),
    Concept(FIRST + 908, "Procedure", standard=None, invalid="D"),
    Concept(FIRST + 909, None, None, None),
    Concept(FIRST + 910, "Condition/Meas"),
)
"""Concepts of the vocabulary that no row uses as long as nothing is wrong."""


class MadeUp:
    """The rows of the CDM, table by table (``rows``); ``persons`` people, about ``events`` rows in each table."""

    def __init__(self, judged: Judged, seed: int = 0, persons: int = 20, events: int = 40):
        self._chance = random.Random(seed)
        self._judged = judged
        self.persons, self.events = persons, events
        self._made: dict[str, int] = {}
        self.concepts = list(self._pool())
        self._by_domain: dict[str, list[int]] = {}
        for concept in self.concepts:
            if concept not in BAD and concept.domain:
                self._by_domain.setdefault(concept.domain, []).append(concept.id)
        self._visits = [self._visit(number) for number in range(2 * persons)]
        self.rows: dict[str, list[dict[str, object]]] = {}
        for table in tables().values():
            made = self._vocabulary(table.name)
            self.rows[table.name] = list(made) if made is not None else [self._row(table, n) for n in self._plan(table)]

    def sex(self, person_id: int) -> int:
        return MALE if person_id % 2 else FEMALE

    def _pool(self) -> Iterator[Concept]:
        yield Concept(0, "Metadata", "Undefined", None)
        yield Concept(MALE, "Gender")
        yield Concept(FEMALE, "Gender")
        for number, domain in enumerate(DOMAINS):
            for place in range(4):
                kind = "Ingredient" if domain == "Drug" and place < 2 else "Made up"
                yield Concept(FIRST + 10 * number + place, domain, kind)
        domains = {"condition_occurrence": "Condition", "procedure_occurrence": "Procedure"}
        known: dict[int, str] = {}
        for table, concept, _sex in [*self._judged.of_one_sex, *self._judged.with_descendants]:
            known[concept] = domains[table]
        for number, (table, _ancestor, _sex) in enumerate(self._judged.with_descendants):
            known[FIRST + 500 + number] = domains[table]
        known |= dict.fromkeys(self._judged.units, "Measurement")
        known |= {unit: "Unit" for units in self._judged.units.values() for unit in units if unit}
        yield from (Concept(concept, domain) for concept, domain in sorted(known.items()))
        yield from BAD

    def _visit(self, number: int) -> tuple[int, int, date, date]:
        """Return id, person and days of a visit; the first of each person is after its first period began."""
        start = date(2015, 9, 1) + timedelta(self._chance.randrange(1000))
        return number + 1, number % self.persons + 1, start, start + timedelta(self._chance.randrange(1, 4))

    def _plan(self, table: Table) -> list[dict[str, object]]:
        """Return what is fixed of each row of a table: its visit, and what belongs together."""
        if table.name in ("person", "death", "observation_period"):
            return list(getattr(self, f"_{table.name}")())
        if table.name == "cdm_source":
            return [{"cdm_version_concept_id": self._by_domain["Metadata"][0]}]
        if table.name == "visit_occurrence":
            return [{"visit": visit} for visit in self._visits]
        fixed: list[dict[str, object]] = [{"visit": self._visits[n % len(self._visits)]} for n in range(self.events)]
        column = {"condition_occurrence": "condition_concept_id", "procedure_occurrence": "procedure_concept_id"}
        ancestors = [
            (where, FIRST + 500 + number, sex) for number, (where, _, sex) in enumerate(self._judged.with_descendants)
        ]
        for where, concept, sex in [*self._judged.of_one_sex, *self._judged.with_descendants, *ancestors]:
            if where == table.name:
                visit = self._chance.choice([v for v in self._visits if self.sex(v[1]) == sex])
                fixed.append({"visit": visit, column[table.name]: concept})
        if table.name == "measurement":
            for concept, units in self._judged.units.items():
                unit = self._chance.choice(units)
                fixed.append(
                    {
                        "visit": self._chance.choice(self._visits),
                        "measurement_concept_id": concept,
                        "unit_concept_id": unit,
                        "unit_source_value": None if unit is None else f"unit {unit}",
                    }
                )
        return fixed

    def _person(self) -> Iterator[dict[str, object]]:
        for person_id in range(1, self.persons + 1):
            born = date(1940 + person_id % 40, 1 + person_id % 12, 1 + person_id % 28)
            yield {
                "gender_concept_id": self.sex(person_id),
                "year_of_birth": born.year,
                "month_of_birth": born.month,
                "day_of_birth": born.day,
                "birth_datetime": datetime(born.year, born.month, born.day, 6) if person_id % 3 else None,
            }

    def _death(self) -> Iterator[dict[str, object]]:
        for person_id in range(1, self.persons + 1, 4):
            died = date(2020, 1, 1) + timedelta(person_id)
            yield {"person_id": person_id, "death_date": died, "death_datetime": datetime(died.year, died.month, 2)}

    def _observation_period(self) -> Iterator[dict[str, object]]:
        for person_id in range(1, self.persons + 1):
            spans = [(date(2014, 1, 1), date(2015, 6, 30)), (date(2015, 8, 1), date(2019, 12, 31))]
            for start, end in spans[person_id % 2 :]:
                yield {
                    "person_id": person_id,
                    "observation_period_start_date": start,
                    "observation_period_end_date": end,
                }

    def _row(self, table: Table, fixed: dict[str, object]) -> dict[str, object]:
        visit = fixed.pop("visit", None) or self._visits[0]
        number = self._made[table.name] = self._made.get(table.name, 0) + 1
        row: dict[str, object] = {}
        for column in table.fields:
            if column.name in fixed:
                row[column.name] = fixed[column.name]
            elif column.primary_key or column.name == "cohort_definition_id":
                row[column.name] = number
            elif column.references_table == "person":
                row[column.name] = visit[1]
            elif column.name == "visit_occurrence_id":
                row[column.name] = visit[0]
            elif column.type in ("date", "datetime"):
                row[column.name] = self._when(table.name, column, visit)
            else:
                row[column.name] = self._value(table.name, column, number)
        for name in row:
            what = name.removesuffix("_source_value")
            if what != name and any(row.get(what + end, "") is None for end in ("_concept_id", "_source_concept_id")):
                row[name] = None  # a source value without a concept would be a defect
        return row

    def _when(self, table: str, column: Field, visit: tuple[int, int, date, date]) -> object:
        fixed = {
            "valid_start_date": _START,
            "valid_end_date": _END,
            "source_release_date": date(2022, 1, 1),
            "cdm_release_date": date(2022, 2, 1),
        }
        if column.name in fixed:
            return fixed[column.name]
        if not column.required and self._chance.random() < 0.2:
            return None
        is_end = "end_date" in column.name
        day = visit[3] if is_end else visit[2]
        if is_end and table not in ("visit_occurrence", "visit_detail"):
            day += timedelta(self._chance.randrange(4))
        hour = 18 if is_end else 9
        return day if column.type == "date" else datetime(day.year, day.month, day.day, hour)

    def _value(self, table: str, column: Field, number: int) -> object:
        if not column.required and number > 1 and self._chance.random() < 0.2:
            return None
        if column.references_table == "concept":
            # made-up concepts only: those that are judged one by one have rows of their own
            domain = column.domain or _DOMAIN_OF.get(column.name, "Observation")
            pool = [c for c in self._by_domain[domain] if FIRST <= c < FIRST + 500 or domain == "Gender"]
            ingredient = domain == "Drug" and table != "drug_exposure"
            return self._chance.choice(pool[:2] if ingredient else pool)
        if column.references_table in _NAMED:
            return _NAMED[column.references_table]
        if column.references_table:
            return self._chance.randrange(1, self.persons + 1)
        if column.type == "integer":
            return self._chance.randrange(1, 12)
        if column.type == "float":
            return self._chance.randrange(1, 100) / 4 + 1
        return f"s{self._chance.randrange(6)}"[: column.length or 99]

    def _vocabulary(self, table: str) -> Iterator[dict[str, object]] | None:
        valid = {"valid_start_date": _START, "valid_end_date": _END, "invalid_reason": None}
        if table == "concept":
            return (
                {
                    "concept_id": c.id,
                    "concept_name": f"concept {c.id}",
                    "domain_id": c.domain,
                    "vocabulary_id": "Made up",
                    "concept_class_id": c.kind,
                    "standard_concept": c.standard,
                    "concept_code": f"m{c.id}",
                    **valid,
                    "invalid_reason": c.invalid,
                }
                for c in self.concepts
            )
        if table == "concept_ancestor":
            pairs = [(c.id, c.id, 0) for c in self.concepts if c.standard]
            for number, (_, ancestor, _sex) in enumerate(self._judged.with_descendants):
                pairs.append((ancestor, FIRST + 500 + number, 1))
            names = (
                "ancestor_concept_id",
                "descendant_concept_id",
                "min_levels_of_separation",
                "max_levels_of_separation",
            )
            return (dict(zip(names, (a, d, n, n), strict=True)) for a, d, n in pairs)
        if table == "domain":
            names = {c.domain for c in self.concepts if c.domain}
            return ({"domain_id": n, "domain_name": n, "domain_concept_id": FIRST + 90} for n in sorted(names))
        if table in ("vocabulary", "concept_class", "relationship"):
            return iter([self._named(tables()[table])])
        return None

    def _named(self, table: Table) -> dict[str, object]:
        row = {column.name: self._value(table.name, column, 1) for column in table.fields}
        return row | {table.primary_key[0]: _NAMED[table.name]}


_DOMAIN_OF = {
    "drug_concept_id": "Drug",
    "ingredient_concept_id": "Drug",
    "country_concept_id": "Geography",
    "operator_concept_id": "Meas Value Operator",
}
"""Domains that DQD asks for beyond those of the CDM's own definition."""
_NAMED = {"domain": "Condition", "vocabulary": "Made up", "concept_class": "Made up", "relationship": "Maps to"}


def write(cdm: MadeUp, connection: duckdb.DuckDBPyConnection, schema: str = "cdm") -> None:
    """Create the tables in *schema*, without keys, and fill them."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for table in tables().values():
        columns = ", ".join(f'"{f.name}" {_TYPES.get(f.type, "VARCHAR")}' for f in table.fields)
        connection.execute(f"CREATE TABLE {schema}.{table.name} ({columns})")
        rows = cdm.rows[table.name]
        if rows:
            values = ", ".join(
                "(" + ", ".join(literal(row.get(field.name)) for field in table.fields) + ")" for row in rows
            )
            connection.execute(f"INSERT INTO {schema}.{table.name} VALUES {values}")


def literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"
