-- The concepts of the trial's own.
INSERT INTO own_concept
SELECT unnest($ids), unnest($names), unnest($domains), unnest($vocabularies), unnest($codes)
