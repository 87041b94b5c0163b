"""The program: its commands, and what stands before them."""

from __future__ import annotations

import sys

import click

from omopify import __version__
from omopify.cli.group import Program

SECTIONS = {
    "Begin": {
        "init": "Begin a project: ask what is needed, and write one that runs.",
        "scan": "Look through an export: what columns hold, and may become.",
        "synthetic": "Write a made-up export of a trial.",
    },
    "Write maps": {
        "check": "Check maps against the export, without reading a row of it.",
        "test": "Run the given/expect rows that stand beside the maps.",
        "sql": "Show the SQL that maps compile to.",
        "schema": "Write the JSON Schema of the files that stewards write.",
    },
    "Run and look": {
        "plan": "Say what a run would do differently from the last one.",
        "run": "Convert an export into an OMOP CDM.",
        "diff": "Say what a result has that the one before had not, and why.",
        "trace": "Follow a row from OMOP back to the eCRF, or forward.",
    },
    "Approve and hand over": {
        "quality": "Check a result, judge it, and write the quality report.",
        "docs": "Write the mapping as a document for people, from what runs.",
        "review": "Say what nobody has approved yet, or approve it.",
        "sign-off": "Sign the quality report, or see whether a signature still holds.",
    },
    "Vocabulary": {
        "vocab": "Load the vocabulary, find concepts, map terms, check mappings.",
    },
    "Tools": {
        "doctor": "Say whether all is in place, and what is missing.",
        "completion": "Set up completion of commands and options in your shell.",
    },
}
"""What is typed behind ``omopify``, in the order in which a steward comes to it."""

COMMANDS = {name: line for commands in SECTIONS.values() for name, line in commands.items()}


@click.command(
    cls=Program,
    sections=SECTIONS,
    package="omopify.cli",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="'omopify help COMMAND' says more about a command, with examples. PROJECT, a folder with a file "
    "omopify.yaml, is the folder you are in if you do not name one.",
)
@click.version_option(__version__, "-V", "--version", message="omopify %(version)s")
@click.option("--debug", is_flag=True, help="Show the full trace of an error. It may contain data.")
def main(debug: bool) -> None:
    """Turn a trial's eCRF export into the OMOP CDM v5.4, with every row accounted for."""
    del debug


if __name__ == "__main__":
    sys.exit(main())
