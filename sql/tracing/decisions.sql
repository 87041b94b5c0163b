-- What was decided about the columns of a form, with the number of columns.
SELECT decision, coalesce(reason, ''), count(*)
FROM audit.columns
WHERE source = $source
GROUP BY ALL
ORDER BY count(*) DESC, 1, 2
