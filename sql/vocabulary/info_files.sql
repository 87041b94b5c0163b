SELECT name, "table", file, "rows", rows_kept
FROM omopify_load_files
ORDER BY place
