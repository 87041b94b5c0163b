"""``omopify sign-off``."""

from __future__ import annotations

from pathlib import Path

import click

from omopify.cli.group import Command
from omopify.cli.options import json_option, project_argument


def person(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Accept a person's name, as the callback of an option."""
    if value is not None and (not value.strip() or not value.isprintable()):
        raise click.BadParameter("write your name")
    return value.strip() if value else None


@click.command(
    name="sign-off",
    cls=Command,
    examples={
        'omopify sign-off --by "Kari Nordmann"': "sign the report that you have read",
        "omopify sign-off --check": "before a delivery: does the signature hold?",
    },
)
@project_argument
@click.option("--by", metavar="NAME", callback=person, help="Who has read the report and answers for the delivery.")
@click.option(
    "--check",
    is_flag=True,
    help="Only say whether a signature holds; ends with 3 if none does, or if it is of a draft.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Where the result is, instead of the project's 'out:'.")
@json_option
@click.pass_context
def command(
    context: click.Context, project: Path, by: str | None, check: bool, out: Path | None, as_json: bool
) -> None:
    """Sign the quality report of PROJECT's result.

    Recorded are the name, the time, the waivers, and the hashes of the report, of what was found and of the data. Any
    later change of one of them makes the signature void. What was delivered is kept beside the key register, so that
    the next delivery can be compared with it. The result of a mapping that is not approved can be signed as a draft.
    """
    from datetime import UTC, datetime

    from omopify.cli.assessing import open_place, pages, show_sign_off
    from omopify.cli.show import emit_json, progress
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
    if as_json:
        signed = found.sign_off
        who = {"by": signed.by if signed else None, "at": signed.at if signed else None}
        draft = bool(signed and signed.draft)
        emit_json(
            {
                "status": found.status,
                "draft": draft,
                **who,
                "why": list(found.why),
                "file": str(place.folder / SIGN_OFF),
            }
        )
    else:
        if found.status == "unsigned":
            click.echo("nobody has signed this result off")
        show_sign_off(found)
        if by is not None:
            click.echo(shown(place.folder / SIGN_OFF))
    # To sign a draft is fine; but who asks whether a delivery may go must not be told that it may.
    is_draft = check and found.sign_off is not None and found.sign_off.draft
    context.exit(PASSED if found.status == "signed" and not is_draft else HELD_UP)
