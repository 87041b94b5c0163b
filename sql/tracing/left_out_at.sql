-- Why maps did not use one row of the export that they read themselves.
SELECT "map", reason, NULL AS field, piece, NULL AS made_of
FROM audit.left_out
WHERE "map" IN (SELECT unnest($maps)) AND file_number = $file AND row = $row AND made_of IS NULL
UNION ALL
SELECT rejects."map", rejects.reason, rejects.field, rejects.piece, NULL
FROM audit.rejects AS rejects
JOIN audit.files AS files ON files.file = rejects.file AND files.sheet IS NOT DISTINCT FROM rejects.sheet
WHERE rejects."map" IN (SELECT unnest($maps)) AND files.file_number = $file AND rejects.row = $row AND rejects.made_of IS NULL
ORDER BY "map", reason, piece
