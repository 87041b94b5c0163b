"""Help that can be followed: every example parses, every command is in a section, mistakes are answered."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from omopify.cli.group import Command, Commands, CommandWithVerbs
from omopify.cli.main import COMMANDS, SECTIONS, main
from omopify.cli.options import project_first


def leaves(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield what a command has below it that does something, with the words that are typed for it."""
    if isinstance(command, Commands):
        for name in command.list_commands(click.Context(command)):
            yield from leaves(load(command, name), (*words, name))
        return
    yield words, command
    if isinstance(command, CommandWithVerbs):
        yield from (((*words, verb), inner) for verb, inner in command.verbs.items())


def load(group: click.Command, name: str) -> click.Command:
    assert isinstance(group, Commands)
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return command


def help_of(*arguments: str, width: int = 80) -> str:
    return CliRunner().invoke(main, list(arguments), prog_name="omopify", terminal_width=width).output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_can_be_typed(name: str) -> None:
    for words, leaf in leaves(load(main, name), (name,)):
        assert isinstance(leaf, Command), f"omopify {' '.join(words)}: give it cls=Command and examples={{...}}"
        assert leaf.examples, f"omopify {' '.join(words)} has no examples"
        for typed in leaf.examples:
            program, *arguments = shlex.split(typed.partition(" > ")[0])
            assert program == "omopify"
            assert tuple(arguments[: len(words)]) == words
            context = main.make_context("omopify", arguments)
            while isinstance(context.command, Commands):
                _, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
                context = command.make_context(command.name, rest, parent=context)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_terminal_of_80_columns(name: str) -> None:
    for words, leaf in leaves(load(main, name), (name,)):
        lines = help_of(*words, "--help").splitlines()
        assert [line for line in lines if len(line) > 80] == []
        at = lines.index("Examples:")
        assert [line for typed in leaf.examples for line in lines[at:] if line.strip().startswith(typed)]  # type: ignore[attr-defined]


def test_words_without_room_stand_below_their_command() -> None:
    @click.command(cls=Command, examples={"omopify a": "one thing", "omopify b " + "x" * 40: "another " + "y" * 30})
    def command() -> None:
        """Do it."""

    lines = CliRunner().invoke(command, ["--help"], terminal_width=80).output.splitlines()
    at = lines.index("Examples:")
    assert lines[at + 1 :] == ["  omopify a   one thing", "  omopify b " + "x" * 40, "      another " + "y" * 30]


def test_the_help_lists_each_command_once_below_a_heading() -> None:
    shown = help_of("--help")
    for heading, commands in SECTIONS.items():
        assert f"\n{heading}:\n" in shown
        for name, line in commands.items():
            assert re.findall(rf"^  {name} +{re.escape(line)}$", shown, re.MULTILINE), name
    listed = shown.partition("\nOptions:\n")[0]
    columns = {len(found[1]) for found in re.finditer(r"^(  [a-z-]+ +)[A-Z]", listed, re.MULTILINE)}
    assert len(columns) == 1, "the lines begin in one column, whatever the section"


def test_help_is_a_word_too() -> None:
    assert help_of("help") == help_of("--help") == help_of("-h") == help_of()
    assert help_of("help", "sql") == help_of("sql", "--help") == help_of("sql", "-h")
    assert help_of("help", "vocab", "load") == help_of("vocab", "load", "--help")
    assert help_of("vocab", "help", "load") == help_of("vocab", "load", "--help")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek"], "there is no command 'chek'; did you mean 'check'?"),
        (["xyzzy"], "there is no command 'xyzzy'; 'omopify --help' lists them all"),
        (["vocab", "serach"], "there is no command 'serach'; did you mean 'search'?"),
        (["vocab", "check", "--format", "jsn"], "--format: there is no 'jsn'; did you mean 'json'?"),
        (["synthetic", "x", "--format", "q"], "--format: there is no 'q'; choose from csv, xlsx"),
        (["synthetic", "x", "--patients", "0"], "--patients: 0 is not in the range x>=1"),
        (["quality", "--memory-limit", "much"], "--memory-limit: 'much' is no size; write such as 2GB"),
        (["completion", "bsh"], "there is no 'bsh'; did you mean 'bash'?"),
        (["quality", "--strct"], "--strict"),
    ],
)
def test_a_mistake_of_usage_names_what_was_meant(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, arguments, prog_name="omopify")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "nvalid" not in result.stderr


def test_the_project_may_be_left_out(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "omopify.yaml").touch()
    there = tmp_path.relative_to(tmp_path)
    assert project_first(()) == (there, ())
    assert project_first(("trial",)) == (there / "trial", ())
    assert project_first(("trial", "ae")) == (there / "trial", ("ae",))
    assert project_first(("ae",)) == (there / "ae", ()), "there is no project here, so the word is what is asked about"
    (tmp_path / "omopify.yaml").touch()
    (tmp_path / "death").mkdir()
    assert project_first(("ae", "dm")) == (there, ("ae", "dm"))
    assert project_first(("death",)) == (there, ("death",)), "a folder without a project is no project"
    assert project_first((".", "ae")) == (there, ("ae",))
    assert project_first(("trial/omopify.yaml",)) == (there / "trial" / "omopify.yaml", ())
