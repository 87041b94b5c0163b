-- Vocabularies that the trial's own concepts and the vocabulary file both have.
SELECT DISTINCT own.vocabulary_id
FROM work.local_concepts AS own
JOIN athena.main.vocabulary AS taken ON taken.vocabulary_id = own.vocabulary_id
ORDER BY own.vocabulary_id
