SELECT concept_id, concept_name, vocabulary_id FROM cdm.concept WHERE concept_id IN (SELECT unnest($ids))
