-- Whether there is the concept that every unmapped row refers to.
SELECT count(*) FROM vocabulary.concept WHERE concept_id = 0
