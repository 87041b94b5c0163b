"""Groups of commands whose modules are imported only when they are asked for, and commands whose help has examples."""

from __future__ import annotations

import errno
import importlib
import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from omopify.cli.terminal import colours, make_streams_safe
from omopify.errors import OmopifyError, did_you_mean

STOPPED = 130
"""How a command ends that the user has stopped, as shells have it."""


class Command(click.Command):
    """A command whose help ends with examples: what can be typed, and what it does."""

    def __init__(self, *args: Any, examples: Mapping[str, str] | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.examples = dict(examples or {})

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples; words for which there is no room behind a command stand in the line below it."""
        super().format_epilog(ctx, formatter)
        if not self.examples:
            return
        room = formatter.width - 2
        fits = [len(typed) for typed, words in self.examples.items() if len(typed) + 3 + len(words) <= room]
        column = max(fits, default=0) + 3
        with formatter.section("Examples"):
            for typed, words in self.examples.items():
                if words and len(typed) < column and column + len(words) <= room:
                    formatter.write(f"  {typed:<{column}}{words}\n")
                else:
                    formatter.write(f"  {typed}\n")
                    lines = textwrap.wrap(words, room - 6, initial_indent=" " * 6, subsequent_indent=" " * 6)
                    formatter.write("".join(f"{line}\n" for line in lines))


class Commands(click.Group):
    """Commands by name, loaded late, so that ``omopify --help`` does not wait for the libraries of all.

    ``sections`` says, below each heading, each command's name and one line about it; the command itself is called
    ``command`` in the module of that name in ``package`` (with a low line for a hyphen, and one behind a name that is
    a word of Python, such as ``import``).
    """

    def __init__(self, *args: Any, sections: Mapping[str, Mapping[str, str]], package: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.sections = sections
        self.listed = {name: line for commands in sections.values() for name, line in commands.items()}
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
        """Find the command, or say which one may have been meant; ``help X`` is ``X --help``."""
        if args and args[0] == "help" and not ctx.resilient_parsing:
            args = [*args[1:], "--help"]
            if args == ["--help"]:
                click.echo(ctx.get_help())
                ctx.exit()
        if args and args[0] not in self.listed and not args[0].startswith("-") and not ctx.resilient_parsing:
            hint = did_you_mean(args[0], self.listed) or f"'{ctx.command_path} --help' lists them all"
            raise click.UsageError(f"there is no command '{args[0]}'; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, and the few options behind them."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with one line each, without importing them; all sections have the same columns."""
        del ctx
        longest = max(map(len, self.listed))
        for heading, commands in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl(list(commands.items()), col_spacing=2 + longest - max(map(len, commands)))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Offer the commands with their line, without importing them."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=line) for name, line in self.listed.items() if name.startswith(incomplete)]


class CommandWithVerbs(Command):
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

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program, whatever its terminal can show."""
        make_streams_safe()
        return super().main(*args, **kwargs)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Make a context that knows whether the user wants colours."""
        extra.setdefault("color", colours())
        return super().make_context(info_name, args, parent, **extra)

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
            if ctx.params.get("debug") or (error.filename is None and error.errno != errno.ENOSPC):
                raise
            place = f"{error.filename}: " if error.filename else ""  # a full disk does not say which file
            click.echo(f"{place}{(error.strerror or 'cannot be used').lower()} [OM597]", err=True)
            ctx.exit(1)
        except click.BadParameter as error:
            raise _plainly(error) from None
        except (KeyboardInterrupt, ImportError) as error:
            # a library that is stopped while it is being loaded makes an ImportError of it
            stopped = _stop_behind(error)
            if stopped is None or ctx.params.get("debug"):
                raise
            click.echo("; ".join(("stopped", *getattr(stopped, "__notes__", ()))), err=True)
            ctx.exit(STOPPED)

    def _main_shell_completion(self, *args: Any, **kwargs: Any) -> None:
        # PowerShell is known to click only through the module of the command that sets it up.
        if any(name.endswith("_COMPLETE") for name in os.environ):
            importlib.import_module("omopify.cli.completion")
        super()._main_shell_completion(*args, **kwargs)


def _stop_behind(error: BaseException | None) -> BaseException | None:
    """Return the user's wish to stop that stands behind an error, with what is said of it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def _plainly(error: click.BadParameter) -> click.UsageError:
    """Say of a value what is expected, and which choice may have been meant; click calls it invalid."""
    if isinstance(error, click.MissingParameter):
        return error
    name = error.param.get_error_hint(error.ctx) if error.param and error.ctx else error.param_hint
    where = f"{' / '.join(_words(name))}: ".replace("'", "") if name else ""
    message = error.message.strip().removesuffix(".")
    choices = error.param.type.choices if error.param and isinstance(error.param.type, click.Choice) else ()
    typed = re.match(r"'(.*)' is not one of ", message)
    if choices and typed:
        known = [str(choice) for choice in choices]
        hint = did_you_mean(typed[1], known) or f"choose from {', '.join(known)}"
        message = f"there is no '{typed[1]}'; {hint}"
    return click.UsageError(where + message[:1].lower() + message[1:], error.ctx)


def _words(name: str | Sequence[str]) -> Sequence[str]:
    return (name,) if isinstance(name, str) else name
