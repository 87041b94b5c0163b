-- How many rows each of these rows was made of by the map.
SELECT row_id, count(*)
FROM audit.row_origins
WHERE table_name = $table AND "map" = $map AND row_id IN (SELECT unnest($numbers))
GROUP BY row_id
HAVING count(*) > 1
