-- Values that have no concept today, and the vocabularies in which their codes are looked up.
CREATE TEMP TABLE unmapped AS
SELECT number, value, o_fold(value) AS key, vocabularies
FROM (
    SELECT
        unnest(CAST($numbers AS integer[])) AS number, unnest(CAST($values AS varchar[])) AS value,
        unnest(CAST($vocabularies AS varchar[][])) AS vocabularies
) AS asked
