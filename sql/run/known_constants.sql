-- The constants that the vocabulary knows.
SELECT concept_id, concept_name, standard_concept FROM work.constants
