"""The group of all commands; each command's module is imported only when it is asked for."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from omopify import __version__
from omopify.errors import OmopifyError, did_you_mean

COMMANDS = {
    "run": "Convert an export into an OMOP CDM.",
    "check": "Check maps against the export, without reading a row of it.",
    "sql": "Show the SQL that maps compile to.",
    "schema": "Write the JSON Schema of the files that stewards write.",
    "synthetic": "Write a made-up export of the IMPRESS trial.",
}


class _Commands(click.Group):
    """Commands by name, loaded late, so that ``omopify --help`` does not wait for the libraries of all."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"omopify.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command, or say which one may have been meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS)
            raise click.UsageError(f"there is no command '{args[0]}'" + (f"; {hint}" if hint else ""), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with one line each, without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; show problems on standard error and end with 1."""
        try:
            return super().invoke(ctx)
        except OmopifyError as error:
            if ctx.params.get("debug"):
                raise
            from omopify.cli.show import show_problems

            show_problems(error.problems)
            ctx.exit(1)
        except OSError as error:
            if ctx.params.get("debug") or error.filename is None:
                raise
            click.echo(f"{error.filename}: {(error.strerror or 'cannot be used').lower()} [OM597]", err=True)
            ctx.exit(1)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="omopify %(version)s")
@click.option("--debug", is_flag=True, help="Show the full trace of an error. It may contain data.")
def main(debug: bool) -> None:
    """Turn a trial's eCRF export into the OMOP CDM v5.4, with every row accounted for."""
    del debug


if __name__ == "__main__":
    sys.exit(main())
