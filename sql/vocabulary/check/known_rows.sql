-- The same, for reading.
SELECT
    concept_id, concept_name, domain_id, vocabulary_id, standard_concept, concept_code, valid_start_date, valid_end_date, invalid_reason
FROM known
