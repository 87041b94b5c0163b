"""Finding files, stacking them, looking at headers only, and the cache."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import polars as pl
import pytest

from omopify.errors import Location, Problems
from omopify.staging import ReadOptions, SourceRequest, read_headers, stage
from omopify.staging.columns import respell

from .conftest import rows_of


def source(*patterns, name="src", **rest):
    return SourceRequest(name, patterns, **rest)


def headers(lab, *requests):
    problems = Problems()
    return read_headers(requests, lab.data, problems), problems


def test_patterns_ignore_case_and_do_not_look_into_folders(lab):
    lab.write("Trial_ae.CSV", b"A\n1\n")
    lab.write("sub/Trial_AE.csv", b"A\n2\n")
    assert lab.one("*_AE.csv").cells == [("1",)]
    assert lab.one("SUB/*_ae.csv").cells == [("2",)]
    assert lab.one("sub\\*.csv").source.files[0].file == "sub/Trial_AE.csv"
    assert len(lab.one("**/*.csv", several=True).source.files) == 2


def test_a_name_with_brackets_matches_itself(lab):
    lab.write("AE [1].csv", b"A\n1\n")
    assert lab.one("AE [1].csv").cells == [("1",)]


def test_names_typed_and_stored_with_different_accents(lab):
    lab.write("bla\u030ab\u00e6r.csv", b"A\n1\n")
    assert lab.one("bl\u00e5b\u00e6r.csv").cells == [("1",)]


def test_a_missing_file(lab):
    lab.write("trial_ECOG.csv", b"A\n1\n")
    at = Location("trial.yaml", 12, 5)
    found, problems = lab.stage(source("trial_ECGO.csv", at=at), source("*_DM.csv", name="dm", optional=True))
    (problem,) = problems.found
    assert (problem.code, problem.at, problem.hint) == ("OM402", at, "did you mean 'trial_ECOG.csv'?")
    assert found["src"].files == found["dm"].files == ()


def test_a_form_under_another_name_is_known_by_its_columns(lab):
    lab.write("trial_AdverseEvents.csv", b"id,AETERM,AEGRADE,AESTDAT,AEEXTRA\n1,x,2,3,4\n")
    lab.write("trial_DM.csv", b"ID,AETERM,AEGRADE,AESTDAT\n1,x,2,3\n")  # 'dm' takes this one
    lab.write("other.csv", b"ID,AETERM,X\n1,x,2\n")
    lab.write("broken.csv", b"")
    columns = ("ID", "AETERM", "AEGRADE", "AESTDAT", "AEEND")  # four of five: the last came with another version
    _, problems = lab.stage(source("*_AE.csv", name="ae", columns=columns), source("*_DM.csv", name="dm"))
    assert problems.found[0].hint == (
        "'trial_AdverseEvents.csv' has its columns: if the form was renamed, write into omopify.yaml: "
        'sources: {ae: {file: "trial_AdverseEvents.csv"}}'
    )


def test_two_files_for_one_form(lab):
    lab.write("a_AE.csv", b"A\n1\n")
    lab.write("b_AE.csv", b"A\n2\n")
    got = lab.one("*_AE.csv")
    assert "'a_AE.csv', 'b_AE.csv'" in got.only("OM403").message
    assert got.source.files == ()


def test_several_files_are_stacked(lab):
    lab.write("b_AE.csv", b"age,X\n2,y\n")
    lab.write("A_AE.csv", b"Label,\nID,AGE\n1,50\n".split(b"\n", 1)[1])
    lab.write("c_AE.csv", b"Id;Age\n3;70\n")
    got = lab.one("*_AE.csv", several=True)
    assert [f.file for f in got.source.files] == ["A_AE.csv", "b_AE.csv", "c_AE.csv"]
    assert got.source.columns == ("ID", "AGE", "X")
    assert [rows_of(f) for f in got.source.files] == [[(2, "1", "50")], [(2, "2", "y")], [(2, "3", "70")]]
    assert [f.columns for f in got.source.files] == [("ID", "AGE"), ("AGE", "X"), ("ID", "AGE")]


def test_a_workbook_without_the_form_does_not_compete_with_a_file(lab):
    lab.write("x_AE.csv", b"A\n1\n")
    lab.book("codes.xlsx", {"Lists": [["A"], [2]]})
    found, problems = lab.stage(source("*_AE.csv", "*.xlsx", sheet="AE"))
    assert problems.found == []
    assert rows_of(found["src"].files[0]) == [(2, "1")]


def test_a_workbook_and_a_file_with_the_form_compete(lab):
    lab.write("x_AE.csv", b"A\n1\n")
    lab.book("x.xlsx", {"AE": [["A"], [2]]})
    assert lab.stage(source("*_AE.csv", "*.xlsx", sheet="AE"))[1].found[0].code == "OM403"


def test_a_stacked_workbook_must_have_the_form(lab):
    lab.book("a.xlsx", {"AE": [["A"], [1]]})
    lab.book("b.xlsx", {"DM": [["A"], [2]]})
    got = lab.one("*.xlsx", sheet="AE", several=True)
    assert got.only("OM404").at.path == "b.xlsx"


def test_an_unknown_format(lab):
    lab.write("x.dat", b"A,B\n1,2\n")
    assert lab.one("x.*").codes == ["OM406"]
    assert lab.one("x.dat", format="CSV").cells == [("1", "2")]


def test_the_data_folder_is_missing(tmp_path):
    problems = Problems()
    found = stage([source("x.csv")], tmp_path / "no", tmp_path / "cache", problems)
    read_headers([source("x.csv")], tmp_path / "no", problems)
    assert [p.code for p in problems.found] == ["OM401"]
    assert found["src"].files == ()
    assert not (tmp_path / "cache").exists()


def test_the_cache_cannot_be_written(lab):
    lab.write("x.csv", b"A\n1\n")
    lab.cache.write_bytes(b"a file, not a folder")
    problems = Problems()
    assert stage([source("x.csv")], lab.data, lab.cache, problems)["src"].files == ()
    assert [p.code for p in problems.found] == ["OM440"]


def test_an_unreadable_file(lab, monkeypatch):
    path = lab.write("x.csv", b"A\n1\n")
    real = type(path).read_bytes

    def refuse(self):
        if self.name == "x.csv":
            raise PermissionError(13, "Permission denied")
        return real(self)

    monkeypatch.setattr(type(path), "read_bytes", refuse)
    got = lab.one("x.csv")
    assert "Permission denied" in got.only("OM408").message


def test_problems_of_all_files_come_at_once_and_good_files_are_staged(lab):
    lab.write("a.csv", b"A,B\n1,2,3\n")
    lab.write("b.csv", b'A,"B\n')
    lab.write("c.csv", b"A\n1\n")
    lab.write("d.xlsx", b"<html>")
    found, problems = lab.stage(*(source(f"{n}.*", name=n) for n in "abcde"))
    assert sorted(p.code for p in problems.errors) == ["OM402", "OM407", "OM414", "OM430"]
    assert [len(found[n].files) for n in "abcde"] == [0, 0, 1, 0, 0]
    assert len(list(lab.cache.glob("*.parquet"))) == 1


def test_headers_of_every_format(lab):
    lab.write("a.csv", "Subjekt;Alder\nSubjectId;age;\n1;2;\n".encode("utf-16"))
    lab.book("b.xlsx", {"X": [["l"], ["B", None, "b", "C"], [1]]})
    pl.DataFrame({"P": [1], "Q": [2]}).write_parquet(lab.data / "c.parquet")
    two = ReadOptions(header_row=2, label_row=1)
    found, problems = headers(
        lab,
        source("a.csv", name="a", options=two, columns=("AGE",)),
        source("b.xlsx", name="b", options=two),
        source("c.parquet", name="c"),
        source("d.csv", name="d"),
    )
    assert found["a"].columns == ("SubjectId", "AGE")
    assert dict(found["a"].labels) == {"SubjectId": "Subjekt", "AGE": "Alder"}
    assert found["a"].files == ("a.csv",)
    assert (found["b"].columns, dict(found["b"].labels)) == (("B", "C"), {"B": "l"})
    assert found["c"].columns == ("P", "Q")
    assert (found["d"].columns, found["d"].files) == ((), ())
    assert [p.code for p in problems.found] == ["OM402"]


def test_headers_are_those_that_staging_finds(lab):
    lab.write("a.csv", b"sep=;\nA;b ;;\n1;2;;\n")
    lab.write("b.csv", b"a,B,C\n1,2,3\n")
    request = source("*.csv", several=True, columns=("B",))
    found, _ = headers(lab, request)
    staged, problems = lab.stage(request)
    assert problems.found == []
    assert found["src"].columns == staged["src"].columns == ("A", "B", "C")


@pytest.mark.parametrize("large", ["rows", "header", "cell"])
def test_headers_of_a_large_file(lab, large):
    names = [f"{large}{i}" for i in range(30_000 if large == "header" else 3)]
    row = {"rows": b'1,"x, y\n",3\n', "header": b"1\n", "cell": b'1,"' + b"x\n" * 300_000 + b'",3\n'}[large]
    # Bytes that are no UTF-8, far behind the header, must not change how the header is read.
    lab.write(
        "x.csv",
        ",".join(names).encode() + b"\n" + row * 30_000
        if large == "rows"
        else ",".join(names).encode() + b"\n" + row + b"\xe6\n",
    )
    found, problems = headers(lab, source("x.csv"))
    assert found["src"].columns == tuple(names)
    assert problems.found == []


def test_staging_twice_parses_once(lab, monkeypatch):
    from omopify.staging import delimited

    parsed = []
    real = delimited.read
    monkeypatch.setattr(delimited, "read", lambda *a: parsed.append(1) or real(*a))
    lab.write("x.csv", b"A,B\n1,\xe6\n\n2\n")
    first, second = lab.one("x.csv"), lab.one("x.csv")
    assert parsed == [1]
    assert first.source == second.source
    assert first.problems.found == second.problems.found
    assert sorted(first.codes) == ["OM412", "OM431", "OM432"]
    lab.write("copy.csv", b"A,B\n1,\xe6\n\n2\n")
    assert {p.at.path for p in lab.one("copy.csv").problems.found} == {"copy.csv"}
    assert parsed == [1], "the same bytes under another name are not parsed again"
    lab.one("x.csv", columns=("a", "b"))
    assert parsed == [1], "another spelling of the columns needs no parsing"
    for options in ({"missing": ("2",)}, {"header_row": 2}, {"delimiter": ";"}, {"encoding": "latin-1"}):
        before = len(parsed)
        lab.one("x.csv", **options)
        assert len(parsed) == before + 1, options
    lab.write("x.csv", b"A,B\n1,2\n")
    assert lab.one("x.csv").cells == [("1", "2")]
    assert lab.progress[:2] == [("reading x.csv; 0 rows so far", 0, 11), ("2 rows read", 11, 11)]


@pytest.mark.parametrize("damage", ["no json", "bad json", "wrong json", "no parquet", "cut parquet", "bit"])
def test_a_damaged_cache_is_rebuilt(lab, damage):
    first = lab.csv(b"A,B\n1,x\n2,y\n", columns=("b",))
    for parquet in lab.cache.glob("*.parquet"):
        sidecar = parquet.with_suffix(".json")
        match damage:
            case "no json":
                sidecar.unlink()
            case "bad json":
                sidecar.write_text("{")
            case "wrong json":
                sidecar.write_text(json.dumps({"parquet": 1, "columns": None}))
            case "no parquet":
                parquet.unlink()
            case "cut parquet":
                parquet.write_bytes(parquet.read_bytes()[:-20])
            case "bit":
                content = bytearray(parquet.read_bytes())
                content[len(content) // 3] ^= 4
                parquet.write_bytes(content)
    again = lab.one("x.csv", columns=("b",))
    assert (again.source, again.codes) == (first.source, [])
    assert again.rows == [(2, "1", "x"), (3, "2", "y")]


def test_what_is_staged_is_described(lab):
    got = lab.csv(b"A,B\n1,\n2,x\n")
    (file,) = got.source.files
    assert (file.file, file.sheet, file.rows, dict(file.filled)) == ("x.csv", None, 2, {"A": 2, "B": 1})
    assert file.bytes == 11
    import hashlib

    assert file.sha256 == hashlib.sha256(b"A,B\n1,\n2,x\n").hexdigest()
    assert pl.read_parquet_schema(file.parquet) == {"_row": pl.Int64, "A": pl.String, "B": pl.String}


def test_an_interrupted_write_leaves_nothing(lab, monkeypatch):
    def fail(self, path, **_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fail)
    got = lab.csv(b"A\n1\n")
    assert "No space left" in got.only("OM440").message
    assert list(lab.cache.iterdir()) == []


@pytest.mark.parametrize(
    ("columns", "known", "renames"),
    [
        (["subjectid"], ["SubjectId"], {"subjectid": "SubjectId"}),
        (["Subject Id", "x"], ["SubjectId"], {"Subject Id": "SubjectId"}),
        (["SubjectId", "Subject Id"], ["SubjectId"], {}),
        (["subjectid", "Subject Id"], ["SubjectId"], {"subjectid": "SubjectId"}),
        (["Sub jectId", "Subject Id"], ["SubjectId"], {}),
        (["subject id"], ["subject id", "SubjectId"], {}),
        (["age"], ["Age", "AGE"], {"age": "Age"}),
        ([], ["A"], {}),
    ],
)
def test_respelling(columns, known, renames):
    assert respell(columns, known) == renames


def test_importing_the_room_loads_no_reader():
    code = "import sys, omopify.staging;assert not {'polars', 'numpy', 'fastexcel', 'pyreadstat'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_conversion_needs_neither_pandas_nor_pyarrow():
    """Great Expectations brings pandas; who only converts does not pay for it."""
    modules = "omopify.conversion.run, omopify.staging.delimited, omopify.staging.workbook, omopify.staging.sas"
    code = f"import sys, {modules}; assert not {{'pandas', 'pyarrow', 'great_expectations'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert importlib.util.find_spec("pyarrow") is None
