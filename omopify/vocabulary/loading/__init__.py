"""From an Athena download to the vocabulary file that all projects read."""
