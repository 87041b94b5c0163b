"""``omopify vocab variant``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option


@click.command(
    name="variant",
    cls=Command,
    examples={
        'omopify vocab variant "BRAF V600E"': "one name",
        'omopify vocab variant V600E "exon 19 del" --gene EGFR': "several, of a gene that they do not name",
    },
)
@click.argument("texts", nargs=-1, required=True, metavar="TEXT...")
@click.option("--gene", default="", help="The gene, if the texts do not name it.")
@click.option(
    "--biomarkers", type=click.Path(path_type=Path), help="Your list of biomarkers, instead of omopify's example."
)
@json_option
def command(texts: tuple[str, ...], gene: str, biomarkers: Path | None, as_json: bool) -> None:
    """Show how omopify understands the name of a gene variant.

    Each TEXT is one name, such as "BRAF V600E" or "NP_004324.2:p.Val600Glu"; put it into quotes.
    """
    from omopify.cli.show import emit_json, show_problems
    from omopify.errors import Problems
    from omopify.vocabulary.standards.hgvs import write
    from omopify.vocabulary.standards.lists import read_standards
    from omopify.vocabulary.standards.variants import read_variants

    problems = Problems()
    standards = read_standards(problems, biomarkers=biomarkers)
    problems.stop_if_errors()
    show_problems(problems.warnings)
    told = []
    for text in texts:
        found = read_variants().find(text, gene)
        agreed = standards.biomarker(text, gene)
        told.append(
            {
                "text": text,
                "key": found.key,
                "level": found.level,
                "gene": found.gene or None,
                "change": f"p.{write(found.changes)}" if found.changes else None,
                "kind": found.changes[0].kind if len(found.changes) == 1 else None,
                "concept_id": found.concept_id,
                "concept_name": found.concept_name or None,
                "gene_concept_id": found.gene_concept_id,
                "biomarker": agreed.id if agreed else None,
                "biomarker_name": agreed.name if agreed else None,
                "biomarker_status": agreed.status if agreed else None,
            }
        )
    if as_json:
        emit_json(told)
        return
    for place, row in enumerate(told):
        if place:
            click.echo()
        click.echo(click.style(str(row["text"]), bold=True))
        for name, value in _lines(row):
            click.echo(f"  {name:<12}{value}")


def _lines(row: Mapping[str, object]) -> list[tuple[str, str]]:
    change = f" {row['change']}" if row["change"] else ""
    kind = f", {row['kind']}" if row["kind"] else ""
    lines = [("understood", f"{row['gene'] or 'no known gene'}{change}{kind}"), ("concept", _concept(row))]
    if row["level"] in {"protein", "fusion"} and row["gene_concept_id"]:
        lines.append(("or else", f"{row['gene_concept_id']} (the gene), if the vocabulary does not have it"))
    if row["biomarker"]:
        lines.append(("in the list", f"{row['biomarker']}: {row['biomarker_name']} ({row['biomarker_status']})"))
    return lines


def _concept(row: Mapping[str, object]) -> str:
    if row["concept_id"]:
        only = " (the gene; this change leads to no concept)" if row["level"] == "gene" and row["change"] else ""
        return f"{row['concept_id']} {row['concept_name']}{only}"
    if row["level"]:
        return f"none known; try: omopify vocab search {row['gene']}"
    if row["change"] and " " not in str(row["key"]):
        return "none: the text names no gene; give it with --gene"
    return "none: not just a known gene and its alteration"
