-- Fields that lose at least half of their rows (and five or more), and the check that lists them.
SELECT lost."map", lost.field, lost.reason, lost.rows, counted.rows_read - counted.rows_filtered, lost.listed_by
FROM (
    SELECT "map", field, reason, count(*) AS rows, min(listed_by) AS listed_by
    FROM (
        SELECT "map", field, reason, 'trial.rows_rejected' AS listed_by FROM audit.rejects
        UNION ALL
        SELECT "map", field, reason, 'trial.values_left_out' FROM audit.value_issues WHERE reason <> 'cut to its length'
    ) AS every_loss
    GROUP BY "map", field, reason
) AS lost
JOIN audit.map_rows AS counted ON counted."map" = lost."map"
WHERE lost.rows >= 5 AND lost.rows * 2 >= counted.rows_read - counted.rows_filtered
ORDER BY lost."map", lost.field, lost.reason
