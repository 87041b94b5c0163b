-- The columns of all tables of the result, each table with its schema.
SELECT schema_name || '.' || table_name, column_name
FROM duckdb_columns()
WHERE database_name = current_database() AND NOT internal
ORDER BY schema_name, table_name, column_index
