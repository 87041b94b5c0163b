"""Where a project names concepts: every place, with all that is said there and what the place asks of a concept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from omopify import cdm
from omopify.compiler.fields import fold
from omopify.compiler.plan import Lookup, Plan
from omopify.errors import Location, Problems
from omopify.resources import data
from omopify.specs.project import LoadedMap, Project, read_table, shown
from omopify.specs.values import FieldSpec
from omopify.vocabulary.checking.repair import KNOWN
from omopify.vocabulary.files.cells import Cell, Sheet, folded_name, read_sheet
from omopify.vocabulary.files.concept_files import UNREVIEWED, ConceptFile, accepted, read_concept_file
from omopify.vocabulary.files.concept_rows import ConceptRow

ID = ("conceptid", "targetconceptid", "objectid")
NAME = ("conceptname", "targetconceptname", "objectlabel")
DOMAIN = ("domainid", "targetdomainid")
VOCABULARY = ("vocabularyid", "targetvocabularyid", "conceptvocabularyid")
CODE = ("conceptcode", "targetconceptcode", "targetcode")
SOURCE_ID = ("sourceconceptid", "addinfo:sourceconceptid")
"""What the columns of a concept file may be called (folded); the last five may be columns of the site's own."""

_TYPE_DOMAINS = {
    "MAPS_TO_UNIT": ("Unit",),
    "MAPS_TO_TYPE": ("Type Concept",),
    "MAPS_TO_OPERATOR": ("Meas Value Operator",),
}


@dataclass(frozen=True, slots=True)
class Mapped:
    """A concept file as a steward sees it: each row with its cells, and which rows a run takes."""

    path: Path
    file: ConceptFile
    sheet: Sheet
    lookups: tuple[Lookup, ...]
    counting: frozenset[int]
    """The lines of the rows that a run takes."""
    overruled: frozenset[int]
    """The lines of rows whose terms the project's own file decides."""
    records: Mapping[int, tuple[Cell, ...]] = field(default_factory=dict)
    columns: Mapping[str, int] = field(default_factory=dict)
    """Folded column name -> place."""

    def column(self, names: tuple[str, ...]) -> str:
        """Return the first of these columns that the file has, or an empty text."""
        return next((name for name in names if name in self.columns), "")

    def cell(self, row: ConceptRow, names: tuple[str, ...]) -> Cell | None:
        """Return a cell of a row by its column's possible names; None if the row or the file has none."""
        record, place = self.records[row.line], self.columns.get(self.column(names))
        return record[place] if place is not None and place < len(record) else None

    def at(self, row: ConceptRow, names: tuple[str, ...]) -> Location:
        """Return the place of a cell, or of its row."""
        cell = self.cell(row, names)
        return Location(shown(self.path), cell.line if cell else row.line, cell.column if cell else 1)

    @property
    def whole(self) -> Location:
        """The file itself, for what is about no single row."""
        return Location(shown(self.path))


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a concept id stands, and what is written beside it."""

    concept_id: int
    at: Location
    path: Path
    field: str = ""
    domains: tuple[str, ...] = ()
    """The domains that fit the place; any if empty."""
    name: str = ""
    code: str = ""
    vocabulary: str = ""
    domain: str = ""
    source: bool = False
    """A source concept, which need not be standard."""
    counts: bool = True
    """Whether a run uses it."""
    file: Mapped | None = None
    row: ConceptRow | None = None

    def place(self, names: tuple[str, ...]) -> Location:
        """Return where one of the things is written that stand beside the id."""
        return self.file.at(self.row, names) if self.file and self.row else self.at


def pack_of(path: Path, project: Project) -> str:
    """Return the pack of a file outside the project's folder; empty for a file that is the steward's to change."""
    own, shipped = project.folder.resolve(), data("mappings").resolve()
    resolved = path.resolve()
    if resolved.is_relative_to(own) and not resolved.is_relative_to(shipped):
        return ""
    owner = next((loaded.pack for loaded in project.pack.maps if resolved.is_relative_to(loaded.folder.resolve())), "")
    return owner or resolved.parent.name


def known_as(at: Location) -> Location:
    """Return a place as a person knows it: a file that was installed by its pack, not by where Python keeps it."""
    path, shipped = Path(at.path), data("mappings")
    if path.is_absolute() and path.is_relative_to(shipped):
        return replace(at, path=path.relative_to(shipped).as_posix())
    return at


def constants(plan: Plan, project: Project) -> Iterator[Use]:
    """Yield the concepts that maps name, also those that ``set:`` puts into a concept column."""
    for use in plan.constants:
        if use.concept_id:
            source = use.field.rpartition(".")[2].endswith("_source")
            yield Use(use.concept_id, use.at, Path(use.at.path), use.field, use.domains, use.name, source=source)
    for loaded in project.pack.maps:
        table = cdm.tables().get(loaded.spec.to)
        known = {column.name: column for column in table.fields} if table else {}
        for name, spec in loaded.spec.set.items():
            if name in known and name.endswith("_concept_id"):
                yield from _set(loaded, spec, known[name])


def _set(loaded: LoadedMap, spec: FieldSpec, column: cdm.Field) -> Iterator[Use]:
    at, steps = loaded.spec.at, ("set", column.name)
    written: list[tuple[str | None, Location]] = [
        *((text, at(*steps, "value")) for text in spec.value),
        (spec.constant, at(*steps, "constant")),
        (spec.otherwise, at(*steps, "otherwise")),
    ]
    if spec.map:
        written += [(text, at(*steps, "map", key)) for key, text in spec.map.values.items()]
        if spec.map.file:
            path = loaded.folder / spec.map.file
            rows = read_table(path, ("from", "to"), at(*steps, "map"), Problems())
            written += [(row["to"], Location(shown(path), line, 1)) for line, row in rows]
    domains = (column.domain,) if column.domain else ()
    for text, place in written:
        if text and text.isdigit() and int(text):
            source = column.name.endswith("_source_concept_id")
            yield Use(int(text), place, Path(place.path), column.name, domains, source=source)


def concept_files(plan: Plan, project: Project, problems: Problems) -> list[Mapped]:
    """Read the concept files that maps look values up in; the project's own rows come before the pack's."""
    lookups: dict[str, list[Lookup]] = {}
    for step in plan.maps:
        for lookup in step.lookups:
            if lookup.file:
                lookups.setdefault(lookup.file, []).append(lookup)
    found = []
    for name, users in lookups.items():
        theirs, own = project.concept_file(name)
        decided: set[str] = set()
        for path in (own, theirs):
            if path == own and not own.is_file():
                continue
            mapped = _read(path, tuple(users), decided, problems)
            if mapped:
                found.append(mapped)
                if path == own:
                    decided = {
                        fold(said)
                        for row in mapped.file.rows
                        if row.line in mapped.counting or row.status == "IGNORED"
                        for said in row.said
                    }
    return found


def _read(path: Path, lookups: tuple[Lookup, ...], decided: set[str], problems: Problems) -> Mapped | None:
    file = read_concept_file(path, problems, lookups[0].at)
    if file is None:
        return None
    sheet = read_sheet(path, KNOWN)
    overruled = frozenset(row.line for row in file.rows if any(fold(said) in decided for said in row.said))
    return Mapped(
        path=path,
        file=file,
        sheet=sheet,
        lookups=lookups,
        counting=frozenset(row.line for row in accepted(file.rows, draft=False)[0] if row.line not in overruled),
        overruled=overruled,
        records={record[0].line: record for record in sheet.records},
        columns={folded_name(cell.text): place for place, cell in reversed(list(enumerate(sheet.header)))},
    )


def targets(mapped: Mapped) -> Iterator[Use]:
    """Yield the concepts that a concept file names; what is ignored, or the project overrules, is left out."""
    domains = _domains(mapped.lookups)
    slots = {lookup.field.rpartition(".")[2] for lookup in mapped.lookups}
    # What is the concept of an event anywhere must be one, whatever else the file is looked up for.
    slot = "concept" if "concept" in slots else slots.pop() if len(slots) == 1 else ""
    for row in mapped.file.rows:
        if row.line in mapped.overruled or not (row.line in mapped.counting or row.status in UNREVIEWED):
            continue

        def said(names: tuple[str, ...], row: ConceptRow = row) -> str:
            cell = mapped.cell(row, names)
            return cell.text.strip() if cell else ""

        counts = row.line in mapped.counting
        if row.concept_id and row.mapping_type != "MAPS_TO_NUMBER":
            yield Use(
                row.concept_id,
                mapped.at(row, ID),
                mapped.path,
                slot if row.mapping_type == "MAPS_TO" else "value",
                domains if row.mapping_type == "MAPS_TO" else _TYPE_DOMAINS.get(row.mapping_type, ()),
                row.concept_name,
                said(CODE).strip("'"),
                said(VOCABULARY),
                row.domain_id,
                counts=counts,
                file=mapped,
                row=row,
            )
        if row.source_concept_id:
            yield Use(row.source_concept_id, mapped.at(row, SOURCE_ID), mapped.path, source=True, counts=counts)


def _domains(lookups: tuple[Lookup, ...]) -> tuple[str, ...]:
    """Return the domains that fit at least one of the places that a file is looked up for; any if one takes any."""
    if not all(lookup.domains for lookup in lookups):
        return ()
    return tuple(dict.fromkeys(domain for lookup in lookups for domain in lookup.domains))
