-- The eras that an event is part of.
SELECT DISTINCT table_name, row_id
FROM audit.row_origins
WHERE "map" = $map AND made_of = $id
ORDER BY row_id
