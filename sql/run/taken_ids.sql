-- Ids that the trial's own concepts and the vocabulary file both have.
SELECT own.concept_id
FROM work.local_concepts AS own
JOIN athena.main.concept AS taken ON taken.concept_id = own.concept_id
ORDER BY own.concept_id
