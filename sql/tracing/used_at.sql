-- What maps wrote from one row of the export that they read themselves.
SELECT origin."map", origin.table_name, origin.part, origin.row_id, origin.piece, NULL AS made_of
FROM audit.row_origins AS origin
WHERE origin."map" IN (SELECT unnest($maps)) AND origin.file_number = $file AND origin.row = $row AND origin.made_of IS NULL
ORDER BY origin.table_name, origin.part NULLS FIRST, origin.row_id
