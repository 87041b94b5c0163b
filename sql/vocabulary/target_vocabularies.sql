-- The vocabularies that concepts belong to.  $ids: the concepts' ids
SELECT concept_id, vocabulary_id FROM concept WHERE concept_id IN (SELECT unnest($ids))
