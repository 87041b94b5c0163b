-- What one row was made of.
SELECT origin."map", origin.part, origin.file_number, origin.row, origin.piece, origin.made_of
FROM audit.row_origins AS origin
WHERE origin.table_name = $table AND origin.row_id = $id
ORDER BY origin.file_number, origin.row, origin.piece, origin.made_of
