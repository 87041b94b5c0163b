"""List the rows that fail a check: their keys and where they are from, in a file that must not leave the site.

The query is the one that the report shows.  Of what it gives only keys are written, never a value; and neither is the
file's content ever printed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from omopify.compiler.render import render
from omopify.engines.duckdb import DATABASE_REFUSED, DuckDB
from omopify.errors import Location, OmopifyError, Problem, did_you_mean
from omopify.quality import delivery
from omopify.quality.judging import decide
from omopify.quality.model import Check, Measurement, Result
from omopify.quality.outputs.quality_json import from_json
from omopify.quality.place import QUALITY_JSON, Place, sha256
from omopify.specs.project import shown
from omopify.specs.quality import FEW_VIOLATIONS, OWN_TYPES

FOLDER = "do-not-share"

_NAMED = 10
"""How many parts a message names; the report has all."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Where failing rows were written, and how many they are."""

    path: Path
    rows: int
    first: tuple[str, ...]
    """The parts that are above their limit, whose rows come first; nothing if there are no other rows."""
    stale: bool
    """Whether the data have changed since the check was last measured."""


def list_rows(check_id: str, place: Place, memory_limit: str | None = None, threads: int | None = None) -> Listed:
    """Write the keys of the rows that fail a check to ``do-not-share/<check id>.csv``, for the owner's eyes only.

    Raises:
        OmopifyError: OM820 there is no result, OM821 nothing was measured, OM823 there is no such check, OM824 it
            has no rows to list, OM825 its query does not run on this result.
    """
    found, measured = _find(check_id, place)
    check = found.check
    attached = delivery.attached(place.register, place.database)
    folder = place.folder / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / (re.sub(r"[^\w.-]", "_", check_id) + ".csv")
    with DuckDB(
        place.database,
        attached,
        [folder],
        memory_limit=memory_limit,
        threads=threads,
        read_only=True,
        name="result",
    ) as db:
        columns = _failing(db, check)
        above = _above(found)
        _stop_if_no_rows(found, above, columns)
        rows = int(db.rows(render("quality/rows/count.sql"))[0][0])
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        table = f"{check.schema}.{check.table}"
        origin = _origin(db, check, columns)
        # Names of parts were looked at when they were measured; whatever else stands there may be a value.
        parts = [part.name for part in found.measurement.parts] if "part" in columns else []
        first = _first(found, above) if parts else ()
        known = {"table": table, "parts": parts, "first": first, "origin": origin}
        # A shipped query says why in words of the maps; what a query of the project's own calls so may be a value.
        reason = "reason" in columns and "rows" not in check.parameters
        db.script(render("quality/rows/write.sql.jinja", reason=reason, path=new, **known))
    new.replace(path)
    return Listed(path, rows, first, sha256(place.database) != measured)


def _find(check_id: str, place: Place) -> tuple[Result, str]:
    path = place.folder / QUALITY_JSON
    if not path.is_file():
        raise OmopifyError(Problem("OM821", "nothing was measured yet", Location(shown(path)), "run 'omopify quality'"))
    if not place.database.is_file():
        at = Location(shown(place.database))
        raise OmopifyError(Problem("OM820", "there is no result to look at", at, "'omopify run' makes it"))
    assessment = from_json(path.read_bytes())
    results = {result.check.id: result for result in assessment.results}
    if check_id not in results:
        hint = did_you_mean(check_id, results) or "the report shows the id of each check"
        raise _problem("OM823", f"there is no check '{check_id}'", hint)
    found = results[check_id]
    why = _why_none(found)
    if why:
        raise _problem("OM824", f"there are no rows of '{check_id}' to list", why)
    return found, assessment.subject.data_sha256


def _why_none(found: Result) -> str:
    if found.status == "not applicable":
        return "it does not apply: " + (found.measurement.not_applicable or "").rstrip(".")
    if found.status == "error":
        return "it could not be measured: " + (found.measurement.error or "").rstrip(".")
    if found.check.rows_sql:
        return ""
    if found.measurement.violated == 0:
        return "none fails"
    if found.check.expectation not in OWN_TYPES:
        return f"Great Expectations' own expectations count only; ask with {FEW_VIOLATIONS} to see the rows"
    return "the report says what was counted; it counts something else than rows of one table"


def _above(found: Result) -> tuple[str, ...]:
    limits = found.check.parameters.get("parts", {})
    assert isinstance(limits, Mapping)
    return tuple(
        part.name
        for part in sorted(found.measurement.parts, key=lambda part: -part.violated / (part.denominator or 1))
        if decide(Measurement("", part.violated, part.denominator), limits.get(part.name, found.check.max_pct), {})
        == "fail"
    )


def _first(found: Result, above: Sequence[str]) -> tuple[str, ...]:
    within = any(part.violated for part in found.measurement.parts if part.name not in above)
    # Names that a query of the project's own has taken from the data were numbered, and are not known here.
    return tuple(name for name in above if not re.fullmatch(r"part \d+", name)) if within else ()


def _stop_if_no_rows(found: Result, above: Sequence[str], columns: Set[str]) -> None:
    """Stop if a check counts what is only a number in the account of a run: a list would say the same in each line."""
    check = found.check
    # Columns of the export are no rows either, but have names that tell what to mend.
    if check.schema != "audit" or check.table == "columns" or "source_row" in columns or not found.measurement.parts:
        return
    which = "1 part is" if len(above) == 1 else f"{len(above) or 'no'} parts are"
    names = ", ".join(above[:_NAMED]) + (", ..." if len(above) > _NAMED else "")
    hint = f"what it counts are no rows of a table; {which} above the limit" + (f": {names}" if above else "")
    if check.table == "lookups":
        hint += "; 'omopify vocab suggest PROJECT' writes the terms"
    raise _problem("OM824", f"there are no rows of '{check.id}' to list", hint)


def _failing(db: DuckDB, check: Check) -> set[str]:
    try:
        if not db.is_one_query(check.rows_sql):
            hint = "quality.json was changed; run 'omopify quality' again"
            raise _problem("OM825", f"the query for the rows of '{check.id}' is no SELECT", hint)
        db.script(render("quality/rows/failing.sql.jinja", rows=check.rows_sql))
    except OmopifyError as error:
        if error.problems[0].code != DATABASE_REFUSED:
            raise
        hint = "has the result other tables than when it was assessed? Run 'omopify quality' again"
        raise _problem("OM825", f"the query for the rows of '{check.id}' does not run on this result", hint) from error
    columns = {str(name) for (name,) in db.rows(render("quality/rows/columns.sql"))}
    if "row_id" not in columns:
        hint = "in your own suite, name the key of each row 'row_id'"
        raise _problem("OM824", f"the query for the rows of '{check.id}' gives no 'row_id'", hint)
    if "rows" in check.parameters and db.rows(render("quality/rows/no_keys.sql.jinja", schema=check.schema))[0][0]:
        hint = "a key is a number, or for the harmonised tables _file and _row with a colon between"
        raise _problem("OM824", f"'row_id' in the query for the rows of '{check.id}' is no key", hint)
    return columns


def _origin(db: DuckDB, check: Check, columns: set[str]) -> str:
    if not db.rows(render("quality/rows/has_audit.sql"))[0][0]:
        return "none"
    if {"file_number", "source_row"} <= columns and "rows" not in check.parameters:
        return "given"
    return {"dsp": "dsp", "cdm": "audit", "audit": "none"}[check.schema]


def _problem(code: str, message: str, hint: str) -> OmopifyError:
    return OmopifyError(Problem(code, message, None, hint))
