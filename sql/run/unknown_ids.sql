-- Concept files with ids that the vocabulary does not know.
SELECT file.file, count(DISTINCT file.concept_id)
FROM work.concept_files AS file
WHERE file.concept_id <> 0
  AND NOT EXISTS (SELECT 1 FROM cdm.concept AS known WHERE known.concept_id = file.concept_id)
GROUP BY file.file
ORDER BY file.file
