-- Concepts with a code, those that write it so first; case, dots, dashes and slashes do not matter.
SELECT concept_id, vocabulary_id
FROM vocabulary.concept
WHERE replace(replace(replace(lower(concept_code), '.', ''), '-', ''), '/', '')
        = replace(replace(replace(lower($code), '.', ''), '-', ''), '/', '')
    AND ($vocabulary = '' OR lower(vocabulary_id) = lower($vocabulary))
    AND $code <> ''
QUALIFY lower(concept_code) = lower($code) OR NOT bool_or(lower(concept_code) = lower($code)) OVER ()
ORDER BY invalid_reason IS NOT NULL, vocabulary_id, concept_id
LIMIT 20
