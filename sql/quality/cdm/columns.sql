-- The columns of the tables and views of a schema, in small letters as the CDM writes them.
SELECT lower(table_name), lower(column_name), data_type
FROM duckdb_columns()
WHERE database_name = current_database() AND lower(schema_name) = lower($schema)
ORDER BY ALL
