-- What the trial's own concepts map to and is no standard concept.
SELECT link.concept_id, link.target_id
FROM work.local_maps_to AS link
WHERE NOT EXISTS (
    SELECT 1 FROM athena.main.concept AS target WHERE target.concept_id = link.target_id AND target.standard_concept = 'S'
)
ORDER BY link.concept_id, link.target_id
