"""``omopify vocab``: everything about the vocabulary and the mappings to it."""

from __future__ import annotations

import click

from omopify.cli.group import Commands

SECTIONS = {
    "The vocabulary": {
        "load": "Load an Athena download into one vocabulary file.",
        "info": "Show what a vocabulary file holds.",
        "diff": "Show what a new release changes for a project.",
    },
    "Concepts": {
        "search": "Find concepts by words, codes or synonyms.",
        "show": "Show one concept and everything around it.",
        "variant": "Show how the name of a gene variant is understood.",
    },
    "Concept files": {
        "suggest": "Propose concepts for values that have none.",
        "check": "Check every concept id of a project's maps and concept files.",
        "import": "Turn another mapping file into a concept file.",
        "export": "Write a concept file as SSSOM or SOURCE_TO_CONCEPT_MAP.",
    },
}


@click.command(cls=Commands, sections=SECTIONS, package="omopify.cli.vocab")
def command() -> None:
    """Load the vocabulary, look concepts up, map terms and check mappings."""
