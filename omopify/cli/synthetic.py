"""``omopify synthetic``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from omopify.cli.group import Command
from omopify.synthetic import TRIALS


@click.command(
    name="synthetic",
    cls=Command,
    examples={
        "omopify synthetic data": "40 patients of IMPRESS as CSV files, in the folder data",
        "omopify synthetic data --trial drup --patients 200 --messy": "DRUP, with the dirt of a real export",
        "omopify synthetic data --format xlsx --seed 7": "one workbook; another seed, other patients",
    },
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--trial", type=click.Choice(list(TRIALS)), default="impress", show_default=True, help="Whose export.")
@click.option("--patients", type=click.IntRange(min=1), default=40, show_default=True, help="How many subjects.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The same seed gives the same files."
)
@click.option("--messy", is_flag=True, help="Add the dirt of real exports: odd dates, decimal commas, repeated rows.")
@click.option(
    "--format",
    type=click.Choice(["csv", "xlsx"]),
    default="csv",
    show_default=True,
    help="Text files, or one workbook.",
)
def command(folder: Path, trial: str, patients: int, seed: int, messy: bool, format: Literal["csv", "xlsx"]) -> None:
    """Write a made-up export of a trial into FOLDER.

    No real patient stands behind a row, and the README.txt beside the files says so. Files of the same name are
    replaced.
    """
    from omopify.synthetic import write_export

    write_export(trial, folder, patients, seed, messy=messy, format=format)
    click.echo(f"{patients} synthetic patients in {folder}")
