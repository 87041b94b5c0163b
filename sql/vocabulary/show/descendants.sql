SELECT count(*)
FROM vocabulary.concept_ancestor
WHERE ancestor_concept_id = $id AND descendant_concept_id <> $id
