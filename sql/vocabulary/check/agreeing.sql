-- Names that are a concept's own: its name, a synonym, or a former name, which is that of a concept it has replaced.
CREATE TEMP TABLE agreeing AS
SELECT said.concept_id, said.name_key
FROM said
JOIN known ON known.concept_id = said.concept_id
WHERE o_fold(known.concept_name) = said.name_key
UNION
SELECT said.concept_id, said.name_key
FROM said
JOIN athena.main.concept_synonym AS synonym ON synonym.concept_id = said.concept_id
WHERE o_fold(synonym.concept_synonym_name) = said.name_key
UNION
SELECT said.concept_id, said.name_key
FROM said
JOIN link ON link.concept_id_2 = said.concept_id AND link.relationship_id IN ('Maps to', 'Concept replaced by', 'Concept same_as to')
JOIN concept AS former ON former.concept_id = link.concept_id_1
WHERE o_fold(former.concept_name) = said.name_key
