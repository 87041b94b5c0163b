SELECT vocabulary_id, count(*)
FROM concept
GROUP BY vocabulary_id
ORDER BY vocabulary_id
