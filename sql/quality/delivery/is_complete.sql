-- Whether a result says all about the forms of its export.
SELECT count(*) = 3
FROM duckdb_tables()
WHERE database_name = 'result' AND schema_name = 'audit' AND table_name IN ('forms', 'map_sources', 'code_lists')
