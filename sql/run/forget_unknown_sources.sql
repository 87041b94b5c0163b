-- A source concept that the vocabulary does not know cannot stand in the result, whose ids all lead somewhere.
UPDATE work.concept_files SET source_concept_id = 0
WHERE NOT EXISTS (SELECT 1 FROM vocabulary.concept AS known WHERE known.concept_id = source_concept_id)
