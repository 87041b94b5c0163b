-- Schemas with something to look at; a partner's CDM may be made of views.
SELECT DISTINCT lower(schema_name), lower(database_name)
FROM duckdb_tables()
WHERE NOT internal
UNION
SELECT DISTINCT lower(schema_name), lower(database_name)
FROM duckdb_views()
WHERE NOT internal
