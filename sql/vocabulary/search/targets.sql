-- The standard concepts that concepts map to.
SELECT maps_to.concept_id, concept.concept_id, concept.concept_name
FROM search.maps_to
JOIN vocabulary.concept ON concept.concept_id = maps_to.target_id
WHERE maps_to.concept_id IN (SELECT unnest($ids))
ORDER BY maps_to.concept_id, concept.concept_id
