"""Where plans run.  An engine knows SQL and databases, and nothing of YAML."""
