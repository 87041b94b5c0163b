-- The columns of one table: the first ? is its name, the second its schema.
SELECT column_name, data_type, is_nullable
FROM duckdb_columns()
WHERE database_name = current_database() AND table_name = ? AND schema_name = ?
ORDER BY column_index
