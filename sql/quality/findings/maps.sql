-- What became of the rows of each map, whose rows it takes, and the tables it wrote to.
SELECT
    counted."map",
    coalesce((
        SELECT list(reads.source ORDER BY reads.rowid) FROM audit.map_sources AS reads WHERE reads."map" = counted."map" AND NOT reads.joined
    ), []) AS sources,
    coalesce((
        SELECT list(written.table_name ORDER BY written.table_name) FROM audit.written AS written
        WHERE written."map" = counted."map" AND written.rows > 0
    ), []) AS targets,
    counted.rows_read, counted.rows_used, counted.rows_filtered, counted.rows_deduplicated, counted.rows_rejected,
    counted.rows_written
FROM audit.map_accounting AS counted
ORDER BY counted."map"
