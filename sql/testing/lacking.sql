-- Concepts that the vocabulary does not have. $ids: those that are asked for
SELECT wanted.id
FROM (SELECT unnest($ids) AS id) AS wanted
WHERE NOT EXISTS (SELECT 1 FROM vocabulary.concept AS known WHERE known.concept_id = wanted.id)
