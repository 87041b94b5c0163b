-- What has changed in each vocabulary, in numbers of concepts.
WITH
concepts AS (
    SELECT
        coalesce(later.vocabulary_id, earlier.vocabulary_id) AS vocabulary_id, coalesce(earlier.concept_id, later.concept_id) AS concept_id,
        earlier.concept_id IS NULL AS added, later.concept_id IS NULL AS removed,
        nullif(earlier.invalid_reason, '') IS NULL AND nullif(later.invalid_reason, '') IS NOT NULL AS retired,
        earlier.standard_concept = 'S' AS was_standard, later.standard_concept = 'S' AS is_standard,
        earlier.domain_id <> later.domain_id AS moved, earlier.concept_name <> later.concept_name AS renamed
    FROM earlier.main.concept AS earlier
    FULL JOIN later.main.concept AS later ON later.concept_id = earlier.concept_id
),
links AS (
    SELECT concept_id_1, concept_id_2 FROM earlier.main.concept_relationship
    WHERE relationship_id = 'Maps to' AND nullif(invalid_reason, '') IS NULL
),
new_links AS (
    SELECT concept_id_1, concept_id_2 FROM later.main.concept_relationship
    WHERE relationship_id = 'Maps to' AND nullif(invalid_reason, '') IS NULL
),
relinked AS (
    SELECT concept_id_1 AS concept_id FROM (FROM links EXCEPT FROM new_links)
    UNION
    SELECT concept_id_1 AS concept_id FROM (FROM new_links EXCEPT FROM links)
)
SELECT
    vocabulary_id,
    count(*) FILTER (NOT added) AS earlier_concepts,
    count(*) FILTER (NOT removed) AS later_concepts,
    count(*) FILTER (added) AS added,
    count(*) FILTER (removed) AS removed,
    count(*) FILTER (NOT removed AND NOT added AND retired) AS retired,
    count(*) FILTER (NOT removed AND NOT added AND coalesce(was_standard, FALSE) AND NOT coalesce(is_standard, FALSE)) AS no_longer_standard,
    count(*) FILTER (NOT removed AND NOT added AND NOT coalesce(was_standard, FALSE) AND coalesce(is_standard, FALSE)) AS newly_standard,
    count(*) FILTER (moved) AS moved,
    count(*) FILTER (renamed) AS renamed,
    count(*) FILTER (NOT removed AND NOT added AND relinked.concept_id IS NOT NULL) AS remapped
FROM concepts
LEFT JOIN relinked ON relinked.concept_id = concepts.concept_id
GROUP BY vocabulary_id
ORDER BY vocabulary_id
