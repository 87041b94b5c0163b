"""Small CSV files as people and spreadsheets save them: what Python's own writer wrote is read back, line by line."""

from __future__ import annotations

import csv
import random
from contextlib import suppress
from io import StringIO

import pytest

from omopify.specs.csvfile import BrokenRow, parse

CELLS = ("", "a", "to be", "x,y", "1;2", 'so "called"', "two\nlines", "Åse", "\u2028", "tab\there", "'", "=1+1")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_a_writer_wrote_is_read_back_with_its_lines(seed: int, delimiter: str) -> None:
    draw = random.Random(seed)
    rows = [[draw.choice(CELLS) for _ in "abc"] for _ in range(6)]
    text, lines, seen = StringIO(newline=""), [], 2
    writer = csv.writer(text, delimiter=delimiter, lineterminator=draw.choice(("\n", "\r\n")))
    writer.writerow(["from", "to", "remark"])
    for row in rows:
        writer.writerow(row)
        lines.append(seen)
        seen += 1 + sum(cell.count("\n") for cell in row)
    found = parse(text.getvalue())
    filled = [(line, row) for line, row in zip(lines, rows, strict=True) if any(row) and any(map(str.strip, row))]
    assert found.columns == ("from", "to", "remark")
    assert [(line, list(row.values())) for line, row in found.rows] == [
        (line, [cell.strip() for cell in row]) for line, row in filled
    ]


@pytest.mark.parametrize(
    "text", ["", "\n", "from", "sep=;\n", "sep=;", '"', ",,,\n,,,", "\ufeff", "\x00", "a\n" + "b," * 99]
)
def test_nothing_ends_in_a_fault(text: str) -> None:
    with suppress(BrokenRow):
        assert all(set(row) <= set(found.columns) for found in [parse(text)] for _, row in found.rows)


def test_a_separator_that_the_first_line_names() -> None:
    found = parse("sep=|\r\nfrom|to\r\n\r\na,b;c|d\r\n")
    assert found.rows == ((4, {"from": "a,b;c", "to": "d"}),)
    with pytest.raises(BrokenRow) as broken:
        parse('sep=;\nfrom;to\na;b\nc;"d\ne;f\n')
    assert broken.value.line == 4
