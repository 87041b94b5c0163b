"""Synthetic trial exports: made-up patients, in the exact shape of a real trial's export.

:func:`write_export` writes an export of IMPRESS-Norway (eCRF forms, Viedoc style) or DRUP (one wide table) for
tests, examples and demonstrations.  No real patient stands behind a row, and every file says so.  The steps are
open to tests: :func:`draw_truth` draws what happened, :func:`dsp_truth` says it in the shared variables of the
trials, and a dialect (``omopify.synthetic.dialect``) writes it down as one trial does.

Nothing heavy is imported until a function is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

    from omopify.synthetic.truth import Truth

__all__ = ["TRIALS", "columns", "draw_truth", "dsp_truth", "render_impress", "write_export", "write_impress"]

TRIALS = {"impress": "omopify.synthetic.impress", "drup": "omopify.synthetic.drup"}
"""The trials whose exports can be made up: name to the module of their dialect."""


def write_export(
    trial: str,
    folder: Path,
    patients: int,
    seed: int = 1,
    *,
    messy: bool = False,
    format: Literal["csv", "xlsx"] = "csv",
) -> None:
    """Write a synthetic export of *patients* subjects of a trial of ``TRIALS`` and a README.txt into *folder*.

    ``csv`` writes one file a form (``SYNTHETIC_IMPRESS_AE.csv``, ``SYNTHETIC_DRUP.csv``), ``xlsx`` one workbook
    with a worksheet a form; both hold text only.  *messy* adds the dirt of real exports in small shares and
    counts it in the README.  The same patients, seed and options give the same bytes; another number of
    patients gives other patients.  Both trials tell of the same patients.  Files of the same name are replaced.
    """
    from omopify.synthetic.export import write

    write(trial, folder, patients, seed, messy=messy, format=format)


def write_impress(
    folder: Path,
    patients: int,
    seed: int = 1,
    *,
    messy: bool = False,
    format: Literal["csv", "xlsx"] = "csv",
) -> None:
    """Write a synthetic export of IMPRESS-Norway; see :func:`write_export`."""
    write_export("impress", folder, patients, seed, messy=messy, format=format)


def draw_truth(patients: int, seed: int = 1) -> Truth:
    """Draw the true courses of made-up patients, before any trial's spelling."""
    from omopify.synthetic import truth

    return truth.draw_truth(patients, seed)


def dsp_truth(truth: Truth) -> dict[str, pl.DataFrame]:
    """Say the truth in the shared variables: the name of each shared table to its rows."""
    from omopify.synthetic import dsp

    return dsp.dsp_truth(truth)


def render_impress(truth: Truth) -> dict[str, pl.DataFrame]:
    """Write the truth down as the 18 IMPRESS forms: form name to a frame of text, all clean."""
    from omopify.synthetic import impress

    return impress.render_impress(truth)


def columns() -> dict[str, dict[str, str]]:
    """Return the contract of the IMPRESS export: form name to its column ids, in order, with their labels."""
    from omopify.synthetic.forms import FORMS

    return {form: dict(labels) for form, labels in FORMS.items()}
