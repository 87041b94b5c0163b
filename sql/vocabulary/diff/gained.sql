-- The standard concepts that the later release has for values which had none, and that the earlier one does not have:
-- by name, by synonym, or by code in the vocabularies in which the maps look.
WITH
later_hits AS (
    SELECT unmapped.number, concept.concept_id, 'name' AS how
    FROM unmapped JOIN later.main.concept AS concept ON o_fold(concept.concept_name) = unmapped.key
    UNION
    SELECT unmapped.number, synonym.concept_id, 'synonym'
    FROM unmapped JOIN later.main.concept_synonym AS synonym ON o_fold(synonym.concept_synonym_name) = unmapped.key
    UNION
    SELECT unmapped.number, concept.concept_id, 'code'
    FROM unmapped JOIN later.main.concept AS concept
        ON o_fold(concept.concept_code) = unmapped.key AND list_contains(unmapped.vocabularies, concept.vocabulary_id)
),
later_targets AS (
    SELECT hit.number, target.concept_id, target.concept_name, target.domain_id, min(hit.how) AS how
    FROM later_hits AS hit
    JOIN later.main.concept_relationship AS link
        ON link.concept_id_1 = hit.concept_id AND link.relationship_id = 'Maps to' AND nullif(link.invalid_reason, '') IS NULL
    JOIN later.main.concept AS target ON target.concept_id = link.concept_id_2 AND target.standard_concept = 'S'
    GROUP BY ALL
),
earlier_hits AS (
    SELECT unmapped.number, concept.concept_id
    FROM unmapped JOIN earlier.main.concept AS concept ON o_fold(concept.concept_name) = unmapped.key
    UNION
    SELECT unmapped.number, synonym.concept_id
    FROM unmapped JOIN earlier.main.concept_synonym AS synonym ON o_fold(synonym.concept_synonym_name) = unmapped.key
    UNION
    SELECT unmapped.number, concept.concept_id
    FROM unmapped JOIN earlier.main.concept AS concept
        ON o_fold(concept.concept_code) = unmapped.key AND list_contains(unmapped.vocabularies, concept.vocabulary_id)
),
earlier_targets AS (
    SELECT hit.number, link.concept_id_2 AS concept_id
    FROM earlier_hits AS hit
    JOIN earlier.main.concept_relationship AS link
        ON link.concept_id_1 = hit.concept_id AND link.relationship_id = 'Maps to' AND nullif(link.invalid_reason, '') IS NULL
)
SELECT number, concept_id, concept_name, domain_id, how
FROM later_targets
WHERE NOT EXISTS (
    SELECT 1 FROM earlier_targets WHERE earlier_targets.number = later_targets.number AND earlier_targets.concept_id = later_targets.concept_id
)
ORDER BY number, concept_id
