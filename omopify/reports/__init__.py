"""Pages for people, each one self-contained file that opens without a network; what they show is computed elsewhere."""
