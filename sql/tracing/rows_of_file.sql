-- The first and the last row of a file that maps have read.
SELECT min(row), max(row)
FROM (
    SELECT row FROM audit.row_origins WHERE file_number = $file
    UNION ALL
    SELECT row FROM audit.left_out WHERE file_number = $file
    UNION ALL
    SELECT rejects.row
    FROM audit.rejects AS rejects
    JOIN audit.files AS files ON files.file = rejects.file AND files.sheet IS NOT DISTINCT FROM rejects.sheet
    WHERE files.file_number = $file
) AS every_row
