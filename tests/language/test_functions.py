"""The functions that maps call, against oracles in plain Python that know nothing of the SQL.

Texts are made from what exports really hold and from what breaks readers; a whole list goes to the database in
one query, so that thousands of texts cost little.
"""

from __future__ import annotations

import calendar
import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from itertools import product
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from omopify.compiler.fields import folded
from omopify.resources import data
from omopify.staging.table import trim

FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%b-%Y", "%Y%m%d")
RULES = ("earliest", "middle", "latest")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
UNKNOWN = ("", "nk", "unk", "un", "uk", "nd", "na", "xx", "xxx", "-", "--", "---", "0", "00")

few = settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],  # a failing list names its wrong texts itself; shrinking it only takes time
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(data("sql", "functions", "duckdb.sql").read_text(encoding="utf-8"))
        yield connection


def ask(database: duckdb.DuckDBPyConnection, expression: str, texts: list[Any]) -> list[Any]:
    """Return the expression's value for each text, which it calls ``x``."""
    found = database.execute(
        f"SELECT {expression} FROM (SELECT unnest($texts) AS x, generate_subscripts($texts, 1) AS n) ORDER BY n",
        {"texts": texts},
    ).fetchall()
    return [row[0] for row in found]


def agree(database: duckdb.DuckDBPyConnection, expression: str, texts: list[Any], oracle: Callable[[Any], Any]) -> None:
    found = ask(database, expression, texts)
    wrong = [(text, got, oracle(text)) for text, got in zip(texts, found, strict=True) if got != oracle(text)]
    assert wrong[:5] == [], f"(text, database, oracle) of {expression}"


# Dates: an oracle that takes a text apart by hand.


def parts(text: str, pattern: str) -> tuple[str, str, str] | None:
    """Take a full or partial date apart as (year, month, day), where '' is a part that is left out."""
    order = re.findall(r"%(\w)", pattern)
    between = re.split(r"%\w", pattern)[1:-1]
    if between == ["", ""]:
        found = re.fullmatch(r"(\d{4})(\d{2})(\d{2})|(\d{4})(\d{2})|(\d{4})", text)
        if not found:
            return None
        a, b, c, d, e, f = (g or "" for g in found.groups())
        return (a or d or f, b or e, c)
    pieces = re.split(re.escape(between[0]), text) if between[0] == between[1] else None
    assert pieces is not None
    if "" in pieces:  # separators with nothing between them
        return None
    kinds = ["Y" if kind == "Y" else "d" if kind == "d" else "m" for kind in order]
    if len(pieces) == 1:
        kinds = ["Y"]
    elif len(pieces) == 2:
        kinds = [kind for kind in kinds if kind != "d"]
    elif len(pieces) != 3:
        return None
    named = dict(zip(kinds, pieces, strict=True))
    return (named["Y"], named.get("m", ""), named.get("d", ""))


def a_day(text: str) -> int | None:
    if text.lower() in UNKNOWN:
        return 0
    return int(text) if re.fullmatch(r"[0-9]{1,2}", text) else None


def a_month(text: str) -> int | None:
    if text.lower() in MONTHS:
        return MONTHS.index(text.lower()) + 1
    return a_day(text)


def without_time(text: str) -> str:
    return re.sub(r"[T ]?[0-9]{1,2}:[0-9]{2}.*$", "", text) if ":" in text else text


def full_date(text: str, pattern: str) -> date | None:
    found = parts(without_time(text), pattern)
    if not found or not re.fullmatch(r"[0-9]{4}", found[0]):
        return None
    named = "%b" in pattern
    if named != (found[1].lower() in MONTHS):
        return None
    month, day = a_month(found[1]), a_day(found[2])
    try:
        made = date(int(found[0]), month or 0, day or 0)
    except ValueError:
        return None
    return made if 1800 <= made.year <= 2199 else None


def stand_in(text: str, pattern: str, rule: str) -> date | None:
    """The day that a partial date stands for; None for a full date and for what is none."""
    found = parts(text, pattern)
    if not found or not re.fullmatch(r"[0-9]{4}", found[0]) or not 1800 <= int(found[0]) <= 2199:
        return None
    year, day = int(found[0]), a_day(found[2])
    month = a_month(found[1]) if "%b" in pattern else a_day(found[1])  # a name only where the format says so
    if month is None or day is None or month > 12 or day > 31 or (month and day):
        return None
    if rule == "middle":
        return date(year, month or 7, 15)
    if rule == "earliest":
        return date(year, month or 1, 1)
    last = month or 12
    return date(year, last, calendar.monthrange(year, last)[1])


years = st.one_of(st.integers(1795, 2205).map(str), st.sampled_from(["0000", "21", "202", "20210", "", "NK"]))
months = st.one_of(
    st.integers(0, 13).map(str),
    st.integers(0, 13).map("{:02}".format),
    st.sampled_from([*MONTHS, "MAR", "Dec", "ma", "j", "mai", "NK", "UNK", "xx", ""]),
)
days = st.one_of(
    st.integers(0, 32).map(str), st.integers(0, 32).map("{:02}".format), st.sampled_from(["NK", "UN", "mar", ""])
)
times = st.sampled_from(["", "", "", "T10:30", " 7:05:09", "T23:59:59Z", "T01:02:03.004+02:00"])
junk = st.text(st.sampled_from("0123456789./ :TNKaj\u00a0\u0661"), max_size=14)


@st.composite
def date_texts(draw: st.DrawFn) -> str:
    pattern = draw(st.sampled_from(FORMATS))
    text = pattern
    for part, made in (("%Y", years), ("%m", months), ("%b", months), ("%d", days)):
        text = text.replace(part, draw(made))
    cut = draw(st.integers(0, 12))
    return text[: -cut or None] if cut < 8 and draw(st.booleans()) else text + draw(times)


@few
@given(st.lists(st.one_of(date_texts(), date_texts(), junk), min_size=40, max_size=120))
@pytest.mark.parametrize("pattern", FORMATS)
def test_dates(database: duckdb.DuckDBPyConnection, pattern: str, texts: list[str]) -> None:
    agree(database, f"o_date(x, '{pattern}')", texts, lambda text: full_date(text, pattern))


@few
@given(st.lists(st.one_of(date_texts(), junk), min_size=40, max_size=120))
def test_partial_dates(database: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    for pattern, rule in product(FORMATS, RULES):
        agree(database, f"o_impute(x, '{pattern}', '{rule}')", texts, partial(stand_in, pattern=pattern, rule=rule))

    def year(text: str, pattern: str) -> int | None:
        made = full_date(text, pattern) or stand_in(text, pattern, "earliest")
        return made.year if made else None

    for pattern in FORMATS:
        agree(database, f"o_year(x, '{pattern}')", texts, partial(year, pattern=pattern))


def test_ways_to_write_a_partial_date(database: duckdb.DuckDBPyConnection) -> None:
    texts = ["2021-05", "2021", "2021-05-NK", "2021-NK-NK", "2021-NK-05", "2021---05", "2021-05--", "2021-00-00"]
    assert ask(database, "o_impute(x, '%Y-%m-%d', 'latest')", texts) == [
        date(2021, 5, 31),
        date(2021, 12, 31),
        date(2021, 5, 31),
        *[date(2021, 12, 31)] * 3,
        date(2021, 5, 31),
        date(2021, 12, 31),
    ]
    texts = ["UN-UNK-2021", "UN-MAY-2021", "may-2021", "2021"]
    assert ask(database, "o_impute(x, '%d-%b-%Y', 'middle')", texts) == [
        date(2021, 7, 15),
        date(2021, 5, 15),
        date(2021, 5, 15),
        date(2021, 7, 15),
    ]
    texts = ["00.05.2021", "05.2021", "2021", "30.02.2021", "29.02.2021", "2021-05", "5.2021"]
    assert ask(database, "o_impute(x, '%d.%m.%Y', 'earliest')", texts) == [
        date(2021, 5, 1),
        date(2021, 5, 1),
        date(2021, 1, 1),
        None,
        None,
        None,
        date(2021, 5, 1),
    ]


@few
@given(st.lists(st.tuples(st.dates(date(1801, 1, 1), date(2198, 12, 31)), st.sampled_from(FORMATS)), min_size=30))
def test_a_date_that_is_written_is_read(database: duckdb.DuckDBPyConnection, days: list[tuple[date, str]]) -> None:
    for pattern in FORMATS:
        own = [day for day, chosen in days if chosen == pattern]
        written = [day.strftime(pattern.replace("%Y", f"{day.year:04}")) for day in own]
        assert ask(database, f"o_date(x, '{pattern}')", written) == own


# Numbers, yes and no, text.

NUMBER = re.compile(r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,2})?")


def number(text: str) -> float | None:
    if not NUMBER.fullmatch(text):
        return None
    return value if math.isfinite(value := float(text)) else None


def comma_number(text: str) -> float | None:
    return None if "." in text else number(text.replace(",", "."))


numbers = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.text(st.sampled_from("0123456789+-.,eE _xinfa%<\u0663"), max_size=9),
    st.sampled_from(["", "1_000", "0x1F", "inf", "nan", "-0", "007", "1,5", "1.000,5", "5.", ".5", "1e99", "9" * 400]),
)


@few
@given(st.lists(numbers, min_size=60, max_size=150))
def test_numbers(database: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    agree(database, "o_num(x)", texts, number)
    agree(database, "o_num_comma(x)", texts, comma_number)

    def whole(text: str) -> int | None:
        value = number(text)
        return int(value) if value is not None and value == int(value) and abs(value) <= 2147483647 else None

    agree(database, "o_whole(o_num(x))", texts, whole)


@few
@given(st.lists(st.one_of(st.integers(-(10**14), 10**14), st.floats(-1e9, 1e9)), min_size=60))
def test_numbers_as_text_come_back(database: duckdb.DuckDBPyConnection, values: list[float]) -> None:
    values = [float(value) for value in values]
    texts = ask(database, "o_plain(CAST(x AS double))", values)
    assert [float(text) for text in texts] == values
    assert all("." not in text for text, value in zip(texts, values, strict=True) if value == int(value))


@few
@given(
    st.lists(
        st.one_of(st.sampled_from("1 0 yes NO Y n True false ja 2 -1 01 1.0".split()), st.text(max_size=4)), min_size=40
    )
)
def test_yes_and_no(database: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    known = {"1": True, "true": True, "yes": True, "y": True, "0": False, "false": False, "no": False, "n": False}
    texts = [text.replace("\0", "") for text in texts]
    agree(database, "o_bool(x)", texts, lambda text: known.get(text.lower() if text.isascii() else text))


words = st.text(
    st.one_of(
        st.sampled_from("aAbB eEéÉßẞæÆøÅ\u0131İΣ\u03c3ς\t\u00a0\u2003\u3000\u0301"),
        st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cn", "Cc"]),
    ),
    max_size=12,
)


@few
@given(st.lists(words, min_size=60, max_size=150))
def test_a_spelling_in_a_value_map_meets_the_cell(database: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    """Whatever the spelling holds; blanks around a cell are taken off when it is read."""
    texts = [trim(text) for text in texts]
    found = ask(database, "o_fold(x)", texts)
    keys = database.execute("SELECT " + ", ".join(folded(text) for text in texts)).fetchone()
    assert list(keys or ()) == found


@few
@given(st.lists(words, min_size=60, max_size=150))
def test_folding_forgets_case_blanks_and_composition_only(
    database: duckdb.DuckDBPyConnection, texts: list[str]
) -> None:
    folded = ask(database, "o_fold(x)", texts)
    assert ask(database, "o_fold(x)", folded) == folded
    spread = ["  " + unicodedata.normalize("NFD", text.strip()).replace(" ", "   ") + " " for text in texts]
    assert ask(database, "o_fold(x)", spread) == ask(database, "o_fold(x)", [text.strip() for text in texts])


@few
@given(st.lists(st.tuples(words, st.sampled_from([",", ";", "a", "  "]), st.integers(1, 5)), min_size=20))
def test_pieces(database: duckdb.DuckDBPyConnection, asked: list[tuple[str, str, int]]) -> None:
    for text, separator, n in asked:
        pieces = text.split(separator)
        found = database.execute("SELECT o_part($1, $2, $3), o_parts($1, $2)", [text, separator, n]).fetchone()
        assert found == (pieces[n - 1] if n <= len(pieces) else None, len(pieces))


@few
@given(st.lists(st.tuples(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.dates(date(1900, 1, 1), date(2100, 1, 1)))))
def test_time_between_dates(database: duckdb.DuckDBPyConnection, pairs: list[tuple[date, date]]) -> None:
    for one, two in pairs[:20]:
        found = database.execute("SELECT o_days($1, $2), o_years($1, $2), o_add($1, 31)", [one, two]).fetchone()
        years = two.year - one.year - ((two.month, two.day) < (one.month, one.day))
        assert found == ((two - one).days, years, date.fromordinal(one.toordinal() + 31))
