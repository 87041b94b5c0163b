-- gap_days is what the CDM defines: the days of the era on which no exposure lasted. OHDSI's script counts one more for each
-- group of overlapping exposures after the first, as it takes the last day of an exposure for a day without the drug.
INSERT INTO cdm.drug_era (
    drug_era_id, person_id, drug_concept_id, drug_era_start_date, drug_era_end_date, drug_exposure_count, gap_days
)
SELECT era_id, person_id, concept_id, min(start_date), max(end_date), count(*), sum(free_days)
FROM work.era_members
GROUP BY era_id, person_id, concept_id
ORDER BY era_id
