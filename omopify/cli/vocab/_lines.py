"""What search and show have in common: which vocabulary is meant, and how concepts are written on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import click

if TYPE_CHECKING:
    from rich.text import Text


vocabulary_option = click.option(
    "--vocabulary",
    metavar="FILE",
    help="A file of 'vocab load', an Athena download, or 'starter'. Without it: the variable OMOPIFY_VOCABULARY, "
    "the project in this folder, or the starter.",
)


class Described(Protocol):
    """What is known of a concept wherever it is written."""

    @property
    def domain_id(self) -> str: ...
    @property
    def vocabulary_id(self) -> str: ...
    @property
    def concept_code(self) -> str: ...
    @property
    def standard_concept(self) -> str | None: ...
    @property
    def invalid_reason(self) -> str | None: ...


def facts(concept: Described, *more: str) -> Text:
    """Write vocabulary and code, domain, and whether the concept is standard, as Athena's own pages put it."""
    from rich.text import Text

    line = Text(f"{concept.vocabulary_id} {concept.concept_code} · {concept.domain_id} · ", style="dim")
    words = {"S": ("standard", "green"), "C": ("classification", "cyan")}
    word, style = words.get(concept.standard_concept or "", ("non-standard", "yellow"))
    word, style = ("retired", "red") if concept.invalid_reason else (word, style)
    line.append(word, style=f"not dim {style}")
    for text in filter(None, more):
        line.append(f" · {text}")
    return line
