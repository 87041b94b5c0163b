"""Says what a run would change, and what the last one changed."""
