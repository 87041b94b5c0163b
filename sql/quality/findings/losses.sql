-- What was lost or filled in, by form, map, field and reason; 'of' is what the map read.
WITH lost AS (
    SELECT 'rejected row' AS kind, "map", field, reason, file, sheet FROM audit.rejects
    UNION ALL
    SELECT 'value left out', "map", field, reason, file, sheet FROM audit.value_issues
    UNION ALL
    SELECT 'date filled in', "map", field, rule, file, sheet FROM audit.imputations
), counted AS (
    SELECT kind, "map", field, reason, file, sheet, count(*) AS rows FROM lost GROUP BY ALL
)
SELECT
    counted.kind, coalesce(form.source, '') AS form, counted."map", counted.field, counted.reason,
    sum(counted.rows)::bigint AS rows, coalesce(any_value(read.rows_read), 0)::bigint AS "of"
FROM counted
LEFT JOIN (SELECT DISTINCT source, file, sheet FROM audit.files) AS form
    ON form.file = counted.file AND form.sheet IS NOT DISTINCT FROM counted.sheet
LEFT JOIN audit.map_rows AS read ON read."map" = counted."map"
GROUP BY counted.kind, coalesce(form.source, ''), counted."map", counted.field, counted.reason
ORDER BY
    CASE counted.kind WHEN 'rejected row' THEN 1 WHEN 'value left out' THEN 2 ELSE 3 END,
    sum(counted.rows) DESC, coalesce(form.source, ''), counted."map", counted.field, counted.reason
