-- Concept ids of concept files that the vocabulary does not know.
SELECT DISTINCT named.file, named.concept_id
FROM (
    SELECT file, concept_id FROM work.concept_files
    UNION
    SELECT file, source_concept_id FROM work.concept_files
) AS named
WHERE named.concept_id <> 0
  AND NOT EXISTS (SELECT 1 FROM vocabulary.concept AS known WHERE known.concept_id = named.concept_id)
ORDER BY named.file, named.concept_id
