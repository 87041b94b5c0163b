-- The vocabularies in a vocabulary file, with their concepts; also those without concepts, or without a line in VOCABULARY.
SELECT
    coalesce(vocabulary.vocabulary_id, counted.vocabulary_id) AS vocabulary_id,
    coalesce(vocabulary.vocabulary_name, '') AS vocabulary_name,
    coalesce(vocabulary.vocabulary_version, '') AS vocabulary_version,
    coalesce(counted.concepts, 0) AS concepts,
    coalesce(counted.standard, 0) AS standard,
    coalesce(counted.retired, 0) AS retired,
    vocabulary.vocabulary_id IS NOT NULL AS listed
FROM vocabulary
FULL JOIN (
    SELECT
        vocabulary_id,
        count(*) AS concepts,
        count(*) FILTER (standard_concept = 'S') AS standard,
        count(*) FILTER (invalid_reason IS NOT NULL) AS retired
    FROM concept
    GROUP BY vocabulary_id
) AS counted ON vocabulary.vocabulary_id = counted.vocabulary_id
ORDER BY lower(coalesce(vocabulary.vocabulary_id, counted.vocabulary_id))
