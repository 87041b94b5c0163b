-- Rows that each filter left out.
SELECT "map", filter, rows FROM audit.filters ORDER BY "map", filter
