-- The vocabularies of both releases, with their versions.
SELECT
    coalesce(earlier.vocabulary_id, later.vocabulary_id) AS vocabulary_id,
    earlier.vocabulary_id IS NOT NULL AS is_earlier, later.vocabulary_id IS NOT NULL AS is_later,
    coalesce(earlier.vocabulary_version, '') AS earlier_version, coalesce(later.vocabulary_version, '') AS later_version
FROM earlier.main.vocabulary AS earlier
FULL JOIN later.main.vocabulary AS later ON later.vocabulary_id = earlier.vocabulary_id
