"""How Viedoc exports cells: drop-downs as a text and a code, dates with ``NK``, padded numbers."""

from __future__ import annotations

import polars as pl

from omopify.synthetic._options import Options

Columns = dict[str, pl.Expr]


def text(column: str, words: dict[str, str]) -> pl.Expr:
    """Render a word as the text that stands for it."""
    return pl.col(column).replace_strict(words, default=None, return_dtype=pl.String)


def pair(item: str, column: str, options: Options) -> Columns:
    """Render a word as a drop-down: its text, and its code in the item's ``CD`` column."""
    codes = {word: code for word, (code, _) in options.items()}
    return {
        item: text(column, {word: label for word, (_, label) in options.items()}),
        item + "CD": pl.col(column).replace_strict(codes, default=None, return_dtype=pl.Int64),
    }


def numbers(item: str, column: str, labels: dict[int, str]) -> Columns:
    """Render a number as a drop-down whose code is the number."""
    return {
        item: pl.col(column).replace_strict(labels, default=None, return_dtype=pl.String),
        item + "CD": pl.col(column),
    }


def yes(column: str) -> pl.Expr:
    """Render a truth value as Yes or No."""
    return pl.when(pl.col(column)).then(pl.lit("Yes")).when(~pl.col(column)).then(pl.lit("No"))


def yes_pair(item: str, column: str) -> Columns:
    """Render a truth value as a drop-down, 1 for yes."""
    return {item: yes(column), item + "CD": pl.col(column).cast(pl.Int8)}


def date(column: str, known: str = "") -> pl.Expr:
    """Write a date, or with ``NK`` for the parts that the site does not know."""
    text = pl.col(column).dt.to_string("%Y-%m-%d")
    if not known:
        return text
    return (
        pl.when(pl.col(known) == "month")
        .then(text.str.head(7) + "-NK")
        .when(pl.col(known) == "year")
        .then(text.str.head(4) + "-NK-NK")
        .otherwise(text)
    )


def number(column: str) -> pl.Expr:
    """Write a number without a needless ``.0``."""
    return pl.col(column).cast(pl.String).str.strip_suffix(".0")


def padded(column: str) -> pl.Expr:
    """Write a sequence number with two digits."""
    return pl.col(column).cast(pl.String).str.zfill(2)
