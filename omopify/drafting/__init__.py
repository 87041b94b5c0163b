"""Turns a scan into a first draft of a mapping, each line with its reason, and sets up the project around it."""
