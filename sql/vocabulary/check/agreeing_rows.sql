-- The same, for reading, by the names as they are written.
SELECT DISTINCT said.concept_id, said.name
FROM said
JOIN agreeing ON agreeing.concept_id = said.concept_id AND agreeing.name_key = said.name_key
