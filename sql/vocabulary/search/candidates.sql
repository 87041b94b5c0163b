-- What was found for many texts, with the names as the vocabulary writes them. The synonyms are taken out first, so
-- that not all synonyms of the vocabulary are folded.
WITH theirs AS MATERIALIZED (
    FROM vocabulary.concept_synonym WHERE concept_id IN (SELECT concept_id FROM s_found WHERE synonym)
),
written AS (
    SELECT concept_id, s_fold(concept_synonym_name) AS folded, min(concept_synonym_name) AS synonym_name
    FROM theirs
    GROUP BY ALL
)
SELECT
    s_found.text, concept.concept_id, concept.concept_name,
    coalesce(written.synonym_name, concept.concept_name) AS matched,
    CASE WHEN s_found.synonym THEN 'synonym' ELSE 'name' END AS kind,
    s_found.score,
    concept.domain_id, concept.vocabulary_id, concept.concept_class_id, concept.standard_concept, concept.concept_code,
    concept.invalid_reason
FROM s_found
JOIN vocabulary.concept USING (concept_id)
LEFT JOIN written
    ON s_found.synonym AND written.concept_id = s_found.concept_id AND written.folded = s_found.folded
ORDER BY s_found.text, s_found.score DESC, concept.concept_id
