-- Synonyms as the vocabulary writes them: which of a concept's was found is known by how it folds. They are taken
-- out first, so that not all synonyms of the vocabulary are folded.
WITH found AS (
    SELECT unnest($ids) AS concept_id, unnest($folded) AS folded
),
theirs AS MATERIALIZED (
    FROM vocabulary.concept_synonym WHERE concept_id IN (SELECT unnest($ids))
)
SELECT theirs.concept_id, min(theirs.concept_synonym_name)
FROM theirs
JOIN found ON theirs.concept_id = found.concept_id AND s_fold(theirs.concept_synonym_name) = found.folded
GROUP BY theirs.concept_id
