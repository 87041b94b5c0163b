"""A dialect: how one trial writes the truth down.

To add a trial's dialect:

1. write a module of this package that ends in ``DIALECT = Dialect(...)``: the forms with their header rows, a
   function that renders one form as a frame of text (from :class:`~omopify.synthetic.truth.Truth`, or from the
   shared tables of :func:`omopify.synthetic.dsp_truth`), and the recipe of its dirt;
2. name the module in ``TRIALS`` of ``omopify/synthetic/__init__.py``: ``omopify synthetic`` then offers it;
3. say in ``tests/roundtrip`` how the trial spells the truth and what it cannot carry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from omopify.synthetic.dirt import Recipe
from omopify.synthetic.truth import Truth


@dataclass(frozen=True, slots=True)
class Dialect:
    """The shape of a trial's export; one form or table is one CSV file, or one worksheet of a workbook."""

    shape: str  # in words, for the README
    workbook: str  # the stem of the workbook
    file: str  # the stem of a form's CSV file, with {form}
    headers: dict[str, list[list[str]]]  # the rows above the data, by form; the last one holds the column ids
    render: Callable[[Truth, str], pl.DataFrame]
    made_up: str  # what is not published, and therefore ours
    dirt: Recipe
    separator: str = ","
