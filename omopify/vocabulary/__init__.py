"""The OMOP vocabulary: load it, find concepts, map terms to them, and keep the mappings alive."""
