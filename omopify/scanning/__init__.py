"""Looks through an export that nobody has described yet, and says what each column holds."""
