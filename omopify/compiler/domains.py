"""Which of OMOP's event tables a row goes to: the one that the map names, or that of its concept's domain."""

from __future__ import annotations

from omopify import cdm
from omopify.compiler.typed import literal


def event_tables(to: str, otherwise: str) -> list[str]:
    """Return the names of the tables that ``to`` may lead to."""
    if to != "by_domain":
        return [to]
    tables = [table for table in dict.fromkeys(cdm.DOMAIN_TABLES.values()) if table in _BY_DOMAIN]
    return list(dict.fromkeys([*tables, otherwise]))


_BY_DOMAIN = (
    "condition_occurrence",
    "device_exposure",
    "drug_exposure",
    "measurement",
    "observation",
    "procedure_occurrence",
)


def table_of_domain(domain: str, otherwise: str) -> str:
    """Return SQL for the table of a concept's domain (SQL too); ``otherwise`` for domains without a table."""
    branches = " ".join(
        f"WHEN {literal(name)} THEN {literal(table)}"
        for name, table in cdm.DOMAIN_TABLES.items()
        if table in _BY_DOMAIN
    )
    return f"CASE split_part({domain}, '/', 1) {branches} ELSE {literal(otherwise)} END"
