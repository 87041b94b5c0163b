-- Every value that the last run looked up, with the number of its rows that no way of the field found a concept for.
SELECT "map", field, file, source_value, max(rows) AS rows, max(rows_open) AS rows_open
FROM audit.lookups
GROUP BY "map", field, file, source_value
ORDER BY file, rows DESC, source_value, "map", field
