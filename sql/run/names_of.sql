-- The names of some concepts, in a vocabulary file. $ids: their ids
SELECT concept_id, concept_name FROM concept WHERE concept_id IN (SELECT unnest($ids))
