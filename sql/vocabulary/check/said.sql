-- What maps and concept files say of the concepts that they name: each combination once.
CREATE TEMP TABLE said AS
SELECT DISTINCT concept_id, name, o_fold(name) AS name_key, code, vocabulary_id
FROM (
    SELECT
        unnest(CAST($ids AS bigint[])) AS concept_id, unnest(CAST($names AS varchar[])) AS name,
        unnest(CAST($codes AS varchar[])) AS code, unnest(CAST($vocabularies AS varchar[])) AS vocabulary_id
) AS uses
