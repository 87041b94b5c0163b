"""From a row of the result back to the rows of the export that it was made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from omopify import cdm
from omopify.compiler.codelists import inputs_of
from omopify.specs.maps import MapFile
from omopify.specs.project import LoadedMap
from omopify.tracing.concepts import Decisions, by_map, ways_of
from omopify.tracing.fields import Explained
from omopify.tracing.links import links
from omopify.tracing.model import Cell, Concept, Place, Remark, Row
from omopify.tracing.pieces import other_pieces, piece_of
from omopify.tracing.result import DSP, Result, Table

Cells = Callable[[int, int, MapFile], tuple[Cell, ...]]
"""What stands in the columns that a map names, by file number and row; nothing if values are not shown."""

_ERAS = {"eras.drug": "drug_exposure", "eras.condition": "condition_occurrence"}
_OWN = {
    "cdm_source": "omopify fills it from trial.yaml, omopify.yaml and the vocabulary.",
    "metadata": "omopify fills it from the facts in trial.yaml and from the shared model.",
}


@dataclass(frozen=True, slots=True)
class _Origin:
    map: str
    part: str | None
    file: int | None
    row: int | None
    piece: int | None
    made_of: int | None


@dataclass
class Backward:
    """Follows rows back, the first ``limit`` of those that a row was made of."""

    result: Result
    limit: int
    show_values: bool
    cells: Cells

    def row(self, name: str, number: int, *, first: bool = True) -> Row:
        """Return a row with what it was made of.

        Raises:
            OmopifyError: OM961 no such table, OM962 no such row.
        """
        table = self.result.table(name)
        values = self.result.values(table, number)
        origins = [_Origin(*found) for found in self.result.rows("origins.sql", {"table": table.name, "id": number})]
        around = links(self.result, table, number, values) if first else ()
        concept = self._concept(table, values)
        if not origins:
            how = _OWN.get(table.name, "It is part of the vocabulary: no map writes it.")
            return Row(table.name, number, concept, how=how, links=around)
        origin = origins[0]
        if origin.map in _ERAS:
            return self._era(table, number, origin.map, origins, concept, around)
        loaded = self.result.maps.get(origin.map)
        if loaded is None:
            how = "This map is no longer in the project, so its expressions cannot be shown."
            places = self._places(origins, None)
            return Row(table.name, number, concept, origin.map, how=how, places=places, links=around)
        return self._written(table, number, values, origins, loaded, concept, around)

    def _written(
        self,
        table: Table,
        number: int,
        values: dict[str, Any],
        origins: list[_Origin],
        loaded: LoadedMap,
        concept: Concept | None,
        around: Any,
    ) -> Row:
        spec, origin = loaded.spec, origins[0]
        described = self.result.described(spec.map)
        assert described is not None
        remarks = self._remarks(origins, spec.map)
        decisions = Decisions(self.result, spec, origin.made_of)
        explained = Explained(
            spec, described, decisions, table, origin.part, values, remarks, self.show_values
        )  # fmt: skip
        rows, places, more, how = self._made_of(spec, origins)
        piece = origin.piece if len(origins) == 1 else None
        return Row(
            table.name,
            number,
            by_map(concept, ways_of(spec, origin.part)) if concept else None,
            spec.map,
            spec.at("map"),
            origin.part,
            how,
            spec.note,
            explained.fields(),
            rows,
            places,
            piece_of(spec, piece),
            more,
            tuple(f"{join.source or name} (join '{name}')" for name, join in spec.join.items()),
            around,
        )

    def _made_of(self, spec: MapFile, origins: list[_Origin]) -> tuple[tuple[Row, ...], tuple[Place, ...], int, str]:
        """Return the rows that a row was made of, how many more there are, and a sentence about many."""
        if spec.sql:
            return self._about(spec, origins)
        harmonised = [name for name in inputs_of(spec) if name.startswith(DSP)]
        if not harmonised:
            return (), self._places(origins[: self.limit], spec), max(len(origins) - self.limit, 0), _many(len(origins))
        read = [(self._read(harmonised, origin), origin.made_of) for origin in origins]
        named = list(dict.fromkeys((name, made) for name, made in read if made is not None))
        rows = tuple(self.row(name, made, first=False) for name, made in named[: self.limit])
        counts = Counter(name for name, _ in named)
        how = _many(len(named), ", ".join(f"{n} of {name}" for name, n in counts.items()))
        return rows, (), max(len(named) - self.limit, 0), how

    def _read(self, tables: Sequence[str], origin: _Origin) -> str:
        """Return the harmonised table that a row was read from; of several the one whose row has its place."""
        if len(tables) == 1:
            return tables[0]
        for name in tables:
            found = self.result.rows("read_from.sql.jinja", {"id": origin.made_of}, table=self.result.table(name).sql)
            if found and found[0] == (origin.file, origin.row):
                return name
        return tables[0]

    def _about(self, spec: MapFile, origins: list[_Origin]) -> tuple[tuple[Row, ...], tuple[Place, ...], int, str]:
        """Return what a result of a hand-written SELECT is about: the row that the SELECT names as its place."""
        origin = origins[0]
        tables = [name.removeprefix(DSP) for name in spec.reads if name.startswith(DSP)]
        how = (
            f"Made by the SELECT in {spec.sql}, from all rows that belong together in {', '.join(spec.reads)}. "
            "Below stands the row that the SELECT says this one is about."
        )
        place = {"file": origin.file, "row": origin.row}
        found = self.result.rows("stands_at.sql.jinja", place, tables=tables) if tables and origin.row else []
        rows = tuple(self.row(name, number, first=False) for name, number in found[: self.limit])
        return rows, () if rows else self._places(origins, spec), max(len(found) - self.limit, 0), how

    def _era(
        self, table: Table, number: int, name: str, origins: list[_Origin], concept: Concept | None, around: Any
    ) -> Row:
        events = list(dict.fromkeys(origin.made_of for origin in origins if origin.made_of is not None))
        rows = tuple(self.row(_ERAS[name], event, first=False) for event in events[: self.limit])
        how = (
            f"omopify makes eras of the person's {_ERAS[name]} rows of one concept; 'eras:' says how long a gap may be."
        )
        return Row(
            table.name, number, concept, name, how=how, rows=rows, more=max(len(events) - self.limit, 0), links=around
        )

    def _places(self, origins: Sequence[_Origin], spec: MapFile | None) -> tuple[Place, ...]:
        found = []
        for origin in origins:
            if origin.file is None or origin.row is None:
                continue
            place = self.result.place(origin.file, origin.row)
            cells = self.cells(origin.file, origin.row, spec) if spec else ()
            if spec:
                hidden = other_pieces(spec, origin.piece)
                cells = tuple(cell for cell in cells if cell.column.casefold() not in hidden)
            found.append(Place(place.source, place.file, place.sheet, place.row, cells))
        return tuple(dict.fromkeys(found))

    def _remarks(self, origins: list[_Origin], name: str) -> tuple[Remark, ...]:
        places = dict.fromkeys((origin.file, origin.row) for origin in origins[: self.limit])
        found = [
            Remark(field, reason)
            for file, row in places
            for own, field, reason in self.result.rows("remarks.sql", {"file": file, "row": row})
            if own == name
        ]
        return tuple(dict.fromkeys(found))

    def _concept(self, table: Table, values: dict[str, Any]) -> Concept | None:
        column = cdm.words(table.name).get("concept") or ("gender_concept_id" if table.name == "person" else "")
        held = values.get(column) if column else None
        return None if held is None else self.result.concepts([held])[held]


def _many(number: int, which: str = "") -> str:
    if number < 2:
        return ""
    return f"Made of {number} rows together" + (f": {which}." if which else ".")
