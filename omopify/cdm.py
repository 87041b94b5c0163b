"""The OMOP CDM v5.4 as data: its tables, their fields, types and keys, and which domain goes where.

The definition is ``sql/cdm/tables.csv`` and ``sql/cdm/fields.csv``; everything that knows a CDM table
(the DDL, the check of maps, the key check) reads it from here.  Its structure is that of the OHDSI files
``OMOP_CDMv5.4_Table_Level.csv`` and ``OMOP_CDMv5.4_Field_Level.csv``, with these oddities mended:

* the field ``"offset"`` of ``note_nlp`` carries its quotes in OHDSI's file: here it is ``offset`` (a
  reserved word, which the templates quote);
* ``varchar(MAX)`` is the type ``text``; the one ``Integer`` is ``integer``;
* four fields that point to a table by their own description lack the foreign key in OHDSI's file and have
  it here: ``note_nlp.note_id``, ``episode.episode_parent_id``, ``cost.payer_plan_period_id`` and
  ``relationship.reverse_relationship_id``;
* ``episode.episode_object_concept_id`` says ``Procedure, Regimen`` for its domain: a regimen is no domain,
  and the object of a disease episode is a condition, so no domain is required here.

As in OHDSI's primary key script, the tables without a primary key in that file have none here: death,
cohort, cohort_definition, episode_event, cdm_source, fact_relationship and five of the vocabulary.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal, cast

from omopify.resources import data

CDM_VERSION = "v5.4"
"""What ``cdm_source.cdm_version`` says."""

CDM_VERSION_CONCEPT_ID = 756265
"""The concept 'OMOP CDM Version 5.4.0' for ``cdm_source.cdm_version_concept_id``."""

DOMAIN_TABLES: Mapping[str, str] = MappingProxyType(
    {
        "Condition": "condition_occurrence",
        "Device": "device_exposure",
        "Drug": "drug_exposure",
        "Episode": "episode",
        "Measurement": "measurement",
        "Observation": "observation",
        "Procedure": "procedure_occurrence",
        "Specimen": "specimen",
        "Visit": "visit_occurrence",
        # how Measurement and Observation are written in combined domains such as 'Meas/Procedure'
        "Meas": "measurement",
        "Obs": "observation",
    }
)
"""The event table for the standard concepts of a domain (OMOP CDM v5.4, conventions of each table)."""

Schema = Literal["cdm", "vocab", "results"]
Type = Literal["integer", "float", "date", "datetime", "varchar", "text"]


@dataclass(frozen=True)
class Field:
    """One field of a CDM table.

    ``length`` is that of a varchar; ``domain`` the domain that its concepts must have, where the CDM names
    one.  ``field_concept_id`` is the concept by which other tables say that an id of theirs is this one
    (``measurement.meas_event_field_concept_id`` and the like).
    """

    name: str
    position: int
    type: Type
    length: int | None
    required: bool
    primary_key: bool
    references_table: str | None
    references_field: str | None
    domain: str | None
    field_concept_id: int | None


@dataclass(frozen=True)
class Table:
    """One table of the CDM, its fields in the order of the official DDL.

    ``schema`` is OHDSI's grouping (cdm, vocab, results), not the name of a database schema; ``required``
    tells whether a CDM must fill the table.  ``domain_concept_id`` is the concept by which FACT_RELATIONSHIP says
    that a fact is a row of this table.
    """

    name: str
    schema: Schema
    required: bool
    domain_concept_id: int | None
    fields: tuple[Field, ...]

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The names of the fields of the primary key; empty for a table without one."""
        return tuple(field.name for field in self.fields if field.primary_key)

    @property
    def id_field(self) -> str | None:
        """The field that holds the table's own ids, or None if its rows have none.

        A cohort definition has no primary key in OHDSI's file, but cohorts point to it by its id.
        """
        if len(self.primary_key) == 1:
            return self.primary_key[0]
        return "cohort_definition_id" if self.name == "cohort_definition" else None

    @property
    def event_field_concept_id(self) -> int | None:
        """The concept for the id of this table's events, or None if other tables cannot point to it."""
        return next((f.field_concept_id for f in self.fields if f.field_concept_id is not None), None)

    def field(self, name: str) -> Field:
        """Return the field called *name* (lower case); KeyError if the table has none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"{self.name}.{name}")


@cache
def tables() -> Mapping[str, Table]:
    """Return the 39 tables of the CDM by name, in the order of OHDSI's definition."""
    fields: dict[str, list[Field]] = {}
    for row in _rows("fields.csv"):
        fields.setdefault(row["table"], []).append(_field(row))
    return MappingProxyType(
        {
            row["table"]: Table(
                name=row["table"],
                schema=cast(Schema, row["schema"]),
                required=row["required"] == "yes",
                domain_concept_id=int(row["domain_concept_id"]) if row["domain_concept_id"] else None,
                fields=tuple(sorted(fields[row["table"]], key=lambda field: field.position)),
            )
            for row in _rows("tables.csv")
        }
    )


def domain_table(domain_id: str) -> str | None:
    """Return the event table for concepts of a domain, or None if they have no table of their own.

    A combined domain (``Condition/Meas``) goes to the table of its first part.  Domains of values,
    units, types, and the like describe an event and are none.
    """
    return DOMAIN_TABLES.get(domain_id.partition("/")[0])


@cache
def words(table: str) -> Mapping[str, str]:
    """Return the words of the mapping language for a table: word -> column.

    The event tables name the same thing differently (``condition_start_date``, ``measurement_date``); a map
    says ``start`` for all of them.  ``concept.source`` and the like are the columns that are filled along.
    Tables that are no events have none.
    """
    return MappingProxyType({row["word"]: row["column"] for row in _rows("words.csv") if row["table"] == table})


def _rows(name: str) -> list[dict[str, str]]:
    with data("sql", "cdm", name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _field(row: Mapping[str, str]) -> Field:
    return Field(
        name=row["field"],
        position=int(row["position"]),
        type=cast(Type, row["type"]),
        length=int(row["length"]) if row["length"] else None,
        required=row["required"] == "yes",
        primary_key=row["primary_key"] == "yes",
        references_table=row["references_table"] or None,
        references_field=row["references_field"] or None,
        domain=row["domain"] or None,
        field_concept_id=int(row["field_concept_id"]) if row["field_concept_id"] else None,
    )
