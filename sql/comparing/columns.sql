-- The tables of both results, each with its columns in order. A result says which by the name it is attached under.
SELECT database_name, schema_name, table_name, list(column_name ORDER BY column_index) AS columns
FROM duckdb_columns()
WHERE database_name IN ('now', 'before') AND schema_name IN ('cdm', 'dsp')
GROUP BY ALL
ORDER BY ALL
