"""The agreed lists of tumour types and biomarkers: what a trial's words stand for, the same in every trial.

Cohorts of several trials can only be merged if 'NSCLC' here and 'Lung Cancer: Non-Small Cell' there are known to be
one thing.  A consortium keeps two lists for that, which people edit in a spreadsheet; omopify ships an example
of both in ``vocab/standards``.  A tumour type has its place in OncoTree (``vocab/oncotree``), a biomarker is a
gene with a kind of alteration, one variant, or a profile of the whole tumour.

Problems:

* OM680  the file is not there, is no table, or lacks columns
* OM681  a code that OncoTree has not
* OM682  a parent that is not in the list, or that is its own parent in the end
* OM683  a name that two rows have
* OM684  a variant that is not written in HGVS, or is another one than the row says
* OM685  a gene that omopify does not know (warning)
* OM686  a concept without a number or a name
* OM687  an NCIt or HGNC code that is not the one of the tumour type or gene (warning)
* OM688  a word that the list does not know
* OM689  a cell that must not be empty, or must be
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from omopify.compiler.fields import fold
from omopify.errors import Location, Problems, did_you_mean
from omopify.resources import data
from omopify.specs.project import shown
from omopify.vocabulary.files.cells import Cell, Unfit, folded_name, read_sheet
from omopify.vocabulary.standards.hgvs import parse
from omopify.vocabulary.standards.variants import read_variants

ALTERATIONS = (
    "any", "mutation", "activating mutation", "inactivating mutation", "amplification", "deletion", "insertion",
    "splice variant", "fusion", "overexpression", "loss of expression",
)  # fmt: skip
"""What can have happened to a gene."""

STATUSES = ("example", "proposed", "agreed", "withdrawn")
EQUIVALENCES = ("EQUAL", "EQUIVALENT", "WIDER", "NARROWER", "INEXACT")
"""How the concept relates to the row, in Usagi's words: WIDER is a concept that also means other things."""

ROOT = "TISSUE"


@dataclass(frozen=True, slots=True)
class Node:
    """A tumour type of OncoTree; ``former`` are codes that it had before, ``nci`` those of the NCI Thesaurus."""

    code: str
    name: str
    main_type: str
    tissue: str
    parent: str
    nci: tuple[str, ...]
    former: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What the rows of both lists have: names, the OMOP concept, and how far the agreement is."""

    id: str
    name: str
    synonyms: tuple[str, ...]
    concept_id: int | None
    concept_name: str
    equivalence: str
    status: str
    agreed_on: str
    comment: str
    at: Location


@dataclass(frozen=True, slots=True)
class TumourType(Entry):
    """A tumour type of the list; ``parent`` is the id of the row it belongs to, if OncoTree does not say it."""

    oncotree: str
    ncit: str
    parent: str


@dataclass(frozen=True, slots=True)
class Biomarker(Entry):
    """A biomarker of the list: an ``alteration`` of one or more ``genes``, or a ``profile`` of the tumour."""

    genes: tuple[str, ...]
    alteration: str
    hgvs: str
    profile: str
    value_concept_id: int | None
    value_concept_name: str


@dataclass(frozen=True, slots=True)
class Standards:
    """Both lists, found by every name that they give, and the tree."""

    tumour_types: tuple[TumourType, ...]
    biomarkers: tuple[Biomarker, ...]
    tree: Mapping[str, Node]

    def tumour_type(self, text: str) -> TumourType | None:
        """Return the row that *text* names by id, name, synonym or OncoTree code; None if none or several do."""
        return _named(self.tumour_types, text) or _only(t for t in self.tumour_types if fold(t.oncotree) == fold(text))

    def biomarker(self, text: str, gene: str = "") -> Biomarker | None:
        """Return the row that *text* names by id, name or synonym, or as a variant in any spelling.

        *gene* is what another column says about the gene.
        """
        found = read_variants().find(text, gene)
        same = found.concept_id if found.level in {"protein", "fusion"} else None
        return _named(self.biomarkers, text) or _only(b for b in self.biomarkers if same and b.concept_id == same)

    def ancestors(self, code: str) -> tuple[Node, ...]:
        """Return what an OncoTree code belongs to, from its parent up to the tissue; nothing for an unknown code."""
        above = []
        node = self.tree.get(code)
        while node and node.parent in self.tree and node.parent != ROOT:
            node = self.tree[node.parent]
            above.append(node)
        return tuple(above)

    def broader(self, entry: TumourType) -> tuple[TumourType, ...]:
        """Return the rows of the list that a tumour type belongs to, nearest first.

        They are its parents, and the rows whose OncoTree code is above its own.
        """
        above: list[TumourType] = []
        steps = [entry]
        while steps:
            step = steps.pop(0)
            codes = [node.code for node in self.ancestors(step.oncotree)]
            near = [t for t in self.tumour_types if step.parent and t.id == step.parent]
            near += [t for code in codes for t in self.tumour_types if t.oncotree == code]
            fresh = [t for t in near if t not in above]
            above += fresh
            steps += fresh
        return tuple(above)


def read_standards(problems: Problems, tumour_types: Path | None = None, biomarkers: Path | None = None) -> Standards:
    """Read both lists; those that ship with omopify stand in for the ones that are not given.

    All mistakes are noted; what could be read is returned, so call ``problems.stop_if_errors()`` before relying
    on it.
    """
    tree = read_tree()
    types = tumour_types or data("vocab", "standards", "tumour_types.csv")
    markers = biomarkers or data("vocab", "standards", "biomarkers.csv")
    standards = Standards(
        tuple(_tumour_type(row, tree) for row in _rows(types, _TYPE_COLUMNS, problems)),
        tuple(_biomarker(row) for row in _rows(markers, _MARKER_COLUMNS, problems)),
        tree,
    )
    _check_names(standards.tumour_types, problems)
    _check_names(standards.biomarkers, problems)
    _check_parents(standards, problems)
    return standards


@cache
def read_tree() -> Mapping[str, Node]:
    """Read OncoTree as it ships, by code."""
    with data("vocab", "oncotree", "oncotree.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["code"]: Node(
                row["code"],
                row["name"],
                row["main_type"],
                row["tissue"],
                row["parent"],
                _parts(row["nci"]),
                tuple(code for column in _FORMER for code in _parts(row[column])),
            )
            for row in csv.DictReader(file)
        }


_FORMER = ("history", "revocations", "precursors")
_ENTRY = ("id", "name", "synonyms", "concept_id", "concept_name", "equivalence", "status", "agreed_on", "comment")
_TYPE_COLUMNS = (*_ENTRY, "oncotree", "ncit", "parent")
_MARKER_COLUMNS = (*_ENTRY, "gene", "hgnc", "alteration", "hgvs", "profile", "value_concept_id", "value_concept_name")


class _Row:
    """One row of a list, which notes what is wrong with its cells."""

    def __init__(self, path: Path, line: int, cells: Mapping[str, Cell], problems: Problems):
        self._path, self._line, self._cells, self._problems = path, line, cells, problems

    def text(self, column: str) -> str:
        return " ".join(self._cells[column].text.split()) if column in self._cells else ""

    def at(self, column: str = "") -> Location:
        cell = self._cells.get(column, Cell("", self._line, 1))
        return Location(shown(self._path), cell.line, cell.column)

    def note(self, code: str, column: str, message: str, hint: str = "", severity: str = "error") -> None:
        self._problems.add(code, message, self.at(column), hint, severity)

    def filled(self, column: str) -> str:
        if not self.text(column):
            self.note("OM689", column, f"'{column}' is empty", "every row needs it; a row may have shifted by a column")
        return self.text(column)

    def word(self, column: str, known: tuple[str, ...], empty: bool = False) -> str:
        found = self.text(column)
        same = next((word for word in known if word.casefold() == found.casefold()), None)
        if same is None and not (empty and not found):
            message = f"'{found}' is no {column}" if found else f"'{column}' is empty"
            self.note("OM688", column, message, did_you_mean(found, known) or f"write one of: {', '.join(known)}")
        return same or found

    def concept(self, number: str, name: str) -> tuple[int | None, str]:
        found, called = self.text(number), self.text(name)
        if found and not re.fullmatch("[1-9][0-9]{0,9}", found):
            self.note("OM686", number, f"'{found}' is no concept id", "a row may have shifted by a column")
            return None, called
        if bool(found) != bool(called):
            hint = "write both: the name is there so that a reader can check the id"
            self.note("OM686", number if called else name, f"'{number}' and '{name}' do not go together", hint)
        return (int(found), called) if found else (None, called)

    def entry(self) -> tuple[str, str, tuple[str, ...], int | None, str, str, str, str, str, Location]:
        concept_id, concept_name = self.concept("concept_id", "concept_name")
        status = self.word("status", STATUSES)
        agreed_on = self.text("agreed_on")
        if agreed_on and not re.fullmatch(r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", agreed_on):
            self.note("OM688", "agreed_on", f"'{agreed_on}' is no date", "write year, month and day: 2026-03-31")
        if status == "agreed" and not agreed_on:
            self.note("OM689", "agreed_on", "the row is agreed, but not since when", "write the day into 'agreed_on'")
        return (
            self.filled("id"),
            self.filled("name"),
            tuple(part.strip() for part in self.text("synonyms").split("|") if part.strip()),
            concept_id,
            concept_name,
            self.word("equivalence", EQUIVALENCES, empty=concept_id is None),
            status,
            agreed_on,
            self.text("comment"),
            self.at(),
        )


def _tumour_type(row: _Row, tree: Mapping[str, Node]) -> TumourType:
    entry = TumourType(*row.entry(), row.text("oncotree"), row.text("ncit"), row.text("parent"))
    node = tree.get(entry.oncotree)
    if entry.oncotree and node is None:
        row.note("OM681", "oncotree", f"OncoTree has no code '{entry.oncotree}'", _nearest(entry.oncotree, tree))
    if not entry.oncotree and not entry.parent:
        hint = "give the code of OncoTree, or the id of the row that it belongs to"
        row.note("OM689", "oncotree", "'oncotree' and 'parent' are both empty", hint)
    if node and entry.ncit and entry.ncit not in node.nci:
        message = f"NCIt code '{entry.ncit}' is not the one of OncoTree code {node.code}"
        row.note("OM687", "ncit", message, f"OncoTree gives {' and '.join(node.nci) or 'none'}", "warning")
    return entry


def _biomarker(row: _Row) -> Biomarker:
    entry = row.entry()
    genes, alteration, profile = _parts(row.text("gene")), row.text("alteration"), row.text("profile")
    if bool(genes) == bool(profile):
        what = "both filled" if genes else "both empty"
        row.note("OM689", "gene", f"'gene' and 'profile' are {what}", "a biomarker is of a gene or of the whole tumour")
    if genes:
        alteration = row.word("alteration", ALTERATIONS)
    elif alteration:
        row.note("OM689", "alteration", "a profile has no alteration", "empty the cell")
    known = read_variants().genes
    codes = [known[gene].hgnc if gene in known else "" for gene in genes]
    for gene in genes:
        if gene not in known:
            hint = did_you_mean(gene, known) or "check the spelling; write the symbol of HGNC"
            row.note("OM685", "gene", f"omopify does not know the gene '{gene}'", hint, "warning")
    given = _parts(row.text("hgnc"))
    if given and all(codes) and list(given) != codes:
        message = f"HGNC number '{'|'.join(given)}' is not the one of {', '.join(genes)}"
        row.note("OM687", "hgnc", message, f"HGNC gives {'|'.join(codes)}", "warning")
    value = row.concept("value_concept_id", "value_concept_name")
    marker = Biomarker(*entry, genes, alteration, row.text("hgvs"), profile, *value)
    _check_variant(row, marker)
    return marker


def _check_variant(row: _Row, marker: Biomarker) -> None:
    if not marker.hgvs:
        return
    reference, _, change = marker.hgvs.rpartition(":")
    changes = parse(change) or ()
    if not reference or not change.startswith("p.") or not changes or any(c.kind == "codon" for c in changes):
        hint = "write the protein and its change, such as NP_004324.2:p.Val600Glu"
        row.note("OM684", "hgvs", f"'{marker.hgvs}' is no change of a protein in HGVS", hint)
        return
    of_reference = read_variants().find(reference).gene
    found = read_variants().find(marker.hgvs)
    if of_reference and of_reference not in marker.genes:
        row.note("OM684", "hgvs", f"'{reference}' is a protein of {of_reference}", "correct the gene or the protein")
    elif found.level == "protein" and marker.concept_id not in (None, found.concept_id):
        message = f"the concept of '{marker.hgvs}' is {found.concept_id}, not {marker.concept_id}"
        row.note("OM684", "concept_id", message, f"its name is '{found.concept_name}'")


def _check_names(entries: Iterable[Entry], problems: Problems) -> None:
    seen: dict[str, Entry] = {}
    for entry in entries:
        for name in (entry.id, entry.name, *entry.synonyms):
            first = seen.setdefault(fold(name), entry)
            if first is not entry and name:
                message = f"'{name}' already names the row in line {first.at.line} ('{first.id}')"
                problems.add("OM683", message, entry.at, "a name stands for one row; take it out of one of them")


def _check_parents(standards: Standards, problems: Problems) -> None:
    ids = {entry.id for entry in standards.tumour_types}
    for entry in standards.tumour_types:
        if entry.parent and entry.parent not in ids:
            hint = did_you_mean(entry.parent, ids) or "write the id of another row"
            problems.add("OM682", f"no row has the id '{entry.parent}'", entry.at, hint)
        elif entry in standards.broader(entry):
            problems.add("OM682", f"'{entry.id}' is among its own parents", entry.at, "correct one of the parents")


def _nearest(code: str, tree: Mapping[str, Node]) -> str:
    renamed = [node.code for node in tree.values() if code in node.former]
    if renamed:
        return f"it is now {' or '.join(renamed)}"
    by_name = {fold(node.name): node.code for node in tree.values()}
    if fold(code) in by_name:
        return f"that is a name; its code is '{by_name[fold(code)]}'"
    near = did_you_mean(code, tree)
    return near or "look the code up in vocab/oncotree/oncotree.csv"


def _rows(path: Path, columns: tuple[str, ...], problems: Problems) -> Iterator[_Row]:
    place = Location(shown(path))
    try:
        sheet = read_sheet(path, [folded_name(column) for column in columns])
    except Unfit as error:
        at = Location(place.path, error.line, error.column)
        problems.add("OM680", f"the list cannot be read: {error.message}", at, error.hint)
        return
    except OSError as error:
        reason = (error.strerror or "unknown").lower()
        problems.add("OM680", f"the list cannot be read: {reason}", place, "check the name of the file")
        return
    names = {folded_name(column): column for column in columns}
    header = [names.get(folded_name(cell.text), cell.text.strip()) for cell in sheet.header]
    lacking = [column for column in columns if column not in header]
    if lacking:
        at = Location(place.path, sheet.header[0].line, 1)
        hint = "start from the list that ships with omopify, vocab/standards"
        problems.add("OM680", f"the list has no column {', '.join(lacking)}", at, hint)
        return
    for record in sheet.records:
        yield _Row(path, record[0].line, dict(zip(header, record, strict=False)), problems)


E = TypeVar("E", bound=Entry)


def _named(entries: Iterable[E], text: str) -> E | None:
    wanted = fold(text)
    return _only(e for e in entries if wanted and wanted in {fold(name) for name in (e.id, e.name, *e.synonyms)})


def _only(found: Iterable[E]) -> E | None:
    rows = list(found)
    return rows[0] if len(rows) == 1 else None


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())
