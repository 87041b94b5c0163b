"""Describes a mapping in words, from the files that run."""
