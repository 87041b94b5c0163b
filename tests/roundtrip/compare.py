"""Compare the shared tables of a conversion with the truth, row by row and field by field."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import yaml

from omopify.synthetic import draw_truth, dsp_truth
from omopify.synthetic.truth import Truth

MODEL = Path(__file__).parents[2] / "mappings" / "prime_rose" / "dsp"
# What tells one row of a shared table from another; one row a subject where nothing is said.
KEYS: dict[str, tuple[str, ...]] = {
    "milestone": ("milestone", "kind"),
    "cohort_allocation": ("cohort_name",),
    "study_drug": ("drug_number",),
    "treatment_cycle": ("drug_number", "cycle_number"),
    "ecog": ("event_id",),
    "medical_history": ("history_id",),
    "previous_treatment": ("treatment_id",),
    "concomitant_medication": ("medication_id",),
    "medication_adverse_event": ("medication_id", "adverse_event_id"),
    "adverse_event": ("adverse_event_id",),
    "adverse_event_relation": ("adverse_event_id", "drug_number"),
    "baseline_tumour_assessment": ("criterion",),
    "tumour_assessment": ("assessment_id", "criterion"),
    "follow_up": ("contact_id",),
    "visit": ("event_id",),
    "questionnaire_answer": ("instrument", "occasion", "item"),
    "best_overall_response": ("criterion", "rule"),
    "disease_control": ("week", "rule"),
    "adverse_event_summary": ("rule",),
    "age": ("rule",),
    "evaluability": ("rule",),
    "worst_grade": ("term",),
    "questionnaire_score": ("instrument", "occasion", "scale"),
}

Row = dict[str, Any]
Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Loss:
    """A field that the export does not carry, or carries as less than the truth."""

    why: str
    carried: pl.Expr | None = None  # what is left of the truth; nothing, if this is not said


@dataclass(frozen=True)
class RowLoss:
    """Rows that the export does not carry: those for which ``kept`` does not hold."""

    why: str
    kept: pl.Expr | Callable[[pl.DataFrame, Tables], pl.DataFrame]


@dataclass(frozen=True)
class Trial:
    """How a trial says the truth."""

    pack: str
    in_scope: RowLoss  # over the rows of the truth's subjects
    subject_id: Callable[[Truth], pl.Series]
    # The trial's own words: new columns of the truth's tables. Nothing is lost by them.
    spelled: Mapping[str, Callable[[pl.DataFrame, Truth], pl.DataFrame]]
    lost_fields: Mapping[tuple[str, str], Loss]
    # What feeds each table: forms, or FORM.COLUMN for the columns whose names begin so.
    sources: Mapping[str, tuple[str, ...]]
    lost_rows: Mapping[str, RowLoss] = field(default_factory=dict)
    lost_tables: Mapping[str, str] = field(default_factory=dict)  # table and why
    # Tables that rules make of other tables: what is expected, from what is expected of those.
    made: Mapping[str, Callable[[Tables], pl.DataFrame]] = field(default_factory=dict)
    # Rules that are not followed here: their rows in the result, or their fields, with where they are tested.
    other_rows: Mapping[str, tuple[Callable[[Row], bool], str]] = field(default_factory=dict)
    other_fields: Mapping[tuple[str, str], str] = field(default_factory=dict)
    # Where a value that cannot be read gives way to another one, and a field says so.
    fallbacks: Mapping[tuple[str, str], str] = field(default_factory=dict)


@cache
def model() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the shared model: table to field to what the model says of it."""
    tables = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(MODEL.glob("*.yaml"))]
    return {table["table"]: {name: says or {} for name, says in table["fields"].items()} for table in tables}


@cache
def drawn(patients: int, seed: int) -> tuple[Truth, Tables]:
    """Return the truth, as it is drawn and in the shared variables."""
    truth = draw_truth(patients, seed)
    return truth, dsp_truth(truth)


def _filled(frame: pl.DataFrame, fields: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """Apply the model's rule for partial dates to what the site knows of each date."""
    for name, says in fields.items():
        known = f"{name}_known"
        if known not in frame.columns or says.get("type") != "date":
            continue
        value, rule = pl.col(name), says.get("partial", "reject")
        first = {"month": value.dt.truncate("1mo"), "year": value.dt.truncate("1y")}
        last = {
            "month": first["month"].dt.offset_by("1mo").dt.offset_by("-1d"),
            "year": first["year"].dt.offset_by("1y").dt.offset_by("-1d"),
        }
        nothing = dict.fromkeys(first, pl.lit(None, pl.Date))
        filled = {"earliest": first, "latest": last, "reject": nothing}[rule]
        frame = frame.with_columns(
            pl.when(pl.col(known) == "month").then(filled["month"]).when(pl.col(known) == "year").then(
                filled["year"]
            ).otherwise(value).alias(name)
        )  # fmt: skip
    return frame


class Expectation:
    """The shared tables that a trial's export should give, and how they were arrived at."""

    def __init__(self, trial: Trial, truth: Truth, tables: Tables):
        self.trial = trial
        self.problems: list[str] = []
        self.tables: Tables = {}
        subjects = truth.subjects.with_row_index("subject").with_columns(pl.col("subject").cast(pl.Int64))
        scope = set(_kept(subjects, trial.in_scope, tables)["subject"])
        if len(scope) == subjects.height:
            self.problems.append("nobody is out of scope")
        ids = dict(enumerate(trial.subject_id(truth)))
        for table, fields in model().items():
            if table in trial.made and table not in trial.spelled:
                continue
            if table not in tables:
                self.problems.append(f"{table}: neither in the truth nor listed")
                continue
            frame = tables[table].filter(pl.col("subject").is_in(scope))
            frame = frame.with_columns(subject_id=pl.col("subject").replace_strict(ids, return_dtype=pl.String))
            if table in trial.lost_tables:
                if not frame.height:
                    self.problems.append(f"{table}: listed as lost, but there is nothing to lose")
                frame = frame.clear()
            if table in trial.lost_rows:
                kept = _kept(frame, trial.lost_rows[table], tables)
                if kept.height == frame.height:
                    self.problems.append(f"{table}: rows are listed as lost, but none is")
                frame = kept
            if table in trial.spelled:
                frame = trial.spelled[table](frame, truth)
            self._expect(table, _filled(frame, fields), fields)
        for table, make in trial.made.items():
            self._expect(table, make(self.tables), model()[table])

    def _expect(self, table: str, frame: pl.DataFrame, fields: Mapping[str, Mapping[str, Any]]) -> None:
        seen = set(self.tables)
        lost = {name: loss for (of, name), loss in self.trial.lost_fields.items() if of == table}
        if table not in self.trial.lost_tables:
            listed = {*frame.columns, *lost, *(name for of, name in self.trial.other_fields if of == table)}
            for name in [name for name in fields if name not in listed]:
                self.problems.append(f"{table}.{name}: neither in the truth nor listed")
        missing = [pl.lit(None).alias(name) for name in fields if name not in frame.columns]
        whole = frame.with_columns(missing)
        nothing = pl.lit(None)
        left = {name: nothing if loss.carried is None else loss.carried for name, loss in lost.items()}
        # Blanks around a text do not matter in any map.
        texts = pl.col(pl.String).str.strip_chars()
        self.tables[table] = whole.with_columns(value.alias(name) for name, value in left.items()).with_columns(texts)
        if table in self.trial.lost_tables or table in seen:
            return
        for name, loss in lost.items():
            # Without a truth of its own a field may stand there as lost; else the loss must be felt.
            if name not in frame.columns and loss.carried is None:
                continue
            if same(whole[name].to_list(), self.tables[table][name].to_list()):
                self.problems.append(f"{table}.{name}: listed as lost, but nothing is ({loss.why})")

    def rows(self, table: str) -> list[Row]:
        """Return the expected rows of a table with the fields of the model."""
        return (
            self.tables[table]
            .select("subject_id", *(name for name in model()[table] if name != "subject_id"))
            .to_dicts()
        )


def _kept(frame: pl.DataFrame, loss: RowLoss, tables: Tables) -> pl.DataFrame:
    return frame.filter(loss.kept) if isinstance(loss.kept, pl.Expr) else loss.kept(frame, tables)


def same(one: Any, other: Any) -> bool:
    """Compare two values, or two lists of them; numbers by value, whatever their type."""
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if (
        isinstance(one, (int, float))
        and isinstance(other, (int, float))
        and isinstance(one, bool) == isinstance(other, bool)
    ):
        return math.isclose(one, other, abs_tol=1e-9)
    return bool(one == other)


def key_of(table: str, row: Row) -> tuple[Any, ...]:
    """Return what tells the row from others, as text."""
    return tuple(str(row[name]) for name in ("subject_id", *KEYS.get(table, ())))


def result_rows(database: Path, table: str) -> list[Row]:
    """Read a shared table of a result; a table that no map fills is empty."""
    with duckdb.connect(str(database), read_only=True) as connection:
        there = connection.execute(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = 'dsp' AND table_name = ?", [table]
        ).fetchone()
        if not there:
            return []
        cursor = connection.execute(f'SELECT * FROM dsp."{table}"')
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    return [{name: _plain(row.get(name)) for name in model()[table]} for row in rows]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str, date)) else float(value)


@dataclass
class Comparison:
    """What was compared, and what differs."""

    rows: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def differ(self, kind: str, detail: str) -> None:
        """Remember a difference; of each kind a few are kept in full."""
        self.kinds[kind] += 1
        if self.kinds[kind] <= 3:
            self.differences.append(f"{kind}: {detail}")

    def report(self) -> str:
        """Say what differs, the most frequent kinds first."""
        return "\n".join([*(f"{n:>6} x {kind}" for kind, n in self.kinds.most_common()), "", *self.differences])


def compare(trial: Trial, expected: Expectation, database: Path) -> Comparison:
    """Compare all shared tables of a result with what is expected of it."""
    found = Comparison()
    for problem in expected.problems:
        found.differ("list of exceptions", problem)
    for table in expected.tables:
        there = result_rows(database, table)
        if table in trial.other_rows:
            other = [row for row in there if trial.other_rows[table][0](row)]
            if not other:
                found.differ("list of exceptions", f"{table}: there are no rows of other rules")
            there = [row for row in there if row not in other]
        skipped = {name for of, name in trial.other_fields if of == table}
        _compare_table(
            table, [name for name in model()[table] if name not in skipped], expected.rows(table), there, found
        )
    return found


def _compare_table(table: str, names: list[str], wanted: list[Row], there: list[Row], found: Comparison) -> None:
    by_key: dict[tuple[Any, ...], Row] = {}
    for row in wanted:
        if key_of(table, row) in by_key:
            found.differ(f"{table}: two true rows with one key", str(key_of(table, row)))
        by_key[key_of(table, row)] = row
    for row in there:
        true = by_key.pop(key_of(table, row), None)
        if true is None:
            found.differ(f"{table}: a row that is not true", str(row))
            continue
        found.rows[table] += 1
        for name in names:
            found.fields[table] += 1
            if not same(true[name], row[name]):
                found.differ(f"{table}.{name}", f"{true[name]!r} became {row[name]!r} ({key_of(table, row)})")
    for key, row in by_key.items():
        found.differ(f"{table}: a true row is missing", f"{key} {row}")


def exceptions(trial: Trial) -> Iterator[tuple[str, str, str]]:
    """Yield the trial's list of exceptions: table, field or ``rows`` or ``all``, why."""
    yield "(all tables)", "rows", trial.in_scope.why
    for table, why in trial.lost_tables.items():
        yield table, "all", why
    for table, (_, why) in trial.other_rows.items():
        yield table, "rows of other rules", why
    for (table, name), why in trial.other_fields.items():
        yield table, name, why
    for table, loss in trial.lost_rows.items():
        yield table, "rows", loss.why
    for (table, name), field_loss in trial.lost_fields.items():
        yield table, name, field_loss.why
