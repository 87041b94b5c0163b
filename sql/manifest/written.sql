-- Rows that each map wrote, by table.
SELECT "map", table_name, rows FROM audit.written ORDER BY "map", table_name
