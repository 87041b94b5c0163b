-- The constants that the vocabulary knows.
SELECT concept_id, concept_name, domain_id, standard_concept FROM work.constants
