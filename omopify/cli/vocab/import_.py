"""``omopify vocab import``."""

from __future__ import annotations

from pathlib import Path

import click

from omopify.cli.group import Command

ASSUMED = {
    "usagi": "",
    "review": "It is Usagi's export for review: who approved a row, and when, is not in it.",
    "stcm": "It is a SOURCE_TO_CONCEPT_MAP: its valid rows are taken as approved, those that are not valid today are "
    "INVALID_TARGET; whether a target is a value or a unit is not in it.",
    "plain": "It is a table of terms and concept ids: nobody has approved it, so its rows are UNCHECKED "
    "(--approved-by NAME says who has).",
    "sssom": "It is SSSOM: rows with a reviewer, and those made by hand, are taken as approved.",
}
"""What is said of each format, as ``ConceptFile.kind`` has it."""


@click.command(
    name="import",
    cls=Command,
    examples={
        "omopify vocab import usagi.csv --out concepts/drugs.csv": "a file that Usagi has saved",
        "omopify vocab import stcm.csv --out concepts/drugs.csv --replace": "write over the file that is there",
        'omopify vocab import codes.csv --out sites.csv --approved-by "K. N."': "a table of terms and concept ids",
    },
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The concept file to write.")
@click.option("--approved-by", metavar="NAME", help="Take all rows with a concept as approved by this person.")
@click.option("--replace", is_flag=True, help="Write over the file --out names, if there is one.")
def command(file: Path, out: Path, approved_by: str | None, replace: bool) -> None:
    """Turn another mapping file into a concept file.

    FILE may be Usagi's (any version, also its export for review), a SOURCE_TO_CONCEPT_MAP, a table with the columns
    source_value and concept_id, or SSSOM; with commas, semicolons or tabs. The result is what Usagi itself saves.
    """
    from collections import Counter

    from omopify.cli.show import show_problems
    from omopify.errors import OmopifyError, Problem, Problems
    from omopify.specs.project import shown
    from omopify.vocabulary.files.concept_files import for_usagi, read_concept_file, write_concept_file
    from omopify.vocabulary.files.exchange import approve

    if out.exists() and not replace:
        hint = "give another name, or --replace to write over it"
        raise OmopifyError(Problem("OM639", f"there is already a file '{shown(out)}'", hint=hint))
    problems = Problems()
    found = read_concept_file(file, problems)
    problems.stop_if_errors()
    assert found is not None
    show_problems(problems.warnings)
    result = for_usagi(found)
    if approved_by:
        result = approve(result, approved_by)
    write_concept_file(result, out)
    states = Counter(row.status for row in result.rows)
    terms = len({row.term for row in result.rows})
    counts = ", ".join(f"{number} {status}" for status, number in states.most_common())
    rows = f"{len(result.rows)} row{'s' * (len(result.rows) != 1)} for {terms} term{'s' * (terms != 1)}"
    click.echo(f"{rows}: {counts or 'none'}")
    if ASSUMED[found.kind] and not approved_by:
        click.echo(ASSUMED[found.kind])
    kept = sorted({key for row in found.rows for key, text in row.extra.items() if text.strip()})
    if kept:
        click.echo(f"Columns that Usagi does not know are kept as additional information: {', '.join(kept)}")
    click.echo(shown(out))
