"""What dirt may do to a conversion: only where it lies, and never in silence.

The dirt of a messy export is found by comparing it, cell by cell, with the clean one of the same patients.
"""

from __future__ import annotations

import importlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from omopify.synthetic import TRIALS
from omopify.synthetic.dialect import Dialect
from omopify.synthetic.dirt import soil
from omopify.synthetic.truth import Truth

from .compare import Comparison, Expectation, Row, Trial, key_of, model, result_rows, same

MISSING = {"", "na", "n/a", "nk", "null", "unknown", "none"}
Place = tuple[str, str]  # form and column


@dataclass
class Dirt:
    """The dirt of an export by subject: which columns are dirty, what stands there, what was emptied."""

    places: dict[str, set[Place]] = field(default_factory=lambda: defaultdict(set))
    words: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    emptied: dict[str, set[Place]] = field(default_factory=lambda: defaultdict(set))
    repeated: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # forms with a row twice
    subject_of: dict[tuple[str, int], str] = field(default_factory=dict)  # form and line of the file
    cells: int = 0


def find_dirt(name: str, truth: Truth, seed: int) -> Dirt:
    """Soil the clean export again, and note each cell that differs."""
    dialect: Dialect = importlib.import_module(TRIALS[name]).DIALECT
    found = Dirt()
    for form, header in dialect.headers.items():
        clean = dialect.render(truth, form)
        messy, _ = soil(clean.with_row_index("_origin"), form, seed, dialect.dirt)
        pairs = messy.join(
            clean.with_row_index("_origin"), on="_origin", how="left", maintain_order="left", suffix=":clean"
        )
        id_column, seen = dialect.dirt.subject, set()
        for line, row in enumerate(pairs.iter_rows(named=True), len(header) + 1):
            subject = row[id_column]
            found.subject_of[form, line] = subject
            if row["_origin"] in seen:
                found.repeated[subject].add(form)
            seen.add(row["_origin"])
            for column in clean.columns:
                if row[column] != row[f"{column}:clean"]:
                    found.cells += 1
                    found.places[subject].add((form, column))
                    if row[column] is None or row[column].strip().casefold() in MISSING:
                        found.emptied[subject].add((form, column))
                    else:
                        found.words[subject].add(row[column].strip().casefold())
    return found


def feeds(trial: Trial, table: str, place: Place) -> bool:
    """Tell whether a column of the export has a say in a table."""
    form, column = place
    return any(
        form == of and (not prefix or column.startswith(prefix))
        for of, _, prefix in (source.partition(".") for source in trial.sources[table])
    )


def audited(database: Path, dirt: Dirt) -> set[tuple[str, str, str]]:
    """Return form, subject and kind (reject, value issue, imputation) of all that the conversion tells of."""
    with duckdb.connect(str(database), read_only=True) as connection:
        entries = connection.execute(
            "SELECT 'reject', file, row FROM audit.rejects "
            "UNION SELECT 'value issue', file, row FROM audit.value_issues "
            "UNION SELECT 'imputation', file, row FROM audit.imputations"
        ).fetchall()
    forms = {form for form, _ in dirt.subject_of}
    told = set()
    for kind, file, row in entries:
        form = Path(file or "").stem.rpartition("_")[2]
        if form in forms and row is not None:
            told.add((form, dirt.subject_of[form, row], kind))
    return told


def compare_messy(trial: Trial, expected: Expectation, database: Path, dirt: Dirt) -> tuple[Comparison, Counter[str]]:
    """Compare a messy export's result with the truth; return what is wrong, and what the dirt has done."""
    found, done = Comparison(), Counter[str]()
    complaints = audited(database, dirt)
    for table in expected.tables:
        if table in trial.lost_tables:
            continue
        there = result_rows(database, table)
        if table in trial.other_rows:
            there = [row for row in there if not trial.other_rows[table][0](row)]
        skipped = {name for of, name in trial.other_fields if of == table}
        names = [name for name in model()[table] if name not in skipped]
        by_subject: dict[str, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
        for row in expected.rows(table):
            by_subject[row["subject_id"]][0].append(row)
        for row in there:
            by_subject[row["subject_id"]][1].append(row)
        for subject, (wanted, got) in by_subject.items():
            places = {place for place in dirt.places[subject] if feeds(trial, table, place)}
            forms = {form for form, _ in places}
            told = {kind for form, of, kind in complaints if of == subject and form in forms}
            emptied = {place for place in dirt.emptied[subject] if place in places}
            _judge(
                trial, table, names, wanted, got, bool(places), told, bool(emptied), dirt.words[subject], found, done
            )
    return found, done


def _judge(
    trial: Trial,
    table: str,
    names: list[str],
    wanted: list[Row],
    got: list[Row],
    dirty: bool,
    told: set[str],
    emptied: bool,
    words: set[str],
    found: Comparison,
    done: Counter[str],
) -> None:
    true = {_folded(key_of(table, row)): row for row in wanted}
    where = "dirty" if dirty else "clean"
    for row in got:
        match = true.pop(_folded(key_of(table, row)), None)
        if match is None:
            done["rows that are not true"] += 1
            if not (dirty and (told or emptied)):
                found.differ(f"{table}: a row that is not true, of a {where} subject", str(row))
            continue
        found.rows[table] += 1
        for name in names:
            found.fields[table] += 1
            a, b = match[name], row[name]
            if same(a, b):
                continue
            if isinstance(a, str) and isinstance(b, str) and a.casefold() == b.casefold() and dirty:
                done["texts in another case"] += 1
            elif isinstance(b, str) and b.casefold() in words and dirty:
                done["words as recorded"] += 1
            elif dirty and (table, name) in trial.fallbacks:
                done["values replaced, and said so"] += 1
            elif dirty and told:
                done["values lost, and told"] += 1
            elif dirty and emptied:
                done["values lost where the export has none"] += 1
            else:
                found.differ(f"{table}.{name} of a {where} subject", f"{a!r} became {b!r} ({key_of(table, row)})")
    for key, row in true.items():
        done["true rows that are missing"] += 1
        if not (dirty and (told or emptied)):
            found.differ(f"{table}: a true row is missing, of a {where} subject", f"{key} {row}")


def _folded(key: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in key)
