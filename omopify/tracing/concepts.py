"""How a concept of a row was decided: way by way, with the row of the concept file or the relation that led to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omopify.compiler.codelists import inputs_of
from omopify.compiler.expressions import compile_expression
from omopify.compiler.fields import fold
from omopify.compiler.names import source_names
from omopify.compiler.relations import Context
from omopify.compiler.typed import as_text
from omopify.errors import Location, OmopifyError, Problems
from omopify.specs.maps import MapFile
from omopify.specs.project import shown
from omopify.specs.values import ConceptSpec
from omopify.tracing.model import ALWAYS, Concept, Way
from omopify.tracing.result import DSP, Result
from omopify.vocabulary.files.concept_files import ConceptRow, read_concept_file

FOUND = "found"
NOTHING = "nothing found"
BY_DECISION = "by decision none"


@dataclass
class Decisions:
    """Explains the concepts of one row of the result that a map wrote from one row of a harmonised table."""

    result: Result
    spec: MapFile
    made_of: int | None
    """The number of the harmonised row; None if the map reads a form itself, or a SELECT of its own."""
    context: Context = field(init=False)

    def __post_init__(self) -> None:
        self.context = Context(self.result.project.pack, {}, Problems())

    def ways(
        self, written: Sequence[ConceptSpec], slot: str, path: tuple[str | int, ...], shown_value: str, actual: int
    ) -> tuple[Way, ...]:
        """Return what each way came to.

        Args:
            written: the ways as the map has them.
            slot: what the accounting calls the field.
            path: where they stand in the map.
            shown_value: what the row's source value column holds, which may be cut.
            actual: the concept that the row has; a value with several concepts has several rows.
        """
        rows = self.result.rows("lookups.sql", {"map": self.spec.map, "field": slot})
        names = self.result.concepts([actual, *(one for row in rows for one in row[3:5] if one)])
        ways: list[Way] = []
        done = False
        for number, way in enumerate(written, 1):
            at = self.spec.at(*path) if len(written) == 1 else self.spec.at(*path, number - 1)
            if way.concept:
                concept = replace(self.result.concepts([way.concept.id])[way.concept.id], fixed=True)
                ways.append(Way(number, "", "not needed" if done else ALWAYS, concept, None, at))
                continue
            where = way.via or f"{', then '.join(way.vocabulary)} by {way.by}" if way.via or way.vocabulary else "map"
            if done:
                ways.append(Way(number, where, "not needed", at=at))
                continue
            if way.map:
                ways.append(self._inline(way, number, shown_value, at))
            else:
                mine = [row for row in rows if row[0] == number]
                ways.append(
                    self._looked_up(way, Way(number, where, "not recorded", at=at), mine, shown_value, names[actual])
                )
            done = ways[-1].result in (FOUND, BY_DECISION)
        return tuple(ways)

    def _inline(self, way: ConceptSpec, number: int, shown_value: str, at: Location) -> Way:
        known, said = self._said(way)
        said = said if known else shown_value
        found = next((one for key, one in way.map.items() if said and fold(key) == fold(said)), None)
        if found is None:
            return Way(number, "the map's own list", NOTHING, at=at)
        return Way(number, "the map's own list", FOUND, self.result.concepts([found.id])[found.id], None, at)

    def _looked_up(self, way: ConceptSpec, blank: Way, rows: list[Any], shown_value: str, actual: Concept) -> Way:
        known, said = self._said(way)
        if known and said is None:
            return replace(blank, result="nothing to look up")
        exact = [row for row in rows if row[5] == said] if known else []
        if not exact and shown_value:
            exact = [row for row in rows if str(row[5]).startswith(shown_value)]
            exact = exact if len(exact) == 1 else []
        if not exact:
            return blank
        _, _, file, source_id, concept_id, value = exact[0]
        source = self.result.concepts([source_id])[source_id] if source_id else None
        row, path = self._file_row(file, str(value), (actual.id or 0) if concept_id else 0) if file else (None, None)
        if row is None or path is None:
            return replace(
                blank, result=FOUND if concept_id else NOTHING, concept=actual if concept_id else None, source=source
            )
        place = Location(shown(path), row.line, 1)
        if concept_id:
            return replace(blank, result=FOUND, concept=actual, source=source, at=place, review=_review(row))
        if row.status == "IGNORED" or (row.status == "APPROVED" and row.concept_id == 0):
            outcome = BY_DECISION
        elif row.status == "APPROVED":
            outcome = "its concept is not in the vocabulary, or has no standard concept"
            source = source or (self.result.concepts([row.concept_id])[row.concept_id] if row.concept_id else None)
        else:
            outcome = "its row is not approved"
        return replace(blank, result=outcome, source=source, at=place, review=_review(row))

    def _said(self, way: ConceptSpec) -> tuple[bool, str | None]:
        """Return whether it can be told what the row said for a way, and what it said."""
        inputs = inputs_of(self.spec)
        if self.made_of is None or self.spec.sql or len(inputs) != 1 or not inputs[0].startswith(DSP):
            return False, None
        relation = self.context.relation(inputs[0])
        if relation is None:
            return False, None
        names, parts = source_names(self.context, relation), []
        for text in way.value:
            doubts = Problems()
            found = compile_expression(text, names, Location(""), doubts)
            if found is None or doubts.errors:
                return False, None
            parts.append(as_text(found).sql)
        try:
            rows = self.result.rows("said.sql.jinja", {"id": self.made_of}, table=relation.table, parts=parts)
        except OmopifyError:  # a window or a group has no meaning for one row
            return False, None
        return bool(rows), rows[0][0] if rows else None

    def _file_row(self, file: str, value: str, concept_id: int) -> tuple[ConceptRow | None, Path | None]:
        """Return the row of a concept file that decided, and the file; the project's own comes before the pack's."""
        shipped, own = self.result.project.concept_file(file)
        for path in (own, shipped):
            if not path.is_file():
                continue
            read = read_concept_file(path, Problems())
            rows = [row for row in read.rows if any(fold(said) == fold(value) for said in row.said)] if read else []
            rows.sort(key=lambda row: (row.status != "APPROVED", row.concept_id != concept_id, row.line))
            if rows:
                return rows[0], path
        return None, None


def ways_of(spec: MapFile, part: str | None) -> tuple[ConceptSpec, ...]:
    """Return how the concept of a map's event is found, or that of one of its attributes."""
    if part is None:
        return spec.concept or ()
    return spec.attributes[part].concept or () if part in spec.attributes else ()


def by_map(concept: Concept, written: Sequence[ConceptSpec]) -> Concept:
    """Return a row's concept, marked as fixed if the map says it of all its rows."""
    always = written[0].concept if written else None
    return replace(concept, fixed=True) if always and always.id == concept.id else concept


def _review(row: ConceptRow) -> str:
    day = ""
    if row.status_set_on:
        day = f" on {datetime.fromtimestamp(row.status_set_on / 1000, UTC).date().isoformat()}"
    by = f" by {row.status_set_by}{day}" if row.status_set_by else ""
    return f"{row.status}{by}"
