-- Maps whose sums do not hold. There are none; a run that finds one fails.
SELECT rows.map
FROM audit.map_rows AS rows
LEFT JOIN (SELECT map, sum(rows) AS rows FROM audit.filters GROUP BY map) AS filtered ON filtered.map = rows.map
LEFT JOIN (SELECT map, count(*) AS rows FROM audit.rejects GROUP BY map) AS rejected ON rejected.map = rows.map
WHERE rows.rows_read <> rows.rows_used + rows.rows_filtered + rows.rows_deduplicated + rows.rows_rejected
   OR rows.rows_filtered <> coalesce(filtered.rows, 0)
   OR rows.rows_rejected <> coalesce(rejected.rows, 0)
ORDER BY rows.map
