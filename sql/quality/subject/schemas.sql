SELECT DISTINCT lower(schema_name), lower(database_name)
FROM duckdb_tables()
WHERE NOT internal
