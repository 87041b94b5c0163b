"""``results.duckdb``: the table ``dqdashboard_results``, as OHDSI's DataQualityDashboard writes it to a database.

It is a file of its own, because the result database is never written.  The columns are DataQualityDashboard's
(``result_dataframe_ddl.sql``), ``checkid`` without an underscore as there; thresholds may have decimals, which users
of DataQualityDashboard ask for (its issue 635).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omopify.compiler.render import render
from omopify.engines.duckdb import DuckDB

COLUMNS = {
    "num_violated_rows": "numViolatedRows",
    "pct_violated_rows": "pctViolatedRows",
    "num_denominator_rows": "numDenominatorRows",
    "execution_time": "executionTime",
    "query_text": "queryText",
    "check_name": "checkName",
    "check_level": "checkLevel",
    "check_description": "checkDescription",
    "cdm_table_name": "cdmTableName",
    "cdm_field_name": "cdmFieldName",
    "concept_id": "conceptId",
    "unit_concept_id": "unitConceptId",
    "sql_file": "sqlFile",
    "category": "category",
    "subcategory": "subcategory",
    "context": "context",
    "warning": "warning",
    "error": "error",
    "checkid": "checkId",
    "is_error": "isError",
    "not_applicable": "notApplicable",
    "failed": "failed",
    "passed": "passed",
    "not_applicable_reason": "notApplicableReason",
    "threshold_value": "thresholdValue",
    "notes_value": "notesValue",
}
"""The columns of the table, in their order, and the words of ``dq-result.json``."""


def write(dqd: Mapping[str, Any], path: Path) -> None:
    """Write the table into a new database.

    Args:
        dqd: the content of ``dq-result.json`` (``to_dqd``).
        path: where the file goes; there is none yet.

    Raises:
        OmopifyError: OM592 the file cannot be written.
    """
    rows = dqd["CheckResults"]
    values = {column: [row.get(word) for row in rows] for column, word in COLUMNS.items()}
    with DuckDB(path) as db:
        db.script(render("quality/results/table.sql"))
        if rows:
            db.script(render("quality/results/rows.sql.jinja", columns=list(COLUMNS)), "writing results", values)
