-- The values that the last run had no concept for.
SELECT "map", field, source_value, CAST(rows AS integer)
FROM audit.unmapped
WHERE source_value IS NOT NULL
