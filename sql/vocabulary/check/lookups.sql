-- The values that the last run looked up.
SELECT "map", field, way, file, source_value
FROM audit.lookups
