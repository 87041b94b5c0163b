"""Propose concepts for values that have none, for a person to decide."""
