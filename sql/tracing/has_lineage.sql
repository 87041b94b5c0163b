-- Whether the run noted the lineage of each row (earlier versions of omopify noted less).
SELECT count(*) = 3
FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'audit'
  AND (table_name, column_name) IN (('row_origins', 'made_of'), ('left_out', 'made_of'), ('rejects', 'made_of'))
