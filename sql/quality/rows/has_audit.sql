SELECT count(*) = 2
FROM duckdb_tables()
WHERE schema_name = 'audit' AND table_name IN ('files', 'row_origins') AND database_name = current_database()
