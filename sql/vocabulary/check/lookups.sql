-- The values that the last run looked up, and what came of them.
SELECT "map", field, way, file, source_value, CAST(rows AS integer), coalesce(concept_id, 0)
FROM audit.lookups
