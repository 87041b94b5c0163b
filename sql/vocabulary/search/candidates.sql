-- What was found for many texts, with the names as the vocabulary writes them.
WITH synonyms AS (
    SELECT s_found.text, s_found.concept_id, min(concept_synonym.concept_synonym_name) AS written
    FROM s_found
    JOIN vocabulary.concept_synonym USING (concept_id)
    WHERE s_found.synonym AND s_fold(concept_synonym.concept_synonym_name) = s_found.folded
    GROUP BY s_found.text, s_found.concept_id
)
SELECT
    s_found.text, concept.concept_id, concept.concept_name,
    coalesce(synonyms.written, concept.concept_name) AS matched,
    CASE WHEN s_found.synonym THEN 'synonym' ELSE 'name' END AS kind,
    s_found.score,
    concept.domain_id, concept.vocabulary_id, concept.concept_class_id, concept.standard_concept, concept.concept_code,
    concept.invalid_reason
FROM s_found
JOIN vocabulary.concept USING (concept_id)
LEFT JOIN synonyms ON synonyms.text = s_found.text AND synonyms.concept_id = s_found.concept_id
ORDER BY s_found.text, s_found.score DESC, concept.concept_id
