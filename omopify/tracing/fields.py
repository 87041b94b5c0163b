"""How the filled columns of a row came to be: the part of the map that filled each, as it is written and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omopify import cdm
from omopify.describing.wording import Described, Part
from omopify.errors import Location
from omopify.specs.maps import MapFile
from omopify.specs.values import ConceptSpec
from omopify.tracing.concepts import Decisions
from omopify.tracing.model import Field, Remark, Way
from omopify.tracing.result import DSP, Table

_ALIASES = {"date": "start"}
_INHERITED = ("person", "visit", "start", "type")


@dataclass
class Explained:
    """The columns of one row that a map wrote."""

    spec: MapFile
    described: Described
    decisions: Decisions
    table: Table
    part: str | None
    """The attribute that the row is."""
    values: Mapping[str, Any]
    remarks: tuple[Remark, ...]
    show_values: bool

    def fields(self) -> tuple[Field, ...]:
        """Return how each filled column came to be; columns that one part of the map fills stand together."""
        by_part: dict[tuple[str | int, ...], list[str]] = {}
        parts: dict[tuple[str | int, ...], Part] = {}
        others = []
        for column in self.values:
            found = self._part(column)
            if found:
                by_part.setdefault(found.path, []).append(column)
                parts[found.path] = found
            elif not column.startswith("_") and column not in (self.table.key, "trial"):
                others.append(column)
        fields = [self._field(parts[path], columns) for path, columns in by_part.items()]
        return (*fields, *(self._given(column) for column in others))

    def _part(self, column: str) -> Part | None:
        filling = self.described.filling(f"{self.table.name}.{column}")
        own = ("attributes", self.part) if self.part else ()
        for part in filling:
            if len(part.path) > len(own) and part.path[: len(own)] == own and (own or part.path[0] != "attributes"):
                return part
        word = next((word for word, name in cdm.words(self.table.name).items() if name == column), "")
        word = word.removesuffix(".datetime")
        if self.part and word in _INHERITED:
            names = (word, *(alias for alias, same in _ALIASES.items() if same == word))
            return next((said for name in names if (said := self.described.part(name))), None)
        return None

    def _field(self, part: Part, columns: list[str]) -> Field:
        stated = part.path[2:] if part.path[0] == "attributes" else part.path
        inherited = bool(self.part) and part.path[0] != "attributes"
        words = f"That of the event. {part.words}" if inherited else part.words
        notes = tuple(remark.reason for remark in self.remarks if remark.field == _accounted(part))
        ways: tuple[Way, ...] = ()
        written = self._ways(part.path)
        if written:
            slot = ".".join(str(step) for step in (*part.path[1:2], *stated[-1:])) if not inherited else ""
            slot = slot if part.path[0] == "attributes" else str(stated[-1])
            said = next((str(self.values[c]) for c in columns if c.endswith("_source_value")), "")
            actual = next((int(self.values[c]) for c in columns if _is_concept(c)), 0)
            ways = self.decisions.ways(written, slot, part.path, said, actual)
        return Field(
            ", ".join(columns),
            words,
            part.written,
            tuple(f"{o.source}.{o.column}" + (f" ({o.label})" if o.label else "") for o in part.origins),
            self.spec.at(*part.path),
            notes,
            ways,
            self._shown(columns),
        )

    def _ways(self, path: tuple[str | int, ...]) -> tuple[ConceptSpec, ...]:
        said: Any = self.spec
        for step in path:
            said = said[step] if isinstance(said, Mapping) else getattr(said, str(step), None)
        found = isinstance(said, tuple) and bool(said) and all(isinstance(way, ConceptSpec) for way in said)
        return said if found else ()

    def _given(self, column: str) -> Field:
        """Explain a column that no part of the map names."""
        words = cdm.words(self.table.name)
        at: Location | None = None
        if column in (words.get("event"), words.get("event.field")) and self.part:
            how = "The event that this attribute belongs to."
            at = self.spec.at("attributes", self.part, key=True)
        elif column == words.get("end"):
            how = "The end must be there and none was said: it is the start."
        elif self.table.name.startswith(DSP):
            how = "Filled by omopify."
        elif column == words.get("operator"):
            how = "The sign before the number, such as < or >=."
        elif column == words.get("value"):
            how = "The result that goes with the concept: what its concept file or 'Maps to value' says."
        elif column.endswith("_concept_id"):
            how = "The column must be filled and the map does not say it: 0."
        else:
            how = "Filled along with another column of the row."
        return Field(column, how, at=at, value=self._shown([column]))

    def _shown(self, columns: list[str]) -> str | None:
        return ", ".join(str(self.values[column]) for column in columns) if self.show_values else None


def _is_concept(column: str) -> bool:
    return "concept_id" in column and "source" not in column


def _accounted(part: Part) -> str:
    """Return what the accounting calls the field that a part of a map fills."""
    if part.path[0] == "attributes":
        word = str(part.path[-1])
        return f"{part.path[1]}.{_ALIASES.get(word, word)}"
    word = str(part.path[-1])
    return _ALIASES.get(word, word) if part.path[0] != "set" else word
