-- What became of the rows of each map.
SELECT "map", rows_read, rows_used, rows_filtered, rows_deduplicated, rows_rejected, rows_written
FROM audit.map_accounting
ORDER BY "map"
