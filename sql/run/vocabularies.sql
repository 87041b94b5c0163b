-- The vocabularies that have a concept here.
SELECT DISTINCT vocabulary_id FROM vocabulary.concept ORDER BY vocabulary_id
