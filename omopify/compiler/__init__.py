"""Check maps against their sources and targets, order them into a plan, and render the plan as SQL."""
