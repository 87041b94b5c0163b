"""The command line: one verb a file; each parses its options, calls one function and shows the result."""

from omopify.cli.main import main

__all__ = ["main"]
