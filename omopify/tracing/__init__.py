"""Follows one row: from OMOP back to the eCRF, or from the eCRF forward."""
