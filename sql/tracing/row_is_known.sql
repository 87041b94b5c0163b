-- Whether a map has read this row of the export.
SELECT
    EXISTS (SELECT 1 FROM audit.row_origins WHERE file_number = $file AND row = $row)
    OR EXISTS (SELECT 1 FROM audit.left_out WHERE file_number = $file AND row = $row)
    OR EXISTS (
        SELECT 1
        FROM audit.rejects AS rejects
        JOIN audit.files AS files ON files.file = rejects.file AND files.sheet IS NOT DISTINCT FROM rejects.sheet
        WHERE files.file_number = $file AND rejects.row = $row
    )
