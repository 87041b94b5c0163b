INSERT INTO cdm.condition_era (
    condition_era_id, person_id, condition_concept_id, condition_era_start_date, condition_era_end_date, condition_occurrence_count
)
SELECT era_id, person_id, concept_id, min(start_date), max(end_date), count(*)
FROM work.era_members
GROUP BY era_id, person_id, concept_id
ORDER BY era_id
