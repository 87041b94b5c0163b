"""``omopify sign-off``."""

from __future__ import annotations

from pathlib import Path

import click


def _name(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and (not value.strip() or not value.isprintable()):
        raise click.BadParameter("write your name")
    return value.strip() if value else None


@click.command(name="sign-off")
@click.argument("project", type=click.Path(path_type=Path))
@click.option("--by", metavar="NAME", callback=_name, help="Who has read the report and answers for the delivery.")
@click.option("--check", is_flag=True, help="Only say whether a signature holds; ends with 3 if none does.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the result is, instead of the project's 'out:'.")
@click.pass_context
def command(context: click.Context, project: Path, by: str | None, check: bool, out: Path | None) -> None:
    """Sign the quality report of PROJECT's result.

    Recorded are the name, the time, the waivers, and the hashes of the report, of what was found and of the data. Any
    later change of one of them makes the signature void. What was delivered is kept beside the key register, so that
    the next delivery can be compared with it.
    """
    from datetime import UTC, datetime

    from omopify.cli.assessing import open_place, pages, show_sign_off
    from omopify.cli.show import progress
    from omopify.quality.gate import HELD_UP, PASSED
    from omopify.quality.signoff import SIGN_OFF, sign, state
    from omopify.specs.project import shown

    if check == (by is not None):
        raise click.UsageError("write --by NAME to sign, or --check to see whether a signature holds")
    loaded, place = open_place(project, out)
    if loaded is None:
        raise click.UsageError("only a project's result can be signed off")
    if by is not None:
        with progress() as say:
            say("signing")
            sign(place, by, datetime.now(UTC), pages(place))
    found = state(place)
    if found.status == "unsigned":
        click.echo("nobody has signed this result off")
    show_sign_off(found)
    if by is not None:
        click.echo(shown(place.folder / SIGN_OFF))
    context.exit(PASSED if found.status == "signed" else HELD_UP)
