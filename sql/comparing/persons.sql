-- How many people each result has, and how many are only in one of them.
SELECT
    (SELECT count(*) FROM before.cdm.person),
    (SELECT count(*) FROM now.cdm.person),
    (SELECT count(*) FROM now.cdm.person AS n WHERE NOT EXISTS (SELECT 1 FROM before.cdm.person AS b WHERE b.person_id = n.person_id)),
    (SELECT count(*) FROM before.cdm.person AS b WHERE NOT EXISTS (SELECT 1 FROM now.cdm.person AS n WHERE n.person_id = b.person_id))
