"""The program: its commands, and what stands before them."""

from __future__ import annotations

import sys

import click

from omopify import __version__
from omopify.cli.group import Program

COMMANDS = {
    "init": "Begin a project: ask what is needed, and write one that runs.",
    "scan": "Look through an export: what each column holds, and what it could become.",
    "check": "Check maps against the export, without reading a row of it.",
    "test": "Run the given/expect rows that stand beside the maps.",
    "plan": "Say what a run would do differently from the last one.",
    "run": "Convert an export into an OMOP CDM.",
    "diff": "Say what a result has that the one before had not, and why.",
    "trace": "Follow a row: from OMOP back to the eCRF, or from the eCRF forward.",
    "quality": "Check a result, judge it, and write the quality report.",
    "sign-off": "Sign the quality report, or see whether a signature still holds.",
    "docs": "Write the mapping as a document for people, from what runs.",
    "review": "Say what nobody has approved yet, or approve it.",
    "vocab": "Load the vocabulary, look concepts up, map terms and check mappings.",
    "sql": "Show the SQL that maps compile to.",
    "schema": "Write the JSON Schema of the files that stewards write.",
    "synthetic": "Write a made-up export of the IMPRESS trial.",
    "doctor": "Say whether all is in place, and what is missing.",
    "completion": "Set up completion of commands and options in your shell.",
}


@click.command(
    cls=Program, listed=COMMANDS, package="omopify.cli", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, "-V", "--version", message="omopify %(version)s")
@click.option("--debug", is_flag=True, help="Show the full trace of an error. It may contain data.")
def main(debug: bool) -> None:
    """Turn a trial's eCRF export into the OMOP CDM v5.4, with every row accounted for."""
    del debug


if __name__ == "__main__":
    sys.exit(main())
