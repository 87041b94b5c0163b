"""Hold the concepts that a project names against the vocabulary, and against the next one."""
