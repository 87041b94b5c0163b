-- What a run would miss.
SELECT
    EXISTS (SELECT 1 FROM concept WHERE concept_id = 0) AS has_zero,
    EXISTS (SELECT 1 FROM concept_relationship WHERE relationship_id = 'Maps to') AS has_maps_to,
    (SELECT count(*) FROM concept WHERE vocabulary_id = 'CPT4' AND concept_name = '') AS nameless
