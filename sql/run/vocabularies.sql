-- The vocabularies that have a concept here.
SELECT DISTINCT vocabulary_id FROM cdm.concept ORDER BY vocabulary_id
