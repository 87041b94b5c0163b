r"""``omopify completion``, and what PowerShell needs to know, which click does not.

All shells work alike: their script calls omopify with a variable ``_OMOPIFY_COMPLETE`` that says who asks, and omopify
answers with what may be typed next (``completing``) and does nothing else.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from omopify.cli.group import Command

# Without an answer PowerShell offers files and folders itself. The code page of the answer is the one in which
# PowerShell reads it, which differs from Python's.
_POWERSHELL = r"""
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($word, $ast, $cursor)
    $typed = @($ast.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { "$_" })
    $kept = $env:PYTHONIOENCODING
    try {
        $env:PYTHONIOENCODING = [Console]::OutputEncoding.WebName
        $env:%(complete_var)s = 'powershell_complete'
        $env:_OMOPIFY_TYPED = $typed -join "`n"
        $env:_OMOPIFY_WORD = "$word"
        & $typed[0] | Where-Object { $_ } | ForEach-Object {
            $value, $help = $_ -split "`t", 2
            $text = if ($value -match '[\s()]') { "'" + $value + "'" } else { $value }
            [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)
        }
    } finally {
        $env:PYTHONIOENCODING = $kept
        Remove-Item -ErrorAction Ignore Env:%(complete_var)s, Env:_OMOPIFY_TYPED, Env:_OMOPIFY_WORD
    }
}
"""


class PowerShellComplete(ShellComplete):
    """Completion in PowerShell 5.1 and later."""

    name: ClassVar[str] = "powershell"
    source_template: ClassVar[str] = _POWERSHELL

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is being typed, and that one."""
        words = os.environ.get("_OMOPIFY_TYPED", "").split("\n")
        return [_unquoted(word) for word in words[1:]], _unquoted(os.environ.get("_OMOPIFY_WORD", ""))

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Write a value and its tooltip, which PowerShell does not take empty."""
        return f"{item.value}\t{item.help or item.value}"

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Return the words that may follow; files and folders PowerShell knows better."""
        return [item for item in super().get_completions(args, incomplete) if item.type == "plain"]


def _unquoted(word: str) -> str:
    quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "'\""
    return word[1:-1] if quoted else word.lstrip("'\"")


class WholeFishComplete(FishComplete):
    """Completion in fish with whole explanations: click's script cuts them at the first comma."""

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Write a word and its explanation without a comma."""
        item.help = item.help and item.help.replace(",", ";")
        return super().format_completion(item)


add_completion_class(PowerShellComplete)
add_completion_class(WholeFishComplete)

_SHELLS: dict[str, tuple[type[ShellComplete], str]] = {
    "bash": (BashComplete, "echo 'eval \"$(omopify completion bash)\"' >> ~/.bashrc"),
    "zsh": (ZshComplete, "echo 'eval \"$(omopify completion zsh)\"' >> ~/.zshrc"),
    "fish": (WholeFishComplete, "omopify completion fish > ~/.config/fish/completions/omopify.fish"),
    "powershell": (
        PowerShellComplete,
        "New-Item -Force -ItemType Directory (Split-Path $PROFILE) | Out-Null\n"
        "#   Add-Content $PROFILE 'omopify completion powershell | Out-String | Invoke-Expression'",
    ),
}


@click.command(
    name="completion",
    cls=Command,
    examples={
        "omopify completion bash": "the script, and how to keep it",
        "omopify completion powershell": "the same for Windows",
    },
)
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and names when you press Tab.

    Its first lines say how to keep it for good. Completed are commands and options, folders, and the names of maps,
    tables and vocabularies.
    """
    from omopify.cli.show import emit_text

    kind, install = _SHELLS[shell]
    script = kind(context.find_root().command, {}, "omopify", "_OMOPIFY_COMPLETE").source_template % {
        "complete_func": "_omopify_completion",
        "complete_var": "_OMOPIFY_COMPLETE",
        "prog_name": "omopify",
    }
    emit_text(f"# Type this once to complete words in {shell}, and open a new window:\n#   {install}\n{script}")
