"""Synthetic trial exports: made-up patients, in the exact shape of a real trial's eCRF export.

:func:`write_impress` writes an IMPRESS-Norway export (Viedoc style) for tests, examples and demonstrations.
No real patient stands behind a row, and every file says so.  The two steps are open to tests:
:func:`draw_truth` draws what happened, :func:`render_impress` writes it down as the trial's forms do.

Nothing heavy is imported until a function is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

    from omopify.synthetic.truth import Truth

__all__ = ["columns", "draw_truth", "render_impress", "write_impress"]


def write_impress(
    folder: Path,
    patients: int,
    seed: int = 1,
    *,
    messy: bool = False,
    format: Literal["csv", "xlsx"] = "csv",
) -> None:
    """Write a synthetic IMPRESS-Norway export of *patients* subjects and a README.txt into *folder*.

    ``csv`` writes one file a form (``SYNTHETIC_IMPRESS_AE.csv``), ``xlsx`` one workbook with a worksheet a
    form; both have two header rows, labels and column ids, and hold text only.  *messy* adds the dirt of
    real exports in small shares and counts it in the README.  The same patients, seed and options give
    the same bytes; another number of patients gives other patients.  Files of the same name are replaced.
    """
    from omopify.synthetic.export import write

    write(folder, patients, seed, messy=messy, format=format)


def draw_truth(patients: int, seed: int = 1) -> Truth:
    """Draw the true courses of made-up patients, before any trial's spelling."""
    from omopify.synthetic import truth

    return truth.draw_truth(patients, seed)


def render_impress(truth: Truth) -> dict[str, pl.DataFrame]:
    """Write the truth down as the 18 IMPRESS forms: form name to a frame of text, all clean."""
    from omopify.synthetic import impress

    return impress.render_impress(truth)


def columns() -> dict[str, dict[str, str]]:
    """Return the contract of the IMPRESS export: form name to its column ids, in order, with their labels."""
    from omopify.synthetic.forms import FORMS

    return {form: dict(labels) for form, labels in FORMS.items()}
