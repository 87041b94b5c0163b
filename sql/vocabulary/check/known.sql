-- The concepts that are named, as the vocabulary has them.
CREATE TEMP TABLE known AS
SELECT concept.*
FROM concept
SEMI JOIN said ON said.concept_id = concept.concept_id
