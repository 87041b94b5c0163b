"""omopify: eCRF exports of precision-cancer trials into the OMOP CDM, with every row accounted for."""

__version__ = "0.1.0"
