"""A group of commands whose modules are imported only when they are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from omopify.errors import OmopifyError, did_you_mean


class Commands(click.Group):
    """Commands by name, loaded late, so that ``omopify --help`` does not wait for the libraries of all.

    ``listed`` says each command's name and one line about it; the command itself is called ``command`` in the
    module of that name in ``package`` (with a low line for a hyphen, and one behind a name that is a word of Python,
    such as ``import``).
    """

    def __init__(self, *args: Any, listed: Mapping[str, str], package: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.listed = listed
        self.package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(self.listed)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in self.listed:
            return None
        module = f"{cmd_name}_" if cmd_name == "import" else cmd_name.replace("-", "_")
        command: click.Command = importlib.import_module(f"{self.package}.{module}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command, or say which one may have been meant."""
        if args and args[0] not in self.listed and not args[0].startswith("-"):
            hint = did_you_mean(args[0], self.listed)
            raise click.UsageError(f"there is no command '{args[0]}'" + (f"; {hint}" if hint else ""), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with one line each, without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self.listed.items()))


class CommandWithVerbs(click.Command):
    """A command that does something by itself and has verbs besides: ``quality PROJECT`` and ``quality rows``.

    An argument that reads like a verb is one; a folder of that name is written as ``./rows``.
    """

    def __init__(self, *args: Any, verbs: Mapping[str, click.Command], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.verbs = verbs

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Make the context of the verb, if one is asked for, and else the command's own."""
        verb = self.verbs.get(args[0]) if args else None
        if verb is None:
            return super().make_context(info_name, args, parent, **extra)
        return verb.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs behind the options."""
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.get_short_help_str(100)) for name, verb in self.verbs.items()])


class Program(Commands):
    """The commands of the program, which show problems on standard error and end with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what it raises becomes a message."""
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
