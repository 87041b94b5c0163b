-- Synonyms as the vocabulary writes them: which of a concept's was found is known by how it folds.
SELECT concept_id, min(concept_synonym_name)
FROM vocabulary.concept_synonym
JOIN (SELECT unnest($ids) AS concept_id, unnest($folded) AS folded) AS found USING (concept_id)
WHERE s_fold(concept_synonym_name) = found.folded
GROUP BY concept_id
