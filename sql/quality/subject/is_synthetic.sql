-- Made-up exports say so in the name of each file.
SELECT count(*) > 0 AND bool_and(contains(upper(file), 'SYNTHETIC'))
FROM audit.files
