-- The concepts that values of the last run came to, and the rows of each; a value that several ways find counts once.
WITH
found AS (
    SELECT "map", field, source_value, concept_id, rows FROM audit.lookups
    UNION
    SELECT "map", field, source_value, source_concept_id, rows FROM audit.lookups
)
SELECT concept_id, CAST(sum(rows) AS integer)
FROM found
WHERE concept_id <> 0
GROUP BY concept_id
