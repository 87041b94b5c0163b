"""``omopify --help`` must not wait for libraries that it does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from omopify.cli.main import COMMANDS

HEAVY = (
    "duckdb", "fastexcel", "great_expectations", "jinja2", "numpy", "pandas", "polars", "pydantic", "pyreadstat",
    "rich", "sqlalchemy", "sqlglot", "yaml",
)  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = f"""
import sys
from omopify.cli import main
main({arguments!r}, standalone_mode=False)
print(*sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout
    assert done.stderr.split() == []
