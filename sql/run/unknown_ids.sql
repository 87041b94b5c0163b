-- Concept ids of concept files that the vocabulary does not know.
SELECT DISTINCT file.file, file.concept_id
FROM work.concept_files AS file
WHERE file.concept_id <> 0
  AND NOT EXISTS (SELECT 1 FROM vocabulary.concept AS known WHERE known.concept_id = file.concept_id)
ORDER BY file.file, file.concept_id
