"""``omopify vocab search``."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from omopify.cli.completing import domain_names, vocabulary_names
from omopify.cli.group import Command
from omopify.cli.options import json_option, size
from omopify.cli.vocab._lines import vocabulary_option

if TYPE_CHECKING:
    from omopify.engines.duckdb import DuckDB
    from omopify.vocabulary.search.search import Filters, Found, Hit


@click.command(
    name="search",
    cls=Command,
    examples={
        'omopify vocab search "lung adenocarcinoma"': "by words",
        "omopify vocab search C34.1 --in ICD10CM": "by a code of one vocabulary",
        "omopify vocab search osimertinib --domain Drug --standard": "only what an event may say",
    },
)
@click.argument("text")
@vocabulary_option
@click.option(
    "--domain",
    "domains",
    multiple=True,
    metavar="D",
    shell_complete=domain_names,
    help="Only this domain, such as Drug. Repeatable.",
)
@click.option(
    "--in",
    "vocabularies",
    multiple=True,
    metavar="V",
    shell_complete=vocabulary_names,
    help="Only this vocabulary, such as SNOMED.",
)
@click.option("--class", "classes", multiple=True, metavar="C", help="Only this concept class.")
@click.option("--standard", is_flag=True, help="Standard concepts only.")
@click.option("--all", "retired", is_flag=True, help="Retired concepts as well.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many concepts at most.")
@click.option(
    "--memory-limit", callback=size, metavar="SIZE", help="The most memory for building the index.  [default: 2GB]"
)
@json_option
def command(
    text: str,
    vocabulary: str | None,
    domains: tuple[str, ...],
    vocabularies: tuple[str, ...],
    classes: tuple[str, ...],
    standard: bool,
    retired: bool,
    limit: int,
    memory_limit: str | None,
    as_json: bool,
) -> None:
    """Find concepts for TEXT: words, the beginning of a name, a synonym, a code or a concept id.

    Misspelt words are repaired, and words of the trials' languages are put in English. The index that makes it
    fast is built when a vocabulary is searched for the first time.
    """
    from omopify.cli.show import emit_json, progress, show_problems
    from omopify.errors import Problems
    from omopify.vocabulary.loading.chosen import chosen_vocabulary
    from omopify.vocabulary.search.index import open_search
    from omopify.vocabulary.search.search import Filters, check_filters, search

    problems = Problems()
    with progress() as say:
        chosen = chosen_vocabulary(vocabulary, problems, say)
        with open_search(chosen.path, say, memory_limit) as database:
            filters = Filters(domains, vocabularies, classes, standard, valid=not retired)
            filters = check_filters(database, filters, problems)
            problems.stop_if_errors()
            found = search(database, text, filters, limit)
            others = () if found.hits else _left_out(database, text, filters)
    show_problems(problems.warnings)
    if as_json:
        release = {"path": str(chosen.path), "release": chosen.release}
        emit_json(_json(text, release, filters, found))
    else:
        _show(text, filters, found, others)


def _left_out(database: DuckDB, text: str, filters: Filters) -> tuple[Hit, ...]:
    """Return what would be found without the filters."""
    from omopify.vocabulary.search.search import Filters, search

    everything = Filters(valid=False)
    return search(database, text, everything, 100).hits if filters != everything else ()


def _json(text: str, vocabulary: dict[str, str], filters: Filters, found: Found) -> dict[str, Any]:
    reading = found.reading
    return {
        "query": text,
        "vocabulary": vocabulary,
        "filters": asdict(filters),
        "read_as": {"text": reading.text, "why": reading.why} if reading else None,
        "corrections": [{"word": word, "taken": list(taken)} for word, taken in found.corrections],
        "near": list(found.near),
        "hits": [_hit(hit) for hit in found.hits],
    }


def _hit(hit: Hit) -> dict[str, Any]:
    targets = [{"concept_id": concept_id, "concept_name": name} for concept_id, name in hit.maps_to]
    return asdict(hit) | {"valid": hit.valid, "maps_to": targets}


def _show(text: str, filters: Filters, found: Found, others: tuple[Hit, ...]) -> None:
    from rich.table import Table
    from rich.text import Text

    from omopify.cli.show import console
    from omopify.cli.vocab._lines import facts

    out = console()
    if found.reading:
        out.print(Text(f"read as '{found.reading.text}' ({found.reading.why})", style="dim"))
    for word, taken in found.corrections:
        if taken:
            out.print(Text(f"no name has '{word}': taken for {', '.join(taken[:4])}", style="dim"))
    left_out = [word for word, taken in found.corrections if not taken]
    if left_out and found.hits:
        out.print(Text(f"no name has '{' '.join(left_out)}': left out", style="dim"))
    if not found.hits:
        out.print(Text(f"nothing found for '{text[:60]}'"))
        if found.near:
            out.print(Text(f"the vocabulary has: {', '.join(found.near)}"))
        out.print(Text(_advice(filters, others)))
        return
    lines = Table.grid(padding=(0, 2))
    lines.add_column(justify="right", style="bold", no_wrap=True)
    lines.add_column(overflow="fold")
    for hit in found.hits:
        said = f"synonym '{hit.matched}'" if hit.kind == "synonym" else ""
        name = Text(f"{hit.concept_name}\n", style="" if hit.valid else "dim")
        cell = name + facts(hit, said)
        for concept_id, target in hit.maps_to:
            cell.append(f"\n→ {concept_id} {target}", style="not dim")
        lines.add_row(str(hit.concept_id), cell)
    out.print(lines)


def _advice(filters: Filters, others: tuple[Hit, ...]) -> str:
    """Say what would be found without the filters, or what else can be done."""
    if not others:
        return "try fewer or other words, an English name, or the beginning of a word"
    if filters.valid and all(not hit.valid for hit in others):
        return f"{len(others)} retired concepts fit; --all shows them"
    counts = Counter(f"{hit.domain_id} in {hit.vocabulary_id}" for hit in others)
    some = ", ".join(f"{name} ({number})" for name, number in counts.most_common(5))
    return f"without the filters there is: {some}"
