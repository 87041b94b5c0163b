-- The concepts that the project uses.
CREATE TEMP TABLE used AS
SELECT DISTINCT unnest(CAST($ids AS bigint[])) AS concept_id
