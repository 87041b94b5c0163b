"""Make a clean form messy, with the dirt that real exports have, and count what was done.

Every row gets at most one kind of dirt, so that the counts are exact and a test can find each case.  Which
columns of a trial can have which dirt is the trial's :class:`Recipe`; how it is done is here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from omopify.synthetic._draw import Draw, Ints

KINDS: dict[str, str] = {
    "version collision": "two versions of one item are filled on a row",
    "missing code": "a drop-down has its text but no code",
    "missing label": "a drop-down has its code but no text",
    "missing word": "a missing value is spelled NA, N/A, nk, unknown ...",
    "trailing blank": "a text ends in blanks",
    "case variant": "a text is in lower or upper case",
    "impossible date": "a date is the 30th of February",
    "dotted date": "a date is written 06.05.2021",
    "odd date": "a date is written 2021/05/06, 20210506, 2021-5-6, 2021-UK-UK, with a time ...",
    "duplicate row": "a row stands there twice, in all columns",
    "duplicate sequence number": "two rows with different content share a sequence number",
    "AE without start date": "an adverse event has no start date",
    "grade NA": "the grade of an adverse event is the word NA",
    "unknown outcome": "the outcome of an adverse event is not in the code list",
    "unknown relation": "the relation of an adverse event is not in the list",
    "contradiction": "a value that all rows of a patient repeat differs on one of them",
    "orphan subject": "a subject has adverse events but no other form",
    "decimal comma": "a number has a comma",
    "decimal point": "a number has a point, where the export has commas",
    "decimal code": "a code is written 2.0",
    "quoted empty": 'an empty cell is written as ""',
    "mixed line ends": "a row ends in CR LF, others of its file in LF",
}
"""What a messy export may have, in the words of its README."""

_SHARE = 0.004  # of a form's rows, for each kind and each column that can have it
_MISSING_WORDS = ("NA", "N/A", "nk", "NK", "null", "unknown", "None", " NA ")

Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which dirt a trial's export can have, and where: most fields map a form to its columns."""

    subject: str  # the column of the subject's identifier
    always: Mapping[str, str]  # kind to the forms that have a case of it, so that a small export shows all
    full_date: str  # a pattern with a group for year, month and day
    odd_dates: Callable[[pl.Expr, pl.Expr, pl.Expr], list[pl.Expr]]  # other spellings of year, month, day
    impossible: Callable[[pl.Expr], pl.Expr]  # the 30th of February of a year
    other_decimal: tuple[str, str, str]  # kind, mark of the export, mark that is not
    pairs: Callable[[str], list[str]] = lambda _form: []  # drop-downs with a text and a code column
    dates: Columns = field(default_factory=dict)
    words: Columns = field(default_factory=dict)  # may hold a word for "missing"
    texts: Columns = field(default_factory=dict)
    numbers: Columns = field(default_factory=dict)
    collisions: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    replaced: Mapping[str, Sequence[tuple[str, str, pl.Expr]]] = field(default_factory=dict)  # kind, column, value
    repeated: Columns = field(default_factory=dict)  # numbers that all rows of a patient repeat
    duplicated: Sequence[str] = ()
    sequences: Mapping[str, str] = field(default_factory=dict)
    orphans: Mapping[str, pl.Expr] = field(default_factory=dict)  # names of subjects that nobody knows
    mixed_line_ends: Sequence[str] = ()

    def kinds(self) -> list[str]:
        """Return the kinds of dirt that this trial's messy export has."""
        return [kind for kind in KINDS if kind in self.always or (kind == "mixed line ends" and self.mixed_line_ends)]


def soil(frame: pl.DataFrame, form: str, seed: int, recipe: Recipe) -> tuple[pl.DataFrame, Counter[str]]:
    """Return the form made messy, and how often each kind was done (line ends are the writer's part)."""
    soiler = _Soiler(frame, form, seed, recipe)
    soiler.collide()
    soiler.break_pairs()
    soiler.misspell()
    soiler.break_dates()
    soiler.break_numbers()
    soiler.replace()
    soiler.contradict()
    soiler.repeat_rows()
    return soiler.frame, soiler.counts


def crlf_from(form: str, rows: int, recipe: Recipe) -> int:
    """Return the row from which a messy file has CR LF line ends; *rows* means nowhere."""
    return rows - rows // 4 if form in recipe.mixed_line_ends else rows


class _Soiler:
    """One form while it is made messy; remembers which rows are already dirty."""

    def __init__(self, frame: pl.DataFrame, form: str, seed: int, recipe: Recipe):
        self.frame, self.form, self.recipe = frame, form, recipe
        self.counts: Counter[str] = Counter()
        self._draw = Draw(seed, f"dirt {form}")
        self._free = np.ones(frame.height, dtype=np.bool_)

    def _rows(self, kind: str, where: pl.Expr, least: int | None = None) -> Ints:
        """Choose a few clean rows among those where the expression holds, call them dirty and count them."""
        able = self.frame.select(where.fill_null(False)).to_series().to_numpy() & self._free
        rows = np.flatnonzero(able)
        if least is None:
            least = int(self.form in self.recipe.always.get(kind, "").split() and not self.counts[kind])
        wanted = max(least, int(self.frame.height * _SHARE + self._draw.unit(1)[0]))
        chosen = np.sort(rows[np.argsort(self._draw.unit(len(rows)), kind="stable")[:wanted]])
        self._free[chosen] = False
        self.counts[kind] += len(chosen)
        return chosen

    def _change(self, kind: str, where: pl.Expr, column: str, change: pl.Expr) -> None:
        """Give a column another value on a few of the rows where the expression holds."""
        self._set(self._rows(kind, where), {column: change})

    def _set(self, rows: Ints, changes: dict[str, pl.Expr]) -> None:
        here = np.zeros(self.frame.height, dtype=np.bool_)
        here[rows] = True
        self.frame = self.frame.with_columns(
            pl.when(pl.lit(pl.Series(here))).then(value).otherwise(pl.col(column)).alias(column)
            for column, value in changes.items()
        )

    def _in_turn(self, rows: Ints, ways: list[pl.Expr]) -> pl.Expr:
        """Give the first of these rows the first way, the second the second, and so on."""
        turn = np.full(self.frame.height, -1)
        turn[rows] = (np.arange(len(rows)) + self._draw.whole(1, 0, len(ways) - 1)) % len(ways)
        at = pl.lit(pl.Series(turn))
        return pl.coalesce(pl.when(at == number).then(way) for number, way in enumerate(ways))

    def collide(self) -> None:
        """Fill a second version of an item, with the text and code of the first."""
        for one, two in self.recipe.collisions.get(self.form, []):
            # Each item has its own rule for collisions, so each gets a case.
            rows = self._rows("version collision", pl.col(one).is_not_null() | pl.col(two).is_not_null(), 1)
            columns = [version + code for version in (one, two) for code in ("", "CD")]
            both = {code: pl.coalesce(one + code, two + code) for code in ("", "CD")}
            self._set(rows, {column: both["CD" if column.endswith("CD") else ""] for column in columns})

    def break_pairs(self) -> None:
        """Lose codes or labels of up to three drop-downs, and write some codes as decimals."""
        items = [item for item in self.recipe.pairs(self.form) if self.frame[item].null_count() < self.frame.height]
        empty = pl.lit(None, pl.String)
        for at in np.argsort(self._draw.unit(len(items)), kind="stable")[:3]:
            item, code = items[at], items[at] + "CD"
            complete = pl.col(item).is_not_null() & pl.col(code).is_not_null()
            self._change("missing code", complete, code, empty)
            self._change("missing label", complete, item, empty)
            self._change("decimal code", complete, code, pl.col(code) + ".0")

    def misspell(self) -> None:
        """Spell missing values in words or as quoted empties; vary blanks and case of texts."""
        for column in self.recipe.words.get(self.form, []):
            missing = pl.col(column).is_null()
            rows = self._rows("missing word", missing)
            self._set(rows, {column: self._in_turn(rows, [pl.lit(word) for word in _MISSING_WORDS])})
            self._change("quoted empty", missing, column, pl.lit(""))
        for column in self.recipe.texts.get(self.form, []):
            text = pl.col(column)
            self._change("trailing blank", text.is_not_null(), column, text + "  ")
            for variant in (text.str.to_lowercase(), text.str.to_uppercase()):
                self._change("case variant", text != variant, column, variant)

    def break_dates(self) -> None:
        """Write dates that do not exist, or in another way."""
        for column in self.recipe.dates.get(self.form, []):
            text = pl.col(column)
            part = text.str.extract_groups(self.recipe.full_date).struct
            year, month, day = (part.field(name) for name in ("year", "month", "day"))
            full = text.str.contains(self.recipe.full_date)
            self._change("impossible date", full, column, self.recipe.impossible(year))
            self._change("dotted date", full, column, pl.concat_str(day, month, year, separator="."))
            rows = self._rows("odd date", full)
            self._set(rows, {column: self._in_turn(rows, self.recipe.odd_dates(year, month, day))})

    def break_numbers(self) -> None:
        """Write decimals with the other mark."""
        kind, mark, other = self.recipe.other_decimal
        for column in self.recipe.numbers.get(self.form, []):
            number = pl.col(column)
            changed = number.str.replace(mark, other, literal=True)
            self._change(kind, number.str.contains(rf"^-?\d+{re.escape(mark)}\d+$"), column, changed)

    def replace(self) -> None:
        """Lose values, or write what is not in the list."""
        for kind, column, value in self.recipe.replaced.get(self.form, []):
            self._change(kind, pl.col(column).is_not_null(), column, value)

    def contradict(self) -> None:
        """Change a number that all rows of a patient repeat on one of them, but the first."""
        again = ~pl.col(self.recipe.subject).is_first_distinct()
        for column in self.recipe.repeated.get(self.form, []):
            number = pl.col(column)
            self._change(
                "contradiction", again & number.is_not_null(), column, (number.cast(pl.Int64) + 1).cast(pl.String)
            )

    def repeat_rows(self) -> None:
        """Repeat rows: as they are, under a sequence number that is taken, or for a subject nobody knows."""
        again = self._rows("duplicate row", pl.lit(True)) if self.form in self.recipe.duplicated else np.arange(0)
        subject = self.recipe.subject
        nobody = self.recipe.orphans.get(self.form)
        stray = np.arange(0) if nobody is None else self._rows("orphan subject", pl.lit(True))
        if self.form in self.recipe.sequences:
            # The second of two neighbours takes over the number of the first; never three in a row.
            column = self.recipe.sequences[self.form]
            second = pl.int_range(pl.len()) % 2 == 1
            own = pl.col(subject) == pl.col(subject).shift(1)
            taken = pl.col(column).shift(1)
            self._change("duplicate sequence number", second & own & (pl.col(column) != taken), column, taken)
        orphans = self.frame[stray] if nobody is None else self.frame[stray].with_columns(nobody.alias(subject))
        order = np.sort(np.concatenate([np.arange(self.frame.height), again]))
        self.frame = pl.concat([self.frame[order], orphans])
