-- The values that the last run looked up, and the rows of each for which no way found a concept.
SELECT "map", field, way, file, source_value, CAST(rows_open AS integer)
FROM audit.lookups
