"""The OMOP vocabulary: find an Athena download or the shipped starter, and load it."""
