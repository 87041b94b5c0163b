-- What the concepts of the trial's own mean.
INSERT INTO own_link
SELECT unnest($ids), unnest($targets)
