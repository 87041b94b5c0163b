"""docs/worked-patient.md, worked out by hand, against a real run of examples/worked_patient: every row of every table.

A row that others point to has a name on the page. Rows are compared with what they point to written out in full, so the
ids, which mean nothing, never matter, and a wrong link does.
"""

from __future__ import annotations

import csv
import math
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from omopify import __version__, cdm
from omopify.cli.main import main
from tests.docs.worked import Row, Shown, shown_rows

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "worked-patient.md"
EXAMPLE = ROOT / "examples" / "worked_patient"
SUBJECT = "Y_0042_1"
PATIENT = "patient"
TYPE = "32809 Case Report Form"

WORDS = {
    "word": "concept.source",
    "source concept": "concept.source_concept",
    "date": "start",
    "as written": "value.source",
    "answer": "value",
    "unit as written": "unit.source",
    "route as written": "route.source",
    "qualifier": "qualifier.source",
    "qualifier concept": "qualifier",
    "care site": "care_site",
    "part of": "parent",
    "about": "event",
    "fact 1": "fact_1",
    "fact 2": "fact_2",
}
"""The page's headings that are not called as the words of the mapping language."""

OWN = {
    "episode": {"number": "episode_number", "object": "episode_object_concept_id"},
    "drug_era": {"concept": "drug_concept_id", "start": "drug_era_start_date", "end": "drug_era_end_date"},
    "condition_era": {
        "concept": "condition_concept_id",
        "start": "condition_era_start_date",
        "end": "condition_era_end_date",
    },
}
"""Headings of tables for which the mapping language has no such word."""

LINKS = {"person": "person", "visit": "visit_occurrence", "care_site": "care_site", "location": "location"}
LINKS |= {"parent": "episode", "episode": "episode", "cohort": "cohort_definition"}
EVENTS = {
    concept: name
    for name, table in cdm.tables().items()
    for concept in {table.event_field_concept_id, table.domain_concept_id} - {None}
}

Canonical = tuple[object, ...]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A run of the example, as anybody would run it."""
    folder = tmp_path_factory.mktemp("worked") / "project"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("out", "register"))
    done = CliRunner().invoke(main, ["run", "--untested", "--no-quality", str(folder)])
    assert done.exit_code == 0, done.output
    with duckdb.connect(folder / "out" / "omop.duckdb", read_only=True) as db:
        yield db


@pytest.fixture(scope="module")
def page() -> list[Shown]:
    return list(shown_rows(PAGE.read_text(encoding="utf-8").replace("{version}", __version__)))


def test_the_forms_are_the_example_s(page: list[Shown]) -> None:
    for path in sorted((EXAMPLE / "data").glob("*.csv")):
        form = path.stem.rpartition("_")[2]
        shown = [row.cells for row in page if (row.kind, row.table) == ("Form", form)]
        with path.open(encoding="utf-8", newline="") as lines:
            _, head, *rows = csv.reader(lines)
        written = [{name: cell for name, cell in zip(head, row, strict=True) if cell} for row in rows]
        assert {row.pop("SubjectId") for row in written} <= {SUBJECT}
        if form not in ("C30", "EQ5D"):  # their cells stand on the page as shared variables
            assert [{name: row[name] for name in row if name != "row"} for row in shown] == written, form


def test_every_shared_variable_is_on_the_page(page: list[Shown], result: duckdb.DuckDBPyConnection) -> None:
    expected: Counter[Canonical] = Counter()
    for row in page:
        if row.kind == "Shared variables":
            cells = {name: text for name, text in row.cells.items() if name != "row"}
            expected[(row.table, *sorted({"trial": "impress", "subject_id": SUBJECT, **cells}.items()))] += 1
    given: Counter[Canonical] = Counter()
    for table in _tables(result, "dsp"):
        for read in _read(result, "dsp", table):
            cells = {name: text for name, value in read.items() if name[0] != "_" and (text := _text(value))}
            given[(table, *sorted(cells.items()))] += 1
    _agree(expected, given)


def test_every_row_of_omop_is_on_the_page(page: list[Shown], result: duckdb.DuckDBPyConnection) -> None:
    expected = Expected([row for row in page if row.kind == "OMOP"], _names(result)).rows()
    given = Given(result).rows()
    _agree(expected, given)


@pytest.mark.parametrize("table", ["imputations", "value_issues", "rejects"])
def test_what_was_filled_in_or_cut_is_on_the_page(
    table: str, page: list[Shown], result: duckdb.DuckDBPyConnection
) -> None:
    expected = Counter((table, *sorted(r.cells.items())) for r in page if (r.kind, r.table) == ("Audit", table))
    rows = [
        {name: str(value) for name, value in row.items() if name not in ("file", "sheet")}
        for row in _read(result, "audit", table)
    ]
    _agree(expected, Counter((table, *sorted(row.items())) for row in rows))


class Expected:
    """The rows of OMOP that the page shows."""

    def __init__(self, shown: list[Shown], names: dict[str, str]) -> None:
        self.shown, self.names = shown, names
        labels = [row.cells["row"] for row in shown if "row" in row.cells]
        assert not {label for label, times in Counter(labels).items() if times > 1}, "two rows of one name"
        self.labelled = {row.cells["row"]: row for row in shown if "row" in row.cells}

    def rows(self) -> Counter[Canonical]:
        return Counter(self.canonical(row) for row in self.shown)

    def canonical(self, row: Shown) -> Canonical:
        words = cdm.words(row.table)
        cells: Row = dict(row.cells)
        cells.pop("row", None)
        if "type" in words:
            cells.setdefault("type", TYPE)
        known = {f.name for f in cdm.tables()[row.table].fields}
        if "person" in words or ("person_id" in known and row.table != "person"):
            cells.setdefault("person", PATIENT)
        found: dict[str, object] = {}
        for heading, value in cells.items():
            word = WORDS.get(heading, heading)
            if word in LINKS or word in ("event", "fact_1", "fact_2"):
                found[word] = self.canonical(self.labelled[value])
            else:
                column = OWN.get(row.table, {}).get(heading) or words.get(word, heading)
                assert column in known, f"the page's heading '{heading}' is no column of {row.table}"
                found[column] = self.concept(value) if "_concept_id" in column else value
        return (row.table, *sorted(_without_source_zero(found).items()))

    def concept(self, cell: str) -> str:
        """Return the id; the name beside it must be the vocabulary's."""
        number, _, name = cell.partition(" ")
        if number != "0":
            known = self.names.get(number, "")
            same = known.startswith(name[:-4]) if name.endswith(" ...") else known == name
            assert same, f"concept {number} is called {known!r}, not {name!r}"
        return number


class Given:
    """The rows of OMOP that a run gave."""

    def __init__(self, result: duckdb.DuckDBPyConnection) -> None:
        self.tables = {
            name: _read(result, "cdm", name) for name in _tables(result, "cdm") if cdm.tables()[name].schema != "vocab"
        }
        self.by_id = {
            (name, row[id_field]): row
            for name, rows in self.tables.items()
            if (id_field := cdm.tables()[name].id_field)
            for row in rows
        }

    def rows(self) -> Counter[Canonical]:
        return Counter(self.canonical(name, row) for name, rows in self.tables.items() for row in rows)

    def canonical(self, table: str, row: dict[str, object]) -> Canonical:
        words = cdm.words(table)
        left = {name: value for name, value in row.items() if value is not None}
        left.pop(cdm.tables()[table].id_field or "", None)
        found: dict[str, object] = {}
        if table not in ("person", "cohort") and "person_id" in left:
            found["person"] = self.pointed("person", left.pop("person_id"))
        for word, target in LINKS.items():
            column = words.get(word)
            if column in left:
                found[word] = self.pointed(target, left.pop(column))
        for word in ("event", "fact_1", "fact_2"):
            column = words.get(word)
            if column in left:
                kind = left.pop(words.get(f"{word}.domain") or words[f"{word}.field"])
                if word != "event":
                    found[words[f"{word}.domain"]] = str(kind)
                assert isinstance(kind, int)
                found[word] = self.pointed(EVENTS[kind], left.pop(column))
        found |= {name: _text(value) for name, value in left.items()}
        return (table, *sorted(_without_source_zero(found).items()))

    def pointed(self, table: str, row_id: object) -> Canonical:
        return self.canonical(table, self.by_id[table, row_id])


def _without_source_zero(row: dict[str, object]) -> dict[str, object]:
    """A source concept of 0 and an empty one both say that the word itself is no concept."""
    return {n: v for n, v in row.items() if not (n.endswith("_source_concept_id") and v == "0")}


def _tables(result: duckdb.DuckDBPyConnection, schema: str) -> list[str]:
    sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name"
    return [name for (name,) in result.execute(sql, [schema]).fetchall()]


def _read(result: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[dict[str, object]]:
    found = result.execute(f'SELECT * FROM "{schema}"."{table}"')
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _names(result: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return {
        str(number): name
        for number, name in result.execute("SELECT concept_id, concept_name FROM cdm.concept").fetchall()
    }


def _text(value: object) -> str | None:
    """Write a value as the page does: numbers with at most two decimals, yes and no."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        assert math.isfinite(value)
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)


def _agree(expected: Counter[Canonical], given: Counter[Canonical]) -> None:
    differences = _differences(expected, given)
    if differences:
        pytest.fail("the page and the run differ\n" + "\n".join(differences), pytrace=False)


def _differences(expected: Counter[Canonical], given: Counter[Canonical]) -> list[str]:
    """Say in short what differs; what a row points to is written as its table and its words."""
    missing = sorted(f"only on the page: {_short(row)}" for row in (expected - given).elements())
    return missing + sorted(f"only in the run: {_short(row)}" for row in (given - expected).elements())


def _short(row: Canonical, deep: int = 1) -> str:
    table, *cells = row
    shown = []
    for name, value in cells:
        if isinstance(value, tuple):
            if deep and name != "person":
                shown.append(f"{name}=<{_short(value, deep - 1)}>")
        else:
            shown.append(f"{name}={value}")
    return f"{table}: {', '.join(shown)}"


def test_a_caption_fills_its_rows() -> None:
    text = "**OMOP `a`** (in every row: `x` Q {item}; `y` 2)\n\n**Form `b`**\n\n| item | n |\n| --- | --- |\n| 1 | |\n"
    assert list(shown_rows(text)) == [
        Shown("OMOP", "a", {"x": "Q 1", "y": "2"}),
        Shown("Form", "b", {"item": "1"}),
    ]


def test_a_table_of_fields_is_turned_round() -> None:
    text = "**Form `b`**\n\n| field | 1 | 2 |\n| --- | --- | --- |\n| A | x | |\n| B | y | z |\n"
    assert [shown.cells for shown in shown_rows(text)] == [
        {"row": "1", "A": "x", "B": "y"},
        {"row": "2", "B": "z"},
    ]


def test_a_link_to_another_row_is_seen() -> None:
    rows = [
        Shown("OMOP", "condition_occurrence", {"row": "one", "word": "Nausea"}),
        Shown("OMOP", "condition_occurrence", {"row": "two", "word": "Rash"}),
        Shown("OMOP", "person", {"row": "patient"}),
    ]
    grade = {"word": "2", "about": "one"}
    names = {"32809": "Case Report Form"}
    first = Expected([*rows, Shown("OMOP", "observation", grade)], names).rows()
    other = Expected([*rows, Shown("OMOP", "observation", {**grade, "about": "two"})], names).rows()
    assert len(_differences(first, other)) == 2
