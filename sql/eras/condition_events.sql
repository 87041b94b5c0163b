-- What condition eras are made of: every occurrence that has a concept.
-- Unlike OHDSI's script: one without an end lasts its first day (there it ends a day later, on a day that nobody recorded),
-- and occurrences without a concept, which are different things, are no era.
CREATE TABLE work.era_events AS
SELECT
    condition_occurrence_id AS event_id,
    person_id,
    condition_concept_id AS concept_id,
    condition_start_date AS start_date,
    greatest(condition_start_date, coalesce(condition_end_date, condition_start_date)) AS end_date
FROM cdm.condition_occurrence
WHERE condition_concept_id <> 0
