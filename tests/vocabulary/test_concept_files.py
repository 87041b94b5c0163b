"""Concept files are read as Usagi and spreadsheets write them, and mistakes are told at the cell."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from omopify.errors import Location, Problems
from omopify.resources import data
from omopify.vocabulary.files.concept_files import (
    STANDARD,
    ConceptFile,
    ConceptRow,
    accepted,
    for_usagi,
    read_concept_file,
    write_concept_file,
)
from omopify.vocabulary.files.exchange import approve

Read = Callable[[str | bytes], ConceptFile | None]
HEADER = ",".join(STANDARD)
GOOD = "A,a,3,,0.00,APPROVED,EQUAL,kari,5,8507,MALE,Gender,MAPS_TO,,kari,5,"


class Reader:
    """Reads a text as a concept file and keeps what was said about it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.problems = Problems()

    def __call__(self, content: str | bytes, name: str = "c.csv") -> ConceptFile | None:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.problems = Problems()
        return read_concept_file(path, self.problems, today=date(2026, 11, 21))

    def rows(self, content: str | bytes) -> tuple[ConceptRow, ...]:
        found = self(content)
        assert found is not None, self.told
        return found.rows

    @property
    def told(self) -> list[str]:
        return [str(problem) for problem in self.problems.found]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.chdir(tmp_path)  # messages show paths from here
    return Reader(tmp_path)


def test_a_row_of_usagi(read: Reader) -> None:
    [row] = read.rows(
        "sourceCode,sourceName,sourceFrequency,sourceAutoAssignedConceptIds,ADD_INFO:unit,matchScore,mappingStatus,"
        "equivalence,statusSetBy,statusSetOn,conceptId,conceptName,domainId,mappingType,comment,createdBy,createdOn,"
        "assignedReviewer\r\n"
        'K1,"Kreft, bryst",12,4112853;197508,mm,0.46,APPROVED,WIDER,kari,1795219200123,4112853,'
        'Malignant tumor of breast,Condition,MAPS_TO,"says ""left""",<auto>,1795219100000,ola\r\n'
    )
    assert row == ConceptRow(
        line=2,
        source_code="K1",
        source_name="Kreft, bryst",
        concept_id=4112853,
        status="APPROVED",
        mapping_type="MAPS_TO",
        equivalence="WIDER",
        concept_name="Malignant tumor of breast",
        domain_id="Condition",
        frequency=12,
        match_score=0.46,
        auto_assigned="4112853;197508",
        status_set_by="kari",
        status_set_on=1795219200123,
        created_by="<auto>",
        created_on=1795219100000,
        assigned_reviewer="ola",
        comment='says "left"',
        info={"unit": "mm"},
    )
    assert row.line == 2
    assert row.said == ("Kreft, bryst", "K1")
    assert read.told == []


def test_usagi_1_3_and_the_types_of_its_forks(read: Reader) -> None:
    old = (
        "sourceCode,sourceName,sourceFrequency,sourceAutoAssignedConceptIds,matchScore,mappingStatus,conceptId,comment"
    )
    rows = read.rows(
        f"{old}\nmmHg,mmHg,78,,0.31336861848831177,APPROVED,8876,\n/12,/12,5,,0.5985,AUTO_MAPPED_TO_1,0,look\n"
    )
    assert [(r.status, r.concept_id, r.mapping_type, r.equivalence, r.match_score) for r in rows] == [
        ("APPROVED", 8876, "MAPS_TO", "UNREVIEWED", 0.31336861848831177),
        ("AUTO_MAPPED_TO_1", 0, "MAPS_TO", "UNREVIEWED", 0.5985),
    ]
    forked = read(
        "sourceCode,sourceName,sourceUnitName,mappingStatus,conceptId,mappingType\n1,x,mm,APPROVED,8588,UNIT\n"
    )
    assert forked
    assert [(r.mapping_type, r.extra) for r in forked.rows] == [("MAPS_TO_UNIT", {"sourceUnitName": "mm"})]
    assert read.told == []


def test_usagis_export_for_review(read: Reader) -> None:
    header = (
        "sourceCode,sourceName,sourceFrequency,sourceAutoAssignedConceptIds,matchScore,{}targetConceptId,"
        "targetConceptName,targetVocabularyId,targetDomainId"
    )
    with_status = read.rows(header.format("mappingStatus,") + "\ncm,cm,40,,0.4,UNCHECKED,8582,centimeter,UCUM,Unit\n")
    assert [(r.status, r.concept_id, r.concept_name, r.domain_id, r.extra) for r in with_status] == [
        ("UNCHECKED", 8582, "centimeter", "Unit", {"targetVocabularyId": "UCUM"})
    ]
    # Usagi leaves the state out if it exports approved rows only.
    [row] = read.rows(header.format("") + "\ncm,cm,40,,0.4,8582,centimeter,UCUM,Unit\n")
    assert row.status == "APPROVED"


def test_a_source_to_concept_map(read: Reader) -> None:
    header = (
        "SOURCE_CODE,SOURCE_CONCEPT_ID,SOURCE_VOCABULARY_ID,SOURCE_CODE_DESCRIPTION,TARGET_CONCEPT_ID,"
        "TARGET_VOCABULARY_ID,VALID_START_DATE,VALID_END_DATE,INVALID_REASON"
    )
    rows = read.rows(
        f"{header}\n"
        "1,2000000001,SITE,now,8582,UCUM,1970-01-01,2099-12-31,\n"
        "2,0,SITE,deleted,8582,UCUM,19700101,20991231,D\n"
        "3,0,SITE,over,8582,UCUM,01.01.1970,20.11.2026,\n"
        "4,0,SITE,last day,8582,UCUM,01/01/1970,12/31/2099,\n"
        "5,0,SITE,not yet,8582,UCUM,2026-11-22,2099-12-31,\n"
    )
    assert [(r.source_name, r.status) for r in rows] == [
        ("now", "APPROVED"),
        ("deleted", "INVALID_TARGET"),
        ("over", "INVALID_TARGET"),
        ("last day", "APPROVED"),
        ("not yet", "INVALID_TARGET"),
    ]
    assert [r.source_concept_id for r in rows] == [2000000001, 0, 0, 0, 0]
    assert read.told == []
    read(f"{header}\n1,0,SITE,x,8582,UCUM,1970-01-01,05/04/2027,\n")
    assert read.told == ["c.csv:2:33: 'VALID_END_DATE' is not a day; write it like 2099-12-31 [OM633]"]
    twice = f"{header}\nA1,0,UNITS,x,8582,UCUM,,,\na1,0,DRUGS,y,8582,UCUM,,,\na1,0,OLD,y,8582,UCUM,,,D\n"
    assert len(read.rows(twice)) == 3
    assert read.told == [
        "c.csv:3:1: the code is one of another source vocabulary in line 2, too; its values get the concepts of both: "
        "give each source vocabulary a file of its own [OM637]"
    ]


def test_a_column_that_stands_for_another_one_that_is_there_is_kept(read: Reader) -> None:
    [row] = read.rows("source_value,sourceName,source_code_description,concept_id\nPCM,paracetamol,pain,7\n")
    assert row.source_name == "paracetamol"
    assert row.extra == {"source_value": "PCM", "source_code_description": "pain"}


@pytest.mark.parametrize("header", ["source_value,concept_id", "Source Code;Concept ID", "sourceName\tconceptId"])
def test_a_table_of_values_and_concepts_is_approved_by_nobody(read: Reader, header: str) -> None:
    delimiter = next(mark for mark in ",;\t" if mark in header)
    found = read(f"{header}\nPCM{delimiter}1125315\n")
    assert found
    assert found.kind == "plain"
    assert [(r.said, r.concept_id, r.status) for r in found.rows] == [(("PCM",), 1125315, "UNCHECKED")]
    assert accepted(found.rows, draft=False) == ([], 0)


def test_what_a_spreadsheet_does_to_the_form_changes_nothing(read: Reader) -> None:
    plain = f"{HEADER}\n{GOOD}\n"
    expected = read.rows(plain)
    semicolons = plain.replace(",", ";")
    quoted = "".join(",".join(f'"{c}"' for c in line.split(",")) + "\r\n" for line in plain.splitlines())
    for content in (
        semicolons,
        plain.replace(",", "\t"),
        quoted,
        b"\xef\xbb\xbf" + semicolons.replace("\n", "\r\n").encode(),
        b"\xff\xfe" + plain.replace(",", "\t").encode("utf-16-le"),
        plain + "\n,,,,,,,,,,,,,,,,\n\n",
        plain.upper().replace("A,A,", "A,a,").replace("KARI", "kari").replace("GENDER", "Gender"),
        "sep=;\r\n" + semicolons,
        f"{HEADER}\n{GOOD.rstrip(',')}",  # no cell and no line end at the end
    ):
        assert read.rows(content) == expected, content
        assert read.told == []


def test_columns_in_any_order_and_columns_of_others_stay(read: Reader, tmp_path: Path) -> None:
    found = read("conceptId,my note,mappingStatus,ADD_INFO:x,sourceName\n8507,hi,APPROVED,y,m\n")
    assert found
    assert [(r.info, r.extra) for r in found.rows] == [({"x": "y"}, {"my note": "hi"})]
    write_concept_file(found, tmp_path / "again.csv")
    header = (tmp_path / "again.csv").read_text("utf-8").splitlines()[0].split(",")
    assert header[:5] == ["conceptId", "my note", "mappingStatus", "ADD_INFO:x", "sourceName"]
    assert set(STANDARD) <= set(header)


def test_words_may_be_written_as_people_write_them(read: Reader) -> None:
    rows = read.rows(
        "sourceName,conceptId,mappingStatus,mappingType,equivalence\na,8507,Approved,Maps to value,wider\n"
    )
    assert [(r.status, r.mapping_type, r.equivalence) for r in rows] == [("APPROVED", "MAPS_TO_VALUE", "WIDER")]


def test_codes_keep_their_digits(read: Reader) -> None:
    rows = read.rows(
        "sourceCode,sourceName,conceptId,mappingStatus\n"
        "007,a,1,APPROVED\n446411000124101,b,2,APPROVED\n'446411000124102',c,3,APPROVED\n"
        '"=""008""",d,4,APPROVED\n\'009,e,5,APPROVED\n\'x\',f,6,APPROVED\n'
    )
    assert [r.source_code for r in rows] == ["007", "446411000124101", "446411000124102", "008", "009", "'x'"]


def test_blanks_around_a_term_are_kept_and_do_not_count(read: Reader) -> None:
    [row] = read.rows("sourceName,conceptId,mappingStatus\n  m ,8507,APPROVED\n")
    assert (row.source_name, row.said, row.term) == ("  m ", ("m",), ("", "m"))


def test_which_rows_count() -> None:
    statuses = ("APPROVED", "UNCHECKED", "AUTO_MAPPED", "AUTO_MAPPED_TO_1", "FLAGGED", "IGNORED", "INVALID_TARGET")
    rows = [ConceptRow(n, "", status, concept, status) for n, status in enumerate(statuses) for concept in (0, 7)]
    approved, proposed = accepted(rows, draft=False)
    assert ([(r.status, r.concept_id) for r in approved], proposed) == ([("APPROVED", 0), ("APPROVED", 7)], 0)
    drafted, proposed = accepted(rows, draft=True)
    assert [(r.status, r.concept_id) for r in drafted] == [
        ("APPROVED", 0),
        ("APPROVED", 7),
        ("UNCHECKED", 7),
        ("AUTO_MAPPED", 7),
        ("AUTO_MAPPED_TO_1", 7),
    ]
    assert proposed == 3


def test_only_proposals_with_a_concept_are_approved_by_a_name(tmp_path: Path) -> None:
    rows = tuple(
        ConceptRow(1, "", "a", concept, status)
        for concept, status in ((7, "UNCHECKED"), (0, "UNCHECKED"), (7, "FLAGGED"))
    )
    done = approve(ConceptFile(tmp_path, rows), "kari").rows
    assert [(r.status, r.status_set_by) for r in done] == [("APPROVED", "kari"), ("UNCHECKED", ""), ("FLAGGED", "")]


def cell(column: str, text: str) -> str:
    """Return GOOD with another text in a column, and where that cell starts."""
    cells = GOOD.split(",")
    cells[STANDARD.index(column)] = text
    return f"{HEADER}\n{','.join(cells)}\n"


@pytest.mark.parametrize(
    ("column", "text", "told"),
    [
        ("conceptId", "MALE", "35: 'conceptId' is not a number; a row may have shifted by a column [OM633]"),
        (
            "conceptId",
            '"4,35E+07"',
            "35: 'conceptId' is 4,35E+07: a spreadsheet has cut off digits; take the id from an older copy of the "
            "file, or look the concept up again [OM633]",
        ),
        ("conceptId", "43 532 497", "35: 'conceptId' has marks between its digits; write 43532497 [OM633]"),
        ("conceptId", '"43,532,497"', "35: 'conceptId' has marks between its digits; write 43532497 [OM633]"),
        ("conceptId", "1.000", "35: 'conceptId' has marks between its digits; write 1000 [OM633]"),
        (
            "conceptId",
            "4353249700",
            "35: 'conceptId' cannot be 4353249700; the largest id is 2147483647; a digit may be there twice [OM633]",
        ),
        (
            "conceptId",
            "",
            "35: 'conceptId' is empty in an approved row; 0 says that there is no concept for the term [OM633]",
        ),
        (
            "conceptId",
            "-1",
            "35: 'conceptId' cannot be -1; the largest id is 2147483647; a digit may be there twice [OM633]",
        ),
        ("mappingStatus", "APROVED", "13: 'mappingStatus' cannot be 'APROVED'; did you mean 'APPROVED'? [OM634]"),
        (
            "mappingStatus",
            "MARKER",
            "13: 'mappingStatus' holds no word of Usagi's; one of 'APPROVED', 'UNCHECKED', 'FLAGGED', 'IGNORED', "
            "'AUTO_MAPPED', 'AUTO_MAPPED_TO_1', 'INVALID_TARGET' [OM634]",
        ),
        (
            "mappingType",
            "MAPS_TO_VALEU",
            "52: 'mappingType' cannot be 'MAPS_TO_VALEU'; did you mean 'MAPS_TO_VALUE'? [OM634]",
        ),
        ("equivalence", "EQUALS", "22: 'equivalence' cannot be 'EQUALS'; did you mean 'EQUAL'? [OM634]"),
        ("sourceFrequency", "many", "5: 'sourceFrequency' is not a count; leave it empty if it is not known [OM633]"),
        ("matchScore", "nan", "8: 'matchScore' is not a number; leave it empty if there is none [OM633]"),
    ],
)
def test_a_cell_that_cannot_be_is_told_where_it_is(read: Reader, column: str, text: str, told: str) -> None:
    found = read(cell(column, text))
    assert found
    assert (found.rows, found.left_out) == ((), 1)
    assert read.told == [f"c.csv:2:{told}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("8507.0", "a concept id has decimals and is read without them"),
        ('"8507,0"', "a concept id has decimals and is read without them"),
    ],
)
def test_an_id_with_decimals_is_beyond_doubt(read: Reader, text: str, told: str) -> None:
    [row] = read.rows(cell("conceptId", text))
    assert row.concept_id == 8507
    hint = "a spreadsheet took it for a measurement; format the column as text before you save"
    assert read.told == [f"c.csv:2:35: {told}; {hint} [OM635]"]


def test_rounded_times_and_codes_are_told_once(read: Reader) -> None:
    semicolons = f"{HEADER}\n{GOOD}\n{GOOD}\n".replace(",", ";").replace("A;a", "4,46411E+14;a", 1)
    rows = read.rows(
        semicolons.replace(";5;8507", ";1,79522E+12;8507").replace("0.00", "0,46").replace("a;3", "b;1.000", 1)
    )
    assert [(r.status_set_on, r.match_score) for r in rows] == [(1795220000000, 0.46)] * 2
    assert rows[0].frequency == 1000
    assert read.told == [
        "c.csv:2:1: a code is written like 4,46E+14; a spreadsheet has cut off digits; copy the codes from the source "
        "again, as text [OM635]",
        "c.csv:2:47: 2 times in 'statusSetOn' or 'createdOn' are rounded or cannot be read; only those times are lost; "
        "format the columns as text before you save [OM635]",
    ]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        # An unquoted comma in the name moves everything behind it.
        (
            GOOD.replace(",a,", ",MARKER, left,").removesuffix(","),
            "10: the cells of 'createdOn', 'equivalence', 'mappingStatus', 'mappingType', 'sourceFrequency', "
            "'statusSetOn' do not fit",
        ),
        # One cell too many at the end, behind the empty assignedReviewer.
        (GOOD + ",MARKER", "69: the row has more cells than the header"),
    ],
)
def test_a_row_that_has_shifted(read: Reader, row: str, told: str) -> None:
    found = read(f"{HEADER}\n{GOOD}\n{row}\n")
    assert found
    assert (len(found.rows), found.left_out) == (1, 1)
    hint = "it has shifted by a column: put quotes around a text that holds the delimiter"
    assert read.told == [f"c.csv:3:{told}; {hint} [OM632]"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            b"PK\x03\x04...",
            "c.csv: the file is an Excel workbook; in Excel save it as 'CSV UTF-8 (comma delimited)' [OM630]",
        ),
        ("", "c.csv: the file is empty; it needs a header, as Usagi writes it [OM630]"),
        (
            'sourceName,conceptId,mappingStatus\na,1,APPROVED\n"b,2,APPROVED\n',
            "c.csv:3:1: a quote is never closed; close it, or double it if it belongs to the text [OM630]",
        ),
        (
            'sourceName,conceptId,mappingStatus\n"b" mm,2,APPROVED\n',
            "c.csv:2:4: there is text behind a closing quote; double the quotes that belong to the text, and put "
            "quotes around the whole cell [OM630]",
        ),
        (
            "name;code\na;1\n",
            "c.csv:1:1: the file is no mapping file that omopify knows; it needs 'sourceName', 'conceptId' and "
            "'mappingStatus', as Usagi writes them; its columns are: name, code [OM631]",
        ),
        (
            "sourceName,conceptId,mappingStatus,Concept_ID\na,1,APPROVED,1\n",
            "c.csv:1:12: two columns are called 'conceptId'; rename or delete one of them [OM631]",
        ),
    ],
)
def test_a_file_that_cannot_be_read(read: Reader, content: str | bytes, told: str) -> None:
    assert read(content) is None
    assert read.told == [told]


def test_a_quote_inside_a_cell_is_part_of_it(read: Reader) -> None:
    [row] = read.rows('sourceName,conceptId,mappingStatus\n5" needle,1,APPROVED\n')
    assert row.source_name == '5" needle'


def test_windows_letters_are_read_and_told(read: Reader) -> None:
    [row] = read.rows("sourceName,conceptId,mappingStatus\nKvalme på øyet,1,APPROVED\n".encode("cp1252"))
    assert row.source_name == "Kvalme på øyet"
    assert read.told == [
        "c.csv:1:1: the file is not UTF-8 and is read as Windows-1252 (Western European); check letters such as ø and "
        "š; in Excel save it as 'CSV UTF-8 (comma delimited)' [OM635]"
    ]


def test_a_missing_file_is_the_mistake_of_what_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drugs.csv").write_text("x")
    problems = Problems()
    assert read_concept_file(tmp_path / "drug.csv", problems, Location("a.yaml", 3, 7)) is None
    assert [str(p) for p in problems.found] == [
        "a.yaml:3:7: there is no file 'drug.csv' in .; did you mean 'drugs.csv'? [OM116]"
    ]


def terms(*rows: tuple[str, int, str, str]) -> str:
    lines = [",".join(map(str, row)) for row in rows]
    return "sourceName,conceptId,mappingStatus,mappingType\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        # several targets, and a value beside its concept, are what the format is for
        ([("a", 1, "APPROVED", "MAPS_TO"), ("a", 2, "APPROVED", "MAPS_TO"), ("a", 1, "APPROVED", "MAPS_TO_VALUE")], []),
        ([("a", 1, "UNCHECKED", ""), ("a", 2, "FLAGGED", "")], []),
        (
            [("a", 1, "APPROVED", ""), ("b", 1, "APPROVED", ""), ("a", 1, "APPROVED", "MAPS_TO")],
            ["c.csv:4:1: the row says the same as line 2; delete one of the two rows [OM636]"],
        ),
        (
            [("a", 1, "UNCHECKED", ""), ("a", 1, "AUTO_MAPPED", "")],
            [
                "c.csv:3:1: the row says the same as line 2, but it is UNCHECKED there and AUTO_MAPPED here; delete "
                "one of the two rows [OM636]"
            ],
        ),
        (
            [("a", 1, "APPROVED", ""), ("a", 1, "FLAGGED", "")],
            [
                "c.csv:3:1: the row says the same as line 2, but it is APPROVED there and FLAGGED here; delete one of "
                "the two rows [OM637]",
                "c.csv:2:1: a term has approved targets beside others; Usagi keeps one state for a term, that of its "
                "first row, and gives it to all when it saves [OM637]",
            ],
        ),
        (
            [("a", 0, "IGNORED", ""), ("a", 1, "APPROVED", "")],
            [
                "c.csv:2:1: the term is to be ignored here, but has an approved concept in line 3; delete one of the "
                "two rows [OM637]"
            ],
        ),
        (
            [("a", 1, "APPROVED", ""), ("a", 2, "UNCHECKED", "")],
            [
                "c.csv:2:1: a term has approved targets beside others; Usagi keeps one state for a term, that of its "
                "first row, and gives it to all when it saves [OM637]"
            ],
        ),
        ([("a", 1, "APPROVED", ""), ("a", 1, "INVALID_TARGET", "")], []),
    ],
)
def test_rows_of_one_term(read: Reader, rows: list[tuple[str, int, str, str]], told: list[str]) -> None:
    assert len(read.rows(terms(*rows))) == len(rows)
    assert read.told == told


def test_a_file_with_unread_rows_is_never_written(read: Reader, tmp_path: Path) -> None:
    found = read(terms(("a", 1, "APPROVED", ""), ("b", 1, "MARKER", "")))
    assert found
    with pytest.raises(ValueError, match="1 rows"):
        write_concept_file(found, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_a_failed_write_leaves_the_old_file(read: Reader, tmp_path: Path) -> None:
    found = read(terms(("a", 1, "APPROVED", "")))
    assert found
    (tmp_path / f"out.csv.{os.getpid()}.tmp").mkdir()  # the file beside cannot be made
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(OSError, match="out"):
        write_concept_file(found, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "old"


def test_what_is_written_for_usagi(read: Reader, tmp_path: Path) -> None:
    found = read("source_value;concept_id;unit\nHode, vondt;378253;mm\nukjent;;\n")
    assert found
    write_concept_file(for_usagi(found), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes().decode() == (
        "sourceCode,sourceName,sourceFrequency,sourceAutoAssignedConceptIds,ADD_INFO:unit,matchScore,mappingStatus,"
        "equivalence,statusSetBy,statusSetOn,conceptId,conceptName,domainId,mappingType,comment,createdBy,createdOn,"
        "assignedReviewer\n"
        '"Hode, vondt","Hode, vondt",-1,,mm,0.00,UNCHECKED,UNREVIEWED,,0,378253,,,MAPS_TO,,,0,\n'
        "ukjent,ukjent,-1,,,0.00,UNCHECKED,UNREVIEWED,,0,0,Unmapped,,MAPS_TO,,,0,\n"
    )


def test_rows_of_a_term_are_written_side_by_side(read: Reader, tmp_path: Path) -> None:
    found = read(terms(("a", 1, "APPROVED", ""), ("b", 2, "APPROVED", ""), ("a", 3, "APPROVED", "")))
    assert found
    write_concept_file(found, tmp_path / "c.csv")
    again = read_concept_file(tmp_path / "c.csv", Problems())
    assert again
    assert [(r.source_name, r.concept_id) for r in again.rows] == [("a", 1), ("a", 3), ("b", 2)]


@pytest.mark.parametrize("path", sorted(data("mappings").glob("*/concepts/*.csv")), ids=lambda path: path.name)
def test_the_shipped_files_are_usagis(path: Path, tmp_path: Path) -> None:
    problems = Problems()
    found = read_concept_file(path, problems)
    assert found
    assert problems.found == []
    assert found.columns == STANDARD
    assert all(row.created_by == "omopify" for row in found.rows)
    write_concept_file(found, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == path.read_bytes().replace(b"\r\n", b"\n")
