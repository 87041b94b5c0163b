"""SAS and Parquet files: typed columns to text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import duckdb
import polars as pl
import pyreadstat
import pytest

N = None


def xpt(lab, name="x.xpt", **columns):
    labels = columns.pop("labels", None)
    frame = pl.DataFrame(columns)
    pyreadstat.write_xport(frame, lab.data / name, table_name="AE", column_labels=labels, file_format_version=5)
    return lab.data / name


def test_transport_file(lab):
    xpt(
        lab,
        USUBJID=["0001", " x ", "æøå", ""],
        NUM=[1.0, 2.5, N, 1e15],
        DT=[dt.date(2020, 1, 2), N, dt.date(1950, 1, 1), dt.date(2020, 2, 29)],
        DTM=[dt.datetime(2020, 1, 2, 10, 30, 5), N, dt.datetime(2020, 1, 2, 10, 30), dt.datetime(2020, 1, 2)],
        TM=[dt.time(10, 30), dt.time(1, 2, 3), N, N],
        labels=["Subject", "Number", "", "Date-time", "Time"],
    )
    got = lab.one("*.XPT")
    assert got.rows == [
        (1, "0001", "1", "2020-01-02", "2020-01-02 10:30:05", "10:30"),
        (2, "x", "2.5", N, N, "01:02:03"),
        (3, "æøå", N, "1950-01-01", "2020-01-02 10:30", N),
        (4, N, "1000000000000000", "2020-02-29", "2020-01-02", N),
    ]
    assert dict(got.source.labels) == {"USUBJID": "Subject", "NUM": "Number", "DTM": "Date-time", "TM": "Time"}


def test_sas7bdat_uses_its_own_reader(lab, monkeypatch):
    # No library writes sas7bdat: the reader's result is taken from a transport file with known content.
    source = xpt(lab, "y.xpt", A=["01", "02"], B=[1.0, N], labels=["Id", "Number"])
    from omopify.staging import sas

    def read(path, **options):
        assert path.name == "x.sas7bdat"
        return pyreadstat.read_xport(source, **options)

    monkeypatch.setitem(sas._READERS, "sas7bdat", read)
    lab.write("x.sas7bdat", b"")
    got = lab.one("x.sas7bdat")
    assert got.rows == [(1, "01", "1"), (2, "02", N)]
    assert dict(got.source.labels) == {"A": "Id", "B": "Number"}


@pytest.mark.parametrize("name", ["x.xpt", "x.sas7bdat"])
@pytest.mark.parametrize("content", [b"", b"A,B\n1,2\n", b"HEADER RECORD*******LIBRARY" + b" " * 3000])
def test_files_that_are_not_sas(lab, name, content):
    assert lab.csv(content, name=name).codes == ["OM407"]


def test_a_transport_file_that_is_cut_off(lab):
    path = xpt(lab, A=["some text"] * 100)
    path.write_bytes(path.read_bytes()[:-100])
    got = lab.one("x.xpt")
    assert "cut off" in got.only("OM407").message


def test_parquet_of_any_type(lab):
    with duckdb.connect() as con:
        con.execute(
            "copy (select * from (values"
            " (1::int, 1.0::double, '01', date '2021-05-07', timestamp '2021-05-07 10:30:00', true, 1.50::decimal(9,2),"
            "  time '10:30:00', 255::utinyint),"
            " (-7, 0.1, ' x ', null, timestamp '2021-05-07 00:00:00', false, null, null, 0),"
            " (null, 'nan'::double, '', date '1950-01-01', timestamp '2021-05-07 10:30:05.25', null, 2.00, null, null),"
            " (3, 1e300, 'NA', null, null, null, 3.25, time '01:02:03', 1)"
            ") t(i, d, s, dat, ts, b, dec, tm, u)) to '" + str(lab.data / "x.parquet") + "' (format parquet)"
        )
    got = lab.one("x.parquet", missing=("na",))
    assert got.source.columns == ("i", "d", "s", "dat", "ts", "b", "dec", "tm", "u")
    assert got.rows == [
        (1, "1", "1", "01", "2021-05-07", "2021-05-07 10:30", "true", "1.50", "10:30", "255"),
        (2, "-7", "0.1", "x", N, "2021-05-07", "false", N, N, "0"),
        (3, N, N, N, "1950-01-01", "2021-05-07 10:30:05.25", N, "2.00", N, N),
        (4, "3", "1e+300", N, N, N, N, "3.25", "01:02:03", "1"),
    ]


def test_parquet_categories_and_nothing(lab):
    frame = pl.DataFrame({"c": ["a", "b", "a"], "e": ["x", None, "y"], "n": [None, None, None]}).with_columns(
        pl.col("c").cast(pl.Categorical), pl.col("e").cast(pl.Enum(["x", "y"]))
    )
    frame.write_parquet(lab.data / "x.parquet")
    got = lab.one("x.parquet")
    assert got.rows == [(1, "a", "x", N), (2, "b", N, N), (3, "a", "y", N)]


def test_parquet_columns_without_text_form(lab):
    pl.DataFrame({"a": [[1]], "b": [b"x"], "c": [dt.timedelta(1)], "d": [{"x": Decimal(1)}], "e": [1]}).write_parquet(
        lab.data / "x.parquet"
    )
    got = lab.one("x.parquet")
    assert got.codes == ["OM436"] * 4
    assert "column 2 'b'" in got.problems.found[1].message


def test_control_characters_in_typed_files(lab):
    pl.DataFrame({"a": ["x\x1fy", "z\x00", "\x1c"], "b": [1, 2, 3]}).write_parquet(lab.data / "x.parquet")
    got = lab.one("x.parquet")
    assert got.cells == [("xy", "1"), ("z", "2"), (N, "3")]
    assert "column 'a', rows 1, 2, 3" in got.only("OM433").message


@pytest.mark.parametrize("content", [b"", b"A,B\n", b"PAR1" + b"\x00" * 100 + b"PAR1", b"PAR1"])
def test_files_that_are_no_parquet(lab, content):
    assert lab.csv(content, name="x.parquet").codes == ["OM407"]


def test_a_damaged_parquet_file_never_crashes(lab):
    frame = pl.DataFrame({"a": list(range(500)), "b": [f"text {i}" for i in range(500)]})
    frame.write_parquet(lab.data / "x.parquet")
    whole = (lab.data / "x.parquet").read_bytes()
    for cut in (5, 50, len(whole) // 2, len(whole) - 1):
        lab.write("x.parquet", whole[:cut])
        assert lab.one("x.parquet").codes == ["OM407"]
