"""Pages that lead on: links that resolve, an index that is complete, commands that are described."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from omopify.cli.group import CommandWithVerbs
from omopify.cli.main import SECTIONS, main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("**/*.md")), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"))]

_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def links(text: str) -> list[str]:
    """Return where a page's links lead to; code is no link."""
    return _LINK.findall(_CODE.sub("", text))


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?)\s*$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number = 0
        while (anchor := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(anchor)
    return found | set(re.findall(r'<a (?:id|name)="([^"]+)"', text))


def _commands(group: click.Group = main, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its name, and the verbs of a group (``vocab load``) behind it."""
    context = click.Context(group)
    for verb in group.list_commands(context):
        command = group.get_command(context, verb)
        assert command is not None
        yield before + verb, command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before}{verb} ")
        if isinstance(command, CommandWithVerbs):
            yield from ((f"{before}{verb} {name}", inner) for name, inner in command.verbs.items())


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    lost = []
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent == DOCS], ids=_name)
def test_links_of_the_web_are_encrypted(page: Path) -> None:
    assert [link for link in links(page.read_text(encoding="utf-8")) if link.startswith("http:")] == []


def test_every_page_is_in_the_index() -> None:
    index = {link.partition("#")[0] for link in links((DOCS / "README.md").read_text(encoding="utf-8"))}
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.glob("**/*.md")} - {"README.md"}
    assert pages - index == set()


def test_the_readme_leads_to_the_index() -> None:
    assert "docs/README.md" in links((ROOT / "README.md").read_text(encoding="utf-8"))


def test_every_command_and_option_has_a_help_text() -> None:
    for name, command in _commands():
        assert command.help, f"omopify {name} --help says nothing"
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"omopify {name} {parameter.opts[0]} has no help text"
        result = CliRunner().invoke(main, [*name.split(), "--help"])
        assert result.exit_code == 0
        assert f"omopify {name}" in result.output.replace("main", "omopify", 1)


def test_every_command_is_in_the_pages() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md")
    assert [name for name, _ in _commands() if f"omopify {name}" not in text] == []


def test_the_pages_name_only_commands_and_options_that_exist() -> None:
    known = {name: {opt for param in command.params for opt in param.opts} for name, command in _commands()}
    known["help"] = set()
    unknown = []
    for page in PAGES:
        # 'omopify starter v1' is the name of a release
        typed = r"omopify (?!starter v[0-9])((?:vocab |quality (?=rows\b))?[a-z]+(?:-[a-z]+)*)\b([^`|\n]*)"
        for name, rest in re.findall(typed, "\n".join(_code(page))):
            if name not in known:
                unknown.append(f"{_name(page)}: omopify {name}")
                continue
            options = re.findall(r"(?<!\S)(--[a-z-]+)", rest.partition("&&")[0])
            unknown += [f"{_name(page)}: {name} {opt}" for opt in options if opt not in known[name] | {"--help"}]
    assert unknown == []


def _code(page: Path) -> list[str]:
    """Return what is typed: spans of code that begin with a command, and lines of console and shell blocks."""
    text = page.read_text(encoding="utf-8")
    typed = re.findall(r"`((?:\S*[/\\])?omopify [^`\n]*)`", text)
    for kind, block in re.findall(r"^```(console|sh|bat)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        told = "$ " if kind == "console" else ""
        typed += [line for line in block.splitlines() if "omopify " in line and line.startswith(told)]
    return typed


def test_anchors_are_made_as_on_github() -> None:
    page = "# The `map` file\n\n## A, b\n\n```\n# none\n```\n\n## A, b\n\n## [OM101](x.md): not YAML\n"
    assert anchors(page) == {"the-map-file", "a-b", "a-b-1", "om101-not-yaml"}


def test_code_is_no_link() -> None:
    assert links("[a](b.md) `[c](d.md)`\n```\n[e](f.md)\n```\n[g](https://h)\n") == ["b.md", "https://h"]


def test_the_reference_of_commands_is_current(request: pytest.FixtureRequest) -> None:
    page = DOCS / "commands.md"
    text = REFERENCE + f"\n```text\n{_help()}\n```\n"
    commands = list(_commands())
    for heading, names in SECTIONS.items():
        below = [name for name, _ in commands if name.split()[0] in names]
        text += f"\n## {heading}\n" + "".join(
            f"\n### omopify {name}\n\n```text\n{_help(name)}\n```\n" for name in below
        )
    if request.config.getoption("--update-golden"):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text, "run: pytest tests/docs --update-golden"


REFERENCE = """# Commands

All commands and their options, as `--help` shows them. This page is made from the program.
"""


def _help(name: str = "") -> str:
    arguments = [*name.split(), "--help"]
    return CliRunner().invoke(main, arguments, terminal_width=100, prog_name="omopify").output.rstrip()
