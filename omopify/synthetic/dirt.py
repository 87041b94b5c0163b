"""Make a clean form messy, with the dirt that real exports have, and count what was done.

Every row gets at most one kind of dirt, so that the counts are exact and a test can find each case.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl

from omopify.synthetic._draw import Draw, Ints
from omopify.synthetic.forms import pairs

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
    "orphan subject": "a subject has adverse events but no other form",
    "decimal comma": "a number has a comma",
    "decimal code": "a code is written 2.0",
    "quoted empty": 'an empty cell is written as ""',
    "mixed line ends": "a row ends in CR LF, others of its file in LF",
}
"""What a messy export has, in the words of its README."""

_SHARE = 0.004  # of a form's rows, for each kind and each column that can have it
# Forms that have at least one case of a kind, so that a small export shows all of them.
_ALWAYS = {
    "version collision": "COH VI",
    "missing code": "COH AE",
    "missing label": "AE FU",
    "missing word": "CT CM",
    "trailing blank": "CM MH",
    "case variant": "DM AE",
    "impossible date": "AE MH",
    "dotted date": "CM AE",
    "odd date": "DM TR CM",
    "duplicate row": "TR AE",
    "duplicate sequence number": "CM AE",
    "AE without start date": "AE",
    "grade NA": "AE",
    "unknown outcome": "AE",
    "orphan subject": "AE",
    "decimal comma": "TR RA",
    "decimal code": "ECOG",
    "quoted empty": "TR CM",
}
_MISSING_WORDS = ("NA", "N/A", "nk", "NK", "null", "unknown", "None", " NA ")

_DATES = {
    "DM": ["BRTHDAT"],
    "CT": ["CTSTDAT"],
    "MH": ["MHSTDAT"],
    "CM": ["CMSTDAT", "CMENDAT"],
    "AE": ["AEENDAT"],
    "TR": ["TRC1_DT", "TROSTPDT"],
    "ECOG": ["ECOGDAT"],
    "FU": ["FUPALDAT"],
}
_WORDS = {
    "COH": ["COHTTOSP"],
    "CT": ["CTTYPESP", "CTENDAT"],
    "CM": ["CMENDAT", "CMAENO"],
    "TR": ["TROSPE", "TROOTH"],
    "MH": ["MHENDAT"],
    "AE": ["SAESTDAT"],
}
_TEXTS = {
    "COH": ["COHORTNAME", "ICD10DES"],
    "DM": ["SEX"],
    "CT": ["CTTYPE"],
    "TR": ["TRNAME"],
    "CM": ["CMTRT"],
    "AE": ["AECTCAET", "AEOUT"],
    "FU": ["FUPSST"],
    "MH": ["MHTERM", "MHONGO"],
}
_NUMBERS = {
    "RA": ["RABASECH", "RARECCH"],
    "RNRSP": ["TERNCFB", "TERNCFN"],
    "TR": ["TRIVDS1", "TRDSDEL1"],
}
_COLLISIONS = {
    "COH": [
        ("COHTTYPE", "COHTTYPE__2"),
        ("COHALLO1", "COHALLO1__2"),
        ("COHALLO1__2", "COHALLO1__3"),
        ("COHALLO2", "COHALLO2__2"),
    ],
    "VI": [("VITUMA", "VITUMA__2")],
}
_DUPLICATED = ("DM", "ECOG", "TR", "CM", "AE", "MH")
_SEQUENCES = {"AE": "AESPID", "CM": "CMSPID", "MH": "MHSPID", "CT": "CTSPID"}
_MIXED_LINE_ENDS = ("AE", "CM", "MH")


def soil(frame: pl.DataFrame, form: str, seed: int) -> tuple[pl.DataFrame, Counter[str]]:
    """Return the form made messy, and how often each kind was done (line ends are the writer's part)."""
    soiler = _Soiler(frame, form, seed)
    soiler.collide()
    soiler.break_pairs()
    soiler.misspell()
    soiler.break_dates()
    soiler.break_numbers()
    if form == "AE":
        soiler.break_adverse_events()
    soiler.repeat_rows()
    return soiler.frame, soiler.counts


def crlf_from(form: str, rows: int) -> int:
    """Return the row from which a messy file has CR LF line ends; *rows* means nowhere."""
    return rows - rows // 4 if form in _MIXED_LINE_ENDS else rows


class _Soiler:
    """One form while it is made messy; remembers which rows are already dirty."""

    def __init__(self, frame: pl.DataFrame, form: str, seed: int):
        self.frame, self.form = frame, form
        self.counts: Counter[str] = Counter()
        self._draw = Draw(seed, f"dirt {form}")
        self._free = np.ones(frame.height, dtype=np.bool_)

    def _rows(self, kind: str, where: pl.Expr, least: int | None = None) -> Ints:
        """Choose a few clean rows among those where the expression holds, call them dirty and count them."""
        able = self.frame.select(where.fill_null(False)).to_series().to_numpy() & self._free
        rows = np.flatnonzero(able)
        if least is None:
            least = int(self.form in _ALWAYS[kind].split() and not self.counts[kind])
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
        for one, two in _COLLISIONS.get(self.form, []):
            # Each item has its own rule for collisions, so each gets a case.
            rows = self._rows("version collision", pl.col(one).is_not_null() | pl.col(two).is_not_null(), 1)
            columns = [version + code for version in (one, two) for code in ("", "CD")]
            both = {code: pl.coalesce(one + code, two + code) for code in ("", "CD")}
            self._set(rows, {column: both["CD" if column.endswith("CD") else ""] for column in columns})

    def break_pairs(self) -> None:
        """Lose codes or labels of up to three drop-downs, and write some codes as decimals."""
        items = [item for item in pairs(self.form) if self.frame[item].null_count() < self.frame.height]
        empty = pl.lit(None, pl.String)
        for at in np.argsort(self._draw.unit(len(items)), kind="stable")[:3]:
            item, code = items[at], items[at] + "CD"
            complete = pl.col(item).is_not_null() & pl.col(code).is_not_null()
            self._change("missing code", complete, code, empty)
            self._change("missing label", complete, item, empty)
            self._change("decimal code", complete, code, pl.col(code) + ".0")

    def misspell(self) -> None:
        """Spell missing values in words or as quoted empties; vary blanks and case of texts."""
        for column in _WORDS.get(self.form, []):
            missing = pl.col(column).is_null()
            rows = self._rows("missing word", missing)
            self._set(rows, {column: self._in_turn(rows, [pl.lit(word) for word in _MISSING_WORDS])})
            self._change("quoted empty", missing, column, pl.lit(""))
        for column in _TEXTS.get(self.form, []):
            text = pl.col(column)
            self._change("trailing blank", text.is_not_null(), column, text + "  ")
            for variant in (text.str.to_lowercase(), text.str.to_uppercase()):
                self._change("case variant", text != variant, column, variant)

    def break_dates(self) -> None:
        """Write dates that do not exist, or in another way."""
        for column in _DATES.get(self.form, []):
            text = pl.col(column)
            year, month, day = text.str.slice(0, 4), text.str.slice(5, 2), text.str.slice(8, 2)
            full = text.str.contains(r"^\d{4}-\d{2}-\d{2}$")
            self._change("impossible date", full, column, year + "-02-30")
            self._change("dotted date", full, column, pl.concat_str(day, month, year, separator="."))
            rows = self._rows("odd date", full)
            ways = [
                text.str.replace_all("-", "/"),
                text.str.replace_all("-", ""),
                pl.concat_str(year, month.str.strip_prefix("0"), day.str.strip_prefix("0"), separator="-"),
                text + " 00:00",
                text + " ",
                year + "-UK-UK",
                year + "-NK",
                text.str.slice(2),
                pl.lit("0000"),
            ]
            self._set(rows, {column: self._in_turn(rows, ways)})

    def break_numbers(self) -> None:
        """Write decimals with a comma."""
        for column in _NUMBERS.get(self.form, []):
            number = pl.col(column)
            comma = number.str.replace(".", ",", literal=True)
            self._change("decimal comma", number.str.contains(r"^-?\d+\.\d+$"), column, comma)

    def break_adverse_events(self) -> None:
        """Lose start dates, and write grades and outcomes that are not in the list."""
        start, outcome = pl.col("AESTDAT"), pl.col("AEOUT")
        self._change("AE without start date", start.is_not_null(), "AESTDAT", pl.lit(None, pl.String))
        self._change("grade NA", pl.lit(True), "AETOXGRECD", pl.lit("NA"))
        self._change("unknown outcome", outcome.is_not_null(), "AEOUT", pl.lit("Improved, ongoing"))

    def repeat_rows(self) -> None:
        """Repeat rows: as they are, under a sequence number that is taken, or for a subject nobody knows."""
        again = self._rows("duplicate row", pl.lit(True)) if self.form in _DUPLICATED else np.arange(0)
        stray = self._rows("orphan subject", pl.lit(True)) if self.form == "AE" else np.arange(0)
        if self.form in _SEQUENCES:
            # The second of two neighbours takes over the number of the first; never three in a row.
            column = _SEQUENCES[self.form]
            second = pl.int_range(pl.len()) % 2 == 1
            own = pl.col("SubjectId") == pl.col("SubjectId").shift(1)
            taken = pl.col(column).shift(1)
            self._change("duplicate sequence number", second & own & (pl.col(column) != taken), column, taken)
        # No site has the letter Q, so nobody of this name is in another form.
        nobody = pl.format("Q_{}_1", pl.int_range(pl.len()) % 1000 + 9000)
        orphans = self.frame[stray].with_columns(nobody.alias("SubjectId"))
        order = np.sort(np.concatenate([np.arange(self.frame.height), again]))
        self.frame = pl.concat([self.frame[order], orphans])
