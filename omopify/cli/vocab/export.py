"""``omopify vocab export``."""

from __future__ import annotations

from pathlib import Path

import click

from omopify.cli.group import Command


@click.command(
    name="export",
    cls=Command,
    examples={
        "omopify vocab export drugs.csv --sssom drugs.sssom.tsv": "approved rows, for anybody",
        "omopify vocab export drugs.csv --stcm stcm.csv --vocabulary-id IMPRESS": "for the CDM's own table",
    },
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--sssom", type=click.Path(path_type=Path), metavar="OUT", help="Write SSSOM (.sssom.tsv).")
@click.option("--stcm", type=click.Path(path_type=Path), metavar="OUT", help="Write a SOURCE_TO_CONCEPT_MAP (CSV).")
@click.option("--all", "everything", is_flag=True, help="Also write rows that nobody has approved (SSSOM only).")
@click.option("--set-id", default="", metavar="URI", help="SSSOM: the web address that names this set of mappings.")
@click.option("--license", "licence", default="", metavar="URI", help="SSSOM: the licence; unspecified if not given.")
@click.option("--vocabulary-id", metavar="NAME", help="STCM: the name of your own vocabulary, 20 characters at most.")
@click.option("--vocabulary", metavar="FILE", help="STCM: the vocabulary file that knows the targets.")
def command(
    file: Path,
    sssom: Path | None,
    stcm: Path | None,
    everything: bool,
    set_id: str,
    licence: str,
    vocabulary_id: str | None,
    vocabulary: str | None,
) -> None:
    """Write the approved rows of a concept file as SSSOM or SOURCE_TO_CONCEPT_MAP.

    Frequencies stay at home: they are counts of patients' records. Terms and comments are written as they are.
    """
    from omopify.cli.show import progress, show_problems
    from omopify.errors import Location, Problems
    from omopify.specs.project import shown
    from omopify.vocabulary.files import exchange
    from omopify.vocabulary.files.concept_files import read_concept_file

    if not sssom and not stcm:
        raise click.UsageError("say what to write: --sssom OUT or --stcm OUT")
    for option, address in (("--set-id", set_id), ("--license", licence)):
        if address and "://" not in address:
            raise click.UsageError(f"{option} is a web address, such as https://creativecommons.org/licenses/by/4.0/")
    if stcm and not vocabulary_id:
        raise click.UsageError("--stcm needs --vocabulary-id NAME, the name of your own vocabulary")
    if stcm and everything:
        raise click.UsageError(
            "--all is for --sssom: a SOURCE_TO_CONCEPT_MAP has no word for a row nobody has approved"
        )
    problems = Problems()
    found = read_concept_file(file, problems)
    problems.stop_if_errors()
    assert found is not None
    rows = exchange.exported(found, everything)
    if not rows:
        hint = "approve rows in Usagi or a spreadsheet" + ("" if everything or stcm else ", or use --all")
        problems.add("OM639", "no row is approved", Location(shown(file)), hint)
    problems.stop_if_errors()
    outputs: dict[Path, bytes] = {}
    if sssom:
        words = exchange.SetWords(file.name.partition(".")[0], set_id, licence or exchange.UNSPECIFIED)
        outputs[sssom] = exchange.sssom(rows, words)
    if stcm:
        from omopify.vocabulary.loading.chosen import chosen_vocabulary

        with progress() as say:
            known = exchange.target_vocabularies(rows, chosen_vocabulary(vocabulary, problems, say).path)
        outputs[stcm] = exchange.stcm(rows, vocabulary_id or "", known, file, problems)
    problems.stop_if_errors()
    show_problems(problems.warnings)
    for out, content in outputs.items():
        exchange.put(content, out)
    if sssom:
        click.echo(f"{_rows(len(rows))}: {shown(sssom)}")
    if stcm:
        left = sum(row.mapping_type != "MAPS_TO" for row in rows)
        note = f" (without {_rows(left)} for values and units: the table has no word for them)" if left else ""
        click.echo(f"{_rows(len(rows) - left)}{note}: {shown(stcm)}")
    waiting = len(found.rows) - len(rows)
    if waiting:
        click.echo(
            f"{_rows(waiting)} {'is' if waiting == 1 else 'are'} not approved and stay{'s' * (waiting == 1)} here"
        )


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
