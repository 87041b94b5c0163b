-- Terms without a concept, the most frequent first; the number is a term's place in the list of its field.
SELECT
    "map", field,
    row_number() OVER (PARTITION BY "map", field ORDER BY rows DESC, source_value NULLS LAST) AS number,
    rows, source_value
FROM audit.unmapped
ORDER BY rows DESC, "map", field, number
