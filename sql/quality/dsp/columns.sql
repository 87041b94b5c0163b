-- The harmonised tables of the result with their fields.
SELECT table_name, column_name
FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'dsp'
