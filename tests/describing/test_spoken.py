"""Expressions in words: what each says was written down by hand from what the language says that it means."""

from __future__ import annotations

import pytest

from omopify.compiler.functions import FUNCTIONS, SAME_TYPE
from omopify.compiler.spoken import columns_in, spoken, spoken_condition, spoken_order

SAID = {
    "AETERM": "AETERM",
    '"Weight (kg)"': "Weight (kg)",
    "'Oslo'": "'Oslo'",
    "trial.ctcae": "the trial's ctcae (5.0)",
    "A is not null or B is null": "A is filled or B is empty",
    "A = 1 and (B = 2 or C <> 3)": "A is 1 and (B is 2 or C is not 3)",
    "A < 1 or A >= 5": "A is less than 1 or A is at least 5",
    "A in ('x', 'y')": "A is one of 'x' or 'y'",
    "A not in ('x')": "A is not 'x'",
    "A between 1 and 5": "A is between 1 and 5",
    "A like 'x%'": "A looks like 'x%' (% stands for anything)",
    "not (A = 1 and B = 2)": "it does not hold that (A is 1 and B is 2)",
    "coalesce(A, B, C) is not null": "one of A, B or C is filled",
    "coalesce(A, B) is null": "A and B are all empty",
    "year(A) is not null": "the year of A is known",
    "coalesce(A, B)": "the first that is filled of A and B",
    "if(A = 1, B)": "B if A is 1; else nothing",
    "if(A = 1, B, C)": "B if A is 1; else C",
    "nullif(A, 0)": "A, or nothing if it is 0",
    "greatest(number(A), 0)": "the highest of the number in A and 0",
    "least(A, B)": "the lowest of A and B",
    "concat(A, '-', B)": "A, '-' and B put together",
    "A || B": "A and B put together (nothing if one is empty)",
    "lower(A)": "A in small letters",
    "upper(A)": "A in capitals",
    "trim(A)": "A without blanks around it",
    "fold(A) = 'oslo'": "A (capitals and blanks aside) is 'oslo'",
    "length(A) = 4": "the number of characters of A is 4",
    "left(A, 3)": "the first 3 characters of A",
    "right(A, 3)": "the last 3 characters of A",
    "substr(A, 5)": "A from character 5 on",
    "substr(A, 5, 2)": "2 characters of A from character 5 on",
    "part(A, '_', 2)": "piece 2 of A cut at '_'",
    "replace(A, ' mg', '')": "A with ' mg' replaced by ''",
    "starts_with(A, 'x')": "A begins with 'x'",
    "not starts_with(A, 'x')": "A does not begin with 'x'",
    "contains(A, 'mab')": "A contains 'mab'",
    "matches(A, '^[0-9]+$')": "A fits the pattern '^[0-9]+$'",
    "capture(A, '([0-9]+) mg')": "what the pattern '([0-9]+) mg' finds in A",
    "capture(A, '(a)(b)', 2)": "what bracket 2 of the pattern '(a)(b)' finds in A",
    "text(number(A))": "the number in A as text",
    "day(A)": "the day of A",
    "month(date(A))": "the month of the date in A",
    "days_between(A, B) + 1": "(the days from A to B) + 1",
    "years_between(A, B)": "the full years from A to B",
    "add_days(A, 7)": "7 days after A",
    "add_days(date(A), -1)": "1 day before the date in A",
    "make_date(Y, M, 1)": "the date of year Y, month M and day 1",
    "make_date(year(A), coalesce(month(A), 1), 1)": (
        "the date of the year of A, the month of A (or 1 if that is empty) and day 1"
    ),
    "coalesce(A, 'unknown')": "A (or 'unknown' if that is empty)",
    "abs(A)": "A without its sign",
    "round(A)": "A rounded to a whole number",
    "round(A, 1)": "A rounded to 1 decimals",
    "floor(A)": "A rounded down",
    "ceil(A)": "A rounded up",
    "A - 1 - B": "(A - 1) - B",
    "min(date(A))": "the lowest of the date in A",
    "max(A)": "the highest of A",
    "sum(A)": "the sum of A",
    "avg(A)": "the mean of A",
    "count(A)": "how many of A are filled",
    "count(*)": "the number of rows",
    "any_true(A = 1)": "whether for any row A is 1",
    "lead(A)": "A of the next row",
    "lag(A)": "A of the previous row",
    "first(A)": "A of the first row",
    "row_number()": "the place in the order",
    "case when A = 1 then 'x' when B = 2 then 'y' end": "'x' if A is 1; 'y' if B is 2; else nothing",
    "case _source when 'vi' then 1 else 2 end": "1 if the form that the row is from is 'vi'; else 2",
}


@pytest.mark.parametrize(("text", "words"), SAID.items())
def test_says_what_it_means(text: str, words: str) -> None:
    assert spoken(text, {"ctcae": "5.0"}.get) == words


def test_every_function_of_the_language_has_words() -> None:
    for name in (*FUNCTIONS, *SAME_TYPE):
        assert any(f"{name}(" in text for text in SAID), name


def test_a_column_of_yes_and_no_is_a_condition() -> None:
    assert spoken_condition("serious and A = 1") == "serious is yes and A is 1"
    assert spoken_condition("serious") == "serious is yes"


def test_an_order_says_which_end_comes_first() -> None:
    assert spoken_order("date(A) desc") == "the date in A, the highest first"
    assert spoken_order("_row") == "the order of the file"


@pytest.mark.parametrize("text", ["A = ", "if(A)", "add_days(A)", "; drop", "(" * 2000])
def test_what_cannot_be_read_stays_as_it_is(text: str) -> None:
    assert spoken(text) == " ".join(text.split())


def test_finds_the_columns_and_nothing_else() -> None:
    assert columns_in("if(dm.SEX = 'x', A, concat(B, A, trial.ctcae, _source))") == ("dm.SEX", "A", "B")
