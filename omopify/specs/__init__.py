"""What users write, read with positions and checked for shape: projects, trials, maps and shared tables."""
