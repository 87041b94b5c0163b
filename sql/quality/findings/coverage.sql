-- What becomes of each column of the export.
SELECT source, "column", coalesce(label, ''), decision, coalesce(reason, ''), filled, rows
FROM audit.columns
ORDER BY source, rowid
