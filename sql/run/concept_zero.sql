-- Whether there is the concept that every unmapped row refers to.
SELECT count(*) FROM cdm.concept WHERE concept_id = 0
