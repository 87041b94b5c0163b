-- How many values lead to other concepts than before, by map: the same value, looked up by the same field in the same place.
WITH n AS (
    SELECT "map", field, looked_in, source_value, list_sort(list(DISTINCT concept_id)) AS aims FROM now.audit.lookups GROUP BY ALL
), b AS (
    SELECT "map", field, looked_in, source_value, list_sort(list(DISTINCT concept_id)) AS aims FROM before.audit.lookups GROUP BY ALL
)
SELECT n."map", count(DISTINCT n.source_value)
FROM n JOIN b ON b."map" = n."map" AND b.field = n.field AND b.looked_in = n.looked_in AND b.source_value = n.source_value
WHERE n.aims <> b.aims
GROUP BY 1
ORDER BY 1
