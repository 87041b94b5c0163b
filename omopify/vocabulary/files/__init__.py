"""The files that stewards keep: which concept a term means, and concepts of the trial's own."""
