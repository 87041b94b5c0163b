"""Concept files: which concept a trial's term means, who says so, and whether it is agreed.

They are Usagi's save format, so that Usagi, a spreadsheet and omopify can take turns at one file.  What Usagi does
was read in OHDSI/Usagi (version 1.4; paths below ``src/org/ohdsi``):

* ``usagi/WriteCodeMappingsToFile.java``, ``usagi/SourceCode.java``: the columns and their order are ``STANDARD``, with
  ``ADD_INFO:*`` behind the fourth; one row a target; a term without a target has one row with concept 0, 'Unmapped';
  ``matchScore`` with two decimals, moments as milliseconds since 1970 (0 = never), frequency -1 = not known.
* ``usagi/ReadCodeMappingsFromFile.java``: rows of a term are one mapping only if they follow each other; state,
  equivalence, comment and reviewer are taken from the first of them.  Numbers must not be blank.
* ``utilities/files/WriteCSVFileWithHeader.java``: commas and the computer's own encoding (UTF-8 since Java 18,
  before it Windows-1252 on Windows).  A byte order mark or ``;`` keeps Usagi from opening a file.
* ``usagi/MappingTarget.java``: before 1.4 types were called EVENT, VALUE, UNIT.  Files of 1.3 have neither types nor
  equivalence; states AUTO_MAPPED and AUTO_MAPPED_TO_1 were not reviewed.
* ``usagi/ui/actions/ExportForReviewAction.java``: other names (``targetConceptId``), no state if all are approved.
* ``usagi/ui/ExportSourceToConceptMapDialog.java``: approved rows as the CDM's SOURCE_TO_CONCEPT_MAP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from omopify.compiler.fields import fold
from omopify.errors import Location, Problems, did_you_mean
from omopify.specs.project import shown
from omopify.vocabulary.files.cells import Cell, Dialect, Sheet, Unfit, folded_name, put, read_sheet, written
from omopify.vocabulary.files.concept_rows import ConceptRow, RowReader
from omopify.vocabulary.files.sssom import TAKEN, as_usagi, metadata

USAGI = Dialect()
"""Commas, quotes where they are needed, UTF-8 without a mark: what Usagi writes and opens."""

__all__ = [
    "ConceptFile",
    "ConceptRow",
    "Dialect",
    "accepted",
    "for_usagi",
    "read_concept_file",
    "write_concept_file",
]

STANDARD = (
    "sourceCode", "sourceName", "sourceFrequency", "sourceAutoAssignedConceptIds", "matchScore", "mappingStatus",
    "equivalence", "statusSetBy", "statusSetOn", "conceptId", "conceptName", "domainId", "mappingType", "comment",
    "createdBy", "createdOn", "assignedReviewer",
)  # fmt: skip
"""Usagi's columns, in its order."""

UNREVIEWED = ("UNCHECKED", "AUTO_MAPPED", "AUTO_MAPPED_TO_1")
"""States in which a target is a proposal."""

INFO = "ADD_INFO:"

_NEEDED = {
    "sssom": ({"predicateid", "objectid"}, set()),
    "stcm": ({"sourcecode", "targetconceptid", "sourcevocabularyid"}, set()),
    "review": ({"targetconceptid"}, {"sourcename", "sourcecode"}),
    "usagi": ({"conceptid", "mappingstatus"}, {"sourcename", "sourcecode"}),
    "plain": ({"conceptid"}, {"sourcename", "sourcecode", "sourcevalue"}),
}
"""How a format is told by its header: all of the first names, and one of the second; the first that fits."""

_STANDARD = frozenset(STANDARD)
_SPELLED = {folded_name(name): name for name in STANDARD}
_ALIASES = _SPELLED | {
    "targetconceptid": "conceptId",
    "targetconceptname": "conceptName",
    "targetdomainid": "domainId",
    "sourcecodedescription": "sourceName",
    "sourcevalue": "sourceName",
}
_KNOWN = {*_ALIASES, *(name for needed in _NEEDED.values() for names in needed for name in names)}


@dataclass(frozen=True, slots=True)
class ConceptFile:
    """A mapping file as it was read.

    ``kind`` is the format: ``usagi`` (of any version), ``review`` (Usagi's export for review), ``stcm``
    (SOURCE_TO_CONCEPT_MAP), ``plain`` (a term and a concept id) or ``sssom``.  ``columns`` are the columns of a
    Usagi file in their order, as they will be written; empty for the other formats.  ``left_out`` counts rows
    that could not be read; such a file is not written again.
    """

    path: Path
    rows: tuple[ConceptRow, ...]
    kind: str = "usagi"
    dialect: Dialect = USAGI
    columns: tuple[str, ...] = ()
    left_out: int = 0


def accepted(rows: Iterable[ConceptRow], draft: bool) -> tuple[list[ConceptRow], int]:
    """Return the rows that a conversion may use, and how many of them nobody has approved.

    APPROVED rows count, also with concept 0: somebody decided that there is none.  With *draft*, proposals with
    a concept count too.  IGNORED, FLAGGED and INVALID_TARGET never do.
    """
    agreed, proposed = [], 0
    for row in rows:
        proposal = draft and row.status in UNREVIEWED and row.concept_id != 0
        if row.status == "APPROVED" or proposal:
            agreed.append(row)
            proposed += proposal
    return agreed, proposed


def read_concept_file(
    path: Path, problems: Problems, at: Location | None = None, today: date | None = None
) -> ConceptFile | None:
    """Read a mapping file of any format that omopify knows; None if there is nothing to go on with.

    A SOURCE_TO_CONCEPT_MAP is what a site uses, so its valid rows are APPROVED; a plain table of values and
    concept ids does not say who looked at it, so its rows are UNCHECKED; a row of SSSOM is APPROVED if it names
    a reviewer or was made by hand.

    Args:
        path: the file.
        problems: where problems go.  OM116 no such file; OM630 no text; OM631 no format that is known; OM632-OM635
            cells (see :class:`RowReader`); OM636 (warning) a row that is there twice; OM637 states that contradict
            each other; OM638 (warning) rows of SSSOM that do not lead to a concept.
        at: what names the file, if not the user; a missing file is its mistake.
        today: the day on which rows of a SOURCE_TO_CONCEPT_MAP must be valid; None for the computer's.
    """
    try:
        sheet = read_sheet(path, _KNOWN)
    except Unfit as error:
        place = Location(shown(path), error.line, error.column)
        problems.add("OM630", error.message, place, error.hint)
        return None
    except FileNotFoundError:
        near = did_you_mean(path.name, [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else [])
        problems.add("OM116", f"there is no file '{path.name}' in {shown(path.parent)}", at, near)
        return None
    except OSError as error:
        problems.add(
            "OM630", f"the file cannot be read: {(error.strerror or 'unknown').lower()}", Location(shown(path))
        )
        return None
    kind = _kind(sheet, path, problems)
    if kind is None:
        return None
    if sheet.foreign:
        message = "the file is not UTF-8 and is read as Windows-1252 (Western European)"
        hint = "check letters such as ø and š; in Excel save it as 'CSV UTF-8 (comma delimited)'"
        problems.add("OM635", message, Location(shown(path), 1, 1), hint, "warning")
    reader = RowReader(path, problems)
    if kind == "sssom":
        rows = _sssom_rows(sheet, reader, path, problems)
    else:
        aims, day = _aims(sheet, kind), today or date.today()
        rows = [row for record in sheet.records if (row := _row(record, sheet, aims, kind, reader, day))]
    reader.finish()
    _check_terms(rows, kind, path, problems)
    _check_codes((row for row in rows if row.status == "APPROVED"), path, problems)
    return ConceptFile(
        path=path,
        rows=tuple(rows),
        kind=kind,
        dialect=replace(sheet.dialect, bom=sheet.dialect.bom or sheet.foreign),
        columns=tuple(_column(cell.text) for cell in sheet.header if cell.text.strip()) if kind == "usagi" else (),
        left_out=reader.left_out,
    )


def write_concept_file(file: ConceptFile, path: Path) -> None:
    """Write a file in Usagi's save format, with the delimiter, quotes and column order it had.

    Columns of Usagi's that are missing are added behind the others.  Rows of a term are put together, because
    Usagi takes only neighbours for one mapping.  The file is there as a whole or not at all.

    Raises:
        ValueError: rows of the file were left out when it was read; they would be lost.
        OSError: the file cannot be written.
    """
    if file.left_out:
        raise ValueError(f"{file.left_out} rows of {file.path} were not read")
    columns = _columns(file)
    terms: dict[tuple[str, str], list[ConceptRow]] = {}
    for row in file.rows:
        terms.setdefault(row.term, []).append(row)
    records = [[_value(row, column) for column in columns] for rows in terms.values() for row in rows]
    put(written([columns, *records], file.dialect), path)


def for_usagi(file: ConceptFile) -> ConceptFile:
    """Return a file as Usagi itself would have it: commas, UTF-8, its columns in its order.

    A term without a code gets its name as code and the other way round; columns that Usagi would drop become
    additional information.
    """
    rows = []
    for row in file.rows:
        code, name = row.source_code.strip(), row.source_name.strip()
        info = {**row.info, **{key: text for key, text in row.extra.items() if text.strip()}}
        known = replace(row, source_code=code or name, source_name=name or code, info=info, extra={})
        rows.append(known if row.concept_id else replace(known, concept_name="Unmapped", domain_id=""))
    keys = dict.fromkeys(key for row in rows for key in row.info)
    whole = [replace(row, info={key: row.info.get(key, "") for key in keys}) for row in rows]
    return replace(file, rows=tuple(whole), kind="usagi", dialect=USAGI, columns=())


def _kind(sheet: Sheet, path: Path, problems: Problems) -> str | None:
    names = [folded_name(cell.text) for cell in sheet.header]
    place = Location(shown(path), sheet.header[0].line, 1)
    twice = next((cell for cell, name in zip(sheet.header, names, strict=True) if name and names.count(name) > 1), None)
    if twice:
        place = replace(place, line=twice.line, column=twice.column)
        problems.add("OM631", f"two columns are called '{twice.text.strip()}'", place, "rename or delete one of them")
        return None
    for kind, (needed, choice) in _NEEDED.items():
        if needed <= set(names) and (not choice or choice & set(names)):
            return kind
    have = ", ".join(cell.text.strip() for cell in sheet.header if cell.text.strip())
    hint = f"it needs 'sourceName', 'conceptId' and 'mappingStatus', as Usagi writes them; its columns are: {have}"
    problems.add("OM631", "the file is no mapping file that omopify knows", place, hint)
    return None


def _column(name: str) -> str:
    """Return a column's name as Usagi spells it; names of others as they are."""
    clean = name.strip()
    if clean.upper().startswith(INFO):
        return INFO + clean[len(INFO) :]
    return _SPELLED.get(folded_name(clean), clean)


def _aims(sheet: Sheet, kind: str) -> list[str]:
    """Return, for each column, Usagi's column that it stands for, or its own name."""
    aims = [_column(title.text) for title in sheet.header]
    for place, title in enumerate(sheet.header):
        alias = None if kind == "usagi" else _ALIASES.get(folded_name(title.text))
        aims[place] = alias if alias and alias not in aims else aims[place]
    return aims


def _row(
    record: tuple[Cell, ...], sheet: Sheet, aims: list[str], kind: str, reader: RowReader, today: date
) -> ConceptRow | None:
    cells: dict[str, Cell] = {}
    info: dict[str, str] = {}
    extra: dict[str, Cell] = {}
    record, surplus = _fitted(record, sheet)
    for aim, cell in zip(aims, record, strict=True):
        if aim in _STANDARD:
            cells[aim] = cell
        elif aim.startswith(INFO):
            info[aim[len(INFO) :]] = cell.text
        elif aim:
            extra[aim] = cell
        elif cell.text.strip():
            surplus = surplus or cell
    if kind == "stcm":
        status = "APPROVED" if _in_use(extra, reader, today) else "INVALID_TARGET"
        cells["mappingStatus"] = cells["conceptId"]._replace(text=status)
    elif kind == "review" and "mappingStatus" not in cells:
        cells["mappingStatus"] = cells["conceptId"]._replace(text="APPROVED")
    others = {name: cell.text for name, cell in extra.items()}
    return reader.row(cells, record[0].line, info, others, surplus)


def _fitted(record: tuple[Cell, ...], sheet: Sheet) -> tuple[tuple[Cell, ...], Cell | None]:
    """Return a record with as many cells as the header, and the first filled cell behind them."""
    width = len(sheet.header)
    missing = tuple(Cell("", record[0].line, 1) for _ in range(width - len(record)))
    surplus = next((cell for cell in record[width:] if cell.text.strip()), None)
    return record[:width] + missing, surplus


def _in_use(columns: Mapping[str, Cell], reader: RowReader, today: date) -> bool:
    """Say whether a row of a SOURCE_TO_CONCEPT_MAP is valid today."""
    words = {folded_name(name): (name, cell) for name, cell in columns.items()}
    start, end = (reader.day(*words[name]) if name in words else None for name in ("validstartdate", "validenddate"))
    invalid = words["invalidreason"][1].text.strip() if "invalidreason" in words else ""
    return not invalid and (start is None or start <= today) and (end is None or end >= today)


def _sssom_rows(sheet: Sheet, reader: RowReader, path: Path, problems: Problems) -> list[ConceptRow]:
    words, prefixes = metadata(sheet.notes)
    taken = {slot.replace("_", "") for slot in TAKEN}
    rows: list[ConceptRow] = []
    negated: list[Cell] = []
    foreign: list[Cell] = []
    for record in sheet.records:
        record, surplus = _fitted(record, sheet)
        titled = [(title.text.strip(), cell) for title, cell in zip(sheet.header, record, strict=True)]
        found = {folded_name(title): cell for title, cell in titled}
        cells = as_usagi(found, words, prefixes)
        if cells is None:
            negated.append(record[0])
            continue
        extra = {title: cell.text for title, cell in titled if title and folded_name(title) not in taken}
        for name in ("subject_id", "object_id"):
            if name in cells and cells[name].text:
                extra[name] = cells.pop(name).text
        if "object_id" in extra:
            foreign.append(record[0])
        row = reader.row(cells, record[0].line, {}, extra, surplus)
        if row:
            rows.append(row)
    for places, one, several, hint in (
        (
            negated,
            "a row says what a term is not, and is left out",
            "rows say what a term is not, and are left out",
            "concept files have no word for it",
        ),
        (
            foreign,
            "an object is no OMOP concept, so its term has no concept",
            "objects are no OMOP concepts, so their terms have no concept",
            "what stood there is kept as 'object_id'",
        ),
    ):
        if places:
            message = one if len(places) == 1 else f"{len(places)} {several}"
            problems.add("OM638", message, Location(shown(path), places[0].line, 1), hint, "warning")
    return rows


def _check_terms(rows: Iterable[ConceptRow], kind: str, path: Path, problems: Problems) -> None:
    """Note rows of one term that are there twice or contradict each other; retired ones say nothing."""
    seen: dict[tuple[tuple[str, str], tuple[str, int]], ConceptRow] = {}
    terms: dict[tuple[str, str], dict[str, ConceptRow]] = {}
    for row in rows:
        if row.status == "INVALID_TARGET":
            continue
        place = Location(shown(path), row.line, 1)
        first = seen.setdefault((row.term, row.target), row)
        if first is not row:
            other = "" if first.status == row.status else f", but it is {first.status} there and {row.status} here"
            message = f"the row says the same as line {first.line}{other}"
            if other and {first.status, row.status} & {"IGNORED", "FLAGGED"}:
                problems.add("OM637", message, place, "delete one of the two rows")
            else:
                problems.add("OM636", message, place, "delete one of the two rows", "warning")
        terms.setdefault(row.term, {}).setdefault(row.status, row)
    mixed = []
    for statuses in terms.values():
        agreed, ignored = statuses.get("APPROVED"), statuses.get("IGNORED")
        if agreed and ignored and agreed.target != ignored.target:
            message = f"the term is to be ignored here, but has an approved concept in line {agreed.line}"
            problems.add("OM637", message, Location(shown(path), ignored.line, 1), "delete one of the two rows")
        elif agreed and not ignored and len(statuses) > 1:
            mixed.append(agreed)
    if mixed and kind == "usagi":
        count = "a term has" if len(mixed) == 1 else f"{len(mixed)} terms have"
        hint = "Usagi keeps one state for a term, that of its first row, and gives it to all when it saves"
        place = Location(shown(path), mixed[0].line, 1)
        problems.add("OM637", f"{count} approved targets beside others", place, hint, "warning")


def _check_codes(rows: Iterable[ConceptRow], path: Path, problems: Problems) -> None:
    """Warn of codes that two vocabularies of a SOURCE_TO_CONCEPT_MAP have: their values get the concepts of both."""
    first: dict[str, ConceptRow] = {}
    for row in rows:
        if first.setdefault(fold(row.source_code), row).source_vocabulary != row.source_vocabulary:
            message = f"the code is one of another source vocabulary in line {first[fold(row.source_code)].line}, too"
            hint = "its values get the concepts of both: give each source vocabulary a file of its own"
            problems.add("OM637", message, Location(shown(path), row.line, 1), hint, "warning")
            return


def _columns(file: ConceptFile) -> list[str]:
    info = dict.fromkeys(INFO + key for row in file.rows for key in row.info)
    extra = dict.fromkeys(key for row in file.rows for key in row.extra)
    return list(dict.fromkeys((*file.columns, *STANDARD[:4], *info, *STANDARD[4:], *extra)))


def _value(row: ConceptRow, column: str) -> str:
    if column.startswith(INFO):
        return row.info.get(column[len(INFO) :], "")
    if column not in STANDARD:
        return row.extra.get(column, "")
    # Usagi writes two decimals and reads any number.
    score = f"{row.match_score:.2f}"
    values = {
        "sourceCode": row.source_code,
        "sourceName": row.source_name,
        "sourceFrequency": "-1" if row.frequency is None else str(row.frequency),
        "sourceAutoAssignedConceptIds": row.auto_assigned,
        "matchScore": score if float(score) == row.match_score else repr(row.match_score),
        "mappingStatus": row.status,
        "equivalence": row.equivalence,
        "statusSetBy": row.status_set_by,
        "statusSetOn": str(row.status_set_on),
        "conceptId": str(row.concept_id),
        "conceptName": row.concept_name,
        "domainId": row.domain_id,
        "mappingType": row.mapping_type,
        "comment": row.comment,
        "createdBy": row.created_by,
        "createdOn": str(row.created_on),
        "assignedReviewer": row.assigned_reviewer,
    }
    return values[column]
