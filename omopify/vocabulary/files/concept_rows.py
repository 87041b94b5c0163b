"""One target of one term, and how the cells that say so are read.

Spreadsheets change what they show: ids get decimals, long numbers become 4,35E+07, a comma in an unquoted text
moves a row.  What is beyond doubt is read and told; anything else is an error at the cell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from omopify.errors import Location, Problems, did_you_mean
from omopify.specs.project import shown
from omopify.vocabulary.files.cells import Cell, folded_name

SUGGESTED_BY = "omopify suggest"
"""Who made a row that nobody has looked at yet (Usagi's ``createdBy``)."""

STATUSES = ("APPROVED", "UNCHECKED", "FLAGGED", "IGNORED", "AUTO_MAPPED", "AUTO_MAPPED_TO_1", "INVALID_TARGET")
EQUIVALENCES = ("EQUAL", "EQUIVALENT", "WIDER", "NARROWER", "INEXACT", "UNMATCHED", "UNREVIEWED")
MAPPING_TYPES = (
    "MAPS_TO", "MAPS_TO_VALUE", "MAPS_TO_UNIT", "MAPS_TO_OPERATOR", "MAPS_TO_TYPE", "MAPS_TO_NUMBER",
)  # fmt: skip
_OLD_TYPES = {name.removeprefix("MAPS_TO_"): name for name in MAPPING_TYPES[1:]} | {"EVENT": "MAPS_TO"}

LARGEST_ID = 2**31 - 1
"""The CDM's ids are 32-bit integers; those of a site's own concepts start at 2 000 000 000."""

_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")
_ROUNDED_CODE = re.compile(r"\d[.,]\d+E\+\d\d+")
_THOUSANDS = re.compile(r"\d{1,3}(?:[ .,'\u2019\u00a0\u202f]\d{3})+")
_NOT_A_DIGIT = re.compile(r"\D")
# Digits are at risk in a spreadsheet, so some files keep codes as '446411000124101' or ="007".
_PROTECTED = re.compile(r"""'(\d+)'?|="(.*)\"""")
_MOMENTS = ("statusSetOn", "createdOn")
_CHANGED = {
    "conceptId": (
        "a concept id has decimals and is read without them",
        "concept ids have decimals and are read without them",
        "a spreadsheet took it for a measurement; format the column as text before you save",
    ),
    "moment": (
        "a time in 'statusSetOn' or 'createdOn' is rounded or cannot be read",
        "times in 'statusSetOn' or 'createdOn' are rounded or cannot be read",
        "only those times are lost; format the columns as text before you save",
    ),
    "sourceCode": (
        "a code is written like 4,46E+14",
        "codes are written like 4,46E+14",
        "a spreadsheet has cut off digits; copy the codes from the source again, as text",
    ),
}
"""What a spreadsheet does to files without a way to mend it here: one cell, several cells, what to do."""


class _Doubt(NamedTuple):
    code: str
    cell: Cell
    column: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class ConceptRow:
    """A row: the term, its target and what is known about both.

    ``frequency`` is how often the term occurs (None = not known), ``match_score`` 0 to 1; moments are
    milliseconds since 1970 in UTC, 0 = never; ``concept_id`` 0 = no concept.  ``info`` are Usagi's ``ADD_INFO:``
    columns without that prefix, ``extra`` the columns that Usagi does not know; both as text.
    """

    line: int = field(compare=False)
    source_code: str
    source_name: str
    concept_id: int
    status: str = "UNCHECKED"
    mapping_type: str = "MAPS_TO"
    equivalence: str = "UNREVIEWED"
    concept_name: str = ""
    domain_id: str = ""
    frequency: int | None = None
    match_score: float = 0.0
    auto_assigned: str = ""
    status_set_by: str = ""
    status_set_on: int = 0
    created_by: str = ""
    created_on: int = 0
    assigned_reviewer: str = ""
    comment: str = ""
    info: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def term(self) -> tuple[str, str]:
        """Code and name together: what Usagi takes for one source term."""
        return self.source_code.strip(), self.source_name.strip()

    @property
    def target(self) -> tuple[str, int]:
        """The kind of the mapping and the concept."""
        return self.mapping_type, self.concept_id

    @property
    def source_concept_id(self) -> int:
        """The id of the term itself, if a site has made it a concept of its own; 0 if not.

        It stands in SOURCE_TO_CONCEPT_MAP's column, or in ADD_INFO:sourceConceptId, as FinOMOP's tools have it.
        """
        for name, text in (*self.extra.items(), *self.info.items()):
            if folded_name(name) == "sourceconceptid" and text.strip().isascii() and text.strip().isdigit():
                return int(text)
        return 0

    @property
    def source_vocabulary(self) -> str:
        """The vocabulary of the code, in a SOURCE_TO_CONCEPT_MAP."""
        return next(
            (text.strip() for name, text in self.extra.items() if folded_name(name) == "sourcevocabularyid"), ""
        )

    @property
    def said(self) -> tuple[str, ...]:
        """What the data may say for this term: the name or the code, for stewards map either."""
        return tuple(dict.fromkeys(text for text in (self.source_name.strip(), self.source_code.strip()) if text))


class RowReader:
    """Makes rows out of cells and notes what is wrong with them.

    Problems: OM632 a row that has shifted, OM633 a number or day that is none, OM634 a word that Usagi does not
    know, OM635 (warning) what a spreadsheet has changed.
    """

    def __init__(self, path: Path, problems: Problems):
        self._path = shown(path)
        self._problems = problems
        self._changed: dict[str, list[Cell]] = {}
        self._doubts: list[_Doubt] = []
        self.left_out = 0

    def row(
        self,
        cells: Mapping[str, Cell],
        line: int,
        info: Mapping[str, str],
        extra: Mapping[str, str],
        surplus: Cell | None,
    ) -> ConceptRow | None:
        """Return the row, or None with a problem noted.

        Args:
            cells: the cells by Usagi's column names; a missing one counts as blank.
            line: where the row starts.
            info: Usagi's additional information.
            extra: columns of others.
            surplus: the first filled cell behind the last column.
        """

        def cell(name: str) -> Cell:
            return cells.get(name, Cell("", line, 1))

        def text(name: str) -> str:
            return cell(name).text.strip()

        status = self._word("mappingStatus", cell("mappingStatus"), STATUSES, {})
        row = ConceptRow(
            line=line,
            source_code=self._code(cell("sourceCode")),
            source_name=cell("sourceName").text,
            concept_id=self._concept_id(cell("conceptId"), status),
            status=status or "UNCHECKED",
            mapping_type=self._word("mappingType", cell("mappingType"), MAPPING_TYPES, _OLD_TYPES) or "MAPS_TO",
            equivalence=self._word("equivalence", cell("equivalence"), EQUIVALENCES, {}) or "UNREVIEWED",
            concept_name=text("conceptName"),
            domain_id=text("domainId"),
            frequency=self._frequency(cell("sourceFrequency")),
            match_score=self._score(cell("matchScore")),
            auto_assigned=text("sourceAutoAssignedConceptIds"),
            status_set_by=text("statusSetBy"),
            status_set_on=self._moment("statusSetOn", cell("statusSetOn")),
            created_by=text("createdBy"),
            created_on=self._moment("createdOn", cell("createdOn")),
            assigned_reviewer=text("assignedReviewer"),
            comment=cell("comment").text,
            info=info,
            extra=extra,
        )
        sound = self._tell(surplus)
        self._doubts = []
        if sound:
            return row
        self.left_out += 1
        return None

    def day(self, column: str, cell: Cell) -> date | None:
        """Return the day in a cell of the row that is read next; None if it is blank or no day."""
        found = as_day(cell.text)
        if found is None and cell.text.strip():
            self._doubt("OM633", cell, column, "is not a day", "write it like 2099-12-31")
        return found

    def finish(self) -> None:
        """Warn, once for each kind, of what a spreadsheet has changed."""
        for kind, cells in self._changed.items():
            one, several, hint = _CHANGED[kind]
            message = one if len(cells) == 1 else f"{len(cells)} {several}"
            self._add("OM635", message, cells[0], hint, "warning")

    def _tell(self, surplus: Cell | None) -> bool:
        """Note what is wrong with a row; say whether it can be used all the same."""
        columns = sorted({doubt.column for doubt in self._doubts})
        moments = [doubt for doubt in self._doubts if doubt.column in _MOMENTS]
        others = [doubt for doubt in self._doubts if doubt.column not in _MOMENTS]
        if surplus or len(others) + bool(moments) > 1:
            message = (
                "the row has more cells than the header" if surplus else f"the cells of {_listed(columns)} do not fit"
            )
            hint = "it has shifted by a column: put quotes around a text that holds the delimiter"
            self._add(
                "OM632",
                message,
                surplus or min((doubt.cell for doubt in self._doubts), key=lambda cell: cell[1:]),
                hint,
            )
            return False
        for doubt in moments:
            self._changed.setdefault("moment", []).append(doubt.cell)
        for doubt in others:
            self._add(doubt.code, f"'{doubt.column}' {doubt.message}", doubt.cell, doubt.hint)
        return not others

    def _add(self, code: str, message: str, cell: Cell, hint: str, severity: str = "error") -> None:
        self._problems.add(code, message, Location(self._path, cell.line, cell.column), hint, severity)

    def _doubt(self, code: str, cell: Cell, column: str, message: str, hint: str) -> None:
        self._doubts.append(_Doubt(code, cell, column, message, hint))

    def _code(self, cell: Cell) -> str:
        protected = _PROTECTED.fullmatch(cell.text.strip())
        if protected:
            return protected[1] or protected[2] or ""
        if _ROUNDED_CODE.fullmatch(cell.text.strip()):
            self._changed.setdefault("sourceCode", []).append(cell)
        return cell.text

    def _word(self, column: str, cell: Cell, known: tuple[str, ...], old: Mapping[str, str]) -> str:
        said = re.sub(r"[\s-]+", "_", cell.text.strip()).upper()
        word = old.get(said, said)
        if not word or word in known:
            return word
        near = did_you_mean(word, known)
        # What is like none of the words may be a term of the trial in the wrong column: it is not shown.
        message = f"cannot be '{cell.text.strip()}'" if near else "holds no word of Usagi's"
        self._doubt("OM634", cell, column, message, near or f"one of {_listed(known)}")
        return ""

    def _concept_id(self, cell: Cell, status: str) -> int:
        text = cell.text.strip()
        whole, tidied = _whole(text)
        if whole is not None and 0 <= whole <= LARGEST_ID:
            if tidied:
                self._changed.setdefault("conceptId", []).append(cell)
            return whole
        if not text and status != "APPROVED":
            return 0
        if not text:
            message, hint = "is empty in an approved row", "0 says that there is no concept for the term"
        elif whole is not None:
            message, hint = f"cannot be {whole}", f"the largest id is {LARGEST_ID}; a digit may be there twice"
        elif _SCIENTIFIC.fullmatch(text):
            message = f"is {text}: a spreadsheet has cut off digits"
            hint = "take the id from an older copy of the file, or look the concept up again"
        elif _THOUSANDS.fullmatch(text):
            message, hint = "has marks between its digits", f"write {re.sub(_NOT_A_DIGIT, '', text)}"
        else:
            message, hint = "is not a number", "a row may have shifted by a column"
        self._doubt("OM633", cell, "conceptId", message, hint)
        return 0

    def _frequency(self, cell: Cell) -> int | None:
        text = cell.text.strip()
        whole, _ = _whole(text)
        if whole is None and _THOUSANDS.fullmatch(text):
            whole = int(re.sub(_NOT_A_DIGIT, "", text))
        if text and (whole is None or whole < -1):
            self._doubt("OM633", cell, "sourceFrequency", "is not a count", "leave it empty if it is not known")
        return None if whole is None or whole < 0 else whole

    def _score(self, cell: Cell) -> float:
        try:
            score = float(cell.text.strip().replace(",", ".") or 0)
        except ValueError:
            score = math.nan
        if math.isfinite(score):
            return score
        self._doubt("OM633", cell, "matchScore", "is not a number", "leave it empty if there is none")
        return 0.0

    def _moment(self, column: str, cell: Cell) -> int:
        text = cell.text.strip()
        whole, _ = _whole(text)
        if whole is not None or not text:
            return whole or 0
        if _SCIENTIFIC.fullmatch(text):
            self._changed.setdefault("moment", []).append(cell)
            return int(float(text.replace(",", ".")))
        day = as_day(text)
        if day is None:
            self._doubt("OM635", cell, column, "", "")
            return 0
        return milliseconds(day)


def as_day(text: str) -> date | None:
    """Return a day that is written as 2024-05-31, 20240531, 31.05.2024 or with slashes; None for anything else.

    With slashes day and month may change places; a text that could be either is not taken.
    """
    found = set()
    for form in ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"):
        try:
            found.add(datetime.strptime(text.strip(), form).date())
        except ValueError:
            continue
    return found.pop() if len(found) == 1 else None


def milliseconds(day: date) -> int:
    """Return the start of a day (UTC) as Usagi writes moments."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _whole(text: str) -> tuple[int | None, bool]:
    """Return a whole number, and whether a spreadsheet had given it decimals; three would be thousands."""
    match = re.fullmatch(r"(-?\d+)([.,]0{1,2})?", text, re.ASCII)
    return (int(match[1]), bool(match[2])) if match else (None, False)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
