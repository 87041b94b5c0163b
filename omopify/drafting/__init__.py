"""Begins a project: its files, and draft maps made from a scan."""
