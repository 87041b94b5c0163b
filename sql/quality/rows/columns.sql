SELECT lower(column_name)
FROM duckdb_columns()
WHERE table_name = 'failing' AND database_name = 'temp'
