"""``python -m omopify``."""

from omopify.cli import main

main()
