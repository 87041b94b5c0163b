"""The main job: an export becomes an OMOP CDM in which every row is accounted for."""
