-- What became of the rows of each map, and the tables it wrote to.
SELECT
    counted."map", counted.rows_read, counted.rows_used, counted.rows_filtered, counted.rows_deduplicated, counted.rows_rejected,
    coalesce(sum(written.rows), 0)::bigint AS written,
    coalesce(list(written.table_name ORDER BY written.table_name) FILTER (WHERE written.rows > 0), []) AS targets
FROM audit.map_rows AS counted
LEFT JOIN audit.written AS written ON written."map" = counted."map"
GROUP BY ALL
ORDER BY counted."map"
