-- The constants that the vocabulary knows, by their names.
SELECT concept_id, concept_name FROM work.constants
