"""Whatever Python's csv module writes comes back the same, or is an error: never silently different."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from .conftest import Lab

BLANKS = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
REMOVED = dict.fromkeys([0, 28, 29, 30, 31])

characters = st.one_of(
    st.sampled_from([*"\",;\t|\n\r \x1f\x1e\x00æøå€\u00a0\ufeff'a1", '""', "\r\n"]),
    st.characters(exclude_categories=["Cs"]),
)
cells = st.lists(characters, max_size=8).map("".join)
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])


def expected(cell: str) -> str | None:
    return cell.translate(REMOVED).strip(BLANKS) or None


@st.composite
def tables(draw):
    width = draw(st.integers(1, 5))
    rows = st.lists(cells, min_size=width, max_size=width)
    return draw(rows), draw(st.lists(rows, max_size=8))


def staged(data: bytes, **options):
    with tempfile.TemporaryDirectory() as folder:
        got = Lab(Path(folder)).csv(data, **options)
        errors = {p.code for p in got.problems.errors}
        return got.source.columns, None if errors else got.rows, errors


def written(header, rows, mark, end, encoding, quoting=csv.QUOTE_ALL) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=mark, lineterminator=end, quoting=quoting).writerows([header, *rows])
    return out.getvalue().encode(encoding, "replace")


def check(header, rows, got, encoding, first=2):
    columns, found, errors = got
    if encoding == "cp1252":
        header = [c.encode("cp1252", "replace").decode("cp1252") for c in header]
        rows = [[c.encode("cp1252", "replace").decode("cp1252") for c in row] for row in rows]
    names = [expected(c) for c in header]
    body = [[expected(c) for c in row] for row in rows]
    filled = [i for i, column in enumerate(zip(*body, strict=True)) if any(column)] if body else []
    if errors:
        lowered = [n.casefold() for n in names if n]
        assert errors <= {"OM410", "OM420", "OM421"}
        assert ("OM410" in errors) == (not any(names))
        if "OM420" in errors:
            assert any(names[i] is None for i in filled)
        if "OM421" in errors:
            assert len(set(lowered)) < len(lowered)
        return
    # Of columns of one name the first that holds anything stays.
    places: dict[str, int] = {}
    for i, name in enumerate(names):
        key = name.casefold() if name else None
        if key is not None and (key not in places or (places[key] not in filled and i in filled)):
            places[key] = i
    order = sorted(places.values())
    assert columns == tuple(names[i] for i in order)
    assert found == [
        (first + n, *(row[i] for i in order)) for n, row in enumerate(body) if any(c is not None for c in row)
    ]


common = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@common
@given(tables(), st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n", "\r"]), encodings)
def test_any_quoted_table_comes_back(table, mark, end, encoding):
    header, rows = table
    data = written(header, rows, mark, end, encoding)
    # Windows-1252 that is also good UTF-8, or a text full of NUL, is not for a machine to judge.
    assume(encoding != "cp1252" or data.isascii() or data.decode("utf-8", "ignore").isascii())
    assume(encoding == "utf-16" or b"\0" not in data)
    check(header, rows, staged(data), encoding)


@common
@given(tables(), st.sampled_from(",;\t|"), encodings)
def test_any_table_quoted_where_needed_comes_back(table, mark, encoding):
    header, rows = [f"C{i}" for i in range(len(table[0]))], table[1]
    # Only with this line end does Python quote both characters that end a line.
    data = written(header, rows, mark, "\r\n", encoding, csv.QUOTE_MINIMAL)
    check(header, rows, staged(data, delimiter=mark, encoding=encoding), encoding)


@common
@given(st.binary(max_size=60))
def test_any_bytes_give_rows_or_problems_but_no_crash(data):
    _, rows, errors = staged(data)
    assert (rows is None) == bool(errors)


@common
@given(st.lists(st.sampled_from(['"', ",", ";", "\n", "\r", "a", " "]), max_size=25).map("".join))
def test_any_structure_is_read_as_the_strict_csv_reader_reads_it(text):
    data = "A,B,C\n" + text
    try:
        records = list(csv.reader(io.StringIO(data, newline=""), strict=True))[1:]
    except csv.Error:
        records = None
    columns, found, errors = staged(data.encode(), delimiter=",")
    if records is None:
        assert errors == {"OM414"}
    elif any(expected(c) for row in records for c in row[3:]):
        assert errors == {"OM430"}
    else:
        assert columns == ("A", "B", "C")
        padded = [[expected(c) for c in (row + [""] * 3)[:3]] for row in records]
        assert found == [(n, *row) for n, row in enumerate(padded, 2) if any(row)]
