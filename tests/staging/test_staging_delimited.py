"""Delimited text: every kind of dirt, in files written byte by byte."""

from __future__ import annotations

import pytest

N = None


def test_all_cells_stay_text(lab):
    got = lab.csv(b"SubjectId,SPID,DOSE,DT\n0001,01,1e5,2021-05-NK\n0002,0010,840.0,NA\n")
    assert got.rows == [(2, "0001", "01", "1e5", "2021-05-NK"), (3, "0002", "0010", "840.0", "NA")]
    assert got.codes == []


def test_everything_quoted(lab):
    got = lab.csv(b'"A","B"\r\n"1","x, y"\r\n"2","say ""hi"""\r\n"3",""""\r\n')
    assert got.rows == [(2, "1", "x, y"), (3, "2", 'say "hi"'), (4, "3", '"')]


def test_quoted_empty_and_bare_empty_are_both_nothing(lab):
    assert lab.csv(b'A,B,C\n1,"",\n2,,""\n3,"  ",\xc2\xa0\n').cells == [("1", N, N), ("2", N, N), ("3", N, N)]


def test_cells_and_headers_are_trimmed(lab):
    got = lab.csv('\ufeff A ,\u00a0B\u00a0\n x\u00a0,\ufeff y \u3000\n\ta b\t,"\n z\n"\n'.encode())
    assert got.source.columns == ("A", "B")
    assert got.cells == [("x", "y"), ("a b", "z")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_byte_order_marks(lab, encoding):
    bom = "" if encoding == "utf-8-sig" else "\ufeff"
    got = lab.csv((bom + "ID;NAVN\r\n1;Blåbærsyltetøy 5 €\r\n2;日本 😀\r\n").encode(encoding))
    assert got.source.columns == ("ID", "NAVN")
    assert got.rows == [(2, "1", "Blåbærsyltetøy 5 €"), (3, "2", "日本 😀")]
    assert got.codes == []


def test_windows_1252_is_recognised_and_reported(lab):
    got = lab.csv(b"ID,T\n1,\xe6\xf8\xe5 \xc6\xd8\xc5 \x80\n2,\xb5g\n")
    assert got.cells == [("1", "æøå ÆØÅ €"), ("2", "µg")]
    assert got.only("OM412").severity == "warning"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ISO-8859-1"])
def test_declared_windows_1252_needs_no_warning(lab, encoding):
    got = lab.csv(b"ID,T\n1,\xe6\xf8\xe5\x80\n", encoding=encoding)
    assert got.cells == [("1", "æøå€")]
    assert got.codes == []


def test_utf8_with_a_few_broken_bytes_is_an_error_and_not_read_as_nonsense(lab):
    got = lab.csv("ID,T\n1,æøå æøå\n2,blåbær\n".encode() + b"3,\xe6\n")
    assert got.codes == ["OM411"]
    assert "line 4" in got.only("OM411").message
    assert got.source.files == ()


def test_bytes_that_fit_no_encoding(lab):
    assert lab.csv(b"ID,T\n1,\x81\x8d\n").codes == ["OM411"]


def test_declared_encoding_is_strict(lab):
    assert lab.csv(b"ID,T\n1,\xe6\n", encoding="utf-8").codes == ["OM411"]


def test_mark_wins_over_declared_encoding(lab):
    got = lab.csv("\ufeffID,T\n1,æ\n".encode(), encoding="cp1252")
    assert got.cells == [("1", "æ")]
    assert got.codes == ["OM412"]


def test_utf16_without_mark(lab):
    data = "ID,T\n1,æ\n".encode("utf-16-le")
    assert lab.csv(data).codes == ["OM411"]
    assert lab.csv(data, encoding="utf-16-le").cells == [("1", "æ")]


def test_utf16_cut_in_the_middle_of_a_character(lab):
    assert lab.csv(b"\xff\xfe" + "ID,T\n1,æ\n".encode("utf-16-le")[:-1]).codes == ["OM411"]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_delimiters_are_detected(lab, mark, quote):
    rows = [["ID", "A", "B"], ["1", "x y", "5"], ["2", "p", "6"]]
    text = "\n".join(mark.join(f"{quote}{c}{quote}" for c in row) for row in rows)
    assert lab.csv(text.encode()).rows == [(2, "1", "x y", "5"), (3, "2", "p", "6")]


def test_decimal_commas_do_not_confuse_the_detection(lab):
    assert lab.csv(b"ID;DOSE;NOTE\n1;1,5;a, b\n2;2,5;c\n").cells == [("1", "1,5", "a, b"), ("2", "2,5", "c")]


def test_a_header_with_two_kinds_of_delimiters_is_settled_by_the_data(lab):
    got = lab.csv(b"ID;DOSE (mg,day);X\n1;2;3\n4;5,5;6\n")
    assert got.source.columns == ("ID", "DOSE (mg,day)", "X")
    assert got.cells == [("1", "2", "3"), ("4", "5,5", "6")]


def test_a_truly_uncertain_delimiter_is_an_error(lab):
    data = b"ID;DOSE,MG;X\n1;2,5;3\n4;6,7;8\n"
    assert lab.csv(data).codes == ["OM413"]
    assert lab.csv(data, delimiter=";").cells == [("1", "2,5", "3"), ("4", "6,7", "8")]


def test_a_broken_quote_does_not_hide_the_delimiter(lab):
    got = lab.csv(b'A;B;C\n1;"x"y;3\n')
    assert got.codes == ["OM414"]
    assert "row 2" in got.only("OM414").message


def test_a_title_instead_of_the_header_does_not_make_one_column(lab):
    assert lab.csv(b"Adverse events\n1;2;3\n4;5;6\n").codes == ["OM430"]


def test_excels_separator_line(lab):
    assert lab.csv(b"sep=;\r\nA;B\r\n1;2,3\r\n").rows == [(2, "1", "2,3")]


def test_tsv(lab):
    assert lab.csv(b"A\tB\n1,5;2\tx\n", name="x.TSV").cells == [("1,5;2", "x")]


def test_one_column(lab):
    assert lab.csv(b"A\n1\n\n2\n").rows == [(2, "1"), (4, "2")]


@pytest.mark.parametrize("quote", ["", '"'])
def test_mixed_line_ends(lab, quote):
    q = quote
    got = lab.csv(f"A,B\r\n1,{q}x{q}\n2,{q}y{q}\r3,{q}z{q}\r\r\n4,w".encode())
    assert got.rows == [(2, "1", "x"), (3, "2", "y"), (4, "3", "z"), (6, "4", "w")]
    assert got.codes == ["OM432"]


def test_line_breaks_within_quotes_belong_to_the_cell(lab):
    got = lab.csv(b'A,B\n1,"one\ntwo\r\nthree\rfour, ""five"""\n2,x\n')
    assert got.rows == [(2, "1", 'one\ntwo\r\nthree\rfour, "five"'), (3, "2", "x")]


def test_row_numbers_count_labels_header_and_empty_rows(lab):
    got = lab.csv(b'"Subject\nid",Age\nSubjectId,AGE\n\n1,50\n,\n \n2,60\n\n', header_row=2, label_row=1)
    assert got.rows == [(4, "1", "50"), (7, "2", "60")]
    assert dict(got.source.labels) == {"SubjectId": "Subject\nid", "AGE": "Age"}
    assert "4 empty rows (rows 3, 5, 6, 8)" in got.only("OM432").message


def test_labels_below_the_header(lab):
    got = lab.csv(b"ID,AGE\nSubject,\n1,2\n", label_row=2)
    assert got.rows == [(3, "1", "2")]
    assert dict(got.source.labels) == {"ID": "Subject"}


def test_short_rows_are_filled_and_reported(lab):
    got = lab.csv(b"A,B,C\n1\n2,x\n3,x,y\n\n" + b"4,x\n" * 6)
    assert got.cells[:3] == [("1", N, N), ("2", "x", N), ("3", "x", "y")]
    assert got.only("OM431").severity == "warning"
    assert "rows 2, 3, 6, 7, 8 and 3 more" in got.only("OM431").message


def test_a_short_and_a_long_row_do_not_cancel_out(lab):
    got = lab.csv(b"A,B\n1\n2,x,y\n")
    assert got.codes == ["OM430"]
    assert "row 3:" in got.only("OM430").message


def test_extra_cells_that_are_empty_are_harmless(lab):
    got = lab.csv(b'A,B\n1,x,,\n2,y,"", \n3,z\n')
    assert got.cells == [("1", "x"), ("2", "y"), ("3", "z")]
    assert got.codes == []


def test_extra_cells_with_data_are_an_error_that_tells_the_first_rows(lab):
    got = lab.csv(b"A,B\n" + b"1,2\n" + b"1,2,secret\n" * 7)
    problem = got.only("OM430")
    assert "rows 3, 4, 5, 6, 7 and 2 more" in problem.message
    assert problem.at.path == "x.csv"
    assert "secret" not in str(problem)
    assert got.source.files == ()


@pytest.mark.parametrize("data", [b'A,B\n1,"x\n2,y\n', b'A,B\n1,x\n2,"', b'A,"B\n1,2\n'])
def test_unclosed_quote(lab, data):
    got = lab.csv(data)
    assert got.codes == ["OM414"]
    assert "never closed" in got.only("OM414").message


def test_quotes_within_unquoted_cells_are_kept(lab):
    got = lab.csv(b'A,B\n1,5" nail\n2,a "b" c\n3,"x, y"\n')
    assert got.cells == [("1", '5" nail'), ("2", 'a "b" c'), ("3", "x, y")]


def test_text_after_a_closing_quote_is_an_error(lab):
    assert lab.csv(b'A,B\n1,"he said "hi" to me"\n').codes == ["OM414"]


def test_header_only_has_no_rows(lab):
    got = lab.csv(b"A,B\n")
    assert (got.source.columns, got.rows, got.codes) == (("A", "B"), [], [])


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf", b" , ,\n1,2,3\n"])
def test_a_file_without_header(lab, data):
    assert lab.csv(data).codes == ["OM410"]


def test_a_header_row_beyond_the_end(lab):
    assert lab.csv(b"A,B\n1,2\n", header_row=5).codes == ["OM410"]


def test_an_optional_file_without_header_is_only_a_warning(lab):
    got = lab.csv(b"", optional=True)
    assert [(p.code, p.severity) for p in got.problems.found] == [("OM410", "warning")]
    assert got.source.files == ()


def test_missing_spellings_count_only_if_declared(lab):
    data = b"A,B\n1,NA\n2, n/a \n3,Unknown\n4,NAB\n"
    assert [c[1] for c in lab.csv(data).cells] == ["NA", "n/a", "Unknown", "NAB"]
    assert [c[1] for c in lab.csv(data, missing=("NA", " N/A", "unknown")).cells] == [N, N, N, "NAB"]


def test_rows_of_missing_spellings_are_empty_rows(lab):
    got = lab.csv(b"A,B\n1,2\nNA,NA\n", missing=("NA",))
    assert got.cells == [("1", "2")]
    assert "row 3" in got.only("OM432").message


def test_control_characters_are_removed_and_reported(lab):
    got = lab.csv(b"A,B\n1,x\x1fy\x1e\n2,\x00\x1cz\x1d\x07\n")
    assert got.cells == [("1", "xy"), ("2", "z\x07")]
    assert got.only("OM433").severity == "warning"
    assert "5 control characters" in got.only("OM433").message


def test_duplicate_columns_that_agree(lab):
    got = lab.csv(b"A,B,a,B\n1,2,1,2\n3,,3,\n")
    assert got.source.columns == ("A", "B")
    assert got.cells == [("1", "2"), ("3", N)]
    assert [(p.code, p.severity) for p in got.problems.found] == [("OM422", "warning")] * 2


def test_duplicate_columns_of_which_one_is_empty(lab):
    got = lab.csv(b"B,A,A,C,C\nx,,1,2,\ny,,3,4,\n")
    assert got.source.columns == ("B", "A", "C")
    assert got.cells == [("x", "1", "2"), ("y", "3", "4")]
    assert got.codes == ["OM422", "OM422"]


def test_duplicate_columns_that_differ(lab):
    got = lab.csv(b"A,B,A\n1,2,secret\n")
    assert "columns 1 and 3 are both called 'A'" in got.only("OM421").message
    assert "secret" not in str(got.only("OM421"))


def test_columns_without_name(lab):
    got = lab.csv(b"A,,B,\n1,,2,\n3, ,4,\n")
    assert (got.source.columns, got.cells, got.codes) == (("A", "B"), [("1", "2"), ("3", "4")], [])
    got = lab.csv(b"A,,B\n1,,2\n3,x,4\n")
    assert got.codes == ["OM420"]
    assert "column 2" in got.only("OM420").message
    assert "row 3" in got.only("OM420").message


@pytest.mark.parametrize("name", ["_row", "_ROW", "_file"])
def test_reserved_names(lab, name):
    assert lab.csv(f"A,{name}\n1,2\n".encode()).codes == ["OM423"]


def test_all_problems_of_a_file_come_at_once(lab):
    assert sorted(lab.csv(b"A,A,,_row\n1,2,3,4\n").codes) == ["OM420", "OM421", "OM423"]


def test_header_names_get_the_canonical_spelling(lab):
    got = lab.csv(b"subjectid,Ra I mod,OTHER\n1,2,3\n", columns=("SubjectId", "RAiMOD", "Missing"))
    assert got.source.columns == ("SubjectId", "RAiMOD", "OTHER")
    assert got.rows == [(2, "1", "2", "3")]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"PK\x03\x04junk", "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook"),
        (b"PAR1xxxx", "Parquet"),
        (b"\n <!DOCTYPE html><html></html>", "web page"),
        (b"\xef\xbb\xbf<HTML>", "web page"),
    ],
)
def test_a_file_that_is_no_csv(lab, data, what):
    got = lab.csv(data)
    assert got.codes == ["OM407"]
    assert what in got.only("OM407").message


@pytest.mark.parametrize(
    "options",
    [
        {"encoding": "klingon"},
        {"encoding": "hex"},
        {"delimiter": ";;"},
        {"delimiter": "x"},
        {"header_row": 0},
        {"header_row": 2, "label_row": 2},
        {"format": "doc"},
    ],
)
def test_options_that_make_no_sense(lab, options):
    assert lab.csv(b"A,B\n1,2\n", **options).codes == ["OM424"]


def test_a_large_file_with_line_breaks_in_quotes_is_read_whole(lab):
    # Big enough for the fast reader to cut it into pieces, which it must not do within a cell.
    cells = [f'"{i}","a\n{i},b\n\n{i % 7},""c"""' for i in range(60_000)]
    got = lab.csv(("A,B\n" + "\n".join(cells)).encode())
    assert got.rows == [(i + 2, str(i), f'a\n{i},b\n\n{i % 7},"c"') for i in range(60_000)]
