-- The tables of a result that can be traced, and whether it has the lineage of single rows.
SELECT schema_name, table_name, estimated_size
FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name IN ('cdm', 'dsp')
ORDER BY schema_name, table_name
