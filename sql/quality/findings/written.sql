-- Rows that maps wrote, by table.
SELECT "map", table_name, rows FROM audit.written WHERE rows > 0 ORDER BY "map", table_name
