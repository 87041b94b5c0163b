-- Fields that lose at least half of their rows (and five or more).
SELECT lost."map", lost.field, lost.reason, lost.rows, counted.rows_read - counted.rows_filtered
FROM (
    SELECT "map", field, reason, count(*) AS rows
    FROM (
        SELECT "map", field, reason FROM audit.rejects
        UNION ALL
        SELECT "map", field, reason FROM audit.value_issues WHERE reason <> 'cut to its length'
    ) AS every_loss
    GROUP BY "map", field, reason
) AS lost
JOIN audit.map_rows AS counted ON counted."map" = lost."map"
WHERE lost.rows >= 5 AND lost.rows * 2 >= counted.rows_read - counted.rows_filtered
ORDER BY lost."map", lost.field, lost.reason
