-- What became of a value that was looked up, way by way.
SELECT way, looked_in, file, source_concept_id, concept_id, source_value
FROM audit.lookups
WHERE "map" = $map AND field = $field
ORDER BY way
